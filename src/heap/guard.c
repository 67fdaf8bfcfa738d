/* SPDX-License-Identifier: MIT */
/*
 * Levels 2 and 3 of STALLOC_CHECK: what a program writes where it may not.
 *
 * No thread gets a heap of its own here: sta_self stays &sta_heap_none, whose
 * lists are empty, so that every call takes its slow half, and that comes here.
 * Beneath are the ordinary slabs and runs, in a few heaps that threads share,
 * each under its lock.
 *
 *     live   | object | canary to the end of the slot … | canary word |
 *     free   | mark | link or fill | fill … to the end of the slot    |
 *
 * The canary begins with the first byte behind what was asked for, so that one
 * byte too many is found, when the object is freed or resized (canary.h).
 *
 * A freed slot is filled and waits in quarantine.  That nobody wrote to it is
 * looked at twice: at its head when its wait ends, since a list's link and the
 * mark go there then, and behind that when it is handed out again.  A freed run
 * is closed, so that touching it is a fault, and its addresses wait.
 *
 * Level 3 fills with zeros, takes slots in random order, and has a closed page
 * behind every slab and run (pages.c), and in place of an object of no bytes.
 *
 * I1  a slot that is live here has a valid canary; one that is not has fill
 *     from its 17th byte on, and the mark.
 * I2  a run that waits has countdown 0; a live one 1.
 */
#include "heap/guard.h"

#include <string.h>

#include "heap/canary.h"
#include "heap/check.h"
#include "heap/large.h"
#include "heap/quarantine.h"
#include "heap/threads.h"
#include "heap/watched.h"
#include "os/die.h"
#include "os/vm.h"

struct guard {
    struct sta_heap heap;
    struct sta_quarantine slots;
    struct sta_quarantine runs;
    uint64_t random;
};

static struct guard *guards; /* between closed pages, else `lone` */
static uint32_t guard_count;
STA_SPARSE static struct guard lone;

_Thread_local struct sta_heap *sta_guard_self
    __attribute__((tls_model("initial-exec")));

static struct guard *guard_of(struct sta_heap *h)
{
    return (struct guard *)(void *)h;
}

static bool is_hardened(void)
{
    return sta_options.check == STA_CHECK_HARDENED;
}

/* --- Heaps --------------------------------------------------------------- */

/* Returns a number below `bound` by the process's secret; no cipher (D24). */
static uint32_t random_below(struct guard *g, uint32_t bound)
{
    g->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = g->random;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(((x >> 32) * bound) >> 32);
}

/* Finds memory for them between closed pages.  Without, as when the program
 * starts where there is none, one heap must do that has its place already. */
static void place_guards(void)
{
    size_t page = sta_vm_page_bytes();
    size_t bytes = sta_round_up(STA_GUARD_HEAPS * sizeof *guards, page);
    char *p = sta_vm_reserve(bytes + 2 * page);
    if (p != NULL && sta_vm_commit(p + page, bytes)) {
        guards = (struct guard *)(void *)(p + page);
        guard_count = STA_GUARD_HEAPS;
        return;
    }
    if (p != NULL)
        sta_vm_release(p, bytes + 2 * page);
    guards = &lone;
    guard_count = 1;
}

static void init_guard(struct guard *g, uint64_t random)
{
    size_t share = SIZE_MAX;
    if (sta_options.arena_bytes != 0)
        share = sta_options.arena_bytes / STA_QUARANTINE_SHARE;
    size_t slots = STA_QUARANTINE_SLOT_BYTES;
    size_t runs = STA_QUARANTINE_RUN_BYTES;
    memset(&g->heap, 0, sizeof g->heap); /* a test lives more than once */
    sta_quarantine_init(&g->slots, slots < share ? slots : share);
    sta_quarantine_init(&g->runs, runs < share ? runs : share);
    g->random = random;
    sta_heap_list(&g->heap, STA_HEAP_GUARDED);
}

void sta_guard_init(void)
{
    if (guards == NULL)
        place_guards();
    for (uint32_t i = 0; i < guard_count; i++)
        init_guard(&guards[i], sta_options.secret + i);
    if (STA_WATCHED)
        sta_watched_init();
}

struct sta_heap *sta_guard_enter(void)
{
    static _Atomic uint32_t threads;
    if (sta_unlikely(sta_guard_self == NULL)) {
        uint32_t nth =
            atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed);
        if (sta_options.variant == STA_VARIANT_SINGLE)
            sta_heap_claim_single();
        if (sta_options.variant != STA_VARIANT_LOCAL)
            nth = 0;
        sta_guard_self = &guards[nth % guard_count].heap;
    }
    sta_lock_acquire(&sta_guard_self->lock);
    return sta_guard_self;
}

