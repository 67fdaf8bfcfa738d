/* SPDX-License-Identifier: MIT */
/*
 * Free runs of equal units: a bitmap, a tree of summaries above it, and the
 * lowest free run kept aside.
 *
 * First fit in address order wants the lowest run of n units. A list of free
 * runs answers in O(free runs), which is 100 us where 30,000 holes have formed.
 * Here each 64 units are a word of bits (1 is free), each 8 words a group of
 * 512 units, each 8 groups a node, each 8 nodes a node of the next level. A
 * group and a node know of the units they cover:
 *
 *     start  how many are free at the bottom
 *     longest  the longest free run inside
 *     end    how many are free at the top
 *
 *     level 2                    {1, 5, 0}             node, 4096 units
 *     level 1        {1, 2, 2}         {3, 3, 0}       group, 512 units
 *     level 0     .###  ##..  #..#   ...#  #..#  ####  word, 64 units
 *
 * ('.' is free; for the drawing a word has 4 units and a group 3 words.) The
 * run of 5 lies across two groups: it is found by adding an end to the start
 * that follows. So a search walks down one path, looking at up to 8 children a
 * level, and a change is carried up one path, and only as far as it changes
 * anything. Merging needs no work: neighbouring ones are a run.
 *
 * Most calls need none of this. The bottom of the lowest free run, the cache,
 * is kept out of the bitmap; an allocation that fits there moves a number, and
 * so does a free that touches it.
 *
 * Invariants, for c = cache_first and e = c + cache_count:
 *   I1  A bit is 1 exactly when its unit exists, is free and is not in [c, e).
 *   I2  No bit below e is 1: the cache is part of the lowest free run, and
 *       when it is empty nothing below c is free.
 *   I3  A word's longest in its group, each group and each node up to level
 *       `top` are what their children say. What covers no unit is not touched.
 *   I4  top is the lowest level >= 1 whose node 0 covers all units.
 *   I5  free_count is the number of ones plus cache_count.
 *   I6  cache_count <= STA_RUNS_CACHE_MAX: putting it back is bounded work.
 *
 * Not thread safe. n units cost n * 1.28 bits. All-zero memory says "nothing is
 * free", so that a large index needs no initialisation.
 *
 * The summaries are those of the page allocator of Go 1.14 (Knyszek), O(log n)
 * first fit is Brent, TOPLAS 11 (1989). Two things were tried and dropped: a
 * stored start and end per word (they are one instruction each), and putting
 * the cache back before a search in the tree (half of the cost of a pair; the
 * run above the cache is measured instead).
 */
#include "core/runs.h"

#include "core/attr.h"
#include "core/bits.h"

enum {
    WORD_UNITS = 64,
    FAN_OUT = 8,
    GROUP_UNITS = WORD_UNITS * FAN_OUT,
    ALIGNED_TRIES = 16 /* stated in runs.h */
};

/* 512 units and 8 words: 16 bytes, so that 8 of them are two cache lines. */
struct sta_runs_group {
    uint16_t start, longest, end;
    uint16_t unused;
    uint8_t word_longest[FAN_OUT];
};

struct sta_runs_node {
    uint32_t start, longest, end;
};

static_assert(sizeof(struct sta_runs_group) == 16, "half a cache line of 8");
static_assert(STA_RUNS_CACHE_MAX <= 2 * GROUP_UNITS, "I6: a few words");

/* log2 of the units that a node of this level covers. */
STA_INLINE uint32_t level_shift(uint32_t level)
{
    return 6 + 3 * level;
}

/* Returns how many nodes of a level cover `units` >= 1 units. */
STA_INLINE uint32_t nodes_for(uint32_t units, uint32_t level)
{
    return (uint32_t)((uint64_t)(units - 1) >> level_shift(level)) + 1;
}

/* Returns how many nodes of a level there are now. */
STA_INLINE uint32_t node_count(const struct sta_runs *r, uint32_t level)
{
    return nodes_for(r->unit_count, level);
}

/* Returns the lowest level >= 1 that covers so many units with one node. */
static uint32_t top_for(uint32_t units)
{
    uint32_t level = 1;
    while (nodes_for(units, level) > 1)
        level++;
    return level;
}

/* A word, group or node as one kind. `level` is constant in each caller. */
STA_INLINE struct sta_runs_node summary(const struct sta_runs *r,
                                        uint32_t level, uint32_t i)
{
    if (level == 0) {
        uint64_t word = r->words[i];
        return (struct sta_runs_node){
            sta_low_ones64(word),
            r->groups[i / FAN_OUT].word_longest[i % FAN_OUT],
            sta_high_ones64(word)};
    }
    if (level == 1) {
        const struct sta_runs_group *g = &r->groups[i];
        return (struct sta_runs_node){g->start, g->longest, g->end};
    }
    return r->level[level][i];
}

