/* SPDX-License-Identifier: MIT */
/*
 * Ranges by offset and size: the one text of sta_range and sta_range64.
 *
 * Included by range.c and range64.c, which say what range_size is and, for 64
 * bits, what the names are. Every run, used or free, has a node; the nodes are
 * linked in the order of the space, so that merging needs no search, and the
 * free ones are entered by size as range_bins.h tells.
 *
 *     node 0      node 3      node 1      node 4      (node 0 again)
 *     boundary <> used     <> free     <> used     <> boundary
 *     offset 0    0..39       40..99      100..127    size = 0
 *
 * I4  from node 0 on, `after` visits every used and free node, ascending, each
 *     beginning where the one before ends, the last ending at the capacity;
 *     `before` visits the same backwards.
 * I5  no two free nodes are neighbours: free merges on both sides.
 * I6  available is the sum of the sizes of free nodes; free_count and
 *     live_count are the numbers of free and used nodes.
 * I7  nodes of 1 to node_fresh - 1 that are in no run are in the vacant list.
 *
 * Node 0 is the boundary on both sides: it counts as used, so that neither end
 * of the space needs a test. It is also why 0 can mean "no node".
 *
 * Not thread safe. Cost: a constant number of trie paths each; allocation at an
 * offset, histogram, dump and audit walk the nodes.
 */
#include "range_bins.h"

static bool is_free(const struct sta_range *r, uint32_t n)
{
    uint32_t kind = r->nodes[n].child[0];

    return kind < NODE_MAX || kind == LISTED;
}

static bool is_live(const struct sta_range *r, struct sta_range_block block)
{
    return block.node > 0 && block.node < r->node_fresh &&
           r->nodes[block.node].child[0] == USED &&
           r->nodes[block.node].offset == block.offset;
}

static bool has_nodes(const struct sta_range *r, uint32_t count)
{
    uint32_t unused = r->node_limit - r->node_fresh;

    if (unused >= count)
        return true;
    if (!r->vacant)
        return false;
    return count == 1 || unused > 0 || r->nodes[r->vacant].same;
}

/* Takes a node from the pool; has_nodes() was asked before. */
static uint32_t take_node(struct sta_range *r)
{
    uint32_t n = r->vacant;

    if (!n)
        return r->node_fresh++;
    r->vacant = r->nodes[n].same;
    return n;
}

static void put_node(struct sta_range *r, uint32_t n)
{
    r->nodes[n].child[0] = VACANT;
    r->nodes[n].same = r->vacant;
    r->vacant = n;
}

/* Links a new node of `size` units behind `before`. */
static uint32_t add_behind(struct sta_range *r, uint32_t before,
                           range_size offset, range_size size)
{
    struct sta_range_node *nodes = r->nodes;
    uint32_t n = take_node(r), after = nodes[before].after;

    nodes[n].offset = offset;
    nodes[n].size = size;
    nodes[n].before = before;
    nodes[n].after = after;
    nodes[before].after = n;
    nodes[after].before = n;
    return n;
}

/* Unlinks n from the space and gives the node back; its units are another's. */
static void drop(struct sta_range *r, uint32_t n)
{
    struct sta_range_node *nodes = r->nodes;

    nodes[nodes[n].before].after = nodes[n].after;
    nodes[nodes[n].after].before = nodes[n].before;
    put_node(r, n);
}

/* True when n is alone in its bin, which holds runs of `size` units too: then
 * n may get that size without leaving its place. */
static bool may_become(const struct sta_range *r, uint32_t n, range_size size)
{
    const struct sta_range_node *node = &r->nodes[n];

    return size >= EXACT && r->bins[bin_of(size)] == n &&
           !(node->child[0] | node->child[1] | node->same);
}

/* Gives free node n another size, and re-enters it where that belongs. */
static void resize_free(struct sta_range *r, uint32_t n, range_size size)
{
    if (may_become(r, n, size)) {
        r->nodes[n].size = size;
        return;
    }
    extract(r, n);
    r->nodes[n].size = size;
    insert(r, n);
}

/* Makes everything one free run; the capacity is set. */
static void start_over(struct sta_range *r)
{
    struct sta_range_node *nodes = r->nodes;

    r->node_fresh = 1;
    r->vacant = 0;
    r->available = r->capacity;
    r->free_count = r->live_count = 0;
    r->filled_words = 0;
    __builtin_memset(r->filled_bins, 0, sizeof r->filled_bins);
    __builtin_memset(r->bins, 0, sizeof r->bins);
    nodes[0] = (struct sta_range_node){.child = {USED, 0}};
    insert(r, add_behind(r, 0, 0, r->capacity));
}

