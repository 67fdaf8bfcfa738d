/* SPDX-License-Identifier: MIT */
/*
 * A sta_writer into a string, for what dumps and tracers write.
 *
 *     struct text t = {.length = 0};
 *     struct sta_writer out = text_writer(&t);
 */
#ifndef TESTS_LIB_TEXT_H
#define TESTS_LIB_TEXT_H

#include <stalloc/base.h>

#include <string.h>

#include "tests/lib/check.h"

struct text {
    char bytes[400];
    size_t length;
};

static inline void text_put(void *ctx, const char *text, size_t length)
{
    struct text *t = ctx;

    REQUIRE(t->length + length < sizeof t->bytes);
    memcpy(t->bytes + t->length, text, length);
    t->length += length;
    t->bytes[t->length] = '\0';
}

static inline struct sta_writer text_writer(struct text *t)
{
    return (struct sta_writer){text_put, t};
}

#endif
