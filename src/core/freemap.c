/* SPDX-License-Identifier: MIT */
/*
 * A map of free units: a bitmap, and a tree of summaries above it.
 *
 * Each 64 units are a word of bits (1 is free), each 8 words a group of 512
 * units, each 8 groups a node, each 8 nodes a node of the next level. A group
 * and a node know of the units they cover:
 *
 *     start    how many are free at the bottom
 *     longest  the longest free run inside
 *     end      how many are free at the top
 *
 *     level 2                {1, 5, 4}                  node, 4096 units
 *     level 1       {1, 3, 3}         {2, 4, 4}         group, 512 units
 *     level 0     .###  ##..  .###  #...   ..##  ....   word, 64 units
 *
 * ('.' is free; for the drawing a word has 4 units, and a group 4 or 2 words.)
 * The run of 5 lies across two groups: it is found by adding an end to the
 * start that follows. So a search walks down one path, looking at up to 8
 * children a level, and a change is carried up one path, only as far as it
 * changes anything. Merging needs no work: neighbouring ones are a run.
 *
 * Invariants:
 *   I1  The bit of a unit that does not exist is 0.
 *   I2  A word's longest run, kept in its group, each group, and each node of a
 *       level up to `top` are what their children say; missing ones are used.
 *   I3  top is the lowest level >= 1 whose node 0 covers all units.
 *
 * Memory: 1 + 1/4 + 3/128 + ... = 1.28 bits a unit. All-zero memory says
 * "nothing is free", so that a large index needs no initialisation.
 *
 * The summaries are those of the page allocator of Go 1.14 (Knyszek); O(log n)
 * first fit is Brent, TOPLAS 11 (1989). Tried and dropped: a stored start and
 * end per word, as each is one instruction away.
 */
#include "core/freemap.h"

#include "core/attr.h"
#include "core/bits.h"

enum { WORD_UNITS = 64, FAN_OUT = 8 };

/* 512 units and 8 words: 16 bytes, so that 8 of them are two cache lines. */
struct sta_freemap_group {
    uint16_t start, longest, end;
    uint16_t unused;
    uint8_t word_longest[FAN_OUT];
};

struct sta_freemap_node {
    uint32_t start, longest, end;
};

static_assert(sizeof(struct sta_freemap_group) == 16, "8 in two cache lines");

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
STA_INLINE uint32_t node_count(const struct sta_freemap *m, uint32_t level)
{
    return nodes_for(m->unit_count, level);
}

/* Returns the lowest level >= 1 that covers so many units with one node. */
static uint32_t top_for(uint32_t units)
{
    uint32_t level = 1;
    while (nodes_for(units, level) > 1)
        level++;
    return level;
}

/* A word, group or node as one kind. `level` is constant in hot callers. */
STA_INLINE struct sta_freemap_node summary(const struct sta_freemap *m,
                                           uint32_t level, uint32_t i)
{
    if (level == 0) {
        uint64_t word = m->words[i];
        return (struct sta_freemap_node){
            sta_low_ones64(word),
            m->groups[i / FAN_OUT].word_longest[i % FAN_OUT],
            sta_high_ones64(word)};
    }
    if (level == 1) {
        const struct sta_freemap_group *g = &m->groups[i];
        return (struct sta_freemap_node){g->start, g->longest, g->end};
    }
    return m->level[level][i];
}

/* Computes node i of `level` from its children, at `level` - 1. */
STA_INLINE struct sta_freemap_node join(const struct sta_freemap *m,
                                        uint32_t level, uint32_t i)
{
    uint32_t first = i * FAN_OUT;
    uint32_t left = node_count(m, level - 1) - first;
    uint32_t count = left < FAN_OUT ? left : FAN_OUT;
    uint32_t span = UINT32_C(1) << level_shift(level - 1);
    struct sta_freemap_node sum = {0, 0, 0};
    for (uint32_t k = 0; k < count; k++) {
        struct sta_freemap_node child = summary(m, level - 1, first + k);
        uint32_t run = sum.end + child.start; /* end: below this child */
        sum.start = sum.end == k * span ? run : sum.start;
        sum.longest = run > sum.longest ? run : sum.longest;
        sum.longest = child.longest > sum.longest ? child.longest : sum.longest;
        sum.end = child.start == span ? run : child.end;
    }
    if (count < FAN_OUT)
        sum.end = 0;
    return sum;
}

