/* SPDX-License-Identifier: MIT */
/* Canaries: set, and looked at when an object is freed or resized. */
#include "heap/canary.h"

#include <string.h>

#include "heap/watched.h"
#include "os/die.h"

enum { WORD = 8, FAMILY_SHIFT = 47, SLACK_SHIFT = 50 };

static_assert(STA_CLASS_SIZE_MAX - WORD < 1 << (64 - SLACK_SHIFT),
              "a slot's slack has 14 bits");
static_assert(STA_FAMILY_COUNT <= 1 << (SLACK_SHIFT - FAMILY_SHIFT),
              "a family has 3");

bool sta_canary_is_all(const char *p, size_t bytes, int byte)
{
    return bytes == 0 || (*(const unsigned char *)p == byte &&
                          memcmp(p, p + 1, bytes - 1) == 0);
}

/* Where memcheck tells of an overflow and the program goes on, the word should
 * survive a short one. */
size_t sta_canary_least(void)
{
    return STA_WATCHED ? 3 * WORD : WORD;
}

/* The bits of a canary word that only the slot decides.  Odd, so that a
 * string's closing zero does not pass for its first byte. */
static uint64_t canary_word(const void *p)
{
    uint64_t x = ((uint64_t)(uintptr_t)p ^ sta_options.secret) *
                 UINT64_C(0x9e3779b97f4a7c15);
    return x >> (64 - FAMILY_SHIFT) | 1;
}

/* What the word of a slot was changed by: slack and family. */
static uint64_t read_word(const struct sta_slab *s, const char *p)
{
    uint64_t found;
    memcpy(&found, p + sta_slab_object_bytes(s) - WORD, WORD);
    return found ^ canary_word(p);
}

static void write_word(const struct sta_slab *s, char *p, uint64_t numbers)
{
    numbers ^= canary_word(p);
    memcpy(p + sta_slab_object_bytes(s) - WORD, &numbers, WORD);
}

void sta_canary_set(struct sta_slab *s, char *p, size_t size)
{
    size_t slack = sta_slab_object_bytes(s) - size;
    uint8_t byte = (uint8_t)canary_word(p);
    if (sta_slab_state(s) == STA_SLAB_RUN) {
        sta_slab_set_purged(s, (uint32_t)slack);
        s->sum = STA_FAMILY_MALLOC;
        memset(p + size, byte, slack);
        return;
    }
    memset(p + size, byte, slack - WORD);
    write_word(s, p, (uint64_t)(slack - WORD) << SLACK_SHIFT);
}

void sta_canary_set_family(struct sta_slab *s, char *p, enum sta_family family)
{
    if (sta_slab_state(s) == STA_SLAB_RUN)
        s->sum = (uint16_t)family;
    else
        write_word(s, p, read_word(s, p) | (uint64_t)family << FAMILY_SHIFT);
}

static uint32_t family_of(const struct sta_slab *s, const char *p)
{
    if (sta_slab_state(s) == STA_SLAB_RUN)
        return s->sum;
    return read_word(s, p) >> FAMILY_SHIFT &
           ((1u << (SLACK_SHIFT - FAMILY_SHIFT)) - 1);
}

size_t sta_canary_size(const char *call, const struct sta_slab *s,
                       const void *object)
{
    const char *p = object;
    size_t bytes = sta_slab_object_bytes(s);
    size_t slack = sta_slab_purged(s);
    size_t tail = slack;
    if (sta_canary_is_closed(s))
        return 0;
    if (sta_slab_state(s) != STA_SLAB_RUN) {
        uint64_t numbers = read_word(s, p);
        tail = (size_t)(numbers >> SLACK_SHIFT);
        slack = tail + WORD;
        if (numbers << (64 - FAMILY_SHIFT) != 0 || slack > bytes ||
            family_of(s, p) >= STA_FAMILY_COUNT)
            tail = SIZE_MAX;
    }
    uint8_t byte = (uint8_t)canary_word(p);
    if (tail != SIZE_MAX && sta_canary_is_all(p + bytes - slack, tail, byte))
        return bytes - slack;
    if (!STA_WATCHED)
        sta_die("%s(%p): overflow of a %zu-byte object", call, object, bytes);
    return bytes - (tail == SIZE_MAX ? sta_canary_least() : slack);
}

static bool is_mixed(void)
{
    return atomic_load_explicit(&sta_family_mixed, memory_order_relaxed);
}

void sta_canary_expect_family(const struct sta_slab *s, const void *p,
                              enum sta_family family)
{
    if (family_of(s, p) != family && !STA_WATCHED && !is_mixed() &&
        sta_family_look_for_others)
        sta_family_look_for_others();
}

void sta_canary_check_family(const char *call, const struct sta_slab *s,
                             const void *p, enum sta_family family)
{
    static const char *const allocators[STA_FAMILY_COUNT] = {
        "malloc", "operator new", "operator new[]", "aligned operator new",
        "aligned operator new[]"};
    uint32_t found = family_of(s, p);
    if (found != family && !STA_WATCHED && !is_mixed())
        sta_die("%s(%p): allocated by %s", call, p, allocators[found]);
}
