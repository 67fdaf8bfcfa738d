/* SPDX-License-Identifier: MIT */
/*
 * setrlimit and prlimit, to hear of a limit of address space.
 *
 * What the heap reserves counts there, and is twice the machine's memory: a
 * program that sets itself a limit as it runs could map no file and start no
 * thread.  So the heap gives back all but a part of what the limit leaves.
 *
 * The kernel is asked directly: in a fork's child dlsym() may wait for a lock
 * that another thread held, and a static program has no next ones.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "malloc/names.h"

#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "heap/pages.h"
#include "heap/threads.h"
#include "os/kernel.h"

/* The kernel's form: two numbers of 64 bits. */
struct limits {
    uint64_t now, most;
};

/* Headers declare these in more than one way, so they have names of ours. */
#define STA_EXPORT_AS(name) __asm__(name) STA_EXPORT

int set_wide(int resource, const struct limits *limits)
    STA_EXPORT_AS("setrlimit64");
int change_wide(pid_t pid, int resource, const struct limits *limits,
                struct limits *old) STA_EXPORT_AS("prlimit64");
int set(int resource, const void *limits) STA_EXPORT_AS("setrlimit");
int change(pid_t pid, int resource, const void *limits, void *old)
    STA_EXPORT_AS("prlimit");

int change_wide(pid_t pid, int resource, const struct limits *limits,
                struct limits *old)
{
    long result =
        sta_kernel(SYS_prlimit64, pid, resource, (long)limits, (long)old);
    if (result < 0) {
        errno = (int)-result;
        return -1;
    }
    if (resource == RLIMIT_AS && limits != NULL && sta_heap_started() &&
        sta_heap_is_of_process())
        sta_pages_fit_limit();
    return 0;
}

int set_wide(int resource, const struct limits *limits)
{
    return change_wide(0, resource, limits, NULL);
}

/* Where `struct rlimit` has 32 bits, all ones are no limit. */
static uint64_t widened(rlim_t n)
{
    return n == RLIM_INFINITY ? UINT64_MAX : n;
}

static rlim_t narrowed(uint64_t n)
{
    return n > RLIM_INFINITY ? RLIM_INFINITY : (rlim_t)n;
}

int change(pid_t pid, int resource, const void *limits, void *old)
{
    const struct rlimit *from = limits;
    struct rlimit *to = old;
    struct limits wide, wide_old;
    if (sizeof(rlim_t) == sizeof(uint64_t))
        return change_wide(pid, resource, limits, old);
    if (from != NULL)
        wide =
            (struct limits){widened(from->rlim_cur), widened(from->rlim_max)};
    int result = change_wide(pid, resource, from ? &wide : NULL, &wide_old);
    if (result == 0 && to != NULL)
        *to = (struct rlimit){narrowed(wide_old.now), narrowed(wide_old.most)};
    return result;
}

int set(int resource, const void *limits)
{
    return change(0, resource, limits, NULL);
}
