/* SPDX-License-Identifier: MIT */
/*
 * The free runs of a range by size: an array of bins, a trie in each, and two
 * levels of bits over the array. Part of range_body.h, and generic as it is.
 *
 * Below 1024 each size has a bin, whose runs are a list; above there are 32
 * bins per doubling. In a bin of width 2^k the free runs form a trie over the k
 * bits that may differ, in the way of Doug Lea's malloc (2.8): every node holds
 * a run, the bit at its depth leads on, and runs of a size already in the trie
 * hang from that node's list. There is nothing to balance, and a path has at
 * most k + 1 nodes.
 *
 *     bin of 1024..1055 (k = 5)        [1030]--same--[1030]--same--[1030]
 *                                     0/    \1     bit 4
 *                                [1027]      [1050]
 *                                    \1            bit 3
 *                                     [1033]
 *
 * I1  a node in the subtree child[1] of a node at depth d has bit k-1-d set,
 *     one in child[0] has it clear, and both agree with it above that bit.
 * I2  nodes of a trie differ in size; every other run of a size is in `same`.
 * I3  bit b of filled_bins is set exactly when bins[b] is not 0, and bit w of
 *     filled_words exactly when filled_bins[w] is not 0.
 *
 * Links are node numbers; 0 is none. A run in a list is told by child[0] ==
 * LISTED; its `up` is the node before it, or 0 at the head of an exact bin.
 * A balanced tree per bin would do as well; it rotates, for no fewer steps.
 */

enum {
    EXACT_LOG2 = 10,   /* sizes below 2^this have a bin each */
    MANTISSA_LOG2 = 5, /* above, this many bits below the leading one choose */
    EXACT = 1 << EXACT_LOG2,
    /* Values of child[0] that are no node: what the node is instead. */
    LISTED = 0x7fffffff,
    USED = 0x7ffffffe,
    VACANT = 0x7ffffffd,
    NODE_MAX = VACANT - 1
};

static uint32_t bin_of(range_size size)
{
    uint32_t e;

    if (size < EXACT)
        return (uint32_t)size;
    e = sta_log2(size);
    return EXACT + ((e - EXACT_LOG2 - 1) << MANTISSA_LOG2) +
           (uint32_t)(size >> (e - MANTISSA_LOG2));
}

/* The bits in which the sizes of a bin may differ: k above. */
static uint32_t bin_bits(uint32_t bin)
{
    if (bin < EXACT)
        return 0;
    return ((bin - EXACT) >> MANTISSA_LOG2) + EXACT_LOG2 - MANTISSA_LOG2;
}

/* The first bin from `bin` on that is not empty; BIN_COUNT when there is none.
 */
static uint32_t next_bin(const struct sta_range *r, uint32_t bin)
{
    uint32_t w = bin / 64;
    uint64_t bits;

    if (bin >= BIN_COUNT)
        return BIN_COUNT;
    bits = r->filled_bins[w] >> (bin % 64);
    if (bits)
        return bin + sta_ctz64(bits);
    bits = w < 63 ? r->filled_words >> (w + 1) : 0;
    if (!bits)
        return BIN_COUNT;
    w += 1 + sta_ctz64(bits);
    return w * 64 + sta_ctz64(r->filled_bins[w]);
}

static void mark_filled(struct sta_range *r, uint32_t bin)
{
    r->filled_bins[bin / 64] |= (uint64_t)1 << (bin % 64);
    r->filled_words |= (uint64_t)1 << (bin / 64);
}

static void mark_empty(struct sta_range *r, uint32_t bin)
{
    uint64_t *word = &r->filled_bins[bin / 64];

    *word &= ~((uint64_t)1 << (bin % 64));
    if (!*word)
        r->filled_words &= ~((uint64_t)1 << (bin / 64));
}

/* Puts n between `before` (0: it becomes the root of its bin) and next. */
static void list_push(struct sta_range_node *nodes, uint32_t before, uint32_t n,
                      uint32_t next)
{
    nodes[n].child[0] = LISTED;
    nodes[n].same = next;
    nodes[n].up = before;
    if (next)
        nodes[next].up = n;
}

static void make_leaf(struct sta_range_node *node, uint32_t up)
{
    node->child[0] = node->child[1] = 0;
    node->up = up;
    node->same = 0;
}

/* Enters n, whose bin holds more than one size. */
STA_NOINLINE static void insert_into_trie(struct sta_range *r, uint32_t n,
                                          uint32_t bin)
{
    struct sta_range_node *nodes = r->nodes;
    range_size size = nodes[n].size;
    uint32_t t = r->bins[bin], bit = bin_bits(bin);

    if (!t) {
        make_leaf(&nodes[n], 0);
        r->bins[bin] = n;
        mark_filled(r, bin);
        return;
    }
    while (nodes[t].size != size) {
        uint32_t *child = &nodes[t].child[(size >> --bit) & 1];

        if (!*child) {
            make_leaf(&nodes[n], t);
            *child = n;
            return;
        }
        t = *child;
    }
    list_push(nodes, t, n, nodes[t].same);
    nodes[t].same = n;
}

