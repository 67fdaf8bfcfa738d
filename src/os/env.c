/* SPDX-License-Identifier: MIT */
/* The environment by libc's `environ`, which is set before the first call. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os/env.h"

#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "os/kernel.h"

void sta_env_each(const char *prefix,
                  void (*each)(const char *name, size_t name_len,
                               const char *value, void *context),
                  void *context)
{
    size_t prefix_len = strlen(prefix);
    if (getauxval(AT_SECURE) || environ == NULL)
        return;
    for (char **e = environ; *e != NULL; e++) {
        const char *equals = strchr(*e, '=');
        if (equals && strncmp(*e, prefix, prefix_len) == 0)
            each(*e, (size_t)(equals - *e), equals + 1, context);
    }
}

uint64_t sta_env_seed(void)
{
    uint64_t bits[2] = {0};
    const void *given = (const void *)getauxval(AT_RANDOM);
    if (given)
        memcpy(bits, given, sizeof bits);
    /* The C library's own secrets are in them: mixed, so that what leaks here
     * does not give them away. */
    uint64_t mix = bits[0] + (bits[1] << 32 | bits[1] >> 32);
    mix = (mix ^ mix >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return mix ^ mix >> 31;
}

uint64_t sta_env_random(void)
{
    enum { DO_NOT_WAIT = 1 }; /* for entropy, just after a boot */
    uint64_t bits = 0;
    if (sta_kernel(SYS_getrandom, (long)&bits, sizeof bits, DO_NOT_WAIT) !=
        sizeof bits)
        bits = sta_env_seed();
    return bits;
}

/* A copy, since programs that show a title in ps (nginx, PostgreSQL) write it
 * over the arguments, into which program_invocation_short_name points. */
static char program[256];

void sta_env_keep_program(void)
{
    const char *name = program_invocation_short_name;
    if (name)
        strncpy(program, name, sizeof program - 1);
}

const char *sta_env_program(void)
{
    if (!*program) /* a static program allocates before it has its name */
        sta_env_keep_program();
    return *program ? program : "program";
}
