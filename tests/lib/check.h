/* SPDX-License-Identifier: MIT */
/*
 * What every test of the structures stands on: a check that goes on, one that
 * ends the program, and a line that says what to run again.
 *
 *     check_context("seed %u step %u", seed, step);
 *     CHECK(sta_runs_audit(&r));
 *
 * prints, when it fails,
 *
 *     tests/unit/runs.c:90: failed: sta_runs_audit(&r) (seed 7 step 311)
 *
 * Exit status is 0 for pass, 1 for fail, 77 for skip: Automake's. Everything
 * here is for one thread.
 */
#ifndef TESTS_LIB_CHECK_H
#define TESTS_LIB_CHECK_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(expr) ((expr) ? (void)0 : check_failed(__FILE__, __LINE__, #expr))
#define REQUIRE(expr)                                                          \
    ((expr) ? (void)0 : (check_failed(__FILE__, __LINE__, #expr), exit(1)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { CHECK_PASS = 0, CHECK_FAIL = 1, CHECK_SKIP = 77 };

static unsigned check_failures;
static char check_context_text[200];

static inline void check_failed(const char *file, int line, const char *expr)
{
    /* What fails in a loop fails often; the first lines say it all. */
    if (check_failures++ < 20)
        fprintf(stderr, "%s:%d: failed: %s%s%s%s\n", file, line, expr,
                check_context_text[0] ? " (" : "", check_context_text,
                check_context_text[0] ? ")" : "");
}

/* Says what a failure from here on belongs to; "" for nothing. */
__attribute__((format(printf, 1, 2))) static inline void
check_context(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(check_context_text, sizeof check_context_text, format, args);
    va_end(args);
}

/* Returns the exit status of the program. */
static inline int check_status(void)
{
    if (check_failures > 0)
        fprintf(stderr, "%u checks failed\n", check_failures);
    return check_failures == 0 ? CHECK_PASS : CHECK_FAIL;
}

#endif
