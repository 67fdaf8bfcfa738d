/* SPDX-License-Identifier: MIT */
/*
 * Heaps come and go with threads; fork.
 *
 * A heap, once made, lives as long as the process.  When its thread ends it
 * becomes idle, and waits for a new thread to take it over, slabs and all.
 * What it cached goes back, unless it is little and few heaps are idle: who
 * starts a thread for each task takes it up again at once.  Meanwhile whoever
 * frees into it does the work itself under the heap's lock (gather.c), and any
 * thread that needs a slab may take one of its partial slabs, so that memory of
 * ended threads is reused.
 *
 * After a thread's own heap is gone (destructors of thread-specific data run in
 * any order), it shares sta_heap_shared under its lock.  So do all threads in
 * the mutex variant.
 *
 * Fork: the stdio list lock is taken before ours, as glibc does for its own
 * malloc: getline holds a FILE and calls malloc, fflush(NULL) holds the list
 * and waits for that FILE.  Our handlers are registered before all others: then
 * theirs may allocate, and may take locks that other threads allocate under, as
 * our locks are the last to be taken and the first to be freed.
 *
 * In the child nobody works on the heaps of the threads that are not there any
 * more; inherit.c has what becomes of their slabs.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "heap/threads.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "heap/bins.h"
#include "heap/gather.h"
#include "heap/guard.h"
#include "heap/inherit.h"
#include "heap/remote.h"
#include "heap/stats.h"
#include "heap/trim.h"
#include "os/die.h"
#include "os/env.h"
#include "os/kernel.h"

_Thread_local struct sta_heap *sta_self
    __attribute__((tls_model("initial-exec"))) = &sta_heap_none;
STA_SPARSE struct sta_heap sta_heap_shared;
struct sta_heap *_Atomic sta_heaps;
struct sta_heap *_Atomic sta_heaps_looked;
struct sta_lock sta_heaps_lock;

static _Atomic uint32_t heap_count; /* of heaps on the list; a hint */
static _Atomic uint32_t idle_count; /* of those that are idle; a hint */
static pthread_key_t thread_end_key;
static bool heaps_of_threads;    /* else all share one */
static _Atomic int single_taken; /* the one thread of STALLOC_VARIANT=single */

/* --- Idle heaps ---------------------------------------------------------- */

struct sta_heap *sta_heap_first(void)
{
    /* acquire: pairs with the release in sta_heap_list() */
    return atomic_load_explicit(&sta_heaps, memory_order_acquire);
}

/* Locks and returns an idle heap, or NULL; one that somebody works on is waited
 * for. */
static struct sta_heap *lock_idle(void)
{
    for (struct sta_heap *h = sta_heap_first(); h; h = h->next) {
        if (sta_heap_state(h) != STA_HEAP_IDLE)
            continue;
        sta_lock_acquire(&h->lock);
        if (sta_heap_state(h) == STA_HEAP_IDLE)
            return h;
        sta_lock_release(&h->lock);
    }
    return NULL;
}

/* Takes a slab with free slots of class `c` from an idle heap, for another. */
static struct sta_slab *adopt_from(struct sta_heap *idle, struct sta_heap *h,
                                   uint32_t c)
{
    if (sta_heap_state(idle) != STA_HEAP_IDLE || !sta_lock_try(&idle->lock))
        return NULL;
    struct sta_slab *s = sta_heap_state(idle) == STA_HEAP_IDLE
                             ? sta_bin_take_partial(idle, c)
                             : NULL;
    if (s) {
        sta_bin_lose(idle, s);
        sta_bin_gain(h, s);
        sta_slab_set_owner(s, h, sta_slab_is_lazy(s));
    }
    sta_lock_release(&idle->lock);
    return s;
}

struct sta_slab *sta_heap_adopt(struct sta_heap *h, uint32_t c, uint32_t looks)
{
    if (atomic_load_explicit(&idle_count, memory_order_relaxed) == 0 ||
        h == &sta_heap_shared)
        return NULL;
    /* acquire: pairs with the release below; the heap is whole */
    struct sta_heap *start =
        atomic_load_explicit(&sta_heaps_looked, memory_order_acquire);
    start = start ? start : sta_heap_first();
    struct sta_heap *at = start;
    struct sta_slab *found = NULL;
    do {
        found = adopt_from(at, h, c);
        at = at->next ? at->next : sta_heap_first();
    } while (found == NULL && at != start && --looks > 0);
    /* release: pairs with the acquire above */
    atomic_store_explicit(&sta_heaps_looked, at, memory_order_release);
    return found;
}

/* --- Heaps and threads --------------------------------------------------- */