/* Computes node i of `level` from its children, at `level` - 1. */
STA_INLINE struct sta_runs_node join(const struct sta_runs *r, uint32_t level,
                                     uint32_t i)
{
    uint32_t first = i * FAN_OUT;
    uint32_t left = node_count(r, level - 1) - first;
    uint32_t count = left < FAN_OUT ? left : FAN_OUT;
    uint32_t span = UINT32_C(1) << level_shift(level - 1);
    struct sta_runs_node sum = {0, 0, 0};
    uint32_t below = 0; /* free units that end where the child begins */
    for (uint32_t k = 0; k < count; k++) {
        struct sta_runs_node child = summary(r, level - 1, first + k);
        uint32_t run = below + child.start;
        sum.start = below == k * span ? run : sum.start;
        sum.longest = run > sum.longest ? run : sum.longest;
        sum.longest = child.longest > sum.longest ? child.longest : sum.longest;
        below = child.start == span ? run : child.end;
    }
    /* Units that do not exist are not free. */
    sum.end = count == FAN_OUT ? below : 0;
    return sum;
}

/* A stretch of nodes of one level, as indices. */
struct stretch {
    uint32_t low, high; /* high is the last one */
    bool any;
};

STA_INLINE void stretch_add(struct stretch *s, uint32_t i)
{
    s->low = s->any ? s->low : i;
    s->high = i;
    s->any = true;
}

STA_INLINE bool store_group(struct sta_runs *r, uint32_t i)
{
    struct sta_runs_group *g = &r->groups[i];
    struct sta_runs_node sum = join(r, 1, i);
    bool changed =
        sum.start != g->start || sum.longest != g->longest || sum.end != g->end;
    g->start = (uint16_t)sum.start;
    g->longest = (uint16_t)sum.longest;
    g->end = (uint16_t)sum.end;
    return changed;
}

STA_INLINE bool store_node(struct sta_runs *r, uint32_t level, uint32_t i)
{
    struct sta_runs_node *node = &r->level[level][i];
    struct sta_runs_node sum = level == 2 ? join(r, 2, i) : join(r, level, i);
    bool changed = sum.start != node->start || sum.longest != node->longest ||
                   sum.end != node->end;
    *node = sum;
    return changed;
}

/*
 * Carries a change of words low to high up the tree (I3): each level as far as
 * the one below has changed, or, when `all`, every level, which a new unit
 * count needs.
 */
static void carry_up(struct sta_runs *r, uint32_t low, uint32_t high, bool all)
{
    struct stretch changed = {0, 0, false};
    for (uint32_t i = low / FAN_OUT; i <= high / FAN_OUT; i++) {
        if (store_group(r, i) || all)
            stretch_add(&changed, i);
    }
    for (uint32_t level = 2; level <= r->top && changed.any; level++) {
        struct stretch below = changed;
        changed.any = false;
        for (uint32_t i = below.low / FAN_OUT; i <= below.high / FAN_OUT; i++) {
            if (store_node(r, level, i) || all)
                stretch_add(&changed, i);
        }
    }
}

/* Makes units that are all the opposite free in the bitmap, or used. */
static void assign(struct sta_runs *r, uint32_t first, uint32_t count,
                   bool is_free, bool all)
{
    uint32_t low = first / WORD_UNITS;
    uint32_t high = (first + (count - 1)) / WORD_UNITS;
    for (uint32_t i = low; i <= high; i++) {
        uint32_t from = i == low ? first % WORD_UNITS : 0;
        uint32_t to =
            i == high ? (first + (count - 1)) % WORD_UNITS + 1 : WORD_UNITS;
        r->words[i] ^= sta_ones64(from, to);
        r->groups[i / FAN_OUT].word_longest[i % FAN_OUT] =
            to - from == WORD_UNITS ? (uint8_t)(is_free ? WORD_UNITS : 0)
                                    : (uint8_t)sta_longest_ones64(r->words[i]);
    }
    carry_up(r, low, high, all);
}

/*
 * A search on its way to the right: `below` units end, free, where the next
 * word or node begins.
 */
struct search {
    uint32_t want;
    uint32_t below;
};

/*
 * Passes the children `from` to `to` - 1 of `level`. Returns the child in
 * which a run of s->want lies, with *found set to it when it begins before or
 * at the child's start; returns `to` when there is none.
 */
