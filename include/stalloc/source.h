/* SPDX-License-Identifier: MIT */
/*
 * Where a growing allocator gets its memory: a source is asked for a span and
 * may be given it back.
 *
 * Choose a source wherever an allocator takes one: a buffer for a fixed heap,
 * sta_source_mmap on a system that has it, sta_source_wasm in WebAssembly, or
 * one of your own (two functions). Sources nest: a limit around a fallback from
 * a buffer to mmap is one expression. A source is no allocator: it deals in few
 * large spans, and is called rarely.
 *
 *     static unsigned char memory[65536];
 *     struct sta_source_span span;
 *     struct sta_source_quota quota;
 *     struct sta_source source = sta_source_limit(
 *         &quota, sta_source_buffer(&span, memory, sizeof memory), 32768);
 *
 *     size_t size = 4096;
 *     void *p = sta_source_get(&source, &size, 16);
 *     sta_source_give(&source, p, size);
 *
 *    allocator --get--> limit --> counting --> fallback --> buffer
 *              <-give--                            \------> mmap
 *
 * Memory: a source is four words, held by value; each of those below keeps its
 * state in a struct of the caller's, named beside it. No metadata per span.
 * Threads: as the state: one at a time.
 */
#ifndef STALLOC_SOURCE_H
#define STALLOC_SOURCE_H

#include <stalloc/base.h>

STA_BEGIN_DECLS

struct sta_source {
    /* At least *size bytes at a multiple of align; *size becomes the bytes
     * really handed over. NULL when there are none: *size is then unchanged. */
    void *(*get)(void *ctx, size_t *size, size_t align);
    /* Takes a whole span back, size as get set it. NULL: it takes none back. */
    void (*give)(void *ctx, void *p, size_t size);
    /* True when the span at p came from here. NULL: it cannot tell. */
    bool (*owns)(const void *ctx, const void *p);
    void *ctx;
};

/*
 * Gets a span of at least `*size` bytes.
 *
 * Returns  its first byte, a multiple of align, and its true size in *size;
 *          NULL when the source has none, when *size is 0 or align is no power
 *          of two.
 * Owner    the caller, until sta_source_give() with the same address and size.
 */
static inline void *sta_source_get(const struct sta_source *s, size_t *size,
                                   size_t align)
{
    return STA_SOURCE_CALL(s->get)(s->ctx, size, align);
}

/*
 * Gives a span back.
 *
 * Returns  true when the source took it; false when it takes nothing back: the
 *          span is then still the caller's to use.
 */
static inline bool sta_source_give(const struct sta_source *s, void *p,
                                   size_t size)
{
    if (!s->give)
        return false;
    s->give(s->ctx, p, size);
    return true;
}

/* A source that has nothing. It ends a chain of fallbacks. */
struct sta_source sta_source_none(void);

/* The first bytes of a free piece. */
struct sta_piece {
    /* private: see pieces.h */
    struct sta_piece *next;
    size_t size;
};

/* State of sta_source_buffer(). */
struct sta_source_span {
    /* private: see source.c */
    struct sta_piece head; /* of size 0, before every free piece */
    unsigned char *base, *limit;
};

/*
 * Makes a source of a buffer: each span is cut from the lowest place in which
 * it fits, and is merged with free neighbours when it is given back.
 *
 * Owner    memory and state stay the caller's and must outlive the source.
 *          Nobody else writes to what it has not handed out.
 * Cost     O(free pieces), each described in its own first bytes. A span takes
 *          a multiple of two words.
 */
struct sta_source sta_source_buffer(struct sta_source_span *state, void *memory,
                                    size_t size);

/* State of sta_source_fallback(). */
struct sta_source_pair {
    /* private: see source.c */
    struct sta_source first, second;
};

/*
 * Makes a source that asks `first`, and `second` when first has nothing.
 *
 * A span goes back to where it came from. When first has no `owns` this cannot
 * be told, and the pair takes nothing back; nor does it when one of the two,
 * other than sta_source_none(), takes nothing: put that one into
 * sta_source_keeping(), so that the other gets its own back.
 */
struct sta_source sta_source_fallback(struct sta_source_pair *state,
                                      struct sta_source first,
                                      struct sta_source second);

/* State of sta_source_limit(). */
struct sta_source_quota {
    /* private: see source.c */
    struct sta_source inner;
    size_t left_bytes;
};

/*
 * Makes a source that hands out at most `limit` bytes of `inner` at a time.
 *
 * Counted are the bytes inner really handed over, which must not exceed the
 * limit either: such a span goes straight back, and is lost when inner takes
 * nothing.
 */
struct sta_source sta_source_limit(struct sta_source_quota *state,
                                   struct sta_source inner, size_t limit);

/* State of sta_source_keeping(). */
struct sta_source_keeper {
    /* private: see source.c */
    struct sta_source inner;
    struct sta_piece head; /* of size 0, before every span that is kept */
};

/*
 * Makes a source that keeps what is given back, merged where it touches, and
 * hands it out again before it asks `inner`, which gets nothing back: for a
 * source that takes nothing, such as sta_source_wasm().
 *
 * sta_zone and sta_stack_chain put one around such a source by themselves;
 * sta_bump and sta_seg, which are small, leave it to the caller.
 *
 * Cost     O(pieces kept), each described in its own first bytes.
 */
struct sta_source sta_source_keeping(struct sta_source_keeper *state,
                                     struct sta_source inner);

/* State of sta_source_counting(); the figures are for everybody to read. */
struct sta_source_counter {
    struct sta_source inner; /* private */
    size_t get_count;        /* successful ones */
    size_t fail_count;
    size_t give_count;
    size_t out_bytes; /* handed out and not given back */
    size_t peak_bytes;
};

/* Makes a source that counts what passes through it. */
struct sta_source sta_source_counting(struct sta_source_counter *state,
                                      struct sta_source inner);

/* State of sta_source_failing(). */
struct sta_source_fault {
    struct sta_source inner; /* private */
    size_t countdown;        /* gets that still succeed */
    bool once;               /* fail one get, then succeed again */
};

/*
 * Makes a source whose first `count` gets succeed and the next one fails, or,
 * unless `once`, that one and all after it.
 */
struct sta_source sta_source_failing(struct sta_source_fault *state,
                                     struct sta_source inner, size_t count,
                                     bool once);

/*
 * The system's memory: anonymous private mappings, in whole pages.
 *
 * This is the one member of the family that needs a C library; it lies in an
 * object of its own, which is linked only where it is named.
 */
struct sta_source sta_source_mmap(void);

/*
 * WebAssembly's linear memory, grown by pages of 64 KiB; takes nothing back,
 * as memory.grow has no reverse. In a wasm32 build of the library only.
 */
struct sta_source sta_source_wasm(void);

/* The `get` of that source, for STA_ONLY_SOURCE (base.h). */
void *sta_source_wasm_get(void *ctx, size_t *size, size_t align);

STA_END_DECLS

#endif
