/* SPDX-License-Identifier: MIT */
/*
 * A map of free units: a bitmap, and a tree of keys above it.
 *
 * Each 64 units are a word of bits (1 is free). A word's key is how long the
 * longest run is that begins in it, wherever that ends; a run that comes from
 * the word below does not count. Eight words are a leaf, and its key, on level
 * 1, is the greatest of theirs; so is that of each node above of those of its
 * eight children.
 *
 *     level 1              5                       3
 *     level 0     1        5        0         3        3        2
 *     units     .###     ##..     ...#      #...     ...#     ..##
 *
 * ('.' is free; for the drawing a word has 4 units, and a leaf 3 words.) The
 * lowest run of 3 is found by taking the leftmost child whose key is at least 3
 * on each level, and then the place in the word. Eight keys are compared at
 * once, so that no branch depends on where the run is: which of eight it is no
 * processor could foresee, and most of a search was waiting for that.
 *
 * Free neighbours are a run as they are. A change gives a new key to the word
 * in which its run begins, to those in which it lies, and to the one behind;
 * each is carried up as far as it changes anything. Where a run begins is found
 * leftwards, the next word with a key other than 0; where it ends the key says,
 * or the word behind, if it is so short that another one may be the longest.
 *
 * Invariants:
 *   I1  The bit of a unit that does not exist is 0.
 *   I2  A word's key is the length of the longest run that begins in it, each
 *       other key on a level up to `top` the greatest of the eight below it;
 *       what does not exist has 0.
 *   I3  top is the lowest level >= 1 whose first key is of all units.
 *
 * Memory: 1 + 1/2 + 1/16 + ... = 1.57 bits a unit. All-zero memory says
 * "nothing is free", so that a large index needs no initialisation. The keys of
 * the upper levels come first, and a word's key lies beside it: a small map is
 * in few pages.
 *
 * O(log n) first fit is Brent, TOPLAS 11 (1989). Tried and dropped: for each
 * node the free units at its bottom and top and the longest run inside, as the
 * page allocator of Go 1.14 has them (Knyszek). It needs no search to the left,
 * but three numbers a child to look at and to sum up, one after the other: 280
 * instructions for a search and 570 for a change, now 220 and 250.
 */
#include "core/freemap.h"

#include "core/attr.h"
#include "core/bits.h"

enum { WORD_UNITS = 64, FAN_OUT = 8 };

/* Returns how many parts of 2^shift units cover `units` >= 1 units. */
STA_INLINE uint32_t parts_for(uint32_t units, uint32_t shift)
{
    return (uint32_t)((uint64_t)(units - 1) >> shift) + 1;
}

/* log2 of the units that a key of this level is of. */
STA_INLINE uint32_t level_shift(uint32_t level)
{
    return 6 + 3 * level;
}

/* Returns the lowest level >= 1 at which one key is of so many units. */
static uint32_t top_for(uint32_t units)
{
    uint32_t level = 1;
    while (units > 1 && parts_for(units, level_shift(level)) > 1)
        level++;
    return level;
}

STA_INLINE uint64_t *word_at(const struct sta_freemap *m, uint32_t w)
{
    return &m->leaves[w / FAN_OUT].words[w % FAN_OUT];
}

/* The keys of a level, from 8 * nth on. */
STA_INLINE struct sta_keys *keys_at(const struct sta_freemap *m, uint32_t level,
                                    uint32_t nth)
{
    return level == 0 ? &m->leaves[nth].keys : &m->level[level][nth];
}

STA_INLINE uint32_t key_at(const struct sta_freemap *m, uint32_t level,
                           uint32_t i)
{
    return keys_at(m, level, i / FAN_OUT)->key[i % FAN_OUT];
}

/* Sets a word's key, and those above that it changes. */
static void set_key(struct sta_freemap *m, uint32_t w, uint32_t key)
{
    uint32_t i = w / FAN_OUT;
    struct sta_keys *keys = &m->leaves[i].keys;
    uint32_t was = keys->key[w % FAN_OUT];
    keys->key[w % FAN_OUT] = key;
    for (uint32_t level = 1; level <= m->top; level++) {
        struct sta_keys *above = &m->level[level][i / FAN_OUT];
        uint32_t most = above->key[i % FAN_OUT];
        if (key < most)
            key = was < most ? most : sta_keys_greatest(keys);
        if (key == most)
            return;
        above->key[i % FAN_OUT] = key;
        was = most;
        keys = above;
        i /= FAN_OUT;
    }
}

