/* SPDX-License-Identifier: MIT */
/*
 * outlive ROUNDS COUNT: objects that outlive the thread that made them.
 *
 * A loader thread reads something in and ends; the program keeps it and frees
 * it later.  In each of ROUNDS two threads make COUNT objects each and end,
 * and the main thread frees those of the round before.  The slabs of a thread
 * that is gone must find a new owner or be freed by nobody; where they do not,
 * resident size grows with every round.
 */
#include "bench.h"

enum { MAKERS = 2, GENERATIONS = 2 };

static size_t count;
static void **made[GENERATIONS][MAKERS];
static size_t generation;

static void *load(void *index)
{
    uint64_t state = random_start((uintptr_t)index + generation);
    void **object = made[generation % GENERATIONS][(uintptr_t)index];

    for (size_t i = 0; i < count; i++)
        object[i] = make(random_size(&state, 1024));
    return NULL;
}

static void drop(size_t which)
{
    for (int maker = 0; maker < MAKERS; maker++) {
        for (size_t i = 0; i < count; i++) {
            free(made[which][maker][i]);
            made[which][maker][i] = NULL;
        }
    }
}

int main(int argc, char **argv)
{
    size_t rounds = argument(argc, argv, 1, 200);
    count = argument(argc, argv, 2, 10000);

    for (int g = 0; g < GENERATIONS; g++)
        for (int maker = 0; maker < MAKERS; maker++)
            made[g][maker] = demand(calloc(count, sizeof(void *)));

    for (generation = 0; generation < rounds; generation++) {
        run_threads(MAKERS, load);
        drop((generation + 1) % GENERATIONS);
    }
    for (size_t g = 0; g < GENERATIONS; g++) {
        drop(g);
        for (int maker = 0; maker < MAKERS; maker++)
            free(made[g][maker]);
    }
    print_resident_after_free();
    return 0;
}
