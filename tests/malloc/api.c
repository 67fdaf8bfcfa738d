/* SPDX-License-Identifier: MIT */
/*
 * The library's own interface, looked up by name as a program does that also
 * runs without the library.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>

#include "stalloc/malloc.h"

static int (*stats_get)(struct sta_stats *, size_t);
static int (*stats_print)(int, const char *);
static size_t (*trim)(size_t);

static void counts_follow_every_call(void)
{
    struct sta_stats before, during, after;
    void *object[300];

    CHECK(stats_get(&before, sizeof before) == 0);
    for (size_t i = 0; i < COUNT_OF(object); i++)
        object[i] = malloc(1000);
    CHECK(stats_get(&during, sizeof during) == 0);
    for (size_t i = 0; i < COUNT_OF(object); i++)
        free(object[i]);
    CHECK(stats_get(&after, sizeof after) == 0);
    CHECK(during.live_count == before.live_count + 300);
    CHECK(during.live_bytes >= before.live_bytes + 300 * 1000);
    CHECK(during.total_count == before.total_count + 300);
    CHECK(during.freed_count == before.freed_count);
    CHECK(during.used_bytes >= before.used_bytes + 250 * 1000);
    CHECK(after.live_count == before.live_count);
    CHECK(after.live_bytes == before.live_bytes);
    CHECK(after.total_count == during.total_count);
    CHECK(after.freed_count == before.freed_count + 300);
    CHECK(after.peak_bytes >= during.used_bytes);
}

static void live_objects_are_those_of_the_classes_and_runs(void)
{
    struct sta_stats stats;
    uint64_t live = 0, total = 0;
    void *large = malloc(1 << 20);

    CHECK(stats_get(&stats, sizeof stats) == 0);
    for (size_t i = 0; i < STA_STATS_CLASSES; i++) {
        live += stats.classes[i].live;
        total += stats.classes[i].total;
        CHECK(i == 0 ||
              stats.classes[i].slot_bytes > stats.classes[i - 1].slot_bytes);
        CHECK(stats.classes[i].live * stats.classes[i].slot_bytes <=
              stats.classes[i].slabs_bytes);
    }
    CHECK(live + stats.runs.live == stats.live_count);
    CHECK(total + stats.runs.total == stats.total_count);
    CHECK(stats.runs.live >= 1 && stats.runs.slabs_bytes >= 1 << 20);
    free(large);
}

/* Also of objects that grew where they are. */
static void no_more_bytes_live_than_were_ever_allocated(void)
{
    static const size_t sizes[] = {20000, 100000, 200000, 1 << 20};

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct sta_stats before, during, after;
        CHECK(stats_get(&before, sizeof before) == 0);
        char *p = malloc(sizes[i]);
        for (size_t n = 2; n <= 100; n++)
            p = realloc(p, n * sizes[i]);
        REQUIRE(p != NULL);
        CHECK(stats_get(&during, sizeof during) == 0);
        free(p);
        CHECK(stats_get(&after, sizeof after) == 0);
        CHECK(during.live_bytes - before.live_bytes >= 100 * sizes[i]);
        CHECK(during.live_bytes - before.live_bytes <=
              during.total_bytes - before.total_bytes);
        CHECK(after.total_bytes == during.total_bytes);
        CHECK(after.live_bytes == before.live_bytes);
    }
}

/* Each once, whatever it ended for. */
static void refused_requests_are_counted(void)
{
    struct sta_stats before, after;
    void *p = malloc(100);
    void *q = NULL;

    CHECK(stats_get(&before, sizeof before) == 0);
    CHECK(malloc(hide(IMPOSSIBLE)) == NULL);
    CHECK(calloc(hide(SIZE_MAX / 2), 3) == NULL);
    CHECK(realloc(p, hide(IMPOSSIBLE)) == NULL);
    CHECK(aligned_alloc(4096, hide(IMPOSSIBLE)) == NULL);
    CHECK(posix_memalign(&q, 64, hide(IMPOSSIBLE)) == ENOMEM);
    CHECK(stats_get(&after, sizeof after) == 0);
    CHECK(after.refused_count == before.refused_count + 5);
    free(p);
}

