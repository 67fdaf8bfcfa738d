/* SPDX-License-Identifier: MIT */
/*
 * A program that has locked itself in goes on allocating what there is.
 *
 * Sandboxes allow a few system calls.  A filter that refuses the others makes
 * mmap, mprotect and madvise fail in a way that they never do by themselves
 * (EPERM), from one moment to the next: malloc must serve from what is
 * committed, end in NULL with ENOMEM, and have again what was freed.  Linux's
 * strict mode ends a process for any call but read, write and _exit: there a
 * fixed arena that is touched at start must do without all others.
 */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#if __has_include(<linux/seccomp.h>) && __has_include(<linux/filter.h>)
#include <linux/filter.h>
#include <linux/seccomp.h>

enum { KIB = 1024, MIB = 1024 * 1024 };

/* Takes all there is in objects of many sizes; returns them as a list. */
static void **take_all(size_t *bytes)
{
    uint64_t random = 0x2545f4914f6cdd1dull;
    void **list = NULL;

    *bytes = 0;
    for (size_t most = (size_t)1 << 20; most >= 16; most /= 2)
        for (;;) {
            size_t size = 16 + (size_t)random_next(&random) % most;
            errno = 0;
            void **p = malloc(size);
            if (p == NULL)
                break;
            *bytes += size;
            pattern_fill(p + 1, size - sizeof p, size);
            *p = list;
            list = p;
        }
    CHECK(errno == ENOMEM);
    return list;
}

static void free_list(void **list)
{
    while (list != NULL) {
        void **next = *list;
        free(list);
        list = next;
    }
}

/* Returns the bytes that are to be had at the second try. */
static size_t use_all_twice(void)
{
    size_t first, second;

    free_list(take_all(&first));
    malloc_trim(0);
    unsigned char *p = calloc(1, 20 * KIB);
    CHECK(p != NULL ? is_zero(p, 20 * KIB) : errno == ENOMEM);
    unsigned char *q = realloc(p, 100 * KIB);
    CHECK(q != NULL ? is_zero(q, p ? 20 * KIB : 0) : errno == ENOMEM);
    free(q != NULL ? q : p);
    malloc_trim(0);
    free_list(take_all(&second));
    CHECK(second >= first - first / 8);
    return second;
}

static void what_is_refused_is_no_memory(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {COUNT_OF(steps), steps};

    free(hide_pointer(malloc(3 * MIB))); /* so much is committed */
    REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
    REQUIRE(syscall(SYS_getpid) == -1 && errno == EPERM);
    /* At levels 2 and 3 each object's pages are asked for anew. */
    size_t got = use_all_twice();
    CHECK(got >= 2 * MIB || check_level() > 1 || !check_is_stalloc());
}

/* Only what the C library's malloc may call, too; write is for the checks. */
static void what_ends_the_process_is_not_called(void)
{
    static const unsigned calls[] = {
#ifdef SYS_mmap2
        SYS_mmap2,
#endif
        SYS_mmap,   SYS_munmap, SYS_mprotect, SYS_madvise,
        SYS_mremap, SYS_futex,  SYS_write,    SYS_exit_group};
    enum { COUNT = sizeof calls / sizeof *calls };
    struct sock_filter steps[COUNT + 3] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        [COUNT + 1] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        [COUNT + 2] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {COUNT_OF(steps), steps};

    for (unsigned i = 0; i < COUNT; i++)
        steps[i + 1] = (struct sock_filter)BPF_JUMP(
            BPF_JMP | BPF_JEQ | BPF_K, calls[i], (uint8_t)(COUNT - i), 0);
    free(hide_pointer(malloc(1)));
    REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
    for (size_t round = 0; round < 3; round++) {
        char *p = NULL;
        char *behind[32] = {NULL};
        size_t n = 0;
        for (size_t size = 1000; size < 32 * MIB; size += size / 2) {
            p = realloc(p, size); /* which moves */
            REQUIRE(p != NULL && n < COUNT_OF(behind));
            memset(p, 1, size);
            behind[n++] = malloc(size);
        }
        free(p);
        while (n > 0)
            free(behind[--n]);
        unsigned char *q = calloc(1, 8 * MIB);
        CHECK(q != NULL && is_zero(q, 8 * MIB));
        free(q);
        malloc_trim(0);
        CHECK(mallinfo2().arena != 0);
    }
}

/* Some filters have a call do nothing and say that all is well. */
static void text_that_nobody_takes_is_dropped(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {COUNT_OF(steps), steps};

    free(hide_pointer(malloc(1)));
    REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
    alarm(20); /* would end it if it went on trying */
    malloc_stats();
}

/* Some filters let signals be set, but not blocked. */
static void a_message_leaves_the_signals_alone(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigpending, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigprocmask, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SIG_BLOCK, 2, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    struct sock_fprog filter = {COUNT_OF(steps), steps};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    REQUIRE(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
    free(hide_pointer(malloc(1)));
    REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
    malloc_stats();
    REQUIRE(sigprocmask(SIG_SETMASK, NULL, &set) == 0);
    CHECK(sigismember(&set, SIGUSR1) == 1);
}

static void a_touched_arena_makes_no_call_at_all(void)
{
    free(hide_pointer(malloc(1)));
    REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
    size_t got = use_all_twice();
    CHECK(got >= 6 * MIB);
    /* exit_group is none of those that are allowed */
    syscall(SYS_exit, check_failures ? CHECK_FAIL : CHECK_PASS);
}

static void in_child(void (*run)(void))
{
    int status = -1;
    pid_t child = fork();

    REQUIRE(child >= 0);
    if (child == 0) {
        run();
        _exit(check_failures ? CHECK_FAIL : CHECK_PASS);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    if (status != 0)
        dprintf(2, "wait status %#x\n", (unsigned)status);
    CHECK(status == 0);
}

static void filtered(void)
{
    if (check_is_stalloc()) /* glibc's brk() takes EPERM for an address */
        in_child(what_is_refused_is_no_memory);
}

static void fatal(void)
{
    if (check_is_stalloc()) /* others may call what they like */
        in_child(what_ends_the_process_is_not_called);
}

static void silenced(void)
{
    if (check_is_stalloc()) /* glibc's stdio goes on trying */
        in_child(text_that_nobody_takes_is_dropped);
}

static void unsignalled(void)
{
    if (check_is_stalloc())
        in_child(a_message_leaves_the_signals_alone);
}

static void start_strict(void)
{
    static char name[] = "sandbox", verb[] = "strict";
    char *arguments[] = {name, verb, NULL};

    setenv("STALLOC_ARENA_SIZE", "8M", 1);
    setenv("STALLOC_PREFAULT", "1", 1);
    check_start_again(arguments);
}

static void strict(void)
{
    if (check_is_stalloc())
        in_child(start_strict);
}

static const struct check_case cases[] = {
    {"filtered", filtered},       {"fatal", fatal},   {"silenced", silenced},
    {"unsignalled", unsignalled}, {"strict", strict},
};

int main(int argc, char **argv)
{
    check_needs_the_kernel();
    if (getenv("STALLOC_PREFAULT") != NULL)
        a_touched_arena_makes_no_call_at_all();
    return check_main(argc, argv, cases, COUNT_OF(cases));
}

#else

int main(void)
{
    return CHECK_SKIP;
}

#endif
