/* SPDX-License-Identifier: MIT */
/*
 * What the black-box tests of the malloc library stand on.
 *
 * A test program is an ordinary program: it is not linked with libstalloc, and
 * run-preloaded runs it with the library preloaded, once in each variant.  So
 * it also runs under the C library's malloc, and must pass there wherever both
 * promise the same; check_is_stalloc() guards what only libstalloc promises.
 *
 * A program is a table of named cases.  CHECK reports and goes on, REQUIRE
 * reports and ends the program.  Both may be used by any thread.  Nothing here
 * allocates, so that the counts a case looks at are its own.
 */
#ifndef TESTS_MALLOC_CHECK_H
#define TESTS_MALLOC_CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/libc.h"

/* A C library may lack these; a preloaded libstalloc has them. */
#ifndef __GLIBC__
#pragma weak malloc_info
#pragma weak malloc_stats
#pragma weak malloc_trim
#pragma weak mallinfo
#pragma weak mallinfo2
#pragma weak mallopt
#pragma weak pvalloc
#endif

#define CHECK(expr) ((expr) ? (void)0 : check_failed(__FILE__, __LINE__, #expr))
#define REQUIRE(expr)                                                          \
    ((expr) ? (void)0                                                          \
            : (check_failed(__FILE__, __LINE__, #expr), _exit(CHECK_FAIL)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A power of two of bytes that no machine has, and the root of SIZE_MAX + 1. */
#define IMPOSSIBLE (sizeof(size_t) == 8 ? SIZE_MAX / 4 + 1 : SIZE_MAX / 2 + 1)
#define HALF_WORD  ((size_t)1 << sizeof(size_t) * 4)

enum { CHECK_PASS = 0, CHECK_FAIL = 1, CHECK_SKIP = 77 };

struct check_case {
    const char *name;
    void (*run)(void);
};

/* How many checks failed so far; changed by atomic operations only. */
static unsigned check_failures;

static inline void check_failed(const char *file, int line, const char *expr)
{
    /* What fails in a loop fails often; the first lines say it all. */
    if (__atomic_fetch_add(&check_failures, 1u, __ATOMIC_RELAXED) < 20)
        dprintf(2, "%s:%d: failed: %s\n", file, line, expr);
}

/* Returns an address of the library under test, or NULL: no such name. */
static inline void *check_symbol(const char *name)
{
    return dlsym(RTLD_DEFAULT, name);
}

/* True when the malloc in use is libstalloc's, not another's. */
static inline int check_is_stalloc(void)
{
    return check_symbol("sta_version") != NULL;
}

/* The level of STALLOC_CHECK that the program runs at; 1 by default. */
static inline int check_level(void)
{
    const char *level = getenv("STALLOC_CHECK");

    return level == NULL || !check_is_stalloc() ? 1 : atoi(level);
}

/*
 * Ends the program unless `malloc` is that of the library under test: a test of
 * the wrong malloc passes for the wrong reason.
 */
static inline void check_library(void)
{
    const char *wanted = getenv("STA_TEST_LIB");
    char wanted_path[4096];
    char found_path[4096];
    Dl_info found;

    if (wanted == NULL || strcmp(wanted, "none") == 0)
        return;
    REQUIRE(dladdr(check_symbol("malloc"), &found) != 0);
    REQUIRE(realpath(wanted, wanted_path) != NULL);
    REQUIRE(realpath(found.dli_fname, found_path) != NULL);
    REQUIRE(strcmp(wanted_path, found_path) == 0);
}

/* True under qemu-user. */
static inline int check_is_emulated(void)
{
    return getenv("STA_TEST_EMULATOR") != NULL;
}

/* Ends the program as skipped under an emulator, which needs more memory, other
 * system calls or other signals than the program by itself. */
static inline void check_needs_the_kernel(void)
{
    if (check_is_emulated())
        _exit(CHECK_SKIP);
}

/* False, with a line, where a fork's child cannot start a thread: qemu-user
 * ends it by an assertion of its own, "qemu_plugin_vcpu_init_hook", whatever
 * malloc the program has. */
static inline int check_child_may_have_threads(void)
{
    if (check_is_emulated())
        dprintf(1, "    skipped: qemu-user aborts a fork's child with "
                   "threads\n");
    return !check_is_emulated();
}

/* False, with a line, where a limit on the program's addresses leaves none for
 * qemu-user itself. */
static inline int check_addresses_may_be_few(void)
{
    if (check_is_emulated())
        dprintf(1, "    skipped: qemu-user needs addresses of its own\n");
    return !check_is_emulated();
}

/* Ends the program as skipped where the C library is another than GNU's, which
 * alone promises what the test is about. */
static inline void check_needs_glibc(void)
{
#ifndef __GLIBC__
    _exit(CHECK_SKIP);
#endif
}

/* Ends the program as skipped in the variant for programs with one thread. */
static inline void check_needs_threads(void)
{
    const char *variant = getenv("STALLOC_VARIANT");

    if (variant != NULL && strcmp(variant, "single") == 0)
        _exit(CHECK_SKIP);
}

/* How often to do what a test does `count` times.  STA_TEST_SHARE is the
 * percent of it that must do where each step is slow: under an emulator or
 * Valgrind. */
static inline int check_times(int count)
{
    const char *share = getenv("STA_TEST_SHARE");

    return share == NULL ? count : (count * atoi(share) + 99) / 100;
}

/* True when the tests may take their time: `scripts/test --long`. */
static inline int check_is_long(void)
{
    return getenv("STA_TEST_LONG") != NULL;
}

/* Returns the program's file by its name: under Valgrind the link itself leads
 * to Valgrind. */
static inline char *check_self(void)
{
    static char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

    REQUIRE(len > 0);
    self[len] = '\0';
    return self;
}

/* Starts the program again; for what is read once, at the first allocation. */
static inline void check_start_again(char **argv)
{
    char *self = check_self();
    char *emulator = getenv("STA_TEST_EMULATOR");
    char *emulated[8] = {emulator, self};

    if (emulator == NULL)
        REQUIRE(execv(self, argv) == 0); /* it does not return */
    for (int i = 1; i < 6 && argv[i] != NULL; i++)
        emulated[i + 1] = argv[i];
    unsetenv("LD_PRELOAD"); /* the emulator has its own way to set it */
    REQUIRE(execvp(emulator, emulated) == 0);
}

/* Starts the program again with NAME=VALUE in its environment unless it is
 * there. */
static inline void check_needs_env(char **argv, const char *name,
                                   const char *value)
{
    static const char once[] = "STA_TEST_STARTED_FOR";
    const char *now = getenv(name);
    const char *started_for = getenv(once);

    /* Valgrind, for one, changes LD_PRELOAD: once must do. */
    if ((now != NULL && strcmp(now, value) == 0) ||
        (started_for != NULL && strcmp(started_for, name) == 0))
        return;
    REQUIRE(setenv(name, value, 1) == 0);
    REQUIRE(setenv(once, name, 1) == 0);
    check_start_again(argv);
}

/* Starts the program again under a limit of `bytes` of address space unless it
 * has one that is as low. */
static inline void check_needs_address_limit(char **argv, size_t bytes)
{
    struct rlimit limit;

    check_needs_the_kernel();
    REQUIRE(getrlimit(RLIMIT_AS, &limit) == 0);
    if (limit.rlim_cur <= bytes)
        return;
    limit.rlim_cur = bytes;
    REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
    check_start_again(argv);
}

/*
 * Runs the cases in order, or those that the arguments name.
 *
 * Returns  the exit status of the program.
 */
static inline int check_main(int argc, char **argv,
                             const struct check_case *cases, size_t count)
{
    check_library();
    for (size_t i = 0; i < count; i++) {
        int wanted = argc < 2;
        for (int a = 1; a < argc; a++)
            wanted |= strcmp(argv[a], cases[i].name) == 0;
        if (!wanted)
            continue;
        unsigned before = check_failures;
        dprintf(1, "  %s\n", cases[i].name);
        cases[i].run();
        if (check_failures != before)
            dprintf(2, "FAILED: %s\n", cases[i].name);
    }
    return check_failures == 0 ? CHECK_PASS : CHECK_FAIL;
}

/* Hides a value from the compiler, which would judge or fold constants. */
static inline size_t hide(size_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

/* Hides that `p` is what it was, so that a freed address can be compared. */
static inline void *hide_pointer(void *p)
{
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}

/* Returns byte `i` of the pattern that `seed` names. */
static inline unsigned char pattern_byte(size_t seed, size_t i)
{
    return (unsigned char)(seed * 131 + i * 7 + (i >> 8) + 1);
}

/* Fills `size` bytes with the pattern of `seed`. */
static inline void pattern_fill(void *p, size_t size, size_t seed)
{
    unsigned char *bytes = (unsigned char *)p;

    for (size_t i = 0; i < size; i++)
        bytes[i] = pattern_byte(seed, i);
}

/* True when the `size` bytes hold the pattern of `seed`. */
static inline int pattern_holds(const void *p, size_t size, size_t seed)
{
    const unsigned char *bytes = (const unsigned char *)p;

    for (size_t i = 0; i < size; i++)
        if (bytes[i] != pattern_byte(seed, i))
            return 0;
    return 1;
}

/* True when the `size` bytes are zero. */
static inline int is_zero(const void *p, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)p;

    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return 0;
    return 1;
}

static inline int is_aligned(const void *p, size_t alignment)
{
    return (uintptr_t)p % alignment == 0;
}

/* The next number of a xorshift generator; *state must not be 0. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Returns the value in KiB of a line such as VmRSS of /proc/self/status.  It
 * allocates nothing: there may be a limit that leaves no memory. */
static inline long status_kib(const char *key)
{
    char text[4096];
    size_t length = strlen(key);
    int status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

    REQUIRE(status >= 0);
    ssize_t got = read(status, text, sizeof text - 1);
    close(status);
    REQUIRE(got > 0);
    text[got] = '\0';
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ':')
            return strtol(line + length + 1, NULL, 10);
    }
    return -1;
}

/* True when at most `kib` of the program are resident.  Under an emulator,
 * whose own memory is in that figure and grows with each thread, nobody can
 * say. */
static inline int check_resident(long kib)
{
    return check_is_emulated() || status_kib("VmRSS") <= kib;
}

#endif
