/* SPDX-License-Identifier: MIT */
/*
 * Bytes as counters, a program's name and the pattern of a file's: what is
 * written at exit.
 *
 * The link puts counters of any value in place of the real ones
 * (sta_stats_collect_all), and takes the name of the file that is opened
 * instead of opening it.  The JSON must be JSON, by a reader of its own that
 * takes the grammar of RFC 8259 at its word, and have the counters; the name
 * must be what the pattern means, or the file not be opened when that is too
 * long.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "heap/options.h"
#include "heap/stats.h"
#include "os/die.h"
#include "os/env.h"
#include "tests/lib/check.h"

enum { TEXT_MAX = 1 << 17, NAME_MAX_BYTES = 256, PATH_MAX_BYTES = 4096 };

static struct sta_stats counters;
static char program[NAME_MAX_BYTES];
static int process;
static char opened[PATH_MAX_BYTES]; /* the file's name; "" for none */
static int file = -1;
static unsigned warnings;

void sta_warn(const char *format, ...)
{
    (void)format;
    warnings++;
}

_Noreturn void sta_die(const char *format, ...)
{
    (void)format;
    abort();
}

/* Kept by name: the linker's --wrap comes after what link-time optimisation
 * takes for unused. */
void __wrap_sta_stats_collect_all(struct sta_stats *out) __attribute__((used));
void __wrap_sta_stats_collect_all(struct sta_stats *out)
{
    *out = counters;
}

const char *__wrap_sta_env_program(void);
const char *__wrap_sta_env_program(void)
{
    return program;
}

pid_t __wrap_getpid(void);
pid_t __wrap_getpid(void)
{
    return process;
}

int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    (void)flags;
    REQUIRE(strlen(path) < sizeof opened);
    strcpy(opened, path);
    return dup(file);
}

/* --- JSON ---------------------------------------------------------------- */

static const char *at; /* what has not been read */

static void skip_space(void)
{
    at += strspn(at, " \t\r\n");
}

static void read_string(void)
{
    REQUIRE(*at++ == '"');
    for (; *at != '"'; at++) {
        REQUIRE((unsigned char)*at >= ' ');
        if (*at != '\\')
            continue;
        REQUIRE(*++at && strchr("\"\\/bfnrtu", *at));
        if (*at == 'u') {
            REQUIRE(strspn(at + 1, "0123456789abcdefABCDEF") >= 4);
            at += 4;
        }
    }
    at++;
}

static void read_number(void)
{
    at += *at == '-';
    size_t digits = strspn(at, "0123456789");
    REQUIRE(digits > 0 && (digits == 1 || *at != '0'));
    at += digits;
}

/* Objects and arrays lie three deep at most. */
static void read_value(int depth)
{
    bool object = *at == '{';
    char close = object ? '}' : ']';

    REQUIRE(depth <= 3);
    if (*at == '"') {
        read_string();
        return;
    }
    if (!object && *at != '[') {
        read_number();
        return;
    }
    at++;
    skip_space();
    for (bool first = true; *at != close; first = false) {
        if (!first) {
            REQUIRE(*at++ == ',');
            skip_space();
        }
        if (object) {
            read_string();
            skip_space();
            REQUIRE(*at++ == ':');
            skip_space();
        }
        read_value(depth + 1);
        skip_space();
    }
    at++;
}

static void check_field(const char *text, const char *name, uint64_t value)
{
    char field[100];

    snprintf(field, sizeof field, "\"%s\": %" PRIu64 ",", name, value);
    REQUIRE(strstr(text, field));
}

static void check_json(const char *text)
{
    at = text;
    read_value(0);
    skip_space();
    REQUIRE(*at == '\0');
    check_field(text, "live_bytes", counters.live_bytes);
    check_field(text, "refused_count", counters.refused_count);
    check_field(text, "heaps", counters.heaps);
}

/* --- The input ----------------------------------------------------------- */

/* What a pattern means; false when it is longer than a path may be. */
static bool expand(const char *s, char *path, size_t size)
{
    size_t length = 0;

    for (; *s && length < size; s++) {
        if (s[0] == '%' && s[1] == 'p')
            length +=
                (size_t)snprintf(path + length, size - length, "%d", process);
        else if (s[0] == '%' && s[1] == 'e')
            length +=
                (size_t)snprintf(path + length, size - length, "%s", program);
        else
            path[length++] = *s;
        s += s[0] == '%' && s[1] && strchr("pe%", s[1]);
    }
    if (length >= size)
        return false;
    path[length] = '\0';
    return true;
}

/* Takes a string up to a 0 of the input. */
static void read_text(struct input *in, char *text, size_t size)
{
    unsigned b;
    size_t length = 0;

    while ((b = next_byte(in)) != 0)
        if (length < size - 1)
            text[length++] = (char)b;
    text[length] = '\0';
}

static void read_counters(struct input *in)
{
    unsigned char *p = (unsigned char *)&counters;
    unsigned stride = next_byte(in);

    memset(&counters, 0, sizeof counters);
    for (size_t i = 0; i < sizeof counters && in->left > 0; i += 1 + stride % 8)
        p[i] = (unsigned char)next_byte(in);
    /* What is free is the sum of runs, the largest of them one. */
    if (counters.largest_free_bytes > counters.free_bytes)
        counters.largest_free_bytes = counters.free_bytes;
    for (size_t i = 0; i < STA_STATS_CLASSES; i++)
        counters.classes[i].slot_bytes %= 1 << 20;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    static char text[TEXT_MAX + 1];
    static char path[PATH_MAX_BYTES];
    struct input in = {bytes, size};
    bool json = next_byte(&in) & 1;

    if (file < 0)
        file = memfd_create("statistics", MFD_CLOEXEC);
    REQUIRE(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0);
    process = 1 + (int)(next_byte(&in) << 22 | next_byte(&in));
    sta_options.variant = STA_VARIANT_LOCAL;
    sta_options.stats = json ? STA_FORMAT_JSON : STA_FORMAT_TEXT;
    read_text(&in, program, sizeof program);
    read_text(&in, sta_options.stats_file, sizeof sta_options.stats_file);
    read_counters(&in);
    *opened = '\0';
    warnings = 0;
    sta_stats_at_exit();
    if (*sta_options.stats_file == '\0') {
        REQUIRE(*opened == '\0');
        return 0;
    }
    bool fits = expand(sta_options.stats_file, path, sizeof path);
    REQUIRE(strcmp(opened, fits ? path : "") == 0);
    REQUIRE(warnings == !fits);
    ssize_t length = pread(file, text, TEXT_MAX, 0);
    REQUIRE(fits ? length > 0 && length < TEXT_MAX : length == 0);
    text[length] = '\0';
    if (fits && json)
        check_json(text);
    if (fits)
        REQUIRE(text[length - 1] == '\n' && strlen(text) == (size_t)length);
    return 0;
}
