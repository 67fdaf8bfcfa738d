/* SPDX-License-Identifier: MIT */
/*
 * Whichever system call for memory fails, the heap stays whole.
 *
 * This program's own mmap, mprotect, madvise, mremap and munmap are the ones
 * that libstalloc finds.  They fail the k-th call, or every call from the k-th
 * on, for every k until a run makes fewer calls: those of the library's start,
 * of a thread's first allocation, of growth, moves and purges.  Each request
 * must then work or return NULL with ENOMEM and change nothing, no object may
 * lose its contents, and when the calls work again so must all requests.
 *
 * A failed mremap has unmapped its destination, as Linux does when a limit is
 * below what is in use: memory that is handed out from there ends the run.
 */
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
    KIB = 1024,
    MIB = 1024 * KIB,
    OBJECTS = 48,
    STEPS = 100,
    NOT_REACHED = 3
};

/* --- The calls that fail ------------------------------------------------- */

enum call { MMAP, MPROTECT, MADVISE, MREMAP, MUNMAP, ANY };

static const char *const call_names[] = {"mmap",   "mprotect", "madvise",
                                         "mremap", "munmap",   "any call"};

static enum { UNREAD, ARMED, OFF } armed;
static enum call wanted;
static int from_there_on; /* not only the k-th */
static unsigned k;
static unsigned count; /* of calls of the wanted kind so far */

/* Every move to a place of the library's choice fails; the last such place.
 * realloc() is declared to read and change no variable of ours. */
static volatile int refuse_places;
static void *volatile refused_place;

/* STA_TEST_INJECT="KIND K FROM", read when the library makes its first call. */
static void read_plan(void)
{
    char *plan = getenv("STA_TEST_INJECT");

    armed = OFF;
    if (plan == NULL)
        return;
    wanted = (enum call)strtoul(plan, &plan, 10);
    k = (unsigned)strtoul(plan, &plan, 10);
    from_there_on = strtoul(plan, &plan, 10) != 0;
    armed = ARMED;
}

/* True when this call is to fail. */
static int fails(enum call call)
{
    if (armed == UNREAD)
        read_plan();
    if (armed == OFF || (wanted != ANY && wanted != call))
        return 0;
    unsigned n = __atomic_add_fetch(&count, 1u, __ATOMIC_RELAXED);
    if (n != k && (n < k || !from_there_on))
        return 0;
    errno = ENOMEM;
    return 1;
}

#ifdef SYS_mmap2
enum { SYS_MAP = SYS_mmap2 };
#else
enum { SYS_MAP = SYS_mmap };
#endif

void *mmap(void *at, size_t size, int access, int flags, int fd, off_t offset)
{
    if (fails(MMAP))
        return MAP_FAILED;
    return (void *)syscall(SYS_MAP, at, size, access, flags, fd, offset);
}

int mprotect(void *p, size_t size, int access)
{
    return fails(MPROTECT) ? -1 : (int)syscall(SYS_mprotect, p, size, access);
}

int madvise(void *p, size_t size, int advice)
{
    return fails(MADVISE) ? -1 : (int)syscall(SYS_madvise, p, size, advice);
}

int munmap(void *p, size_t size)
{
    return fails(MUNMAP) ? -1 : (int)syscall(SYS_munmap, p, size);
}

void *mremap(void *p, size_t old_size, size_t size, int flags, ...)
{
    va_list rest;

    va_start(rest, flags);
    void *to = flags & MREMAP_FIXED ? va_arg(rest, void *) : NULL;
    va_end(rest);
    int refused = refuse_places && to != NULL;
    if (!refused && !fails(MREMAP))
        return (void *)syscall(SYS_mremap, p, old_size, size, flags, to);
    if (to != NULL)
        syscall(SYS_munmap, to, size);
    refused_place = to;
    errno = ENOMEM;
    return MAP_FAILED;
}

/* --- The work ------------------------------------------------------------ */

struct object {
    unsigned char *bytes;
    size_t size;
    size_t seed;
};

/* One byte of each 256, so that every page is written and looked at. */
static void fill(struct object *o, size_t seed)
{
    o->seed = seed;
    for (size_t i = 0; i < o->size; i += 256)
        o->bytes[i] = pattern_byte(seed, i);
}

static void check_contents(const struct object *o, size_t size)
{
    size_t wrong = 0;

    for (size_t i = 0; i < o->size && i < size; i += 256)
        wrong += o->bytes[i] != pattern_byte(o->seed, i);
    REQUIRE(wrong == 0);
}

/* A request may fail while calls do, with ENOMEM. */
static int got(const void *p)
{
    if (p == NULL) {
        CHECK(errno == ENOMEM);
        CHECK(armed == ARMED);
    }
    errno = 0;
    return p != NULL;
}

static void drop(struct object *o)
{
    check_contents(o, o->size);
    free(o->bytes);
    *o = (struct object){NULL, 0, 0};
}

/* Replaces an empty object by a new one. */
static void make(struct object *o, size_t size, uint64_t random)
{
    void *p;

    if (random % 3 == 0) {
        p = calloc(1, size);
        for (size_t i = 0; p != NULL && i < size; i += 64)
            CHECK(((unsigned char *)p)[i] == 0);
    } else if (random % 3 == 1) {
        size_t alignment = (size_t)64 << random / 3 % 15;
        p = aligned_alloc(alignment, size);
        CHECK(is_aligned(p, alignment));
    } else {
        p = malloc(size);
    }
    if (!got(p))
        return;
    o->bytes = p;
    o->size = size;
    fill(o, random);
}

