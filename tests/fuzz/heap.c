/* SPDX-License-Identifier: MIT */
/*
 * Bytes as a life of the heap: up to four threads allocate, resize, free each
 * other's objects, end, trim, and at last misuse it.  It is lived at each level
 * of STALLOC_CHECK from 1 on, or at $STA_FUZZ_LEVEL only.
 *
 * The threads are played by one, which changes its heap between operations, so
 * that an input means the same each time; tests/stress has real ones.  Each
 * input begins with a new heap of a variant, an arena and a purge rule of its
 * choice.  The oracle is a list of live objects and a map of who holds which 16
 * bytes, which knows nothing of slabs:
 *
 *   - an object is aligned, usable as far as asked, and overlaps no other;
 *   - its contents stay, over resizing too; calloc's are zero;
 *   - NULL is right only in a fixed arena in which nothing would fit;
 *   - after each operation, the audit finds these objects and no others;
 *   - when all is freed, all of the arena is free again, in one piece; or
 *   - misuse of a pointer that is no live object's ends in a message, and so
 *     does a free after a write behind an object where levels 2 and 3 promise
 *     it.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "heap/stats.h"
#include "heap/threads.h"
#include "heap/trim.h"
#include "os/vm.h"
#include "tests/fuzz/heap_live.h"
#include "tests/lib/heap_audit.h"
#include "tests/lib/heap_restart.h"

enum { KIB = 1024, MIB = 1024 * 1024, THREADS = 4 };

static struct sta_heap *threads[THREADS];
static unsigned self;
static void *freed; /* the last one */

/* NULL is right when even the largest free run is too short. */
static void check_refused(size_t size, size_t align)
{
    size_t bytes = size < align ? align : size;
    size_t units = bytes / STA_UNIT_BYTES + 1 + align / STA_UNIT_BYTES;

    if (size > PTRDIFF_MAX)
        return;
    REQUIRE(sta_options.arena_bytes != 0 || size >= (size_t)1 << 40);
    /* A slab has up to five units.  Behind an object may be a canary, and
     * behind either a guard. */
    units = (units < 5 ? 5 : units) + 2 * sta_guard_active();
    REQUIRE(sta_runs_largest(&sta_regions[0].runs) < units);
}

/* --- Operations ---------------------------------------------------------- */

/* Sizes as programs have them, those around a class's, and any. */
static size_t next_size(struct input *in)
{
    unsigned b = next_byte(in);

    if (b < 100)
        return b * 8;
    if (b < 200)
        return sta_class_bytes((b - 100) % STA_CLASS_COUNT) - 1 + b / 100 % 3;
    if (b < 230)
        return (size_t)(b - 199) * STA_UNIT_BYTES - next_byte(in) % 3;
    if (b < 254)
        return ((size_t)next_byte(in) << 12) + next_byte(in) * 16;
    if (b < 255)
        return (size_t)next_byte(in) << 15;
    return SIZE_MAX >> next_byte(in) % 17;
}

static void op_alloc(struct input *in, unsigned kind, size_t size)
{
    size_t align = 16;
    unsigned char *p;

    if (live_count == LIVE_MAX)
        return;
    if (kind == 0) {
        p = sta_heap_alloc(size);
    } else if (kind == 1) {
        p = sta_heap_alloc_zero(size);
        for (size_t i = 0; p && i < size && size < 4 * MIB; i++)
            REQUIRE(p[i] == 0);
    } else {
        align = (size_t)1 << next_byte(in) % 20;
        p = sta_heap_alloc_aligned(size, align);
        align = align < 16 ? 16 : align;
    }
    if (p)
        enter(p, size, align);
    else
        check_refused(size, align);
}

static void op_free(size_t i)
{
    struct object b = live[i];

    check_contents(&b, b.p, b.size);
    REQUIRE(sta_heap_usable(b.p) == b.usable);
    leave(i);
    freed = b.p;
    sta_heap_free(b.p);
}

