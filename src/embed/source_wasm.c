/* SPDX-License-Identifier: MIT */
/*
 * WebAssembly's linear memory as a source: memory.grow hands over fresh zeroed
 * pages of 64 KiB at the end. Built for wasm32 only.
 *
 * Others may grow the memory too, so two spans need not be neighbours; and a
 * page once grown stays: there is no `give`.
 */
#include <stalloc/source.h>

enum { PAGE_BYTES = 65536, PAGES_MAX = 65536 };

/*
 * One comparison refuses all: a failed grow, whose result is SIZE_MAX; a size
 * of 0, which asks for 65536 pages; and the page that ends at 2^32, which is 0.
 */
void *sta_source_wasm_get(void *ctx, size_t *size, size_t align)
{
    size_t pages = (*size - 1) / PAGE_BYTES + 1, first;

    (void)ctx;
    if (align - 1 >= PAGE_BYTES || (align & (align - 1)))
        return NULL;
    first = __builtin_wasm_memory_grow(0, pages);
    if (first >= PAGES_MAX - pages)
        return NULL;
    *size = pages * PAGE_BYTES;
    return (void *)(first * PAGE_BYTES);
}

struct sta_source sta_source_wasm(void)
{
    return (struct sta_source){.get = sta_source_wasm_get};
}
