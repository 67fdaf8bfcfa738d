/* SPDX-License-Identifier: MIT */
/*
 * The promises of ISO C, POSIX and GNU for every function of malloc: results,
 * errno, alignment, contents.  Where the standards leave a choice, the C
 * library's answer is the one that programs were written against.
 *
 * A row fails when a call gives the wrong answer, or when it gives the right
 * one and harms a neighbour: objects are filled to their usable size with a
 * pattern of their own and all looked at again before they are freed.
 */
#include "check.h"
#include "sizes.h"

#include <errno.h>

static void every_size_is_aligned_to_16(void)
{
    const size_t step = 100 / (size_t)check_times(100);
    for (size_t size = 0; size <= 70000;
         size += step * (size < 2048 ? 1 : 61)) {
        void *p = malloc(size);
        void *q = calloc(1, size);
        void *r = realloc(malloc(1), size + 1);
        REQUIRE(p != NULL && q != NULL && r != NULL);
        CHECK(is_aligned(p, 16));
        CHECK(is_aligned(q, 16));
        CHECK(is_aligned(r, 16));
        free(p);
        free(q);
        free(r);
    }
}

static void size_zero_gives_a_unique_object(void)
{
    void *p[64];

    for (size_t i = 0; i < COUNT_OF(p); i++) {
        p[i] = i % 4 == 0   ? malloc(hide(0))
               : i % 4 == 1 ? calloc(hide(0), 8)
               : i % 4 == 2 ? calloc(8, hide(0))
                            : realloc(NULL, hide(0));
        REQUIRE(p[i] != NULL);
        for (size_t j = 0; j < i; j++)
            CHECK(p[i] != p[j]);
    }
    for (size_t i = 0; i < COUNT_OF(p); i++)
        free(p[i]);
}

static void sizes_around_each_class_boundary_do_not_overlap(void)
{
    enum { MAX = 4096 };
    static void *object[MAX];
    static size_t usable[MAX];
    size_t count = 0;

    for (size_t base = 16; base <= 4 * MIB;) {
        for (size_t size = base - 1; size <= base + 1; size++) {
            REQUIRE(count < MAX);
            object[count] = malloc(size);
            REQUIRE(object[count] != NULL);
            usable[count] = malloc_usable_size(object[count]);
            CHECK(usable[count] >= size);
            pattern_fill(object[count], usable[count], count);
            count++;
        }
        base += base < 1 * KIB      ? 16
                : base < 16 * KIB   ? 256
                : base < 256 * KIB  ? 4 * KIB
                : base < 1024 * KIB ? 64 * KIB
                                    : MIB;
    }
    for (size_t i = 0; i < count; i++)
        CHECK(pattern_holds(object[i], usable[i], i));
    for (size_t i = 0; i < count; i++)
        free(object[i]);
}

static void usable_size_of_null_is_zero(void)
{
    CHECK(malloc_usable_size(NULL) == 0);
}

static void more_than_ptrdiff_max_is_enomem(void)
{
    for (size_t i = 0; i < COUNT_OF(too_large); i++) {
        size_t size = hide(too_large[i]);
        errno = 0;
        CHECK(is_enomem(malloc(size)));
        CHECK(is_enomem(calloc(1, size)));
        CHECK(is_enomem(calloc(size, 1)));
        CHECK(is_enomem(realloc(NULL, size)));
        CHECK(is_enomem(reallocarray(NULL, size, 1)));
        CHECK(is_enomem(memalign(64, size)));
        CHECK(is_enomem(memalign(MIB, size)));
        CHECK(is_enomem(aligned_alloc(4096, size)));
        CHECK(is_enomem(valloc(size)));
        CHECK(is_enomem(pvalloc(size)));
    }
}

static void calloc_overflow_is_enomem(void)
{
    errno = 0;
    CHECK(is_enomem(calloc(hide(SIZE_MAX), 2)));
    CHECK(is_enomem(calloc(2, hide(SIZE_MAX))));
    CHECK(is_enomem(calloc(hide(SIZE_MAX / 2 + 1), 2)));
    CHECK(is_enomem(calloc(hide(HALF_WORD), HALF_WORD)));
    CHECK(is_enomem(calloc(hide(HALF_WORD + 1), HALF_WORD)));
    CHECK(is_enomem(calloc(hide(SIZE_MAX / 16 + 2), 16)));
}

