/* SPDX-License-Identifier: MIT */
/*
 * The compiler's dialect: every attribute and builtin hint that the sources use
 * has a name here, and nowhere else is a compiler asked what it is.
 *
 * gcc and clang, hosted or freestanding. Attributes stand first in a
 * declaration: `STA_COLD STA_NOINLINE static void refill_slow(...)`.
 */
#ifndef STA_CORE_ATTR_H
#define STA_CORE_ATTR_H

/* Rarely run: optimised for size and moved out of the way. */
#define STA_COLD __attribute__((cold))

/* Its own function even where it is called once: keeps callers short. */
#define STA_NOINLINE __attribute__((noinline))

/* Part of a fast path, or meant to be specialised by a constant argument. */
#define STA_INLINE static inline __attribute__((always_inline))

/* For data that other files of a library use and nobody else: without it a
 * position-independent build reads the address from a table first. */
#define STA_HIDDEN __attribute__((visibility("hidden")))

/* For large tables without contents of which a small program touches little:
 * apart from the small variables, which then share pages.  Compilers know the
 * name for one of zeroed memory, and linkers keep it beside .bss. */
#define STA_SPARSE __attribute__((section(".sbss.sparse")))

/* A second name of a function in the same file, with the attributes that a
 * system header may have given to the first. */
#if defined(__has_attribute) && !defined(__clang__)
#if __has_attribute(copy)
#define STA_ALIAS(name) __attribute__((alias(#name), copy(name)))
#endif
#endif
#ifndef STA_ALIAS
#define STA_ALIAS(name) __attribute__((alias(#name)))
#endif

/* What a condition nearly always is. */
#define sta_likely(condition)   __builtin_expect(!!(condition), 1)
#define sta_unlikely(condition) __builtin_expect(!!(condition), 0)

/* Asks for a cache line that is needed soon; any address will do. */
#define sta_prefetch(address) __builtin_prefetch(address)

/* The same for one that is written to, which no other processor then has. */
#define sta_prefetch_own(address) __builtin_prefetch(address, 1)

/* Make `STA_TAIL_CALL return f(x);` in a function with STA_TAIL_CALLS a jump,
 * whatever the optimisation level. */
#if defined(__clang__)
#define STA_TAIL_CALLS
#if __has_attribute(musttail)
#define STA_TAIL_CALL __attribute__((musttail))
#else
#define STA_TAIL_CALL
#endif
#else
#define STA_TAIL_CALLS __attribute__((optimize("O2")))
#define STA_TAIL_CALL
#endif

/* How the C++ ABI writes size_t in a mangled name. */
#if __SIZEOF_SIZE_T__ == 4
#define STA_MANGLED_SIZE_T j
#else
#define STA_MANGLED_SIZE_T m
#endif

/* C11 spells it _Static_assert; <assert.h> is not freestanding. */
#ifndef static_assert
#define static_assert _Static_assert
#endif

#endif
