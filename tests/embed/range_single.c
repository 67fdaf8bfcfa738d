/* SPDX-License-Identifier: MIT */
/*
 * Single promises of sta_range: refusals, nodes running short, clones, walks,
 * the dump, and an audit that sees damage. Random lives are in range.c.
 */
#include <stalloc/range.h>

#include <string.h>

#include "tests/lib/check.h"
#include "tests/lib/text.h"

enum { NODES = STA_RANGE_NODES(40) };

static struct sta_range range, copy;
static struct sta_range_node nodes[NODES], copy_nodes[NODES];

static void init(uint32_t capacity, uint32_t node_count)
{
    REQUIRE(sta_range_init(&range, capacity, nodes, node_count) == STA_OK);
}

static void refuses_what_can_never_be(void)
{
    struct sta_range_block b;

    CHECK(sta_range_init(&range, 0, nodes, NODES) == STA_EINVAL);
    CHECK(sta_range_init(&range, 10, nodes, 1) == STA_EINVAL);
    init(100, NODES);
    CHECK(sta_range_is_none(sta_range_alloc(&range, 0)));
    CHECK(sta_range_is_none(sta_range_alloc(&range, 101)));
    CHECK(sta_range_is_none(sta_range_alloc(&range, UINT32_MAX)));
    CHECK(sta_range_is_none(sta_range_alloc_aligned(&range, 1, 0)));
    b = sta_range_alloc_aligned(&range, 1, UINT32_MAX);
    CHECK(!sta_range_is_none(b) && b.offset == 0);
    CHECK(sta_range_is_none(sta_range_alloc_aligned(&range, 1, UINT32_MAX)));
    CHECK(sta_range_is_none(sta_range_alloc_at(&range, UINT32_MAX, 1)));
    CHECK(sta_range_is_none(sta_range_alloc_at(&range, 1, UINT32_MAX)));
    CHECK(sta_range_resize(&range, b, 0, NULL) == STA_EINVAL);
    CHECK(sta_range_grow_capacity(&range, UINT32_MAX) == STA_EOVERFLOW);
    CHECK(sta_range_shrink_capacity(&range, 100) == STA_EINVAL);
    CHECK(sta_range_free(&range, (struct sta_range_block){0, 0}) == STA_EINVAL);
    CHECK(sta_range_audit(&range) == STA_OK);
}

/* Each operation that takes a node, with none left: nothing may change. */
static void without_nodes_nothing_changes(void)
{
    struct sta_range_block a;

    CHECK(sta_range_init(&range, 100, nodes, 3) == STA_OK);
    a = sta_range_alloc(&range, 40);
    CHECK(!sta_range_is_none(a));
    CHECK(sta_range_is_none(sta_range_alloc(&range, 10)));
    CHECK(sta_range_is_none(sta_range_alloc_back(&range, 10)));
    CHECK(sta_range_is_none(sta_range_alloc_at(&range, 50, 10)));
    CHECK(sta_range_available(&range) == 60);
    CHECK(!sta_range_is_none(sta_range_alloc(&range, 60)));
    CHECK(sta_range_resize(&range, a, 30, NULL) == STA_ENOMEM);
    CHECK(sta_range_grow_capacity(&range, 1) == STA_ENOMEM);
    CHECK(sta_range_size(&range, a) == 40);
    CHECK(sta_range_capacity(&range) == 100);
    CHECK(sta_range_audit(&range) == STA_OK);
    CHECK(sta_range_free(&range, a) == STA_OK);
}

/* One node is left, and the operation takes two. */
static void with_one_node_of_two_nothing_changes(void)
{
    struct sta_range_block a, b;

    CHECK(sta_range_init(&range, 100, nodes, 4) == STA_OK);
    a = sta_range_alloc(&range, 40);
    b = sta_range_alloc(&range, 10);
    CHECK(sta_range_free(&range, b) == STA_OK); /* leaves one vacant */
    CHECK(sta_range_is_none(sta_range_alloc_at(&range, 50, 10)));
    CHECK(sta_range_is_none(sta_range_alloc_aligned(&range, 10, 70)));
    CHECK(sta_range_available(&range) == 60);
    CHECK(sta_range_audit(&range) == STA_OK);
    CHECK(!sta_range_is_none(sta_range_alloc_at(&range, 50, 50)));
    CHECK(sta_range_free(&range, a) == STA_OK);
    CHECK(sta_range_audit(&range) == STA_OK);
}

/* A node that is live, with an offset that is not its own. */
static void forged_blocks_are_refused(void)
{
    struct sta_range_block a, forged;

    init(100, NODES);
    a = sta_range_alloc(&range, 40);
    forged = (struct sta_range_block){a.offset + 1, a.node};
    CHECK(sta_range_free(&range, forged) == STA_EINVAL);
    CHECK(sta_range_resize(&range, forged, 10, NULL) == STA_EINVAL);
    CHECK(sta_range_size(&range, forged) == 0);
    CHECK(sta_range_size(&range, a) == 40);
}