STA_INLINE bool same(struct sta_freemap_node a, struct sta_freemap_node b)
{
    return a.start == b.start && a.longest == b.longest && a.end == b.end;
}

STA_INLINE void set_summary(struct sta_freemap *m, uint32_t level, uint32_t i,
                            struct sta_freemap_node sum)
{
    if (level == 1) {
        struct sta_freemap_group *g = &m->groups[i];
        g->start = (uint16_t)sum.start;
        g->longest = (uint16_t)sum.longest;
        g->end = (uint16_t)sum.end;
    } else {
        m->level[level][i] = sum;
    }
}

/* A change of units that were all free, or become so. */
struct change {
    uint32_t first, end; /* these change */
    uint32_t low, high;  /* the free run that they are, or were, part of */
    bool is_free;
};

/*
 * Brings what is known of units `from` to `to` - 1 up to date with a change
 * that touches them; the run is known as far as it lies in there.  False when
 * its units were of the longest run, which may now be any: then `longest`
 * stays.
 */
STA_INLINE bool amend(struct sta_freemap_node *node, const struct change *c,
                      uint32_t from, uint64_t to)
{
    uint32_t low = c->low > from ? c->low : from;
    uint32_t high = c->high < to ? c->high : (uint32_t)to;
    if (c->is_free) {
        node->start = low == from ? high - from : node->start;
        node->end = high == to ? high - low : node->end;
        node->longest = high - low > node->longest ? high - low : node->longest;
        return true;
    }
    if (low == from)
        node->start = c->first > from ? c->first - from : 0;
    if (high == to)
        node->end = c->end < high ? high - c->end : 0;
    return high - low < node->longest;
}

/* Makes the change in the words; finds the run as far as it is in these. */
static void change_words(struct sta_freemap *m, struct change *c)
{
    uint32_t i = c->first / WORD_UNITS;
    uint32_t last = (c->end - 1) / WORD_UNITS;
    uint32_t below = c->first % WORD_UNITS;
    uint32_t above = (c->end - 1) % WORD_UNITS + 1;
    if (below != 0)
        c->low -= sta_high_ones64(m->words[i] << (WORD_UNITS - below));
    if (above != WORD_UNITS)
        c->high += sta_low_ones64(m->words[last] >> above);
    for (; i <= last; i++) {
        uint32_t from = i * WORD_UNITS;
        uint8_t *longest = &m->groups[i / FAN_OUT].word_longest[i % FAN_OUT];
        struct sta_freemap_node node = {0, *longest, 0};
        m->words[i] ^=
            sta_ones64(c->first > from ? c->first - from : 0,
                       c->end - from < WORD_UNITS ? c->end - from : WORD_UNITS);
        *longest = amend(&node, c, from, (uint64_t)from + WORD_UNITS)
                       ? (uint8_t)node.longest
                       : (uint8_t)sta_longest_ones64(m->words[i]);
    }
}

/* Follows the run through its siblings at a level, from `from` up to `to`. */
STA_INLINE void follow_run(const struct sta_freemap *m, uint32_t level,
                           struct change *c, uint32_t from, uint32_t to)
{
    uint32_t shift = level_shift(level);
    uint32_t span = UINT32_C(1) << shift;
    uint32_t more = span;
    while (more == span && c->low % span == 0 && c->low > from) {
        more = summary(m, level, (c->low >> shift) - 1).end;
        c->low -= more;
    }
    more = span;
    while (more == span && c->high % span == 0 && c->high < to) {
        more = summary(m, level, c->high >> shift).start;
        c->high += more;
    }
}

/* Makes the change in the nodes of a level; false when they stay the same. */
STA_INLINE bool change_level(struct sta_freemap *m, uint32_t level,
                             struct change *c)
{
    uint32_t shift = level_shift(level);
    uint64_t span = UINT64_C(1) << shift; /* of the last level above 2^32 */
    uint64_t i = (uint64_t)c->first >> shift;
    uint64_t last = (uint64_t)(c->end - 1) >> shift;
    uint64_t all = (last + 1) * span;
    bool any = false;
    follow_run(m, level - 1, c, (uint32_t)(i * span),
               all < m->unit_count ? (uint32_t)all : m->unit_count);
    for (; i <= last; i++) {
        struct sta_freemap_node was = summary(m, level, (uint32_t)i);
        struct sta_freemap_node now = was;
        if (!amend(&now, c, (uint32_t)(i * span), (i + 1) * span))
            now = join(m, level, (uint32_t)i);
        any = any || !same(was, now);
        set_summary(m, level, (uint32_t)i, now);
    }
    return any;
}

