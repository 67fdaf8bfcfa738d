/* SPDX-License-Identifier: MIT */
/*
 * How much memory is resident follows what the program uses, whether or not
 * the system gives huge pages: a page that was never written is not there, and
 * what was freed goes back without a call that asks for it.
 */
#include "check.h"

enum { KIB = 1024, MIB = 1024 * 1024, PAGE = 4096, TABLES = 100 };

/* 400 MiB of tables of which one page in 64 is written. */
static void sparse_tables_stay_sparse(void)
{
    enum { BYTES = 4 * MIB };
    static char *table[TABLES];
    long before = status_kib("VmRSS");

    for (size_t i = 0; i < TABLES; i++) {
        table[i] = calloc(1, BYTES);
        REQUIRE(table[i] != NULL);
        for (size_t at = 0; at < BYTES; at += 64 * PAGE)
            table[i][at] = 1;
    }
    CHECK(status_kib("VmRSS") < before + 16 * KIB);
    for (size_t i = 0; i < TABLES; i++)
        free(table[i]);
}

int main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"sparse_tables_stay_sparse", sparse_tables_stay_sparse},
    };

    return check_main(argc, argv, cases, COUNT_OF(cases));
}
