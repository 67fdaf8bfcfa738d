/* SPDX-License-Identifier: MIT */
/*
 * The sources, one by one and nested: sizes and alignments kept, spans given
 * back to where they came from, and every refusal without a trace.
 */
#include <stalloc/bump.h>
#include <stalloc/freelist.h>
#include <stalloc/source.h>

#include <string.h>
#include <sys/mman.h>

#include "tests/lib/check.h"

static _Alignas(4096) unsigned char memory[16384];

static void *get(const struct sta_source *s, size_t size, size_t align)
{
    size_t got = size;
    void *p = sta_source_get(s, &got, align);

    CHECK(p ? got >= size : got == size);
    CHECK(!p || (uintptr_t)p % align == 0);
    return p;
}

static void none_has_nothing(void)
{
    struct sta_source s = sta_source_none();

    CHECK(!get(&s, 1, 1));
    CHECK(!sta_source_give(&s, memory, 1)); /* it takes nothing either */
    CHECK(!s.owns(s.ctx, memory));
}

static void buffer_is_cut_from_below(void)
{
    struct sta_source_span span;
    struct sta_source s = sta_source_buffer(&span, memory, sizeof memory);
    void *a = get(&s, 100, 1), *b = get(&s, 1000, 256), *c = get(&s, 10, 16);

    CHECK(a == memory && b == memory + 256 && c == memory + 112);
    CHECK(!get(&s, sizeof memory, 1) && !get(&s, SIZE_MAX, 1));
    CHECK(!get(&s, 0, 1) && !get(&s, 1, 0) && !get(&s, 1, 3));
    CHECK(!get(&s, 1, SIZE_MAX / 2 + 1));
    CHECK(s.owns(s.ctx, c) && !s.owns(s.ctx, &s));
    CHECK(!s.owns(s.ctx, memory + sizeof memory));
    CHECK(sta_source_give(&s, a, 100)); /* any can be had again */
    CHECK(get(&s, 100, 16) == a);
    sta_source_give(&s, b, 1000);
    sta_source_give(&s, a, 100);
    sta_source_give(&s, c, 10);
    CHECK(get(&s, sizeof memory, 1) == memory); /* and all, when none is out */
}

static void buffer_may_lie_anywhere(void)
{
    for (size_t offset = 0; offset < 40; offset++) {
        for (size_t size = 0; size < 80; size++) {
            struct sta_source_span span;
            struct sta_source s =
                sta_source_buffer(&span, memory + offset, size);
            unsigned char *p = get(&s, 1, 1);

            CHECK(p || size < 48);
            CHECK(!p || (p >= memory + offset && p < memory + offset + size));
            CHECK(!get(&s, 80, 1));
        }
    }
}

static void fallback_gives_back_to_the_owner(void)
{
    struct sta_source_span near_span, far_span;
    struct sta_source_counter near_count, far_count;
    struct sta_source_pair pair;
    struct sta_source s = sta_source_fallback(
        &pair,
        sta_source_counting(&near_count,
                            sta_source_buffer(&near_span, memory, 1000)),
        sta_source_counting(&far_count,
                            sta_source_buffer(&far_span, memory + 4096, 8192)));
    void *a = get(&s, 600, 8), *b = get(&s, 600, 8);

    CHECK(a == memory && b == memory + 4096);
    CHECK(!get(&s, 9000, 8));
    CHECK(s.owns(s.ctx, a) && s.owns(s.ctx, b) && !s.owns(s.ctx, &s));
    sta_source_give(&s, b, 600);
    CHECK(near_count.out_bytes == 600 && far_count.out_bytes == 0);
    sta_source_give(&s, a, 600);
    CHECK(near_count.out_bytes == 0 && near_count.give_count == 1);
    CHECK(near_count.fail_count == 2 && far_count.fail_count == 1);
    CHECK(far_count.peak_bytes == 600);

    /* mmap cannot tell its own: nothing may be given back to the wrong one */
    s = sta_source_fallback(&pair, sta_source_mmap(),
                            sta_source_buffer(&near_span, memory, 1000));
    CHECK(!s.give && !s.owns);

    /* a span of one that takes nothing back must not be taken and lost */
    struct sta_source taking = sta_source_buffer(&near_span, memory, 1000);
    struct sta_source not_taking = taking;
    not_taking.give = NULL;
    CHECK(!sta_source_fallback(&pair, taking, not_taking).give);
    CHECK(!sta_source_fallback(&pair, not_taking, taking).give);
    CHECK(sta_source_fallback(&pair, taking, sta_source_none()).give);
    CHECK(!sta_source_fallback(&pair, sta_source_none(), not_taking).give);

    /* one that has nothing loses nothing, in front as behind */
    s = sta_source_fallback(&pair, sta_source_none(), taking);
    a = get(&s, 900, 8);
    CHECK(a && sta_source_give(&s, a, 900) && get(&s, 900, 8) == a);
}

