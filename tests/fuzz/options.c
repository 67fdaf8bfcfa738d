/* SPDX-License-Identifier: MIT */
/*
 * Bytes as an environment: each string up to a 0 is a variable, whose first
 * byte may stand for a name that exists.
 *
 * The oracle reads the same strings in its own way (strtoull, a table of
 * words) and must come to the same options; each variable that it finds bad,
 * and nothing else, is worth one line, which is short and has no control
 * characters.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "heap/config.h"
#include "heap/options.h"
#include "os/die.h"
#include "os/out.h"
#include "os/vm.h"
#include "tests/lib/check.h"

enum { VARIABLES = 16, VARIABLE_MAX = 2000, LINE_MAX_BYTES = 300 };

static const char *const names[] = {
    "ARENA_SIZE", "VARIANT", "SLAB_MAX", "STATS", "STATS_FILE",
    "VERBOSE",    "PURGE",   "HUGE",     "CHECK", "PREFAULT",
    "MLOCK",      "FOREIGN", "DEEPBIND",
};

static unsigned warnings;

/* In place of os/die.c, which is in an archive and hence left there. */
void sta_warn(const char *format, ...)
{
    static int file = -1;
    char line[LINE_MAX_BYTES + 1];
    char text[512];
    struct sta_out o;
    va_list args;

    if (file < 0)
        file = memfd_create("line", MFD_CLOEXEC);
    REQUIRE(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0);
    sta_out_init(&o, file, text, sizeof text);
    va_start(args, format);
    sta_out_vprint(&o, format, args);
    va_end(args);
    sta_out_flush(&o);
    ssize_t length = pread(file, line, sizeof line, 0);
    REQUIRE(length > 0 && length < LINE_MAX_BYTES);
    for (ssize_t i = 0; i < length; i++)
        REQUIRE((unsigned char)line[i] >= ' ');
    warnings++;
}

_Noreturn void sta_die(const char *format, ...)
{
    (void)format;
    abort();
}

/* --- The oracle ---------------------------------------------------------- */

static bool is_one_of(const char *value, const char *words, int *index)
{
    size_t length = strlen(value);

    *index = 0;
    for (const char *w = words; *w; w++, (*index)++) {
        size_t n = strcspn(w, " ");

        if (n == length && memcmp(w, value, n) == 0)
            return true;
        w += n;
        if (!*w)
            break;
    }
    return false;
}

static bool is_switch(const char *value, const char *words, bool *on)
{
    int index;

    if (!is_one_of(value, words, &index))
        return false;
    *on = index == 1;
    return true;
}

static bool is_size(const char *s, size_t *bytes)
{
    static const char suffixes[] = "KMGT";
    char *end;

    if (!isdigit((unsigned char)*s))
        return false;
    errno = 0;
    unsigned long long n = strtoull(s, &end, 10);
    if (errno != 0 || n == 0 || n > SIZE_MAX)
        return false;
    const char *suffix = strchr(suffixes, toupper((unsigned char)*end));
    for (long i = *end && suffix ? suffix - suffixes + 1 : 0; i > 0; i--)
        if (__builtin_mul_overflow(n, 1024ull, &n) || n > SIZE_MAX)
            return false;
    end += *end && suffix;
    if (*end != '\0')
        return false;
    *bytes = (size_t)n;
    return true;
}

static bool is_arena(const char *s, size_t *bytes)
{
    size_t n;
    char *end;

    if (strcmp(s, "cgroup") == 0) {
        n = sta_vm_cgroup_limit();
        n = n == SIZE_MAX ? sta_vm_memory_bytes() : n;
        n -= n / 8;
    } else if (!is_size(s, &n)) {
        unsigned long percent = strtoul(s, &end, 10);

        if (!isdigit((unsigned char)*s) || strcmp(end, "%") != 0 ||
            percent < 1 || percent > 100)
            return false;
        n = sta_vm_memory_bytes() / 100 * percent;
    }
    if (n < 256 * 1024 || n > STA_ARENA_MOST)
        return false;
    *bytes = n / STA_UNIT_BYTES * STA_UNIT_BYTES;
    return true;
}

