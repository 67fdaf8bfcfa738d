/* SPDX-License-Identifier: MIT */
/*
 * The STALLOC_* variables.
 *
 * One table says what there is: a name, how to read the value, what the value
 * may be.  A value that cannot be read leaves the default and says so once; a
 * typing error in a name is told too, since silence would leave the user with
 * an option that he believes is on.
 */
#include "heap/options.h"

#include <string.h>

#include "heap/config.h"
#include "heap/free_slot.h"
#include "heap/watched.h"
#include "os/die.h"
#include "os/env.h"
#include "os/vm.h"

STA_SPARSE struct sta_options sta_options;

static const char *const variants[] = {"local", "mutex", "single", NULL};
static const char *const formats[] = {"off", "text", "json", NULL};
static const char *const foreigns[] = {"abort", "ignore", "forward", NULL};
static const char *const switches[] = {"0", "1", NULL};
static const char *const checks[] = {"0", "1", "2", "3", NULL};
static const char *const huges[] = {"never", "auto", NULL};
static const char *const deepbinds[] = {"keep", "strip", NULL};

const char *sta_variant_name(enum sta_variant v)
{
    return variants[v];
}

/* Returns the index of `s` among `words`, or -1. */
static int find_word(const char *s, const char *const words[])
{
    for (int i = 0; words[i]; i++)
        if (strcmp(s, words[i]) == 0)
            return i;
    return -1;
}

/* Reads decimal digits at *s, moving *s behind them; false on overflow. */
static bool read_digits(const char **s, size_t *n)
{
    const char *start = *s;
    *n = 0;
    for (; **s >= '0' && **s <= '9'; (*s)++)
        if (__builtin_mul_overflow(*n, (size_t)10, n) ||
            __builtin_add_overflow(*n, (size_t)(**s - '0'), n))
            return false;
    return *s != start;
}

/* Reads a size, "64M", in bytes with an optional suffix K, M, G or T; false
 * when `s` is none, is 0, or does not fit a size_t. */
static bool read_size(const char *s, size_t *bytes)
{
    static const char suffixes[] = "KMGT";
    size_t n;
    if (!read_digits(&s, &n) || n == 0)
        return false;
    char upper = (char)(*s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s);
    const char *suffix = *s ? strchr(suffixes, upper) : NULL;
    if (suffix) {
        unsigned shift = 10 * (unsigned)(suffix - suffixes + 1);
        if (n > ((uint64_t)SIZE_MAX >> shift))
            return false;
        n = (size_t)((uint64_t)n << shift);
        s++;
    }
    *bytes = n;
    return *s == '\0';
}

static bool read_arena(const char *s)
{
    size_t n;
    if (strcmp(s, "cgroup") == 0) {
        n = sta_vm_cgroup_limit();
        if (n == SIZE_MAX) /* no limit: the machine is the group's limit */
            n = sta_vm_memory_bytes();
        /* Code, stacks and page tables count against the limit as well: with
         * all of it for the arena the kernel would kill before malloc fails. */
        n -= n / 8;
    } else if (!read_size(s, &n)) {
        size_t percent;
        if (!read_digits(&s, &percent) || strcmp(s, "%") != 0 || percent == 0 ||
            percent > 100)
            return false;
        n = sta_vm_memory_bytes() / 100 * percent;
    }
    if (n < 64 * (size_t)STA_UNIT_BYTES || n > STA_ARENA_MOST)
        return false;
    sta_options.arena_bytes = n & ~(size_t)(STA_UNIT_BYTES - 1);
    return true;
}

static bool read_slab_max(const char *s)
{
    size_t n;
    if (!read_size(s, &n) || n < STA_SLAB_MAX_LEAST || n > STA_CLASS_SIZE_MAX)
        return false;
    sta_options.slab_max = n;
    return true;
}

static bool read_purge(const char *s)
{
    size_t keep = 0;
    bool by_rule = strcmp(s, "auto") == 0;
    bool never = strcmp(s, "never") == 0;
    if (!by_rule && !never && strcmp(s, "now") != 0 && !read_size(s, &keep))
        return false;
    sta_options.keep_bytes = keep;
    sta_options.purge_auto = by_rule;
    sta_options.purge_never = never;
    return true;
}

static bool read_stats_file(const char *s)
{
    size_t len = strlen(s);
    if (len == 0 || len >= sizeof sta_options.stats_file)
        return false;
    memcpy(sta_options.stats_file, s, len + 1);
    return true;
}

/* Each option is a word of a list, or has a reader of its own, which changes
 * nothing when it returns false. */
static const struct option {
    const char *name;
    const char *const *words;
    size_t field_offset; /* of the bool or enum that takes the word's index */
    bool is_bool;
    bool (*read)(const char *value);
    const char *expected;
} options[] = {
#define WORDS(name, words, field, is_bool, expected)                           \
    {                                                                          \
        name, words, offsetof(struct sta_options, field), is_bool, NULL,       \
            expected                                                           \
    }
#define READER(name, read, expected)                                           \
    {                                                                          \
        name, NULL, 0, false, read, expected                                   \
    }
    READER("ARENA_SIZE", read_arena,
           SIZE_MAX > UINT32_MAX ? "a size from 256K to 4T, 50% or cgroup"
                                 : "a size from 256K to 2G, 50% or cgroup"),
    WORDS("VARIANT", variants, variant, false, "local, mutex or single"),
    READER("SLAB_MAX", read_slab_max, "a size from 1K to 16K"),
    WORDS("STATS", formats, stats, false, "text, json or off"),
    READER("STATS_FILE", read_stats_file, "a file name, such as out.%p.json"),
    WORDS("VERBOSE", switches, verbose, true, "0 or 1"),
    READER("PURGE", read_purge, "auto, now, never or a size"),
    WORDS("HUGE", huges, huge, true, "auto or never"),
    WORDS("PREFAULT", switches, prefault, true, "0 or 1"),
    WORDS("MLOCK", switches, mlock, true, "0 or 1"),
    WORDS("CHECK", checks, check, false, "0, 1, 2 or 3"),
    WORDS("FOREIGN", foreigns, foreign, false, "abort, ignore or forward"),
    WORDS("DEEPBIND", deepbinds, strip_deepbind, true, "strip or keep"),
};

