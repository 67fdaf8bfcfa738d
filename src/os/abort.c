/* SPDX-License-Identifier: MIT */
/* abort(3), but once. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os/abort.h"

#include <signal.h>
#include <stdlib.h>

static _Thread_local bool begun __attribute__((tls_model("initial-exec")));

bool sta_abort_begun(void)
{
    return begun;
}

_Noreturn void sta_abort(void)
{
    const struct sigaction by_default = {.sa_handler = SIG_DFL};
    if (begun)
        sigaction(SIGABRT, &by_default, NULL);
    begun = true;
    abort();
}
