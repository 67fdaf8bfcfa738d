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
 * library by weak names, so that a C program needs none; when such a program
 * loads a library in C++, from the C++ library of that one.  A nothrow new must
 * catch what the handler throws, which C cannot: it passes the failed request
 * on to the C++ library's own nothrow new, which calls our new and catches.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "malloc/names.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/attr.h"
#include "heap/check.h"
#include "heap/family.h"
#include "heap/guard.h"
#include "os/libc.h"
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

/* Who called the function that this is in, or is part of. */
#define CALLER __builtin_return_address(0)

/* --- The basic forms ----------------------------------------------------- */

static STA_NOINLINE void *alloc_or_null(size_t size, size_t align,
                                        enum sta_family family)
{
    void *p = align <= 16 ? sta_heap_alloc_slow(size)
                          : sta_heap_alloc_aligned(size, align);
    if (p != NULL)
        sta_family_set(p, family);
    else
        sta_pages_note_refused();
    return p;
}

/* Has the new_handler free memory, or throws. */
static STA_COLD STA_NOINLINE void call_handler(size_t size, const void *caller)
{
    new_handler (*get)(void) = _ZSt15get_new_handlerv;
    void (*throw)(void) = _ZSt17__throw_bad_allocv;
    if (throw == NULL) { /* a program in C, of which the caller is a guest */
        void *near = sta_symbol_near(caller, "_ZSt17__throw_bad_allocv");
        throw = (void (*)(void))near;
        near = sta_symbol_near(caller, "_ZSt15get_new_handlerv");
        get = (new_handler(*)(void))near;
    }
    new_handler handler = get != NULL ? get() : NULL;
    if (handler != NULL) {
        handler();
        return;
    }
    if (throw != NULL)
        throw();
    sta_die("operator new(%zu): out of memory, and no C++ library to throw "
            "std::bad_alloc",
            size);
}

/* What new does when there is none at hand. */
static STA_NOINLINE void *alloc_or_throw(size_t size, size_t align,
                                         enum sta_family family,
                                         const void *caller)
{
    void *p;
    while ((p = alloc_or_null(size, align, family)) == NULL)
        call_handler(size, caller);
    return p;
}

/* An object that is at hand, or NULL. */
STA_INLINE void *alloc_at_hand(size_t size)
{
    return size <= STA_CLASS_TABLE_MAX ? sta_heap_alloc_small(size)
                                       : sta_heap_alloc_medium(size);
}

STA_INLINE void *alloc(size_t size, enum sta_family family)
{
    void *p = alloc_at_hand(size);
    return sta_likely(p != NULL) ? p : alloc_or_throw(size, 1, family, CALLER);
}

static const char delete_call[] = "operator delete";

static void free_aligned(void *p, size_t align, enum sta_family by)
{
    if (((uintptr_t)p & (align - 1)) != 0)
        sta_heap_check_align(delete_call, p, align);
    if (sta_guard_active())
        sta_family_free(p, by);
    else
        sta_heap_free(p);
}

/* By names that nobody replaces. */
static void *own_new(size_t size)
{
    return alloc(size, STA_FAMILY_NEW);
}

static void *own_aligned_new(size_t size, size_t align)
{
    return alloc_or_throw(size, align, STA_FAMILY_ALIGNED_NEW, CALLER);
}

static void own_delete(void *p)
{
    sta_family_delete(p);
}

static void own_aligned_delete(void *p, size_t align)
{
    free_aligned(p, align, STA_FAMILY_ALIGNED_NEW);
}

#define ALIGNED St11align_val_t

REPLACEABLE void *NEW()(size_t size) STA_ALIAS(own_new);
REPLACEABLE void *NEW(ALIGNED)(size_t size, size_t align)
    STA_ALIAS(own_aligned_new);
REPLACEABLE void _ZdlPv(void *p) STA_ALIAS(own_delete);
REPLACEABLE void _ZdlPvSt11align_val_t(void *p, size_t align)
    STA_ALIAS(own_aligned_delete);

/* --- Other forms of new -------------------------------------------------- */

static bool new_is_ours(void)
{
    return sta_likely(NEW() == own_new);
}

static bool aligned_new_is_ours(void)
{
    return sta_likely(NEW(ALIGNED) == own_aligned_new);
}

static void *own_array_new(size_t size)
{
    return new_is_ours() ? alloc(size, STA_FAMILY_ARRAY) : NEW()(size);
}

static void *own_aligned_array_new(size_t size, size_t align)
{
    return aligned_new_is_ours()
               ? alloc_or_throw(size, align, STA_FAMILY_ALIGNED_ARRAY, CALLER)
               : NEW(ALIGNED)(size, align);
}

