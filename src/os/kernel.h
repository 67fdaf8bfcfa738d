/* SPDX-License-Identifier: MIT */
/*
 * System calls that nobody comes between.
 *
 * What a C library exports, a program or a library may replace: those that
 * watch files, tell another time or have a user seem root replace open, fstat,
 * clock_gettime, and syscall() as well.  Such a function may allocate, and
 * would then wait for a lock that its caller here holds.  Many are cancellation
 * points, too, and what a sanitizer replaces cannot be called before it
 * started.
 *
 * mmap and its kin are called by their names all the same: who keeps account of
 * a process's memory, a sanitizer or a network's driver, has to hear of ours.
 */
#ifndef STA_OS_KERNEL_H
#define STA_OS_KERNEL_H

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns what the kernel does: a result, or -E....  errno stays. */
static inline long sta_kernel_call(long number, const long a[6])
{
    long result;
#if defined(__x86_64__) && defined(__LP64__)
    register long r10 __asm__("r10") = a[3];
    register long r8 __asm__("r8") = a[4];
    register long r9 __asm__("r9") = a[5];
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10),
                       "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
#elif defined(__i386__)
    /* The sixth goes in the frame pointer, when all others are in place. */
    __asm__ volatile("push %7\n\t"
                     "push %%ebp\n\t"
                     "mov 4(%%esp), %%ebp\n\t"
                     "int $0x80\n\t"
                     "pop %%ebp\n\t"
                     "add $4, %%esp"
                     : "=a"(result)
                     : "a"(number), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]),
                       "D"(a[4]), "g"(a[5])
                     : "memory");
#elif defined(__aarch64__) && defined(__LP64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a[0];
    register long x1 __asm__("x1") = a[1];
    register long x2 __asm__("x2") = a[2];
    register long x3 __asm__("x3") = a[3];
    register long x4 __asm__("x4") = a[4];
    register long x5 __asm__("x5") = a[5];
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    result = x0;
#elif defined(__riscv) && defined(__LP64__)
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = a[0];
    register long a1 __asm__("a1") = a[1];
    register long a2 __asm__("a2") = a[2];
    register long a3 __asm__("a3") = a[3];
    register long a4 __asm__("a4") = a[4];
    register long a5 __asm__("a5") = a[5];
    __asm__ volatile("ecall"
                     : "+r"(a0)
                     : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
                     : "memory");
    result = a0;
#else
    int saved = errno;
    result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (result == -1)
        result = -errno;
    errno = saved;
#endif
    return result;
}

/* Calls the kernel with up to six arguments, pointers cast to long. */
#define sta_kernel(number, ...)                                                \
    sta_kernel_call(number, (const long[6]){__VA_ARGS__})

#endif
