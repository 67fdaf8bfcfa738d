/* SPDX-License-Identifier: MIT */
/*
 * The oracle of everything that manages units: a byte a unit, and loops that
 * are too simple to be wrong.
 *
 * It is also how states are drawn in tests: '#' is a used unit, '.' a free one.
 */
#ifndef TESTS_LIB_MODEL_H
#define TESTS_LIB_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_NONE UINT32_MAX

struct model {
    char *units; /* '#' or '.', and a 0 behind the last */
    uint32_t count, capacity;
    uint32_t phase; /* added to a unit before it is aligned */
};

void model_init(struct model *m, uint32_t capacity);
void model_destroy(struct model *m);
void model_extend(struct model *m, uint32_t count);

/* Makes the units those of a drawing. */
void model_draw(struct model *m, const char *drawing);

/*
 * The lowest place for `count` units at a multiple of `align` among the first
 * `tries` free runs that are long enough; else the lowest run of
 * count + align - 1; else the lowest place of all.
 */
uint32_t model_fit(const struct model *m, uint32_t count, uint32_t align,
                   uint32_t tries);

void model_set(struct model *m, uint32_t first, uint32_t count, char to);

/* Returns how many units from `first` on are `kind`. */
uint32_t model_length(const struct model *m, uint32_t first, char kind);

/* The first free unit at or after `from`, or MODEL_NONE. */
uint32_t model_next(const struct model *m, uint32_t from);

uint32_t model_largest(const struct model *m);
uint32_t model_free_count(const struct model *m);

#endif
