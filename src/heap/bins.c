/* SPDX-License-Identifier: MIT */
/*
 * Bins: the slabs of one size class in one heap, and how they come and go.
 *
 *     new --> CURRENT --(no slot left)--> FULL --(some slots free)--> PARTIAL
 *                ^                                                     |  |
 *                +---------------(current is used up)------------------+  |
 *                                                       (all slots free)  v
 *                                                                   the arena
 *
 * malloc takes from the current slab's list, and a free into that slab serves
 * it at once.  When it has none left the oldest partial slab is next, which
 * gives the others time to become empty; only when there is none are the new
 * slots of a page cut.  A full slab is left alone until a sixteenth of its
 * slots is free: to fetch them one by one would cost a slow call each.  Where
 * there is no memory it is listed with a single one (trim.c).
 *
 * A bin has a list of its own for slots whose slabs are not to know yet: of
 * slabs with fewer than sixteen slots, which are current only while they are
 * cut, and, while the heap mixes, of all that its thread frees (gather.c), up
 * to a loan that each refill renews.  malloc takes from there when the current
 * slab has none, before any other.
 *
 * A heap keeps a few empty slabs, their slots cut and linked; a bin that has
 * none there and needs a slab cuts another's anew (carve.c).
 *
 * A partial slab with at most an eighth of its slots in use is made thin while
 * the program shrinks: its free pages go back to the system (thin.c).
 */
#include "heap/bins.h"

#include "heap/carve.h"
#include "heap/check.h"
#include "heap/gather.h"
#include "heap/guard.h"
#include "heap/remote.h"
#include "heap/thin.h"
#include "heap/threads.h"
#include "heap/trim.h"

/* What `sum` is when every slot is on the list. */
static uint16_t sum_of_all(const struct sta_slab *s)
{
    uint32_t n = sta_slab_carved(s);
    uint32_t steps = n * (n - 1) / 2; /* 0 + 1 + … + n - 1 */
    return (uint16_t)(n * s->start_low + steps * sta_slab_slot_bytes(s));
}

/* Of a slab without an object, when it became so and again when it goes: ends
 * the process when a slot is twice on its list, which makes the list come back
 * to it, or is also where only slots in use may be, on its way from another
 * thread or the bin's own. */
static void check_lazy(const struct sta_slab *s)
{
    uint64_t sent = atomic_load_explicit(&s->remote.list, memory_order_relaxed);
    struct sta_slot *own = sta_slab_owner(s)->bins[s->size_class].own;
    if (sta_slab_used(s) != 0 || s->sum != sum_of_all(s))
        sta_heap_die_of_second_free(s, s->free, UINT32_MAX);
    if (sent != 0)
        sta_heap_die_of_second_free(s, sta_remote_first(s, sent),
                                    sta_remote_count(sent));
    if (own != STA_SLOT_END && sta_slab_of(own) == s)
        sta_heap_die_of_second_free(s, own, 1);
}

/* True when no slot is in use: then each was freed, and none twice. */
static bool is_empty(const struct sta_slab *s)
{
    if (sta_slab_used(s) != 0)
        return false;
    if (sta_unlikely(sta_slab_is_lazy(s)) && sta_options.check)
        check_lazy(s);
    if (sta_unlikely(sta_guard_active()))
        sta_guard_check_empty(s);
    return true;
}

/* Gives an empty slab's memory back to the arena. */
static void release(struct sta_heap *h, struct sta_slab *s)
{
    sta_bin_lose(h, s);
    sta_list_remove(&s->link);
    sta_slab_set_owner(s, NULL, false); /* see sta_remote_check() */
    sta_pages_free(s, false);
}

/* An empty slab is not to be kept any more. */
static void leave_spare(struct sta_heap *h, const struct sta_slab *s)
{
    h->spare_units -= s->unit_count;
    if (sta_unlikely(sta_slab_is_lazy(s)) && sta_options.check)
        check_lazy(s);
}