/* The heap whose lock guards an object; large runs belong to nobody's. */
static struct sta_heap *heap_of(const struct sta_slab *s)
{
    struct sta_heap *owner =
        sta_slab_state(s) == STA_SLAB_RUN ? s->keeper : sta_slab_owner(s);
    return owner ? owner : &guards[0].heap;
}

/* --- Fill ---------------------------------------------------------------- */

/* Zeros tell nobody anything; other bytes make a use after free more visible.*/
static int fill_byte(void)
{
    return is_hardened() ? 0 : 0xdf;
}

/* Somebody wrote to a slot that is free; memcheck, if it watches, said so. */
static STA_COLD void blame_write(const void *slot)
{
    if (!STA_WATCHED)
        sta_heap_die_of_write(slot);
}

struct sta_slot *sta_guard_carve(struct sta_heap *h, char *at, uint32_t count,
                                 uint32_t slot_bytes)
{
    uint16_t order[STA_UNIT_BYTES / 16];
    struct sta_slot *list = STA_SLOT_END;
    memset(at, fill_byte(), (size_t)count * slot_bytes);
    for (uint32_t i = 0; i < count; i++)
        order[i] = (uint16_t)i;
    for (uint32_t i = count; i-- > 0;) {
        uint32_t pick = is_hardened() ? random_below(guard_of(h), i + 1) : i;
        struct sta_slot *slot =
            (struct sta_slot *)(void *)(at + (size_t)order[pick] * slot_bytes);
        order[pick] = order[i];
        sta_slot_push(&list, slot);
    }
    return list;
}

/* --- Allocate ------------------------------------------------------------ */

/* Looks for a write to the body of a free slot. */
static void check_fill(const struct sta_slab *s, const struct sta_slot *slot)
{
    const char *body = (const char *)(slot + 1);
    if (!sta_canary_is_all(body, sta_slab_object_bytes(s) - sizeof *slot,
                           fill_byte()))
        blame_write(slot);
}

void sta_guard_check_empty(const struct sta_slab *s)
{
    const char *at = sta_slab_start(s);
    for (uint32_t n = sta_slab_carved(s); n > 0; n--) {
        check_fill(s, (const struct sta_slot *)(const void *)at);
        at += sta_slab_object_bytes(s);
    }
}

/* Makes an object of a slot that was free or new. */
static void reuse_slot(const struct sta_slab *s, struct sta_slot *slot)
{
    check_fill(s, slot);
    memset(slot, fill_byte(), sizeof *slot);
}

/* Zeros what of a new run's first `size` bytes may not be zero. */
static void zero_run(char *p, size_t size, const struct sta_span *dirty)
{
    size_t first = (size_t)dirty->first << STA_UNIT_LOG2;
    size_t bytes = (size_t)dirty->count << STA_UNIT_LOG2;
    if (bytes != 0 && first < size)
        memset(p + first, 0, bytes < size - first ? bytes : size - first);
}

void *sta_guard_alloc(size_t size, size_t align, bool zero)
{
    struct sta_span dirty = {0, 0};
    if (size > PTRDIFF_MAX)
        return NULL;
    size_t need = size + sta_canary_least();
    bool nothing = size == 0 && sta_options.guard_units;
    bool run = need > sta_options.slab_max;
    if (run)
        need = size + (sta_options.guard_units == 0); /* room for a byte */
    if ((nothing || run) && align < STA_UNIT_BYTES)
        align = STA_UNIT_BYTES; /* makes it a run */
    char *p = sta_heap_alloc_plain(need, align, &dirty);
    if (p == NULL)
        return NULL;
    struct sta_slab *s = sta_slab_of(p);
    if (sta_slab_state(s) != STA_SLAB_RUN)
        reuse_slot(s, (struct sta_slot *)(void *)p);
    if (nothing) {
        sta_slab_set_purged(s, (uint32_t)sta_slab_object_bytes(s));
        sta_pages_close(s);
        return p;
    }
    sta_canary_set(s, p, size);
    if (!zero)
        return p;
    if (sta_slab_state(s) == STA_SLAB_RUN)
        zero_run(p, size, &dirty);
    else
        memset(p, 0, size);
    return p;
}

/* --- Free ---------------------------------------------------------------- */

/* Ends the wait of a slot. */
static void release_slot(void *p)
{
    struct sta_slot *slot = p;
    if (!sta_slot_is_intact(slot))
        blame_write(slot);
    sta_heap_free_local(slot, sta_slab_of(slot));
}

