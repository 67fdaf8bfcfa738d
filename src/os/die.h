/* SPDX-License-Identifier: MIT */
/* The lines that the library says on standard error, and the fatal one. */
#ifndef STA_OS_DIE_H
#define STA_OS_DIE_H

#include "core/attr.h"

/*
 * Writes "stalloc: " and the formatted text (see sta_out_print) as one line
 * to standard error, in one write.
 */
void sta_warn(const char *format, ...) STA_COLD;

/* The same, then ends the process by SIGABRT.  A lock that the caller holds
 * stays held: see sta_lock_wait(). */
_Noreturn void sta_die(const char *format, ...) STA_COLD;

#endif
