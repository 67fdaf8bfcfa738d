/* SPDX-License-Identifier: MIT */
/* The library's own names (stalloc/malloc.h); the first thing it does, to ask
 * whether it may serve this program, and the last. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "stalloc/malloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "heap/heap.h"
#include "heap/last_look.h"
#include "heap/options.h"
#include "heap/stats.h"
#include "heap/threads.h"
#include "heap/trim.h"
#include "malloc/names.h"
#include "os/die.h"
#include "os/env.h"
#include "os/kernel.h"

STA_EXPORT const char *sta_version(void)
{
    return STA_VERSION;
}

STA_EXPORT int sta_is_active(void)
{
    /* volatile: a compiler may take two names for two functions */
    void *(*volatile global)(size_t) = malloc;
    return global == sta_own_malloc;
}

STA_EXPORT int sta_stats_get(struct sta_stats *out, size_t size)
{
    struct sta_stats all;
    if (size < 2 * sizeof(uint32_t)) {
        errno = EINVAL;
        return -1;
    }
    if (size > sizeof all)
        size = sizeof all;
    sta_stats_collect_all(&all);
    all.size = (uint32_t)size;
    memcpy(out, &all, size);
    return 0;
}

STA_EXPORT int sta_stats_print(int fd, const char *format)
{
    int error = EINVAL;
    if (strcmp(format, "text") == 0)
        error = sta_stats_write(fd, STA_FORMAT_TEXT);
    else if (strcmp(format, "json") == 0)
        error = sta_stats_write(fd, STA_FORMAT_JSON);
    if (error == 0)
        return 0;
    errno = error;
    return -1;
}

STA_EXPORT size_t sta_trim(size_t keep_bytes)
{
    return sta_heap_trim(keep_bytes);
}

/* What a sanitizer's runtime brings; 0 in a program without one. */
void __asan_init(void) __attribute__((weak));
void __tsan_init(void) __attribute__((weak));
void __msan_init(void) __attribute__((weak));

static bool has_sanitizer(void)
{
    return __asan_init || __tsan_init || __msan_init;
}

/* A sanitizer's malloc finds what it looks for only if it is the one that runs.
 * Then nothing of ours is ever called, which is all that stepping aside takes;
 * whether it stands first is up to the dynamic linker and the user. */
__attribute__((constructor(101))) static void note_sanitizer(void)
{
    if (has_sanitizer() && !sta_is_active())
        sta_warn("this program has a sanitizer; libstalloc steps aside");
}

/* In its place ours is called before the runtime has started, whose functions
 * then crash: mmap, and also abort; so the program ends by a system call, with
 * the status that AddressSanitizer has for this. */
void sta_heap_starts(void)
{
    if (!has_sanitizer() || !sta_is_active())
        return;
    sta_warn("this program has a sanitizer, which needs its own malloc; "
             "preload its runtime before libstalloc");
    sta_kernel(SYS_exit_group, 1);
}

static void note(const char *name, size_t name_len, const char *value,
                 void *found)
{
    (void)name, (void)name_len, (void)value;
    *(bool *)found = true;
}

/* After exit handlers and other libraries' destructors, or most of them. */
__attribute__((destructor)) static void at_exit(void)
{
    /* A program that never allocated has not had its options read; only if it
     * has any is it worth to set up the library now. */
    if (!sta_heap_started()) {
        bool options = false;
        sta_env_each("STALLOC_", note, &options);
        if (!options)
            return;
        sta_heap_leave(sta_heap_enter());
    }
    sta_last_look();
    sta_stats_at_exit();
}
