/* SPDX-License-Identifier: MIT */
/* What the soak asks of the system: limits, and what is resident. */
#ifndef TESTS_STRESS_SOAK_SYSTEM_H
#define TESTS_STRESS_SOAK_SYSTEM_H

#include "../malloc/check.h"

#include <stdbool.h>

#include "heap/pages.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

/* Addresses are what is limited, so that reservations are small and many. */
static bool few_addresses;

/* True under tools whose own memory must not be limited. */
static bool is_under_a_tool(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return (preload != NULL && strstr(preload, "vgpreload") != NULL) ||
           check_is_emulated() || check_symbol("__asan_init") != NULL ||
           check_symbol("__tsan_init") != NULL;
}

/* Lets memory grow by so many bytes only; SIZE_MAX for any. */
static void limit(size_t bytes)
{
    struct rlimit most;
    size_t now = (size_t)status_kib(few_addresses ? "VmSize" : "VmData");

    REQUIRE((few_addresses ? getrlimit(RLIMIT_AS, &most)
                           : getrlimit(RLIMIT_DATA, &most)) == 0);
    most.rlim_cur =
        bytes == SIZE_MAX ? most.rlim_max : (rlim_t)now * KIB + bytes;
    REQUIRE((few_addresses ? setrlimit(RLIMIT_AS, &most)
                           : setrlimit(RLIMIT_DATA, &most)) == 0);
}

/* Bytes of the heap's reservations that are resident. */
static size_t resident(void)
{
    char line[512];
    uintptr_t first = 0;
    uintptr_t end = 0;
    size_t kib = 0;
    size_t sum = 0;
    FILE *maps = fopen("/proc/self/smaps", "re");

    REQUIRE(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%zx-%zx ", &first, &end) == 2 ||
            sscanf(line, "Rss: %zu kB", &kib) != 1)
            continue;
        for (uint32_t i = 0; i < sta_region_count; i++) {
            uintptr_t from = (uintptr_t)sta_regions[i].reservation;
            if (first >= from && end <= from + sta_regions[i].reservation_bytes)
                sum += kib * KIB;
        }
    }
    fclose(maps);
    return sum;
}

#endif