/* True when units 64 * w - 1 and 64 * w are both free: a run goes on there. */
STA_INLINE bool goes_on(const struct sta_freemap *m, uint32_t w)
{
    return w != 0 && w * WORD_UNITS < m->unit_count &&
           (*word_at(m, w - 1) >> 63 & *word_at(m, w) & 1) != 0;
}

/* The free units of a word but for those of a run that comes from below. */
STA_INLINE uint64_t begun_in(const struct sta_freemap *m, uint32_t w)
{
    uint64_t word = *word_at(m, w);
    return word & (word + (w != 0 ? *word_at(m, w - 1) >> 63 : 0));
}

/* The nearest word below `w` in which a run begins; there is one. */
static uint32_t begins_below(const struct sta_freemap *m, uint32_t w)
{
    uint32_t level = 0;
    uint32_t below;
    for (;; level++, w /= FAN_OUT) {
        below = sta_keys_at_least(keys_at(m, level, w / FAN_OUT), 1) &
                ((1u << w % FAN_OUT) - 1);
        if (below != 0)
            break;
    }
    w = w / FAN_OUT * FAN_OUT + sta_log2(below);
    while (level-- > 0)
        w = w * FAN_OUT + sta_log2(sta_keys_at_least(keys_at(m, level, w), 1));
    return w;
}

/* The start of the run that has the highest unit of a word. */
static uint32_t start_of_top(const struct sta_freemap *m, uint32_t w)
{
    if (~*word_at(m, w) == 0 && goes_on(m, w))
        w = begins_below(m, w);
    return (w + 1) * WORD_UNITS - sta_high_ones64(*word_at(m, w));
}

/* The start of the run that ends at `end`; `end` itself when there is none. */
STA_INLINE uint32_t start_below(const struct sta_freemap *m, uint32_t end)
{
    uint32_t w = end / WORD_UNITS;
    uint32_t below = end % WORD_UNITS;
    uint32_t count = 0;
    if (below != 0)
        count = sta_high_ones64(*word_at(m, w) << (WORD_UNITS - below));
    if (count < below || w == 0 || *word_at(m, w - 1) >> 63 == 0)
        return end - count;
    return start_of_top(m, w - 1);
}

/* The end of the run that goes on from the word below `w` to `w`.  Where it has
 * all of that, it is the longest that begins where it does. */
static uint32_t end_beyond(const struct sta_freemap *m, uint32_t w)
{
    uint32_t count = sta_low_ones64(*word_at(m, w));
    if (count < WORD_UNITS)
        return w * WORD_UNITS + count;
    uint32_t start = start_of_top(m, w - 1);
    return start + key_at(m, 0, start / WORD_UNITS);
}

/* Returns the end of the run that has this free unit. */
STA_INLINE uint32_t end_of(const struct sta_freemap *m, uint32_t unit)
{
    uint32_t w = unit / WORD_UNITS;
    uint32_t count = sta_low_ones64(*word_at(m, w) >> unit % WORD_UNITS);
    return unit % WORD_UNITS + count == WORD_UNITS && goes_on(m, w + 1)
               ? end_beyond(m, w + 1)
               : unit + count;
}

uint32_t sta_freemap_length(const struct sta_freemap *m, uint32_t first)
{
    if (first >= m->unit_count ||
        (*word_at(m, first / WORD_UNITS) >> first % WORD_UNITS & 1) == 0)
        return 0;
    return end_of(m, first) - first;
}

/* How long the longest run is that begins in a word; one that has all of the
 * next word as well ends at `end`. */
static uint32_t longest_of(const struct sta_freemap *m, uint32_t w,
                           uint32_t end)
{
    uint64_t begun = begun_in(m, w);
    uint32_t longest = sta_longest_ones64(begun);
    if (begun >> 63 == 0 || !goes_on(m, w + 1))
        return longest;
    uint32_t beyond = sta_low_ones64(*word_at(m, w + 1));
    uint32_t last = sta_high_ones64(begun) + beyond;
    if (beyond == WORD_UNITS)
        last = end - (w + 1) * WORD_UNITS + sta_high_ones64(begun);
    return longest > last ? longest : last;
}