static void reallocarray_overflow_leaves_the_block(void)
{
    void *p = malloc(100);

    REQUIRE(p != NULL);
    pattern_fill(p, 100, 1);
    errno = 0;
    CHECK(is_enomem(reallocarray(hide_pointer(p), hide(SIZE_MAX / 2 + 1), 2)));
    CHECK(is_enomem(
        reallocarray(hide_pointer(p), hide(2 * HALF_WORD), 2 * HALF_WORD)));
    CHECK(pattern_holds(p, 100, 1));
    p = reallocarray(p, 50, 40);
    REQUIRE(p != NULL);
    CHECK(pattern_holds(p, 100, 1));
    CHECK(malloc_usable_size(p) >= 2000);
    free(p);
}

static void failed_realloc_leaves_the_block(void)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        void *p = malloc(kinds[i]);
        REQUIRE(p != NULL);
        pattern_fill(p, kinds[i], i);
        for (size_t k = 0; k < COUNT_OF(too_large); k++) {
            errno = 0;
            CHECK(is_enomem(realloc(p, hide(too_large[k]))));
        }
        CHECK(pattern_holds(p, kinds[i], i));
        free(p);
    }
}

static void realloc_to_zero_frees_and_returns_null(void)
{
    size_t size = hide(30 * MIB);

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        CHECK(realloc(malloc(kinds[i]), hide(0)) == NULL);
    CHECK(reallocarray(malloc(10), hide(0), 10) == NULL);
    CHECK(reallocarray(malloc(10), 10, hide(0)) == NULL);
    /* Unless each is freed, this takes 30 GB of address space and memory. */
    long before = status_kib("VmRSS");
    for (int i = 0; i < 1000; i++) {
        char *p = malloc(size);
        REQUIRE(p != NULL);
        for (size_t at = 0; at < size; at += 4 * MIB)
            p[at] = 1;
        CHECK(realloc(p, hide(0)) == NULL);
    }
    CHECK(status_kib("VmRSS") < before + 100 * KIB);
}

static void free_keeps_errno(void)
{
    void *p[COUNT_OF(kinds)][8];

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        for (size_t k = 0; k < 8; k++) {
            p[i][k] = malloc(kinds[i]);
            REQUIRE(p[i][k] != NULL);
            memset(p[i][k], 1, kinds[i]);
        }
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        for (size_t k = 0; k < 8; k++) {
            errno = 4711;
            free(p[i][k]);
            CHECK(errno == 4711);
        }
    errno = 4711;
    free(NULL);
    CHECK(errno == 4711);
}

static void success_keeps_errno(void)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        errno = 4711;
        void *p = malloc(kinds[i]);
        void *q = calloc(1, kinds[i]);
        p = realloc(p, kinds[i] * 2);
        q = realloc(q, kinds[i] / 2 + 1);
        CHECK(p != NULL && q != NULL);
        CHECK(errno == 4711);
        free(p);
        free(q);
    }
}

static void calloc_is_zero_on_reuse(void)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        for (int round = 0; round < 4; round++) {
            void *p = malloc(kinds[i]);
            REQUIRE(p != NULL);
            memset(p, 0xa5, malloc_usable_size(p));
            free(p);
            p = calloc(kinds[i], 1);
            REQUIRE(p != NULL);
            CHECK(is_zero(p, kinds[i]));
            free(p);
        }
}

static void c23_free_sized_frees(void)
{
    void (*free_sized_of)(void *, size_t) = NULL;
    void (*free_aligned_of)(void *, size_t, size_t) = NULL;

    *(void **)&free_sized_of = check_symbol("free_sized");
    *(void **)&free_aligned_of = check_symbol("free_aligned_sized");
    if (free_sized_of == NULL || free_aligned_of == NULL) {
        CHECK(!check_is_stalloc()); /* the C library has them since 2.43 */
        return;
    }
    free_sized_of(NULL, 0);
    free_aligned_of(NULL, 64, 0);
    long before = status_kib("VmRSS");
    for (int round = 0; round < 200; round++)
        for (size_t i = 0; i < COUNT_OF(kinds); i++) {
            size_t grown = kinds[i] + kinds[i] / 16 + 1;
            char *r = malloc(kinds[i]);
            char *p = malloc(kinds[i]);
            char *q = aligned_alloc(256, kinds[i]);
            REQUIRE(p != NULL && q != NULL && r != NULL);
            REQUIRE((r = realloc(r, grown)) != NULL);
            p[0] = 1;
            q[0] = 1;
            errno = 4711;
            free_sized_of(p, kinds[i]);
            free_aligned_of(q, 256, kinds[i]);
            free_sized_of(r, grown);
            CHECK(errno == 4711);
        }
    CHECK(status_kib("VmRSS") < before + 40 * KIB);
}

