/* SPDX-License-Identifier: MIT */
/*
 * A program may have an operator new and delete of its own, and leave the other
 * forms to the C++ library, which makes them of the program's.
 *
 * Many programs do, to count or to put a header in front of each object.  Here
 * new does both, and asks malloc for far more than it was asked for, so that
 * the size which the compiler hands to delete suits nothing of malloc's.
 *
 * Could fail: the library under test serves the nothrow forms, those for arrays
 * or those with a size by itself, so that an object which it allocated comes to
 * the program's delete (no header), or one with a header to its own.
 */
#include "check.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <vector>

/* That the program has none with a size is the point. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wsized-deallocation"
#endif

namespace
{

struct Header {
    uint64_t magic;
    char room[200];
    size_t align; /* 0: of the plain form */
};

const uint64_t magic = UINT64_C(0x5afe0b1ec7c0ffee);
const size_t impossible = IMPOSSIBLE;
int live, made;
void *sink; /* so that no call of new is left out */

struct alignas(64) Wide {
    char bytes[128];
};

void *make(size_t size, size_t align)
{
    size_t room = (sizeof(Header) / 64 + 1) * 64;
    void *start = nullptr;
    if (size > impossible - room ||
        posix_memalign(&start, align < 64 ? 64 : align, room + size) != 0)
        throw std::bad_alloc();
    Header h = {magic, {}, align};
    char *p = static_cast<char *>(start) + room;
    memcpy(p - sizeof h, &h, sizeof h);
    live++;
    made++;
    return p;
}

void unmake(void *p, size_t align)
{
    size_t room = (sizeof(Header) / 64 + 1) * 64;
    Header h;
    if (p == nullptr)
        return;
    char *end = static_cast<char *>(p);
    memcpy(&h, end - sizeof h, sizeof h);
    REQUIRE(h.magic == magic && h.align == align);
    live--;
    free(end - room);
}

template <typename Do> void makes_one(Do what)
{
    made = 0;
    what();
    CHECK(made == 1);
    CHECK(live == 0);
}

void all_forms_come_down_to_the_programs()
{
    const auto &no = std::nothrow;
    const auto wide = std::align_val_t(64);
    makes_one([] { ::operator delete(::operator new(40)); });
    makes_one([] { ::operator delete(::operator new(40), size_t(40)); });
    makes_one([&] { ::operator delete(::operator new(40, no)); });
    makes_one([&] { ::operator delete(::operator new(40, no), no); });
    makes_one([] { ::operator delete[](::operator new[](40)); });
    makes_one([] { ::operator delete[](::operator new[](40), size_t(40)); });
    makes_one([&] { ::operator delete[](::operator new[](40, no)); });
    makes_one([&] { ::operator delete[](::operator new[](40, no), no); });
    makes_one([&] { ::operator delete(::operator new(40, wide), wide); });
    makes_one([&] {
        ::operator delete(::operator new(128, wide), size_t(128), wide);
    });
    makes_one(
        [&] { ::operator delete(::operator new(40, wide, no), wide, no); });
    makes_one([&] { ::operator delete[](::operator new[](40, wide), wide); });
    makes_one([&] {
        ::operator delete[](::operator new[](128, wide), size_t(128), wide);
    });
    makes_one(
        [&] { ::operator delete[](::operator new[](40, wide, no), wide, no); });
}

void expressions_and_containers_use_them()
{
    makes_one([] {
        int *p = new int(5);
        sink = p;
        delete p;
    });
    makes_one([] {
        Wide *p = new (std::nothrow) Wide[3];
        sink = p;
        delete[] p;
    });
    std::vector<int> v;
    for (int i = 0; i < 1000; i++)
        v.push_back(i * 7919 % 1000);
    std::stable_sort(v.begin(), v.end()); /* nothrow new, and plain delete */
    CHECK(v.front() == 0 && v.back() == 999);
    v = std::vector<int>();
    CHECK(live == 0);
}

void what_the_programs_new_throws_becomes_null()
{
    volatile size_t size = impossible;
    CHECK((sink = ::operator new(size, std::nothrow)) == nullptr);
    CHECK((sink = ::operator new[](size, std::nothrow)) == nullptr);
    CHECK((sink = ::operator new[](size, std::align_val_t(64), std::nothrow)) ==
          nullptr);
    CHECK(live == 0);
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

const struct check_case cases[] = {
    CASE(all_forms_come_down_to_the_programs),
    CASE(expressions_and_containers_use_them),
    CASE(what_the_programs_new_throws_becomes_null),
};

} // namespace

void *operator new(size_t size)
{
    return make(size, 0);
}

void operator delete(void *p) noexcept
{
    unmake(p, 0);
}

void *operator new(size_t size, std::align_val_t align)
{
    return make(size, size_t(align));
}

void operator delete(void *p, std::align_val_t align) noexcept
{
    unmake(p, size_t(align));
}

int main(int argc, char **argv)
{
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
