/* SPDX-License-Identifier: MIT */
/*
 * The library does not call what a program or another library may replace.
 *
 * Libraries that watch a program's files replace open, read, fstat and write by
 * functions of their own, which allocate.  Called from inside malloc, while it
 * starts or holds a lock, they would call it again and wait for ever; so does
 * syscall() of those that pretend to be another user.  This program is such a
 * library: its functions here are the ones that all others find.  The case runs
 * under settings that make libstalloc read files and write messages: a limit of
 * address space, the size of the control group, an unknown variable,
 * statistics.
 */
#include "check.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { KIB = 1024, MIB = 1024 * 1024 };

static unsigned calls;

static void use_the_heap(void)
{
    calls++;
    for (size_t size = 16; size < 1 * MIB; size *= 3)
        free(hide_pointer(malloc(size)));
}

int open(const char *path, int flags, ...)
{
    va_list rest;

    va_start(rest, flags);
    int mode = flags & O_CREAT ? va_arg(rest, int) : 0;
    va_end(rest);
    use_the_heap();
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

ssize_t read(int fd, void *to, size_t size)
{
    use_the_heap();
    return syscall(SYS_read, fd, to, size);
}

ssize_t write(int fd, const void *from, size_t size)
{
    use_the_heap();
    return syscall(SYS_write, fd, from, size);
}

int close(int fd)
{
    use_the_heap();
    return (int)syscall(SYS_close, fd);
}

/* uid_wrapper's looks for many of them. */
long syscall(long number, ...)
{
    static long (*next)(long number, ...);
    va_list rest;
    long a[6];

    va_start(rest, number);
    for (size_t i = 0; i < COUNT_OF(a); i++)
        a[i] = va_arg(rest, long);
    va_end(rest);
    use_the_heap();
    if (next == NULL)
        next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* fakeroot's looks for its own functions at the first call. */
int fstat(int fd, struct stat *found)
{
    use_the_heap();
    return fstatat(fd, "", found, AT_EMPTY_PATH);
}

int fcntl(int fd, int command, ...)
{
    va_list rest;

    va_start(rest, command);
    long argument = va_arg(rest, long);
    va_end(rest);
    use_the_heap();
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

/* Takes all memory there is, and frees it. */
static void exhaust(void)
{
    void **list = NULL;
    void **p;

    while ((p = malloc(5 * MIB)) != NULL) {
        *p = list;
        list = p;
    }
    while (list != NULL) {
        void **next = *list;
        free(list);
        list = next;
    }
}

static int work(void)
{
    struct rlimit limit;

    REQUIRE(getrlimit(RLIMIT_AS, &limit) == 0);
    free(malloc(100));
    if (limit.rlim_cur != RLIM_INFINITY)
        exhaust();
    unsigned before = calls;
    CHECK(mallinfo2().arena != 0);
    malloc_trim(0);
    malloc_stats();
    CHECK(calls == before);
    close(open("/dev/null", O_RDONLY)); /* ours are the ones in use */
    CHECK(calls == before + 4);
    return check_failures == 0 ? CHECK_PASS : CHECK_FAIL;
}

static void run_with(const char *variable, const char *value, int as_mib)
{
    static char name[] = "interposed", verb[] = "work";
    char *arguments[] = {name, verb, NULL};
    int status;

    if (as_mib != 0 && !check_addresses_may_be_few())
        return;
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        struct rlimit limit = {(rlim_t)as_mib * MIB, RLIM_INFINITY};
        if (as_mib != 0)
            setrlimit(RLIMIT_AS, &limit);
        setenv(variable, value, 1);
        dup2(STDOUT_FILENO, STDERR_FILENO); /* messages are not failures */
        check_start_again(arguments);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        dprintf(2, "with %s=%s: status %#x\n", variable, value,
                (unsigned)status);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void watchers_of_files_may_allocate(void)
{
    run_with("STALLOC_VERBOSE", "1", 0);
    run_with("STALLOC_VERBOSE", "1", 1000);
    run_with("STALLOC_UNKNOWN", "1", 0);
    run_with("STALLOC_STATS", "text", 0);
    run_with("STALLOC_ARENA_SIZE", "cgroup", 0);
    run_with("STALLOC_ARENA_SIZE", "nonsense", 1000);
}

static const struct check_case cases[] = {
    {"watchers_of_files_may_allocate", watchers_of_files_may_allocate},
};

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "work") == 0)
        return work();
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
