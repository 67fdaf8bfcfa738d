/* SPDX-License-Identifier: MIT */
/*
 * The promises about alignment: what each function accepts and refuses, and
 * that what it gives is aligned, of the wanted size, and nobody else's.
 */
#include "check.h"
#include "sizes.h"

#include <errno.h>

static void usable_size_holds_for_aligned_objects(void)
{
    for (size_t align = 16; align <= MIB; align *= 2) {
        size_t size = align + align / 2 + 1;
        void *p = memalign(align, size);
        REQUIRE(p != NULL);
        CHECK(is_aligned(p, align));
        size_t usable = malloc_usable_size(p);
        CHECK(usable >= size);
        pattern_fill(p, usable, align);
        void *q = malloc(size);
        memset(q, 0xff, size);
        CHECK(pattern_holds(p, usable, align));
        free(q);
        free(p);
    }
}

static void alignment_up_to_64_mib_is_kept(void)
{
    for (size_t align = sizeof(void *); align <= 64 * MIB; align *= 2) {
        void *p = aligned_alloc(align, align);
        void *q = memalign(align, 3);
        void *r = NULL;
        REQUIRE(posix_memalign(&r, align, align / 2 + 1) == 0);
        REQUIRE(p != NULL && q != NULL && r != NULL);
        CHECK(is_aligned(p, align));
        CHECK(is_aligned(q, align));
        CHECK(is_aligned(r, align));
        size_t span = align < MIB ? align : MIB;
        pattern_fill(p, span, 1);
        pattern_fill(q, 3, 2);
        pattern_fill(r, span / 2 + 1, 3);
        CHECK(pattern_holds(p, span, 1));
        CHECK(pattern_holds(q, 3, 2));
        CHECK(pattern_holds(r, span / 2 + 1, 3));
        free(p);
        free(q);
        free(r);
    }
}

static void aligned_alloc_takes_a_size_that_is_no_multiple(void)
{
    void *p = aligned_alloc(64, hide(65));

    REQUIRE(p != NULL);
    CHECK(is_aligned(p, 64));
    memset(p, 1, 65);
    free(p);
}

static void aligned_alloc_refuses_what_is_no_power_of_two(void)
{
    static const size_t bad[] = {0, 3, 24, 48, 4095, SIZE_MAX};

    if (!check_is_stalloc())
        return; /* refused by the C library since 2.38 */
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        errno = 0;
        CHECK(aligned_alloc(hide(bad[i]), 96) == NULL);
        CHECK(errno == EINVAL);
    }
}

static void memalign_rounds_the_alignment_up(void)
{
    void *p = memalign(hide(24), 100);
    void *q = memalign(hide(0), 100);
    void *r = memalign(hide(3000), 100);

    CHECK(p != NULL && is_aligned(p, 32));
    CHECK(q != NULL && is_aligned(q, 16));
    CHECK(r != NULL && is_aligned(r, 4096));
    free(p);
    free(q);
    free(r);
    errno = 0;
    CHECK(memalign(hide(SIZE_MAX / 2 + 2), 100) == NULL);
    CHECK(errno == EINVAL);
}

static void posix_memalign_refuses_bad_alignments(void)
{
    static const size_t bad[] = {
        0, 1, 2, 3, 12, 24, 4095, sizeof(void *) / 2, SIZE_MAX};
    int mark;

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        void *p = &mark;
        errno = 4711;
        CHECK(posix_memalign(&p, hide(bad[i]), 8) == EINVAL);
        CHECK(errno == 4711);
        CHECK(p == &mark);
    }
}

static void posix_memalign_returns_enomem(void)
{
    int mark;

    for (size_t i = 0; i < COUNT_OF(too_large); i++) {
        void *p = &mark;
        errno = 4711;
        CHECK(posix_memalign(&p, 64, hide(too_large[i])) == ENOMEM);
        CHECK(p == &mark);
        CHECK(errno == ENOMEM);
    }
}

static void posix_memalign_leaves_errno(void)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        void *p = NULL;
        errno = 4711;
        CHECK(posix_memalign(&p, 128, kinds[i]) == 0);
        CHECK(errno == 4711);
        CHECK(p != NULL && is_aligned(p, 128));
        free(p);
    }
}

static void valloc_and_pvalloc_give_pages(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *p = valloc(100);
    void *q = pvalloc(page + 1);
    void *r = pvalloc(1);

    REQUIRE(p != NULL && q != NULL && r != NULL);
    CHECK(is_aligned(p, page));
    CHECK(is_aligned(q, page) && malloc_usable_size(q) >= 2 * page);
    CHECK(is_aligned(r, page) && malloc_usable_size(r) >= page);
    memset(q, 1, 2 * page);
    memset(r, 1, page);
    free(p);
    free(q);
    free(r);
}

static void alignment_larger_than_memory_is_enomem(void)
{
    errno = 0;
    CHECK(is_enomem(memalign(hide(IMPOSSIBLE), 1)));
    CHECK(is_enomem(aligned_alloc(hide(IMPOSSIBLE), hide(IMPOSSIBLE))));
    CHECK(is_enomem(memalign(hide(SIZE_MAX / 2 + 1), 1)));
    CHECK(is_enomem(memalign(hide(IMPOSSIBLE), IMPOSSIBLE / 2 * 3)));
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(usable_size_holds_for_aligned_objects),
    CASE(alignment_up_to_64_mib_is_kept),
    CASE(aligned_alloc_takes_a_size_that_is_no_multiple),
    CASE(aligned_alloc_refuses_what_is_no_power_of_two),
    CASE(memalign_rounds_the_alignment_up),
    CASE(posix_memalign_refuses_bad_alignments),
    CASE(posix_memalign_returns_enomem),
    CASE(posix_memalign_leaves_errno),
    CASE(valloc_and_pvalloc_give_pages),
    CASE(alignment_larger_than_memory_is_enomem),
};

int main(int argc, char **argv)
{
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
