/* SPDX-License-Identifier: MIT */
/*
 * operator new and delete, in C by their mangled names.
 *
 * Two forms of each are basic, one without and one with an alignment.  The
 * others come down to these, as the standard says, also where the program has
 * a basic form of its own: then each calls the program's.
 *
 *     new[]            new              delete[]            delete
 *     new nothrow      new, caught      delete, any other   delete
 *     new[] nothrow    new[], caught    delete[] …          delete[]
 *
 * So a form that calls another does so by its name.  All are weak: a static
 * program may define some, as it may with those of its C++ library.
 *
 * A failed new calls the new_handler until it frees memory, throws, or there is
 * none; then it throws std::bad_alloc.  Both come from the program's own C++
 * library by weak names, so that a C program needs none.  A nothrow new must
 * catch what the handler throws, which C cannot: it passes the failed request
 * on to the C++ library's own nothrow new, which calls our new and catches.
 */
#include "malloc/names.h"

#include <stdbool.h>
#include <stdint.h>

#include "core/attr.h"
#include "heap/heap.h"
#include "os/die.h"

/* Names with size_t in them. */
#define JOIN_(a, b, c)        a##b##c
#define JOIN(a, b, c)         JOIN_(a, b, c)
#define NEW(suffix)           JOIN(_Znw, STA_MANGLED_SIZE_T, suffix)
#define NEW_ARR(suffix)       JOIN(_Zna, STA_MANGLED_SIZE_T, suffix)
#define SIZED(prefix, suffix) JOIN(prefix, STA_MANGLED_SIZE_T, suffix)

#define REPLACEABLE STA_EXPORT __attribute__((weak))

typedef void (*new_handler)(void);
new_handler _ZSt15get_new_handlerv(void) __attribute__((weak));
_Noreturn void _ZSt17__throw_bad_allocv(void) __attribute__((weak));

/* --- The basic forms ----------------------------------------------------- */

/* What new does when there is no memory. */
static STA_COLD STA_NOINLINE void *alloc_or_throw(size_t size, size_t align)
{
    for (;;) {
        new_handler handler =
            _ZSt15get_new_handlerv ? _ZSt15get_new_handlerv() : NULL;
        if (handler == NULL)
            break;
        handler();
        void *p = sta_heap_alloc_aligned(size, align);
        if (p != NULL)
            return p;
    }
    if (_ZSt17__throw_bad_allocv)
        _ZSt17__throw_bad_allocv();
    sta_die("operator new(%zu): out of memory, and no C++ library to throw "
            "std::bad_alloc",
            size);
}

STA_INLINE void *alloc(size_t size)
{
    void *p = sta_heap_alloc(size);
    return sta_likely(p != NULL) ? p : alloc_or_throw(size, 1);
}

static const char delete_call[] = "operator delete";

/* By names that nobody replaces. */
static void *own_new(size_t size)
{
    return alloc(size);
}

static void *own_aligned_new(size_t size, size_t align)
{
    void *p = sta_heap_alloc_aligned(size, align);
    return sta_likely(p != NULL) ? p : alloc_or_throw(size, align);
}

static void own_delete(void *p)
{
    sta_heap_free(p);
}

static void own_aligned_delete(void *p, size_t align)
{
    sta_heap_check_size(delete_call, p, STA_SIZE_UNKNOWN, align);
    sta_heap_free(p);
}

#define ALIGNED St11align_val_t

REPLACEABLE void *NEW()(size_t size) STA_ALIAS(own_new);
REPLACEABLE void *NEW(ALIGNED)(size_t size, size_t align)
    STA_ALIAS(own_aligned_new);
REPLACEABLE void _ZdlPv(void *p) STA_ALIAS(own_delete);
REPLACEABLE void _ZdlPvSt11align_val_t(void *p, size_t align)
    STA_ALIAS(own_aligned_delete);

/* --- Other forms of new -------------------------------------------------- */

static void *own_array_new(size_t size)
{
    return sta_likely(NEW() == own_new) ? alloc(size) : NEW()(size);
}

static void *own_aligned_array_new(size_t size, size_t align)
{
    return NEW(ALIGNED)(size, align);
}

REPLACEABLE void *NEW_ARR()(size_t size) STA_ALIAS(own_array_new);
REPLACEABLE void *NEW_ARR(ALIGNED)(size_t size, size_t align)
    STA_ALIAS(own_aligned_array_new);

typedef void *(*nothrow_new)(size_t size, const void *tag);
typedef void *(*nothrow_aligned_new)(size_t size, size_t align,
                                     const void *tag);

/* Calls a nothrow new of the C++ library, which is not NULL; `align` is 0 for
 * the forms that take none. */
static STA_COLD STA_NOINLINE void *alloc_or_null(void *next, size_t size,
                                                 size_t align, const void *tag)
{
    static _Thread_local bool inside __attribute__((tls_model("initial-exec")));
    void *p;
    if (inside) /* one that calls itself */
        return NULL;
    inside = true;
    if (align != 0)
        p = ((nothrow_aligned_new)next)(size, align, tag);
    else
        p = ((nothrow_new)next)(size, tag);
    inside = false;
    return p;
}

