// SPDX-License-Identifier: MIT
//
// C++ containers over the family: they live where they were told to, move along
// with their allocator, and a refusal is std::bad_alloc.
#include <stalloc/arena.h>
#include <stalloc/stalloc.hpp>
#include <stalloc/watch.h>

#include <list>
#include <map>
#include <memory_resource>
#include <string>
#include <vector>

#include "tests/lib/check.h"

namespace
{

alignas(64) unsigned char memory[16384];

struct place {
    sta_arena arena;
    sta_counting counting;
    sta_allocator inside;

    place()
    {
        REQUIRE(sta_arena_init(&arena, memory, sizeof memory, 16) == STA_OK);
        inside = sta_counting_init(&counting, sta_arena_allocator(&arena));
    }
};

void pmr_containers_live_in_the_arena()
{
    place here;
    {
        sta::resource resource(here.inside);
        std::pmr::map<int, std::pmr::string> names(&resource);

        for (int i = 0; i < 50; i++)
            names[i] = "a string that is longer than a small string is";
        for (const auto &entry : names)
            CHECK(sta_arena_owns(&here.arena, entry.second.data()));
        names.erase(25);
        CHECK(names.size() == 49);
        sta::resource same(here.inside);
        CHECK(resource.is_equal(same));
        CHECK(!resource.is_equal(*std::pmr::new_delete_resource()));
    }
    CHECK(sta_arena_is_empty(&here.arena) && here.counting.live_bytes == 0);
}

void containers_take_their_allocator_along()
{
    place here;
    {
        sta::allocator<int> in_arena(here.inside);
        std::vector<int, sta::allocator<int>> numbers(in_arena);
        std::list<int, sta::allocator<int>> list(in_arena);

        for (int i = 0; i < 500; i++)
            numbers.push_back(i);
        list.assign(100, 7);
        auto moved = std::move(numbers);
        CHECK(moved.size() == 500 && moved[499] == 499);
        CHECK(sta_arena_owns(&here.arena, moved.data()));
        CHECK(list.get_allocator() == in_arena);
    }
    CHECK(sta_arena_is_empty(&here.arena) && here.counting.live_bytes == 0);
}

void a_refusal_throws()
{
    place here;
    sta::allocator<long> in_arena(here.inside);
    sta::resource resource(here.inside);
    int caught = 0;

    try {
        in_arena.allocate(100000);
    } catch (const std::bad_alloc &) {
        caught++;
    }
    try {
        in_arena.allocate(static_cast<std::size_t>(-1) / 2);
    } catch (const std::bad_array_new_length &) {
        caught++;
    }
    try {
        std::pmr::vector<char> too_large(100000, &resource);
    } catch (const std::bad_alloc &) {
        caught++;
    }
    CHECK(caught == 3);
    long *none = in_arena.allocate(0); // must be freeable, as is any other
    in_arena.deallocate(none, 0);
    CHECK(sta_arena_is_empty(&here.arena));
}

} // namespace

int main()
{
    pmr_containers_live_in_the_arena();
    containers_take_their_allocator_along();
    a_refusal_throws();
    return check_status();
}
