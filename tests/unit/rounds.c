/* SPDX-License-Identifier: MIT */
/*
 * What is told apart as rounds (heap/rounds.h), by the number of units in use.
 *
 * All is noted within milliseconds; what a second without a round does is in
 * tests/malloc/rounds.c.
 */
#include "heap/rounds.h"

#include "heap/config.h"
#include "tests/lib/check.h"

enum { MIB = 256 /* units */ };

static struct sta_rounds rounds;

/* Frees from `high` down to `low`, in so many steps; what is to stay then. */
static size_t fall(size_t high, size_t low, uint32_t steps)
{
    size_t stay = 0;
    uint32_t step = (uint32_t)((high - low) / steps);
    for (size_t used = high; used > low; used -= step)
        stay = sta_rounds_note(&rounds, used - step, step);
    return stay;
}

/* Returns after how many falls more than the first one all is to stay. */
static int falls_needed(size_t high, size_t low, uint32_t steps)
{
    int falls = -1;
    size_t stay = 0;
    rounds = (struct sta_rounds){0};
    while (stay == 0 && ++falls < 100)
        stay = fall(high, low, steps);
    CHECK(stay == 0 || stay == (high < 256 * MIB ? high : 256 * MIB));
    return falls;
}

static void the_more_it_is_the_more_rounds_it_takes(void)
{
    CHECK(falls_needed(10 * MIB, 0, 10) == 1);
    CHECK(falls_needed(31 * MIB, 0, 31) == 1);
    CHECK(falls_needed(32 * MIB, 0, 32) == 2);
    CHECK(falls_needed(64 * MIB, 0, 1) == 8);
    CHECK(falls_needed(64 * MIB, 0, 8192) == 8); /* each counts as one */
    CHECK(falls_needed(200 * MIB, 40 * MIB, 100) == 32);
    CHECK(falls_needed(1000 * MIB, 200 * MIB, 100) == 32);
}

static void others_are_no_rounds(void)
{
    CHECK(falls_needed(4 * MIB, 0, 4) == 100); /* too small */
    CHECK(falls_needed(100 * MIB, 26 * MIB, 74) == 100);
    CHECK(falls_needed(100 * MIB, 99 * MIB, 1) == 100);
}

static void a_much_smaller_one_ends_them(void)
{
    CHECK(falls_needed(100 * MIB, 0, 10) == 18);
    CHECK(fall(60 * MIB, 0, 10) == 60 * MIB);
    CHECK(fall(20 * MIB, 0, 10) == 0);
    CHECK(fall(20 * MIB, 0, 10) == 20 * MIB);
}

int main(void)
{
    the_more_it_is_the_more_rounds_it_takes();
    others_are_no_rounds();
    a_much_smaller_one_ends_them();
    return check_status();
}
