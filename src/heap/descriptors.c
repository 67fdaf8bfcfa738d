/* SPDX-License-Identifier: MIT */
/*
 * The table of descriptors of a region: which of them are used, and by whom.
 *
 * The lowest unused descriptor is taken first.  So those in use gather in few
 * pages, and the others can go back when the program shrinks: one that held
 * 15,000 runs once and 600 slabs now has a megabyte of them.  Which are unused
 * is a bit each, and a bit for each word of these; a list through them would
 * have to be mended when a page goes.
 *
 * The 64 of a word are one heap's, if they can be.  A processor fetches the
 * lines beside those it reads, and so would take descriptors from another that
 * writes to them all the time.
 */
#include "heap/descriptors.h"

#include "core/bitmap.h"
#include "os/vm.h"

enum {
    SLABS_PER_STEP = STA_META_STEP / (int)sizeof(struct sta_slab),

    /* Words of descriptors that are looked at for one of a heap's own. */
    TAKER_LOOKS = 32,

    /* Descriptors that may be unused for the sake of having words apart. */
    SLABS_APART = 2048
};

bool sta_descriptors_commit(struct sta_region *r, uint32_t count)
{
    if (count <= r->slab_ready)
        return true;
    size_t ready = sta_round_up(count, SLABS_PER_STEP);
    size_t bytes = (ready - r->slab_ready) * sizeof *r->slabs;
    if (!sta_vm_commit(r->slabs + r->slab_ready, bytes))
        return false;
    r->slab_ready = (uint32_t)ready;
    return true;
}

/* Makes descriptors usable, up to the end of a word; false: no memory. */
static bool add_slabs(struct sta_region *r)
{
    struct sta_unused *u = &r->unused;
    uint32_t first = r->slab_used;
    uint32_t end = (first / 64 + 1) * 64;
    if (end > STA_DESCRIPTORS_MOST || first / 64 > r->table_units / 64 ||
        !sta_descriptors_commit(r, end))
        return false;
    u->bits[first / 64] = sta_ones64(first % 64, 64);
    sta_bitmap_assign(u->words, first / 64, 1, true);
    u->low = u->count != 0 ? u->low : first / 64;
    u->count += end - first;
    r->slab_used = end;
    return true;
}

/* A heap's number in `taker`, where 0 is nobody: of its unit, but never 0. */
static uint16_t number_of(const struct sta_heap *h)
{
    return (uint16_t)((uintptr_t)h / STA_UNIT_BYTES % UINT16_MAX + 1);
}

/* True for a word that is this heap's, or nobody's. */
static bool is_free_to(const struct sta_unused *u, uint32_t word,
                       uint16_t taker)
{
    return u->taker[word] == taker || u->taker[word] == 0 ||
           ~u->bits[word] == 0;
}

/* Finds the lowest such word that has unused descriptors; false: none of the
 * first ones. */
static bool find_word(const struct sta_unused *u, uint32_t end, uint16_t taker,
                      uint32_t *word)
{
    uint32_t w = u->low;
    for (uint32_t looks = 0; looks < TAKER_LOOKS && w < end; looks++) {
        if (is_free_to(u, w, taker)) {
            *word = w;
            return true;
        }
        w = sta_bitmap_first_one(u->words, w + 1, end);
    }
    return false;
}

uint32_t sta_descriptors_take(struct sta_region *r, const struct sta_heap *h)
{
    struct sta_unused *u = &r->unused;
    uint16_t taker = number_of(h);
    if (u->count == 0 && !add_slabs(r))
        return 0;
    uint32_t end = (r->slab_used + 63) / 64;
    uint32_t w;
    u->low = sta_bitmap_first_one(u->words, u->low, end);
    if (!find_word(u, end, taker, &w)) {
        /* Where far more are unused than used, no further page is begun. */
        bool more = u->count <= r->slab_used / 2 + SLABS_APART && add_slabs(r);
        w = more ? (r->slab_used - 1) / 64 : u->low;
    }
    uint64_t bits = u->bits[w];
    if (is_free_to(u, w, 0)) /* nobody's so far */
        u->taker[w] = taker;
    u->bits[w] = bits & (bits - 1);
    if (u->bits[w] == 0)
        sta_bitmap_assign(u->words, w, 1, false);
    u->count--;
    u->touched[w / 64] |= UINT64_C(1) << w % 64;
    return w * 64 + sta_ctz64(bits);
}

void sta_descriptors_give(struct sta_region *r, uint32_t index)
{
    struct sta_unused *u = &r->unused;
    uint32_t word = index / 64;
    sta_slab_set_state(&r->slabs[index], STA_SLAB_NONE);
    u->bits[word] |= UINT64_C(1) << index % 64;
    u->words[word / 64] |= UINT64_C(1) << word % 64;
    u->low = word < u->low ? word : u->low;
    if (~u->bits[word] == 0 && word >= u->cut)
        u->cut = word + 1;
    u->count++;
}

/* True when 64 descriptors, whole pages, are resident and unused. */
static bool is_idle(const struct sta_unused *u, uint32_t word)
{
    return ~u->bits[word] == 0 && (u->touched[word / 64] >> word % 64 & 1) != 0;
}

/* Goes on from the top with a look at up to 64 times 64; purges the first idle
 * ones. */
static void purge_some(struct sta_region *r)
{
    struct sta_unused *u = &r->unused;
    uint32_t floor = u->cut > 64 ? u->cut - 64 : 0;
    while (u->cut > floor && !is_idle(u, u->cut - 1))
        u->cut--;
    uint32_t end = u->cut;
    while (u->cut > floor && is_idle(u, u->cut - 1))
        u->cut--;
    uint32_t count = end - u->cut;
    if (count == 0)
        return;
    sta_bitmap_assign(u->touched, u->cut, count, false);
    sta_vm_purge(r->slabs + (size_t)u->cut * 64,
                 (size_t)count * 64 * sizeof *r->slabs);
}

void sta_descriptors_shrink(struct sta_region *r)
{
    if (r->unused.cut > 0)
        purge_some(r);
}

void sta_descriptors_trim(struct sta_region *r)
{
    while (r->unused.cut > 0)
        purge_some(r);
}
