/* SPDX-License-Identifier: MIT */
/*
 * Lets Helgrind see C11 atomics, and the arena: included in front of every
 * source, it gives each operation the order that was asked for, and no other.
 *
 *     ../configure CPPFLAGS="-include .../tests/lib/helgrind.h"
 *
 * Helgrind knows pthread's locks.  An atomic load is a load to it, a store a
 * store, which race; and what two threads order by an atomic alone, such as a
 * lock of our own or a slot in an inbox, races too.  It does take an operation
 * with a lock prefix for a read, and reads never race with each other.  So
 *
 *     a store becomes an exchange, which has that prefix; it still races with
 *         a plain access that nothing orders;
 *     release sends all that the thread did to whoever acquires from the same
 *         address; relaxed sends and receives nothing.
 *
 * A release is told before the operation and an acquire after it, so that no
 * edge is missing, which would be a race that is none.  Too many there may be:
 * an acquire receives from all earlier releases, not only from the one whose
 * value it read.  tests/unit/remote_model is exact about that.
 *
 * Memory that was mapped without access Helgrind never looks at, not even when
 * mprotect() has opened it, which is how all of ours comes.  So what is opened
 * is told to it as new.
 *
 * A fork's child has one thread, and nothing to race with; but Helgrind holds
 * the other threads' writes against it.  So it says nothing of such a child.
 *
 * C++ and x86's wide operations are left as they are; the heap has neither.
 */
#ifndef TESTS_LIB_HELGRIND_H
#define TESTS_LIB_HELGRIND_H
#ifndef __cplusplus

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for those that ask for it later */
#endif
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>
#include <valgrind/helgrind.h>

static inline int seen_mprotect(void *p, size_t bytes, int access)
{
    int failed = mprotect(p, bytes, access);
    if (!failed && (access & PROT_WRITE) != 0)
        VALGRIND_HG_CLEAN_MEMORY(p, bytes);
    return failed;
}

static inline pid_t seen_fork(void)
{
    VALGRIND_DISABLE_ERROR_REPORTING;
    pid_t child = fork();
    if (child != 0)
        VALGRIND_ENABLE_ERROR_REPORTING;
    return child;
}

#define mprotect seen_mprotect
#define fork     seen_fork

static inline void seen_before(const volatile void *object, int order)
{
    if (order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL ||
        order == __ATOMIC_SEQ_CST)
        ANNOTATE_HAPPENS_BEFORE(object);
}

static inline void seen_after(const volatile void *object, int order)
{
    if (order == __ATOMIC_ACQUIRE || order == __ATOMIC_ACQ_REL ||
        order == __ATOMIC_SEQ_CST)
        ANNOTATE_HAPPENS_AFTER(object);
}

/* The compiler's operations.  A name inside a macro of the same name is its
 * own. */
#define __atomic_load_n(object, order)                                         \
    ({                                                                         \
        __auto_type seen_value = __atomic_load_n(object, order);               \
        seen_after(object, order);                                             \
        seen_value;                                                            \
    })

#define __atomic_exchange_n(object, value, order)                              \
    ({                                                                         \
        seen_before(object, order);                                            \
        __auto_type seen_value = __atomic_exchange_n(object, value, order);    \
        seen_after(object, order);                                             \
        seen_value;                                                            \
    })

#define __atomic_store_n(object, value, order)                                 \
    ((void)__atomic_exchange_n(object, value, order))

#define __atomic_fetch_add(object, value, order)                               \
    ({                                                                         \
        seen_before(object, order);                                            \
        __auto_type seen_value = __atomic_fetch_add(object, value, order);     \
        seen_after(object, order);                                             \
        seen_value;                                                            \
    })

/* When it fails it is a load. */
#define __atomic_compare_exchange_n(object, expected, value, weak, order,      \
                                    failed)                                    \
    ({                                                                         \
        seen_before(object, order);                                            \
        bool seen_done = __atomic_compare_exchange_n(object, expected, value,  \
                                                     weak, order, failed);     \
        seen_after(object, seen_done ? (order) : (failed));                    \
        seen_done;                                                             \
    })

/* Those of <stdatomic.h>, by the above. */
#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_compare_exchange_weak_explicit
#undef atomic_compare_exchange_strong_explicit
#undef atomic_load
#undef atomic_store
#undef atomic_exchange
#undef atomic_fetch_add
#undef atomic_compare_exchange_weak
#define atomic_load_explicit      __atomic_load_n
#define atomic_store_explicit     __atomic_store_n
#define atomic_exchange_explicit  __atomic_exchange_n
#define atomic_fetch_add_explicit __atomic_fetch_add
#define atomic_fetch_sub_explicit(object, value, order)                        \
    __atomic_fetch_add(object, -(value), order)
#define atomic_compare_exchange_weak_explicit(object, expected, value, order,  \
                                              failed)                          \
    __atomic_compare_exchange_n(object, expected, value, 1, order, failed)
#define atomic_compare_exchange_strong_explicit(object, expected, value,       \
                                                order, failed)                 \
    __atomic_compare_exchange_n(object, expected, value, 0, order, failed)
#define atomic_load(object) __atomic_load_n(object, __ATOMIC_SEQ_CST)
#define atomic_store(object, value)                                            \
    __atomic_store_n(object, value, __ATOMIC_SEQ_CST)
#define atomic_exchange(object, value)                                         \
    __atomic_exchange_n(object, value, __ATOMIC_SEQ_CST)
#define atomic_fetch_add(object, value)                                        \
    __atomic_fetch_add(object, value, __ATOMIC_SEQ_CST)
#define atomic_compare_exchange_weak(object, expected, value)                  \
    __atomic_compare_exchange_n(object, expected, value, 1, __ATOMIC_SEQ_CST,  \
                                __ATOMIC_SEQ_CST)

#endif
#endif