bool sta_bins_release_spare(struct sta_heap *h)
{
    if (sta_list_empty(&h->spare))
        return false;
    struct sta_slab *s = sta_slab_of_link(h->spare.next);
    leave_spare(h, s);
    release(h, s);
    return true;
}

struct sta_slab *sta_bins_take_spare(struct sta_heap *h, uint32_t lengths)
{
    for (struct sta_list *l = h->spare.next; l != &h->spare; l = l->next) {
        struct sta_slab *s = sta_slab_of_link(l);
        if ((lengths >> s->unit_count & 1) == 0)
            continue;
        leave_spare(h, s);
        sta_bin_lose(h, s);
        sta_list_remove(&s->link);
        return s;
    }
    return NULL;
}

/* Keeps a partial slab that became empty, or releases it: an idle heap has
 * nobody to keep it for. */
static void spare_or_release(struct sta_heap *h, struct sta_slab *s)
{
    bool idle = sta_heap_state(h) == STA_HEAP_IDLE;
    uint32_t spare = h->spare_units + s->unit_count;
    if (idle || !sta_slab_may_wait(s) ||
        spare > sta_heap_cache_units(STA_SPARE_UNITS)) {
        release(h, s);
    } else {
        h->spare_units = spare;
        sta_list_remove(&s->link);
        sta_list_append(&h->spare, &s->link);
    }
}

/* Sets a slab with hardly a slot to spare aside until `frees` more came. */
static void set_full(struct sta_slab *s, uint32_t frees)
{
    uint32_t used = sta_slab_used(s);
    sta_slab_set_state(s, STA_SLAB_FULL);
    s->excess = (uint16_t)(used - frees);
    s->countdown = frees;
}

/* Sets when a slab with slots to spare is due: when half of those in use have
 * been freed, from an eighth of the slab downwards; at last when all have. */
static void arm_partial(struct sta_slab *s)
{
    uint32_t used = sta_slab_used(s);
    uint32_t few = sta_slab_capacity(s) / STA_THIN_SHARE;
    sta_slab_set_state(s, STA_SLAB_PARTIAL);
    s->excess = (uint16_t)(used > few ? few : used / 2);
    s->countdown = used - s->excess;
}

static void set_partial(struct sta_heap *h, struct sta_slab *s)
{
    arm_partial(s);
    sta_list_append(&h->bins[s->size_class].partial, &s->link);
}

void sta_bin_list_full(struct sta_slab *s, uint32_t c)
{
    if (s->size_class == c && sta_slab_state(s) == STA_SLAB_FULL &&
        s->free != STA_SLOT_END)
        set_partial(sta_slab_owner(s), s);
}

/* Takes a slab off its list, as its bin's current one. */
static struct sta_slab *take(struct sta_slab *s)
{
    sta_list_remove(&s->link);
    if (sta_slab_state(s) == STA_SLAB_THIN)
        sta_slab_restore(s);
    sta_slab_set_state(s, STA_SLAB_CURRENT);
    s->countdown = sta_slab_used(s);
    s->excess = 0;
    return s;
}

struct sta_slab *sta_bin_take_partial(struct sta_heap *h, uint32_t c)
{
    struct sta_list *partial = &h->bins[c].partial;
    return sta_list_empty(partial) ? NULL
                                   : take(sta_slab_of_link(partial->next));
}

/* The same with an empty slab of the class, the one that was kept last. */
static struct sta_slab *take_spare(struct sta_heap *h, uint32_t c)
{
    for (struct sta_list *l = h->spare.prev; l != &h->spare; l = l->prev) {
        struct sta_slab *s = sta_slab_of_link(l);
        if (s->size_class == c) {
            h->spare_units -= s->unit_count;
            return take(s);
        }
    }
    return NULL;
}

