/* SPDX-License-Identifier: MIT */
/*
 * What every header of the embeddable family stands on: results, the text
 * writer that dumps are printed with, and what lets C++ include all of it.
 *
 * The family is freestanding C11. It needs <stdbool.h>, <stddef.h> and
 * <stdint.h>, which every compiler brings, and may emit calls of memcpy,
 * memmove and memset, which every freestanding program has to offer anyway. It
 * has no globals, sets no errno and locks nothing.
 *
 * Three rules hold for every function of the family, and are not repeated:
 *   - a failure has no side effect: the object is as it was before the call;
 *   - arithmetic on the caller's sizes is checked, so that a size near SIZE_MAX
 *     is refused like any other that cannot be had;
 *   - an alignment is a power of two unless the function says otherwise.
 */
#ifndef STALLOC_BASE_H
#define STALLOC_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define STA_BEGIN_DECLS   extern "C" {
#define STA_END_DECLS     }
#define STA_STATIC_ASSERT static_assert
#else
#define STA_BEGIN_DECLS
#define STA_END_DECLS
#define STA_STATIC_ASSERT _Static_assert
#endif

/*
 * A program whose allocators all draw on one source may be compiled, together
 * with the allocators' own files, with -DSTA_ONLY_SOURCE=name, the name of that
 * source's `get` such as sta_source_wasm_get. Then that is called directly, and
 * a compiler that sees it can inline it: 100 bytes less in a wasm module.
 */
#ifdef STA_ONLY_SOURCE
#define STA_SOURCE_CALL(get) STA_ONLY_SOURCE
#else
#define STA_SOURCE_CALL(get) (get)
#endif

STA_BEGIN_DECLS

#ifdef STA_ONLY_SOURCE
void *STA_ONLY_SOURCE(void *ctx, size_t *size, size_t align);
#endif

/* What an operation that can fail in more than one way returns. */
enum sta_err {
    STA_OK = 0,
    STA_ENOMEM,    /* no memory, or no node to describe it */
    STA_ENOSPC,    /* not in place: a neighbour is in the way */
    STA_EINVAL,    /* an argument that can never be right */
    STA_EOVERFLOW, /* the result would not fit its type */
    STA_ECORRUPT   /* an audit found the structure broken */
};

/*
 * Names an error in lower-case words, such as "out of memory".
 *
 * Returns  a constant string, never NULL; "unknown" for any other value.
 */
const char *sta_err_text(enum sta_err err);

/* Where text goes: `put` is called with pieces that end anywhere. */
struct sta_writer {
    void (*put)(void *ctx, const char *text, size_t length);
    void *ctx;
};

/* Writes the characters of a string; nothing when text is NULL. */
void sta_writer_text(const struct sta_writer *out, const char *text);

/* Writes a number in decimal digits. */
void sta_writer_number(const struct sta_writer *out, uint64_t number);

STA_END_DECLS

#endif
