/* SPDX-License-Identifier: MIT */
/*
 * sta_slab and sta_zone: the seed's own scenarios, and what they leave out.
 *
 * Each scenario allocates objects with pages supplied on demand, fills each
 * with a pattern of its own, verifies that no two overlap, frees all, has the
 * same number again on the same pages, and reclaims every page. What could go
 * wrong: a slot at the page's end that runs into the header, a page in the
 * wrong list, a page lost, one given back with an object in a magazine.
 */
#include <stalloc/slab.h>
#include <stalloc/zone.h>

#include <stdlib.h>
#include <string.h>

#include "tests/lib/check.h"
#include "tests/lib/rng.h"
#include "tests/lib/text.h"

/* --- pages, counted ------------------------------------------------------- */

static size_t pages_out;

static void *new_page(size_t page_bytes)
{
    void *page = aligned_alloc(page_bytes, page_bytes);

    REQUIRE(page);
    memset(page, 0xA5, page_bytes);
    pages_out++;
    return page;
}

static void drop_page(void *ctx, void *page)
{
    CHECK(ctx == &pages_out);
    free(page);
    pages_out--;
}

/* --- one size ------------------------------------------------------------- */

static void *take(struct sta_slab *s)
{
    void *p = sta_slab_alloc(s);

    if (!p) {
        CHECK(sta_slab_refill(s, new_page(s->page_bytes)) == STA_OK);
        p = sta_slab_alloc(s);
    }
    REQUIRE(p);
    return p;
}

static void fill(unsigned char *p, size_t bytes, size_t i)
{
    for (size_t b = 0; b < bytes; b++)
        p[b] = (unsigned char)(i * 31 + b);
}

static bool is_filled(const unsigned char *p, size_t bytes, size_t i)
{
    for (size_t b = 0; b < bytes; b++)
        if (p[b] != (unsigned char)(i * 31 + b))
            return false;
    return true;
}

static void scenario(size_t bytes, size_t align, size_t page_bytes,
                     size_t count)
{
    struct sta_slab s;
    struct sta_usage usage;
    unsigned char **objects = malloc(count * sizeof *objects);
    struct rng rng = {bytes * 7919 + align};
    size_t pages;

    check_context("%zu bytes, align %zu, pages of %zu", bytes, align,
                  page_bytes);
    REQUIRE(objects && pages_out == 0);
    REQUIRE(sta_slab_init(&s, bytes, align, page_bytes) == STA_OK);
    CHECK(sta_slab_alloc(&s) == NULL);
    for (size_t i = 0; i < count; i++) {
        objects[i] = take(&s);
        CHECK((uintptr_t)objects[i] % align == 0);
        fill(objects[i], bytes, i);
    }
    CHECK(sta_slab_audit(&s) == STA_OK);
    for (size_t i = 0; i < count; i++)
        CHECK(is_filled(objects[i], bytes, i) && sta_slab_owns(&s, objects[i]));
    sta_slab_usage(&s, &usage);
    CHECK(usage.live_blocks == count);
    CHECK(usage.capacity_bytes ==
          usage.free_bytes + count * sta_slab_object_bytes(&s));
    pages = pages_out;
    CHECK(pages == (count + s.slot_count - 1) / s.slot_count);

    for (size_t i = count; i > 1; i--) { /* in any order */
        size_t j = rng_below(&rng, (uint32_t)i);
        unsigned char *p = objects[j];

        objects[j] = objects[i - 1];
        objects[i - 1] = p;
    }
    for (size_t i = 0; i < count; i++)
        sta_slab_free(&s, objects[i]);
    CHECK(sta_slab_audit(&s) == STA_OK);
    for (size_t i = 0; i < count; i++)
        objects[i] = take(&s);
    CHECK(pages_out == pages);
    CHECK(sta_slab_reclaim(&s, 1000, drop_page, &pages_out) == 0 || count == 0);
    for (size_t i = 0; i < count; i++)
        CHECK(sta_slab_free_checked(&s, objects[i]));
    for (size_t i = 0; i < count; i++)
        CHECK(!sta_slab_free_checked(&s, objects[i]));
    CHECK(sta_slab_audit(&s) == STA_OK);
    sta_slab_reclaim(&s, SIZE_MAX, drop_page, &pages_out);
    CHECK(pages_out == 0 && s.page_count == 0);
    CHECK(sta_slab_alloc(&s) == NULL);
    free(objects);
    check_context("%s", "");
}