STA_INLINE uint32_t pass(const struct sta_runs *r, uint32_t level,
                         uint32_t from, uint32_t to, struct search *s,
                         uint32_t *found)
{
    uint32_t span = UINT32_C(1) << level_shift(level);
    for (uint32_t i = from; i < to; i++) {
        struct sta_runs_node node = summary(r, level, i);
        uint32_t run = s->below + node.start;
        if (run >= s->want) {
            *found = (i << level_shift(level)) - s->below;
            return i;
        }
        if (node.longest >= s->want)
            return i;
        s->below = node.start == span ? run : node.end;
    }
    return to;
}

STA_INLINE uint32_t pass_any(const struct sta_runs *r, uint32_t level,
                             uint32_t from, uint32_t to, struct search *s,
                             uint32_t *found)
{
    return level == 0   ? pass(r, 0, from, to, s, found)
           : level == 1 ? pass(r, 1, from, to, s, found)
                        : pass(r, level, from, to, s, found);
}

/* The lowest run of `want` units inside node i, which has one. */
static uint32_t descend(const struct sta_runs *r, uint32_t level, uint32_t i,
                        uint32_t want)
{
    uint32_t found = STA_RUNS_NONE;
    while (level > 0) {
        struct search s = {want, 0};
        level--;
        i = pass_any(r, level, i * FAN_OUT, (i + 1) * FAN_OUT, &s, &found);
        if (found != STA_RUNS_NONE)
            return found;
    }
    return i * WORD_UNITS + sta_ctz64(sta_starts_of_ones64(r->words[i], want));
}

/* The lowest run of `want` units in the bitmap, or STA_RUNS_NONE. */
static uint32_t lowest(const struct sta_runs *r, uint32_t want)
{
    if (r->unit_count == 0 || summary(r, r->top, 0).longest < want)
        return STA_RUNS_NONE;
    return descend(r, r->top, 0, want);
}

/*
 * The lowest run of `want` units in the bitmap that begins at or after `from`,
 * counting no unit before it: up from the word of `from`, then down again.
 */
static uint32_t lowest_from(const struct sta_runs *r, uint32_t from,
                            uint32_t want)
{
    if (from >= r->unit_count)
        return STA_RUNS_NONE;
    uint32_t i = from / WORD_UNITS;
    uint64_t word = r->words[i] & (~UINT64_C(0) << from % WORD_UNITS);
    if (want <= WORD_UNITS) {
        uint64_t starts = sta_starts_of_ones64(word, want);
        if (starts != 0)
            return i * WORD_UNITS + sta_ctz64(starts);
    }
    struct search s = {want, sta_high_ones64(word)};
    uint32_t found = STA_RUNS_NONE;
    i++;
    for (uint32_t level = 0; level <= r->top; level++) {
        uint32_t end = (uint32_t)sta_round_up(i, FAN_OUT);
        uint32_t count = node_count(r, level);
        end = end < count ? end : count;
        uint32_t at = i < end ? pass_any(r, level, i, end, &s, &found) : i;
        if (found != STA_RUNS_NONE)
            return found;
        if (at < end)
            return descend(r, level, at, want);
        i = (uint32_t)(((uint64_t)i + FAN_OUT - 1) / FAN_OUT);
    }
    return STA_RUNS_NONE;
}

/* Returns how many units from `first` on are free in the bitmap. */
static uint32_t free_above(const struct sta_runs *r, uint32_t first)
{
    if (first >= r->unit_count)
        return 0;
    uint32_t i = first / WORD_UNITS;
    uint32_t count = sta_low_ones64(r->words[i] >> first % WORD_UNITS);
    if (first % WORD_UNITS + count < WORD_UNITS)
        return count;
    i++;
    for (uint32_t level = 0; level <= r->top; level++) {
        for (; i % FAN_OUT != 0 && i < node_count(r, level); i++) {
            uint32_t start = summary(r, level, i).start;
            count += start;
            if (start < UINT32_C(1) << level_shift(level))
                return count;
        }
        i = (uint32_t)(((uint64_t)i + FAN_OUT - 1) / FAN_OUT);
    }
    return count;
}

/* Returns one past the last unit of the cache. */
STA_INLINE uint32_t cache_end(const struct sta_runs *r)
{
    return r->cache_first + r->cache_count;
}

