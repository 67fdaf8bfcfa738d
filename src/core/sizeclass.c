/* SPDX-License-Identifier: MIT */
/* The table behind sta_class_of(); tests/unit/sizeclass.c checks each entry. */
#include "core/sizeclass.h"

/* clang-format off */
const uint8_t sta_class_table[STA_CLASS_TABLE_MAX / 16 + 1] = {
    0, /* malloc(0) is an object of the smallest class */
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,     /* to  256 */
    16, 16, 17, 17, 18, 18, 19, 19, 20, 20, 21, 21, 22, 22, 23, 23, /* 512 */
    24, 24, 24, 24, 24, 24, 24, 24, 25, 25, 25, 25, 25, 25, 25, 25, /* 768 */
    26, 26, 26, 26, 26, 26, 26, 26, 27, 27, 27, 27, 27, 27, 27, 27, /* 1024 */
};
/* clang-format on */
