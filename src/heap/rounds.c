/* SPDX-License-Identifier: MIT */
/*
 * A round ends with a fall: of what was in use three quarters are free.  The
 * next begins when as much as was left is taken once more, and 8 MiB.
 *
 * What goes back to the system in a fall comes again in the next round, each
 * page by a fault, and that may take longer than all the program does with it.
 * So where rounds are quick, and about as large as each other, memory is better
 * kept; where one takes a second or more, its faults are a few per cent of it.
 * The program may also rest after any fall and never come back: the more it is
 * that would be kept for nothing, the more rounds it takes.
 */
#include "heap/rounds.h"

#include "heap/config.h"
#include "os/clock.h"

static bool is_soon(const struct sta_rounds *r, uint64_t now_ns)
{
    return now_ns - r->fell_ns < STA_ROUND_NS;
}

static void begin_fall(struct sta_rounds *r, size_t used)
{
    uint64_t now_ns = sta_clock_rough();
    bool next = is_soon(r, now_ns) && r->high >= r->last_high / 2;
    r->count = next ? r->count + 1 : 0;
    r->fell_ns = now_ns;
    r->last_high = r->high;
    r->low = used;
    r->high = 0;
}

/* Returns what is to stay, as sta_rounds_note() does. */
static size_t units_to_stay(const struct sta_rounds *r)
{
    size_t most = STA_ROUNDS_KEEP_UNITS;
    size_t shares = r->last_high / STA_ROUNDS_SHARE_UNITS;
    size_t needed = shares * shares / 2;
    if (r->count == 0 || (r->count < needed && r->count < STA_ROUNDS_MOST))
        return 0;
    return r->last_high < most ? r->last_high : most;
}

size_t sta_rounds_note(struct sta_rounds *r, size_t used, uint32_t freed)
{
    size_t before = used + freed;
    size_t most = r->high != 0 ? r->high : 2 * r->low + STA_ROUND_UNITS;
    if (before > most)
        r->high = before;
    if (used < r->low)
        r->low = used;
    if (r->high != 0 && used <= r->high / 4)
        begin_fall(r, used);
    return units_to_stay(r);
}

bool sta_rounds_are_over(struct sta_rounds *r)
{
    if (r->count == 0 || is_soon(r, sta_clock_rough()))
        return false;
    r->count = 0;
    return true;
}
