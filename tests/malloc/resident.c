/* SPDX-License-Identifier: MIT */
/*
 * How much memory is resident follows what the program uses, whether or not
 * the system gives huge pages: a page that was never written is not there, and
 * what was freed goes back without a call that asks for it, and in small steps.
 *
 * This program's own madvise, which libstalloc finds, counts its calls.
 */
#include "check.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KIB = 1024, MIB = 1024 * 1024, PAGE = 4096, TABLES = 100 };

/* A free purges twice (heap/config.h), its slab 8 times, when every other page
 * of it is free, and so one that it looks at on the way (heap/trim.c). */
enum { CALLS_OF_A_FREE = 18 };

/* At levels 2 and 3 freed objects wait, in quarantine and for a size that may
 * be asked for again, and a slab stays whole for each that is not free: what it
 * is filled with tells of a write after a free. */
static int slabs_stay_whole(void)
{
    return check_level() >= 2;
}

/* free() is declared to change no variable */
static volatile size_t calls;

int madvise(void *p, size_t size, int advice)
{
    calls++;
    return (int)syscall(SYS_madvise, p, size, advice);
}

/* Frees every `step`th object below `end`. */
static void free_some(char **object, size_t first, size_t end, size_t step)
{
    for (size_t i = first; i < end; i += step)
        free(object[i]);
}

/* 500 MiB of tables of which one page in 64 is written, again and again; each
 * ends in two megabytes that an aligned object, or the next, begins in. */
static void sparse_tables_stay_sparse(void)
{
    enum { BYTES = 5 * MIB - 64 * KIB, ROUNDS = 4 };
    static char *table[TABLES], *apart[TABLES];
    char *front = malloc(16 * MIB);
    long before = status_kib("VmRSS");

    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < TABLES; i++) {
            REQUIRE((table[i] = calloc(1, BYTES)) != NULL);
            if (i % 2 == 0)
                REQUIRE((apart[i] = aligned_alloc(2 * MIB, PAGE)) != NULL);
            for (size_t at = 0; at < BYTES; at += 64 * PAGE)
                table[i][at] = 1;
        }
        CHECK(status_kib("VmRSS") < before + 16 * KIB);
        free_some(table, 0, TABLES, 1);
        free_some(apart, 0, TABLES, 2);
    }
    free(front);
}

/* A table of 256 MiB is made and freed in a few system calls. */
static void a_large_table_takes_few_calls(void)
{
    size_t most = 0;

    for (int i = 0; i < 4; i++) {
        size_t before = calls;
        char *table = calloc(1, 256 * MIB);
        REQUIRE(table != NULL);
        table[i] = 1;
        free(table);
        most = most < calls - before ? calls - before : most;
    }
    CHECK(most <= 2 * CALLS_OF_A_FREE);
}

/* Tables of 1 to 32 MiB, one page in 64 written, replace one another. */
static void sparse_tables_follow_others(void)
{
    enum { SLOTS = 8, ROUNDS = 200 };
    static char *slot[SLOTS];
    long before = status_kib("VmRSS");
    long most = 0;
    uint32_t random = 1;

    for (size_t i = 0; i < ROUNDS; i++) {
        random = random * 1664525 + 1013904223;
        size_t bytes = (1 + random % 32) * MIB;
        size_t at = (random >> 8) % 64 * PAGE;
        char **table = &slot[(random >> 16) % SLOTS];
        free(*table);
        *table = calloc(1, bytes);
        REQUIRE(*table != NULL);
        for (; at < bytes; at += 64 * PAGE) {
            CHECK((*table)[at] == 0);
            (*table)[at] = 1;
        }
        long now = status_kib("VmRSS");
        most = now > most ? now : most;
    }
    CHECK(most < before + 16 * KIB);
    free_some(slot, 0, SLOTS, 1);
}

/* Objects that their alignment keeps apart: what lies between them is never
 * written to, and not there. */
