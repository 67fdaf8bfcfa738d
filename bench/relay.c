/* SPDX-License-Identifier: MIT */
/*
 * relay CHAINS COUNT WORKERS REPLACED: work that goes from thread to thread.
 *
 * A session of a server is served by one worker after another, and each goes on
 * with what those before it have made.  The main thread makes COUNT objects for
 * each of CHAINS and then waits.  Each of WORKERS replaces random ones of them
 * REPLACED times, starts the next and ends.  At first all that it frees is of
 * threads that have ended, or of one that sleeps, later hardly anything.  An
 * allocator that knows each object's thread must not let that cost, nor keep
 * memory for those that are gone.
 */
#include <semaphore.h>

#include "bench.h"

struct chain {
    size_t workers; /* to come */
    uint64_t state;
    void **object;
};

static size_t count, replaced;
static sem_t ended; /* chains */

static void *work(void *of);

static void start_next(struct chain *chain)
{
    pthread_t worker;
    if (pthread_create(&worker, NULL, work, chain) != 0)
        abort();
    pthread_detach(worker);
}

static void *work(void *of)
{
    struct chain *chain = of;
    uint64_t state = chain->state; /* the other chain's may share its line */

    for (size_t i = 0; i < replaced; i++) {
        void **object = &chain->object[random_below(&state, count)];
        free(*object);
        *object = make(random_size(&state, 1024));
    }
    chain->state = state;
    if (--chain->workers != 0)
        start_next(chain);
    else
        sem_post(&ended);
    return NULL;
}

int main(int argc, char **argv)
{
    size_t chains = argument(argc, argv, 1, 2);
    count = argument(argc, argv, 2, 5000);
    size_t workers = argument(argc, argv, 3, 20);
    replaced = argument(argc, argv, 4, 300000);
    struct chain *chain = demand(calloc(chains, sizeof *chain));

    sem_init(&ended, 0, 0);
    for (size_t n = 0; n < chains; n++) {
        uint64_t state = random_start(n);
        void **object = demand(calloc(count, sizeof *object));
        for (size_t i = 0; i < count; i++)
            object[i] = make(random_size(&state, 1024));
        chain[n] = (struct chain){workers, state, object};
        start_next(&chain[n]);
    }
    for (size_t n = 0; n < chains; n++)
        sem_wait(&ended);
    for (size_t n = 0; n < chains; n++) {
        for (size_t i = 0; i < count; i++)
            free(chain[n].object[i]);
        free(chain[n].object);
    }
    free(chain);
    print_resident_after_free();
    return 0;
}