enum sta_err sta_range_init(struct sta_range *r, range_size capacity,
                            struct sta_range_node *nodes, uint32_t node_count)
{
    if (!capacity || !nodes || node_count < 2)
        return STA_EINVAL;
    r->nodes = nodes;
    r->node_limit = node_count < NODE_MAX ? node_count : NODE_MAX;
    r->capacity = capacity;
    start_over(r);
    return STA_OK;
}

void sta_range_reset(struct sta_range *r)
{
    start_over(r);
}

static const struct sta_range_block none;

static struct sta_range_block hand_out(struct sta_range *r, uint32_t n)
{
    r->nodes[n].child[0] = USED;
    r->available -= r->nodes[n].size;
    r->live_count++;
    return (struct sta_range_block){r->nodes[n].offset, n};
}

/*
 * Hands out `size` units of free node n, `gap` units behind its beginning.
 * What is left in front keeps node n; there are nodes for the pieces.
 */
static struct sta_range_block carve(struct sta_range *r, uint32_t n,
                                    range_size gap, range_size size)
{
    struct sta_range_node *nodes = r->nodes;
    range_size offset = nodes[n].offset, tail = nodes[n].size - gap - size;

    if (!gap && tail && may_become(r, n, tail)) {
        /* the common large rest: it keeps its node and its place */
        nodes[n].offset += size;
        nodes[n].size = tail;
        return hand_out(r, add_behind(r, nodes[n].before, offset, size));
    }
    extract(r, n);
    if (tail)
        insert(r, add_behind(r, n, offset + gap + size, tail));
    if (gap) {
        nodes[n].size = gap;
        insert(r, n);
        return hand_out(r, add_behind(r, n, offset + gap, size));
    }
    nodes[n].size = size;
    return hand_out(r, n);
}

/* As carve(), unless the nodes are used up. */
static struct sta_range_block try_carve(struct sta_range *r, uint32_t n,
                                        range_size gap, range_size size)
{
    uint32_t pieces = (gap > 0 ? 1u : 0u) + (r->nodes[n].size - gap > size);

    return pieces && !has_nodes(r, pieces) ? none : carve(r, n, gap, size);
}

struct sta_range_block sta_range_alloc(struct sta_range *r, range_size size)
{
    uint32_t n = size ? best_fit(r, size) : 0;

    return n ? try_carve(r, cheapest(r, n), 0, size) : none;
}

struct sta_range_block sta_range_alloc_back(struct sta_range *r,
                                            range_size size)
{
    uint32_t n = size ? best_fit(r, size) : 0;

    return n ? try_carve(r, n, r->nodes[n].size - size, size) : none;
}

/* True when free node n holds `size` units at a multiple of align. */
static bool fits_aligned(const struct sta_range *r, uint32_t n, range_size size,
                         range_size align, range_size *gap)
{
    range_size past = range_rest(r->nodes[n].offset, align);

    *gap = past ? align - past : 0;
    return r->nodes[n].size >= size && *gap <= r->nodes[n].size - size;
}

struct sta_range_block
sta_range_alloc_aligned(struct sta_range *r, range_size size, range_size align)
{
    enum { TRIES = 8 };
    range_size gap, least = size;
    uint32_t n;

    if (!size || !align)
        return none;
    for (int i = 0; i < TRIES; i++) {
        n = best_fit(r, least);
        if (!n)
            return none;
        if (fits_aligned(r, n, size, align, &gap))
            return try_carve(r, n, gap, size);
        least = r->nodes[n].size;
        if (least++ == RANGE_SIZE_MAX)
            return none;
    }
    /* a run this large holds an aligned place wherever it begins */
    n = size - 1 <= RANGE_SIZE_MAX - align ? best_fit(r, size - 1 + align) : 0;
    if (!n)
        n = largest_run(r);
    return fits_aligned(r, n, size, align, &gap) ? try_carve(r, n, gap, size)
                                                 : none;
}