static void what_an_alignment_skips_stays_away(void)
{
    enum { BYTES = 200 * MIB };
    static const struct {
        size_t size, align;
    } kind[] = {
        {PAGE, 2 * MIB},  {64 * KIB, MIB},       {PAGE, 64 * KIB},
        {PAGE, 16 * KIB}, {1200 * KIB, 2 * MIB}, {3 * MIB, 2 * MIB},
    };
    static char *object[BYTES / (16 * KIB)];

    for (size_t k = 0; k < COUNT_OF(kind); k++) {
        size_t align = kind[k].align, size = kind[k].size;
        size_t count = BYTES / ((size + align - 1) / align * align);
        size_t most = size + 256 + (slabs_stay_whole() ? PAGE : 0);
        long before = status_kib("VmRSS");
        for (size_t i = 0; i < count; i++) {
            REQUIRE((object[i] = aligned_alloc(align, size)) != NULL);
            memset(object[i], 1, size);
        }
        if (check_is_stalloc())
            CHECK(status_kib("VmRSS") <
                  before + (long)(count * most / KIB) + 4 * KIB);
        free_some(object, 0, count, 1);
        if (check_is_stalloc())
            malloc_trim(0);
    }
}

struct object {
    struct object *next;
    size_t size;
};

/* Takes 256 KiB in objects that are allocated together. */
static struct object *begin_session(uint32_t *random, size_t *bytes)
{
    struct object *first = NULL;

    *bytes = 0;
    while (*bytes < 256 * KIB) {
        *random = *random * 1664525 + 1013904223;
        size_t size = 16 + (*random >> 8) % 1984;
        struct object *p = malloc(size);
        REQUIRE(p != NULL);
        memset(p, 1, size);
        *p = (struct object){first, size};
        first = p;
        *bytes += size;
    }
    return first;
}

/* Returns the most system calls of one free. */
static size_t end_session(struct object *first)
{
    size_t most = 0;

    while (first != NULL) {
        struct object *next = first->next;
        size_t before = calls;
        free(first);
        most = most < calls - before ? calls - before : most;
        first = next;
    }
    return most;
}

/* 256 KiB in objects of one size, then of the next: what was freed of one is
 * used for the others. */
static void one_size_uses_the_pages_of_another(void)
{
    enum { BYTES = 256 * KIB, LEAST = 80, STEP = 16, SIZES = 11 };
    static char *object[BYTES / LEAST];
    long before = status_kib("VmRSS");

    for (size_t size = LEAST; size < LEAST + SIZES * STEP; size += STEP) {
        size_t count = BYTES / size;
        for (size_t i = 0; i < count; i++) {
            object[i] = malloc(size);
            REQUIRE(object[i] != NULL);
            memset(object[i], 1, size);
        }
        free_some(object, 0, count, 1);
    }
    long waiting = slabs_stay_whole() ? 4 * BYTES / KIB : 0;
    if (check_is_stalloc())
        CHECK(status_kib("VmRSS") < before + 2 * BYTES / KIB + waiting);
}

/* Buffers that grow side by side: what waits for sizes that are not asked for
 * any more keeps no pages while new ones are taken. */
static void sizes_that_are_past_keep_no_pages(void)
{
    enum { BUFFERS = 100, STEP = 40, MOST = 15000 };
    static struct {
        char *data;
        size_t size;
    } buffer[BUFFERS];
    uint32_t random = 1;
    size_t live = 0;
    long before = status_kib("VmRSS");

    while (live < (size_t)BUFFERS * MOST) {
        random = random * 1664525 + 1013904223;
        size_t i = (random >> 8) % BUFFERS;
        buffer[i].data = realloc(buffer[i].data, buffer[i].size + STEP);
        REQUIRE(buffer[i].data != NULL);
        memset(buffer[i].data + buffer[i].size, 1, STEP);
        buffer[i].size += STEP;
        live += STEP;
    }
    if (check_is_stalloc())
        CHECK((size_t)(status_kib("VmRSS") - before) <
              live * (slabs_stay_whole() ? 4 : 2) / KIB);
    for (size_t i = 0; i < BUFFERS; i++)
        free(buffer[i].data);
}

/* 200 MiB in sessions, of which all but one in fifty end, in another order than
 * they began; no call of malloc_trim. */
