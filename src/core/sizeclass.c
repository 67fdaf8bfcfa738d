/* SPDX-License-Identifier: MIT */
/* The tables of sizeclass.h; tests/unit/sizeclass.c checks each entry. */
#include "core/sizeclass.h"

/* clang-format off */
const uint8_t sta_class_table[STA_CLASS_TABLE_MAX / 16 + 1] = {
    0, /* malloc(0) is an object of the smallest class */
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,     /* to  256 */
    16, 16, 17, 17, 18, 18, 19, 19, 20, 20, 21, 21, 22, 22, 23, 23, /* 512 */
    24, 24, 24, 24, 24, 24, 24, 24, 25, 25, 25, 25, 25, 25, 25, 25, /* 768 */
    26, 26, 26, 26, 26, 26, 26, 26, 27, 27, 27, 27, 27, 27, 27, 27, /* 1024 */
};

const uint16_t sta_class_size[STA_CLASS_COUNT + 1] = {
    16, 32, 48, 64, 80, 96, 112, 128,
    144, 160, 176, 192, 208, 224, 240, 256,
    288, 320, 352, 384, 416, 448, 480, 512,
    640, 768, 896, 1024, 1280, 1536, 1792, 2048,
    2560, 3072, 3584, 4096,
    4608, 5120, 5632, 6144, 6656, 7168, 7680, 8192,
    10240, 12288, 14336, 16384,
    0,
};
/* clang-format on */
