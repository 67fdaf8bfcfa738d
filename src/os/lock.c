/* SPDX-License-Identifier: MIT */
/*
 * The slow halves of the futex mutex.
 *
 * U. Drepper, "Futexes Are Tricky" (2011), mutex 3: a waiter sets the state to
 * 2 before it sleeps, so that the holder knows that somebody must be woken.
 * A short spin comes first: our critical sections are some tens of
 * nanoseconds, far less than going to sleep and being woken.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os/lock.h"

#include <sched.h>

#include "os/abort.h"
#include "os/clock.h"
#include "os/kernel.h"

enum { SPINS = 100 };

/* How long a handler waits, at most: a tenth of a second, and in so many steps,
 * should the clock stand. */
enum { LAST_NS = 100000000, LAST_YIELDS = 1000000 };

/* The kernel's numbers; its headers are not everywhere where a C library is. */
enum { FUTEX_WAIT_PRIVATE = 0 | 128, FUTEX_WAKE_PRIVATE = 1 | 128 };

static inline void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* For a handler of SIGABRT, in a thread that may hold this lock itself, since
 * what it found wrong it found under a lock: after LAST_NS that is sure enough.
 * By the wall clock, since on a busy machine a yield lasts milliseconds. */
static STA_COLD void wait_in_handler(struct sta_lock *l)
{
    uint64_t start = sta_clock_wall();
    for (int i = 0; i < LAST_YIELDS && sta_clock_wall() - start < LAST_NS;
         i++) {
        if (sta_lock_try(l))
            return;
        sched_yield();
    }
    sta_abort();
}

void sta_lock_wait(struct sta_lock *l)
{
    atomic_fetch_add_explicit(&l->contended, 1, memory_order_relaxed);
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&l->state, memory_order_relaxed) == 0 &&
            sta_lock_try(l))
            return;
        pause_cpu();
    }
    if (sta_abort_begun()) {
        wait_in_handler(l);
        return;
    }
    /* acquire: pairs with sta_lock_release(); 2 stays until all are served */
    while (atomic_exchange_explicit(&l->state, 2, memory_order_acquire) != 0)
        sta_kernel(SYS_futex, (long)&l->state, FUTEX_WAIT_PRIVATE, 2);
}

void sta_lock_wake(struct sta_lock *l)
{
    sta_kernel(SYS_futex, (long)&l->state, FUTEX_WAKE_PRIVATE, 1);
}
