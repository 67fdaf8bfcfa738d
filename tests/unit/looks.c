/* SPDX-License-Identifier: MIT */
/*
 * Many threads have ended, and each left a heap with little in it.
 *
 * Who needs a slab may take one of theirs, but not look at all of them each
 * time: at 2,000 that took longer than all the rest of malloc.  Each heap is in
 * a page of its own, so that a closed page tells who looked.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "heap/threads.h"
#include "tests/lib/check.h"
#include "tests/lib/heap_audit.h"

enum { THREADS = 200, LEFT_BYTES = 1000, OTHER_BYTES = 2000, SLABS = 5 };

static pthread_barrier_t all_live;
static void *left[THREADS];
static volatile sig_atomic_t looks;

static void *live(void *where)
{
    void **object = where;
    *object = sta_heap_alloc(LEFT_BYTES);
    pthread_barrier_wait(&all_live);
    return NULL;
}

static void set_access(void *heap, int access)
{
    if (mprotect(heap, STA_UNIT_BYTES, access) != 0)
        abort();
}

static void look(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    uintptr_t at = (uintptr_t)info->si_addr;
    looks++;
    set_access((void *)(at - at % STA_UNIT_BYTES), PROT_READ | PROT_WRITE);
}

static void set_access_of_all(int access)
{
    struct sta_heap *next;
    if (access != PROT_NONE)
        for (struct sta_heap *h = sta_heap_first(); h; h = h->next)
            set_access(h, access);
    else
        for (struct sta_heap *h = sta_heap_first(); h; h = next) {
            next = h->next;
            if (h != sta_self)
                set_access(h, access);
        }
}

static void few_are_looked_at(void)
{
    struct sta_bin *bin = &sta_self->bins[sta_class_of(OTHER_BYTES)];
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    struct sigaction before;
    action.sa_sigaction = look;
    REQUIRE(sigaction(SIGSEGV, &action, &before) == 0);
    set_access_of_all(PROT_NONE);
    while (bin->slab_count < SLABS)
        REQUIRE(sta_heap_alloc(OTHER_BYTES) != NULL);
    int most = looks;
    set_access_of_all(PROT_READ | PROT_WRITE);
    REQUIRE(sigaction(SIGSEGV, &before, NULL) == 0);
    check_context("%d looks", most);
    CHECK(most > 0 && most < THREADS / 2);
    check_context("%s", "");
}

/* In the end each slab that was left is used. */
static void each_is_found(void)
{
    size_t used = sta_pages_used();
    for (int i = 0; i < 2 * THREADS; i++)
        REQUIRE(sta_heap_alloc(LEFT_BYTES) != NULL);
    CHECK(sta_pages_used() < used + THREADS / 10);
}

int main(void)
{
    pthread_t thread[THREADS];
    if (sysconf(_SC_PAGESIZE) != STA_UNIT_BYTES)
        return CHECK_SKIP;
    REQUIRE(sta_heap_alloc(LEFT_BYTES) != NULL);
    pthread_barrier_init(&all_live, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&thread[i], NULL, live, &left[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_join(thread[i], NULL) == 0);
    few_are_looked_at();
    each_is_found();
    CHECK(heap_audit(NULL, 0));
    return check_status();
}