struct sta_range_block sta_range_alloc_at(struct sta_range *r,
                                          range_size offset, range_size size)
{
    const struct sta_range_node *nodes = r->nodes;
    uint32_t n = nodes[0].after;
    range_size gap;

    if (!size || offset >= r->capacity || size > r->capacity - offset)
        return none;
    while (offset - nodes[n].offset >= nodes[n].size)
        n = nodes[n].after;
    gap = offset - nodes[n].offset;
    if (!is_free(r, n) || nodes[n].size - gap < size)
        return none;
    return try_carve(r, n, gap, size);
}

enum sta_err sta_range_free(struct sta_range *r, struct sta_range_block block)
{
    struct sta_range_node *nodes = r->nodes;
    uint32_t n = block.node, before, after;
    range_size size;

    if (!is_live(r, block))
        return STA_EINVAL;
    before = nodes[n].before;
    after = nodes[n].after;
    size = nodes[n].size;
    r->live_count--;
    r->available += size;
    if (is_free(r, before)) {
        size += nodes[before].size;
        drop(r, n);
        if (is_free(r, after)) {
            size += nodes[after].size;
            extract(r, after);
            drop(r, after);
        }
        resize_free(r, before, size);
    } else if (is_free(r, after)) {
        nodes[after].offset = nodes[n].offset;
        drop(r, n);
        resize_free(r, after, size + nodes[after].size);
    } else
        insert(r, n);
    return STA_OK;
}

/* Gives free node n another place; of no units, it is dropped. */
static void set_free(struct sta_range *r, uint32_t n, range_size offset,
                     range_size size)
{
    r->nodes[n].offset = offset;
    if (size) {
        resize_free(r, n, size);
        return;
    }
    extract(r, n);
    drop(r, n);
}

enum sta_err sta_range_resize(struct sta_range *r, struct sta_range_block block,
                              range_size new_size, range_size *available)
{
    struct sta_range_node *node;
    uint32_t after;
    range_size free_size, end;

    if (!is_live(r, block) || !new_size)
        return STA_EINVAL;
    node = &r->nodes[block.node];
    after = node->after;
    free_size = is_free(r, after) ? r->nodes[after].size : 0;
    if (available)
        *available = free_size;
    if (new_size == node->size)
        return STA_OK;
    if (new_size > node->size && new_size - node->size > free_size)
        return STA_ENOSPC;
    if (!free_size && !has_nodes(r, 1))
        return STA_ENOMEM;
    end = node->offset + node->size + free_size;
    r->available += node->size;
    r->available -= new_size;
    node->size = new_size;
    if (free_size)
        set_free(r, after, node->offset + new_size,
                 end - node->offset - new_size);
    else
        insert(r, add_behind(r, block.node, node->offset + new_size,
                             end - node->offset - new_size));
    return STA_OK;
}

enum sta_err sta_range_grow_capacity(struct sta_range *r, range_size additional)
{
    uint32_t last = r->nodes[0].before;

    if (additional > RANGE_SIZE_MAX - r->capacity)
        return STA_EOVERFLOW;
    if (!additional)
        return STA_OK;
    if (is_free(r, last))
        set_free(r, last, r->nodes[last].offset,
                 r->nodes[last].size + additional);
    else if (has_nodes(r, 1))
        insert(r, add_behind(r, last, r->capacity, additional));
    else
        return STA_ENOMEM;
    r->capacity += additional;
    r->available += additional;
    return STA_OK;
}

enum sta_err sta_range_shrink_capacity(struct sta_range *r, range_size units)
{
    uint32_t last = r->nodes[0].before;

    if (units >= r->capacity)
        return STA_EINVAL;
    if (!units)
        return STA_OK;
    if (!is_free(r, last) || r->nodes[last].size < units)
        return STA_ENOSPC;
    set_free(r, last, r->nodes[last].offset, r->nodes[last].size - units);
    r->capacity -= units;
    r->available -= units;
    return STA_OK;
}

enum sta_err sta_range_clone(struct sta_range *copy,
                             struct sta_range_node *nodes, uint32_t node_count,
                             const struct sta_range *r)
{
    if (!nodes || node_count < r->node_fresh)
        return STA_ENOMEM;
    *copy = *r;
    copy->nodes = nodes;
    copy->node_limit = node_count < NODE_MAX ? node_count : NODE_MAX;
    __builtin_memcpy(nodes, r->nodes, r->node_fresh * sizeof *nodes);
    return STA_OK;
}
