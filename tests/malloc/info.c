/* SPDX-License-Identifier: MIT */
/*
 * The functions of <malloc.h> that look at the heap or steer it tell the truth.
 *
 * Monitors and trimmers call them in programs that know nothing of us: numbers
 * that stay zero, or a trim that trims the C library's empty heap, mislead
 * silently.
 */
#include "check.h"

#include <errno.h>
#include <sys/mman.h>

enum { KIB = 1024, MIB = 1024 * 1024, MANY = 20000 };

static void *object[MANY];

static void allocate_many(size_t size)
{
    for (size_t i = 0; i < MANY; i++) {
        object[i] = malloc(size);
        REQUIRE(object[i] != NULL);
        memset(object[i], 1, size);
    }
}

static void free_many(void)
{
    for (size_t i = 0; i < MANY; i++)
        free(object[i]);
}

static void mallinfo2_follows_what_is_in_use(void)
{
    struct mallinfo2 before = mallinfo2();
    allocate_many(500);
    struct mallinfo2 full = mallinfo2();
    free_many();
    struct mallinfo2 after = mallinfo2();
    size_t held = (size_t)MANY * 500;

    CHECK(full.uordblks + full.hblkhd >=
          before.uordblks + before.hblkhd + held);
    CHECK(full.uordblks <= before.uordblks + held * 5 / 4);
    CHECK(full.arena + full.hblkhd >= full.uordblks);
    CHECK(after.uordblks <= before.uordblks + held / 20);
}

static void mallinfo2_sees_a_large_object(void)
{
    struct mallinfo2 before = mallinfo2();
    void *p = malloc(50 * MIB);
    REQUIRE(p != NULL);
    struct mallinfo2 full = mallinfo2();
    free(p);
    struct mallinfo2 after = mallinfo2();

    CHECK(full.uordblks + full.hblkhd >=
          before.uordblks + before.hblkhd + 50 * MIB);
    CHECK(after.uordblks + after.hblkhd <
          before.uordblks + before.hblkhd + 5 * MIB);
}

/* Readers add what is in mappings of their own to both sums. */
static void mallinfo2_counts_nothing_twice(void)
{
    void *p = malloc(50 * MIB);
    REQUIRE(p != NULL);
    struct mallinfo2 full = mallinfo2();
    free(p);

    CHECK(full.uordblks + full.fordblks == full.arena);
    if (check_is_stalloc())
        CHECK(full.uordblks + full.hblkhd < 90 * MIB);
}

static void mallinfo_says_the_same_in_ints(void)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    struct mallinfo narrow = mallinfo();
#pragma GCC diagnostic pop
    struct mallinfo2 wide = mallinfo2();

    CHECK((size_t)narrow.uordblks <= wide.uordblks + 64 * KIB);
    CHECK((size_t)narrow.uordblks + 64 * KIB >= wide.uordblks);
}

static void malloc_trim_gives_free_memory_back(void)
{
    long before = status_kib("VmRSS");

    allocate_many(3000); /* 60 MB */
    CHECK(status_kib("VmRSS") > before + 50 * KIB);
    free_many();
    malloc_trim(0);
    CHECK(status_kib("VmRSS") < before + 8 * KIB);
    for (size_t i = 0; i < MANY; i++)
        object[i] = malloc(3000);
    for (size_t i = 0; i < MANY; i++) {
        REQUIRE(object[i] != NULL);
        memset(object[i], 1, 3000);
    }
    free_many();
}

/* One object of 1000 stays: the pages between must go all the same. */
static void malloc_trim_gives_back_between_survivors(void)
{
    long before = status_kib("VmRSS");

    allocate_many(3000);
    for (size_t i = 0; i < MANY; i++)
        if (i % 1000 != 0)
            free(object[i]);
    malloc_trim(0);
    CHECK(status_kib("VmRSS") < before + 20 * KIB);
    for (size_t i = 0; i < MANY; i += 1000)
        free(object[i]);
}

/* A program may lock pages, and free what is there as it is: the system then
 * refuses to take them, but not those around them. */
static void malloc_trim_passes_over_locked_pages(void)
{
    enum { APART = 300, KEPT = 150 };

    allocate_many(200);
    for (size_t i = 0; i < MANY && mlock(object[i], 200) == 0; i += APART)
        ;
    for (size_t i = 0; i < MANY; i++)
        if (i % APART != KEPT)
            free(object[i]);
    malloc_trim(0);
    for (size_t i = 0; i < MANY; i++) {
        if (i % APART == KEPT)
            continue;
        object[i] = malloc(200);
        REQUIRE(object[i] != NULL);
        memset(object[i], 2, 200);
    }
    for (size_t i = KEPT; i < MANY; i += APART)
        CHECK(*(char *)object[i] == 1 && ((char *)object[i])[199] == 1);
    free_many();
    CHECK(munlockall() == 0);
}