REPLACEABLE void *NEW_ARR()(size_t size) STA_ALIAS(own_array_new);
REPLACEABLE void *NEW_ARR(ALIGNED)(size_t size, size_t align)
    STA_ALIAS(own_aligned_array_new);

typedef void *(*nothrow_new)(size_t size, const void *tag);
typedef void *(*nothrow_aligned_new)(size_t size, size_t align,
                                     const void *tag);

/* Returns the C++ library's function of a name that is ours as well. */
static STA_COLD STA_NOINLINE void *find_in_library(const char *name, void *ours,
                                                   const void *caller)
{
    void *found = sta_next_symbol(name);
    if (found == NULL) /* a program in C, of which the caller is a guest */
        found = sta_symbol_near(caller, name);
    return found != ours ? found : NULL;
}

/* Calls a nothrow new of the C++ library; `align` is 0 for the forms that take
 * none. */
static STA_COLD STA_NOINLINE void *call_library(void *next, size_t size,
                                                size_t align, const void *tag)
{
    if (align == 0)
        return ((nothrow_new)next)(size, tag);
    return ((nothrow_aligned_new)next)(size, align, tag);
}

#define NAME_OF(symbol)  NAME_OF_(symbol)
#define NAME_OF_(symbol) #symbol

/* The nothrow forms of `OP`, where nobody replaced what it comes down to.  A
 * static program has no next one: there what the program's own new throws gets
 * through. */
#define DEFINE_NOTHROW(OP, is_ours, family, is_ours_aligned, family_aligned)   \
    void *OP(RKSt9nothrow_t)(size_t size, const void *tag);                    \
    REPLACEABLE void *OP(RKSt9nothrow_t)(size_t size, const void *tag)         \
    {                                                                          \
        bool ours = is_ours;                                                   \
        void *p = ours ? alloc_at_hand(size) : NULL;                           \
        if (sta_likely(p != NULL))                                             \
            return p;                                                          \
        if (ours && (p = alloc_or_null(size, 1, family)) != NULL)              \
            return p;                                                          \
        void *next = find_in_library(NAME_OF(OP(RKSt9nothrow_t)),              \
                                     (void *)OP(RKSt9nothrow_t), CALLER);      \
        if (next == NULL)                                                      \
            return ours ? NULL : OP()(size);                                   \
        return call_library(next, size, 0, tag);                               \
    }                                                                          \
    void *OP(St11align_val_tRKSt9nothrow_t)(size_t size, size_t align,         \
                                            const void *tag);                  \
    REPLACEABLE void *OP(St11align_val_tRKSt9nothrow_t)(                       \
        size_t size, size_t align, const void *tag)                            \
    {                                                                          \
        bool ours = is_ours_aligned;                                           \
        void *p = ours ? alloc_or_null(size, align, family_aligned) : NULL;    \
        if (sta_likely(p != NULL))                                             \
            return p;                                                          \
        void *next = find_in_library(                                          \
            NAME_OF(OP(St11align_val_tRKSt9nothrow_t)),                        \
            (void *)OP(St11align_val_tRKSt9nothrow_t), CALLER);                \
        if (next == NULL)                                                      \
            return ours ? NULL : OP(ALIGNED)(size, align);                     \
        return call_library(next, size, align, tag);                           \
    }

DEFINE_NOTHROW(NEW, new_is_ours(), STA_FAMILY_NEW, aligned_new_is_ours(),
               STA_FAMILY_ALIGNED_NEW)
DEFINE_NOTHROW(NEW_ARR, new_is_ours() && NEW_ARR() == own_array_new,
               STA_FAMILY_ARRAY,
               aligned_new_is_ours() &&
                   NEW_ARR(ALIGNED) == own_aligned_array_new,
               STA_FAMILY_ALIGNED_ARRAY)

/* --- Other forms of delete ----------------------------------------------- */

static bool delete_is_ours(void)
{
    return sta_likely(_ZdlPv == own_delete);
}

static bool aligned_delete_is_ours(void)
{
    return sta_likely(_ZdlPvSt11align_val_t == own_aligned_delete);
}

static void own_array_delete(void *p)
{
    if (delete_is_ours())
        sta_family_delete_array(p);
    else
        _ZdlPv(p);
}

static void own_aligned_array_delete(void *p, size_t align)
{
    if (aligned_delete_is_ours())
        free_aligned(p, align, STA_FAMILY_ALIGNED_ARRAY);
    else
        _ZdlPvSt11align_val_t(p, align);
}

