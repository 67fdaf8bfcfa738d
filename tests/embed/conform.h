/* SPDX-License-Identifier: MIT */
/* The contract of struct sta_allocator as checks; without a C library. */
#ifndef TESTS_EMBED_CONFORM_H
#define TESTS_EMBED_CONFORM_H

#include "tests/embed/allocators.h"

/* Called for each broken promise. */
typedef void conform_report(const char *subject, const char *promise, int line);

/* Runs all checks over one allocator; returns the number that failed. */
unsigned conform(const struct subject *subject, conform_report *report);

#endif
