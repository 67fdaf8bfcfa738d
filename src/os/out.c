/* SPDX-License-Identifier: MIT */
/* Formatted output without allocation; see out.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os/out.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "os/kernel.h"

/* A set of signals as the kernel has it. */
struct signals {
    unsigned long word[_NSIG / 8 / sizeof(unsigned long)];
};

/*
 * Writes without the signal that a pipe nobody reads any more would send: the
 * program did not ask for this text, and is not to end by it.  Returns what
 * was written, or -E....
 */
static long write_quietly(int fd, const char *text, size_t len)
{
    const unsigned long bit = 1ul << (SIGPIPE - 1);
    const struct signals pipe = {{bit}};
    struct signals pending = {{0}};
    struct signals mask = {{0}};
    long refused = sta_kernel(SYS_rt_sigprocmask, SIG_BLOCK, (long)&pipe,
                              (long)&mask, sizeof mask);
    if (mask.word[0] & bit) /* else none can have been pending */
        sta_kernel(SYS_rt_sigpending, (long)&pending, sizeof pending);
    long n = sta_kernel(SYS_write, fd, (long)text, (long)len);
    if (n == -EPIPE && (pending.word[0] & bit) == 0) {
        const long at_once[4] = {0}; /* a timespec of either size */
        sta_kernel(SYS_rt_sigtimedwait, (long)&pipe, 0, (long)at_once,
                   sizeof pipe);
    }
    if (!refused)
        sta_kernel(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0,
                   sizeof mask);
    return n;
}

void sta_out_flush(struct sta_out *o)
{
    for (size_t done = 0; done < o->len && o->error == 0;) {
        long n = write_quietly(o->fd, o->text + done, o->len - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0) /* nor would it take any the next time */
            o->error = EIO;
        else if (n != -EINTR)
            o->error = (int)-n;
    }
    o->len = 0;
}

static void put(struct sta_out *o, char c)
{
    if (o->len == o->size)
        sta_out_flush(o);
    o->text[o->len++] = c;
}

/* Puts `len` bytes padded with blanks to `width`, on the left unless `left`. */
static void put_padded(struct sta_out *o, const char *s, size_t len,
                       size_t width, bool left)
{
    for (size_t i = len; !left && i < width; i++)
        put(o, ' ');
    for (size_t i = 0; i < len; i++)
        put(o, s[i]);
    for (size_t i = len; left && i < width; i++)
        put(o, ' ');
}

enum { NUMBER_MAX = 32 };

/* Writes `n` in `base` at the end of `to`; returns where it begins. */
static char *number(char to[NUMBER_MAX], uint64_t n, unsigned base)
{
    char *s = to + NUMBER_MAX;
    do
        *--s = "0123456789abcdef"[n % base];
    while ((n /= base) != 0);
    return s;
}

/* Writes bytes as people read them: 832 B, 4.0 KiB, 46.9 GiB. */
static char *human(char to[NUMBER_MAX], uint64_t bytes)
{
    static const char *const units[] = {" B",   " KiB", " MiB",
                                        " GiB", " TiB", " PiB"};
    unsigned unit = 0;
    uint64_t tenths = bytes * 10;
    if (bytes >= UINT64_MAX / 20)
        tenths = UINT64_MAX / 2;
    while (tenths >= 10240 && unit < 5) {
        tenths /= 1024;
        unit++;
    }
    size_t unit_len = strlen(units[unit]);
    char digits[NUMBER_MAX];
    char *whole = number(digits, tenths / 10, 10);
    size_t whole_len = (size_t)(digits + NUMBER_MAX - whole);
    size_t fraction_len = unit ? 2 : 0;
    char *s = to + NUMBER_MAX - unit_len - fraction_len - whole_len;
    memcpy(s, whole, whole_len);
    if (unit) {
        s[whole_len] = '.';
        s[whole_len + 1] = (char)('0' + tenths % 10);
    }
    memcpy(to + NUMBER_MAX - unit_len, units[unit], unit_len);
    return s;
}

/* Puts a number as the conversion `kind` has it. */
static void put_number(struct sta_out *o, char kind, uint64_t value,
                       size_t width, bool left)
{
    char digits[NUMBER_MAX];
    char *s;
    if (kind == 'B') {
        s = human(digits, value);
    } else if (kind == 'd' && (int64_t)value < 0) {
        s = number(digits, -value, 10);
        *--s = '-';
    } else if (kind == 'p') {
        s = number(digits, value, 16);
        *--s = 'x';
        *--s = '0';
    } else {
        s = number(digits, value, kind == 'x' ? 16 : 10);
    }
    put_padded(o, s, (size_t)(digits + NUMBER_MAX - s), width, left);
}

void sta_out_vprint(struct sta_out *o, const char *f, va_list args)
{
    for (; *f != '\0'; f++) {
        if (*f != '%') {
            put(o, *f);
            continue;
        }
        bool left = *++f == '-';
        size_t width = 0;
        for (f += left; *f >= '0' && *f <= '9'; f++)
            width = width * 10 + (size_t)(*f - '0');
        bool wide = *f == 'l' || *f == 'z';
        bool widest = *f == 'j';
        f += wide || widest;
        if (*f == 's') {
            const char *s = va_arg(args, const char *);
            put_padded(o, s, strlen(s), width, left);
        } else if (*f == 'c') {
            char c = (char)va_arg(args, int);
            put_padded(o, &c, 1, width, left);
        } else if (*f == '%') {
            put(o, '%');
        } else if (*f == 'p') {
            put_number(o, 'p', (uintptr_t)va_arg(args, const void *), width,
                       left);
        } else if (*f == 'd') {
            long n = wide ? va_arg(args, long) : va_arg(args, int);
            put_number(o, 'd', (uint64_t)n, width, left);
        } else {
            uintmax_t n = widest              ? va_arg(args, uintmax_t)
                          : wide || *f == 'B' ? va_arg(args, size_t)
                                              : va_arg(args, unsigned);
            put_number(o, *f, n, width, left);
        }
    }
}

void sta_out_print(struct sta_out *o, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sta_out_vprint(o, format, args);
    va_end(args);
}

/* Of all calls that tell of a file this one has one layout on every machine. */
struct sta_file sta_out_file(int fd)
{
    enum { EMPTY_PATH = 0x1000, INODE = 0x100 };
    struct {
        uint32_t before[8];
        uint64_t inode;
        uint32_t between[24];
        uint32_t device[2];
        uint32_t after[28];
    } found = {.inode = 0};
    static_assert(sizeof found == 256, "the kernel writes so much");
    sta_kernel(SYS_statx, fd, (long)"", EMPTY_PATH, INODE, (long)&found);
    return (struct sta_file){found.inode, {found.device[0], found.device[1]}};
}

int sta_out_copy(int fd, int least)
{
    long copy = sta_kernel(SYS_fcntl, fd, F_DUPFD_CLOEXEC, least);
    return copy < 0 ? -1 : (int)copy;
}

void sta_out_close(int fd)
{
    sta_kernel(SYS_close, fd);
}
