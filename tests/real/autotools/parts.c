/* SPDX-License-Identifier: MIT */
/* Driven by ../autotools.sh. */
#include <config.h>

int parts_sizeof_long(void);

int parts_sizeof_long(void)
{
    return SIZEOF_LONG;
}