static void op_realloc(size_t i, size_t size)
{
    struct object *b = &live[i];
    size_t kept = size < b->size ? size : b->size;
    unsigned char *p = sta_heap_realloc(b->p, size);

    if (!p) {
        check_contents(b, b->p, b->size);
        check_refused(size, 16);
        return;
    }
    check_contents(b, p, kept);
    if (p != b->p)
        freed = b->p;
    leave(i);
    enter(p, size, 16);
}

static void switch_to(unsigned thread)
{
    threads[self] = sta_self;
    self = thread;
    sta_self = threads[self];
    if (!sta_guard_active() || sta_options.variant == STA_VARIANT_MUTEX)
        return;
    sta_guard_self = sta_heaps;
    while (thread-- > 0)
        sta_guard_self = sta_guard_self->next;
}

/* A thread's end has two steps: while its heap is gone it may go on. */
static void op_end(void)
{
    if (sta_guard_active() || sta_options.variant == STA_VARIANT_MUTEX)
        return;
    if (sta_self == &sta_heap_gone)
        sta_self = &sta_heap_none;
    else
        heap_end_thread();
}

static void op_stats(void)
{
    struct sta_stats stats;

    sta_stats_collect(&stats);
    REQUIRE(stats.live_count >= live_count);
    REQUIRE(stats.live_count == stats.total_count - stats.freed_count);
    REQUIRE(stats.used_bytes + stats.free_bytes == stats.committed_bytes);
}

/* Several of one kind: what fills slabs, and empties them in any pattern. */
static void op_many(struct input *in, bool alloc)
{
    unsigned count = next_byte(in) + 1;
    size_t size = alloc ? next_size(in) : 0;
    unsigned first = alloc ? 0 : next_byte(in);
    unsigned step = alloc ? 1 : next_byte(in) % 16;

    if (size > 64 * KIB)
        count = 1 + count % 4;
    for (size_t i = first; count-- > 0; i += step) {
        if (alloc)
            op_alloc(in, 0, size);
        else if (live_count > 0)
            op_free(i % live_count);
    }
}

static void *bad_pointer(unsigned kind, unsigned value)
{
    if (kind == 0)
        return freed;
    if (kind == 1 && live_count > 0)
        return live[value % live_count].p + value % 256 + 1;
    if (kind == 2)
        return (char *)sta_regions[0].base + (size_t)value * 16;
    return (char *)__builtin_frame_address(0) + value - 1024;
}

static void call_with(unsigned call, void *p)
{
    if (call == 0)
        sta_heap_free(p);
    else if (call == 1)
        sta_heap_realloc(p, 100);
    else
        sta_heap_usable(p);
}

/*
 * The size of what level 1 does not see at once: a double free, by free(), of
 * a slot in a lazy slab.  0 for all else.
 */
static size_t unseen_bytes(unsigned call, const void *p)
{
    const struct sta_slab *s = sta_slab_of(p);

    return call == 0 && !sta_guard_active() && s != NULL &&
                   sta_slab_is_lazy(s) && sta_slab_is_start(s, p)
               ? sta_slab_object_bytes(s)
               : 0;
}

/* It is to be seen before the slot is handed out twice, to whomever. */
static void use_all(size_t size)
{
    for (unsigned i = 0; i < THREADS; i++) {
        switch_to(i);
        for (unsigned n = 0; n < 256 && live_count < LIVE_MAX; n++) {
            unsigned char *p = sta_heap_alloc(size);

            if (p == NULL)
                break;
            enter(p, size, 16);
        }
    }
}

/* Writes behind a live object, and returns it; or NULL: behind some there is
 * nothing that can be written to. */
static void *overflow(unsigned value)
{
    struct object *b = &live[value % live_count];
    size_t page = sta_vm_page_bytes();

    if (sta_options.guard_units && b->size % page == 0)
        return NULL;
    b->p[b->size] ^= (unsigned char)(1 + value % 255);
    return b->p;
}