/*
 * Only what the run ends at is looked at, two siblings a level, unless it was a
 * longest one. To sum up all eight took twice the time of a free.
 */
void sta_freemap_assign(struct sta_freemap *m, uint32_t first, uint32_t count,
                        bool is_free)
{
    uint32_t end = first + count;
    struct change c = {first, end, first, end, is_free};
    change_words(m, &c);
    bool changed = change_level(m, 1, &c);
    for (uint32_t level = 2; changed && level <= m->top; level++)
        changed = change_level(m, level, &c);
}

/* A search on its way to the right. */
struct search {
    uint32_t want;
    uint32_t below; /* free units that end where the next child begins */
    uint32_t place; /* the run, once known, or STA_FREEMAP_NONE */
};

/*
 * Passes the nodes `from` to `to` - 1 of `level`. Returns `to` when no run of
 * s->want begins or ends there; else the node in which it ends: it is at
 * s->place, or, when that is not set, inside the node.
 */
STA_INLINE uint32_t pass_level(const struct sta_freemap *m, uint32_t level,
                               uint32_t from, uint32_t to, struct search *s)
{
    uint32_t span = UINT32_C(1) << level_shift(level);
    for (uint32_t i = from; i < to; i++) {
        struct sta_freemap_node node = summary(m, level, i);
        uint32_t run = s->below + node.start;
        if (run >= s->want) {
            s->place = (i << level_shift(level)) - s->below;
            return i;
        }
        if (node.longest >= s->want)
            return i;
        s->below = node.start == span ? run : node.end;
    }
    return to;
}

/* The same for any level: the first two specialised by their number. */
STA_INLINE uint32_t pass(const struct sta_freemap *m, uint32_t level,
                         uint32_t from, uint32_t to, struct search *s)
{
    return level == 0   ? pass_level(m, 0, from, to, s)
           : level == 1 ? pass_level(m, 1, from, to, s)
                        : pass_level(m, level, from, to, s);
}

/* The lowest run of `want` units inside node i, which has one. */
static uint32_t descend(const struct sta_freemap *m, uint32_t level, uint32_t i,
                        uint32_t want)
{
    while (level > 0) {
        struct search s = {want, 0, STA_FREEMAP_NONE};
        level--;
        i = pass(m, level, i * FAN_OUT, (i + 1) * FAN_OUT, &s);
        if (s.place != STA_FREEMAP_NONE)
            return s.place;
    }
    return i * WORD_UNITS + sta_ctz64(sta_starts_of_ones64(m->words[i], want));
}

uint32_t sta_freemap_lowest(const struct sta_freemap *m, uint32_t want)
{
    if (sta_freemap_longest(m) < want)
        return STA_FREEMAP_NONE;
    return descend(m, m->top, 0, want);
}

/* Up from the word of `from`, passing what lies to the right; then down. */
uint32_t sta_freemap_lowest_from(const struct sta_freemap *m, uint32_t from,
                                 uint32_t want)
{
    if (from >= m->unit_count)
        return STA_FREEMAP_NONE;
    uint32_t i = from / WORD_UNITS;
    uint64_t word = m->words[i] & (~UINT64_C(0) << from % WORD_UNITS);
    if (want <= WORD_UNITS) {
        uint64_t starts = sta_starts_of_ones64(word, want);
        if (starts != 0)
            return i * WORD_UNITS + sta_ctz64(starts);
    }
    struct search s = {want, sta_high_ones64(word), STA_FREEMAP_NONE};
    i++;
    for (uint32_t level = 0; level <= m->top; level++) {
        uint32_t parent = (i + FAN_OUT - 1) / FAN_OUT;
        uint32_t count = node_count(m, level);
        uint32_t end = parent * FAN_OUT < count ? parent * FAN_OUT : count;
        if (i < end) {
            i = pass(m, level, i, end, &s);
            if (s.place != STA_FREEMAP_NONE)
                return s.place;
            if (i < end)
                return descend(m, level, i, want);
        }
        i = parent;
    }
    return STA_FREEMAP_NONE;
}

