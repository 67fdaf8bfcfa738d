// SPDX-License-Identifier: MIT
// sebbbi/OffsetAllocator as a contender of bench/seed_range; see README.
#include <cstdint>

#include "offsetAllocator.hpp"

extern "C" {

const char *peer_name = "offset";

struct handle {
    uint32_t word[2];
};

void *peer_create(uint32_t capacity, uint32_t max_live)
{
    return new OffsetAllocator::Allocator(capacity, 2 * max_live + 2);
}

void peer_destroy(void *a)
{
    delete static_cast<OffsetAllocator::Allocator *>(a);
}

bool peer_alloc(void *a, uint32_t size, handle *h)
{
    auto got = static_cast<OffsetAllocator::Allocator *>(a)->allocate(size);

    h->word[0] = got.offset;
    h->word[1] = got.metadata;
    return got.offset != OffsetAllocator::Allocation::NO_SPACE;
}

void peer_free(void *a, handle h)
{
    OffsetAllocator::Allocation got;

    got.offset = h.word[0];
    got.metadata = h.word[1];
    static_cast<OffsetAllocator::Allocator *>(a)->free(got);
}
}
