/* SPDX-License-Identifier: MIT */
/*
 * Sources over memory and over other sources; none of them needs a system.
 *
 * Those that wrap other sources pass `owns` on only when the inner ones have
 * it, and `give` only when the inner ones take spans back, so that the question
 * "does it?" has the same answer through any number of wrappers.
 *
 * A buffer is a list of free pieces (pieces.h), since spans come back in
 * whatever order: an allocator that keeps a page for later gives all others
 * before it.
 */
#include <stalloc/source.h>

#include "pieces.h"

/* --- over another source ------------------------------------------------- */

/* Limit, keeping, counting and failing begin with the source inside. */
static_assert(offsetof(struct sta_source_quota, inner) == 0 &&
                  offsetof(struct sta_source_keeper, inner) == 0 &&
                  offsetof(struct sta_source_counter, inner) == 0 &&
                  offsetof(struct sta_source_fault, inner) == 0,
              "a pointer to one points to its inner source");

static void inner_give(void *ctx, void *p, size_t size)
{
    sta_source_give(ctx, p, size);
}

static bool inner_owns(const void *ctx, const void *p)
{
    const struct sta_source *inner = ctx;

    return inner->owns(inner->ctx, p);
}

/* Makes a source of the state that begins with `inner`, with these entries. */
static struct sta_source
make_over(struct sta_source *inner,
          void *(*get_entry)(void *ctx, size_t *size, size_t align),
          void (*give_entry)(void *ctx, void *p, size_t size))
{
    return (struct sta_source){get_entry, inner->give ? give_entry : NULL,
                               inner->owns ? inner_owns : NULL, inner};
}

/* --- none --------------------------------------------------------------- */

static void *none_get(void *ctx, size_t *size, size_t align)
{
    (void)ctx, (void)size, (void)align;
    return NULL;
}

static bool none_owns(const void *ctx, const void *p)
{
    (void)ctx, (void)p;
    return false;
}

struct sta_source sta_source_none(void)
{
    return (struct sta_source){.get = none_get, .owns = none_owns};
}

/* --- buffer ------------------------------------------------------------- */

static void *buffer_get(void *ctx, size_t *size, size_t align)
{
    struct sta_source_span *s = ctx;
    size_t mask = align - 1;

    if (!is_request(*size, mask))
        return NULL;
    return take(&s->head.next, round_up(*size), mask & ~(size_t)(GRANULE - 1));
}

static void buffer_give(void *ctx, void *p, size_t size)
{
    struct sta_source_span *s = ctx;

    give(&s->head, p, round_up(size));
}

static bool buffer_owns(const void *ctx, const void *p)
{
    const struct sta_source_span *s = ctx;

    return (uintptr_t)p >= (uintptr_t)s->base &&
           (uintptr_t)p < (uintptr_t)s->limit;
}

struct sta_source sta_source_buffer(struct sta_source_span *state, void *memory,
                                    size_t size)
{
    size_t gap = (size_t)(-(uintptr_t)memory & (GRANULE - 1));

    *state = (struct sta_source_span){.base = memory,
                                      .limit = (unsigned char *)memory + size};
    if (size >= gap + GRANULE)
        give(&state->head, state->base + gap,
             (size - gap) & ~(size_t)(GRANULE - 1));
    return (struct sta_source){buffer_get, buffer_give, buffer_owns, state};
}

/* --- fallback ----------------------------------------------------------- */

static void *pair_get(void *ctx, size_t *size, size_t align)
{
    struct sta_source_pair *pair = ctx;
    void *p = sta_source_get(&pair->first, size, align);

    return p ? p : sta_source_get(&pair->second, size, align);
}

static void pair_give(void *ctx, void *p, size_t size)
{
    struct sta_source_pair *pair = ctx;

    if (pair->first.owns(pair->first.ctx, p))
        sta_source_give(&pair->first, p, size);
    else
        sta_source_give(&pair->second, p, size);
}

static bool pair_owns(const void *ctx, const void *p)
{
    const struct sta_source_pair *pair = ctx;

    return pair->first.owns(pair->first.ctx, p) ||
           pair->second.owns(pair->second.ctx, p);
}

