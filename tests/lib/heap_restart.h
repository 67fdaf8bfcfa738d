/* SPDX-License-Identifier: MIT */
/*
 * Many lives of the heap in one process, and threads that are played by one:
 * for tests that link the heap by its internal door and want each life to begin
 * the same, such as the fuzzer.
 *
 * A program that includes this links with -Wl,--wrap=pthread_key_create, which
 * is how the end of a thread's heap can be had without the end of a thread.
 */
#ifndef TESTS_LIB_HEAP_RESTART_H
#define TESTS_LIB_HEAP_RESTART_H

#include <setjmp.h>

#include "heap/heap.h"

/*
 * Forgets all that the heap holds and starts it anew with these options; false
 * when there is no memory.
 */
bool heap_restart(const struct sta_options *options);

/* Ends the heap of the thread that is played, as the end of a thread does. */
void heap_end_thread(void);

/*
 * What sta_die() would have said last, as its format; NULL when it was not
 * called.  It jumps to `heap_death` instead of ending the process.
 */
extern const char *volatile heap_last_words;
extern jmp_buf heap_death;

#endif
