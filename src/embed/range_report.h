/* SPDX-License-Identifier: MIT */
/*
 * What can be learnt of a range: sizes, walks, the histogram, the dump and the
 * audit. Part of range_body.h, and generic as it is.
 */

range_size sta_range_size(const struct sta_range *r,
                          struct sta_range_block block)
{
    return is_live(r, block) ? r->nodes[block.node].size : 0;
}

range_size sta_range_largest(const struct sta_range *r)
{
    uint32_t n = largest_run(r);

    return n ? r->nodes[n].size : 0;
}

bool sta_range_next_free(const struct sta_range *r, struct sta_range_iter *iter,
                         struct sta_range_run *run)
{
    const struct sta_range_node *nodes = r->nodes;
    uint32_t n = iter->node;

    if (!n)
        n = best_fit(r, 1);
    else if (nodes[n].same)
        n = nodes[n].same;
    else if (nodes[n].size < RANGE_SIZE_MAX)
        n = best_fit(r, nodes[n].size + 1);
    else
        n = 0;
    if (!n)
        return false;
    iter->node = n;
    run->offset = nodes[n].offset;
    run->size = nodes[n].size;
    return true;
}

void sta_range_histogram(const struct sta_range *r,
                         struct sta_range_count counts[RANGE_SIZE_BITS])
{
    __builtin_memset(counts, 0, RANGE_SIZE_BITS * sizeof *counts);
    for (uint32_t n = r->nodes[0].after; n; n = r->nodes[n].after) {
        if (is_free(r, n)) {
            struct sta_range_count *count = &counts[sta_log2(r->nodes[n].size)];

            count->runs++;
            count->units += r->nodes[n].size;
        }
    }
}

/* True when n, of a size that has a trie, is found from the root: I1, I2. */
static bool is_in_trie(const struct sta_range *r, uint32_t n)
{
    const struct sta_range_node *nodes = r->nodes;
    range_size size = nodes[n].size;
    uint32_t bin = bin_of(size), bit = bin_bits(bin), t = r->bins[bin], up = 0;

    while (t != n) {
        if (!t || t >= r->node_fresh || nodes[t].up != up || !bit ||
            nodes[t].size == size)
            return false;
        up = t;
        t = nodes[t].child[(size >> --bit) & 1];
    }
    return nodes[t].up == up;
}

/* True when what hangs below trie node n knows it. That it hangs there rightly
 * is seen when its own turn comes. */
static bool children_agree(const struct sta_range *r, uint32_t n)
{
    const struct sta_range_node *nodes = r->nodes;
    const uint32_t *child = nodes[n].child;

    for (int i = 0; i < 2; i++)
        if (child[i] >= r->node_fresh ||
            (child[i] && (!is_free(r, child[i]) || nodes[child[i]].up != n ||
                          nodes[child[i]].child[0] == LISTED)))
            return false;
    return !child[0] || child[0] != child[1];
}

/* True when free node n is entered where its size says. */
static bool is_entered(const struct sta_range *r, uint32_t n)
{
    const struct sta_range_node *node = &r->nodes[n];
    bool is_listed = node->child[0] == LISTED;

    if (node->same >= r->node_fresh || node->up >= r->node_fresh ||
        (node->same && (r->nodes[node->same].up != n ||
                        r->nodes[node->same].child[0] != LISTED)))
        return false;
    if (node->size < EXACT && !node->up)
        return is_listed && r->bins[node->size] == n;
    if (!is_listed)
        return node->size >= EXACT && is_in_trie(r, n) && children_agree(r, n);
    return r->nodes[node->up].size == node->size &&
           r->nodes[node->up].same == n;
}

/* I3, and that no trie holds more than its bin's sizes at its root. */
static bool bins_agree(const struct sta_range *r)
{
    for (uint32_t b = 0; b < BIN_COUNT; b++) {
        bool filled = (r->filled_bins[b / 64] >> (b % 64)) & 1;
        bool word = (r->filled_words >> (b / 64)) & 1;

        if (filled != (r->bins[b] != 0) || r->bins[b] >= r->node_fresh ||
            word != (r->filled_bins[b / 64] != 0))
            return false;
        if (filled && bin_of(r->nodes[r->bins[b]].size) != b)
            return false;
    }
    return true;
}

/* The number of vacant nodes; more than there are when the list is a ring. */
static uint32_t count_vacant(const struct sta_range *r)
{
    uint32_t count = 0;

    for (uint32_t n = r->vacant; n && count <= r->node_fresh; count++) {
        if (n >= r->node_fresh || r->nodes[n].child[0] != VACANT)
            return UINT32_MAX;
        n = r->nodes[n].same;
    }
    return count;
}

enum sta_err sta_range_audit(const struct sta_range *r)
{
    const struct sta_range_node *nodes = r->nodes;
    uint32_t last = 0, free_count = 0, live_count = 0;
    range_size end = 0, available = 0;

    for (uint32_t n = nodes[0].after; n; last = n, n = nodes[n].after) {
        if (n >= r->node_fresh || nodes[n].before != last ||
            nodes[n].offset != end || !nodes[n].size ||
            nodes[n].size > r->capacity - end)
            return STA_ECORRUPT; /* I4 */
        end += nodes[n].size;
        if (!is_free(r, n)) {
            if (nodes[n].child[0] != USED)
                return STA_ECORRUPT;
            live_count++;
            continue;
        }
        free_count++;
        available += nodes[n].size;
        if ((last && is_free(r, last)) || !is_entered(r, n))
            return STA_ECORRUPT; /* I5, I1, I2 */
    }
    if (nodes[0].before != last || end != r->capacity ||
        available != r->available || free_count != r->free_count ||
        live_count != r->live_count)
        return STA_ECORRUPT; /* I4, I6 */
    if (1 + live_count + free_count + count_vacant(r) != r->node_fresh)
        return STA_ECORRUPT; /* I7 */
    return bins_agree(r) ? STA_OK : STA_ECORRUPT;
}

void sta_range_dump(const struct sta_range *r, const struct sta_writer *out)
{
    sta_writer_text(out, "range of ");
    sta_writer_number(out, r->capacity);
    sta_writer_text(out, " units, ");
    sta_writer_number(out, r->available);
    sta_writer_text(out, " free, largest ");
    sta_writer_number(out, sta_range_largest(r));
    sta_writer_text(out, "\n");
    for (uint32_t n = r->nodes[0].after; n; n = r->nodes[n].after) {
        sta_writer_text(out, is_free(r, n) ? "\tfree " : "\tused ");
        sta_writer_number(out, r->nodes[n].offset);
        sta_writer_text(out, " + ");
        sta_writer_number(out, r->nodes[n].size);
        sta_writer_text(out, "\n");
    }
}
