/* SPDX-License-Identifier: MIT */
/*
 * Formatted output to a descriptor, without allocation, locks or stdio.
 *
 * For messages in the middle of malloc, and statistics in a process whose
 * stdio may be closed.  Text gathers in the caller's buffer and is written
 * when it is full and at sta_out_flush().
 */
#ifndef STA_OS_OUT_H
#define STA_OS_OUT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attr.h"

struct sta_out {
    int fd;
    int error;  /* errno of the first write that failed, else 0 */
    size_t len; /* bytes waiting in text */
    size_t size;
    char *text;
};

static inline void sta_out_init(struct sta_out *o, int fd, char *text,
                                size_t size)
{
    *o = (struct sta_out){.fd = fd, .size = size, .text = text};
}

/*
 * Appends text.  Knows %s %c %d %u %x (with l, z or j), %p and %%, a width, and
 * the flag '-' to pad on the right; `%B`, our own, takes a size_t, or a
 * uintmax_t with j, and prints it as bytes a person reads ("64.0 MiB").
 */
void sta_out_print(struct sta_out *o, const char *format, ...);
void sta_out_vprint(struct sta_out *o, const char *format, va_list args);

/* Writes what is waiting.  Leaves errno as it was. */
void sta_out_flush(struct sta_out *o);

/* Which file a descriptor is of; all 0 when the system does not tell. */
struct sta_file {
    uint64_t inode;
    uint32_t device[2];
};

/* Looks at a descriptor.  Leaves errno as it was. */
struct sta_file sta_out_file(int fd);

/* Returns a copy of a descriptor, not below `least` and closed on exec, or -1.
 * Leaves errno as it was. */
int sta_out_copy(int fd, int least);

/* Closes one.  Leaves errno as it was. */
void sta_out_close(int fd);

#endif
