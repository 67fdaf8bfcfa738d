/* SPDX-License-Identifier: MIT */
/* A handler of SIGABRT that allocates, as those do that report a crash. */
#ifndef TESTS_MISUSE_HANDLER_H
#define TESTS_MISUSE_HANDLER_H

#include <signal.h>
#include <stdlib.h>

static void allocate(int number)
{
    (void)number;
    for (size_t size = 16; size <= 1 << 18; size *= 2)
        free(malloc(size + 8));
}

static inline void handle_abort(void)
{
    signal(SIGABRT, allocate);
}

#endif