static void objects_of_one_size(void)
{
    static const struct {
        size_t bytes, align, count;
    } small[] = {
        {1, 1, 600},    {8, 1, 512},   {8, 8, 4096},  {8, 64, 500},
        {12, 1, 4096},  {13, 1, 4096}, {14, 1, 2000}, {15, 1, 4096},
        {16, 1, 8000},  {24, 1, 1024}, {32, 1, 3090}, {64, 1, 4096},
        {512, 1, 1000}, {2048, 1, 10}, {48, 16, 170}, {256, 1, 0},
        {1024, 1, 99},  {3000, 8, 20},
    };
    static const struct {
        size_t bytes, align, count;
    } large[] = {
        {8, 1, 262144 / 2}, {512, 1, 4095},    {512, 512, 4096},
        {4096, 4096, 1024}, {8192, 4096, 300}, {131072, 4096, 31},
        {24, 8, 90000},
    };

    for (size_t i = 0; i < COUNT_OF(small); i++)
        scenario(small[i].bytes, small[i].align, 4096, small[i].count);
    for (size_t i = 0; i < COUNT_OF(large); i++)
        scenario(large[i].bytes, large[i].align, 2 << 20, large[i].count);
    scenario(100, 4, 65536, 3000);
    scenario(100, 4, 512, 40);
}

static void refuses_what_can_never_be(void)
{
    struct sta_slab s;
    void *page = new_page(4096);

    CHECK(sta_slab_init(&s, 0, 8, 4096) == STA_EINVAL);
    CHECK(sta_slab_init(&s, 10, 3, 4096) == STA_EINVAL);
    CHECK(sta_slab_init(&s, 10, 8, 5000) == STA_EINVAL);
    CHECK(sta_slab_init(&s, 4096, 8, 4096) == STA_EINVAL);
    CHECK(sta_slab_init(&s, SIZE_MAX, 8, 4096) == STA_EINVAL);
    CHECK(sta_slab_init(&s, 8, 8, 4096) == STA_OK);
    CHECK(sta_slab_init(&s, 4096, 8, 4096) == STA_EINVAL);
    CHECK(sta_slab_object_bytes(&s) == 8); /* it is as it was */
    CHECK(sta_slab_refill(&s, (char *)page + 8) == STA_EINVAL);
    CHECK(sta_slab_refill(&s, NULL) == STA_EINVAL);
    drop_page(&pages_out, page);
}

static void misuse_is_found(void)
{
    struct sta_slab s, other;
    unsigned char *p, *q;

    sta_slab_init(&s, 48, 16, 4096);
    sta_slab_init(&other, 48, 16, 4096);
    p = take(&s);
    q = take(&other);
    CHECK(!sta_slab_free_checked(&s, p + 16)); /* inside the object */
    CHECK(!sta_slab_free_checked(&s, q));      /* another slab's */
    CHECK(!sta_slab_free_remote(&s, q));
    CHECK(!sta_slab_free_remote(&s, p + 1));
    CHECK(sta_slab_audit(&s) == STA_OK);
    sta_slab_free(&s, p);
    CHECK(sta_slab_audit(&s) == STA_OK);
    sta_slab_free(&s, p); /* twice: kept in the magazine, and seen there */
    CHECK(sta_slab_audit(&s) == STA_ECORRUPT);
    sta_slab_reclaim(&s, SIZE_MAX, drop_page, &pages_out);
    CHECK(s.refused_count == 1); /* and left out when it came to the page */
    sta_slab_free(&other, q);
    sta_slab_reclaim(&other, SIZE_MAX, drop_page, &pages_out);
    CHECK(pages_out == 0);
}

static void remote_frees_come_home(void)
{
    struct sta_slab s;
    void *objects[300];

    sta_slab_init(&s, 40, 8, 4096);
    for (size_t i = 0; i < COUNT_OF(objects); i++)
        objects[i] = take(&s);
    for (size_t i = 0; i < COUNT_OF(objects); i++)
        CHECK(sta_slab_free_remote(&s, objects[i]));
    CHECK(sta_slab_collect(&s) == COUNT_OF(objects));
    CHECK(sta_slab_collect(&s) == 0);
    CHECK(sta_slab_audit(&s) == STA_OK);
    sta_slab_reclaim(&s, SIZE_MAX, drop_page, &pages_out);
    CHECK(pages_out == 0);
}

/* --- zones ---------------------------------------------------------------- */

