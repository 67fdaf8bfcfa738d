/* SPDX-License-Identifier: MIT */
/* The environment, as a process may trust it. */
#ifndef STA_OS_ENV_H
#define STA_OS_ENV_H

#include <stddef.h>
#include <stdint.h>

/*
 * Calls `each(name, name_len, value, context)` for every variable whose name
 * begins with `prefix`.  Does nothing in a set-uid or set-gid program: whoever
 * starts such a program may not steer it.  Does not allocate.
 */
void sta_env_each(const char *prefix,
                  void (*each)(const char *name, size_t name_len,
                               const char *value, void *context),
                  void *context);

/* Returns bits that differ from process to process, without a system call: one
 * may wait at boot, or be forbidden.  Always the same in one process. */
uint64_t sta_env_seed(void);

/* Returns bits that nobody can foresee. */
uint64_t sta_env_random(void);

/* Looks up the name of this program while it is as it was at the start. */
void sta_env_keep_program(void);

/* Returns the last component of this program's file name, for messages. */
const char *sta_env_program(void);

#endif
