/* SPDX-License-Identifier: MIT */
/*
 * The conformance suite as a WebAssembly module: nothing is imported but the
 * function that reports, and the three functions every freestanding program has
 * to offer are here. Besides the table it tries the source of wasm memory.
 */
#include <stalloc/zone.h>

#include "tests/embed/conform.h"

/* From conform_wasm.js: `text` ends at its 0. */
void report_broken(const char *subject, const char *promise, int line);
int conform_all(void);

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    for (size_t i = 0; i < size; i++)
        t[i] = f[i];
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    volatile unsigned char *t = to;

    for (size_t i = 0; i < size; i++)
        t[i] = (unsigned char)byte;
    return to;
}

/* A zone that pages in from memory.grow. */
static int use_wasm_source(void)
{
    static struct sta_zone zone;
    struct sta_zone_config config = {
        .small_page_bytes = 65536,
        .large_page_bytes = 65536,
        .pager = sta_source_wasm(),
    };
    unsigned char *p, *q;

    if (sta_zone_init(&zone, &config) != STA_OK)
        return 1;
    p = sta_zone_alloc(&zone, 100, 8);
    q = sta_zone_alloc(&zone, 200000, 8);
    if (!p || !q)
        return 1;
    p[99] = q[199999] = 1;
    return !sta_zone_free(&zone, p, 100, 8) || sta_zone_audit(&zone) != STA_OK;
}

/* Returns the number of promises that are broken. */
int conform_all(void)
{
    unsigned failures = 0;

    for (unsigned i = 0; i < subject_count; i++)
        failures += conform(&subjects[i], report_broken);
    if (use_wasm_source()) {
        report_broken("sta_source_wasm", "use_wasm_source()", __LINE__);
        failures++;
    }
    return (int)failures;
}
