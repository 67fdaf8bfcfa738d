/* SPDX-License-Identifier: MIT */
/*
 * What slabmalloc gets wrong, by the ids of the study that found it; each must
 * go right in sta_slab and sta_zone.
 */
#include <stalloc/zone.h>

#include <stdlib.h>

#include "tests/lib/check.h"

static _Alignas(4096) unsigned char pages[64][4096];
static size_t page_count;

static size_t fill_one_page(struct sta_slab *s)
{
    size_t count = 0;

    REQUIRE(sta_slab_refill(s, pages[0]) == STA_OK);
    while (sta_slab_alloc(s))
        count++;
    return count;
}

/* A request of exactly a class's size got a slot of twice that. */
static void S1_class_boundary(void)
{
    static struct sta_zone z;
    struct sta_zone_config config = {0};

    CHECK(sta_zone_init(&z, &config) == STA_OK);
    CHECK(sta_zone_good_size(&z, 32768, 1) == 32768);
    CHECK(sta_zone_good_size(&z, 32767, 1) == 32768);
    CHECK(sta_zone_good_size(&z, 32769, 1) == 40960);
    for (size_t size = 16; size <= 131072; size *= 2)
        CHECK(sta_zone_good_size(&z, size, 1) == size);
}

/* 8-byte objects at multiples of 64 got 8 slots of a page that has 63. */
static void S2_overaligned_objects_use_the_page(void)
{
    struct sta_slab s;

    CHECK(sta_slab_init(&s, 8, 64, 4096) == STA_OK);
    CHECK(fill_one_page(&s) == 63);
}

/* 512-byte objects used an eighth of a 2 MiB page. */
static void S3_large_pages_are_used(void)
{
    static const size_t sizes[] = {512, 1024, 2048, 4096, 8192};
    enum { LARGE = 2 << 20 };
    void *page = aligned_alloc(LARGE, LARGE);

    REQUIRE(page);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct sta_slab s;
        size_t bytes = 0;

        CHECK(sta_slab_init(&s, sizes[i], 8, LARGE) == STA_OK);
        CHECK(sta_slab_refill(&s, page) == STA_OK);
        while (sta_slab_alloc(&s))
            bytes += sizes[i];
        CHECK(bytes >= LARGE - LARGE / 100);
    }
    free(page);
}

/* Objects of full pages that were freed were not found again: 5 pages for 4. */
static void S5_freed_pages_are_found(void)
{
    struct sta_slab s;
    void *objects[60];

    CHECK(sta_slab_init(&s, 256, 8, 4096) == STA_OK);
    page_count = 0;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT_OF(objects); i++) {
            objects[i] = sta_slab_alloc(&s);
            if (!objects[i]) {
                sta_slab_refill(&s, pages[page_count++]);
                objects[i] = sta_slab_alloc(&s);
            }
        }
        for (size_t i = 0; i < COUNT_OF(objects); i++)
            sta_slab_free(&s, objects[i]);
    }
    CHECK(page_count == 4);
}

/*
 * Full pages of one object stayed in the list that is searched: an allocation
 * took time in their number. Here a full page is out of the way at once; with
 * 60 pages full, taking the next object looks at no page but its own.
 */
static void S6_full_pages_are_not_searched(void)
{
    struct sta_slab s;

    CHECK(sta_slab_init(&s, 2048, 8, 4096) == STA_OK);
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        CHECK(sta_slab_refill(&s, pages[i]) == STA_OK);
        CHECK(sta_slab_alloc(&s) == pages[i]);
        CHECK(s.partial == NULL && s.empty == NULL);
    }
    CHECK(sta_slab_alloc(&s) == NULL);
    CHECK(sta_slab_audit(&s) == STA_OK);
}

int main(void)
{
    S1_class_boundary();
    S2_overaligned_objects_use_the_page();
    S3_large_pages_are_used();
    S5_freed_pages_are_found();
    S6_full_pages_are_not_searched();
    return check_status();
}
