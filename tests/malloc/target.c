/* SPDX-License-Identifier: MIT */
/*
 * The program that the Python tests here run under various environments; its
 * first argument says what to do, and standard output is what they look at.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

enum { MIB = 1024 * 1024 };

static void *sink[4096];

/* Exits well when the heap works; says so on standard output. */
static void work(void)
{
    for (size_t i = 0; i < COUNT_OF(sink); i++) {
        sink[i] = malloc(1 + i * 3);
        REQUIRE(sink[i] != NULL);
        pattern_fill(sink[i], 1 + i * 3, i);
    }
    for (size_t i = 0; i < COUNT_OF(sink); i++) {
        REQUIRE(pattern_holds(sink[i], 1 + i * 3, i));
        free(sink[i]);
    }
    dprintf(1, "works\n");
}

/* 1000 objects of 40 bytes, half of them freed; 20 of 5000; 3 of 1 MiB, one
 * freed; one request that cannot be had. */
static void script(void)
{
    for (size_t i = 0; i < 1000; i++)
        sink[i] = malloc(40);
    for (size_t i = 0; i < 1000; i += 2)
        free(sink[i]);
    for (size_t i = 1000; i < 1020; i++)
        sink[i] = malloc(5000);
    for (size_t i = 1020; i < 1023; i++)
        sink[i] = malloc(MIB);
    free(sink[1020]);
    sink[0] = malloc(hide(IMPOSSIBLE));
}

/* Fills memory until there is none, twice, and says how much it was. */
static void fill(void)
{
    for (int round = 0; round < 2; round++) {
        size_t count = 0;
        void **list = NULL;
        for (;;) {
            void **p = malloc(100000);
            if (p == NULL)
                break;
            memset(p, 1, 100000);
            *p = list;
            list = p;
            count++;
        }
        REQUIRE(errno == ENOMEM);
        while (list != NULL) {
            void **next = *list;
            free(list);
            list = next;
        }
        dprintf(1, "%zu\n", count * 100000);
    }
}

/* Resident KiB with 100 MB in use, and after freeing them. */
static void purge(void)
{
    for (size_t i = 0; i < 1000; i++) {
        sink[i] = malloc(100000);
        REQUIRE(sink[i] != NULL);
        memset(sink[i], 1, 100000);
    }
    long full = status_kib("VmRSS");
    for (size_t i = 0; i < 1000; i++)
        free(sink[i]);
    dprintf(1, "%ld %ld\n", full, status_kib("VmRSS"));
}

/* Objects of calloc's are zero where those before them were full of ones. */
static void zero(void)
{
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 64; i++) {
            size_t size = 100 + i * 4096;
            char *p = calloc(1, size);
            REQUIRE(p != NULL);
            REQUIRE(*p == 0 && memcmp(p, p + 1, size - 1) == 0);
            sink[i] = memset(p, 1, size);
        }
        for (size_t i = 0; i < 64; i++)
            free(sink[i]);
    }
    dprintf(1, "works\n");
}

/* Page faults that using 20 MB takes. */
static void fault(void)
{
    struct rusage before, after;

    work();
    getrusage(RUSAGE_SELF, &before);
    for (size_t i = 0; i < 200; i++) {
        sink[i] = malloc(100000);
        REQUIRE(sink[i] != NULL);
        memset(sink[i], 1, 100000);
    }
    getrusage(RUSAGE_SELF, &after);
    dprintf(1, "%ld\n", after.ru_minflt - before.ru_minflt);
}

/* Frees what the C library's own malloc gave, and says how much of it that
 * still holds. */
static void foreign(void)
{
    void *(*their_malloc)(size_t) = NULL;
    struct mallinfo2 (*their_info)(void) = NULL;
    void *libc = dlopen("libc.so.6", RTLD_LAZY);

    *(void **)&their_malloc = dlsym(libc, "malloc");
    *(void **)&their_info = dlsym(libc, "mallinfo2");
    size_t before = their_info().uordblks;
    for (size_t i = 0; i < 100; i++)
        sink[i] = their_malloc(10000);
    for (size_t i = 0; i < 100; i++)
        free(sink[i]);
    dprintf(1, "%zu\n", (their_info().uordblks - before) / 10000);
}

static void free_stack(void)
{
    char here[64];

    free(hide_pointer(here));
    work();
}

static void double_free(void)
{
    void *p = malloc(48);

    free(hide_pointer(p));
    free(p);
    work();
}

/* Standard error is another file by now, which must stay as it is. */
static void reuse_stderr(const char *path)
{
    work(); /* the library looks at standard error when it starts */
    close(STDERR_FILENO);
    REQUIRE(open(path, O_WRONLY | O_CREAT, 0600) == STDERR_FILENO);
    REQUIRE(write(STDERR_FILENO, "data\n", 5) == 5);
}

/* Says what is in errno after the first object of all. */
static void close_stderr(void)
{
    close(STDERR_FILENO);
    errno = 4711;
    free(hide_pointer(malloc(1)));
    dprintf(1, "%d\n", errno);
}

/* As GNU ls does, to see whether its messages arrived. */
static void close_stderr_late(void)
{
    work();
    REQUIRE(close(STDERR_FILENO) == 0);
}

/* Says which process stays behind, with nothing open. */
static void daemonize(void)
{
    work();
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        for (int fd = 0; fd < 3; fd++)
            close(fd);
        alarm(300);
        pause();
    }
    dprintf(1, "%d\n", (int)child);
}

/* What a server does that shows its state in its title: writes over its
 * arguments and its environment. */
static void set_title(char **argv)
{
    work();
    for (char **variable = environ; *variable != NULL; variable++)
        memset(*variable, 't', strlen(*variable));
    memset(argv[0], 't', strlen(argv[0]));
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "work";

    if (strcmp(verb, "work") == 0)
        work();
    else if (strcmp(verb, "script") == 0)
        script();
    else if (strcmp(verb, "fill") == 0)
        fill();
    else if (strcmp(verb, "purge") == 0)
        purge();
    else if (strcmp(verb, "zero") == 0)
        zero();
    else if (strcmp(verb, "fault") == 0)
        fault();
    else if (strcmp(verb, "foreign") == 0)
        foreign();
    else if (strcmp(verb, "free-stack") == 0)
        free_stack();
    else if (strcmp(verb, "double-free") == 0)
        double_free();
    else if (strcmp(verb, "reuse-stderr") == 0 && argc > 2)
        reuse_stderr(argv[2]);
    else if (strcmp(verb, "set-title") == 0)
        set_title(argv);
    else if (strcmp(verb, "close-stderr") == 0)
        close_stderr();
    else if (strcmp(verb, "close-stderr-late") == 0)
        close_stderr_late();
    else if (strcmp(verb, "daemon") == 0)
        daemonize();
    else
        return strcmp(verb, "nothing") == 0 ? 0 : 2;
    return 0;
}
