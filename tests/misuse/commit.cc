// SPDX-License-Identifier: MIT
//
// commit MISUSE SIZE: commits one misuse on an object of that size, goes on as
// a program would, and tells by its end what came of it:
//
//   a signal   the misuse was caught, at once or later
//   status 0   the program survived: nothing that it can see is wrong
//   status 3   it is corrupted: an object changed that nobody wrote to, or
//              memory was handed out that is in use
//
// tests/misuse/table runs it under several allocators.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <pthread.h>

namespace {

enum { LIVE = 64, LATER = 4000, TARGET = 32 };

unsigned char *live[LIVE];
unsigned char *later[LATER];
size_t size;

// Keeps the compiler from knowing what a pointer points to.
unsigned char *hidden(void *p)
{
    asm volatile("" : "+r"(p) : : "memory");
    return static_cast<unsigned char *>(p);
}

unsigned char *object(int number)
{
    unsigned char *p = hidden(malloc(size));
    if (p != nullptr)
        memset(p, number & 0x7f, size);
    return p;
}

bool is_whole(const unsigned char *p, int number)
{
    for (size_t i = 0; i < size; i++)
        if (p[i] != (number & 0x7f))
            return false;
    return true;
}

// What the program does afterwards; `target_lives` when it still has the object.
int go_on(bool target_lives)
{
    bool whole = true;
    int count = size > 65536 ? LATER / 10 : LATER;
    if (target_lives)
        free(live[TARGET]);
    for (int i = 0; i < count; i++)
        later[i] = object(i);
    for (int i = 0; i < count; i++) {
        whole = whole && is_whole(later[i], i);
        free(later[i]);
    }
    for (int i = 0; i < LIVE; i++) {
        if (i == TARGET)
            continue;
        whole = whole && is_whole(live[i], i);
        free(live[i]);
    }
    for (int i = 0; i < count; i++)
        free(object(i));
    return whole ? 0 : 3;
}

void write_from(unsigned char *p, std::ptrdiff_t step, size_t count)
{
    for (size_t i = 0; i < count; i++, p += step)
        *p = 0x80;
}

void *free_it(void *p)
{
    free(p);
    return nullptr;
}

int double_free(const char *order, unsigned char *p)
{
    free(p);
    if (strcmp(order, "after-another") == 0)
        free(live[TARGET + 1]), live[TARGET + 1] = object(TARGET + 1);
    if (strcmp(order, "later") == 0)
        for (int i = 0; i < 100; i++)
            free(object(i));
    if (strcmp(order, "interleaved") == 0) {
        free(live[TARGET - 1]);
        free(p);
        live[TARGET - 1] = object(TARGET - 1);
        return go_on(false);
    }
    if (strcmp(order, "other-thread") == 0) {
        pthread_t thread;
        pthread_create(&thread, nullptr, free_it, p);
        pthread_join(thread, nullptr);
        return go_on(false);
    }
    free(p);
    return go_on(false);
}

int free_wrong(const char *what, unsigned char *p)
{
    alignas(64) unsigned char stack[256] = {0};
    void *wrong = p;
    if (strcmp(what, "stack") == 0)
        wrong = stack + 64;
    if (strcmp(what, "interior") == 0)
        wrong = p + 16;
    if (strcmp(what, "far") == 0)
        wrong = reinterpret_cast<void *>(UINTPTR_MAX - 4095);
    if (strcmp(what, "unmapped") == 0)
        wrong = reinterpret_cast<void *>(uintptr_t{0x10000});
    if (strcmp(what, "unaligned") == 0)
        wrong = p + 1;
    free(hidden(wrong));
    return go_on(true);
}

int commit(const char *misuse, const char *how)
{
    unsigned char *p = live[TARGET];
    size_t bytes = strtoul(how, nullptr, 10);
    if (strcmp(misuse, "overflow") == 0) {
        write_from(p + size, 1, bytes);
        return go_on(true);
    }
    if (strcmp(misuse, "underflow") == 0) {
        write_from(p - 1, -1, bytes);
        return go_on(true);
    }
    if (strcmp(misuse, "double-free") == 0)
        return double_free(how, p);
    if (strcmp(misuse, "free") == 0)
        return free_wrong(how, p);
    if (strcmp(misuse, "write-after-free") == 0) {
        free(p);
        write_from(p, 1, 32);
        return go_on(false);
    }
    if (strcmp(misuse, "read-after-free") == 0) {
        free(p);
        volatile unsigned char byte = p[size / 2];
        (void)byte;
        return go_on(false);
    }
    if (strcmp(misuse, "delete") == 0) {
        free(p);
        p = hidden(strcmp(how, "of-array") == 0 ? ::operator new[](size)
                                                : ::operator new(size));
        if (strcmp(how, "of-other-size") == 0)
            ::operator delete(p, size * 4);
        else if (strcmp(how, "of-array") == 0)
            ::operator delete(p);
        else
            free(p);
        return go_on(false);
    }
    if (strcmp(misuse, "huge-size") == 0) {
        void *huge = malloc(static_cast<size_t>(PTRDIFF_MAX) + size);
        return huge == nullptr ? go_on(true) : 3;
    }
    if (strcmp(misuse, "execute") == 0) {
        p[0] = 0xc3; // ret
        reinterpret_cast<void (*)()>(p)();
        memset(p, TARGET, size);
        return go_on(true);
    }
    return 2;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    size = strtoul(argv[3], nullptr, 10);
    for (int i = 0; i < LIVE; i++)
        live[i] = object(i);
    int status = commit(argv[1], argv[2]);
    _Exit(status);
}