#define NAME_OF(symbol)  NAME_OF_(symbol)
#define NAME_OF_(symbol) #symbol

/* The nothrow forms of `OP`, where nobody replaced what it comes down to.  A
 * static program has no next one: there what the program's own new throws gets
 * through. */
#define DEFINE_NOTHROW(OP, is_ours, is_ours_aligned)                           \
    void *OP(RKSt9nothrow_t)(size_t size, const void *tag);                    \
    REPLACEABLE void *OP(RKSt9nothrow_t)(size_t size, const void *tag)         \
    {                                                                          \
        bool ours = is_ours;                                                   \
        void *p = ours ? sta_heap_alloc(size) : NULL;                          \
        if (sta_likely(p != NULL))                                             \
            return p;                                                          \
        void *next = sta_next_symbol(NAME_OF(OP(RKSt9nothrow_t)));             \
        if (next == NULL)                                                      \
            return ours ? NULL : OP()(size);                                   \
        return alloc_or_null(next, size, 0, tag);                              \
    }                                                                          \
    void *OP(St11align_val_tRKSt9nothrow_t)(size_t size, size_t align,         \
                                            const void *tag);                  \
    REPLACEABLE void *OP(St11align_val_tRKSt9nothrow_t)(                       \
        size_t size, size_t align, const void *tag)                            \
    {                                                                          \
        bool ours = is_ours_aligned;                                           \
        void *p = ours ? sta_heap_alloc_aligned(size, align) : NULL;           \
        if (sta_likely(p != NULL))                                             \
            return p;                                                          \
        void *next =                                                           \
            sta_next_symbol(NAME_OF(OP(St11align_val_tRKSt9nothrow_t)));       \
        if (next == NULL)                                                      \
            return ours ? NULL : OP(ALIGNED)(size, align);                     \
        return alloc_or_null(next, size, align, tag);                          \
    }

DEFINE_NOTHROW(NEW, NEW() == own_new, NEW(ALIGNED) == own_aligned_new)
DEFINE_NOTHROW(NEW_ARR, NEW() == own_new && NEW_ARR() == own_array_new,
               NEW(ALIGNED) == own_aligned_new &&
                   NEW_ARR(ALIGNED) == own_aligned_array_new)

/* --- Other forms of delete ----------------------------------------------- */

STA_INLINE void delete (void *p)
{
    if (sta_likely(_ZdlPv == own_delete))
        sta_heap_free(p);
    else
        _ZdlPv(p);
}

static void own_array_delete(void *p)
{
    delete (p);
}

static void own_aligned_array_delete(void *p, size_t align)
{
    _ZdlPvSt11align_val_t(p, align);
}

REPLACEABLE void _ZdaPv(void *p) STA_ALIAS(own_array_delete);
REPLACEABLE void _ZdaPvSt11align_val_t(void *p, size_t align)
    STA_ALIAS(own_aligned_array_delete);

/* A size that delete is given must have been possible.  What a new of the
 * program's own asks of malloc is its own affair. */
static void check_size(void *p, size_t size)
{
    if (NEW() == own_new && _ZdlPv == own_delete)
        sta_heap_check_size(delete_call, p, size, 1);
}

/* Out of line, so that the common case needs no stack frame. */
static STA_NOINLINE void delete_checked(void *p, size_t size)
{
    check_size(p, size);
    delete (p);
}

void SIZED(_ZdlPv, )(void *p, size_t size);
REPLACEABLE void SIZED(_ZdlPv, )(void *p, size_t size)
{
    if (sta_likely(sta_heap_has_class(p, size)))
        delete (p);
    else
        delete_checked(p, size);
}

void SIZED(_ZdaPv, )(void *p, size_t size);
REPLACEABLE void SIZED(_ZdaPv, )(void *p, size_t size)
{
    check_size(p, size);
    _ZdaPv(p);
}

/* The others are given more than they need. */
#define DEFINE_DELETE(basic)                                                   \
    void basic##RKSt9nothrow_t(void *p, const void *tag);                      \
    REPLACEABLE void basic##RKSt9nothrow_t(void *p, const void *tag)           \
    {                                                                          \
        (void)tag;                                                             \
        basic(p);                                                              \
    }                                                                          \
    void basic##St11align_val_tRKSt9nothrow_t(void *p, size_t align,           \
                                              const void *tag);                \
    REPLACEABLE void basic##St11align_val_tRKSt9nothrow_t(                     \
        void *p, size_t align, const void *tag)                                \
    {                                                                          \
        (void)tag;                                                             \
        basic##St11align_val_t(p, align);                                      \
    }                                                                          \
    void SIZED(basic, St11align_val_t)(void *p, size_t size, size_t align);    \
    REPLACEABLE void SIZED(basic, St11align_val_t)(void *p, size_t size,       \
                                                   size_t align)               \
    {                                                                          \
        if (NEW(ALIGNED) == own_aligned_new &&                                 \
            _ZdlPvSt11align_val_t == own_aligned_delete)                       \
            sta_heap_check_size(delete_call, p, size, align);                  \
        basic##St11align_val_t(p, align);                                      \
    }

DEFINE_DELETE(_ZdlPv)
DEFINE_DELETE(_ZdaPv)