/* Misuse, at the end of a life: dying may leave anything behind. */
static void misuse(unsigned how, unsigned value)
{
    bool over = how >= 128 && sta_guard_active() && live_count > 0;
    void *p = over ? overflow(value) : bad_pointer(how % 4, value);
    unsigned call = how / 4 % 3;

    if (p == NULL || (!over && is_live(p)))
        return;
    volatile size_t unseen = unseen_bytes(call, p);
    heap_last_words = NULL;
    if (setjmp(heap_death) == 0) {
        call_with(call, p);
        if (unseen > 0)
            use_all(unseen);
    }
    REQUIRE(heap_last_words != NULL || unseen > 0);
}

static void step(struct input *in)
{
    unsigned op = next_byte(in);

    switch (op % 16) {
    case 0:
    case 1:
    case 2:
        op_alloc(in, op % 16, next_size(in));
        break;
    case 3:
    case 4:
        op_many(in, true);
        break;
    case 5:
    case 6:
        op_many(in, false);
        break;
    case 7:
    case 8:
        if (live_count)
            op_realloc(next_byte(in) % live_count, next_size(in));
        break;
    case 9:
    case 10:
        if (live_count)
            op_free((next_byte(in) + op / 16 * 256u) % live_count);
        break;
    case 11:
        switch_to(op / 16 % THREADS);
        break;
    case 12:
        op_end();
        break;
    case 13:
        sta_heap_trim((size_t)(op / 16) * 64 * KIB);
        break;
    case 14:
        op_stats();
        break;
    default:
        break;
    }
}

/* --- A life -------------------------------------------------------------- */

static bool begin(struct input *in, enum sta_check level)
{
    static const size_t arenas[] = {256 * KIB, MIB, 4 * MIB, 0};
    unsigned b = next_byte(in);
    struct sta_options o = {
        .slab_max = b & 1 ? STA_SLAB_MAX_DEFAULT : STA_SLAB_MAX_LEAST,
        .variant = b & 2 ? STA_VARIANT_LOCAL : STA_VARIANT_MUTEX,
        .arena_bytes = arenas[b >> 2 & 3],
        .purge_auto = (b >> 4 & 3) < 2,
        .purge_never = (b >> 4 & 3) == 2,
        .keep_bytes = b & 64 ? 64 * KIB : 0,
        .check = level,
        .secret = 1,
    };

    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = &sta_heap_none;
    while (live_count > 0) /* of a life that ended in misuse */
        leave(live_count - 1);
    freed = NULL;
    self = 0;
    return heap_restart(&o);
}

/* Frees all, ends all threads, and looks whether all is there. */
static void end(void)
{
    while (live_count > 0) {
        switch_to(live_count % THREADS);
        op_free(live_count / 2);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        switch_to(i);
        heap_end_thread();
    }
    sta_self = &sta_heap_none;
    sta_heap_trim(0);
    audit();
    heap_end_thread();
    sta_heap_trim(0);
    audit();
    REQUIRE(heap_audit_zero());
    for (uint32_t i = 0; i < sta_region_count; i++)
        REQUIRE(sta_runs_largest(&sta_regions[i].runs) ==
                sta_region_units(&sta_regions[i]));
    sta_self = &sta_heap_none;
}

static void life(const unsigned char *bytes, size_t size, enum sta_check level)
{
    struct input in = {bytes, size};
    unsigned steps = 0;
    unsigned how = 0;
    unsigned value = 0;

    REQUIRE(begin(&in, level));
    if (bytes[0] & 128) {
        how = next_byte(&in);
        value = next_byte(&in) | next_byte(&in) << 8;
    }
    while (in.left > 0) {
        check_context("level %d, byte %zu", level, size - in.left);
        step(&in);
        if (++steps % 4 == 0 || sta_pages_used() < 256)
            audit();
    }
    check_context("level %d, at the end", level);
    if (bytes[0] & 128)
        misuse(how, value);
    else
        end();
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    const char *only = getenv("STA_FUZZ_LEVEL");
    int level = only ? atoi(only) : STA_CHECK_FREE;
    int last = only ? level : STA_CHECK_HARDENED;

    for (; size > 0 && level <= last; level++)
        life(bytes, size, (enum sta_check)level);
    return 0;
}
