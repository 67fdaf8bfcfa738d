/* SPDX-License-Identifier: MIT */
/*
 * C++ destroys thread_local and static objects late, and they own memory.
 *
 * Destructors of thread_local objects run before those of thread-specific data,
 * those of static objects among the exit handlers; what one thread's object
 * owns may be freed by another thread that lives longer.
 */
#include "check.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace
{

std::mutex guard;
std::vector<std::unique_ptr<std::string>> heritage;
size_t destroyed;

struct Notes {
    std::map<int, std::string> lines;
    ~Notes()
    {
        /* Allocates, frees, and hands something to those who stay. */
        lines[-1] = std::string(5000, 'z');
        size_t letters = 0;
        for (const auto &line : lines)
            letters += line.second.size();
        std::lock_guard<std::mutex> hold(guard);
        destroyed++;
        heritage.push_back(std::make_unique<std::string>(letters, 'h'));
    }
};

thread_local Notes notes;
thread_local std::unique_ptr<std::vector<int>> numbers;

/* Destroyed after main has returned. */
struct Last {
    std::vector<std::string> words;
    ~Last()
    {
        for (int i = 0; i < 1000; i++)
            words.push_back(std::string((size_t)i, 'w'));
        size_t letters = 0;
        for (const auto &word : words)
            letters += word.size();
        if (letters != 499500)
            _exit(CHECK_FAIL);
    }
} last;

void write_notes(int seed)
{
    for (int i = 0; i < 50; i++)
        notes.lines[i] = std::string((size_t)(seed * 7 + i * 13) % 900, 'n');
    numbers = std::make_unique<std::vector<int>>(10000, seed);
}

void thread_local_objects_allocate_when_destroyed()
{
    for (int round = 0; round < 200; round++) {
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; i++)
            threads.emplace_back(write_notes, round * 4 + i);
        for (auto &thread : threads)
            thread.join();
    }
    CHECK(destroyed == 800);
    REQUIRE(heritage.size() == 800);
    for (const auto &text : heritage)
        CHECK(text->size() >= 5000 && text->back() == 'h');
    heritage.clear();
}

void an_exception_may_cross_threads()
{
    for (int round = 0; round < 500; round++) {
        std::exception_ptr caught;
        std::thread([&caught] {
            try {
                throw std::string(3000, 'e');
            } catch (...) {
                caught = std::current_exception();
            }
        }).join();
        try {
            std::rethrow_exception(caught);
        } catch (const std::string &text) {
            CHECK(text.size() == 3000 && text[2999] == 'e');
        }
    }
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

const struct check_case cases[] = {
    CASE(thread_local_objects_allocate_when_destroyed),
    CASE(an_exception_may_cross_threads),
};

} // namespace

int main(int argc, char **argv)
{
    check_needs_threads();
    write_notes(1); /* the main thread's are destroyed by exit */
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