static void zone_without_a_pager_is_refilled(void)
{
    static struct sta_zone z;
    struct sta_zone_config config = {.small_page_bytes = 4096};
    void *page = new_page(4096), *p, *q;

    CHECK(sta_zone_init(&z, &config) == STA_OK);
    CHECK(sta_zone_alloc(&z, 8, 1) == NULL);
    CHECK(sta_zone_refill(&z, 8, 1, page, 2 << 20) == STA_EINVAL);
    CHECK(sta_zone_page_bytes(&z, 8, 1) == 4096);
    CHECK(sta_zone_page_bytes(&z, 131072, 1) == 2 << 20);
    CHECK(sta_zone_page_bytes(&z, 1 << 20, 1) == 0);
    CHECK(sta_zone_good_size(&z, 131072, 1) == 131072);
    CHECK(sta_zone_good_size(&z, 1 << 20, 1) == 0); /* it can never be had */
    CHECK(!sta_zone_free(&z, page, 1 << 20, 1));
    CHECK(sta_zone_refill(&z, 8, 1, page, 4096) == STA_OK);
    p = sta_zone_alloc(&z, 8, 1);
    CHECK(p != NULL);
    CHECK(sta_zone_alloc(&z, 48, 8) == NULL); /* a class of its own */
    q = sta_zone_alloc(&z, 6, 1);             /* the same class as 8 */
    CHECK(q != NULL);
    CHECK(sta_zone_alloc(&z, 10, 3) == NULL);
    CHECK(sta_zone_alloc(&z, SIZE_MAX, 1) == NULL);
    CHECK(sta_zone_free(&z, p, 8, 1) && sta_zone_free(&z, q, 6, 1));
    CHECK(sta_zone_reclaim(&z, 4096, 10, drop_page, &pages_out) == 1);
    CHECK(pages_out == 0 && sta_zone_audit(&z) == STA_OK);
}

static void zone_gives_every_page_back(void)
{
    static struct sta_zone z;
    struct sta_source_counter counter;
    struct sta_zone_config config = {
        .large_page_bytes = 65536,
        .pager = sta_source_counting(&counter, sta_source_mmap())};
    struct {
        unsigned char *p;
        size_t size, align;
    } live[300] = {{0}};
    struct rng rng = {1};

    CHECK(sta_zone_init(&z, &config) == STA_OK);
    for (size_t step = 0; step < 20000; step++) {
        size_t i = rng_below(&rng, COUNT_OF(live));

        check_context("step %zu", step);
        if (live[i].p) {
            CHECK(is_filled(live[i].p, live[i].size, i));
            if (rng_below(&rng, 2))
                CHECK(
                    sta_zone_free(&z, live[i].p, live[i].size, live[i].align));
            else
                CHECK(sta_zone_free_remote(&z, live[i].p, live[i].size,
                                           live[i].align));
            live[i].p = NULL;
            continue;
        }
        live[i].size = rng_log(&rng, 40000);
        live[i].align = (size_t)1 << rng_below(&rng, 13);
        live[i].p = sta_zone_alloc(&z, live[i].size, live[i].align);
        REQUIRE(live[i].p);
        CHECK((uintptr_t)live[i].p % live[i].align == 0);
        CHECK(sta_zone_good_size(&z, live[i].size, live[i].align) >=
              live[i].size);
        fill(live[i].p, live[i].size, i);
        if (step % 100 == 0)
            CHECK(sta_zone_audit(&z) == STA_OK);
    }
    check_context("%s", "");
    for (size_t i = 0; i < COUNT_OF(live); i++)
        if (live[i].p)
            sta_zone_free(&z, live[i].p, live[i].size, live[i].align);
    sta_zone_trim(&z);
    CHECK(sta_zone_audit(&z) == STA_OK);
    CHECK(counter.out_bytes == 0 && counter.get_count == counter.give_count);
}

/*
 * Of the empty pages of a class one is kept, however many a free empties: a
 * magazine of 16 objects, 7 of which fill a page. Objects in the magazines may
 * hold a page each.
 */
static void zone_keeps_one_empty_page(void)
{
    static struct sta_zone z;
    static void *p[2000];
    struct sta_source_counter counter;
    struct sta_zone_config config = {
        .large_page_bytes = 65536,
        .pager = sta_source_counting(&counter, sta_source_mmap())};

    for (size_t size = 16; size <= 8192; size *= 2) {
        check_context("objects of %zu", size);
        CHECK(sta_zone_init(&z, &config) == STA_OK);
        for (size_t i = 0; i < COUNT_OF(p); i++)
            REQUIRE((p[i] = sta_zone_alloc(&z, size, 1)));
        for (size_t i = 0; i < COUNT_OF(p); i++) {
            sta_zone_free(&z, p[i], size, 1);
            for (uint32_t c = 0; c < z.class_count; c++)
                REQUIRE(z.slabs[c].empty_count <= 1);
        }
        CHECK(counter.out_bytes / sta_zone_page_bytes(&z, size, 1) <=
              2 * STA_SLAB_MAGAZINE + 1);
        sta_zone_trim(&z);
        CHECK(counter.out_bytes == 0 && sta_zone_audit(&z) == STA_OK);
    }
}

