/* SPDX-License-Identifier: MIT */
/*
 * Address space and pages: the only mmap, mprotect, madvise and mremap.
 *
 * No function here changes errno: malloc and free report errors their own
 * way, and free may not touch errno at all.  Addresses and lengths are
 * multiples of the system's page size unless a comment says otherwise.
 */
#ifndef STA_OS_VM_H
#define STA_OS_VM_H

#include <stdbool.h>
#include <stddef.h>

/* Returns the system's page size in bytes, read at run time. */
size_t sta_vm_page_bytes(void);

/* Returns the bytes of physical memory of this machine. */
size_t sta_vm_memory_bytes(void);

/* Returns how many mappings a process may have. */
size_t sta_vm_mappings_most(void);

/* Returns the bytes that RLIMIT_AS and RLIMIT_DATA leave, or SIZE_MAX. */
size_t sta_vm_space_left(void);

/* Returns the memory limit of this process's cgroup in bytes, or SIZE_MAX. */
size_t sta_vm_cgroup_limit(void);

/*
 * Reserves addresses without access or commit charge; NULL when the system
 * refuses.  mlockall, fork and core dumps pay nothing for them.
 */
void *sta_vm_reserve(size_t bytes);

/* Gives addresses back. */
void sta_vm_release(void *p, size_t bytes);

/* Makes reserved pages usable and zero; false when the system refuses. */
bool sta_vm_commit(void *p, size_t bytes);

/* Makes reserved pages readable, as zeros; they still charge nothing. */
bool sta_vm_commit_zero(void *p, size_t bytes);

/*
 * Gives the contents of whole system pages inside [p, p + bytes) back; they
 * read as zero afterwards.  p and bytes need not be aligned.  Returns false
 * when the system refuses, as it does from the first page on that is locked:
 * those in front of it are gone all the same.
 */
bool sta_vm_purge(void *p, size_t bytes);

/* Has all of [p, p + bytes) read as zero: whole pages go as above, and what is
 * left at both ends is written to.  False as above, some of it then zero. */
bool sta_vm_clear(void *p, size_t bytes);

/*
 * Takes usable pages back to reserved ones: contents go, any access is a fault.
 * Returns false, with the pages still usable, when the system refuses.
 */
bool sta_vm_close(void *p, size_t bytes);

enum sta_vm_moved {
    STA_VM_MOVED,
    STA_VM_STAYED, /* nothing was moved */
    STA_VM_LOST    /* nothing was moved, and there may be no memory at `to` */
};

/* Moves the pages at `from` to `to`, leaving zero pages at `from`, if the
 * system can and they are whole pages of it that the program has not locked.
 * Both ranges are committed. */
enum sta_vm_moved sta_vm_move(void *to, void *from, size_t bytes);

/* True when anything but zero is found in 4 KiB of the program's memory: eight
 * words of it are looked at. */
bool sta_vm_holds(const void *p);

/* Asks for huge pages, or for none, in [p, p + bytes). */
void sta_vm_huge(void *p, size_t bytes, bool wanted);

/* Makes whole system pages inside [p, p + bytes) read-only. */
void sta_vm_seal(void *p, size_t bytes);

/* Makes every page of [p, p + bytes) resident; contents stay. */
void sta_vm_touch(void *p, size_t bytes);

/* Locks the pages in memory, touching each; false when refused. */
bool sta_vm_lock(void *p, size_t bytes);

/* Returns the resident set of this process in bytes, and its peak. */
void sta_vm_resident(size_t *now, size_t *peak);

#endif