/* The run from `start` to `end` is new, or longer than it was. */
STA_INLINE void note_run(struct sta_freemap *m, uint32_t start, uint32_t end)
{
    uint32_t w = start / WORD_UNITS;
    if (end - start > key_at(m, 0, w))
        set_key(m, w, end - start);
}

/* Changes the bits of units. */
static void flip(struct sta_freemap *m, uint32_t first, uint32_t end)
{
    uint32_t last = (end - 1) / WORD_UNITS;
    uint64_t mask = ~UINT64_C(0) << first % WORD_UNITS;
    for (uint32_t w = first / WORD_UNITS; w < last; w++) {
        *word_at(m, w) ^= mask;
        mask = ~UINT64_C(0);
    }
    *word_at(m, last) ^= mask & ~UINT64_C(0) >> (-end % WORD_UNITS);
}

/*
 * The run that begins at `low` is what these units become part of. What began
 * behind them, in another word, does so no more.
 */
static void add(struct sta_freemap *m, uint32_t first, uint32_t end)
{
    uint32_t low = start_below(m, first);
    uint32_t behind = sta_freemap_length(m, end);
    uint32_t w = end / WORD_UNITS;
    flip(m, first, end);
    note_run(m, low, end + behind);
    if (behind != 0 && w != low / WORD_UNITS && behind >= key_at(m, 0, w))
        set_key(m, w, longest_of(m, w, 0));
}

/* The run from `low` to `high` is what these units were part of. What is left
 * behind them, in another word, begins there now. */
static void remove(struct sta_freemap *m, uint32_t first, uint32_t end)
{
    uint32_t low = start_below(m, first);
    uint32_t high = end_of(m, first);
    uint32_t w = low / WORD_UNITS;
    flip(m, first, end);
    if (high - low >= key_at(m, 0, w)) {
        uint32_t left = first / WORD_UNITS == w ? high : first;
        set_key(m, w, longest_of(m, w, left));
    }
    if (end < high && end / WORD_UNITS != w)
        note_run(m, end, high);
}

void sta_freemap_assign(struct sta_freemap *m, uint32_t first, uint32_t count,
                        bool is_free)
{
    if (is_free)
        add(m, first, first + count);
    else
        remove(m, first, first + count);
}

/* The lowest word below node i of a level in which a run of `want` begins. */
STA_INLINE uint32_t descend(const struct sta_freemap *m, uint32_t level,
                            uint32_t i, uint32_t want)
{
    while (level-- > 0)
        i = i * FAN_OUT +
            sta_ctz64(sta_keys_at_least(keys_at(m, level, i), want));
    return i;
}

/* The lowest run of `want` units that begins in a word, whose key says that
 * there is one. */
STA_INLINE uint32_t place_in(const struct sta_freemap *m, uint32_t w,
                             uint32_t want)
{
    uint64_t begun = begun_in(m, w);
    if (want <= WORD_UNITS) {
        uint64_t starts = sta_starts_of_ones64(begun, want);
        if (starts != 0)
            return w * WORD_UNITS + sta_ctz64(starts);
    }
    return (w + 1) * WORD_UNITS - sta_high_ones64(begun);
}

uint32_t sta_freemap_longest(const struct sta_freemap *m)
{
    return key_at(m, m->top, 0);
}

uint32_t sta_freemap_lowest(const struct sta_freemap *m, uint32_t want)
{
    if (sta_freemap_longest(m) < want)
        return STA_FREEMAP_NONE;
    return place_in(m, descend(m, m->top, 0, want), want);
}

/* The same among the runs that begin in word `w` or above: to the right and up
 * as far as nothing is long enough, then down. */
static uint32_t lowest_from_word(const struct sta_freemap *m, uint32_t w,
                                 uint32_t want)
{
    uint32_t i = w;
    for (uint32_t level = 0; level < m->top; level++) {
        uint32_t right = 0;
        if (i % FAN_OUT != 0)
            right = sta_keys_at_least(keys_at(m, level, i / FAN_OUT), want) >>
                    i % FAN_OUT << i % FAN_OUT;
        if (right != 0) {
            i = i / FAN_OUT * FAN_OUT + sta_ctz64(right);
            return place_in(m, descend(m, level, i, want), want);
        }
        i = (i + FAN_OUT - 1) / FAN_OUT;
    }
    return STA_FREEMAP_NONE;
}