static void heap_init(struct sta_heap *h, enum sta_heap_state state)
{
    h->medium_max = STA_RUN_BYTES_MAX;
    h->lazy_own = (uintptr_t)h | STA_SLAB_LAZY;
    for (size_t size = 0; size <= STA_CLASS_TABLE_MAX; size++)
        h->class_of[size] = (uint8_t)sta_class_of(size);
    h->run_most = sta_heap_cache_units(STA_RUN_KEEP_UNITS);
    h->loan_bytes = sta_heap_cache_units(STA_LOAN_UNITS) << STA_UNIT_LOG2;
    sta_list_init(&h->spare);
    for (uint32_t c = 0; c < STA_CLASS_COUNT; c++) {
        h->bins[c].own = STA_SLOT_END;
        h->list[c] = &h->bins[c].own;
        sta_list_init(&h->bins[c].partial);
    }
    atomic_store_explicit(&h->state, state, memory_order_relaxed);
}

static_assert(sizeof(struct sta_heap) <= STA_UNIT_BYTES,
              "a heap's own memory is one unit");

void sta_heap_list(struct sta_heap *h, enum sta_heap_state state)
{
    heap_init(h, state);
    sta_lock_acquire(&sta_heaps_lock);
    h->next = sta_heap_first();
    /* release: pairs with sta_heap_first(); the heap is whole before others
     * find it */
    atomic_store_explicit(&sta_heaps, h, memory_order_release);
    sta_lock_release(&sta_heaps_lock);
    atomic_fetch_add_explicit(&heap_count, 1, memory_order_relaxed);
}

uint32_t sta_heap_users(void)
{
    uint32_t idle = atomic_load_explicit(&idle_count, memory_order_relaxed);
    uint32_t count = atomic_load_explicit(&heap_count, memory_order_relaxed);
    return count > idle ? count - idle : 1;
}

uint32_t sta_heap_cache_units(uint32_t units)
{
    uint32_t share = STA_CACHE_SHARE_OF_ALL * sta_heap_users();
    share = share < STA_CACHE_SHARE ? STA_CACHE_SHARE : share;
    return sta_pages_at_most(units, share);
}

/* Makes a heap in a unit of its own; NULL when there is no memory. */
static struct sta_heap *new_heap(void)
{
    struct sta_heap *h = sta_pages_own();
    if (h != NULL)
        sta_heap_list(h, STA_HEAP_ACTIVE);
    return h;
}

static struct sta_heap *take_idle_heap(void)
{
    struct sta_heap *h = NULL;
    if (atomic_load_explicit(&idle_count, memory_order_relaxed) != 0)
        h = lock_idle(); /* a fork holds all for long */
    if (h) {
        sta_heap_drain(h); /* see inherit.c */
        h->shrink.busy = false;
        /* relaxed: whoever would work on it looks again under the lock */
        atomic_store_explicit(&h->state, STA_HEAP_ACTIVE, memory_order_relaxed);
        atomic_fetch_sub_explicit(&idle_count, 1, memory_order_relaxed);
        sta_lock_release(&h->lock);
    }
    return h;
}

/* Most programs never need it, so the first that does makes it. */
static struct sta_heap *enter_shared(void)
{
    struct sta_heap *h = &sta_heap_shared;
    sta_lock_acquire(&h->lock);
    if (h->medium_max == 0) {
        heap_init(h, STA_HEAP_SHARED);
        memcpy(sta_heap_gone.list, sta_heap_none.list,
               sizeof sta_heap_gone.list);
        memcpy(sta_heap_gone.class_of, sta_heap_none.class_of,
               sizeof sta_heap_gone.class_of);
        sta_heap_gone.lazy_own = sta_heap_none.lazy_own;
    }
    return h;
}

/* True for a heap that may keep what it cached for the next thread. */
static bool is_worth_keeping(const struct sta_heap *h)
{
    return h->slab_units + h->run_units <=
               sta_heap_cache_units(STA_IDLE_UNITS) &&
           atomic_load_explicit(&idle_count, memory_order_relaxed) <
               STA_IDLE_HEAPS;
}

static void thread_end(void *heap)
{
    struct sta_heap *h = heap;
    sta_heap_leave(enter_shared()); /* what serves this thread from here on */
    sta_self = &sta_heap_gone;
    /* Slots of other heaps may be among the bins' own, and a step of giving
     * back would put slots on a list that is done. */
    h->shrink.busy = true;
    for (uint32_t c = 0; c < STA_CLASS_COUNT; c++)
        sta_bin_return_own(h, c, SIZE_MAX);
    sta_heap_flush_outbox(h);
    sta_lock_acquire(&h->lock);
    /* relaxed: sta_heap_drain() releases it to deliver() */
    atomic_store_explicit(&h->state, STA_HEAP_IDLE, memory_order_relaxed);
    sta_heap_drain(h);
    if (!is_worth_keeping(h))
        sta_heap_flush(h);
    sta_lock_release(&h->lock);
    atomic_fetch_add_explicit(&idle_count, 1, memory_order_relaxed);
}

void sta_heap_claim_single(void)
{
    if (atomic_exchange_explicit(&single_taken, 1, memory_order_relaxed))
        sta_die("STALLOC_VARIANT=single, but a second thread allocates; "
                "use local or mutex");
}

