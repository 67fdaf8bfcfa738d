/* SPDX-License-Identifier: MIT */
/*
 * The system makes huge pages behind the program's back, of blocks that ask for
 * one and have a page resident (khugepaged).  When it does so just after a part
 * of a block went, that is resident again, and the heap must not believe that
 * it is not.
 *
 * That takes some luck, so this is the system that always does: at the last
 * moment, when the heap is about to say that a block is to do without.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "heap/heap.h"
#include "heap/trim.h"
#include "tests/lib/check.h"

enum { BLOCKS = 8, PAGES = BLOCKS * STA_HUGE_UNITS, SKIPPED = 77 };

static size_t filled;

/* The heap is linked to this one. */
int madvise(void *p, size_t bytes, int advice)
{
    volatile char *at = p;
    bool leaves = advice == MADV_NOHUGEPAGE && bytes == STA_HUGE_BYTES;
    for (size_t i = 0; leaves && i < bytes; i += STA_UNIT_BYTES) {
        at[i] = at[i]; /* is resident now, and says what it said */
        filled++;
    }
    return (int)syscall(SYS_madvise, p, bytes, advice);
}

static void *allocate(size_t size)
{
    volatile size_t bytes = size; /* gcc would warn of where it is not used */
    void *p = sta_heap_alloc(bytes);
    REQUIRE(p != NULL);
    return memset(p, 1, size);
}

/* Frees an object between others. */
static void free_between(void)
{
    void *in_front = allocate(200 << 10);
    void *freed = allocate(300 << 10);
    void *behind = allocate(200 << 10);
    sta_heap_free(freed);
    sta_heap_free(behind);
    sta_heap_free(in_front);
}

/* Has one moved away from between others. */
static void move_between(void)
{
    void *in_front = allocate(200 << 10);
    void *moved = allocate(700 << 10);
    void *behind = allocate(200 << 10);
    void *after = sta_heap_realloc(moved, 2 << 20);
    REQUIRE(after != NULL && after != moved);
    sta_heap_free(behind);
    sta_heap_free(in_front);
    sta_heap_free(after);
}

/* Pages of the blocks that ask for huge ones. */
static size_t resident_pages(void)
{
    static unsigned char pages[PAGES];
    char *first = (char *)sta_regions[0].stale.huge.base + STA_HUGE_FROM;
    size_t count = 0;

    REQUIRE(mincore(first, PAGES * STA_UNIT_BYTES, pages) == 0);
    for (size_t i = 0; i < PAGES; i++)
        count += pages[i] & 1;
    return count;
}

int main(void)
{
    if (sysconf(_SC_PAGESIZE) != STA_UNIT_BYTES)
        return SKIPPED; /* counts pages */
    setenv("STALLOC_PURGE", "now", 1);
    void *filler = allocate(STA_HUGE_FROM);
    sta_heap_free(allocate(PAGES * STA_UNIT_BYTES)); /* commits all blocks */
    free_between();
    sta_heap_trim(0);
    CHECK(resident_pages() == 0);
    move_between();
    sta_heap_trim(0);
    CHECK(resident_pages() == 0);
    CHECK(filled != 0);
    sta_heap_free(filler);
    return check_status();
}