/* True when no span of a source is lost: it takes them back, or has none. */
static bool loses_none(const struct sta_source *s)
{
    return s->give || s->get == none_get;
}

struct sta_source sta_source_fallback(struct sta_source_pair *state,
                                      struct sta_source first,
                                      struct sta_source second)
{
    struct sta_source s = {.get = pair_get, .ctx = state};

    state->first = first;
    state->second = second;
    if (first.owns) {
        if (loses_none(&first) && loses_none(&second))
            s.give = pair_give;
        s.owns = second.owns ? pair_owns : NULL;
    }
    return s;
}

/* --- limit -------------------------------------------------------------- */

static void *quota_get(void *ctx, size_t *size, size_t align)
{
    struct sta_source_quota *quota = ctx;
    size_t asked = *size;
    void *p;

    if (asked > quota->left_bytes)
        return NULL;
    p = sta_source_get(&quota->inner, size, align);
    if (p && *size > quota->left_bytes) {
        sta_source_give(&quota->inner, p, *size);
        *size = asked;
        return NULL;
    }
    if (p)
        quota->left_bytes -= *size;
    return p;
}

static void quota_give(void *ctx, void *p, size_t size)
{
    struct sta_source_quota *quota = ctx;

    quota->left_bytes += size;
    sta_source_give(&quota->inner, p, size);
}

struct sta_source sta_source_limit(struct sta_source_quota *state,
                                   struct sta_source inner, size_t limit)
{
    state->inner = inner;
    state->left_bytes = limit;
    return make_over(&state->inner, quota_get, quota_give);
}

/* --- keeping ------------------------------------------------------------ */

static void *keeper_get(void *ctx, size_t *size, size_t align)
{
    struct sta_source_keeper *keeper = ctx;
    size_t mask = (align - 1) | (GRANULE - 1);
    void *p;

    if (!is_request(*size, align - 1))
        return NULL;
    p = take(&keeper->head.next, round_up(*size), mask);
    if (!p)
        return sta_source_get(&keeper->inner, size, mask + 1);
    *size = round_up(*size);
    return p;
}

/* An odd end is left out. */
static void keeper_give(void *ctx, void *p, size_t size)
{
    struct sta_source_keeper *keeper = ctx;

    if (size >= GRANULE)
        give(&keeper->head, p, size & ~(size_t)(GRANULE - 1));
}

struct sta_source sta_source_keeping(struct sta_source_keeper *state,
                                     struct sta_source inner)
{
    *state = (struct sta_source_keeper){.inner = inner};
    return (struct sta_source){keeper_get, keeper_give,
                               inner.owns ? inner_owns : NULL, state};
}

/* --- counting ----------------------------------------------------------- */

static void *counter_get(void *ctx, size_t *size, size_t align)
{
    struct sta_source_counter *counter = ctx;
    void *p = sta_source_get(&counter->inner, size, align);

    if (!p) {
        counter->fail_count++;
        return NULL;
    }
    counter->get_count++;
    counter->out_bytes += *size;
    if (counter->out_bytes > counter->peak_bytes)
        counter->peak_bytes = counter->out_bytes;
    return p;
}

static void counter_give(void *ctx, void *p, size_t size)
{
    struct sta_source_counter *counter = ctx;

    counter->give_count++;
    counter->out_bytes -= size;
    sta_source_give(&counter->inner, p, size);
}

struct sta_source sta_source_counting(struct sta_source_counter *state,
                                      struct sta_source inner)
{
    *state = (struct sta_source_counter){.inner = inner};
    return make_over(&state->inner, counter_get, counter_give);
}

/* --- failing ------------------------------------------------------------ */

static void *fault_get(void *ctx, size_t *size, size_t align)
{
    struct sta_source_fault *fault = ctx;

    if (!fault->countdown) {
        if (fault->once)
            fault->countdown = SIZE_MAX;
        return NULL;
    }
    fault->countdown--;
    return sta_source_get(&fault->inner, size, align);
}

struct sta_source sta_source_failing(struct sta_source_fault *state,
                                     struct sta_source inner, size_t count,
                                     bool once)
{
    state->inner = inner;
    state->countdown = count;
    state->once = once;
    return make_over(&state->inner, fault_get, inner_give);
}
