/* SPDX-License-Identifier: MIT */
/* A C++ program linked with -lstalloc: new is ours, and throws. */
#include <cstdio>
#include <map>
#include <new>
#include <string>

#include "stalloc/malloc.h"

int main()
{
    struct sta_stats before, after;
    std::map<int, std::string> all;
    bool caught = false;

    sta_stats_get(&before, sizeof before);
    for (int i = 0; i < 10000; i++)
        all[i] = std::string((size_t)(i % 200), 'x');
    sta_stats_get(&after, sizeof after);
    if (after.total_count < before.total_count + 10000)
        return 1;
    try {
        volatile size_t impossible = ~(size_t)0 / 4 * 3;
        ::operator delete(::operator new(impossible));
    } catch (const std::bad_alloc &) {
        caught = true;
    }
    if (!caught || !sta_is_active())
        return 1;
    std::puts("linked");
    return 0;
}
