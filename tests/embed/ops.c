/* SPDX-License-Identifier: MIT */
/* Operations from bytes, against a byte-map oracle: see ops.h. */
#include "tests/embed/ops.h"

#include <string.h>

#include "tests/embed/allocators.h"
#include "tests/lib/check.h"
#include "tests/lib/model.h"

enum { LIVE_MAX = 256 };

struct input {
    const unsigned char *bytes;
    size_t left;
};

static struct live {
    unsigned char *p;
    size_t size, align;
    unsigned char mark;
} live[LIVE_MAX];

static unsigned live_count;
static struct sta_allocator a;
static const struct subject *subject;
static struct model model; /* '#' where a live block lies */

static unsigned next_byte(struct input *in)
{
    if (!in->left)
        return 0;
    in->left--;
    return *in->bytes++;
}

/* Small sizes are usual; any may come. */
static size_t next_size(struct input *in)
{
    unsigned b = next_byte(in);

    if (b < 160)
        return 1 + b;
    if (b < 250)
        return (size_t)1 + (b - 160) * 64 + next_byte(in) % 64;
    return ((size_t)next_byte(in) << 9) + next_byte(in);
}

static uint32_t place(const void *p)
{
    return (uint32_t)((const unsigned char *)p - test_memory());
}

/* Enters a block: all its bytes must lie in the memory and be nobody's. */
static void enter(struct live *b)
{
    REQUIRE(place(b->p) < TEST_MEMORY_BYTES);
    REQUIRE(b->size <= TEST_MEMORY_BYTES - place(b->p));
    CHECK((uintptr_t)b->p % b->align == 0);
    for (size_t i = 0; i < b->size; i++)
        REQUIRE(model.units[place(b->p) + i] == '.');
    model_set(&model, place(b->p), (uint32_t)b->size, '#');
    memset(b->p, b->mark, b->size);
}

static void leave(const struct live *b)
{
    model_set(&model, place(b->p), (uint32_t)b->size, '.');
}

static bool is_intact(const unsigned char *p, size_t size, unsigned char mark)
{
    for (size_t i = 0; i < size; i++)
        if (p[i] != mark)
            return false;
    return true;
}

static void op_alloc(size_t size, size_t align)
{
    struct live *b = &live[live_count];
    unsigned char *p = sta_allocator_alloc(&a, size, align);

    if (!p)
        return;
    *b = (struct live){p, size, align, (unsigned char)(live_count * 37 + size)};
    live_count++;
    enter(b);
}

static void op_free(unsigned i)
{
    struct live b = live[i];
    bool knows = a.ops->usable_size && b.size % 2;

    CHECK(is_intact(b.p, b.size, b.mark));
    CHECK(!a.ops->usable_size || a.ops->usable_size(a.ctx, b.p) >= b.size);
    leave(&b);
    live[i] = live[--live_count];
    sta_allocator_free(&a, b.p, knows ? STA_SIZE_UNKNOWN : b.size, b.align);
}

static void op_resize(unsigned i, size_t size, bool may_move)
{
    struct live *b = &live[i];
    size_t kept = size < b->size ? size : b->size;
    unsigned char *p = b->p;

    if (may_move)
        p = sta_allocator_realloc(&a, b->p, b->size, size, b->align);
    else if (!sta_allocator_resize(&a, b->p, b->size, size, b->align))
        p = NULL;
    if (!p) {
        CHECK(is_intact(b->p, b->size, b->mark));
        return;
    }
    CHECK(is_intact(p, kept, b->mark));
    leave(b);
    b->p = p;
    b->size = size;
    enter(b);
}

static void step(struct input *in)
{
    unsigned op = next_byte(in), kind = op % 8;

    if (kind < 4 && live_count < LIVE_MAX)
        op_alloc(next_size(in), (size_t)1 << (op / 8 % 10));
    else if (!live_count)
        return;
    else if (kind < 6)
        op_free(next_byte(in) % live_count);
    else {
        unsigned i = next_byte(in) % live_count;

        op_resize(i, next_size(in), kind == 6);
    }
}

void ops_run(const unsigned char *bytes, size_t size)
{
    struct input in = {bytes, size};
    struct sta_usage usage;

    if (!model.units)
        model_init(&model, TEST_MEMORY_BYTES);
    model.count = 0;
    model_extend(&model, TEST_MEMORY_BYTES);
    subject = &subjects[next_byte(&in) % subject_count];
    a = subject->make(test_source());
    REQUIRE(a.ops);
    live_count = 0;
    while (in.left) {
        check_context("%s, byte %zu", subject->name, size - in.left);
        step(&in);
        REQUIRE(sta_allocator_audit(&a) == STA_OK);
    }
    check_context("%s, at the end", subject->name);
    while (live_count)
        op_free(live_count / 2);
    REQUIRE(sta_allocator_audit(&a) == STA_OK);
    usage = sta_allocator_usage(&a);
    CHECK(usage.live_blocks == 0 || usage.live_blocks == STA_USAGE_UNKNOWN);
    if (subject->traits & GIVES) {
        subject->trim();
        CHECK(test_source_bytes_out() == 0);
    }
    if (subject->traits & ANY_ORDER)
        CHECK(sta_allocator_alloc(&a, subject->size_max, 1));
    check_context("%s", "");
}
