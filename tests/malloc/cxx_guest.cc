// SPDX-License-Identifier: MIT
// A library in C++ that a program in C loads; see cxx_guests.c.
#include <cstddef>
#include <new>
#include <string>

extern "C" int cxx_guest_asks(size_t size);
extern "C" int cxx_guest_handles(size_t size);

namespace
{

void *volatile made;
int handled;

void give_up()
{
    handled++;
    if (handled == 3)
        throw std::bad_alloc();
}

} // namespace

// Returns a bit for each way to ask that ended as it should.
int cxx_guest_asks(size_t size)
{
    int good = 0;
    try {
        made = ::operator new(size);
    } catch (const std::bad_alloc &) {
        good |= 1;
    }
    try {
        made = ::operator new[](size);
    } catch (const std::bad_alloc &) {
        good |= 2;
    }
    try {
        made = ::operator new(size, std::align_val_t(64));
    } catch (const std::bad_alloc &) {
        good |= 4;
    }
    try { // from inside the C++ library; of 32 bits one or two are possible
        std::string text[8];
        for (std::string &each : text)
            each.reserve(size / 2 - 1);
    } catch (const std::bad_alloc &) {
        good |= 8;
    }
    if (::operator new(size, std::nothrow) == nullptr)
        good |= 16;
    return good;
}

// Returns how often the new_handler was called, by new and by new that returns
// a null pointer.
int cxx_guest_handles(size_t size)
{
    std::new_handler before = std::set_new_handler(give_up);
    int total = -1;
    handled = 0;
    try {
        made = ::operator new(size);
    } catch (const std::bad_alloc &) {
        total = handled;
    }
    handled = 0;
    if (::operator new(size, std::nothrow) == nullptr)
        total += handled;
    handled = 0;
    if (::operator new[](size, std::align_val_t(64), std::nothrow) == nullptr)
        total += handled;
    std::set_new_handler(before);
    return total;
}
