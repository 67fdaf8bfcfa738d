/* SPDX-License-Identifier: MIT */
/*
 * handoff COUNT SIZE_MAX: a producer and a consumer.
 *
 * One thread allocates, another frees: a pipeline of stages, a logger, a reader
 * with workers.  Every object is freed by a thread that never allocates, so an
 * allocator has to carry memory back to the producer; thread caches overflow on
 * one side and run dry on the other.  Objects go over in batches of 100 through
 * a bounded queue under a mutex, so waiting costs no processor time.
 */
#include "bench.h"

enum { BATCH_COUNT = 100, QUEUE_COUNT = 64 };

static struct {
    void *object[QUEUE_COUNT][BATCH_COUNT];
    size_t put_count, got_count;
    pthread_mutex_t lock;
    pthread_cond_t changed;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER,
           .changed = PTHREAD_COND_INITIALIZER};

static size_t batches, size_max;

static void *produce(void)
{
    uint64_t state = random_start(0);

    for (size_t b = 0; b < batches; b++) {
        void *batch[BATCH_COUNT];
        for (int i = 0; i < BATCH_COUNT; i++)
            batch[i] = make(random_size(&state, size_max));

        pthread_mutex_lock(&queue.lock);
        while (queue.put_count - queue.got_count == QUEUE_COUNT)
            pthread_cond_wait(&queue.changed, &queue.lock);
        for (int i = 0; i < BATCH_COUNT; i++)
            queue.object[b % QUEUE_COUNT][i] = batch[i];
        queue.put_count++;
        pthread_cond_signal(&queue.changed);
        pthread_mutex_unlock(&queue.lock);
    }
    return NULL;
}

static void *consume(void)
{
    for (size_t b = 0; b < batches; b++) {
        void *batch[BATCH_COUNT];
        pthread_mutex_lock(&queue.lock);
        while (queue.put_count == queue.got_count)
            pthread_cond_wait(&queue.changed, &queue.lock);
        for (int i = 0; i < BATCH_COUNT; i++)
            batch[i] = queue.object[b % QUEUE_COUNT][i];
        queue.got_count++;
        pthread_cond_signal(&queue.changed);
        pthread_mutex_unlock(&queue.lock);

        for (int i = 0; i < BATCH_COUNT; i++)
            free(batch[i]);
    }
    return NULL;
}

static void *either(void *index)
{
    return (uintptr_t)index == 0 ? produce() : consume();
}

int main(int argc, char **argv)
{
    batches = argument(argc, argv, 1, 3000000) / BATCH_COUNT;
    size_max = argument(argc, argv, 2, 1024);

    run_threads(2, either);
    print_resident_after_free();
    return 0;
}
