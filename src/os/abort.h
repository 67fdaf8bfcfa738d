/* SPDX-License-Identifier: MIT */
/* The end of the process by SIGABRT, which a program may have a handler for. */
#ifndef STA_OS_ABORT_H
#define STA_OS_ABORT_H

#include <stdbool.h>

#include "core/attr.h"

/* Ends the process: the first time by abort(3), for which the program may have
 * a handler; when that allocates and comes here again, without it. */
_Noreturn void sta_abort(void) STA_COLD;

/* True in such a handler, whose thread may hold a lock of ours for good. */
bool sta_abort_begun(void);

#endif
