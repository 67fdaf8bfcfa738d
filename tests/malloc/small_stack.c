/* SPDX-License-Identifier: MIT */
/*
 * A program's calls may come on a small stack, the first one too.
 *
 * Coroutines and handlers of signals have stacks of some 8 KiB.  The first call
 * reads the environment, which is more than any other does.
 *
 * Could fail: an object of the size of a page or two on the stack.
 */
#include "check.h"

#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

enum { KIB = 1024 };

/* Without optimization all that is inline has a place of its own. */
#ifdef __OPTIMIZE__
enum { STACK_BYTES = 8 * KIB };
#else
enum { STACK_BYTES = 24 * KIB };
#endif

static void *first;

static void call_first(int signal_number)
{
    (void)signal_number;
    first = malloc(100);
}

static void call_others(int signal_number)
{
    static void *p[1000];

    (void)signal_number;
    for (size_t i = 0; i < COUNT_OF(p); i++)
        p[i] = i % 2 ? malloc(i * 100) : calloc(i, 100);
    for (size_t i = 0; i < COUNT_OF(p); i++)
        p[i] = realloc(p[i], i * 500 + 1);
    for (size_t i = 0; i < COUNT_OF(p); i++)
        free(p[i]);
    free(aligned_alloc(64 * KIB, 64 * KIB));
}

/* Calls a handler on a stack of `bytes` and what the system itself puts there;
 * what lies below is out of bounds. */
static void call_on_small_stack(void (*handler)(int), size_t bytes)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    size_t frame = getauxval(AT_MINSIGSTKSZ);
    size_t all = bytes + (frame ? frame : 4 * KIB);
    size_t below = 64 * KIB;
    char *p = mmap(NULL, below + all, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(p != MAP_FAILED);
    REQUIRE(mprotect(p, below, PROT_NONE) == 0);
    stack_t stack = {.ss_sp = p + below, .ss_size = all};
    REQUIRE(sigaltstack(&stack, NULL) == 0);
    REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
    REQUIRE(raise(SIGUSR1) == 0);
    stack.ss_flags = SS_DISABLE;
    REQUIRE(sigaltstack(&stack, NULL) == 0);
    munmap(p, below + all);
}

static void the_first_call(void)
{
    CHECK(first != NULL);
    free(first);
}

static void the_others(void)
{
    call_on_small_stack(call_others, STACK_BYTES);
}

static const struct check_case cases[] = {
    {"the_first_call", the_first_call},
    {"the_others", the_others},
};

int main(int argc, char **argv)
{
    call_on_small_stack(call_first, STACK_BYTES); /* before anybody allocates */
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