static void clone_goes_its_own_way(void)
{
    struct sta_range_block a, b;

    init(1000, NODES);
    a = sta_range_alloc(&range, 10);
    b = sta_range_alloc(&range, 20);
    CHECK(sta_range_free(&range, a) == STA_OK);
    CHECK(sta_range_clone(&copy, copy_nodes, 2, &range) == STA_ENOMEM);
    CHECK(sta_range_clone(&copy, copy_nodes, NODES, &range) == STA_OK);
    CHECK(sta_range_free(&copy, b) == STA_OK);
    CHECK(sta_range_is_empty(&copy) && !sta_range_is_empty(&range));
    CHECK(sta_range_size(&range, b) == 20);
    CHECK(sta_range_audit(&copy) == STA_OK);
    CHECK(sta_range_audit(&range) == STA_OK);
    sta_range_reset(&range);
    CHECK(sta_range_is_empty(&range) && sta_range_largest(&range) == 1000);
    CHECK(sta_range_free(&range, b) == STA_EINVAL);
}

static void walk_is_by_size_and_histogram_agrees(void)
{
    static const uint32_t sizes[] = {5, 3000, 5, 1, 1040, 1030, 1024, 2};
    struct sta_range_iter iter = {0};
    struct sta_range_run run;
    struct sta_range_count counts[32];
    struct sta_range_block blocks[COUNT_OF(sizes)];
    uint32_t last = 0, seen = 0;

    init(100000, NODES);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        blocks[i] = sta_range_alloc(&range, sizes[i]);
        CHECK(!sta_range_is_none(sta_range_alloc(&range, 1)));
    }
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        CHECK(sta_range_free(&range, blocks[i]) == STA_OK);
    while (sta_range_next_free(&range, &iter, &run)) {
        CHECK(run.size >= last);
        last = run.size;
        seen++;
    }
    CHECK(seen == COUNT_OF(sizes) + 1); /* and the rest of the space */
    CHECK(last == sta_range_largest(&range));
    sta_range_histogram(&range, counts);
    CHECK(counts[0].runs == 1 && counts[1].runs == 1 && counts[2].runs == 2);
    CHECK(counts[2].units == 10 && counts[10].runs == 3);
    CHECK(counts[11].runs == 1 && counts[11].units == 3000);
}

static void dump_names_every_run(void)
{
    struct text t = {.length = 0};
    struct sta_writer out = text_writer(&t);

    init(100, NODES);
    sta_range_alloc(&range, 30);
    sta_range_dump(&range, &out);
    CHECK(!strcmp(t.bytes, "range of 100 units, 70 free, largest 70\n"
                           "\tused 0 + 30\n\tfree 30 + 70\n"));
}

/* A broken structure must not pass the audit. */
static void audit_sees_damage(void)
{
    struct sta_range_block a, b;

    init(1000, NODES);
    a = sta_range_alloc(&range, 10);
    b = sta_range_alloc(&range, 10);
    sta_range_alloc(&range, 10);
    CHECK(sta_range_free(&range, a) == STA_OK);
    CHECK(sta_range_audit(&range) == STA_OK);
    nodes[b.node].size++;
    CHECK(sta_range_audit(&range) == STA_ECORRUPT);
    nodes[b.node].size--;
    nodes[a.node].same = b.node;
    range.free_count++;
    CHECK(sta_range_audit(&range) == STA_ECORRUPT);
    range.free_count--;
    range.bins[10] = 0;
    CHECK(sta_range_audit(&range) == STA_ECORRUPT);
}

/* Every link of free runs that hang in a trie, pointing anywhere: none may be
 * followed out of the nodes, or be overlooked as the way to no run. */
static void audit_sees_links_that_lead_astray(void)
{
    static const uint32_t wrong[] = {1, 2, NODES, 1 << 20, 0x7ffffff0};
    struct sta_range_block b[18];

    init(1 << 20, NODES);
    for (uint32_t i = 0; i < COUNT_OF(b); i++)
        b[i] = sta_range_alloc(&range, i % 2 ? 1 : 2048 + 7 * i);
    for (uint32_t i = 0; i < COUNT_OF(b); i += 2)
        CHECK(sta_range_free(&range, b[i]) == STA_OK);
    CHECK(sta_range_audit(&range) == STA_OK);
    for (uint32_t i = 0; i < COUNT_OF(b); i += 2) {
        struct sta_range_node *node = &nodes[b[i].node];
        uint32_t *links[] = {&node->child[0], &node->child[1], &node->up,
                             &node->same,     &node->before,   &node->after};
        for (uint32_t k = 0; k < COUNT_OF(links) * COUNT_OF(wrong); k++) {
            uint32_t *link = links[k % COUNT_OF(links)], was = *link;
            uint32_t now = wrong[k / COUNT_OF(links)];
            check_context("block %u link %u to %u", i, k, now);
            *link = now;
            CHECK(was == now || sta_range_audit(&range) == STA_ECORRUPT);
            *link = was;
        }
    }
    check_context("%s", "");
    CHECK(sta_range_audit(&range) == STA_OK);
}

int main(void)
{
    refuses_what_can_never_be();
    without_nodes_nothing_changes();
    with_one_node_of_two_nothing_changes();
    forged_blocks_are_refused();
    clone_goes_its_own_way();
    walk_is_by_size_and_histogram_agrees();
    dump_names_every_run();
    audit_sees_damage();
    audit_sees_links_that_lead_astray();
    return check_status();
}
