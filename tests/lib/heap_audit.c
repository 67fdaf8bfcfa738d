/* SPDX-License-Identifier: MIT */
/*
 * The heap's structures say the same thing twice or more: a slab counts the
 * slots that are off its list, and they lie on other lists or with the program;
 * a unit is free in the run index, or has a map entry that leads to one
 * descriptor.  So the audit builds the picture anew, from the bottom, in memory
 * of its own, and compares:
 *
 *   - of each unit, which descriptor holds it: at most one (pages.c, I2);
 *   - of each slot, where it is: on its slab's list, on its heap's, on its way
 *     to another heap, or with the program: in one place only, and what the
 *     slabs count is what was found.
 *
 * A list that has gone wrong may be a ring: no walk is longer than its slab or
 * region allows.
 */
#include "tests/lib/heap_audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "heap/bins.h"
#include "heap/gather.h"
#include "heap/guard.h"
#include "heap/remote.h"
#include "heap/thin.h"
#include "heap/threads.h"
#include "tests/lib/heap_audit_parts.h"

enum place { NOWHERE, ON_SLAB, ON_HEAP, ON_ITS_WAY, LIVE };

struct picture audit_pictures[STA_REGIONS_MAX];

static unsigned faults;

void audit_fault(const char *format, ...)
{
    va_list args;
    if (faults++ >= 10) /* the first lines say it all */
        return;
    va_start(args, format);
    fprintf(stderr, "heap_audit: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
}

const char *audit_name(const struct sta_slab *s)
{
    static char text[120];
    snprintf(text, sizeof text,
             "slab %u of region %u (units %u+%u, class %u, state %d)",
             audit_index(s), s->region, s->unit_first, s->unit_count,
             s->size_class, sta_slab_state(s));
    return text;
}

static struct tally *tally_of(const struct sta_slab *s)
{
    return &audit_pictures[s->region].tallies[audit_index(s)];
}

/* Enters a slot in the picture; returns its slab, or NULL after a fault. */
static struct sta_slab *enter(const void *p, enum place place)
{
    struct sta_slab *s = sta_slab_of(p);
    HOLDS(s != NULL && audit_in_use(s), "%p: not in a slab (place %d)", p,
          place);
    if (s == NULL || !audit_in_use(s))
        return NULL;
    bool is_slot = sta_slab_is_start(s, p);
    HOLDS(is_slot, "%p: not a slot of %s (place %d)", p, audit_name(s), place);
    if (!is_slot)
        return NULL;
    uintptr_t at = (uintptr_t)p - sta_regions[s->region].base;
    unsigned char *found = &audit_pictures[s->region].places[at / 16];
    HOLDS(*found == NOWHERE, "%p: in place %d and %d", p, *found, place);
    *found = (unsigned char)place;
    HOLDS(sta_slab_state(s) != STA_SLAB_THIN || !sta_slab_is_purged(s, p),
          "%p: on a purged page of %s (place %d)", p, audit_name(s), place);
    bool run = sta_slab_state(s) == STA_SLAB_RUN;
    bool is_free = run ? s->countdown == 0 : sta_slot_is_free(p);
    HOLDS(is_free == (place != LIVE), "%p: the mark is wrong (place %d)", p,
          place);
    tally_of(s)->on_slab += place == ON_SLAB;
    tally_of(s)->elsewhere += (place == ON_HEAP && !run) || place == ON_ITS_WAY;
    tally_of(s)->live += place == LIVE;
    return s;
}

/* Slots of a thin slab that are on purged pages, and so on no list. */
static uint32_t purged_slots(const struct sta_slab *s)
{
    const char *p = sta_slab_start(s);
    uint32_t count = 0;
    for (uint32_t i = 0; i < sta_slab_carved(s) && s->purged; i++)
        count += sta_slab_is_purged(s, p + i * sta_slab_slot_bytes(s));
    return count;
}

static bool has_list(const struct sta_slab *s)
{
    return audit_in_use(s) && sta_slab_state(s) != STA_SLAB_RUN &&
           sta_slab_state(s) != STA_SLAB_OWN;
}

/* Enters the slots of a slab's own list. */
static void audit_slab_list(struct sta_slab *s)
{
    uint32_t walked = 0;
    uint16_t sum = 0;
    for (struct sta_slot *p = s->free;
         p != STA_SLOT_END && walked <= sta_slab_capacity(s);
         p = sta_slot_next(p)) {
        struct sta_slab *of = enter(p, ON_SLAB);
        HOLDS(of == s, "%p: on the list of %s", (void *)p, audit_name(s));
        if (of != s)
            return;
        sum = (uint16_t)(sum + (uintptr_t)p);
        walked++;
    }
    for (uint32_t i = 0; i < sta_slab_carved(s) && s->purged; i++) {
        char *p = (char *)sta_slab_start(s) + i * sta_slab_slot_bytes(s);
        if (sta_slab_is_purged(s, p))
            sum = (uint16_t)(sum + (uintptr_t)p);
    }
    HOLDS(!sta_slab_is_lazy(s) || sum == s->sum ||
              sta_slab_state(s) == STA_SLAB_CURRENT,
          "%s: sum %u, counted as %u", audit_name(s), sum, s->sum);
}

/* Slots in use; of a current slab the heap does not count them. */
static uint32_t used_slots(const struct sta_slab *s)
{
    if (sta_slab_state(s) == STA_SLAB_RUN)
        return s->countdown;
    return sta_slab_state(s) == STA_SLAB_CURRENT
               ? sta_slab_carved(s) - tally_of(s)->on_slab
               : sta_slab_used(s);
}

/* Enters what a bin has on its own list; returns how many. */
static size_t audit_list(const struct sta_heap *h, uint32_t c)
{
    size_t count = 0;
    for (struct sta_slot *p = h->bins[c].own; p != STA_SLOT_END;
         p = sta_slot_next(p)) {
        struct sta_slab *s = enter(p, ON_HEAP);
        if (s == NULL)
            break;
        HOLDS(s->size_class == c, /* another heap's, if freed and reused here */
              "%p of %s: on list %u of %p", (void *)p, audit_name(s), c,
              (const void *)h);
        count++;
    }
    HOLDS(count <= h->handed[c], "list %u: %zu slots of %zu handed", c, count,
          (size_t)h->handed[c]);
    return count;
}

/* Enters the runs of `n` units that a heap keeps; returns how many. */
static size_t audit_runs(const struct sta_heap *h, uint32_t n)
{
    size_t count = 0;
    for (struct sta_slab *s = h->runs[n]; s; s = s->next) {
        HOLDS(sta_slab_state(s) == STA_SLAB_RUN && s->keeper == h &&
                  s->unit_count == n,
              "%s: on the list of runs of %u units of %p", audit_name(s), n,
              (const void *)h);
        if (enter(s->free, ON_HEAP) != s)
            break;
        count++;
    }
    HOLDS(count <= h->handed_runs[n], "%zu runs of %u units of %zu handed",
          count, n, (size_t)h->handed_runs[n]);
    return count;
}

/* True when what lies behind the last slot cannot be freed: it is not on the
 * page where that starts, or it has a mark. */
static bool rest_is_marked(const struct sta_slab *s)
{
    uint32_t bytes = sta_slab_slot_bytes(s);
    uint32_t end = sta_slab_capacity(s) * bytes;
    bool mapped = (end - bytes) / STA_UNIT_BYTES == end / STA_UNIT_BYTES;
    return !mapped ||
           sta_slot_is_free((const void *)((char *)sta_slab_start(s) + end));
}

/* A slab that a heap owns, by its state. */
static void audit_slab(const struct sta_slab *s)
{
    const struct tally *t = tally_of(s);
    enum sta_slab_state state = sta_slab_state(s);
    uint32_t bytes = sta_slab_slot_bytes(s);
    uint32_t used = used_slots(s);
    bool linked = s->link.next != &s->link;
    HOLDS(s->reciprocal == sta_slot_reciprocal(bytes), "%s: reciprocal",
          audit_name(s));
    uint32_t capacity = sta_slab_capacity(s);
    HOLDS(capacity == s->unit_count * STA_UNIT_BYTES / bytes &&
              sta_slab_carved(s) <= capacity,
          "%s: %u of %u slots carved", audit_name(s), sta_slab_carved(s),
          capacity);
    HOLDS(sta_slab_carved(s) < capacity || state == STA_SLAB_THIN ||
              rest_is_marked(s),
          "%s: the start behind its last slot has no mark", audit_name(s));
    HOLDS(t->on_slab + purged_slots(s) + used == sta_slab_carved(s),
          "%s: %u on its list, %u purged, %u used of %u", audit_name(s),
          t->on_slab, purged_slots(s), used, sta_slab_carved(s));
    HOLDS(linked == (state == STA_SLAB_PARTIAL || state == STA_SLAB_THIN),
          "%s: its link", audit_name(s));
    HOLDS((sta_bin_current(sta_slab_owner(s), s->size_class) == s) ==
              (state == STA_SLAB_CURRENT),
          "%s: not what its bin has as current", audit_name(s));
    HOLDS(s->purged == 0 || state == STA_SLAB_THIN, "%s: purged %x",
          audit_name(s), s->purged);
    HOLDS(s->countdown > 0 || used == 0, "%s: due, and nobody came",
          audit_name(s));
    if (state == STA_SLAB_CURRENT)
        HOLDS(s->excess == 0, "%s: excess %u", audit_name(s), s->excess);
    if (state == STA_SLAB_FULL)
        HOLDS(sta_slab_carved(s) == capacity &&
                  t->on_slab + s->countdown <= capacity / STA_FULL_SHARE + 1u,
              "%s: %u free, due in %u", audit_name(s), t->on_slab,
              s->countdown);
    HOLDS(state != STA_SLAB_THIN || used, "%s: thin and empty", audit_name(s));
}

/* A heap's empty slabs; returns how many of them are of class `c`. */
static uint32_t audit_spare(const struct sta_heap *h, uint32_t c)
{
    uint32_t units = 0;
    uint32_t count = 0;
    for (struct sta_list *l = h->spare.next;
         l != &h->spare && units <= h->spare_units; l = l->next) {
        const struct sta_slab *s = sta_slab_of_link(l);
        HOLDS(l->next->prev == l && l->prev->next == l, "the links of spares");
        HOLDS(sta_slab_owner(s) == h && sta_slab_used(s) == 0 &&
                  sta_slab_state(s) == STA_SLAB_PARTIAL,
              "%s: is no empty slab of %p", audit_name(s), (const void *)h);
        units += s->unit_count;
        count += s->size_class == c;
    }
    HOLDS(units == h->spare_units, "%u spare units, counted as %u", units,
          h->spare_units);
    HOLDS(units <= STA_SPARE_UNITS, "%u spare units", units);
    return count;
}

/* The bin of class `c` against its slabs. */
static void audit_bin(const struct sta_heap *h, uint32_t c)
{
    const struct sta_bin *bin = &h->bins[c];
    uint32_t slabs = 0;
    uint32_t listed = audit_spare(h, c);
    for (uint32_t i = 0; i < sta_region_count; i++)
        for (uint32_t n = 1; n < sta_regions[i].slab_used; n++) {
            const struct sta_slab *s = &sta_regions[i].slabs[n];
            bool owned = audit_in_use(s) && sta_slab_owner(s) == h;
            slabs += owned && s->size_class == c;
        }
    for (struct sta_list *l = bin->partial.next;
         l != &bin->partial && listed <= slabs; l = l->next) {
        const struct sta_slab *s = sta_slab_of_link(l);
        HOLDS(l->next->prev == l && l->prev->next == l, "a bin's links");
        HOLDS(sta_slab_owner(s) == h && s->size_class == c && sta_slab_used(s),
              "%s: in a bin of class %u", audit_name(s), c);
        listed++;
    }
    HOLDS(listed <= slabs && slabs == bin->slab_count,
          "class %u: %u slabs, %u counted, %u partial or empty", c, slabs,
          bin->slab_count, listed);
}

/* Runs that a heap keeps, by the rule of large.c: little more than a share, or
 * than what it was short of. */
static void audit_kept(const struct sta_heap *h)
{
    size_t more = sta_page_counts.used_peak_units / STA_RUN_KEEP_SHARE;
    size_t wish = STA_RUN_WISH_MAX + STA_RUN_UNITS_MAX;
    more = more > wish ? more : wish;
    uint32_t most = sta_pages_at_most(
        STA_RUN_KEEP_UNITS + (uint32_t)more,
        STA_CACHE_SHARE); /* while there was no other thread */
    size_t kept = 0;
    for (uint32_t n = 1; n <= STA_RUN_UNITS_MAX; n++)
        kept += n * audit_runs(h, n);
    HOLDS(kept == h->run_units, "%zu units of runs kept, counted as %u", kept,
          h->run_units);
    HOLDS(h->run_most <= most, "%u units may be kept", h->run_most);
    HOLDS(kept <= most + 2 * STA_RUN_UNITS_MAX, "%zu units of runs kept, of %u",
          kept, most);
}

/* A freed slot in quarantine; a run there counts as free. */
static void enter_waiting(const struct sta_slab *s, void *context)
{
    (void)context;
    tally_of(s)->elsewhere += sta_slab_state(s) != STA_SLAB_RUN;
}

/* Enters `count` linked slots on their way to the owner of `s`. */
static void audit_chain(const struct sta_slab *s, struct sta_slot *first,
                        const struct sta_slot *last, uint32_t count,
                        uint16_t sum)
{
    struct sta_slot *p = first;
    for (uint32_t i = 1; i <= count; i++) {
        HOLDS(sta_slab_of(p) == s, "%s: sent slot %p is not of it",
              audit_name(s), (void *)p);
        if (!enter(p, ON_ITS_WAY))
            return;
        sum = (uint16_t)(sum - (uintptr_t)p);
        HOLDS((p == last) == (i == count), "%s: slot %u of %u sent is last",
              audit_name(s), i, count);
        p = sta_slot_next(p);
    }
    HOLDS(sum == 0, "%s: the sum of the slots sent", audit_name(s));
}

/* What this heap's thread gathers for others. */
static void audit_outbox(const struct sta_heap *h)
{
    const struct sta_outbox *out = h->out;
    uint32_t bytes = 0;
    uint32_t bytes_of[STA_CLASS_COUNT] = {0};
    for (uint32_t i = 0; i < STA_PARCELS && out; i++) {
        const struct sta_parcel *p = &out->parcel[i];
        if (p->slab == NULL)
            continue;
        audit_chain(p->slab, p->first, sta_slot_at(p->slab, p->last), p->count,
                    p->sum);
        HOLDS(p->size_class == p->slab->size_class, "%s: sent as of class %u",
              audit_name(p->slab), p->size_class);
        HOLDS(out->parcels_of[p->size_class][i / 64] >> i % 64 & 1,
              "%s: its parcel is not found by its class", audit_name(p->slab));
        bytes += p->count * sta_class_bytes(p->size_class);
        bytes_of[p->size_class] += p->count * sta_class_bytes(p->size_class);
    }
    for (uint32_t c = 0; c < STA_CLASS_COUNT && out; c++)
        HOLDS(bytes_of[c] == out->bytes_of[c],
              "class %u: %u bytes to send, counted as %u", c, bytes_of[c],
              out->bytes_of[c]);
    HOLDS(out == NULL || (bytes == out->bytes && bytes <= out->most),
          "%u bytes to send, counted as %u", bytes, out->bytes);
}

/* The lists of freed slots, and the inboxes of the slabs that have one. */
static void audit_remotes(void)
{
    uint32_t lists = 0;
    uint32_t sent = 0;
    for (uint32_t i = 0; i < sta_region_count; i++)
        for (uint32_t n = 1; n < sta_regions[i].slab_used; n++) {
            const struct sta_slab *s = &sta_regions[i].slabs[n];
            uint64_t list = audit_in_use(s) ? s->remote.list : 0;
            if (list == 0)
                continue;
            HOLDS(has_list(s), "%s: has remote frees", audit_name(s));
            audit_chain(s, sta_remote_first(s, list), sta_remote_last(s, list),
                        sta_remote_count(list), sta_remote_sum(list));
            lists++;
        }
    for (struct sta_heap *h = sta_heaps; h; h = h->next)
        for (const struct sta_slab *s = h->inbox; s && sent <= lists;
             s = s->remote.next) {
            HOLDS(s->remote.list != 0, "%s: in an inbox with nothing",
                  audit_name(s));
            sent++;
        }
    HOLDS(sent == lists, "%u slabs in inboxes, %u with remote frees", sent,
          lists);
}

static void audit_heap(const struct sta_heap *h)
{
    bool idle = h->state == STA_HEAP_IDLE;
    HOLDS(h->lock.state == 0, "the lock of heap %p is held", (const void *)h);
    HOLDS(h->next == NULL || h != &sta_heap_shared, "a shared heap is listed");
    for (size_t i = 0; i <= STA_CLASS_TABLE_MAX; i++)
        HOLDS(h->class_of[i] == sta_class_of(i), "class of %zu", i);
    for (uint32_t c = 0; c < STA_CLASS_COUNT; c++) {
        size_t waiting = audit_list(h, c);
        audit_bin(h, c);
        HOLDS(!idle || waiting == 0, "an idle heap has a list of class %u", c);
    }
    audit_kept(h);
    audit_slab_units(h);
    audit_outbox(h);
    if (h->state == STA_HEAP_GUARDED)
        sta_guard_each_waiting(h, enter_waiting, NULL);
}

/* All descriptors against what was found of their slots. */
static void audit_tallies(bool live_known)
{
    uint32_t own = 0;
    for (uint32_t i = 0; i < sta_region_count; i++)
        for (uint32_t n = 1; n < sta_regions[i].slab_used; n++) {
            const struct sta_slab *s = &sta_regions[i].slabs[n];
            own += sta_slab_state(s) == STA_SLAB_OWN;
            if (!audit_in_use(s) || sta_slab_state(s) == STA_SLAB_OWN)
                continue;
            if (sta_slab_state(s) == STA_SLAB_RUN)
                HOLDS(s->countdown <= 1, "%s: counts", audit_name(s));
            else
                audit_slab(s);
            const struct tally *t = tally_of(s);
            uint32_t used = used_slots(s);
            HOLDS(t->elsewhere + t->live == used ||
                      (!live_known && t->elsewhere <= used),
                  "%s: %u used, %u live and %u elsewhere", audit_name(s), used,
                  t->live, t->elsewhere);
        }
    for (const struct sta_heap *h = sta_heaps; h; h = h->next) {
        own -= h->state != STA_HEAP_GUARDED ? 1 : 0;
        own -= h->out != NULL ? 1 : 0;
    }
    HOLDS(own + sta_regions[0].own_used == 0, "memory of the library itself");
}

bool heap_audit(const void *const *live, size_t count)
{
    size_t used = 0;
    faults = 0;
    HOLDS(sta_pages_lock.state == 0 && sta_heaps_lock.state == 0,
          "a lock is held");
    for (uint32_t i = 0; i < sta_region_count; i++)
        used += audit_region(&sta_regions[i]);
    HOLDS(used == sta_pages_used(), "%zu units in use, counted as %zu", used,
          sta_pages_used());
    HOLDS(used <= sta_page_counts.used_peak_units, "more in use than ever");
    for (uint32_t i = 0; i < sta_region_count; i++)
        for (uint32_t n = 1; n < sta_regions[i].slab_used; n++)
            if (has_list(&sta_regions[i].slabs[n]))
                audit_slab_list(&sta_regions[i].slabs[n]);
    for (const struct sta_heap *h = sta_heaps; h; h = h->next)
        audit_heap(h);
    if (sta_heap_is_open(&sta_heap_shared))
        audit_heap(&sta_heap_shared);
    audit_remotes();
    for (size_t i = 0; i < count; i++)
        enter(live[i], LIVE);
    audit_tallies(live != NULL);
    return faults == 0;
}
