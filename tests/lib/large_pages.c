/* SPDX-License-Identifier: MIT */
/*
 * A kernel of larger pages, as far as memory is concerned: preloaded in front
 * of libstalloc, or of a program that links the heap, it says that a page has
 * $STA_TEST_PAGE bytes, and rounds and refuses as such a kernel does.
 *
 * A library that forgets to round is refused by mprotect, or loses a
 * neighbour's contents to an madvise that takes the whole page, or counts on
 * zeros that nobody made.  What this cannot show is what the real pages weigh.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

/* Without getenv(): the first call may come before the C library is ready. */
static size_t page_bytes(void)
{
    static const char name[] = "STA_TEST_PAGE=";
    for (char **e = environ; e != NULL && *e != NULL; e++) {
        size_t i = 0;
        while (name[i] != '\0' && (*e)[i] == name[i])
            i++;
        if (name[i] == '\0')
            return (size_t)strtoul(*e + i, NULL, 10);
    }
    return 4096;
}

static size_t round_up(size_t n)
{
    return (n + page_bytes() - 1) & ~(page_bytes() - 1);
}

static int is_refused(const void *p)
{
    if ((uintptr_t)p % page_bytes() == 0)
        return 0;
    errno = EINVAL;
    return 1;
}

unsigned long getauxval(unsigned long type)
{
    if (type == AT_PAGESZ)
        return page_bytes();
    /* The other entries from where the kernel put them: behind the names of the
     * environment. */
    char **e = environ;
    while (*e != NULL)
        e++;
    for (unsigned long *a = (void *)(e + 1); a[0] != AT_NULL; a += 2)
        if (a[0] == type)
            return a[1];
    return 0;
}

int getpagesize(void)
{
    return (int)page_bytes();
}

static void *map(void *at, size_t bytes, int protection, int flags, int file,
                 off_t offset)
{
    return (void *)syscall(SYS_mmap, at, bytes, protection, flags, file,
                           offset);
}

void *mmap(void *at, size_t bytes, int protection, int flags, int file,
           off_t offset)
{
    size_t page = page_bytes();
    size_t whole = round_up(bytes);
    if ((flags & MAP_FIXED) && is_refused(at))
        return MAP_FAILED;
    if ((flags & MAP_FIXED) || file >= 0)
        return map(at, bytes, protection, flags, file, offset);
    char *p = map(NULL, whole + page, protection, flags, file, offset);
    if (p == MAP_FAILED)
        return p;
    size_t before = -(uintptr_t)p & (page - 1);
    if (before != 0)
        syscall(SYS_munmap, p, before);
    syscall(SYS_munmap, p + before + whole, page - before);
    return p + before;
}

int munmap(void *p, size_t bytes)
{
    return is_refused(p) ? -1 : (int)syscall(SYS_munmap, p, round_up(bytes));
}

int mprotect(void *p, size_t bytes, int protection)
{
    return is_refused(p)
               ? -1
               : (int)syscall(SYS_mprotect, p, round_up(bytes), protection);
}

int madvise(void *p, size_t bytes, int advice)
{
    return is_refused(p)
               ? -1
               : (int)syscall(SYS_madvise, p, round_up(bytes), advice);
}

/* Locks whole pages: what is purged goes by whole ones, or not at all. */
static int lock(long call, const void *p, size_t bytes)
{
    uintptr_t first = (uintptr_t)p & ~(page_bytes() - 1);
    return (int)syscall(call, first, round_up((uintptr_t)p + bytes - first));
}

int mlock(const void *p, size_t bytes)
{
    return lock(SYS_mlock, p, bytes);
}

int munlock(const void *p, size_t bytes)
{
    return lock(SYS_munlock, p, bytes);
}

void *mremap(void *from, size_t old_bytes, size_t bytes, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    void *to = (flags & MREMAP_FIXED) ? va_arg(args, void *) : NULL;
    va_end(args);
    if (is_refused(from) || is_refused(to))
        return MAP_FAILED;
    size_t whole = round_up(bytes);
    if ((flags & MREMAP_MAYMOVE) && to == NULL) { /* where a page begins */
        to = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (to == MAP_FAILED)
            return MAP_FAILED;
        flags |= MREMAP_FIXED;
    }
    return (void *)syscall(SYS_mremap, from, round_up(old_bytes), whole, flags,
                           to);
}
