/* SPDX-License-Identifier: MIT */
/*
 * One misuse of memory inside an arena, named by the argument, which memcheck
 * must find: memcheck.sh builds this with STA_VALGRIND and looks at the report.
 *
 *     memcheck none|overflow|after-free|undefined [indexed]
 */
#include <stalloc/arena.h>

#include <string.h>

static _Alignas(16) unsigned char memory[4096];
static _Alignas(8) unsigned char index_memory[2048];

int main(int argc, char **argv)
{
    struct sta_arena a;
    enum sta_err err =
        argc > 2 ? sta_arena_init_indexed(&a, memory, sizeof memory, 16,
                                          index_memory, sizeof index_memory)
                 : sta_arena_init(&a, memory, sizeof memory, 16);
    if (argc < 2 || err != STA_OK)
        return 2;
    /* All that is right: every byte of a block, resizes, the arena's own. */
    char *p = sta_arena_alloc(&a, 20, 1);
    char *q = sta_arena_alloc(&a, 20, 1);
    memset(p, 1, 20);
    memset(q, 1, 20);
    q = sta_arena_realloc(&a, q, 20, 50, 1);
    memset(q, 1, 50);
    sta_arena_free(&a, p, 20);
    p = sta_arena_zalloc(&a, 10, 1);
    q = sta_arena_realloc(&a, q, 50, 30, 1);
    if (sta_arena_audit(&a) != STA_OK)
        return 2;
    volatile char *wrong = p;
    if (strcmp(argv[1], "overflow") == 0)
        wrong[10] = 1; /* inside the block, beyond what was asked for */
    if (strcmp(argv[1], "undefined") == 0) {
        wrong = sta_arena_alloc(&a, 10, 1);
        if (wrong[3] == 7)
            memory[0] = 1;
    }
    sta_arena_free(&a, p, 10);
    if (strcmp(argv[1], "after-free") == 0)
        wrong[0] = 1;
    sta_arena_clear(&a);
    sta_arena_destroy(&a);
    memset(memory, 0, sizeof memory);
    return 0;
}