static void a_program_that_shrinks_is_small(void)
{
    enum { SESSIONS = 800, KEPT_EVERY = 50, STRIDE = 331 };
    static struct object *session[SESSIONS];
    uint32_t random = 1;
    size_t bytes, kept = 0, most = 0;
    long before = status_kib("VmRSS");

    for (size_t i = 0; i < SESSIONS; i++) {
        session[i] = begin_session(&random, &bytes);
        kept += i % KEPT_EVERY == 0 ? bytes : 0;
    }
    CHECK(status_kib("VmRSS") > before + 200 * KIB);
    for (size_t i = 0; i < SESSIONS; i++) {
        size_t which = i * STRIDE % SESSIONS;
        if (which % KEPT_EVERY == 0)
            continue;
        size_t in_session = end_session(session[which]);
        most = most < in_session ? in_session : most;
    }
    long after = status_kib("VmRSS");
    if (check_is_stalloc() && slabs_stay_whole()) {
        CHECK((size_t)(after - before) <= kept * 8 / KIB);
    } else if (check_is_stalloc()) {
        CHECK((size_t)(after - before) <= kept * 3 / 2 / KIB + 2 * KIB);
        CHECK(calls > 100);
        if (most > CALLS_OF_A_FREE)
            printf("%zu calls in one free\n", most);
        CHECK(most <= CALLS_OF_A_FREE);
    }
    for (size_t i = 0; i < SESSIONS; i += KEPT_EVERY)
        end_session(session[i]);
}

/* One object pins each 64 KiB of 128 MiB, until what lies between has gone;
 * then they go too, and the single pages that they were on go together. */
static void single_pages_go_together(void)
{
    enum { BYTES = 128 * MIB, SIZE = 64, KEPT_EVERY = 1024 };
    enum { PAGES = BYTES / SIZE / KEPT_EVERY };
    static char *object[BYTES / SIZE];

    for (size_t i = 0; i < COUNT_OF(object); i++) {
        object[i] = malloc(SIZE);
        REQUIRE(object[i] != NULL);
        object[i][0] = 1;
    }
    for (size_t i = 0; i < COUNT_OF(object); i++)
        if (i % KEPT_EVERY != 0)
            free(object[i]);
    if (check_is_stalloc())
        malloc_trim(0);
    size_t before = calls;
    free_some(object, 0, COUNT_OF(object), KEPT_EVERY);
    if (check_is_stalloc() && !slabs_stay_whole())
        CHECK(calls - before <= PAGES / 4);
}

/* What the library knows of 400 MiB of single pages, 6 MiB, goes with them. */
static void nothing_stays_of_many_pages(void)
{
    enum { PAGES = 100000 };
    static char *page[PAGES];
    long before = status_kib("VmRSS");

    for (size_t i = 0; i < PAGES; i++) {
        page[i] = malloc(PAGE);
        REQUIRE(page[i] != NULL);
        page[i][0] = 1;
    }
    free_some(page, 0, PAGES, 1);
    if (check_is_stalloc())
        CHECK(status_kib("VmRSS") < before + 4 * KIB);
}

/* More is free than may stay resident, in pages too small for the buffer that
 * a loop needs; it has that without a system call for each turn. */
static void a_buffer_of_a_loop_stays(void)
{
    enum { PAGES = 120000, TURNS = 1000, BUFFER = 300 * KIB };
    static char *page[PAGES];

    for (size_t i = 0; i < PAGES; i++)
        REQUIRE((page[i] = malloc(PAGE)) != NULL);
    free_some(page, 0, PAGES, 2);
    size_t before = calls;
    for (int i = 0; i < TURNS; i++)
        free(hide_pointer(malloc(BUFFER)));
    if (check_is_stalloc() && !slabs_stay_whole())
        CHECK(calls - before < TURNS / 10);
    free_some(page, 1, PAGES, 2);
}

/* Objects that all go and all come again, round by round, find the pages of
 * their slabs where they were. */
static void slabs_of_a_loop_stay(void)
{
    enum { SIZE = 5000, COUNT = 1000, ROUNDS = 200 };
    static char *object[COUNT];
    size_t before = calls;

    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            object[i] = malloc(SIZE);
            REQUIRE(object[i] != NULL);
            object[i][0] = object[i][SIZE - 1] = 1;
        }
        free_some(object, 0, COUNT, 1);
    }
    if (check_is_stalloc() && !slabs_stay_whole())
        CHECK(calls - before < 2 * ROUNDS);
}

/* Buffers that come and go are kept, since their pages are needed again; but
 * not when all are gone. */