uint32_t sta_freemap_lowest_from(const struct sta_freemap *m, uint32_t from,
                                 uint32_t want)
{
    if (from >= m->unit_count)
        return STA_FREEMAP_NONE;
    uint32_t w = from / WORD_UNITS;
    uint64_t word = *word_at(m, w) & (~UINT64_C(0) << from % WORD_UNITS);
    if (want <= WORD_UNITS) {
        uint64_t starts = sta_starts_of_ones64(word, want);
        if (starts != 0)
            return w * WORD_UNITS + sta_ctz64(starts);
    }
    if (word >> 63 != 0) {
        uint32_t start = (w + 1) * WORD_UNITS - sta_high_ones64(word);
        if (end_of(m, start) - start >= want)
            return start;
    }
    return lowest_from_word(m, w + 1, want);
}

/* The bytes of a level, whose parts are of eight keys each. */
static size_t level_bytes(uint32_t capacity, uint32_t level)
{
    return (size_t)parts_for(capacity, level_shift(level + 1)) *
           (level == 0 ? sizeof(struct sta_freemap_leaf)
                       : sizeof(struct sta_keys));
}

size_t sta_freemap_index_bytes(uint32_t capacity)
{
    size_t bytes = 0;
    for (uint32_t level = 0; level <= top_for(capacity); level++)
        bytes += level_bytes(capacity, level);
    return bytes;
}

static void lay_out(struct sta_freemap *m, void *index, uint32_t capacity)
{
    unsigned char *next = index;
    for (uint32_t level = top_for(capacity) + 1; level-- > 0;) {
        m->level[level] = (void *)next;
        next += level_bytes(capacity, level);
    }
    m->leaves = (void *)m->level[0];
}

void sta_freemap_init(struct sta_freemap *m, void *index, uint32_t capacity)
{
    *m = (struct sta_freemap){.top = 1};
    lay_out(m, index, capacity);
}

void sta_freemap_move(struct sta_freemap *m, void *index, uint32_t capacity)
{
    const struct sta_freemap old = *m;
    lay_out(m, index, capacity);
    for (uint32_t level = 0; m->unit_count && level <= m->top; level++)
        __builtin_memcpy(m->level[level], old.level[level],
                         level_bytes(m->unit_count, level));
}

/* A new level begins with what there is below it. */
void sta_freemap_extend(struct sta_freemap *m, uint32_t count)
{
    uint32_t first = m->unit_count;
    m->unit_count += count;
    for (uint32_t top = top_for(m->unit_count); m->top < top; m->top++)
        keys_at(m, m->top + 1, 0)->key[0] = key_at(m, m->top, 0);
    sta_freemap_assign(m, first, count, true);
}

/* I2 of a level >= 1. */
static bool audit_level(const struct sta_freemap *m, uint32_t level)
{
    for (uint32_t i = 0; i < parts_for(m->unit_count, level_shift(level)); i++)
        if (key_at(m, level, i) != sta_keys_greatest(keys_at(m, level - 1, i)))
            return false;
    return true;
}

bool sta_freemap_audit(const struct sta_freemap *m, uint32_t *free_count)
{
    *free_count = 0;
    if (m->unit_count == 0)
        return m->top == 1;
    uint32_t end = m->unit_count; /* of a run that goes on in word w */
    for (uint32_t w = parts_for(m->unit_count, level_shift(0)); w-- > 0;) {
        uint64_t word = *word_at(m, w);
        if (key_at(m, 0, w) != longest_of(m, w, end))
            return false; /* I2 */
        *free_count += sta_popcount64(word);
        if (~word != 0 || !goes_on(m, w + 1))
            end = w * WORD_UNITS + sta_low_ones64(word);
    }
    if (m->unit_count % WORD_UNITS != 0 &&
        *word_at(m, m->unit_count / WORD_UNITS) >> m->unit_count % WORD_UNITS)
        return false; /* I1 */
    for (uint32_t level = 1; level <= m->top; level++)
        if (!audit_level(m, level))
            return false;                    /* I2 */
    return m->top == top_for(m->unit_count); /* I3 */
}
