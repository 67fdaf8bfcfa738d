/* SPDX-License-Identifier: MIT */
/*
 * Objects freed by threads that do not own them, while the owner allocates.
 *
 * An owner hands blocks of a zone to three threads through one slot each; they
 * check the contents and free without a lock. What could go wrong: a free lost
 * or taken in twice, or contents of the next use seen by the last (run it under
 * ThreadSanitizer for that). At the end every page must have come back.
 */
#include <stalloc/zone.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "tests/lib/check.h"
#include "tests/lib/rng.h"

enum { THREADS = 3, BLOCKS = 8000, SIZE_LIMIT = 20000 };

struct block {
    struct sta_zone *zone;
    size_t size;
    unsigned char bytes[];
};

static struct sta_zone zone;
static _Atomic(struct block *) slots[THREADS];
static atomic_bool done;

static void *free_what_comes(void *slot)
{
    _Atomic(struct block *) *mine = slot;
    size_t bad = 0;

    for (;;) {
        bool last = atomic_load(&done);
        struct block *b = atomic_exchange(mine, NULL);

        if (b) {
            bad += b->bytes[b->size - 1] != (unsigned char)b->size;
            bad += !sta_zone_free_remote(b->zone, b, sizeof *b + b->size, 8);
        } else if (last)
            return (void *)bad;
        else
            sched_yield();
    }
}

int main(void)
{
    struct sta_source_counter counter;
    struct sta_zone_config config = {
        .large_page_bytes = 65536,
        .pager = sta_source_counting(&counter, sta_source_mmap())};
    pthread_t threads[THREADS];
    struct rng rng = {7};
    unsigned attempts = 0;

    REQUIRE(sta_zone_init(&zone, &config) == STA_OK);
    for (int t = 0; t < THREADS; t++)
        REQUIRE(!pthread_create(&threads[t], NULL, free_what_comes, &slots[t]));
    for (int i = 0; i < BLOCKS; i++) {
        size_t size = rng_log(&rng, SIZE_LIMIT);
        struct block *b = sta_zone_alloc(&zone, sizeof *b + size, 8), *none;

        REQUIRE(b);
        b->zone = &zone;
        b->size = size;
        b->bytes[size - 1] = (unsigned char)size;
        do {
            none = NULL;
            if (++attempts % 64 == 0) /* Valgrind runs one thread at a time */
                sched_yield();
        } while (!atomic_compare_exchange_weak(&slots[i % THREADS], &none, b));
    }
    atomic_store(&done, true);
    for (int t = 0; t < THREADS; t++) {
        void *bad;

        pthread_join(threads[t], &bad);
        CHECK(bad == NULL);
    }
    sta_zone_trim(&zone);
    CHECK(sta_zone_audit(&zone) == STA_OK);
    CHECK(counter.out_bytes == 0);
    return check_status();
}