/* Has malloc take from a slab that is on no list. */
static void set_current(struct sta_heap *h, struct sta_slab *s)
{
    h->list[s->size_class] = &s->free;
    h->handed[s->size_class] += sta_slab_carved(s) - sta_slab_used(s);
    s->countdown = STA_CURRENT_COUNTDOWN;
    s->excess = 0;
}

/* The list of the current slab is empty: has malloc take from the bin's own. */
static void end_current(struct sta_heap *h, struct sta_slab *s)
{
    h->handed[s->size_class] += sta_slab_frees(s);
    h->list[s->size_class] = &h->bins[s->size_class].own;
    sta_slab_clear(s);
    s->countdown = sta_slab_carved(s);
}

/* Makes another slab current: a partial, empty, idle or new one; NULL: there is
 * no memory. */
static struct sta_slab *next_current(struct sta_heap *h, uint32_t c)
{
    struct sta_slab *s = sta_bin_take_partial(h, c);
    if (s == NULL)
        s = take_spare(h, c);
    if (s == NULL)
        s = sta_heap_adopt(h, c, STA_ADOPT_LOOKS);
    if (s == NULL)
        s = sta_slab_new(h, c);
    if (s == NULL)
        s = sta_heap_adopt(h, c, UINT32_MAX);
    if (s != NULL)
        set_current(h, s);
    return s;
}

/* Takes a slot where the bin has none on its own list; NULL: no memory. */
static struct sta_slot *take_from_slabs(struct sta_heap *h, uint32_t c)
{
    struct sta_bin *bin = &h->bins[c];
    bool put_back = false;
    for (;;) {
        struct sta_slab *s = sta_bin_current(h, c);
        if (s == NULL)
            s = next_current(h, c);
        if (s == NULL)
            return NULL;
        if (s->free != STA_SLOT_END) {
            if (s->few == 0) /* what is freed comes on the same list */
                sta_bin_retire(h, c);
            return sta_slot_pop(h->list[c]);
        }
        /* New slots take memory: first those of other slabs. */
        bool whole = sta_slab_carved(s) == sta_slab_capacity(s);
        if (!whole && (put_back || sta_list_empty(&bin->partial) ||
                       sta_slab_is_half_cut(s)))
            return sta_slab_carve(h, s);
        end_current(h, s);
        if (whole)
            set_full(s, s->few + 1u);
        else
            set_partial(h, s);
        put_back = !whole;
    }
}

/* Sets the current slab aside, to be the next to refill from. */
static void set_aside(struct sta_heap *h, struct sta_slab *s)
{
    end_current(h, s);
    arm_partial(s);
    sta_list_prepend(&h->bins[s->size_class].partial, &s->link);
}

/* Takes a slot when malloc finds none, and has it find more; or NULL. */
static struct sta_slot *refill(struct sta_heap *h, uint32_t c)
{
    struct sta_bin *bin = &h->bins[c];
    if (atomic_load_explicit(&h->inbox, memory_order_relaxed))
        sta_heap_drain(h);
    if (*h->list[c] != STA_SLOT_END)
        return sta_slot_pop(h->list[c]);
    bin->loan = h->loan_bytes / sta_class_size[c];
    if (h->out != NULL)
        sta_heap_turn(h);
    if (bin->own == STA_SLOT_END &&
        (h->out == NULL || !sta_heap_reuse_gathered(h, c)))
        return take_from_slabs(h, c);
    struct sta_slab *s = sta_bin_current(h, c);
    if (s != NULL)
        set_aside(h, s);
    return sta_slot_pop(h->list[c]);
}

void *sta_bin_alloc(struct sta_heap *h, uint32_t c)
{
    return *h->list[c] != STA_SLOT_END ? sta_slot_pop(h->list[c])
                                       : refill(h, c);
}

/*
 * What is done when a slab is due, by its state.  Each is kept out of line, so
 * that the dispatcher below is but a jump.
 */