REPLACEABLE void _ZdaPv(void *p) STA_ALIAS(own_array_delete);
REPLACEABLE void _ZdaPvSt11align_val_t(void *p, size_t align)
    STA_ALIAS(own_aligned_array_delete);

/* A size that delete is given must have been possible.  What a new of the
 * program's own asks of malloc is its own affair. */
static void check_size(void *p, size_t size)
{
    if (new_is_ours() && delete_is_ours())
        sta_heap_check_size(delete_call, p, size, 1);
}

/* Out of line, so that the common case needs no stack frame. */
static STA_NOINLINE void delete_checked(void *p, size_t size)
{
    check_size(p, size);
    _ZdlPv(p);
}

static STA_NOINLINE void array_delete_checked(void *p, size_t size)
{
    check_size(p, size);
    _ZdaPv(p);
}

void SIZED(_ZdlPv, )(void *p, size_t size);
REPLACEABLE void SIZED(_ZdlPv, )(void *p, size_t size)
{
    struct sta_slab *s = sta_heap_slab_of_size(p, size);
    if (s != NULL && delete_is_ours())
        sta_family_delete_in(p, s);
    else
        delete_checked(p, size);
}

void SIZED(_ZdaPv, )(void *p, size_t size);
REPLACEABLE void SIZED(_ZdaPv, )(void *p, size_t size)
{
    struct sta_slab *s = sta_heap_slab_of_size(p, size);
    if (s != NULL && delete_is_ours() && _ZdaPv == own_array_delete)
        sta_family_delete_array_in(p, s);
    else
        array_delete_checked(p, size);
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
        if (aligned_new_is_ours() && aligned_delete_is_ours())                 \
            sta_heap_check_size(delete_call, p, size, align);                  \
        basic##St11align_val_t(p, align);                                      \
    }

DEFINE_DELETE(_ZdlPv)
DEFINE_DELETE(_ZdaPv)

/* --- Who else has them --------------------------------------------------- */

static void set_mixed(bool mixed)
{
    atomic_store_explicit(&sta_family_mixed, mixed, memory_order_relaxed);
}

/* Who may free what is known only where all of these are ours. */
__attribute__((constructor(101))) static void look_for_others(void)
{
    set_mixed(!new_is_ours() || !aligned_new_is_ours() ||
              NEW_ARR() != own_array_new ||
              NEW_ARR(ALIGNED) != own_aligned_array_new || !delete_is_ours() ||
              !aligned_delete_is_ours() || _ZdaPv != own_array_delete ||
              _ZdaPvSt11align_val_t != own_aligned_array_delete);
}

static bool is_cxx_library(const char *path)
{
    return strstr(path, "/libstdc++.so") != NULL ||
           strstr(path, "/libc++") != NULL;
}

/* Finds a text in what is read-only of a program or library, which must not
 * have the address `but`. */
static bool has_text(const struct dl_phdr_info *part, const char *text,
                     size_t bytes, uintptr_t but)
{
    bool found = false;
    for (size_t i = 0; i < part->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &part->dlpi_phdr[i];
        uintptr_t at = part->dlpi_addr + segment->p_vaddr;
        if (segment->p_type != PT_LOAD)
            continue;
        if (but - at < segment->p_memsz)
            return false;
        if ((segment->p_flags & (PF_R | PF_W)) == PF_R)
            found = found || memmem((const void *)at, segment->p_filesz, text,
                                    bytes) != NULL;
    }
    return found;
}

/* Who has a C++ library inside has the name that std::bad_alloc goes by in type
 * information; everybody else names a symbol of the C++ library's. */
static int find_cxx_inside(struct dl_phdr_info *part, size_t size, void *unused)
{
    static const char name[] = "\0St9bad_alloc";
    (void)size;
    (void)unused;
    return !is_cxx_library(part->dlpi_name) &&
           has_text(part, name, sizeof name, (uintptr_t)name);
}

#pragma weak dladdr

/* The program, or a library, may have a C++ library inside, whose new calls
 * malloc, and pass objects to where our delete is called, or the other way
 * round.  The next delete is that one's, else the C++ library's; unless it is
 * hidden, or dlopen() brought it. */
void sta_family_look_for_others(void)
{
    void *next = sta_next_symbol("_ZdlPv");
    Dl_info found;
    if ((next != NULL && dladdr(next, &found) != 0 &&
         !is_cxx_library(found.dli_fname)) ||
        dl_iterate_phdr(find_cxx_inside, NULL) != 0)
        set_mixed(true);
}
