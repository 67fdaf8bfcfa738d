/* SPDX-License-Identifier: MIT */
/*
 * The library works within what the system grants, however little.
 *
 * Under a limit of address space a reservation of the usual size is refused: a
 * smaller one must do, and must leave room for what else the program maps.
 * Under a limit of data memory cannot be committed at will.  In both cases the
 * program starts, gets a good part of what the limit allows, then NULL with
 * ENOMEM, and gets memory again once it has freed some.  What it freed serves
 * the rest of the program as well: it can map a file or start a thread.
 *
 * A program that is to start under the limit is this one again, as `limits take
 * KIND MIB`.  Others set it as they run, when more is reserved than it allows.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "stalloc/malloc.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

/* Takes objects until there are none; returns the bytes that it got. */
static size_t take_all(void ***list, size_t size)
{
    size_t bytes = 0;

    for (;;) {
        errno = 0;
        void **p = malloc(size);
        if (p == NULL)
            break;
        memset(p, 1, 64);
        *p = *list;
        *list = p;
        bytes += size;
    }
    CHECK(errno == ENOMEM);
    return bytes;
}

static void give_all(void **list)
{
    while (list != NULL) {
        void **next = *list;
        free(list);
        list = next;
    }
}

static void *nothing(void *argument)
{
    return argument;
}

/* True when the program itself may map so many bytes. */
static int may_map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED && munmap(p, bytes) == 0;
}

static int may_start_a_thread(size_t stack_bytes)
{
    const char *variant = getenv("STALLOC_VARIANT");
    pthread_t thread;
    pthread_attr_t attributes;

    if (variant != NULL && strcmp(variant, "single") == 0)
        return 1;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_bytes);
    return pthread_create(&thread, &attributes, nothing, NULL) == 0 &&
           pthread_join(thread, NULL) == 0;
}

/* Takes all there is in objects of a size, and frees it. */
static void exhaust(const char *kind, size_t mib, size_t size)
{
    size_t limit = mib * MIB;
    void **list = NULL;
    size_t bytes = take_all(&list, size);
    int enough = bytes >= limit / 3;

    if (!enough)
        dprintf(2, "%s %zu MiB: %zu bytes of objects of %zu\n", kind, mib,
                bytes, size);
    CHECK(enough);
    CHECK(bytes <= limit);
    give_all(list);
}

/* Though the first reservation has half of it. */
static void most_is_for_one_object(size_t limit)
{
    for (int i = 0; i < 3; i++) {
        char *p = malloc(limit / 8 * 5);
        REQUIRE(p != NULL);
        p[0] = p[limit / 2] = 1;
        free(p);
    }
}

/* What runs under the limit of `mib`; the exit status tells how it went. */
static int take(const char *kind, size_t mib)
{
    size_t sizes[] = {100, 5 * KIB, 200 * KIB};
    size_t limit = mib * MIB;

    /* A first object, as every program has; then the program's own needs. */
    free(malloc(100));
    if (mib >= 40)
        most_is_for_one_object(limit);
    CHECK(may_map(limit / 4) || strcmp(kind, "as") != 0);
    CHECK(may_start_a_thread(64 * KIB));
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        exhaust(kind, mib, sizes[i]);
        exhaust(kind, mib, sizes[i]);
        if (!may_map(limit / 8))
            dprintf(2, "%s %zu MiB: objects of %zu are in the way\n", kind, mib,
                    sizes[i]);
        CHECK(may_map(limit / 8));
        CHECK(may_start_a_thread(limit / 8));
    }
    return check_failures == 0 ? CHECK_PASS : CHECK_FAIL;
}

enum when { AT_START, AS_IT_RUNS };

static void run_limited(const char *kind, size_t mib, enum when when)
{
    pid_t child = fork();
    int status;

    REQUIRE(child >= 0);
    if (child == 0) {
        char number[32];
        char name[] = "limits", verb[] = "take", copy[8] = "";
        struct rlimit limit = {mib * MIB, mib * MIB};
        char *arguments[] = {name, verb, copy, number, NULL};
        memcpy(copy, kind, strlen(kind));
        snprintf(number, sizeof number, "%zu", mib);
        setrlimit(strcmp(kind, "as") == 0 ? RLIMIT_AS : RLIMIT_DATA, &limit);
        if (when == AS_IT_RUNS)
            _exit(take(kind, mib));
        check_start_again(arguments);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        dprintf(2, "limit %s of %zu MiB: status %#x\n", kind, mib,
                (unsigned)status);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void programs_start_and_work_under_rlimit_as(void)
{
    static const size_t mib[] = {16, 24, 40, 64, 200};

    for (size_t i = 0; i < COUNT_OF(mib); i++)
        run_limited("as", mib[i], AT_START);
}

static void programs_start_and_work_under_rlimit_data(void)
{
    for (size_t mib = 8; mib <= 128; mib *= 4)
        run_limited("data", mib, AT_START);
}

static void programs_may_limit_themselves_as_they_run(void)
{
    free(malloc(100));
    run_limited("as", 64, AS_IT_RUNS);
}

static size_t mapped_bytes(void)
{
    char text[64];
    int fd = open("/proc/self/statm", O_RDONLY);

    REQUIRE(fd >= 0 && read(fd, text, sizeof text) > 0);
    close(fd);
    return strtoul(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static uint64_t reserved_bytes(void)
{
    int (*stats_get)(struct sta_stats *, size_t);
    struct sta_stats stats;

    *(void **)&stats_get = check_symbol("sta_stats_get");
    REQUIRE(stats_get != NULL && stats_get(&stats, sizeof stats) == 0);
    return stats.reserved_bytes;
}

static void what_a_limit_takes_is_not_reserved_any_more(void)
{
    int status;

    if (!check_is_stalloc())
        return;
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        struct rlimit limit = {64 * MIB, 64 * MIB};
        uint64_t reserved = reserved_bytes();
        size_t mapped = mapped_bytes();
        REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
        CHECK(reserved_bytes() < reserved);
        CHECK(reserved - reserved_bytes() == mapped - mapped_bytes());
        _exit(check_failures == 0 ? CHECK_PASS : CHECK_FAIL);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* It runs in its parent's memory. */
static void a_limit_of_a_vforked_child_is_not_its_parents(void)
{
    size_t before = mapped_bytes();
    struct rlimit limit = {MIB, MIB};
    pid_t child = vfork();
    int status;

    REQUIRE(child >= 0);
    if (child == 0)
        _exit(setrlimit(RLIMIT_AS, &limit));
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(mapped_bytes() == before);
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(programs_start_and_work_under_rlimit_as),
    CASE(programs_start_and_work_under_rlimit_data),
    CASE(programs_may_limit_themselves_as_they_run),
    CASE(what_a_limit_takes_is_not_reserved_any_more),
    CASE(a_limit_of_a_vforked_child_is_not_its_parents),
};

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "take") == 0)
        return take(argv[2], strtoul(argv[3], NULL, 10));
    check_needs_the_kernel();
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