static void names_of_the_c_library_share_one_heap(void)
{
    static const char *const malloc_names[] = {"malloc",  "__libc_malloc",
                                               "valloc",  "__libc_valloc",
                                               "pvalloc", "__libc_pvalloc"};
    static const char *const free_names[] = {"free", "__libc_free",
                                             "__libc_cfree", "cfree"};

    for (size_t m = 0; m < COUNT_OF(malloc_names); m++)
        for (size_t f = 0; f < COUNT_OF(free_names); f++) {
            void *(*get)(size_t) = NULL;
            void (*put)(void *) = NULL;
            *(void **)&get = check_symbol(malloc_names[m]);
            *(void **)&put = check_symbol(free_names[f]);
            if (get == NULL || put == NULL) {
                CHECK(!check_is_stalloc());
                continue;
            }
            void *p = get(100);
            REQUIRE(p != NULL);
            memset(p, 1, 100);
            put(p);
        }
}

static void objects_of_the_c_library_can_be_freed_and_resized(void)
{
    char *text = strdup("as long as you like");
    char *half = strndup("as long as you like", 7);
    char *printed = NULL;
    char *streamed = NULL;
    size_t streamed_size = 0;
    char *line = NULL;
    size_t line_size = 0;

    REQUIRE(text != NULL && half != NULL);
    REQUIRE(asprintf(&printed, "%5000d", 1) == 5000);
    FILE *stream = open_memstream(&streamed, &streamed_size);
    REQUIRE(stream != NULL);
    for (int i = 0; i < 10000; i++)
        fprintf(stream, "%d ", i);
    fclose(stream);
    stream = fmemopen(streamed, streamed_size, "r");
    REQUIRE(stream != NULL);
    CHECK(getline(&line, &line_size, stream) == (ssize_t)streamed_size);
    CHECK(strcmp(line, streamed) == 0);
    fclose(stream);
    text = realloc(text, 100000);
    REQUIRE(text != NULL);
    CHECK(strcmp(text, "as long as you like") == 0);
    CHECK(malloc_usable_size(half) >= 8);
    free(text);
    free(half);
    free(printed);
    free(streamed);
    free(line);
    char *path = realpath("/proc/../proc/./self/..", NULL);
    CHECK(path != NULL && strcmp(path, "/proc") == 0);
    free(path);
}

/* A free slot holds sums of its address and others; no live object is one. */
static void an_object_may_hold_sums_of_its_address(void)
{
    for (size_t size = 16; size <= 4096; size *= 2) {
        uintptr_t *freed = malloc(size);
        uintptr_t to = (uintptr_t)hide_pointer(freed);
        free(freed);
        for (size_t i = 0; i < 6; i++) {
            uintptr_t *p = malloc(size);
            REQUIRE(p != NULL);
            uintptr_t at = (uintptr_t)p;
            const uintptr_t pairs[][2] = {
                {at, 0},    {at + size, size}, {at + to, to},
                {size, at}, {at + at, at},     {0 - at, 0 - 2 * at},
            };
            memcpy(p, pairs[i], sizeof pairs[i]);
            free(hide_pointer(p));
        }
    }
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(every_size_is_aligned_to_16),
    CASE(size_zero_gives_a_unique_object),
    CASE(sizes_around_each_class_boundary_do_not_overlap),
    CASE(usable_size_of_null_is_zero),
    CASE(more_than_ptrdiff_max_is_enomem),
    CASE(calloc_overflow_is_enomem),
    CASE(reallocarray_overflow_leaves_the_block),
    CASE(failed_realloc_leaves_the_block),
    CASE(realloc_to_zero_frees_and_returns_null),
    CASE(free_keeps_errno),
    CASE(success_keeps_errno),
    CASE(calloc_is_zero_on_reuse),
    CASE(an_object_may_hold_sums_of_its_address),
    CASE(c23_free_sized_frees),
    CASE(names_of_the_c_library_share_one_heap),
    CASE(objects_of_the_c_library_can_be_freed_and_resized),
};

int main(int argc, char **argv)
{
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
