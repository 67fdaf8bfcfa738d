/* SPDX-License-Identifier: MIT */
/*
 * What the system refuses for a while costs no object, and is had again later.
 *
 * inject.c fails each call once; here the system itself refuses: memory that is
 * locked cannot be given back, and must not pass for memory that was and is
 * zero; mremap may fail after it has unmapped its destination, or moved a part;
 * at the limit of mappings no part of one can change.  A limit that is raised
 * little by little must not use up what the library has to remember its
 * reservations.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { KIB = 1024, MIB = 1024 * 1024, OBJECTS = 64 };

struct object {
    unsigned char *bytes;
    size_t size;
};

static struct object object[OBJECTS];

static void check_contents(size_t i, size_t size)
{
    for (size_t k = 0; k < size; k += 512)
        REQUIRE(object[i].bytes[k] == pattern_byte(i, k));
}

static void resize(size_t i, size_t size)
{
    struct object *o = &object[i];
    size_t kept = o->size < size ? o->size : size;
    errno = 0;
    void *p = realloc(o->bytes, size);

    if (p == NULL) {
        CHECK(errno == ENOMEM);
        return;
    }
    o->bytes = p;
    check_contents(i, kept);
    o->size = size;
    for (size_t k = 0; k < size; k += 512)
        o->bytes[k] = pattern_byte(i, k);
}

/* Objects of all sizes come, grow and go; calloc's are zero. */
static void use_the_heap(int rounds)
{
    uint64_t random = 0x2545f4914f6cdd1dull;

    for (int n = 0; n < rounds * OBJECTS; n++) {
        uint64_t r = random_next(&random);
        size_t i = (size_t)n % OBJECTS;
        size_t size = 1 + (size_t)(r >> 20) % ((size_t)64 << (r >> 40) % 17);
        if (r % 4 == 0) {
            free(object[i].bytes);
            object[i] = (struct object){NULL, 0};
        } else if (r % 4 == 1) {
            unsigned char *p = calloc(1, size);
            for (size_t k = 0; p != NULL && k < size; k += 64)
                REQUIRE(p[k] == 0);
            if (p != NULL)
                memset(p, 0xa5, size);
            free(p);
        } else {
            resize(i, size);
        }
    }
}

static void free_all(void)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        if (object[i].bytes != NULL)
            check_contents(i, object[i].size);
        free(object[i].bytes);
        object[i] = (struct object){NULL, 0};
    }
    malloc_trim(0);
}

static void everything_works(void)
{
    for (size_t size = 1; size < (size_t)200 * MIB; size = size * 3 + 1) {
        unsigned char *p = calloc(1, size);
        CHECK(p != NULL);
        if (p != NULL)
            CHECK(p[0] == 0 && p[size - 1] == 0);
        free(p);
    }
}

static void locked_memory_is_not_taken_for_zero(void)
{
    use_the_heap(2);
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        dprintf(1, "    skipped: memory may not be locked here\n");
        return;
    }
    use_the_heap(10);
    free_all();
    use_the_heap(10);
    CHECK(munlockall() == 0);
    free_all();
    use_the_heap(10);
    free_all();
    everything_works();
}

/* Their type of a resource is an enum in one C library, int in another. */
static int get_limit(bool data, struct rlimit *limit)
{
    return data ? getrlimit(RLIMIT_DATA, limit) : getrlimit(RLIMIT_AS, limit);
}

static int set_limit(bool data, const struct rlimit *limit)
{
    return data ? setrlimit(RLIMIT_DATA, limit) : setrlimit(RLIMIT_AS, limit);
}

static void limit_below_use(bool data)
{
    struct rlimit limit, low;

    use_the_heap(4);
    REQUIRE(get_limit(data, &limit) == 0);
    low = limit;
    low.rlim_cur = 4 * MIB;
    REQUIRE(set_limit(data, &low) == 0);
    use_the_heap(20);
    REQUIRE(set_limit(data, &limit) == 0);
    free_all();
    use_the_heap(4);
    free_all();
    everything_works();
}

static void limits_may_fall_below_what_is_in_use(void)
{
    limit_below_use(false);
    limit_below_use(true);
}

static void there_may_be_no_mapping_left(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = 100000 * page;
    char *many =
        mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t i = 0;

    REQUIRE(many != MAP_FAILED);
    use_the_heap(2);
    while (i < 100000 && mprotect(many + i * page, page, PROT_READ) == 0)
        i += 2;
    if (i == 100000)
        dprintf(1, "    skipped: the limit of mappings is too high\n");
    use_the_heap(10);
    free_all();
    use_the_heap(10);
    REQUIRE(munmap(many, size) == 0);
    free_all();
    everything_works();
}