static void malloc_trim_says_whether_it_did_anything(void)
{
    if (!check_is_stalloc())
        return;
    CHECK(mallopt(M_TRIM_THRESHOLD, 512 * MIB) == 1);
    allocate_many(1000);
    free_many();
    CHECK(malloc_trim(0) == 1);
    CHECK(malloc_trim(0) == 0);
}

static void mallopt_knows_its_parameters(void)
{
    CHECK(mallopt(M_MMAP_THRESHOLD, 1 * MIB) == 1);
    CHECK(mallopt(M_MMAP_MAX, 1000) == 1);
    CHECK(mallopt(M_TOP_PAD, 128 * KIB) == 1);
    CHECK(mallopt(M_TRIM_THRESHOLD, 128 * KIB) == 1);
    CHECK(mallopt(M_ARENA_MAX, 2) == 1);
    CHECK(mallopt(M_CHECK_ACTION, 3) == 1);
    CHECK(mallopt(M_PERTURB, 0) == 1);
    if (check_is_stalloc()) /* the C library says 1 to anything */
        CHECK(mallopt(12345, 1) == 0);
    void *p = malloc(3 * MIB);
    CHECK(p != NULL);
    free(p);
}

/* Returns the number behind the first `start` in a text. */
static size_t number_behind(const char *text, const char *start)
{
    const char *at = strstr(text, start);

    REQUIRE(at != NULL);
    return strtoul(at + strlen(start), NULL, 10);
}

/* What is free is part of what the system gave, as a reader takes it. */
static void malloc_info_writes_xml_of_real_numbers(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    void *small = malloc(500);
    void *large = malloc(50 * MIB);

    REQUIRE(stream != NULL && small != NULL && large != NULL);
    CHECK(malloc_info(0, stream) == 0);
    fclose(stream);
    free(small);
    free(large);
    REQUIRE(text != NULL);
    CHECK(strncmp(text, "<malloc version=\"1\">", 20) == 0);
    CHECK(strstr(text, "</malloc>") != NULL);
    size_t current = number_behind(text, "<system type=\"current\" size=\"");
    size_t most = number_behind(text, "<system type=\"max\" size=\"");
    size_t rest = strtoul(
        strstr(strstr(text, "\"rest\" count=\""), "size=\"") + 6, NULL, 10);
    CHECK(current > rest && most >= current);
    if (check_is_stalloc()) /* which has no mappings of their own */
        CHECK(current - rest > 50 * MIB && current - rest < 90 * MIB);
    free(text);
}

static void malloc_info_refuses_options(void)
{
    errno = 0;
    CHECK(malloc_info(1, stdout) != 0);
}

static void malloc_stats_writes_to_stderr(void)
{
    int ends[2];
    char text[8192];
    int saved = dup(STDERR_FILENO);

    REQUIRE(pipe(ends) == 0);
    fflush(stderr);
    REQUIRE(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    malloc_stats();
    fflush(stderr);
    REQUIRE(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
    close(ends[1]);
    ssize_t length = read(ends[0], text, sizeof text - 1);
    REQUIRE(length > 0);
    text[length] = '\0';
    CHECK(strpbrk(text, "123456789") != NULL);
    CHECK(strchr(text, '\n') != NULL);
    close(ends[0]);
    close(saved);
}

/* Freed memory goes back without being asked for, once it is a lot. */
static void memory_goes_back_by_itself(void)
{
    long before = status_kib("VmRSS");

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 400; i++) {
            object[i] = malloc(500 * KIB);
            REQUIRE(object[i] != NULL);
            memset(object[i], 1, 500 * KIB);
        }
        CHECK(status_kib("VmRSS") > before + 190 * KIB);
        for (size_t i = 0; i < 400; i++)
            free(object[i]);
        CHECK(status_kib("VmRSS") < before + 60 * KIB);
    }
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(mallinfo2_follows_what_is_in_use),
    CASE(mallinfo2_sees_a_large_object),
    CASE(mallinfo2_counts_nothing_twice),
    CASE(mallinfo_says_the_same_in_ints),
    CASE(malloc_trim_gives_free_memory_back),
    CASE(malloc_trim_gives_back_between_survivors),
    CASE(malloc_trim_passes_over_locked_pages),
    CASE(malloc_trim_says_whether_it_did_anything),
    CASE(mallopt_knows_its_parameters),
    CASE(malloc_info_writes_xml_of_real_numbers),
    CASE(malloc_info_refuses_options),
    CASE(malloc_stats_writes_to_stderr),
    CASE(memory_goes_back_by_itself),
};

int main(int argc, char **argv)
{
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
