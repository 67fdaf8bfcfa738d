/* SPDX-License-Identifier: MIT */
/* Size classes: the tables say what the formulas say, and each size is served
 * by the smallest class that holds it. */
#include "core/sizeclass.h"

#include "../lib/check.h"

int main(void)
{
    for (uint32_t c = 0; c < STA_CLASS_COUNT; c++) {
        CHECK(sta_class_size[c] == sta_class_bytes(c));
        CHECK(sta_class_bytes(c) % 16 == 0);
        CHECK(c == 0 || sta_class_bytes(c) > sta_class_bytes(c - 1));
    }
    CHECK(sta_class_bytes(STA_CLASS_COUNT - 1) == STA_CLASS_SIZE_MAX);
    for (size_t size = 0; size <= STA_CLASS_SIZE_MAX; size++) {
        uint32_t c = sta_class_of(size);
        CHECK(sta_class_bytes(c) >= size);
        CHECK(c == 0 || sta_class_bytes(c - 1) < size);
    }
    for (size_t align = 16; align <= STA_CLASS_SIZE_MAX; align *= 2)
        for (size_t size = align; size <= STA_CLASS_SIZE_MAX; size += align)
            CHECK(sta_class_bytes(sta_class_of(size)) % align == 0);
    return check_status();
}