/* Watches a range by userfaultfd until the result is closed; -1 if it cannot.
 * A C library need not have the kernel's headers: theirs are spelt out. */
static int watch(void *p, size_t bytes)
{
    struct {
        uint64_t api, features, ioctls;
    } api = {0xaa, 0, 0};
    struct {
        uint64_t start, bytes, mode, ioctls;
    } range = {(uintptr_t)p, bytes, 2, 0}; /* writes, where protected */
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | 1);

    if (fd >= 0 && ioctl(fd, _IOWR(0xaa, 0x3f, api), &api) == 0 &&
        ioctl(fd, _IOWR(0xaa, 0, range), &range) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Since 6.17 Linux moves several mappings one after the other.  It refuses the
 * watched one, when that in front has gone already. */
static void what_moves_in_parts_stays_whole(void)
{
    const size_t part = (size_t)2 * MIB;
    unsigned char *p = aligned_alloc(64 * KIB, 4 * part);
    void *behind = malloc(4 * part); /* or it would grow where it is */
    REQUIRE(p != NULL && behind != NULL);
    pattern_fill(p, 4 * part, 9);
    int fd = watch(p + 2 * part, part);

    if (fd < 0)
        dprintf(1, "    skipped: there is no userfaultfd here\n");
    p = realloc(p, 12 * part);
    REQUIRE(p != NULL);
    CHECK(pattern_holds(p, 4 * part, 9));
    if (fd >= 0)
        close(fd);
    free(behind);
    free(p);
    everything_works();
}

/* Takes all memory there is; what was freed before must be had again. */
static size_t exhaust(size_t size)
{
    void **list = NULL;
    void **p;
    size_t bytes = 0;

    while ((p = malloc(size)) != NULL) {
        *p = list;
        list = p;
        bytes += size;
    }
    while (list != NULL) {
        void **next = *list;
        free(list);
        list = next;
    }
    return bytes;
}

/*
 * Raises the limit by `step` so often, and looks each time what there is: no
 * less than before but for a few objects, as reservations are made anew and
 * what is left beside the last one differs.  Returns how often it was more.
 */
static int raise_by(size_t step, int times, size_t *before)
{
    struct rlimit limit;
    int gained = 0;

    REQUIRE(getrlimit(RLIMIT_AS, &limit) == 0);
    for (int i = 0; i < times; i++) {
        size_t now = exhaust(100 * KIB);
        CHECK(now + 512 * KIB >= *before);
        gained += now > *before;
        *before = now;
        limit.rlim_cur += step;
        REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
    }
    CHECK(*before >= (size_t)limit.rlim_cur / 2);
    return gained;
}

static void raise_little_by_little(void)
{
    struct rlimit limit;
    size_t before = 0;

    /* By little, so that reservations pass the size from which they are
     * aligned for huge pages. */
    CHECK(raise_by(256 * KIB, 200, &before) >= 100);
    CHECK(raise_by(1 * MIB, 150, &before) >= 20);
    REQUIRE(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
    everything_works();
}

static void limits_may_rise_little_by_little(void)
{
    static char name[] = "refused", verb[] = "raise";
    char *arguments[] = {name, verb, NULL};
    struct rlimit limit;

    if (!check_addresses_may_be_few())
        return;
    REQUIRE(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = 16 * MIB;
    REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
    check_start_again(arguments);
}

/* Each in a process of its own: it leaves limits and locks behind. */
static void in_child(void (*run)(void))
{
    int status;
    pid_t child = fork();

    REQUIRE(child >= 0);
    if (child == 0) {
        check_failures = 0;
        run();
        _exit(check_failures == 0 ? CHECK_PASS : CHECK_FAIL);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        dprintf(2, "status %#x\n", (unsigned)status);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#define CASE(name)                                                             \
    static void name##_in_child(void)                                          \
    {                                                                          \
        in_child(name);                                                        \
    }

CASE(locked_memory_is_not_taken_for_zero)
CASE(limits_may_fall_below_what_is_in_use)
CASE(there_may_be_no_mapping_left)
CASE(what_moves_in_parts_stays_whole)
CASE(limits_may_rise_little_by_little)

#undef CASE
#define CASE(name)                                                             \
    {                                                                          \
#name, name##_in_child                                                 \
    }

static const struct check_case cases[] = {
    CASE(locked_memory_is_not_taken_for_zero),
    CASE(limits_may_fall_below_what_is_in_use),
    CASE(there_may_be_no_mapping_left),
    CASE(what_moves_in_parts_stays_whole),
    CASE(limits_may_rise_little_by_little),
};

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "raise") == 0) {
        raise_little_by_little();
        return check_failures == 0 ? CHECK_PASS : CHECK_FAIL;
    }
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