/* More than half of an address space of 32 bits, and more than 32 bits count.
 * What is not touched takes no memory. */
static void large_buffers_serve(void)
{
    size_t size = SIZE_MAX / 8 < UINT32_MAX ? SIZE_MAX / 8 * 5 : SIZE_MAX >> 31;
    size_t third = size / 4096 / 3 * 4096;
    struct sta_source_span span;
    struct sta_bump bump;
    struct sta_freelist list;
    unsigned char *p,
        *large = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (large == MAP_FAILED)
        return;
    struct sta_source s = sta_source_buffer(&span, large, size);
    p = get(&s, 4096, 4096);
    CHECK(p == large && sta_source_give(&s, p, 4096));

    /* Spans that are neighbours become one free piece. */
    sta_freelist_init(&list, s, 4096);
    for (size_t i = 0; i < 3; i++)
        CHECK(sta_freelist_alloc(&list, third, 1) == large + i * third);
    for (size_t i = 0; i < 3; i++)
        sta_freelist_free(&list, large + i * third, third);
    CHECK(sta_freelist_alloc(&list, third, 4096) == large);

    s = sta_source_buffer(&span, large, size);
    sta_bump_init(&bump, s, 4096);
    p = sta_bump_alloc(&bump, third, 16);
    CHECK(p && sta_bump_audit(&bump) == STA_OK);
    munmap(large, size);
}

static void limit_is_of_what_is_out(void)
{
    struct sta_source_span span;
    struct sta_source_quota quota;
    struct sta_source s = sta_source_limit(
        &quota, sta_source_buffer(&span, memory, sizeof memory), 1000);
    void *a = get(&s, 600, 8);

    CHECK(a && !get(&s, 401, 8) && get(&s, 400, 8));
    sta_source_give(&s, a, 600);
    CHECK(get(&s, 600, 8));

    /* mmap hands over whole pages: more than the limit goes straight back */
    s = sta_source_limit(&quota, sta_source_mmap(), 1000);
    CHECK(!get(&s, 100, 8) && quota.left_bytes == 1000);
    s = sta_source_limit(&quota, sta_source_none(), 1000);
    CHECK(!s.give && s.owns);
}

static void failing_fails_the_kth(void)
{
    struct sta_source_span span;
    struct sta_source_fault fault;
    struct sta_source buffer = sta_source_buffer(&span, memory, sizeof memory);
    struct sta_source s = sta_source_failing(&fault, buffer, 2, true);

    CHECK(get(&s, 1, 1) && get(&s, 1, 1) && !get(&s, 1, 1) && get(&s, 1, 1));
    s = sta_source_failing(&fault, buffer, 1, false);
    CHECK(get(&s, 1, 1) && !get(&s, 1, 1) && !get(&s, 1, 1));
}

static void mmap_maps_pages(void)
{
    struct sta_source s = sta_source_mmap();
    size_t size = 1, large = 1 << 20;
    unsigned char *p = sta_source_get(&s, &size, 1);
    unsigned char *q = sta_source_get(&s, &large, 1 << 21);

    REQUIRE(p && q);
    CHECK(size >= 4096 && p[0] == 0 && p[size - 1] == 0);
    CHECK((uintptr_t)q % (1 << 21) == 0 && large == 1 << 20);
    memset(q, 1, large);
    CHECK(!get(&s, SIZE_MAX, 1) && !get(&s, SIZE_MAX / 2, SIZE_MAX / 2 + 1));
    CHECK(sta_source_give(&s, p, size) && sta_source_give(&s, q, large));
}

int main(void)
{
    none_has_nothing();
    buffer_is_cut_from_below();
    buffer_may_lie_anywhere();
    fallback_gives_back_to_the_owner();
    large_buffers_serve();
    limit_is_of_what_is_out();
    failing_fails_the_kth();
    mmap_maps_pages();
    return check_status();
}
