/* SPDX-License-Identifier: MIT */
/*
 * A page that was never touched is the program's to touch first: malloc hands
 * out the first object there as it is, and cuts the page later.
 *
 * Could fail: malloc waits for the system once a page; or a call does not know
 * that object, which the map of pages does not lead to yet.
 */
#include "check.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>

enum { PAGE = 4096 };

static size_t faults(void)
{
    struct rusage used;
    REQUIRE(getrusage(RUSAGE_SELF, &used) == 0);
    return (size_t)used.ru_minflt;
}

/* 2 MiB of objects; the program writes to each. */
static void malloc_waits_for_few_pages(void)
{
    enum { SIZE = 1000, COUNT = 2000, PAGES = SIZE * COUNT / PAGE };
    static char *object[COUNT];
    size_t in_malloc = 0;

    for (size_t i = 0; i < COUNT; i++) {
        size_t before = faults();
        object[i] = malloc(SIZE);
        in_malloc += faults() - before;
        REQUIRE(object[i] != NULL);
        memset(object[i], 1, SIZE);
    }
    if (check_is_stalloc() && check_level() < 2)
        CHECK(in_malloc < PAGES / 4);
    for (size_t i = 0; i < COUNT; i++)
        free(object[i]);
}

static void *free_it(void *object)
{
    free(object);
    return NULL;
}

static void free_elsewhere(char *object)
{
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, free_it, object) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
}

/* What a program may do with its newest object. */
static char *use(char *object, size_t size, uint32_t how)
{
    CHECK(malloc_usable_size(object) >= size);
    switch (how) {
    case 0:
        free(object);
        return malloc(size);
    case 1:
        CHECK(realloc(object, size) == object);
        return object;
    case 2:
        return realloc(object, 2 * size);
    case 3:
        return realloc(object, 1);
    case 4:
        free_elsewhere(object);
        return malloc(size);
    default:
        return object;
    }
}

/* The i-th object has i in every byte, wherever it comes to lie. */
static void every_call_knows_the_first_object_there(void)
{
    enum { COUNT = 60, MOST = 5000, STEP = 77 };
    static char *object[COUNT];
    static size_t kept[COUNT];
    uint32_t how = 0;

    for (size_t size = 16; size < MOST; size += STEP) {
        for (size_t i = 0; i < COUNT; i++, how = (how + 1) % 7) {
            object[i] = malloc(size);
            REQUIRE(object[i] != NULL);
            object[i] = use(object[i], size, how);
            REQUIRE(object[i] != NULL);
            kept[i] = how == 3 ? 1 : size;
            memset(object[i], (int)i, kept[i]);
        }
        for (size_t i = 0; i < COUNT; i++) {
            for (size_t at = 0; at < kept[i]; at++)
                CHECK(object[i][at] == (char)i);
            free(object[i]);
        }
    }
}

/* The system refuses what is too large for it when there is a table for each
 * page already: these must go as well.  An emulator keeps tables of its own of
 * all that is reserved, which take all the memory of the machine. */
static void what_is_refused_touches_no_page(void)
{
    enum { KIB = 1024 };
    long before = status_kib("VmRSS");
    if (check_is_emulated())
        return;

    for (size_t size = (size_t)1 << 28; size <= PTRDIFF_MAX / 2; size *= 2) {
        free(hide_pointer(malloc(size)));
        free(hide_pointer(memalign(64 * KIB, size)));
    }
    CHECK(status_kib("VmRSS") < before + 32 * KIB);
}

int main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"malloc_waits_for_few_pages", malloc_waits_for_few_pages},
        {"every_call_knows_the_first_object_there",
         every_call_knows_the_first_object_there},
        {"what_is_refused_touches_no_page", what_is_refused_touches_no_page},
    };

    check_needs_threads();
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