/* Sets a variable in `o`; false, and nothing changed, when it is not right. */
static bool set(struct sta_options *o, const char *name, const char *value)
{
    int word = 0;
    size_t n = 0;
    bool right;

    if (strcmp(name, "ARENA_SIZE") == 0)
        return is_arena(value, &o->arena_bytes);
    if (strcmp(name, "SLAB_MAX") == 0) {
        right = is_size(value, &n) && n >= 1024 && n <= 16384;
        o->slab_max = right ? n : o->slab_max;
        return right;
    }
    if (strcmp(name, "PURGE") == 0) {
        right = is_one_of(value, "auto now never", &word);
        o->purge_auto = right ? word == 0 : o->purge_auto;
        o->purge_never = right ? word == 2 : o->purge_never;
        if (!right && (right = is_size(value, &o->keep_bytes)))
            o->purge_auto = o->purge_never = false;
        return right;
    }
    if (strcmp(name, "STATS_FILE") == 0) {
        right = *value && strlen(value) < sizeof o->stats_file;
        if (right)
            strcpy(o->stats_file, value);
        return right;
    }
    if (strcmp(name, "VARIANT") == 0 &&
        (right = is_one_of(value, "local mutex single", &word)))
        o->variant = (enum sta_variant)word;
    else if (strcmp(name, "STATS") == 0 &&
             (right = is_one_of(value, "off text json", &word)))
        o->stats = (enum sta_format)word;
    else if (strcmp(name, "FOREIGN") == 0 &&
             (right = is_one_of(value, "abort ignore forward", &word)))
        o->foreign = (enum sta_foreign)word;
    else if (strcmp(name, "CHECK") == 0 &&
             (right = is_one_of(value, "0 1 2 3", &word)))
        o->check = (enum sta_check)word;
    else
        right = (strcmp(name, "VERBOSE") == 0 &&
                 is_switch(value, "0 1", &o->verbose)) ||
                (strcmp(name, "PREFAULT") == 0 &&
                 is_switch(value, "0 1", &o->prefault)) ||
                (strcmp(name, "MLOCK") == 0 &&
                 is_switch(value, "0 1", &o->mlock)) ||
                (strcmp(name, "HUGE") == 0 &&
                 is_switch(value, "never auto", &o->huge)) ||
                (strcmp(name, "DEEPBIND") == 0 &&
                 is_switch(value, "keep strip", &o->strip_deepbind));
    return right;
}

/* Reads the environment into `o`; returns how many lines it is worth. */
static unsigned expect(struct sta_options *o)
{
    unsigned bad = 0;

    for (char **e = environ; *e; e++) {
        char name[VARIABLE_MAX];
        char *equals = strchr(*e, '=');

        if (!equals || strncmp(*e, "STALLOC_", 8) != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(equals - *e - 8), *e + 8);
        bad += !set(o, name, equals + 1);
    }
    if ((o->prefault || o->mlock) && o->arena_bytes == 0) {
        o->prefault = o->mlock = false;
        bad++;
    }
    o->purge_never = o->purge_never || o->prefault || o->mlock;
    if (o->stats == STA_FORMAT_UNSET && *o->stats_file)
        o->stats = STA_FORMAT_TEXT;
    else if (o->stats == STA_FORMAT_UNSET)
        o->stats = STA_FORMAT_OFF;
    return bad;
}

static void compare(const struct sta_options *o)
{
    const struct sta_options *got = &sta_options;

    REQUIRE(got->arena_bytes == o->arena_bytes);
    REQUIRE(got->slab_max == o->slab_max);
    REQUIRE(got->keep_bytes == o->keep_bytes);
    REQUIRE(got->variant == o->variant);
    REQUIRE(got->stats == o->stats);
    REQUIRE(got->foreign == o->foreign);
    REQUIRE(got->check == o->check);
    REQUIRE(got->purge_auto == o->purge_auto);
    REQUIRE(got->purge_never == o->purge_never);
    REQUIRE(got->prefault == o->prefault);
    REQUIRE(got->mlock == o->mlock);
    REQUIRE(got->verbose == o->verbose);
    REQUIRE(got->strip_deepbind == o->strip_deepbind);
    REQUIRE(got->huge == (o->huge && !got->closed));
    REQUIRE(strcmp(got->stats_file, o->stats_file) == 0);
}

/* --- The input ----------------------------------------------------------- */

/* Makes one variable of the input; a byte above 127 is a name. */
static void read_variable(struct input *in, char variable[VARIABLE_MAX])
{
    unsigned b = next_byte(in);
    size_t length = 0;

    if (b >= 128)
        length = (size_t)snprintf(variable, VARIABLE_MAX,
                                  "STALLOC_%s=", names[b % COUNT_OF(names)]);
    else if (b > 0)
        variable[length++] = (char)b;
    while ((b = next_byte(in)) != 0)
        if (length < VARIABLE_MAX - 1)
            variable[length++] = (char)b;
    variable[length] = '\0';
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    static char variables[VARIABLES][VARIABLE_MAX];
    char *pointers[VARIABLES + 1] = {NULL};
    char **before = environ;
    struct input in = {bytes, size};
    struct sta_options wanted = {
        .slab_max = STA_SLAB_MAX_DEFAULT,
        .variant = STA_DEFAULT_VARIANT,
        .stats = STA_FORMAT_UNSET,
        .purge_auto = true,
        .huge = true,
        .check = STA_CHECK_FREE,
        .strip_deepbind = true,
    };

    for (size_t i = 0; i < VARIABLES && in.left > 0; i++) {
        read_variable(&in, variables[i]);
        pointers[i] = variables[i];
    }
    environ = pointers;
    warnings = 0;
    REQUIRE(mprotect(&sta_options, sizeof sta_options,
                     PROT_READ | PROT_WRITE) == 0);
    sta_options_read();
    REQUIRE(expect(&wanted) == warnings);
    environ = before;
    compare(&wanted);
    return 0;
}
