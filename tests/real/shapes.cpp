/* SPDX-License-Identifier: MIT */
/* A program for the C++ compilers of this suite, and for operator new. */
#include <algorithm>
#include <cstdint>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <numeric>
#include <string>
#include <unordered_map>
#include <vector>

struct alignas(64) line {
    double value[8];
};

struct shape {
    virtual ~shape() = default;
    virtual double area() const = 0;
};

template <int N>
struct polygon : shape {
    double side;
    explicit polygon(double s) : side(s) {}
    double area() const override { return side * side * N / 4; }
};

template <int N>
void fill(std::vector<std::unique_ptr<shape>> &v)
{
    v.push_back(std::make_unique<polygon<N>>(N / 2.0));
    if constexpr (N > 3)
        fill<N - 1>(v);
}

static bool refuses(const std::function<void()> &f)
{
    try {
        f();
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

static std::size_t words()
{
    std::map<std::string, std::vector<int>> index;
    std::unordered_map<int, std::string> back;
    std::uint64_t x = 1;

    for (int i = 0; i < 20000; i++) {
        x = x * 16807 % 2147483647;
        std::string w = "word " + std::to_string(x % 9000);
        index[w].push_back(i);
        back[i] = std::move(w);
    }
    for (int i = 0; i < 20000; i += 2)
        back.erase(i);
    return std::accumulate(index.begin(), index.end(), back.size(),
                           [](std::size_t n, const auto &e) {
                               return n * 31 % 1000003 + e.second.size();
                           });
}

int main()
{
    std::vector<std::unique_ptr<shape>> shapes;
    fill<40>(shapes);
    double area = 0;
    for (const auto &s : shapes)
        area += s->area();
    std::cout << "area " << area << "\nwords " << words() << "\n";

    std::vector<std::unique_ptr<line>> lines;
    bool aligned = true;
    for (int i = 0; i < 1000; i++) {
        lines.push_back(std::make_unique<line>());
        aligned &= reinterpret_cast<std::uintptr_t>(lines.back().get()) % 64
                   == 0;
    }
    std::cout << "aligned " << aligned << "\n";

    std::pmr::monotonic_buffer_resource arena;
    std::pmr::vector<std::pmr::string> strings(&arena);
    for (int i = 0; i < 10000; i++)
        strings.emplace_back("a string too long for the small buffer");
    std::cout << "strings " << strings.size() << "\n";

    volatile std::size_t huge = SIZE_MAX / 4;
    std::cout << "refused "
              << refuses([&] { std::vector<char> v(huge); })
              << (new (std::nothrow) char[huge] == nullptr)
              << refuses([&] {
                     void *volatile p =
                         ::operator new(huge, std::align_val_t(64));
                     (void)p;
                 })
              << "\n";

#ifdef MISTAKE
    std::map<shape, int> wrong;
    wrong[polygon<3>(1)] = "text";
    std::sort(index.begin(), shapes);
#endif
    return 0;
}
