/* SPDX-License-Identifier: MIT */
/*
 * operator new and delete, each form, as the C++ standard says: a failed new
 * asks the new_handler until it succeeds, the handler throws or there is none,
 * and then throws std::bad_alloc; the nothrow forms return null instead; an
 * exception of the handler leaves through new's frame, and so may a longjmp.
 *
 * The library that implements them is written in C and not linked with
 * libstdc++, so throwing through it is what can fail here: std::terminate ends
 * the program.
 */
#include "check.h"

#include <cerrno>
#include <csetjmp>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace
{

const size_t impossible = IMPOSSIBLE;
int handler_calls;
void *volatile sink; /* so that no call of new is left out */
std::vector<char *> ballast;

struct alignas(256) Wide {
    char bytes[512];
};

void every_plain_form_pairs_with_its_delete()
{
    for (size_t size = 0; size < 3000000; size = size * 3 + 1) {
        void *p = ::operator new(size);
        void *q = ::operator new[](size);
        void *r = ::operator new(size, std::nothrow);
        void *s = ::operator new[](size, std::nothrow);
        REQUIRE(p && q && r && s);
        CHECK(is_aligned(p, 16) && is_aligned(q, 16));
        CHECK(is_aligned(r, 16) && is_aligned(s, 16));
        pattern_fill(p, size, 1);
        pattern_fill(q, size, 2);
        pattern_fill(r, size, 3);
        pattern_fill(s, size, 4);
        CHECK(pattern_holds(p, size, 1) && pattern_holds(q, size, 2));
        CHECK(pattern_holds(r, size, 3) && pattern_holds(s, size, 4));
        ::operator delete(p);
        ::operator delete[](q, size);
        ::operator delete(r, std::nothrow);
        ::operator delete[](s, std::nothrow);
        ::operator delete(::operator new(size), size);
    }
    ::operator delete(nullptr);
    ::operator delete[](nullptr);
    ::operator delete(nullptr, (size_t)0);
}

void every_aligned_form_pairs_with_its_delete()
{
    for (size_t a = 1; a <= 1 << 21; a *= 2)
        for (size_t size = 0; size < 300000; size = size * 7 + 1) {
            std::align_val_t align = (std::align_val_t)a;
            void *p = ::operator new(size, align);
            void *q = ::operator new[](size, align);
            void *r = ::operator new(size, align, std::nothrow);
            void *s = ::operator new[](size, align, std::nothrow);
            REQUIRE(p && q && r && s);
            CHECK(is_aligned(p, a) && is_aligned(q, a));
            CHECK(is_aligned(r, a) && is_aligned(s, a));
            memset(p, 1, size);
            memset(q, 2, size);
            memset(r, 3, size);
            memset(s, 4, size);
            ::operator delete(p, align);
            ::operator delete[](q, align);
            ::operator delete(r, align, std::nothrow);
            ::operator delete[](s, align, std::nothrow);
            ::operator delete(::operator new(size, align), size, align);
            ::operator delete[](::operator new[](size, align), size, align);
        }
}

void over_aligned_types_are_aligned()
{
    std::unique_ptr<Wide> one(new Wide);
    std::unique_ptr<Wide[]> many(new Wide[17]);
    std::vector<Wide> grown(33);

    CHECK(is_aligned(one.get(), 256));
    CHECK(is_aligned(many.get(), 256));
    CHECK(is_aligned(grown.data(), 256));
}

void failed_new_without_handler_throws_bad_alloc()
{
    int caught = 0;

    std::set_new_handler(nullptr);
    try {
        sink = ::operator new(hide(impossible));
    } catch (const std::bad_alloc &) {
        caught++;
    }
    try {
        sink = ::operator new[](hide(impossible));
    } catch (const std::bad_alloc &) {
        caught++;
    }
    try {
        sink = ::operator new(hide(impossible), (std::align_val_t)64);
    } catch (const std::bad_alloc &) {
        caught++;
    }
    try {
        sink = ::operator new[](hide(impossible), (std::align_val_t)4096);
    } catch (const std::bad_alloc &) {
        caught++;
    }
    try {
        std::vector<char> v;
        v.reserve(hide(PTRDIFF_MAX));
    } catch (const std::bad_alloc &) {
        caught++;
    }
    try {
        std::string s(hide(std::string().max_size()), 'x');
    } catch (const std::bad_alloc &) {
        caught++;
    }
    CHECK(caught == 6);
}

void failed_nothrow_new_returns_null()
{
    std::set_new_handler(nullptr);
    CHECK(::operator new(hide(impossible), std::nothrow) == nullptr);
    CHECK(::operator new[](hide(impossible), std::nothrow) == nullptr);
    CHECK(::operator new(hide(impossible), (std::align_val_t)64,
                         std::nothrow) == nullptr);
    CHECK(::operator new[](hide(impossible), (std::align_val_t)64,
                           std::nothrow) == nullptr);
}

void give_up_after_three()
{
    if (++handler_calls == 3)
        std::set_new_handler(nullptr);
}

void a_failed_new_asks_the_handler_each_time()
{
    bool caught = false;

    handler_calls = 0;
    std::set_new_handler(give_up_after_three);
    try {
        sink = ::operator new(hide(impossible));
    } catch (const std::bad_alloc &) {
        caught = true;
    }
    CHECK(caught);
    CHECK(handler_calls == 3);
    handler_calls = 0;
    std::set_new_handler(give_up_after_three);
    CHECK(::operator new(hide(impossible), std::nothrow) == nullptr);
    CHECK(handler_calls == 3);
    for (size_t align = 1; align <= 4096; align *= 8) {
        handler_calls = 0;
        std::set_new_handler(give_up_after_three);
        CHECK(::operator new[](hide(impossible), (std::align_val_t)align,
                               std::nothrow) == nullptr);
        CHECK(handler_calls == 3);
    }
}

struct Complaint {
    int number;
};

void complain()
{
    handler_calls++;
    throw Complaint{42};
}

void complain_of_memory()
{
    handler_calls++;
    throw std::bad_alloc();
}

void what_the_handler_throws_passes_through_new()
{
    int number = 0;

    handler_calls = 0;
    std::set_new_handler(complain);
    try {
        sink = ::operator new(hide(impossible));
    } catch (const Complaint &c) {
        number = c.number;
    }
    CHECK(number == 42);
    CHECK(handler_calls == 1);
    std::set_new_handler(complain_of_memory);
    CHECK(::operator new(hide(impossible), std::nothrow) == nullptr);
    CHECK(handler_calls == 2);
    CHECK(::operator new(hide(impossible), (std::align_val_t)8, std::nothrow) ==
          nullptr);
    CHECK(handler_calls == 3);
    std::set_new_handler(nullptr);
}

std::jmp_buf out;

void leave_by_longjmp()
{
    handler_calls++;
    std::longjmp(out, 1);
}

void fail_and_jump(void (*fail)())
{
    if (setjmp(out) == 0)
        fail();
}

/* It leaves no frame that has anything to destroy. */
void a_handler_may_leave_by_longjmp_each_time()
{
    std::set_new_handler(leave_by_longjmp);
    handler_calls = 0;
    for (int i = 1; i <= 3; i++) {
        fail_and_jump([] { sink = ::operator new(hide(impossible)); });
        CHECK(handler_calls == 3 * i - 2);
        fail_and_jump(
            [] { sink = ::operator new(hide(impossible), std::nothrow); });
        CHECK(handler_calls == 3 * i - 1);
        fail_and_jump([] {
            sink = ::operator new[](hide(impossible), std::align_val_t(64),
                                    std::nothrow);
        });
        CHECK(handler_calls == 3 * i);
    }
    std::set_new_handler(nullptr);
}

void free_ballast()
{
    handler_calls++;
    if (ballast.empty())
        throw std::bad_alloc();
    delete[] ballast.back();
    ballast.pop_back();
}

/* Needs the fixed arena: where memory is short without harm to the machine. */
void a_handler_that_frees_makes_new_succeed()
{
    const size_t piece = 4 << 20;

    if (!check_is_stalloc())
        return;
    ballast.reserve(1000);
    std::set_new_handler(nullptr);
    for (;;) {
        char *p = new (std::nothrow) char[piece];
        if (!p)
            break;
        ballast.push_back(p);
        REQUIRE(ballast.size() < 1000);
    }
    size_t held = ballast.size();
    CHECK(held >= 8 && held <= 16); /* of 64 MiB */
    handler_calls = 0;
    std::set_new_handler(free_ballast);
    char *wanted = new char[piece];
    CHECK(wanted != nullptr);
    CHECK(handler_calls >= 1);
    CHECK(ballast.size() == held - (size_t)handler_calls);
    delete[] wanted;
    std::set_new_handler(nullptr);
    for (char *p : ballast)
        delete[] p;
    ballast.clear();
}

void exhaustion_is_caught_and_all_is_well_after_it()
{
    if (!check_is_stalloc())
        return;
    for (int round = 0; round < 5; round++) {
        bool caught = false;
        std::map<int, std::string> all;
        std::set_new_handler(nullptr);
        try {
            for (int i = 0; i < 10000000; i++)
                all[i] = std::string((size_t)(i % 300), (char)('a' + i % 26));
        } catch (const std::bad_alloc &) {
            caught = true;
        }
        CHECK(caught);
        CHECK(all.size() > 100000);
        size_t wrong = 0;
        for (const auto &[i, text] : all) /* without allocating: it is full */
            if (text.size() != (size_t)(i % 300) ||
                text.find_first_not_of((char)('a' + i % 26)) != text.npos)
                wrong++;
        CHECK(wrong == 0);
    }
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

const struct check_case cases[] = {
    CASE(every_plain_form_pairs_with_its_delete),
    CASE(every_aligned_form_pairs_with_its_delete),
    CASE(over_aligned_types_are_aligned),
    CASE(failed_new_without_handler_throws_bad_alloc),
    CASE(failed_nothrow_new_returns_null),
    CASE(a_failed_new_asks_the_handler_each_time),
    CASE(what_the_handler_throws_passes_through_new),
    CASE(a_handler_may_leave_by_longjmp_each_time),
    CASE(a_handler_that_frees_makes_new_succeed),
    CASE(exhaustion_is_caught_and_all_is_well_after_it),
};

} // namespace

int main(int argc, char **argv)
{
    check_needs_env(argv, "STALLOC_ARENA_SIZE", "64M");
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