/* A program built against an older header asks for fewer bytes. */
static void an_older_program_gets_what_it_knows(void)
{
    union {
        struct sta_stats stats;
        unsigned char bytes[sizeof(struct sta_stats)];
    } u;
    size_t old = offsetof(struct sta_stats, total_bytes);

    memset(&u, 0xaa, sizeof u);
    CHECK(stats_get(&u.stats, old) == 0);
    CHECK(u.stats.version == STA_STATS_VERSION && u.stats.size == old);
    for (size_t i = old; i < sizeof u; i++)
        CHECK(u.bytes[i] == 0xaa);
    errno = 0;
    CHECK(stats_get(&u.stats, 1) == -1 && errno == EINVAL);
}

/* ... and one built against a newer header asks for more. */
static void a_newer_program_sees_how_much_it_got(void)
{
    struct {
        struct sta_stats stats;
        unsigned char more[64];
    } larger;

    memset(&larger, 0xaa, sizeof larger);
    CHECK(stats_get(&larger.stats, sizeof larger) == 0);
    CHECK(larger.stats.size == sizeof larger.stats);
    for (size_t i = 0; i < sizeof larger.more; i++)
        CHECK(larger.more[i] == 0xaa);
}

static void printing_needs_a_format_and_a_descriptor(void)
{
    char path[] = "/tmp/stalloc-print-XXXXXX";
    char text[16];
    int fd = mkstemp(path);

    REQUIRE(fd >= 0);
    unlink(path);
    CHECK(stats_print(fd, "json") == 0);
    CHECK(pread(fd, text, 1, 0) == 1 && text[0] == '{');
    CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    CHECK(stats_print(fd, "text") == 0);
    CHECK(pread(fd, text, 7, 0) == 7 && memcmp(text, "stalloc", 7) == 0);
    errno = 0;
    CHECK(stats_print(fd, "xml") == -1 && errno == EINVAL);
    close(fd);
    errno = 0;
    CHECK(stats_print(fd, "text") == -1 && errno == EBADF);
    fd = open("/dev/full", O_WRONLY);
    if (fd >= 0) {
        errno = 0;
        CHECK(stats_print(fd, "text") == -1 && errno == ENOSPC);
        close(fd);
    }
}

static void trim_returns_the_bytes_that_it_gave_back(void)
{
    enum { BYTES = 3 << 20 };
    void *p = malloc(BYTES);
    REQUIRE(p != NULL);
    memset(p, 1, BYTES);
    free(p);
    long before = status_kib("VmRSS");
    size_t given = trim(0);
    long after = status_kib("VmRSS");

    CHECK((long)(given >> 10) <= before - after + 256);
    trim(0); /* what status_kib() used */
    CHECK(trim(0) == 0);
    p = malloc(BYTES);
    REQUIRE(p != NULL);
    memset(p, 1, BYTES);
    free(p);
    CHECK(trim(SIZE_MAX) == 0);
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(counts_follow_every_call),
    CASE(live_objects_are_those_of_the_classes_and_runs),
    CASE(refused_requests_are_counted),
    CASE(an_older_program_gets_what_it_knows),
    CASE(a_newer_program_sees_how_much_it_got),
    CASE(printing_needs_a_format_and_a_descriptor),
    CASE(trim_returns_the_bytes_that_it_gave_back),
    CASE(no_more_bytes_live_than_were_ever_allocated),
};

int main(int argc, char **argv)
{
    *(void **)&stats_get = check_symbol("sta_stats_get");
    *(void **)&stats_print = check_symbol("sta_stats_print");
    *(void **)&trim = check_symbol("sta_trim");
    if (stats_get == NULL)
        return CHECK_SKIP;
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
