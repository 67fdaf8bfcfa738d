/* SPDX-License-Identifier: MIT */
/* A library that allocates when it comes and when it goes; see guests.c. */
#include <stdlib.h>
#include <string.h>

enum { COUNT = 300 };

static char *object[COUNT];
static __thread char *mine[500]; /* too much for the threads' static room */
static void (*told)(const char *what);

void guest_tell(void (*tell)(const char *what));
char *guest_legacy(void);

static void allocate(void)
{
    for (size_t i = 0; i < COUNT; i++) {
        object[i] = malloc(1 + i * 50);
        if (object[i] != NULL)
            memset(object[i], 'g', 1 + i * 50);
    }
}

/* Returns whether all objects are as they were. */
static int release(void)
{
    int good = 1;

    for (size_t i = 0; i < COUNT; i++) {
        good &= object[i] != NULL && object[i][0] == 'g' &&
                object[i][i * 50] == 'g';
        free(object[i]);
    }
    return good;
}

/* One of two ends; which comes first is the C library's to say. */
static void end(const char *good, const char *spoilt)
{
    static int ends;
    int whole = release();

    free(malloc(100000));
    if (told != NULL)
        told(whole ? good : spoilt);
    if (++ends < 2)
        allocate();
}

static void at_exit(void)
{
    end("exit.", "exit, spoilt.");
}

__attribute__((constructor)) static void come(void)
{
    allocate();
    atexit(at_exit);
}

__attribute__((destructor)) static void go(void)
{
    end("gone.", "gone, spoilt.");
}

void guest_tell(void (*tell)(const char *what))
{
    told = tell;
    mine[0] = mine[499] = object[0];
}

/* An object that outlives the library. */
char *guest_legacy(void)
{
    static const char text[] = "legacy";
    char *p = malloc(sizeof text);

    return p != NULL ? memcpy(p, text, sizeof text) : NULL;
}
