/* SPDX-License-Identifier: MIT */
/*
 * WebAssembly's linear memory as a source: memory.grow hands over fresh zeroed
 * pages of 64 KiB at the end. Built for wasm32 only.
 *
 * Others may grow the memory too, so two spans need not be neighbours; and a
 * page once grown stays: there is no `give`.
 */
#include <stalloc/source.h>

static const size_t page_bytes = 65536;

static void *wasm_get(void *ctx, size_t *size, size_t align)
{
    size_t pages, old_pages;

    (void)ctx;
    if (!*size || !align || (align & (align - 1)) || align > page_bytes)
        return NULL;
    pages = (*size - 1) / page_bytes + 1;
    old_pages = __builtin_wasm_memory_grow(0, pages);
    if (old_pages == SIZE_MAX)
        return NULL;
    *size = pages * page_bytes;
    /* The last page of a full 4 GiB ends at 2^32, which is 0: leave it out. */
    if (old_pages + pages == 65536)
        *size -= page_bytes;
    return *size ? (void *)(old_pages * page_bytes) : NULL;
}

struct sta_source sta_source_wasm(void)
{
    return (struct sta_source){.get = wasm_get};
}