/* Enters the free run of node n under its size. */
STA_INLINE void insert(struct sta_range *r, uint32_t n)
{
    range_size size = r->nodes[n].size;

    r->free_count++;
    if (size >= EXACT) {
        insert_into_trie(r, n, bin_of(size));
        return;
    }
    list_push(r->nodes, 0, n, r->bins[size]);
    r->bins[size] = n;
    mark_filled(r, (uint32_t)size);
}

/* Puts n, or nothing when it is 0, where trie node t hangs. */
static void replace(struct sta_range *r, uint32_t t, uint32_t n)
{
    struct sta_range_node *nodes = r->nodes;
    uint32_t up = nodes[t].up;

    if (n)
        nodes[n].up = up;
    if (up) {
        nodes[up].child[nodes[up].child[1] == t] = n;
        return;
    }
    r->bins[bin_of(nodes[t].size)] = n;
    if (!n)
        mark_empty(r, bin_of(nodes[t].size));
}

/* Gives n, which hangs nowhere now, the children of trie node t. */
static void adopt(struct sta_range_node *nodes, uint32_t t, uint32_t n)
{
    for (int i = 0; i < 2; i++) {
        uint32_t child = nodes[t].child[i];

        nodes[n].child[i] = child;
        if (child)
            nodes[child].up = n;
    }
}

/* A node below t that has no children; t itself when it has none. */
static uint32_t leaf_below(const struct sta_range_node *nodes, uint32_t t)
{
    for (;;) {
        uint32_t child =
            nodes[t].child[1] ? nodes[t].child[1] : nodes[t].child[0];

        if (!child)
            return t;
        t = child;
    }
}

STA_NOINLINE static void extract_from_trie(struct sta_range *r, uint32_t n)
{
    struct sta_range_node *nodes = r->nodes;
    uint32_t heir = nodes[n].same;

    if (!heir) { /* any leaf below may stand here: I1 holds for it */
        heir = leaf_below(nodes, n);
        replace(r, heir, 0);
        if (heir == n)
            return;
    }
    replace(r, n, heir);
    adopt(nodes, n, heir);
}

/* Takes the free run of node n out; the caller says what n is next. */
STA_INLINE void extract(struct sta_range *r, uint32_t n)
{
    struct sta_range_node *nodes = r->nodes;
    uint32_t next = nodes[n].same, up = nodes[n].up;

    r->free_count--;
    if (nodes[n].child[0] != LISTED) {
        extract_from_trie(r, n);
        return;
    }
    if (next)
        nodes[next].up = up;
    if (up) {
        nodes[up].same = next;
        return;
    }
    r->bins[nodes[n].size] = next;
    if (!next)
        mark_empty(r, (uint32_t)nodes[n].size);
}

/* The smallest run of the subtree t. */
static uint32_t trie_min(const struct sta_range_node *nodes, uint32_t t)
{
    uint32_t best = t;

    for (;;) {
        t = nodes[t].child[0] ? nodes[t].child[0] : nodes[t].child[1];
        if (!t)
            return best;
        if (nodes[t].size < nodes[best].size)
            best = t;
    }
}

/* The smallest run of at least `size` in the trie of size's own bin. */
static uint32_t trie_find(const struct sta_range *r, uint32_t bin,
                          range_size size)
{
    const struct sta_range_node *nodes = r->nodes;
    uint32_t t = r->bins[bin], bit = bin_bits(bin), best = 0, larger = 0;

    while (t) {
        uint32_t branch;

        if (nodes[t].size == size)
            return t;
        if (nodes[t].size > size && (!best || nodes[t].size < nodes[best].size))
            best = t;
        if (!bit)
            break;
        branch = (size >> --bit) & 1;
        if (!branch && nodes[t].child[1])
            larger = nodes[t].child[1]; /* all larger; the last one is best */
        t = nodes[t].child[branch];
    }
    if (larger) {
        larger = trie_min(nodes, larger);
        if (!best || nodes[larger].size < nodes[best].size)
            best = larger;
    }
    return best;
}

/* The smallest free run of at least `size` > 0 units; 0 when there is none. */
static uint32_t best_fit(const struct sta_range *r, range_size size)
{
    uint32_t bin = bin_of(size), found;

    if (bin >= EXACT) {
        found = trie_find(r, bin, size);
        if (found)
            return found;
        bin++;
    }
    bin = next_bin(r, bin);
    if (bin >= BIN_COUNT)
        return 0;
    return bin < EXACT ? r->bins[bin] : trie_min(r->nodes, r->bins[bin]);
}

/* Of the runs as large as n, the one that is taken out with least work. */
static uint32_t cheapest(const struct sta_range *r, uint32_t n)
{
    uint32_t next = r->nodes[n].same;

    return next && r->nodes[n].child[0] != LISTED ? next : n;
}

/* The largest free run; 0 when there is none. */
static uint32_t largest_run(const struct sta_range *r)
{
    const struct sta_range_node *nodes = r->nodes;
    uint32_t word, t, best;

    if (!r->filled_words)
        return 0;
    word = sta_log2(r->filled_words);
    t = best = r->bins[word * 64 + sta_log2(r->filled_bins[word])];
    if (nodes[t].child[0] == LISTED)
        return t;
    for (;;) {
        t = nodes[t].child[1] ? nodes[t].child[1] : nodes[t].child[0];
        if (!t)
            return best;
        if (nodes[t].size > nodes[best].size)
            best = t;
    }
}