static void nothing_stays_of_big_buffers(void)
{
    static char *buffer[8];
    uint32_t random = 1;
    long before = status_kib("VmRSS");

    for (int round = 0; round < 100; round++) {
        random = random * 1664525 + 1013904223;
        size_t size = (4 + (random >> 8) % 28) * MIB;
        char **p = &buffer[(random >> 20) % COUNT_OF(buffer)];
        free(*p);
        *p = malloc(size);
        REQUIRE(*p != NULL);
        for (size_t at = 0; at < size; at += PAGE)
            (*p)[at] = 1;
    }
    free_some(buffer, 0, COUNT_OF(buffer), 1);
    if (check_is_stalloc())
        CHECK(status_kib("VmRSS") < before + 12 * KIB);
}

enum { LARGE_HEAP = 1000 * MIB, LARGE_LEAST = 200 * KIB };

/* Allocates and frees a large heap, untouched; returns what stays of it. */
static size_t left_of_a_large_heap(size_t size, int reverse)
{
    static char *object[LARGE_HEAP / LARGE_LEAST];
    size_t count = LARGE_HEAP / size;

    for (size_t i = 0; i < count; i++)
        REQUIRE((object[i] = malloc(size)) != NULL);
    for (size_t i = 0; i < count; i++)
        free(object[reverse ? count - 1 - i : i]);
    return mallinfo2().keepcost;
}

/* More than half a GiB is freed in a row, in the order in which it came or the
 * reverse. */
static void nothing_stays_of_a_large_heap(void)
{
    static const size_t size[] = {LARGE_LEAST, MIB, 20 * MIB};

    if (!check_is_stalloc() || slabs_stay_whole() || sizeof(void *) < 8)
        return;
    for (size_t i = 0; i < COUNT_OF(size); i++) {
        CHECK(left_of_a_large_heap(size[i], 0) <= (size_t)66 * MIB);
        CHECK(left_of_a_large_heap(size[i], 1) <= (size_t)66 * MIB);
    }
}

/* Nor below small holes, which more system calls would be needed for; after a
 * rest, or it would be one more of many rounds (rounds.c). */
static void nothing_large_stays_below_holes(void)
{
    enum { PAGES = 50000, HOLES = PAGES / 2 };
    static char *large[LARGE_HEAP / MIB];
    static char *page[PAGES];

    if (!check_is_stalloc() || slabs_stay_whole() || sizeof(void *) < 8)
        return;
    sleep(2);
    for (int reverse = 0; reverse < 2; reverse++) {
        for (size_t i = 0; i < COUNT_OF(large); i++)
            REQUIRE((large[i] = malloc(MIB)) != NULL);
        for (size_t i = 0; i < PAGES; i++)
            REQUIRE((page[i] = malloc(PAGE)) != NULL);
        free_some(page, 0, PAGES, 2);
        for (size_t i = 0; i < COUNT_OF(large); i++)
            free(large[reverse ? COUNT_OF(large) - 1 - i : i]);
        CHECK(mallinfo2().keepcost <= (size_t)HOLES * PAGE + 66 * MIB);
        free_some(page, 1, PAGES, 2);
    }
}

int main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"sizes_that_are_past_keep_no_pages",
         sizes_that_are_past_keep_no_pages},
        {"one_size_uses_the_pages_of_another",
         one_size_uses_the_pages_of_another},
        {"a_program_that_shrinks_is_small", a_program_that_shrinks_is_small},
        {"single_pages_go_together", single_pages_go_together},
        {"nothing_stays_of_many_pages", nothing_stays_of_many_pages},
        {"a_buffer_of_a_loop_stays", a_buffer_of_a_loop_stays},
        {"slabs_of_a_loop_stay", slabs_of_a_loop_stay},
        {"nothing_stays_of_big_buffers", nothing_stays_of_big_buffers},
        {"nothing_stays_of_a_large_heap", nothing_stays_of_a_large_heap},
        {"nothing_large_stays_below_holes", nothing_large_stays_below_holes},
        {"what_an_alignment_skips_stays_away",
         what_an_alignment_skips_stays_away},
        {"sparse_tables_stay_sparse", sparse_tables_stay_sparse},
        {"a_large_table_takes_few_calls", a_large_table_takes_few_calls},
        {"sparse_tables_follow_others", sparse_tables_follow_others},
    };

    return check_main(argc, argv, cases, COUNT_OF(cases));
}
