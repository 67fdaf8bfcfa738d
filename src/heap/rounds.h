/* SPDX-License-Identifier: MIT */
/*
 * Whether a program works in rounds: takes memory, frees nearly all of it, and
 * soon does the same again.
 */
#ifndef STA_HEAP_ROUNDS_H
#define STA_HEAP_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sta_rounds {
    size_t high;      /* most units in use since the last fall; 0: it goes on */
    size_t low;       /* least units in use in that fall */
    size_t last_high; /* most units in use before it */
    uint64_t fell_ns; /* when it began */
    uint32_t count;   /* falls so far, each soon after the one before */
};

/* Notes that `freed` units came back and `used` are in use now.  Returns how
 * many are to stay resident for the next round, those in use included; 0 when
 * the program does not work in rounds. */
size_t sta_rounds_note(struct sta_rounds *r, size_t used, uint32_t freed);

/* Ends what sta_rounds_note() found, when the last round was long ago. */
bool sta_rounds_are_over(struct sta_rounds *r);

#endif
