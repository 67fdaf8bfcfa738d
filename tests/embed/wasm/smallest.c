/* SPDX-License-Identifier: MIT */
/*
 * The smallest complete module of an allocator: memory, alloc and free, over
 * WebAssembly's own memory. smallest.sh builds it once for each of bump, seg
 * and freelist, with SMALL_ALLOC and SMALL_FREE naming their functions.
 *
 * An allocator that is all zero is valid here: STA_ONLY_SOURCE names its source
 * and that hands over whole pages whatever is asked for.
 */
#include <stalloc/bump.h>
#include <stalloc/freelist.h>
#include <stalloc/seg.h>

static struct SMALL heap;

__attribute__((export_name("alloc"))) void *module_alloc(size_t size,
                                                         size_t align)
{
    return SMALL_ALLOC(&heap, size, align);
}

__attribute__((export_name("free"))) void module_free(void *p, size_t size,
                                                      size_t align)
{
    (void)align;
    SMALL_FREE;
}