/* A pager that deals in larger pieces than it was asked for. */
static void zone_refuses_spans_of_another_size(void)
{
    static struct sta_zone z;
    struct sta_source_counter counter;
    struct sta_zone_config config = {
        .small_page_bytes = 1024, /* mmap hands over 4096 */
        .large_page_bytes = 65536,
        .pager = sta_source_counting(&counter, sta_source_mmap())};

    CHECK(sta_zone_init(&z, &config) == STA_OK);
    CHECK(sta_zone_alloc(&z, 100, 8) == NULL);
    CHECK(counter.get_count == 1 && counter.out_bytes == 0);
    CHECK(sta_zone_audit(&z) == STA_OK);
    config.small_page_bytes = 3000;
    CHECK(sta_zone_init(&z, &config) == STA_EINVAL);
    config.small_page_bytes = 131072; /* larger than the large page */
    CHECK(sta_zone_init(&z, &config) == STA_EINVAL);
    config.small_page_bytes = 256;
    CHECK(sta_zone_init(&z, &config) == STA_EINVAL);
    config.small_page_bytes = 0;
    config.large_page_bytes = SIZE_MAX / 2 + 1;
    if (SIZE_MAX > UINT32_MAX)
        CHECK(sta_zone_init(&z, &config) == STA_EINVAL);
    CHECK(z.small_page_bytes == 1024); /* it is as it was */
}

static void zone_reallocates(void)
{
    static struct sta_zone z;
    struct sta_zone_config config = {.pager = sta_source_mmap()};
    unsigned char *p, *q;

    CHECK(sta_zone_init(&z, &config) == STA_OK);
    p = sta_zone_alloc(&z, 100, 1);
    fill(p, 100, 5);
    q = sta_zone_realloc(&z, p, 100, 112, 1); /* within its class */
    CHECK(q == p);
    q = sta_zone_realloc(&z, p, 112, 300000, 1); /* to the pager */
    CHECK(q && q != p && is_filled(q, 100, 5));
    p = sta_zone_realloc(&z, q, 300000, 300001, 1); /* within its pages */
    CHECK(p == q);
    q = sta_zone_realloc(&z, p, 300001, 50, 1);
    CHECK(q && is_filled(q, 50, 5));
    CHECK(sta_zone_realloc(&z, q, 50, SIZE_MAX, 1) == NULL);
    CHECK(is_filled(q, 50, 5));
    CHECK(sta_zone_free(&z, q, 50, 1));
    sta_zone_trim(&z);
    CHECK(z.large_count == 0 && z.large_bytes == 0);
}

/* A full page, and one of which a half magazine was taken. */
static void dump_counts_pages_and_large_blocks(void)
{
    static struct sta_zone z;
    struct sta_zone_config config = {.pager = sta_source_mmap()};
    struct text t = {.length = 0};
    struct sta_writer out = text_writer(&t);
    char expected[400];
    void *small[400], *large;

    CHECK(sta_zone_init(&z, &config) == STA_OK);
    unsigned slots = z.slabs[0].slot_count, count = slots + 2;
    REQUIRE(count <= COUNT_OF(small));
    for (unsigned i = 0; i < count; i++)
        small[i] = sta_zone_alloc(&z, 16, 1);
    large = sta_zone_alloc(&z, 5 << 20, 1);
    snprintf(expected, sizeof expected,
             "slab of 2 pages, slots of 16 bytes, 6 in magazines\n"
             "\tpartial: 8 of %u used\n"
             "\tfull: %u of %u used\n"
             "large: 1 blocks, 5242880 bytes\n",
             slots, slots, slots);
    sta_zone_dump(&z, &out);
    CHECK(!strcmp(t.bytes, expected));
    for (unsigned i = 0; i < count; i++)
        CHECK(sta_zone_free(&z, small[i], 16, 1));
    CHECK(sta_zone_free(&z, large, 5 << 20, 1));
    sta_zone_trim(&z);
    t.length = 0;
    sta_zone_dump(&z, &out);
    CHECK(!strcmp(t.bytes, "large: 0 blocks, 0 bytes\n"));
}

int main(void)
{
    objects_of_one_size();
    refuses_what_can_never_be();
    misuse_is_found();
    remote_frees_come_home();
    zone_without_a_pager_is_refilled();
    zone_gives_every_page_back();
    zone_keeps_one_empty_page();
    zone_refuses_spans_of_another_size();
    zone_reallocates();
    dump_counts_pages_and_large_blocks();
    return check_status();
}
