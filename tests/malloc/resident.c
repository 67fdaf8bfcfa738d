/* SPDX-License-Identifier: MIT */
/*
 * How much memory is resident follows what the program uses, whether or not
 * the system gives huge pages: a page that was never written is not there, and
 * what was freed goes back without a call that asks for it.
 */
#include "check.h"

enum { KIB = 1024, MIB = 1024 * 1024, PAGE = 4096, TABLES = 100 };

/* 400 MiB of tables of which one page in 64 is written. */
static void sparse_tables_stay_sparse(void)
{
    enum { BYTES = 4 * MIB };
    static char *table[TABLES];
    long before = status_kib("VmRSS");

    for (size_t i = 0; i < TABLES; i++) {
        table[i] = calloc(1, BYTES);
        REQUIRE(table[i] != NULL);
        for (size_t at = 0; at < BYTES; at += 64 * PAGE)
            table[i][at] = 1;
    }
    CHECK(status_kib("VmRSS") < before + 16 * KIB);
    for (size_t i = 0; i < TABLES; i++)
        free(table[i]);
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

static void end_session(struct object *first)
{
    while (first != NULL) {
        struct object *next = first->next;
        free(first);
        first = next;
    }
}

/* 200 MiB in sessions, of which one in fifty stays; no call of malloc_trim. */
static void a_program_that_shrinks_is_small(void)
{
    enum { SESSIONS = 800, KEPT_EVERY = 50 };
    static struct object *session[SESSIONS];
    uint32_t random = 1;
    size_t bytes, kept = 0;
    long before = status_kib("VmRSS");

    for (size_t i = 0; i < SESSIONS; i++) {
        session[i] = begin_session(&random, &bytes);
        kept += i % KEPT_EVERY == 0 ? bytes : 0;
    }
    CHECK(status_kib("VmRSS") > before + 200 * KIB);
    for (size_t i = 0; i < SESSIONS; i++)
        if (i % KEPT_EVERY != 0)
            end_session(session[i]);
    long after = status_kib("VmRSS");
    if (check_is_stalloc())
        CHECK((size_t)(after - before) <= kept * 3 / 2 / KIB + 2 * KIB);
    for (size_t i = 0; i < SESSIONS; i += KEPT_EVERY)
        end_session(session[i]);
}

int main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"a_program_that_shrinks_is_small", a_program_that_shrinks_is_small},
        {"sparse_tables_stay_sparse", sparse_tables_stay_sparse},
    };

    return check_main(argc, argv, cases, COUNT_OF(cases));
}
