/* SPDX-License-Identifier: MIT */
/*
 * One mistake with an object of malloc's, named by the first argument; the
 * second says how many bytes it has.  `watched` looks at what memcheck makes
 * of it, and for the line of the function that did it.
 *
 *     mistakes none|leak|overflow|overread|… BYTES
 */
#include "check.h"

#include <pthread.h>

static void *volatile kept[2];
static volatile int sink;

static __attribute__((noinline)) char *make(size_t size)
{
    return malloc(hide(size));
}

/* What is right: all of each object is used, by two threads in turn, and the
 * functions that look at the heap may look. */
static void *use_all(void *argument)
{
    size_t size = *(size_t *)argument;
    for (size_t i = 0; i < 200; i++) {
        size_t n = i < 100 ? i : size;
        char *p = make(n);
        memset(p, 1, n);
        p = realloc(p, n + i + 1);
        REQUIRE(n == 0 || (p[0] == 1 && p[n - 1] == 1));
        REQUIRE(malloc_usable_size(p) == n + i + 1);
        p[n + i] = 1;
        free(p);
        p = calloc(1, n + 1);
        REQUIRE(p[0] == 0 && p[n] == 0);
        free(p);
        p = memalign(4096, n + 1);
        memset(p, 1, n + 1);
        free(p);
    }
    malloc_trim(0);
    return mallinfo2().uordblks == 0 ? argument : NULL;
}

static void none(char *p, size_t size)
{
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, use_all, &size) == 0);
    pthread_join(thread, NULL);
    use_all(&size);
    for (size_t i = 0; i < size; i++)
        p[i] = (char)i;
    free(p);
}

static void leak(char *p, size_t size)
{
    (void)size;
    kept[0] = make(size); /* is no leak: it can be reached */
    free(p);
    for (size_t i = 0; i < 1000; i++) /* through the quarantine, and more */
        free(make(size));
    kept[1] = make(size);
    kept[1] = NULL;
}

static void overflow(char *p, size_t size)
{
    p[size] = 1;
    free(p);
}

static void overread(char *p, size_t size)
{
    sink = p[size];
    free(p);
}

static void underread(char *p, size_t size)
{
    (void)size;
    sink = p[-1];
    free(p);
}

static void read_after_free(char *p, size_t size)
{
    free(p);
    sink = p[size / 2];
}

static void write_after_free(char *p, size_t size)
{
    free(p);
    p[0] = p[size - 1] = 1;
    for (size_t i = 0; i < 6000; i++) /* so that it comes round again */
        free(make(size));
}

static void undefined(char *p, size_t size)
{
    if (p[size / 2] == 7)
        sink = 1;
    free(p);
}

static void undefined_growth(char *p, size_t size)
{
    memset(p, 1, size);
    p = realloc(p, 2 * size);
    if (p[size - 1] != 1 || p[size + 1] == 7)
        sink = 1;
    free(p);
}

static void double_free(char *p, size_t size)
{
    (void)size;
    free(p);
    free(hide_pointer(p));
}

static void interior_free(char *p, size_t size)
{
    (void)size;
    free(hide_pointer(p + 1));
    free(p);
}

static void stack_free(char *p, size_t size)
{
    char here[64];
    (void)size;
    free(hide_pointer(here));
    free(p);
}

static void realloc_after_free(char *p, size_t size)
{
    free(p);
    free(realloc(hide_pointer(p), 2 * size));
}

#define MISTAKE(name)                                                          \
    {                                                                          \
#name, name                                                            \
    }

static const struct {
    const char *name;
    void (*make)(char *p, size_t size);
} mistakes[] = {
    MISTAKE(none),
    MISTAKE(leak),
    MISTAKE(overflow),
    MISTAKE(overread),
    MISTAKE(underread),
    MISTAKE(read_after_free),
    MISTAKE(write_after_free),
    MISTAKE(undefined),
    MISTAKE(undefined_growth),
    MISTAKE(double_free),
    MISTAKE(interior_free),
    MISTAKE(stack_free),
    MISTAKE(realloc_after_free),
};

int main(int argc, char **argv)
{
    size_t size = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

    for (size_t i = 0; i < COUNT_OF(mistakes) && size != 0; i++) {
        if (strcmp(argv[1], mistakes[i].name) != 0)
            continue;
        mistakes[i].make(make(size), size);
        dprintf(1, "went on\n");
        return check_failures != 0;
    }
    return 2;
}
