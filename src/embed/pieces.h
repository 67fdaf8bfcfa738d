/* SPDX-License-Identifier: MIT */
/*
 * Free pieces of memory in a list, lowest first, each described in its own
 * first two words: what sta_bump, sta_freelist and sta_source_buffer stand on.
 *
 * Invariants:
 *   I1  Pieces ascend, and no two of them touch.
 *   I2  The head is a piece of 0 bytes before all others. No block begins where
 *       it ends, so that it needs no case of its own.
 *
 * Everything is a multiple of two words, a granule, and aligned to it, so that
 * whatever is left over anywhere can hold a node. A block is cut from the lower
 * end of a piece, and what is left above keeps the piece's place in the list.
 *
 * The callers refuse sizes and alignments above a quarter of the address space,
 * so that no sum of both can wrap. A piece may be larger: pieces merge.
 *
 * All is written to be small, and inline, as each allocator calls it once.
 * Knuth, TAOCP 1, 2.5, algorithms A and B.
 */
#ifndef STA_EMBED_PIECES_H
#define STA_EMBED_PIECES_H

#include <stalloc/allocator.h>
#include <stalloc/source.h>

#include "core/attr.h"
#include "core/bits.h"

enum { GRANULE = sizeof(struct sta_piece) };

static inline size_t round_up(size_t size)
{
    return (size + GRANULE - 1) & ~(size_t)(GRANULE - 1);
}

static inline void *end_of(const struct sta_piece *piece)
{
    return (unsigned char *)piece + piece->size;
}

/* True for a size and an alignment, given less 1, that can be had at all. */
static inline bool is_request(size_t size, size_t mask)
{
    return !(((size - 1) | mask) >> (sizeof(size_t) * 8 - 2)) &&
           !((mask + 1) & mask);
}

/*
 * Cuts `size` bytes, whose address has none of the bits of `mask`, from the
 * first piece in which they fit; NULL when there is none. The mask has no bits
 * below a granule, as no piece's address has.
 */
STA_INLINE void *take(struct sta_piece **link, size_t size, size_t mask)
{
    struct sta_piece *piece, *next, *rest;
    size_t gap, end;

    for (; (piece = *link); link = &piece->next) {
        gap = -(uintptr_t)piece & mask;
        end = gap + size;
        if (end <= piece->size)
            goto fits;
    }
    return NULL;
fits:
    next = piece->next;
    if (end != piece->size) {
        rest = (void *)((unsigned char *)piece + end);
        rest->next = next;
        rest->size = piece->size - end;
        next = rest;
    }
    if (gap) {
        /* What lies below an aligned block stays. */
        piece->size = gap;
        link = &piece->next;
    }
    *link = next;
    return (unsigned char *)piece + gap;
}

/* Frees `size` bytes at p, merged with what they touch. */
STA_INLINE void give(struct sta_piece *head, void *p, size_t size)
{
    struct sta_piece *before = head, *piece = p, *next;

    /* Less 1, NULL is the largest address there is. */
    while ((uintptr_t)(next = before->next) - 1 < (uintptr_t)p)
        before = next;
    if ((unsigned char *)p + size == (unsigned char *)next) {
        size += next->size;
        next = next->next;
    }
    if (end_of(before) == p) {
        size += before->size;
        piece = before;
    } else {
        before->next = piece;
    }
    piece->next = next;
    piece->size = size;
}

/* Cuts `size` bytes at `p` from a piece that begins there, if there is one. */
static inline bool take_at(struct sta_piece **link, void *p, size_t size)
{
    while (*link && *link != p)
        link = &(*link)->next;
    if (!*link || (*link)->size < size)
        return false;
    /* No alignment is asked for, so that the first piece is the one. */
    return take(link, size, 0) == p;
}

/* Gives a block another size where it is, if it shrinks or there is room. */
static inline bool resize(struct sta_piece *head, void *p, size_t size,
                          size_t new_size)
{
    unsigned char *block = p;

    if (!is_request(new_size, 0))
        return false;
    size = round_up(size);
    new_size = round_up(new_size);
    if (new_size > size)
        return take_at(&head->next, block + size, new_size - size);
    if (new_size < size)
        give(head, block + new_size, size - new_size);
    return true;
}

/* The bytes that a request gets; 0 when it cannot be had. */
static inline size_t good_size(size_t size)
{
    return is_request(size, 0) ? round_up(size) : 0;
}

/* The bits below the largest power of two within a span's size. */
static inline size_t span_mask(size_t span_size)
{
    return ((size_t)1 << sta_log2(span_size | GRANULE)) - 1;
}

/* Checks I1 and I2. */
static inline bool pieces_hold(const struct sta_piece *head)
{
    const struct sta_piece *before = head;

    for (const struct sta_piece *p = head->next; p; p = p->next) {
        if (p->size == 0 || p->size % GRANULE != 0 ||
            (uintptr_t)p % GRANULE != 0 ||
            (before != head && (uintptr_t)p <= (uintptr_t)end_of(before)))
            return false;
        before = p;
    }
    return head->size == 0;
}

/* What a list of pieces holds. */
static inline void tell_pieces(const struct sta_piece *first,
                               struct sta_usage *usage)
{
    usage->free_bytes = usage->largest_free_bytes = usage->free_runs = 0;
    for (const struct sta_piece *p = first; p; p = p->next) {
        usage->free_bytes += p->size;
        usage->free_runs++;
        if (p->size > usage->largest_free_bytes)
            usage->largest_free_bytes = p->size;
    }
}

#endif