/* Enough frees came in a full slab: makes it partial, or lends the only slot
 * that a slab of few is waiting for to the bin's own list. */
static STA_NOINLINE void free_in_full(struct sta_slot *slot, struct sta_slab *s)
{
    struct sta_heap *h = sta_slab_owner(s);
    if (s->few == 0 && sta_bin_lends(h, s)) {
        /* Lent before? */
        if (slot == h->bins[s->size_class].own && sta_options.check)
            sta_heap_die_of_second_free(s, slot, 1);
        sta_bin_lend(h, slot, s->size_class);
        sta_slab_clear(s);
        s->countdown = 1;
        return;
    }
    set_partial(h, s);
    if (is_empty(s))
        spare_or_release(h, s);
    sta_heap_shrink(h);
}

/* A partial slab has few slots in use, or none. */
static STA_NOINLINE void free_in_partial(struct sta_slab *s)
{
    struct sta_heap *h = sta_slab_owner(s);
    if (is_empty(s))
        spare_or_release(h, s);
    else if (!sta_pages_shrunk() || !sta_slab_has_few(s) || !sta_slab_thin(s))
        arm_partial(s);
    sta_heap_shrink(h);
}

/* A slot of a thin slab was freed: each one is due. */
static STA_NOINLINE void free_in_thin(struct sta_slot *slot, struct sta_slab *s)
{
    struct sta_heap *h = sta_slab_owner(s);
    uint32_t used = sta_slab_used(s);
    if (sta_slab_is_purged(s, slot)) /* its mark went with its page */
        sta_heap_die_of_second_free(s, slot, 1);
    if (is_empty(s)) {
        release(h, s);
    } else if ((used & (used - 1)) != 0 || !sta_slab_thin(s)) {
        s->countdown = 1;
        s->excess = (uint16_t)(used - 1);
    }
    sta_heap_shrink(h);
}

/* A slab has been current for as many frees as its countdown can count. */
static STA_NOINLINE void renew_current(struct sta_slab *s)
{
    sta_slab_owner(s)->handed[s->size_class] += sta_slab_frees(s);
    s->countdown = STA_CURRENT_COUNTDOWN;
}

void sta_heap_free_due(struct sta_slot *slot, struct sta_slab *s)
{
    if (sta_slab_state(s) == STA_SLAB_FULL)
        free_in_full(slot, s);
    else if (sta_slab_state(s) == STA_SLAB_PARTIAL)
        free_in_partial(s);
    else if (sta_slab_state(s) == STA_SLAB_THIN)
        free_in_thin(slot, s);
    else
        renew_current(s);
}

void sta_bin_return_own(struct sta_heap *h, uint32_t c, size_t count)
{
    struct sta_bin *bin = &h->bins[c];
    bin->loan = 0;
    for (; count > 0 && bin->own != STA_SLOT_END; count--) {
        struct sta_slot *slot = bin->own;
        bin->own = sta_slot_follow(slot);
        h->handed[c]--;
        struct sta_slab *s = sta_slab_of(slot);
        if (sta_slab_owner(s) == NULL || s->size_class != c)
            sta_heap_die_of_write(slot); /* its slab went without it */
        else if (sta_slab_owner(s) == h)
            sta_heap_free_local(slot, s);
        else
            sta_heap_gather(h, slot, s);
    }
}

void sta_bin_retire(struct sta_heap *h, uint32_t c)
{
    struct sta_slab *s = sta_bin_current(h, c);
    if (s == NULL)
        return;
    h->bins[c].own = s->free;
    end_current(h, s);
    if (sta_slab_carved(s) < sta_slab_capacity(s))
        set_partial(h, s);
    else
        set_full(s, 1);
}

void sta_bin_flush(struct sta_heap *h, uint32_t c)
{
    sta_bin_return_own(h, c, SIZE_MAX);
    sta_bin_retire(h, c);
    sta_bin_return_own(h, c, SIZE_MAX);
}