static void release_run(void *p)
{
    sta_pages_free(sta_slab_of(p), false);
}

/* Has an object wait, unless it is too large or keeps a region that could go.
 */
static void add(struct guard *g, struct sta_quarantine *q, void *p,
                size_t bytes, void (*release)(void *p))
{
    if (bytes > q->bytes_most || !sta_slab_may_wait(sta_slab_of(p))) {
        release(p);
        return;
    }
    uint32_t nth = is_hardened() ? random_below(g, q->count + 1) : q->count;
    sta_quarantine_add(q, p, bytes, nth);
    void *due;
    while ((due = sta_quarantine_due(q)) != NULL)
        release(due);
}

/* Takes an object out of the program's hands. */
static void retire(struct guard *g, struct sta_slab *s, void *p)
{
    size_t bytes = sta_slab_object_bytes(s);
    if (sta_slab_state(s) != STA_SLAB_RUN) {
        struct sta_slot *slot = memset(p, fill_byte(), bytes);
        sta_slot_link(slot, STA_SLOT_END);
        add(g, &g->slots, p, bytes, release_slot);
    } else if (sta_pages_close(s) || STA_WATCHED) {
        s->countdown = 0;
        add(g, &g->runs, p, bytes, release_run);
    } else {
        sta_pages_free(s, false);
    }
}

void sta_guard_free(void *p, struct sta_slab *s, enum sta_family by)
{
    static const char *const calls[STA_FAMILY_COUNT] = {
        "free", "operator delete", "operator delete[]",
        "aligned operator delete", "aligned operator delete[]"};
    struct sta_heap *h = heap_of(s);
    sta_canary_expect_family(s, p, by);
    sta_lock_acquire(&h->lock);
    /* Again: another thread may just have freed it. */
    sta_heap_check("free", p);
    sta_canary_size("free", s, p);
    sta_canary_check_family(calls[by], s, p, by);
    retire(guard_of(h), s, p);
    sta_lock_release(&h->lock);
}

void sta_guard_flush(struct sta_heap *h)
{
    struct guard *g = guard_of(h);
    void *p;
    while ((p = sta_quarantine_take(&g->slots)) != NULL)
        release_slot(p);
    while ((p = sta_quarantine_take(&g->runs)) != NULL)
        release_run(p);
}

static void each_waiting(const struct sta_quarantine *q,
                         void (*each)(const struct sta_slab *s, void *context),
                         void *context)
{
    for (uint32_t i = 0; i < q->count; i++)
        each(sta_slab_of(q->ring[sta_quarantine_at(q, i)].object), context);
}

void sta_guard_each_waiting(const struct sta_heap *h,
                            void (*each)(const struct sta_slab *s,
                                         void *context),
                            void *context)
{
    const struct guard *g = (const void *)h;
    each_waiting(&g->slots, each, context);
    each_waiting(&g->runs, each, context);
}

/* --- Resize -------------------------------------------------------------- */

/* Resizes an object where it is; false when it must move. */
static bool resize(struct sta_slab *s, char *p, size_t size)
{
    size_t bytes = sta_slab_object_bytes(s);
    size_t need = size + sta_canary_least();
    if (size > PTRDIFF_MAX || sta_canary_is_closed(s))
        return false;
    if (sta_slab_state(s) == STA_SLAB_RUN) {
        if (!sta_large_resize(s, size + (sta_options.guard_units == 0)))
            return false;
    } else if (need > bytes || need <= bytes / 2) {
        return false;
    }
    sta_canary_set(s, p, size);
    return true;
}

void *sta_guard_realloc(struct sta_slab *s, void *p, size_t size)
{
    size_t old = sta_canary_size("realloc", s, p);
    sta_canary_expect_family(s, p, STA_FAMILY_MALLOC);
    sta_canary_check_family("realloc", s, p, STA_FAMILY_MALLOC);
    if (resize(s, p, size))
        return p;
    void *to = sta_guard_alloc(size, 16, false);
    bool moved = to != NULL && old < size && old >= STA_MOVE_LEAST &&
                 sta_large_move(s, &to);
    if (to == NULL)
        return NULL;
    struct sta_heap *h = heap_of(s);
    if (!moved) {
        if (old < size) /* a move that failed may have lost it */
            sta_canary_set(sta_slab_of(to), to, size);
        sta_large_copy(to, p, old < size ? old : size);
    }
    sta_lock_acquire(&h->lock);
    /* Again: another thread may have freed it meanwhile. */
    sta_heap_check("realloc", p);
    retire(guard_of(h), s, p);
    sta_lock_release(&h->lock);
    return to;
}
