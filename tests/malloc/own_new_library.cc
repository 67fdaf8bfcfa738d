// SPDX-License-Identifier: MIT
// A library with operator new and delete of its own, as one has that was linked
// with a static C++ library; they are bound inside.
#include <stdlib.h>

#include <new>
#include <string>

void *operator new(size_t size)
{
    void *p = malloc(size);
    if (p == nullptr)
        throw std::bad_alloc();
    return p;
}

void operator delete(void *p) noexcept
{
    free(p);
}

void operator delete(void *p, size_t) noexcept
{
    free(p);
}

std::string *own_new_make(const char *text);
void own_new_drop(const std::string *text);

std::string *own_new_make(const char *text)
{
    return new std::string(text);
}

void own_new_drop(const std::string *text)
{
    delete text;
}
