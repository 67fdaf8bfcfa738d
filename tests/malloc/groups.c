/* SPDX-License-Identifier: MIT */
/*
 * A heap of few objects of many sizes takes few pages: sizes that lie side by
 * side share them, until they are many.
 *
 * Could fail: each size takes a page from its first object on; or many objects
 * of a size stay in slots that are too large for them; or a slot is twice as
 * large as its object, which free_sized() takes for a mistake.
 */
#include "check.h"

#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>

enum { PAGE = 4096, STEP = 16, SIZE_MAX_HERE = 512, SIZES = 32 };

static bool has_heaps_of_threads(void)
{
    const char *variant = getenv("STALLOC_VARIANT");
    return check_is_stalloc() && check_level() < 2 &&
           (variant == NULL || strcmp(variant, "mutex") != 0);
}

static size_t slot_bytes(size_t size)
{
    void *p = malloc(size);
    REQUIRE(p != NULL);
    size_t bytes = malloc_usable_size(p);
    free(p);
    return bytes;
}

/* An object of each size up to 512 bytes, in a heap of their own. */
static void *few_of_each(void *unused)
{
    char *object[SIZES];
    uintptr_t page[SIZES];
    size_t pages = 0;

    for (size_t i = 0; i < SIZES; i++) {
        object[i] = malloc((i + 1) * STEP);
        REQUIRE(object[i] != NULL);
        page[pages] = (uintptr_t)object[i] / PAGE;
        size_t at = 0;
        while (page[at] != page[pages])
            at++;
        pages += at == pages;
    }
    CHECK(pages <= 8);
    for (size_t i = 0; i < SIZES; i++)
        free(object[i]);
    return unused;
}

/* Sizes that became many have slots of their own, one after the other. */
static void *many_of_one(void *unused)
{
    enum { COUNT = 200 };
    void *object[COUNT];

    free(malloc(1)); /* the thread has its heap from here on */
    CHECK(slot_bytes(144) > 144);
    for (size_t i = 0; i < COUNT; i++)
        object[i] = malloc(144);
    CHECK(slot_bytes(144) == 144);
    CHECK(slot_bytes(176) == 192);
    CHECK(malloc_usable_size(object[0]) > 144);
    CHECK(malloc_usable_size(object[COUNT - 1]) == 144);
    for (size_t i = 0; i < COUNT; i++)
        free(object[i]);
    return unused;
}

static void in_new_thread(void *(*body)(void *))
{
    pthread_t thread;
    if (!has_heaps_of_threads())
        return;
    REQUIRE(pthread_create(&thread, NULL, body, NULL) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
}

static void few_objects_share_pages(void)
{
    in_new_thread(few_of_each);
}

static void many_objects_fit(void)
{
    in_new_thread(many_of_one);
}

static void no_slot_is_twice_its_object(void)
{
    for (size_t size = STEP + 1; size <= SIZE_MAX_HERE; size++)
        CHECK(!check_is_stalloc() || slot_bytes(size) < 2 * size);
}

int main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"few_objects_share_pages", few_objects_share_pages},
        {"many_objects_fit", many_objects_fit},
        {"no_slot_is_twice_its_object", no_slot_is_twice_its_object},
    };

    check_needs_threads();
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