static bool read_words(const struct option *o, const char *value)
{
    char *field = (char *)&sta_options + o->field_offset;
    int word = find_word(value, o->words);
    if (word < 0)
        return false;
    if (o->is_bool)
        *(bool *)field = word == 1;
    else
        *(int *)(void *)field = word;
    return true;
}

static_assert(sizeof(enum sta_variant) == sizeof(int) &&
                  sizeof(enum sta_format) == sizeof(int) &&
                  sizeof(enum sta_foreign) == sizeof(int) &&
                  sizeof(enum sta_check) == sizeof(int),
              "read_words() stores every enum as an int");

enum { SHOWN_MAX = 64 };

/* Copies text of the environment for a message, which must stay one line. */
static void show(char shown[SHOWN_MAX + 1], const char *text, size_t len)
{
    len = len < SHOWN_MAX ? len : SHOWN_MAX;
    for (size_t i = 0; i < len; i++)
        shown[i] = (unsigned char)text[i] < ' ' ? '?' : text[i];
    shown[len] = '\0';
}

static void read_one(const char *name, size_t name_len, const char *value,
                     void *context)
{
    enum { PREFIX = sizeof "STALLOC_" - 1 };
    char shown[SHOWN_MAX + 1];
    (void)context;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const struct option *o = &options[i];
        if (strlen(o->name) != name_len - PREFIX ||
            memcmp(o->name, name + PREFIX, name_len - PREFIX) != 0)
            continue;
        if (!(o->words ? read_words(o, value) : o->read(value))) {
            show(shown, value, strlen(value));
            sta_warn("STALLOC_%s=%s: expected %s; using the default", o->name,
                     shown, o->expected);
        }
        return;
    }
    show(shown, name, name_len);
    sta_warn("%s: unknown variable, ignored; see libstalloc(7)", shown);
}

void sta_options_derive(void)
{
    /* What is prefaulted or locked stays so, and a guard is a unit. */
    sta_options.closed = sta_options.check >= STA_CHECK_OBJECTS &&
                         !sta_options.purge_never && !STA_WATCHED &&
                         sta_vm_page_bytes() <= STA_UNIT_BYTES;
    if (sta_options.closed) { /* there are no two megabytes in one piece */
        sta_options.huge = false;
        sta_options.apart_most = sta_vm_mappings_most() / 8 * STA_APART_EIGHTHS;
    }
    sta_options.guard_units =
        sta_options.closed && sta_options.check == STA_CHECK_HARDENED;
    for (size_t i = 0; i <= STA_RUN_BYTES_MAX / STA_MEDIUM_STEP; i++) {
        size_t size = i * STA_MEDIUM_STEP;
        size_t units = (size + STA_UNIT_BYTES - 1) >> STA_UNIT_LOG2;
        size_t run_bytes = units << STA_UNIT_LOG2;
        bool run = size > sta_options.slab_max ||
                   (run_bytes - size) * 8 <= size ||
                   STA_SLAB_BYTES_MAX / sta_class_bytes(sta_class_of(size)) <=
                       STA_SLAB_BYTES_MAX / run_bytes;
        size_t list = run ? STA_CLASS_COUNT + units : sta_class_of(size);
        sta_options.medium[i] = (uint8_t)list;
    }
    /* The sum of two addresses and 49 bits leaves the first byte alone. */
    sta_options.key = (uintptr_t)STA_KEY_TAG << STA_KEY_TAG_SHIFT |
                      (uintptr_t)(sta_options.secret >> 15);
}

void sta_options_read(void)
{
    sta_options = (struct sta_options){
        .slab_max = STA_SLAB_MAX_DEFAULT,
        .variant = STA_DEFAULT_VARIANT,
        .stats = STA_FORMAT_UNSET,
        .purge_auto = true,
        .huge = true,
        .check = STA_CHECK_FREE,
        .strip_deepbind = true,
    };
    sta_env_each("STALLOC_", read_one, NULL);
    if ((sta_options.prefault || sta_options.mlock) &&
        sta_options.arena_bytes == 0) {
        sta_warn("STALLOC_PREFAULT and STALLOC_MLOCK need STALLOC_ARENA_SIZE; "
                 "ignored");
        sta_options.prefault = sta_options.mlock = false;
    }
    if (sta_options.prefault || sta_options.mlock)
        sta_options.purge_never = true;
    if (sta_options.stats == STA_FORMAT_UNSET) /* who names a file wants some */
        sta_options.stats =
            *sta_options.stats_file ? STA_FORMAT_TEXT : STA_FORMAT_OFF;
    if (sta_note_memcheck()) { /* whose level is this one: watched.c */
        sta_options.watched = true;
        sta_options.check = STA_CHECK_OBJECTS;
    }
    sta_options.secret = sta_options.check >= STA_CHECK_OBJECTS
                             ? sta_env_random()
                             : sta_env_seed();
    sta_options_derive();
    sta_vm_seal(&sta_options, sizeof sta_options);
}
