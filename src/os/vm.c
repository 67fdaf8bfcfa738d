/* SPDX-License-Identifier: MIT */
/* Address space and pages by Linux system calls; see vm.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "os/kernel.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

size_t sta_vm_page_bytes(void)
{
    return (size_t)getauxval(AT_PAGESZ);
}

size_t sta_vm_memory_bytes(void)
{
    struct sysinfo info;
    uint64_t bytes = UINT64_C(1) << 30; /* unless the kernel tells */
    if (sta_kernel(SYS_sysinfo, (long)&info) == 0)
        bytes = (uint64_t)info.totalram * info.mem_unit;
    return bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX; /* 32 bits, of more */
}

/* Reads the start of a small file into `text`; false when it cannot. */
static bool read_file(const char *path, char *text, size_t size)
{
    long fd =
        sta_kernel(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    long n = sta_kernel(SYS_read, fd, (long)text, (long)size - 1);
    sta_kernel(SYS_close, fd);
    if (n < 0)
        return false;
    text[n] = '\0';
    return true;
}

/* Returns the decimal number at *s, or SIZE_MAX if it is larger, moving *s
 * behind it: limits of a process of 32 bits may be. */
static size_t read_number(const char **s)
{
    size_t n = 0;
    while (**s == ' ' || **s == '\t')
        (*s)++;
    for (; **s >= '0' && **s <= '9'; (*s)++)
        n = n > (SIZE_MAX - 9) / 10 ? SIZE_MAX : n * 10 + (size_t)(**s - '0');
    return n;
}

size_t sta_vm_mappings_most(void)
{
    char text[32];
    const char *s = text;
    if (!read_file("/proc/sys/vm/max_map_count", text, sizeof text))
        return 65530; /* the kernel's default */
    return read_number(&s);
}

/* Returns a resource limit in bytes, SIZE_MAX for none. */
static size_t limit_bytes(int resource)
{
    uint64_t limit[2] = {UINT64_MAX}; /* now, and the most it may be */
    sta_kernel(SYS_prlimit64, 0, resource, 0, (long)limit);
    return limit[0] < SIZE_MAX ? (size_t)limit[0] : SIZE_MAX;
}

size_t sta_vm_space_left(void)
{
    char text[64];
    size_t space = limit_bytes(RLIMIT_AS);
    size_t data = limit_bytes(RLIMIT_DATA);
    size_t limit = space < data ? space : data;
    size_t used = 0;
    if (limit == SIZE_MAX)
        return SIZE_MAX;
    if (limit == space && read_file("/proc/self/statm", text, sizeof text)) {
        const char *s = text;
        used = read_number(&s) * sta_vm_page_bytes();
    }
    return limit > used ? limit - used : 0;
}

/* Reads a limit file of a cgroup; "max" and v1's huge default are no limit. */
static size_t read_limit(const char *path)
{
    char text[32];
    if (!read_file(path, text, sizeof text) || text[0] < '0' || text[0] > '9')
        return SIZE_MAX;
    const char *s = text;
    size_t bytes = read_number(&s);
    return bytes >= SIZE_MAX / 4 ? SIZE_MAX : bytes;
}

/*
 * The limit that binds is the lowest on the way from the process's group up
 * to the root.  Version 2 has one hierarchy (a line "0::/path"); version 1 has
 * one for memory ("N:memory:/path").
 */
static size_t lowest_limit(const char *mount, const char *file,
                           const char *group, size_t group_len)
{
    char path[512];
    size_t mount_len = strlen(mount);
    size_t lowest = SIZE_MAX;
    if (mount_len + group_len + strlen(file) + 1 > sizeof path)
        return SIZE_MAX;
    memcpy(path, mount, mount_len);
    memcpy(path + mount_len, group, group_len);
    for (size_t len = mount_len + group_len; len >= mount_len; len--) {
        if (len == mount_len || len == mount_len + group_len ||
            path[len] == '/') {
            strcpy(path + len, file);
            size_t limit = read_limit(path);
            lowest = limit < lowest ? limit : lowest;
        }
    }
    return lowest;
}

size_t sta_vm_cgroup_limit(void)
{
    char text[2048];
    size_t lowest = SIZE_MAX;
    if (!read_file("/proc/self/cgroup", text, sizeof text))
        return SIZE_MAX;
    for (const char *line = text; *line != '\0';) {
        const char *end = strchr(line, '\n');
        size_t len = end ? (size_t)(end - line) : strlen(line);
        const char *v1 = strstr(line, ":memory:/");
        size_t limit = SIZE_MAX;
        if (len > 3 && strncmp(line, "0::/", 4) == 0)
            limit = lowest_limit("/sys/fs/cgroup", "/memory.max", line + 3,
                                 len - 3);
        else if (v1 && v1 < line + len)
            limit =
                lowest_limit("/sys/fs/cgroup/memory", "/memory.limit_in_bytes",
                             v1 + 8, (size_t)(line + len - (v1 + 8)));
        lowest = limit < lowest ? limit : lowest;
        line += len + (end != NULL);
    }
    return lowest;
}

static void *map_none(void *at, size_t bytes, int flags)
{
    int saved = errno;
    flags |= MAP_PRIVATE | MAP_ANONYMOUS;
    void *p = mmap(at, bytes, PROT_NONE, flags, -1, 0);
    errno = saved;
    return p == MAP_FAILED ? NULL : p;
}

void *sta_vm_reserve(size_t bytes)
{
    return map_none(NULL, bytes, 0);
}

void sta_vm_release(void *p, size_t bytes)
{
    int saved = errno;
    munmap(p, bytes);
    errno = saved;
}

static bool protect(void *p, size_t bytes, int access)
{
    int saved = errno;
    bool done = mprotect(p, bytes, access) == 0;
    errno = saved;
    return done;
}

bool sta_vm_commit(void *p, size_t bytes)
{
    return protect(p, bytes, PROT_READ | PROT_WRITE);
}

bool sta_vm_commit_zero(void *p, size_t bytes)
{
    return protect(p, bytes, PROT_READ);
}

/* Cuts [*p, *p + bytes) down to whole system pages; returns its length. */
static size_t whole_pages(void **p, size_t bytes)
{
    uintptr_t mask = sta_vm_page_bytes() - 1;
    uintptr_t first = ((uintptr_t)*p + mask) & ~mask;
    uintptr_t end = ((uintptr_t)*p + bytes) & ~mask;
    *p = (void *)first;
    return first < end ? end - first : 0;
}

static bool advise(void *p, size_t bytes, int advice)
{
    int saved = errno;
    bool done = madvise(p, bytes, advice) == 0;
    errno = saved;
    return done;
}

bool sta_vm_purge(void *p, size_t bytes)
{
    bytes = whole_pages(&p, bytes);
    return bytes != 0 && advise(p, bytes, MADV_DONTNEED);
}

bool sta_vm_clear(void *p, size_t bytes)
{
    void *pages = p;
    size_t whole = whole_pages(&pages, bytes);
    if (whole == 0 || !advise(pages, whole, MADV_DONTNEED))
        return false;
    size_t before = (size_t)((char *)pages - (char *)p);
    memset(p, 0, before);
    memset((char *)pages + whole, 0, bytes - before - whole);
    return true;
}

/* A new mapping over the old one: one call does what madvise and mprotect do in
 * two, and the commit charge goes as well. */
bool sta_vm_close(void *p, size_t bytes)
{
    return map_none(p, bytes, MAP_FIXED) != NULL;
}

/* Moves pages to where the system wants them; `from` stays mapped. */
static char *move_away(void *from, size_t bytes)
{
    void *p =
        mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    return p == MAP_FAILED ? NULL : p;
}

/* Whether pages can be moved; relaxed: nothing is wrong with another try. */
enum { UNKNOWN, YES, NO };
static _Atomic int movable;

/*
 * Whether pages can be moved at all, tried once with one of our own.  Old
 * kernels refuse; qemu-user moves it, but takes what stays for unmapped, and
 * ignores advice on it.
 */
static bool can_move(void)
{
    int answer = atomic_load_explicit(&movable, memory_order_relaxed);
    if (answer == UNKNOWN) {
        size_t page = sta_vm_page_bytes();
        char *p = sta_vm_reserve(page);
        char *moved =
            p != NULL && sta_vm_commit(p, page) ? move_away(p, page) : NULL;
        bool works = false;
        if (moved != NULL) {
            volatile char *stays = p;
            *stays = 1;
            works = sta_vm_purge(p, page) && *stays == 0;
            sta_vm_release(moved, page);
        }
        if (p != NULL)
            sta_vm_release(p, page);
        answer = works ? YES : NO;
        atomic_store_explicit(&movable, answer, memory_order_relaxed);
    }
    return answer == YES;
}

/* True where the page at `p` is locked in memory: then the system does not take
 * its contents.  Else they go by `spare`: msync(2), which tells and takes
 * nothing, ends the process in many a sandbox. */
static bool is_locked(void *p, void *spare, size_t page)
{
    memcpy(spare, p, page);
    if (!sta_vm_purge(p, page))
        return true;
    memcpy(p, spare, page);
    return false;
}

/* Has memory again where a move that failed unmapped it, lest somebody else
 * has; false if it cannot, or where something is mapped. */
static bool fill_hole(void *p, size_t bytes)
{
    return map_none(p, bytes, MAP_FIXED_NOREPLACE) == p &&
           sta_vm_commit(p, bytes);
}

/*
 * In two steps.  The first fails with nothing changed, which one that replaces
 * `to` would not: Linux unmaps that before it looks at limits, another thread
 * may then map there, and since 6.17 several mappings move one by one, until
 * one fails.  What the first step moved is one mapping, which no limit keeps
 * from moving on; but Linux wants two mappings more for the second step, and
 * with fewer left refuses at once.  Then `to` is as it was, but nothing tells
 * that from a mapping of somebody else: it is lost, and no other is to be.
 *
 * Nothing moves from or to where the program has locked its memory: all of the
 * mapping that the pages are taken from, the heap, would be locked no more.
 */
enum sta_vm_moved sta_vm_move(void *to, void *from, size_t bytes)
{
    int saved = errno;
    enum sta_vm_moved result = STA_VM_STAYED;
    /* Parts of a page would take along what else lies on it. */
    size_t in_page = sta_vm_page_bytes() - 1;
    bool whole = (((uintptr_t)to | (uintptr_t)from | bytes) & in_page) == 0;
    size_t last = bytes - in_page - 1;
    char *p = NULL;
    if (whole && can_move() &&
        !is_locked((char *)from + last, (char *)to + last, in_page + 1))
        p = move_away(from, bytes);
    if (p != NULL) {
        bool clear = sta_vm_purge(to, bytes); /* no page of it is locked */
        result = STA_VM_MOVED;
        if (!clear || mremap(p, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
                             to) == MAP_FAILED) {
            result = STA_VM_STAYED;
            if (clear && !fill_hole(to, bytes)) {
                result = STA_VM_LOST;
                atomic_store_explicit(&movable, NO, memory_order_relaxed);
            }
            memcpy(from, p, bytes);
            sta_vm_release(p, bytes);
        }
    }
    errno = saved;
    return result;
}

void sta_vm_huge(void *p, size_t bytes, bool wanted)
{
    advise(p, bytes, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

/* The kernel's number; its headers are not everywhere where a C library is. */
enum { FUTEX_CMP_REQUEUE_PRIVATE = 4 | 128 };

/* The kernel reads, as the program may have closed pages of its objects: by
 * futex(2), which compares a word with 0, and has nobody to wake. */
bool sta_vm_holds(const void *p)
{
    for (uintptr_t i = 0; i < 8; i++) {
        uintptr_t word = (uintptr_t)p + i * 520 + i % 2 * 4;
        if (sta_kernel(SYS_futex, (long)word, FUTEX_CMP_REQUEUE_PRIVATE, 0, 0,
                       (long)word ^ 64, 0) != 0)
            return true;
    }
    return false;
}

void sta_vm_seal(void *p, size_t bytes)
{
    bytes = whole_pages(&p, bytes);
    if (bytes != 0)
        protect(p, bytes, PROT_READ);
}

void sta_vm_touch(void *p, size_t bytes)
{
    volatile char *at = p;
    for (size_t i = 0; i < bytes; i += 4096)
        at[i] = at[i];
}

bool sta_vm_lock(void *p, size_t bytes)
{
    int saved = errno;
    bool done = mlock(p, bytes) == 0;
    errno = saved;
    return done;
}

/* Returns what /proc/self/status says of a quantity, which it has in KiB. */
static size_t status_bytes(const char *status, const char *name)
{
    const char *s = strstr(status, name);
    if (s == NULL)
        return 0;
    s += strlen(name);
    return read_number(&s) * 1024;
}

void sta_vm_resident(size_t *now, size_t *peak)
{
    /* Not getrusage: its peak is inherited over execve. */
    char text[4096];
    if (!read_file("/proc/self/status", text, sizeof text))
        text[0] = '\0';
    *now = status_bytes(text, "VmRSS:");
    *peak = status_bytes(text, "VmHWM:");
}