/* Gives this thread a heap, on its first call. */
static struct sta_heap *attach(void)
{
    if (!heaps_of_threads)
        return enter_shared();
    struct sta_heap *h = take_idle_heap();
    if (h == NULL)
        h = new_heap();
    if (h == NULL) /* until there is memory for one */
        return enter_shared();
    if (sta_options.variant == STA_VARIANT_SINGLE)
        sta_heap_claim_single();
    sta_self = h; /* before pthread_setspecific, which may allocate */
    if (sta_options.variant == STA_VARIANT_LOCAL)
        pthread_setspecific(thread_end_key, h);
    return h;
}

/* --- Fork ---------------------------------------------------------------- */

void _IO_list_lock(void) __attribute__((weak));
void _IO_list_unlock(void) __attribute__((weak));
void _IO_list_resetlock(void) __attribute__((weak));

/* glibc's, from <sys/single_threaded.h>; others have none. */
extern char __libc_single_threaded __attribute__((weak));

/* The thread that forks has never had another beside it: what is locked, the
 * call has locked that a signal interrupted, and nobody else will ask. */
static bool is_alone;

static void before_fork(void)
{
    is_alone = &__libc_single_threaded != NULL && __libc_single_threaded;
    if (is_alone)
        return;
    if (_IO_list_lock)
        _IO_list_lock();
    sta_lock_acquire(&sta_heaps_lock);
    for (struct sta_heap *h = sta_heap_first(); h; h = h->next)
        sta_lock_acquire(&h->lock);
    sta_lock_acquire(&sta_heap_shared.lock);
    sta_lock_acquire(&sta_pages_lock);
}

static void after_fork_parent(void)
{
    if (is_alone)
        return;
    sta_lock_release(&sta_pages_lock);
    sta_lock_release(&sta_heap_shared.lock);
    for (struct sta_heap *h = sta_heap_first(); h; h = h->next)
        sta_lock_release(&h->lock);
    sta_lock_release(&sta_heaps_lock);
    if (_IO_list_unlock)
        _IO_list_unlock();
}

static long process; /* that the heap is of */

bool sta_heap_is_of_process(void)
{
    return sta_kernel(SYS_getpid) == process;
}

static void after_fork_child(void)
{
    process = sta_kernel(SYS_getpid);
    if (sta_options.stats != STA_FORMAT_OFF)
        sta_stats_after_fork();
    if (is_alone)
        return;
    sta_lock_reset(&sta_pages_lock);
    sta_lock_reset(&sta_heap_shared.lock);
    for (struct sta_heap *h = sta_heap_first(); h; h = h->next)
        sta_lock_reset(&h->lock);
    sta_lock_reset(&sta_heaps_lock);
    sta_heap_abandon_others();
    if (_IO_list_resetlock)
        _IO_list_resetlock();
}

/* The linker flag -z initfirst puts this constructor before those of all other
 * libraries, and of the program.  Without it, which is a static program's or
 * another C library's lot, the first call may come earlier: see start(). */
__attribute__((constructor(101))) static void register_fork(void)
{
    static _Atomic int registered;
    if (!atomic_exchange_explicit(&registered, 1, memory_order_relaxed))
        pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

/* --- Start --------------------------------------------------------------- */

_Atomic int sta_heap_stage;

static void start(void)
{
    int expected = STA_STAGE_RAW;
    if (sta_heap_started())
        return;
    /* relaxed: one thread wins, and nobody reads what it has not made yet */
    if (!atomic_compare_exchange_strong_explicit(
            &sta_heap_stage, &expected, STA_STAGE_BUSY, memory_order_relaxed,
            memory_order_relaxed)) {
        while (!sta_heap_started())
            sched_yield();
        return;
    }
    if (sta_heap_starts)
        sta_heap_starts();
    sta_options_read();
    /* An arena that may grow can also begin later, when there is memory. */
    if (!sta_pages_init() && sta_options.arena_bytes != 0)
        sta_die("no memory for the arena: the system refused to reserve it; "
                "check STALLOC_ARENA_SIZE and ulimit -v");
    if (sta_guard_active())
        sta_guard_init();
    /* A heap whose thread's end nobody tells would never be idle. */
    heaps_of_threads = sta_options.variant == STA_VARIANT_SINGLE ||
                       (sta_options.variant == STA_VARIANT_LOCAL &&
                        pthread_key_create(&thread_end_key, thread_end) == 0);
    sta_env_keep_program();
    process = sta_kernel(SYS_getpid);
    /* release: pairs with the acquire in sta_heap_started() */
    atomic_store_explicit(&sta_heap_stage, STA_STAGE_READY,
                          memory_order_release);
    /* These may allocate: replaced system calls; musl's pthread_atfork(). */
    sta_stats_start();
    register_fork();
}

struct sta_heap *sta_heap_enter(void)
{
    struct sta_heap *h = sta_self;
    if (sta_likely(h != &sta_heap_none && h != &sta_heap_gone))
        return h;
    start();
    if (sta_guard_active())
        return sta_guard_enter();
    h = sta_self; /* which start() may have given this thread */
    if (h == &sta_heap_none)
        return attach();
    return h == &sta_heap_gone ? enter_shared() : h;
}
