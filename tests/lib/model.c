/* SPDX-License-Identifier: MIT */
/* The oracle: see model.h. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

void model_init(struct model *m, uint32_t capacity)
{
    *m = (struct model){calloc(capacity + 1, 1), 0, capacity, 0};
    if (!m->units)
        abort();
}

void model_destroy(struct model *m)
{
    free(m->units);
}

void model_extend(struct model *m, uint32_t count)
{
    memset(m->units + m->count, '.', count);
    m->count += count;
}

void model_draw(struct model *m, const char *drawing)
{
    m->count = (uint32_t)strlen(drawing);
    memcpy(m->units, drawing, m->count + 1);
}

uint32_t model_length(const struct model *m, uint32_t first, char kind)
{
    uint32_t count = 0;
    while (first + count < m->count && m->units[first + count] == kind)
        count++;
    return count;
}

uint32_t model_next(const struct model *m, uint32_t from)
{
    while (from < m->count && m->units[from] != '.')
        from++;
    return from < m->count ? from : MODEL_NONE;
}

uint32_t model_fit(const struct model *m, uint32_t count, uint32_t align,
                   uint32_t tries)
{
    uint32_t lowest = MODEL_NONE; /* the place, when too late in the order */
    uint32_t first = model_next(m, 0);
    while (first != MODEL_NONE) {
        uint32_t length = model_length(m, first, '.');
        uint32_t place = first;
        while ((place + m->phase) % align != 0)
            place++;
        bool fits = place + count <= first + length;
        if (fits && (tries > 0 || length >= count + align - 1))
            return place;
        if (fits && lowest == MODEL_NONE)
            lowest = place;
        if (tries > 0 && length >= count)
            tries--;
        first = model_next(m, first + length);
    }
    return lowest;
}

void model_set(struct model *m, uint32_t first, uint32_t count, char to)
{
    memset(m->units + first, to, count);
}

uint32_t model_largest(const struct model *m)
{
    uint32_t largest = 0;
    uint32_t first = 0;
    while ((first = model_next(m, first)) != MODEL_NONE) {
        uint32_t length = model_length(m, first, '.');
        largest = length > largest ? length : largest;
        first += length;
    }
    return largest;
}

uint32_t model_free_count(const struct model *m)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->count; i++)
        count += m->units[i] == '.';
    return count;
}
