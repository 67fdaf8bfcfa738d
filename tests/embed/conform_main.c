/* SPDX-License-Identifier: MIT */
/* The conformance suite as a program: every allocator, one after the other. */
#include <stdio.h>

#include "tests/embed/conform.h"

static void report(const char *subject, const char *promise, int line)
{
    fprintf(stderr, "tests/embed/conform.c:%d: %s: broken: %s\n", line, subject,
            promise);
}

int main(void)
{
    unsigned failures = 0;

    for (unsigned i = 0; i < subject_count; i++) {
        unsigned count = conform(&subjects[i], report);

        printf("%-24s %s\n", subjects[i].name, count ? "FAIL" : "ok");
        failures += count;
    }
    return failures ? 1 : 0;
}
