/* SPDX-License-Identifier: MIT */
/*
 * Bytes as a life of the heap: up to four threads allocate, resize, free each
 * other's objects, end, trim, and at last misuse it.
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
 *   - misuse of a pointer that is no live object's ends in a message.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "heap/stats.h"
#include "tests/lib/check.h"
#include "tests/lib/heap_audit.h"
#include "tests/lib/heap_restart.h"

enum {
    KIB = 1024,
    MIB = 1024 * 1024,
    THREADS = 4,
    LIVE_MAX = 2000,
    WHOLE = 4096, /* bytes up to which an object is filled wholly */
    SOME = 64,    /* bytes at the start of each further page */
    MAP_BYTES = 16 * MIB
};

static struct object {
    unsigned char *p;
    size_t size, usable;
    unsigned char fill;
} live[LIVE_MAX];
static size_t live_count;
static const void *starts[LIVE_MAX];

static struct sta_heap *threads[THREADS];
static unsigned self;
static unsigned char held[MAP_BYTES / 16]; /* 1 where an object lies */
static void *freed;                        /* the last one */
static unsigned serial;

/* --- The oracle ---------------------------------------------------------- */

/* Claims or gives up the bytes of an object in the map. */
static void hold(const unsigned char *p, size_t bytes, bool claim)
{
    uintptr_t offset = (uintptr_t)p - sta_regions[0].base;

    if (offset >= MAP_BYTES || bytes > MAP_BYTES - offset)
        return;
    unsigned char *map = held + offset / 16;
    for (size_t i = 0; claim && i < bytes / 16; i++)
        REQUIRE(map[i] == 0);
    memset(map, claim, bytes / 16);
}

/* Bytes from `at` on that are filled, up to the next that may not be. */
static size_t filled_at(const struct object *b, size_t at)
{
    size_t end = b->size <= WHOLE ? b->size : at + SOME;

    return end < b->size ? end : b->size;
}

static void fill(struct object *b)
{
    b->fill = (unsigned char)(++serial | 1);
    for (size_t at = 0; at < b->size; at += WHOLE)
        memset(b->p + at, b->fill, filled_at(b, at) - at);
    if (b->size)
        b->p[b->size - 1] = b->fill;
}

/* Checks what was filled of the first `kept` bytes, now at `p`. */
static void check_contents(const struct object *b, const unsigned char *p,
                           size_t kept)
{
    for (size_t at = 0; at < kept; at += WHOLE)
        for (size_t i = at; i < filled_at(b, at) && i < kept; i++)
            REQUIRE(p[i] == b->fill);
    if (kept == b->size && kept > 0)
        REQUIRE(p[kept - 1] == b->fill);
}

static void enter(unsigned char *p, size_t size, size_t align)
{
    struct object *b = &live[live_count++];

    *b = (struct object){p, size, sta_heap_usable(p), 0};
    REQUIRE((uintptr_t)p % align == 0);
    REQUIRE(b->usable >= size);
    hold(p, b->usable, true);
    fill(b);
}

/* NULL is right when even the largest free run is too short. */
static void check_refused(size_t size, size_t align)
{
    size_t bytes = size < align ? align : size;
    size_t units = bytes / STA_UNIT_BYTES + 1 + align / STA_UNIT_BYTES;

    if (size > PTRDIFF_MAX)
        return;
    REQUIRE(sta_options.arena_bytes != 0 || size >= (size_t)1 << 40);
    /* A slab has up to five units. */
    REQUIRE(sta_runs_largest(&sta_regions[0].runs) < (units < 5 ? 5 : units));
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
    hold(b.p, b.usable, false);
    live[i] = live[--live_count];
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
    hold(b->p, b->usable, false);
    if (p != b->p)
        freed = b->p;
    live[i] = live[--live_count];
    enter(p, size, 16);
}

static void switch_to(unsigned thread)
{
    threads[self] = sta_self;
    self = thread;
    sta_self = threads[self];
}

/* A thread's end has two steps: while its heap is gone it may go on. */
static void op_end(void)
{
    if (sta_options.variant == STA_VARIANT_MUTEX)
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

/* True when a live object begins there. */
static bool is_live(const void *p)
{
    for (size_t i = 0; i < live_count; i++)
        if (live[i].p == p)
            return true;
    return false;
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
 * What level 1 does not find at once: in a large heap, whose slabs are
 * lazy, a double free of other than the last slot, or of another thread's.
 */
static bool is_not_found(const void *p)
{
    const struct sta_slab *s = sta_slab_of(p);

    if (s == NULL || sta_slab_owner(s) == NULL)
        return false;
    if (sta_slab_owner(s) != sta_self)
        return sta_pages_used() > STA_EAGER_UNITS;
    return sta_slab_is_lazy(s);
}

/* Misuse, at the end of a life: dying may leave anything behind. */
static void misuse(unsigned how, unsigned value)
{
    void *volatile p = bad_pointer(how % 4, value);

    if (p == NULL || is_live(p) || is_not_found(p))
        return;
    heap_last_words = NULL;
    if (setjmp(heap_death) == 0)
        call_with(how / 4 % 3, p);
    REQUIRE(heap_last_words != NULL);
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

static void audit(void)
{
    for (size_t i = 0; i < live_count; i++)
        starts[i] = live[i].p;
    REQUIRE(heap_audit(starts, live_count));
}

static bool begin(struct input *in)
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
        .check = true,
    };

    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = &sta_heap_none;
    while (live_count > 0) { /* of a life that ended in misuse */
        live_count--;
        hold(live[live_count].p, live[live_count].usable, false);
    }
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

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct input in = {bytes, size};
    unsigned steps = 0;
    unsigned how = 0;
    unsigned value = 0;

    if (size == 0)
        return 0;
    REQUIRE(begin(&in));
    if (bytes[0] & 128) {
        how = next_byte(&in);
        value = next_byte(&in) | next_byte(&in) << 8;
    }
    while (in.left > 0) {
        check_context("byte %zu", size - in.left);
        step(&in);
        if (++steps % 4 == 0 || sta_pages_used() < 256)
            audit();
    }
    check_context("at the end");
    if (bytes[0] & 128)
        misuse(how, value);
    else
        end();
    return 0;
}
