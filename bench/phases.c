/* SPDX-License-Identifier: MIT */
/*
 * phases LIVE_MIB SESSION_KIB KEEP_PERCENT REST_MS: a server through a day.
 *
 * The program holds LIVE_MIB in sessions of SESSION_KIB, each one made of many
 * objects allocated together.  The sizes shift from phase to phase: in each,
 * every session ends once, in random order, and one with the new sizes takes
 * its place.  At last all but KEEP_PERCENT of the sessions end and the program
 * rests for REST_MS without a call.  What is resident then, beside what is
 * live, is what an allocator keeps from everybody else; what malloc_trim still
 * finds, what it could have given back.
 *
 * Each `sample` line has milliseconds, live KiB and resident KiB for the plot
 * of memory over time.
 */
#include <malloc.h>

#include "bench.h"

enum { PHASES = 5, SAMPLES_MAX = 2048 };

static const struct {
    size_t low, high;
} sizes[PHASES] = {
    {16, 64}, {100, 300}, {1000, 5000}, {8000, 60000}, {16, 2000}};

struct object {
    struct object *next;
    size_t size_bytes;
};

/* A session is a list of its objects, the newest first. */
static struct object **session;
static size_t session_count, session_bytes;
static size_t live_bytes, live_max_bytes;

static struct {
    size_t ms, live_kib, resident_kib;
} sample[SAMPLES_MAX];
static size_t sample_count;
static uint64_t start_ns;

static void take_sample(void)
{
    if (sample_count == SAMPLES_MAX)
        return;
    sample[sample_count].ms = (now_ns() - start_ns) / 1000000;
    sample[sample_count].live_kib = live_bytes >> 10;
    sample[sample_count++].resident_kib = resident_kib();
}

static void begin_session(size_t which, size_t phase, uint64_t *state)
{
    for (size_t sum = 0; sum < session_bytes;) {
        size_t size_bytes =
            random_between(state, sizes[phase].low, sizes[phase].high);
        struct object *object = make(size_bytes);
        *object = (struct object){session[which], size_bytes};
        session[which] = object;
        sum += size_bytes;
        live_bytes += size_bytes;
    }
    if (live_bytes > live_max_bytes)
        live_max_bytes = live_bytes;
}

static void end_session(size_t which)
{
    while (session[which] != NULL) {
        struct object *next = session[which]->next;
        live_bytes -= session[which]->size_bytes;
        free(session[which]);
        session[which] = next;
    }
}

static void shuffle(size_t *order, uint64_t *state)
{
    for (size_t i = session_count; i > 1; i--) {
        size_t other = random_below(state, i);
        size_t swap = order[i - 1];
        order[i - 1] = order[other];
        order[other] = swap;
    }
}

static void run_phase(size_t phase, size_t *order, uint64_t *state)
{
    shuffle(order, state);
    for (size_t i = 0; i < session_count; i++) {
        end_session(order[i]);
        begin_session(order[i], phase, state);
        if (i % (session_count / 32 + 1) == 0)
            take_sample();
    }
}

static void end_all_but(size_t keep_count, size_t *order, uint64_t *state)
{
    shuffle(order, state);
    for (size_t i = keep_count; i < session_count; i++) {
        end_session(order[i]);
        if (i % (session_count / 16 + 1) == 0)
            take_sample();
    }
}

static void rest(size_t rest_ms)
{
    for (int i = 0; i < 10; i++) {
        take_sample();
        sleep_ms((long)rest_ms / 10);
    }
    take_sample();
}

int main(int argc, char **argv)
{
    size_t live_mib = argument(argc, argv, 1, 200);
    session_bytes = argument(argc, argv, 2, 256) << 10;
    size_t keep_percent = argument(argc, argv, 3, 2);
    size_t rest_ms = argument(argc, argv, 4, 1000);
    uint64_t state = random_start(0);

    session_count = (live_mib << 20) / session_bytes;
    session = demand(calloc(session_count, sizeof *session));
    size_t *order = demand(calloc(session_count, sizeof *order));
    for (size_t i = 0; i < session_count; i++)
        order[i] = i;

    start_ns = now_ns();
    for (size_t phase = 0; phase < PHASES; phase++)
        run_phase(phase, order, &state);
    end_all_but(session_count * keep_percent / 100, order, &state);
    size_t freed_kib = resident_kib();
    rest(rest_ms);
    size_t rested_kib = resident_kib();
    malloc_trim(0);
    size_t trimmed_kib = resident_kib();
    take_sample();

    print_result("live_max_kib", live_max_bytes >> 10);
    print_result("live_kept_kib", live_bytes >> 10);
    print_result("rss_after_free_kib", freed_kib);
    print_result("rss_rested_kib", rested_kib);
    print_result("rss_trimmed_kib", trimmed_kib);
    for (size_t i = 0; i < sample_count; i++)
        printf("sample %zu %zu %zu\n", sample[i].ms, sample[i].live_kib,
               sample[i].resident_kib);
    return 0;
}
