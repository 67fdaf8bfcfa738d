/* SPDX-License-Identifier: MIT */
/*
 * A program that is linked with -lstalloc, shared or static; tests/malloc/link
 * links it in each way.
 *
 * It uses what a C library's malloc object also defines (mallinfo2, pvalloc):
 * were one of them missing from libstalloc.a, the static link would bring in
 * that object and end with "multiple definition of malloc".
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stalloc/malloc.h"

#define CHECK(expr)                                                            \
    ((expr) ? (void)0                                                          \
            : (fprintf(stderr, "linked.c:%d: failed: %s\n", __LINE__, #expr),  \
               exit(1)))

static void *thread_main(void *argument)
{
    for (size_t i = 1; i < 20000; i++) {
        char *p = malloc(i);
        CHECK(p != NULL);
        p[i - 1] = 1;
        free(p);
    }
    return strdup(argument);
}

int main(void)
{
    struct sta_stats before, after;
    pthread_t thread;
    void *copy = NULL;
    char *text = NULL;

    CHECK(sta_is_active() == 1);
    CHECK(sta_version()[0] >= '0' && sta_version()[0] <= '9');
    CHECK(sta_stats_get(&before, sizeof before) == 0);
    void *p = pvalloc(100);
    void *q = memalign(1 << 16, 3 << 16);
    void *r = NULL;
    CHECK(posix_memalign(&r, 4096, 100000) == 0);
    CHECK(p != NULL && q != NULL);
    CHECK(malloc_usable_size(q) >= 3 << 16);
    CHECK(mallinfo2().uordblks >= (size_t)(3 << 16) + 100000);
    CHECK(sta_stats_get(&after, sizeof after) == 0);
    CHECK(after.live_bytes >= before.live_bytes + (3 << 16) + 100000);
    CHECK(asprintf(&text, "%1000d", 1) == 1000);
    CHECK(pthread_create(&thread, NULL, thread_main, text) == 0);
    CHECK(pthread_join(thread, &copy) == 0);
    CHECK(strcmp(copy, text) == 0);
    free(copy);
    free(text);
    free(p);
    free(q);
    free(r);
    malloc_trim(0);
    CHECK(dlopen("no-such-library.so", RTLD_NOW) == NULL);
    CHECK(mallopt(M_TRIM_THRESHOLD, 1 << 20) == 1);
    puts("linked");
    return 0;
}