/* Fills the empty cache from the lowest free run; there is one (I2). */
static void refill(struct sta_runs *r)
{
    uint32_t first = lowest_from(r, r->cache_first, 1);
    uint32_t count = free_above(r, first);
    uint32_t group_rest = GROUP_UNITS - first % GROUP_UNITS;
    count = count < group_rest ? count : group_rest;
    assign(r, first, count, false, false);
    r->cache_first = first;
    r->cache_count = count;
}

/* Allocates these units, which are free. */
static void carve(struct sta_runs *r, uint32_t first, uint32_t count)
{
    uint32_t end = first + count;
    uint32_t cached = cache_end(r);
    r->free_count -= count;
    if (first >= cached) {
        assign(r, first, count, false, false);
        return;
    }
    if (end > cached)
        assign(r, cached, end - cached, false, false);
    if (first > r->cache_first) {
        /* The cache stays what lies below; what lies above goes back. */
        if (end < cached)
            assign(r, end, cached - end, true, false);
        r->cache_count = first - r->cache_first;
    } else {
        r->cache_first = end;
        r->cache_count = end < cached ? cached - end : 0;
    }
}

/* Rounds up to a multiple of align; 64 bits, as the result may not fit. */
STA_INLINE uint64_t align_up(uint32_t unit, uint32_t align)
{
    return ((uint64_t)unit + align - 1) & ~(uint64_t)(align - 1);
}

/*
 * The place for an aligned allocation above `from`, the end of a run, when
 * `tried` runs have been looked at; see runs.h for which.
 */
static uint32_t find_aligned(const struct sta_runs *r, uint32_t from,
                             uint32_t count, uint32_t align, uint32_t tried)
{
    for (;; tried++) {
        if (tried == ALIGNED_TRIES && count <= STA_RUNS_NONE - align) {
            uint32_t sure = lowest(r, count + align - 1);
            if (sure != STA_RUNS_NONE)
                return (uint32_t)align_up(sure, align);
        }
        uint32_t first = lowest_from(r, from, count);
        if (first == STA_RUNS_NONE)
            return STA_RUNS_NONE;
        uint32_t length = free_above(r, first);
        uint64_t place = align_up(first, align);
        if (place + count <= (uint64_t)first + length)
            return (uint32_t)place;
        from = first + length;
    }
}

STA_NOINLINE static uint32_t alloc_slow(struct sta_runs *r, uint32_t count,
                                        uint32_t align)
{
    if (count > r->free_count)
        return STA_RUNS_NONE;
    if (r->cache_count == 0)
        refill(r);
    /* The lowest run is the cache and what is free above it. */
    uint32_t length = r->cache_count + free_above(r, cache_end(r));
    uint32_t end = r->cache_first + length;
    uint64_t place = align_up(r->cache_first, align);
    if (place + count > end) {
        uint32_t found =
            align == 1 ? lowest(r, count)
                       : find_aligned(r, end, count, align, length >= count);
        if (found == STA_RUNS_NONE)
            return STA_RUNS_NONE;
        place = found;
    }
    carve(r, (uint32_t)place, count);
    return (uint32_t)place;
}

static size_t words_bytes(uint32_t units)
{
    return (size_t)nodes_for(units, 0) * sizeof(uint64_t);
}

size_t sta_runs_index_bytes(uint32_t capacity)
{
    size_t bytes = words_bytes(capacity) + (size_t)nodes_for(capacity, 1) *
                                               sizeof(struct sta_runs_group);
    for (uint32_t level = 2; level <= top_for(capacity); level++)
        bytes +=
            (size_t)nodes_for(capacity, level) * sizeof(struct sta_runs_node);
    return sta_round_up(bytes, 8);
}

void sta_runs_init(struct sta_runs *r, void *index, uint32_t capacity)
{
    unsigned char *next = index;
    *r = (struct sta_runs){0};
    r->capacity = capacity;
    r->top = 1;
    r->words = (void *)next;
    next += words_bytes(capacity);
    r->groups = (void *)next;
    next += (size_t)nodes_for(capacity, 1) * sizeof(struct sta_runs_group);
    for (uint32_t level = 2; level <= top_for(capacity); level++) {
        r->level[level] = (void *)next;
        next +=
            (size_t)nodes_for(capacity, level) * sizeof(struct sta_runs_node);
    }
}

void sta_runs_extend(struct sta_runs *r, uint32_t count)
{
    uint32_t first = r->unit_count;
    if (count == 0)
        return;
    r->unit_count += count;
    r->free_count += count;
    r->top = top_for(r->unit_count);
    assign(r, first, count, true, true);
}

