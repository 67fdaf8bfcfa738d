/* SPDX-License-Identifier: MIT */
/*
 * A program may have an operator new of its own that calls malloc, and leave
 * delete to the C++ library; or a delete that calls free, and leave new.
 *
 * This one has the first kind for plain objects and the second for aligned
 * ones.  Levels 2 and 3 of STALLOC_CHECK tell malloc's objects from new's.
 *
 * Could fail: malloc's object is taken for a mistake when delete gets it, or
 * new's when free does.
 */
#include "check.h"

#include <new>
#include <string>
#include <vector>

void *operator new(size_t size)
{
    void *p = malloc(size);
    if (p == nullptr)
        throw std::bad_alloc();
    return p;
}

void operator delete(void *p, std::align_val_t) noexcept
{
    free(p);
}

namespace
{

struct alignas(64) Wide {
    char bytes[128];
};

void what_malloc_made_may_be_deleted()
{
    for (size_t size : {size_t(0), size_t(48), size_t(5000), size_t(100000)}) {
        ::operator delete(::operator new(size));
        ::operator delete(::operator new(size), size);
        ::operator delete(::operator new(size, std::nothrow));
        ::operator delete[](::operator new[](size));
    }
    std::vector<std::string> texts;
    for (size_t i = 0; i < 1000; i++)
        texts.emplace_back(i, 'x');
    CHECK(texts.back().size() == 999);
}

void what_new_made_may_be_freed()
{
    std::vector<Wide> v(10);
    v.resize(1000);
    CHECK(v.size() == 1000);
    const auto wide = std::align_val_t(64);
    ::operator delete(::operator new(48, wide), wide);
    ::operator delete[](::operator new[](48, wide, std::nothrow), wide);
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

const struct check_case cases[] = {
    CASE(what_malloc_made_may_be_deleted),
    CASE(what_new_made_may_be_freed),
};

} // namespace

int main(int argc, char **argv)
{
    check_needs_env(argv, "STALLOC_CHECK", "2");
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
