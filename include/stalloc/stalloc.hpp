// SPDX-License-Identifier: MIT
//
// C++17 containers in any allocator of the family: sta::resource is a
// std::pmr::memory_resource, sta::allocator<T> an allocator in the sense of the
// standard, both over a struct sta_allocator.
//
// Choose the resource where containers of one type should live in different
// places, or where std::pmr is in use already; the allocator template where the
// virtual call matters and the type may say where it lives. A refusal throws
// std::bad_alloc; compiled with -fno-exceptions it aborts, and with -fno-rtti a
// resource is equal to itself only.
//
//     static struct sta_arena arena;
//     alignas(16) static unsigned char memory[4096];
//     sta_arena_init(&arena, memory, sizeof memory, 16);
//
//     sta::resource resource(sta_arena_allocator(&arena));
//     std::pmr::vector<int> numbers(&resource);
//     numbers.assign(100, 7);
//
//     sta::allocator<char> in_arena(sta_arena_allocator(&arena));
//     std::basic_string<char, std::char_traits<char>, sta::allocator<char>>
//         text("a text that does not fit into the string itself", in_arena);
//
// Memory: two words in each container for sta::allocator, one for the resource.
#ifndef STALLOC_STALLOC_HPP
#define STALLOC_STALLOC_HPP

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <memory_resource>
#include <new>
#include <type_traits>

#include <stalloc/allocator.h>

namespace sta
{

template <class Refusal> [[noreturn]] inline void refuse()
{
#ifdef __cpp_exceptions
    throw Refusal();
#else
    std::abort();
#endif
}

// The bytes, or std::bad_alloc. The standard wants an address for 0 bytes too.
inline void *allocate_or_throw(const sta_allocator &a, std::size_t bytes,
                               std::size_t align)
{
    void *p = sta_allocator_alloc(&a, bytes ? bytes : 1, align);

    if (!p)
        refuse<std::bad_alloc>();
    return p;
}

inline bool is_same(const sta_allocator &a, const sta_allocator &b) noexcept
{
    return a.ops == b.ops && a.ctx == b.ctx;
}

class resource : public std::pmr::memory_resource
{
  public:
    explicit resource(sta_allocator inner) noexcept : inner_(inner)
    {
    }

  private:
    sta_allocator inner_;

    void *do_allocate(std::size_t bytes, std::size_t align) override
    {
        return allocate_or_throw(inner_, bytes, align);
    }

    void do_deallocate(void *p, std::size_t bytes, std::size_t align) override
    {
        sta_allocator_free(&inner_, p, bytes ? bytes : 1, align);
    }

    bool do_is_equal(const memory_resource &other) const noexcept override
    {
#ifdef __cpp_rtti
        auto *same = dynamic_cast<const resource *>(&other);

        return same && is_same(inner_, same->inner_);
#else
        return this == &other;
#endif
    }
};

template <class T> class allocator
{
  public:
    using value_type = T;
    // A container takes its place along when it is moved or swapped.
    using propagate_on_container_move_assignment = std::true_type;
    using propagate_on_container_swap = std::true_type;

    explicit allocator(sta_allocator inner) noexcept : inner_(inner)
    {
    }

    template <class U>
    allocator(const allocator<U> &other) noexcept : inner_(other.inner())
    {
    }

    T *allocate(std::size_t count)
    {
        if (count > std::numeric_limits<std::size_t>::max() / sizeof(T))
            refuse<std::bad_array_new_length>();
        return static_cast<T *>(
            allocate_or_throw(inner_, count * sizeof(T), alignof(T)));
    }

    void deallocate(T *p, std::size_t count) noexcept
    {
        sta_allocator_free(&inner_, p, count ? count * sizeof(T) : 1,
                           alignof(T));
    }

    const sta_allocator &inner() const noexcept
    {
        return inner_;
    }

  private:
    sta_allocator inner_;
};

template <class T, class U>
bool operator==(const allocator<T> &a, const allocator<U> &b) noexcept
{
    return is_same(a.inner(), b.inner());
}

template <class T, class U>
bool operator!=(const allocator<T> &a, const allocator<U> &b) noexcept
{
    return !(a == b);
}

} // namespace sta

#endif