uint32_t sta_runs_alloc(struct sta_runs *r, uint32_t count, uint32_t align)
{
    if (sta_unlikely(count > r->cache_count || align != 1))
        return alloc_slow(r, count, align);
    uint32_t first = r->cache_first;
    r->cache_first += count;
    r->cache_count -= count;
    r->free_count -= count;
    return first;
}

bool sta_runs_take(struct sta_runs *r, uint32_t first, uint32_t count)
{
    if (sta_runs_free_at(r, first) < count)
        return false;
    carve(r, first, count);
    return true;
}

void sta_runs_free(struct sta_runs *r, uint32_t first, uint32_t count)
{
    r->free_count += count;
    if (r->cache_count == 0) {
        if (first > r->cache_first) {
            assign(r, first, count, true, false);
            return;
        }
        r->cache_first = first;
        r->cache_count = count;
    } else if (first + count == r->cache_first) {
        r->cache_first = first;
        r->cache_count += count;
    } else if (first < r->cache_first) {
        assign(r, r->cache_first, r->cache_count, true, false);
        r->cache_first = first;
        r->cache_count = count;
    } else if (first == cache_end(r) &&
               count <= STA_RUNS_CACHE_MAX - r->cache_count) {
        r->cache_count += count;
    } else {
        assign(r, first, count, true, false);
    }
    if (sta_unlikely(r->cache_count > STA_RUNS_CACHE_MAX)) {
        /* Keep half, so that frees downwards do not each put a unit back. */
        uint32_t keep = STA_RUNS_CACHE_MAX / 2;
        assign(r, r->cache_first + keep, r->cache_count - keep, true, false);
        r->cache_count = keep;
    }
}

bool sta_runs_all_used(const struct sta_runs *r, uint32_t first, uint32_t count)
{
    if (first > r->unit_count || count > r->unit_count - first)
        return false;
    if (r->cache_count != 0 && first < cache_end(r) &&
        first + count > r->cache_first)
        return false;
    return lowest_from(r, first, 1) - first >= count;
}

uint32_t sta_runs_free_at(const struct sta_runs *r, uint32_t first)
{
    uint32_t cached = cache_end(r);
    if (first >= cached)
        return free_above(r, first);
    return first < r->cache_first ? 0 : cached - first + free_above(r, cached);
}

uint32_t sta_runs_next(const struct sta_runs *r, uint32_t from, uint32_t *count)
{
    uint32_t first = from;
    if (from >= cache_end(r))
        first = lowest_from(r, from, 1);
    else if (from < r->cache_first)
        first = r->cache_count != 0 ? r->cache_first
                                    : lowest_from(r, r->cache_first, 1);
    if (first != STA_RUNS_NONE)
        *count = sta_runs_free_at(r, first);
    return first;
}

uint32_t sta_runs_largest(const struct sta_runs *r)
{
    if (r->unit_count == 0)
        return 0;
    uint32_t low = r->cache_count + free_above(r, cache_end(r));
    uint32_t other = summary(r, r->top, 0).longest;
    return low > other ? low : other;
}

/* I3 for all nodes of a level. */
static bool audit_level(const struct sta_runs *r, uint32_t level)
{
    for (uint32_t i = 0; i < node_count(r, level); i++) {
        struct sta_runs_node is = summary(r, level, i);
        struct sta_runs_node sum = join(r, level, i);
        if (is.start != sum.start || is.longest != sum.longest ||
            is.end != sum.end)
            return false;
    }
    return true;
}

bool sta_runs_audit(const struct sta_runs *r)
{
    uint32_t cached = cache_end(r);
    uint32_t ones = 0;
    if (r->unit_count > r->capacity || cached > r->unit_count)
        return false;
    if (r->unit_count == 0)
        return r->free_count == 0;
    for (uint32_t i = 0; i < node_count(r, 0); i++) {
        uint64_t word = r->words[i];
        if (summary(r, 0, i).longest != sta_longest_ones64(word))
            return false; /* I3 */
        ones += sta_popcount64(word);
    }
    if (r->unit_count % WORD_UNITS != 0 &&
        r->words[r->unit_count / WORD_UNITS] >> r->unit_count % WORD_UNITS)
        return false; /* I1 */
    if (lowest_from(r, 0, 1) < cached)
        return false; /* I1, I2 */
    for (uint32_t level = 1; level <= r->top; level++) {
        if (!audit_level(r, level))
            return false; /* I3 */
    }
    return r->top == top_for(r->unit_count) &&       /* I4 */
           r->free_count == ones + r->cache_count && /* I5 */
           r->cache_count <= STA_RUNS_CACHE_MAX;     /* I6 */
}
