/* SPDX-License-Identifier: MIT */
/* Many lives of the heap in one process; see heap_restart.h. */
#include "heap/threads.h"
#include "tests/lib/heap_restart.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "heap/guard.h"
#include "heap/recent.h"
#include "heap/region.h"
#include "os/die.h"

const char *volatile heap_last_words;
jmp_buf heap_death;

/* In place of os/die.c, which is in an archive and hence left there. */
void sta_warn(const char *format, ...)
{
    (void)format;
}

_Noreturn void sta_die(const char *format, ...)
{
    heap_last_words = format;
    longjmp(heap_death, 1);
}

static void (*thread_end)(void *heap);

int __real_pthread_key_create(pthread_key_t *key, void (*end)(void *));
int __wrap_pthread_key_create(pthread_key_t *key, void (*end)(void *));
int __wrap_pthread_key_create(pthread_key_t *key, void (*end)(void *))
{
    thread_end = end;
    return __real_pthread_key_create(key, NULL);
}

void heap_end_thread(void)
{
    if (sta_self != &sta_heap_none && sta_self != &sta_heap_gone)
        thread_end(sta_self);
}

/* What still points into the life before is to be found: nothing comes to lie
 * there in the next one. */
static void hold_addresses(void *p, size_t bytes)
{
    static void *held = MAP_FAILED;
    static size_t held_bytes;

    if (held != MAP_FAILED)
        munmap(held, held_bytes);
    held = mmap(p, bytes, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    held_bytes = bytes;
}

bool heap_restart(const struct sta_options *options)
{
    static struct sta_heap none;
    static bool started;

    if (!started) {
        sta_heap_leave(sta_heap_enter());
        memcpy(&none, &sta_heap_none, sizeof none);
        started = mprotect(&sta_options, sizeof sta_options,
                           PROT_READ | PROT_WRITE) == 0;
    }
    sta_options = *options;
    sta_options_derive();
    struct sta_region first = sta_regions[0];
    for (uint32_t i = 0; i < sta_region_count; i++)
        sta_region_release(&sta_regions[i]);
    hold_addresses(first.reservation, first.reservation_bytes);
    sta_region_count = 0;
    memset(&sta_recent, 0, sizeof sta_recent);
    memset(&sta_page_counts, 0, sizeof sta_page_counts);
    memset(&sta_heap_shared, 0, sizeof sta_heap_shared);
    memcpy(&sta_heap_none, &none, sizeof none);
    sta_heaps = sta_heaps_looked = NULL;
    sta_lock_reset(&sta_heaps_lock);
    sta_lock_reset(&sta_pages_lock);
    sta_self = &sta_heap_none;
    if (!sta_pages_init())
        return false;
    if (sta_guard_active())
        sta_guard_init();
    sta_guard_self = sta_heaps; /* any of them; none at level 1 */
    return true;
}