static void resize(struct object *o, size_t size, uint64_t random)
{
    void *p = realloc(o->bytes, size);

    if (got(p)) {
        o->bytes = p;
        check_contents(o, size);
        o->size = size;
        fill(o, random);
    } else {
        check_contents(o, o->size);
    }
}

/* Two that grow in turns stand in each other's way, and are moved. */
static void grow_two(void)
{
    struct object two[2] = {{NULL, 0, 0}};

    for (size_t i = 0; i < 10; i++) {
        struct object *o = &two[i % 2];
        if (o->bytes == NULL)
            make(o, 300 * KIB, 2);
        else
            resize(o, o->size * 2, i);
    }
    drop(&two[0]);
    drop(&two[1]);
}

static void *mix(void *argument)
{
    struct object object[OBJECTS] = {{NULL, 0, 0}};
    uint64_t random = 0x9e3779b97f4a7c15u + (uintptr_t)argument;

    errno = 0;
    grow_two();
    for (int step = 0; step < STEPS; step++) {
        uint64_t r = random_next(&random);
        struct object *o = &object[r % OBJECTS];
        size_t size = 1 + (size_t)(r >> 20) % ((size_t)64 << (r >> 40) % 15);
        if (step % 10 == 9) /* long enough to be moved by mremap */
            size = (size_t)(300 + (r >> 20) % 2000) * KIB;
        if (o->bytes == NULL)
            make(o, size, r >> 8);
        else if (r >> 60 < 6)
            drop(o);
        else
            resize(o, size, r >> 8);
    }
    for (size_t i = 0; i < OBJECTS; i++)
        drop(&object[i]);
    malloc_trim(0);
    return argument;
}

static void mix_in_thread(void)
{
    const char *variant = getenv("STALLOC_VARIANT");
    pthread_t thread;

    if (variant != NULL && strcmp(variant, "single") == 0)
        return;
    /* The C library may not get the memory that it asks malloc for. */
    if (pthread_create(&thread, NULL, mix, (void *)1) == 0)
        REQUIRE(pthread_join(thread, NULL) == 0);
    else
        CHECK(armed == ARMED);
}

/* One run; its exit status says whether the k-th call came. */
static int work(void)
{
    mix(NULL);
    mix_in_thread();
    int reached = armed == ARMED && count >= k;
    armed = OFF;
    mix(NULL);
    mix_in_thread();
    return check_failures != 0 ? CHECK_FAIL
           : reached           ? CHECK_PASS
                               : NOT_REACHED;
}

/* --- The runs ------------------------------------------------------------ */

static int run(enum call call, unsigned n, int from)
{
    static char name[] = "inject", verb[] = "work";
    char *arguments[] = {name, verb, NULL};
    char plan[64];
    int status;
    pid_t child = fork();

    REQUIRE(child >= 0);
    if (child == 0) {
        snprintf(plan, sizeof plan, "%d %u %d", (int)call, n, from);
        setenv("STA_TEST_INJECT", plan, 1);
        check_start_again(arguments);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    return status;
}

/* Runs the work with every k, until a run makes fewer calls.  Of the runs in
 * which all calls behind it fail as well, a quick test leaves some out; so it
 * does of all at levels 2 and 3, where one takes ten times as long. */
static void fail_each(enum call call, int from)
{
    int every = check_is_long() || (!from && check_level() < 2);
    unsigned step = 1;
    for (unsigned n = 1;; n += step) {
        step = every ? 1 : 1 + n / 8;
        int status = run(call, n, from);
        if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_REACHED) {
            dprintf(1, "    %s: up to %u\n", call_names[call], n - 1);
            CHECK(n > 1 || call == MUNMAP); /* never, when all goes well */
            break;
        }
        int passed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        CHECK(passed);
        if (!passed) {
            dprintf(2, "%s number %u%s: status %#x\n", call_names[call], n,
                    from ? " and all behind it" : "", (unsigned)status);
            break;
        }
    }
}

static void the_kth_call_fails(void)
{
    fail_each(ANY, 0);
}

static void all_calls_from_the_kth_on_fail(void)
{
    fail_each(ANY, 1);
    if (!check_is_long())
        return;
    for (enum call call = MMAP; call < ANY; call++)
        fail_each(call, 1);
}

/* Or what is mapped there next would pass for the object that was to come. */
static void nobody_maps_where_an_object_was_to_go(void)
{
    const size_t size = MIB;
    unsigned char *p = malloc(size);
    void *behind = malloc(size); /* or it would grow where it is */
    REQUIRE(p != NULL && behind != NULL);
    pattern_fill(p, size, 5);

    refuse_places = 1;
    unsigned char *grown = realloc(p, 3 * size);
    refuse_places = 0;
    if (refused_place == NULL) {
        dprintf(1, "    skipped: the library does not move pages here\n");
    } else {
        void *q = mmap(refused_place, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(q != MAP_FAILED && q != refused_place);
        CHECK(munmap(q, size) == 0);
    }
    p = grown != NULL ? grown : p;
    CHECK(pattern_holds(p, size, 5));
    free(p);
    free(behind);
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(the_kth_call_fails),
    CASE(all_calls_from_the_kth_on_fail),
    CASE(nobody_maps_where_an_object_was_to_go),
};

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "work") == 0)
        return work();
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