uint32_t sta_freemap_length(const struct sta_freemap *m, uint32_t first)
{
    if (first >= m->unit_count)
        return 0;
    uint32_t i = first / WORD_UNITS;
    uint32_t count = sta_low_ones64(m->words[i] >> first % WORD_UNITS);
    if (first % WORD_UNITS + count < WORD_UNITS)
        return count;
    i++;
    for (uint32_t level = 0; level <= m->top; level++) {
        for (; i % FAN_OUT != 0 && i < node_count(m, level); i++) {
            uint32_t start = summary(m, level, i).start;
            count += start;
            if (start < UINT32_C(1) << level_shift(level))
                return count;
        }
        i = (i + FAN_OUT - 1) / FAN_OUT;
    }
    return count;
}

uint32_t sta_freemap_longest(const struct sta_freemap *m)
{
    return m->unit_count == 0 ? 0 : summary(m, m->top, 0).longest;
}

static size_t words_bytes(uint32_t capacity)
{
    return (size_t)nodes_for(capacity, 0) * sizeof(uint64_t);
}

static size_t level_bytes(uint32_t capacity, uint32_t level)
{
    return nodes_for(capacity, level) * (level == 1
                                             ? sizeof(struct sta_freemap_group)
                                             : sizeof(struct sta_freemap_node));
}

size_t sta_freemap_index_bytes(uint32_t capacity)
{
    size_t bytes = words_bytes(capacity);
    for (uint32_t level = 1; level <= top_for(capacity); level++)
        bytes += level_bytes(capacity, level);
    return sta_round_up(bytes, sizeof(uint64_t));
}

void sta_freemap_init(struct sta_freemap *m, void *index, uint32_t capacity)
{
    unsigned char *next = index;
    *m = (struct sta_freemap){0};
    m->top = 1;
    m->words = (void *)next;
    next += words_bytes(capacity);
    m->groups = (void *)next;
    next += level_bytes(capacity, 1);
    for (uint32_t level = 2; level <= top_for(capacity); level++) {
        m->level[level] = (void *)next;
        next += level_bytes(capacity, level);
    }
}

/* The last nodes cover more units than they did, and there may be new levels:
 * all that the new units are in is summed up anew. */
void sta_freemap_extend(struct sta_freemap *m, uint32_t count)
{
    uint32_t first = m->unit_count;
    struct change c = {first, first + count, first, first + count, true};
    m->unit_count += count;
    m->top = top_for(m->unit_count);
    change_words(m, &c);
    for (uint32_t level = 1; level <= m->top; level++) {
        uint32_t shift = level_shift(level);
        uint32_t last = (uint32_t)((uint64_t)(c.end - 1) >> shift);
        uint32_t i = (uint32_t)((uint64_t)first >> shift);
        for (; i <= last; i++)
            set_summary(m, level, i, join(m, level, i));
    }
}

/* I2 for all nodes of a level. */
static bool audit_level(const struct sta_freemap *m, uint32_t level)
{
    for (uint32_t i = 0; i < node_count(m, level); i++) {
        if (!same(summary(m, level, i), join(m, level, i)))
            return false;
    }
    return true;
}

bool sta_freemap_audit(const struct sta_freemap *m, uint32_t *free_count)
{
    *free_count = 0;
    if (m->unit_count == 0)
        return m->top == 1;
    for (uint32_t i = 0; i < node_count(m, 0); i++) {
        if (summary(m, 0, i).longest != sta_longest_ones64(m->words[i]))
            return false; /* I2 */
        *free_count += sta_popcount64(m->words[i]);
    }
    if (m->unit_count % WORD_UNITS != 0 &&
        m->words[m->unit_count / WORD_UNITS] >> m->unit_count % WORD_UNITS)
        return false; /* I1 */
    for (uint32_t level = 1; level <= m->top; level++) {
        if (!audit_level(m, level))
            return false; /* I2 */
    }
    return m->top == top_for(m->unit_count); /* I3 */
}
