/* SPDX-License-Identifier: MIT */
/*
 * nested DEPTH COUNT: objects die in the reverse order of their birth.
 *
 * A parser or an interpreter builds a tree and drops it: calls nest, and so do
 * lifetimes.  COUNT trees of DEPTH levels, each node with a string beside it,
 * are built and freed.  Free lists stay in order here, so an allocator that
 * pays for order (bitmaps, sorting, batches) shows what it pays for nothing.
 */
#include "bench.h"

struct node {
    struct node *child[2];
    char *text;
};

static struct node *build(size_t depth, uint64_t *state)
{
    struct node *node = make(sizeof *node);
    node->text = make(random_between(state, 8, 64));
    for (int i = 0; i < 2; i++)
        node->child[i] = depth > 1 ? build(depth - 1, state) : NULL;
    return node;
}

static void drop(struct node *node)
{
    if (node == NULL)
        return;
    drop(node->child[1]);
    drop(node->child[0]);
    free(node->text);
    free(node);
}

int main(int argc, char **argv)
{
    size_t depth = argument(argc, argv, 1, 14);
    size_t count = argument(argc, argv, 2, 200);
    uint64_t state = random_start(0);

    for (size_t i = 0; i < count; i++)
        drop(build(depth, &state));
    print_resident_after_free();
    return 0;
}
