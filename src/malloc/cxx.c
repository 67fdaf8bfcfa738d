/* SPDX-License-Identifier: MIT */
/*
 * operator new and delete, in C by their mangled names.
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

typedef void (*new_handler)(void);
new_handler _ZSt15get_new_handlerv(void) __attribute__((weak));
_Noreturn void _ZSt17__throw_bad_allocv(void) __attribute__((weak));

static void *try_alloc(size_t size, size_t align)
{
    return sta_heap_alloc_aligned(size, align);
}

/* What new does when there is no memory. */
static STA_COLD STA_NOINLINE void *alloc_or_throw(size_t size, size_t align)
{
    for (;;) {
        new_handler handler =
            _ZSt15get_new_handlerv ? _ZSt15get_new_handlerv() : NULL;
        if (handler == NULL)
            break;
        handler();
        void *p = try_alloc(size, align);
        if (p != NULL)
            return p;
    }
    if (_ZSt17__throw_bad_allocv)
        _ZSt17__throw_bad_allocv();
    sta_die("operator new(%zu): out of memory, and no C++ library to throw "
            "std::bad_alloc",
            size);
}

typedef void *(*nothrow_new)(size_t size, const void *tag);
typedef void *(*nothrow_aligned_new)(size_t size, size_t align,
                                     const void *tag);

/* What a nothrow new does then; `name` is its own in the C++ library, and
 * `align` is 0 for the forms that take none. */
static STA_COLD STA_NOINLINE void *alloc_or_null(const char *name, size_t size,
                                                 size_t align, const void *tag)
{
    static _Thread_local bool inside __attribute__((tls_model("initial-exec")));
    void *p = NULL;
    if (inside) /* a C++ library whose nothrow new calls itself */
        return NULL;
    void *next = sta_next_symbol(name);
    if (next == NULL)
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

/* The four forms of new, for one object and for arrays. */
#define DEFINE_NEW(OP)                                                         \
    void *OP()(size_t size);                                                   \
    STA_EXPORT void *OP()(size_t size)                                         \
    {                                                                          \
        void *p = sta_heap_alloc(size);                                        \
        return sta_likely(p != NULL) ? p : alloc_or_throw(size, 1);            \
    }                                                                          \
    void *OP(St11align_val_t)(size_t size, size_t align);                      \
    STA_EXPORT void *OP(St11align_val_t)(size_t size, size_t align)            \
    {                                                                          \
        void *p = try_alloc(size, align);                                      \
        return sta_likely(p != NULL) ? p : alloc_or_throw(size, align);        \
    }                                                                          \
    void *OP(RKSt9nothrow_t)(size_t size, const void *tag);                    \
    STA_EXPORT void *OP(RKSt9nothrow_t)(size_t size, const void *tag)          \
    {                                                                          \
        void *p = sta_heap_alloc(size);                                        \
        return sta_likely(p != NULL)                                           \
                   ? p                                                         \
                   : alloc_or_null(NAME_OF(OP(RKSt9nothrow_t)), size, 0, tag); \
    }                                                                          \
    void *OP(St11align_val_tRKSt9nothrow_t)(size_t size, size_t align,         \
                                            const void *tag);                  \
    STA_EXPORT void *OP(St11align_val_tRKSt9nothrow_t)(                        \
        size_t size, size_t align, const void *tag)                            \
    {                                                                          \
        void *p = try_alloc(size, align);                                      \
        return sta_likely(p != NULL)                                           \
                   ? p                                                         \
                   : alloc_or_null(NAME_OF(OP(St11align_val_tRKSt9nothrow_t)), \
                                   size, align, tag);                          \
    }

DEFINE_NEW(NEW)
DEFINE_NEW(NEW_ARR)

void _ZdlPv(void *p);
STA_EXPORT void _ZdlPv(void *p)
{
    sta_heap_free(p);
}

/* The forms that tell nothing new are the same function. */
#define DELETE(name) void name(void *p) STA_EXPORT STA_ALIAS(_ZdlPv)

DELETE(_ZdaPv);
DELETE(_ZdlPvRKSt9nothrow_t);
DELETE(_ZdaPvRKSt9nothrow_t);

static const char delete_call[] = "operator delete";

/* Out of line, so that the common case needs no stack frame. */
static STA_NOINLINE void delete_checked(void *p, size_t size)
{
    sta_heap_check_size(delete_call, p, size, 1);
    sta_heap_free(p);
}

/* The others say what was asked for, which must have been possible. */
void SIZED(_ZdlPv, )(void *p, size_t size);
STA_EXPORT void SIZED(_ZdlPv, )(void *p, size_t size)
{
    if (sta_likely(sta_heap_has_class(p, size)))
        sta_heap_free(p);
    else
        delete_checked(p, size);
}

void _ZdlPvSt11align_val_t(void *p, size_t align);
STA_EXPORT void _ZdlPvSt11align_val_t(void *p, size_t align)
{
    sta_heap_check_size(delete_call, p, STA_SIZE_UNKNOWN, align);
    sta_heap_free(p);
}

void SIZED(_ZdlPv, St11align_val_t)(void *p, size_t size, size_t align);
STA_EXPORT void SIZED(_ZdlPv, St11align_val_t)(void *p, size_t size,
                                               size_t align)
{
    sta_heap_check_size(delete_call, p, size, align);
    sta_heap_free(p);
}

#define SAME(name, other, ...)                                                 \
    void name(__VA_ARGS__) STA_EXPORT STA_ALIAS(other)

SAME(SIZED(_ZdaPv, ), SIZED(_ZdlPv, ), void *p, size_t size);
SAME(_ZdaPvSt11align_val_t, _ZdlPvSt11align_val_t, void *p, size_t align);
SAME(_ZdlPvSt11align_val_tRKSt9nothrow_t, _ZdlPvSt11align_val_t, void *p,
     size_t align);
SAME(_ZdaPvSt11align_val_tRKSt9nothrow_t, _ZdlPvSt11align_val_t, void *p,
     size_t align);
SAME(SIZED(_ZdaPv, St11align_val_t), SIZED(_ZdlPv, St11align_val_t), void *p,
     size_t size, size_t align);
