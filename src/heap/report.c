/* SPDX-License-Identifier: MIT */
/*
 * The counters as people read them, and as programs do.
 *
 * The JSON is one object on several lines; its keys are the fields of struct
 * sta_stats, and libstalloc(7) documents them.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "heap/pages.h"
#include "heap/stats.h"
#include "os/die.h"
#include "os/env.h"
#include "os/out.h"

/* Returns 100 * part / whole, or 0 of nothing. */
static unsigned percent(uint64_t part, uint64_t whole)
{
    return whole ? (unsigned)(part * 100 / whole) : 0;
}

/* Free memory that is not in the largest free run, in percent. */
static unsigned fragmentation(const struct sta_stats *t)
{
    return percent(t->free_bytes - t->largest_free_bytes, t->free_bytes);
}

static void text_class(struct sta_out *o, const struct sta_stats_class *c,
                       uint64_t live_bytes)
{
    if (c->total == 0)
        return;
    if (c->slot_bytes != 0)
        sta_out_print(o, "  %9ju", c->slot_bytes);
    else
        sta_out_print(o, "  %9s", "runs");
    sta_out_print(o, " %12ju %12jB %14ju %8ju %12jB %4u%%\n", c->live,
                  live_bytes, c->total, c->slabs, c->slabs_bytes,
                  percent(live_bytes, c->slabs_bytes));
}

static void write_text(struct sta_out *o, const struct sta_stats *t)
{
    sta_out_print(o,
                  "stalloc %s statistics of %s, process %d, variant %s\n"
                  "  objects   live %ju (%jB), allocated %ju (%jB), freed %ju, "
                  "refused %ju\n",
                  STA_VERSION, sta_env_program(), (int)getpid(),
                  sta_variant_name(sta_options.variant), t->live_count,
                  t->live_bytes, t->total_count, t->total_bytes, t->freed_count,
                  t->refused_count);
    sta_out_print(
        o,
        "  arena     used %jB, peak %jB, free %jB in %ju runs, largest "
        "%jB, fragmented %u%%\n",
        t->used_bytes, t->peak_bytes, t->free_bytes, t->free_runs,
        t->largest_free_bytes, fragmentation(t));
    sta_out_print(o,
                  "  system    resident %jB, peak %jB, committed %jB, reserved "
                  "%jB%s\n",
                  t->resident_bytes, t->resident_peak_bytes, t->committed_bytes,
                  t->reserved_bytes, t->fixed_bytes ? ", fixed size" : "");
    sta_out_print(
        o,
        "  purging   given back %jB in %ju calls, kept for reuse %jB, "
        "reused %jB without a fault\n",
        t->purged_bytes, t->purge_calls, t->stale_bytes, t->faults_saved_bytes);
    sta_out_print(o, "  threads   heaps %ju, lock waits %ju\n", t->heaps,
                  t->lock_waits);
    sta_out_print(o, "  %9s %12s %12s %14s %8s %12s %5s\n", "size", "live",
                  "live bytes", "allocated", "slabs", "slab bytes", "full");
    uint64_t in_slots = 0;
    for (int i = 0; i < STA_STATS_CLASSES; i++) {
        const struct sta_stats_class *c = &t->classes[i];
        text_class(o, c, c->live * c->slot_bytes);
        in_slots += c->live * c->slot_bytes;
    }
    text_class(o, &t->runs, t->live_bytes - in_slots);
}

static void json_field(struct sta_out *o, const char *name, uint64_t value)
{
    sta_out_print(o, "  \"%s\": %ju,\n", name, value);
}

/* Puts a string of the system's as JSON. */
static void json_string(struct sta_out *o, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            sta_out_print(o, "\\%c", c);
        else if (c < ' ' || c > '~')
            sta_out_print(o, "\\u00%x%x", c >> 4, c & 15u);
        else
            sta_out_print(o, "%c", c);
    }
}

static void json_class(struct sta_out *o, const struct sta_stats_class *c)
{
    sta_out_print(o,
                  "{\"slot_bytes\": %ju, \"live\": %ju, \"total\": %ju, "
                  "\"slabs\": %ju, \"slabs_bytes\": %ju}",
                  c->slot_bytes, c->live, c->total, c->slabs, c->slabs_bytes);
}

static void write_json(struct sta_out *o, const struct sta_stats *t)
{
    sta_out_print(o, "{\n  \"stalloc\": \"%s\",\n  \"stats_version\": %u,\n",
                  STA_VERSION, t->version);
    sta_out_print(o, "  \"program\": \"");
    json_string(o, sta_env_program());
    sta_out_print(o, "\",\n  \"pid\": %d,\n  \"variant\": \"%s\",\n",
                  (int)getpid(), sta_variant_name(sta_options.variant));
    json_field(o, "live_bytes", t->live_bytes);
    json_field(o, "live_count", t->live_count);
    json_field(o, "total_bytes", t->total_bytes);
    json_field(o, "total_count", t->total_count);
    json_field(o, "freed_count", t->freed_count);
    json_field(o, "refused_count", t->refused_count);
    json_field(o, "fixed_bytes", t->fixed_bytes);
    json_field(o, "reserved_bytes", t->reserved_bytes);
    json_field(o, "committed_bytes", t->committed_bytes);
    json_field(o, "used_bytes", t->used_bytes);
    json_field(o, "peak_bytes", t->peak_bytes);
    json_field(o, "free_bytes", t->free_bytes);
    json_field(o, "stale_bytes", t->stale_bytes);
    json_field(o, "largest_free_bytes", t->largest_free_bytes);
    json_field(o, "free_runs", t->free_runs);
    json_field(o, "fragmentation_percent", fragmentation(t));
    json_field(o, "purged_bytes", t->purged_bytes);
    json_field(o, "purge_calls", t->purge_calls);
    json_field(o, "faults_saved_bytes", t->faults_saved_bytes);
    json_field(o, "resident_bytes", t->resident_bytes);
    json_field(o, "resident_peak_bytes", t->resident_peak_bytes);
    json_field(o, "lock_waits", t->lock_waits);
    json_field(o, "heaps", t->heaps);
    sta_out_print(o, "  \"runs\": ");
    json_class(o, &t->runs);
    sta_out_print(o, ",\n  \"classes\": [");
    const char *separator = "\n    ";
    for (int i = 0; i < STA_STATS_CLASSES; i++) {
        if (t->classes[i].total == 0)
            continue;
        sta_out_print(o, "%s", separator);
        json_class(o, &t->classes[i]);
        separator = ",\n    ";
    }
    sta_out_print(o, "\n  ]\n}\n");
}

static int write_by(char *text, size_t size, int fd, enum sta_format format)
{
    struct sta_stats stats;
    struct sta_out o;
    sta_stats_collect_all(&stats);
    sta_out_init(&o, fd, text, size);
    if (format == STA_FORMAT_JSON)
        write_json(&o, &stats);
    else
        write_text(&o, &stats);
    sta_out_flush(&o);
    return o.error;
}

int sta_stats_write(int fd, enum sta_format format)
{
    char text[512]; /* the caller's stack may be small */
    return write_by(text, sizeof text, fd, format);
}

/* Expands %p, %e and %% of a file pattern; false when it does not fit. */
static bool expand(const char *pattern, char *path, size_t size)
{
    size_t len = 0;
    for (const char *s = pattern; *s; s++) {
        char digits[16];
        char one[2] = {*s, '\0'};
        const char *piece = one;
        if (*s == '%' && s[1] == 'p') {
            char *d = digits + sizeof digits;
            *--d = '\0';
            for (int pid = getpid(); pid; pid /= 10)
                *--d = (char)('0' + pid % 10);
            piece = d;
        } else if (*s == '%' && s[1] == 'e') {
            piece = sta_env_program();
        }
        s += *s == '%' && s[1] && strchr("pe%", s[1]) ? 1 : 0;
        size_t piece_len = strlen(piece);
        if (len + piece_len >= size)
            return false;
        memcpy(path + len, piece, piece_len + 1);
        len += piece_len;
    }
    return true;
}

/* What descriptor 2 was at the start, and a copy of it: programs close theirs
 * to see whether their messages arrived (GNU ls), or reuse the number. */
static struct sta_file stderr_file;
static int stderr_copy = -1;

static void note_stderr(void)
{
    enum { OUT_OF_THE_WAY = 900 }; /* of the numbers that programs choose */
    stderr_file = sta_out_file(STDERR_FILENO);
    stderr_copy = sta_out_copy(STDERR_FILENO, OUT_OF_THE_WAY);
}

static bool is_stderr(int fd)
{
    struct sta_file now = sta_out_file(fd);
    return memcmp(&now, &stderr_file, sizeof now) == 0;
}

/* A child may be a daemon, whose starter reads until nobody has the other end
 * of that pipe any more. */
void sta_stats_after_fork(void)
{
    if (stderr_copy >= 0 && is_stderr(stderr_copy))
        sta_out_close(stderr_copy);
    stderr_copy = -1;
}

void sta_stats_start(void)
{
    const char *variant = sta_variant_name(sta_options.variant);
    if (sta_options.stats != STA_FORMAT_OFF && *sta_options.stats_file == '\0')
        note_stderr();
    if (!sta_options.verbose)
        return;
    if (sta_options.arena_bytes)
        sta_warn("libstalloc " STA_VERSION " active: variant %s, arena %B "
                 "fixed",
                 variant, sta_options.arena_bytes);
    else
        sta_warn("libstalloc " STA_VERSION " active: variant %s, arena grows "
                 "up to %B",
                 variant, sta_regions[0].bytes);
}

/* In one write, since other processes may append to the same file. */
void sta_stats_at_exit(void)
{
    static STA_SPARSE char text[12288]; /* no report is longer */
    char path[4096];
    int fd = -1;
    int saved = errno;
    if (sta_options.stats == STA_FORMAT_OFF)
        return;
    bool to_file = *sta_options.stats_file != '\0';
    if (to_file) {
        if (expand(sta_options.stats_file, path, sizeof path))
            fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0)
            sta_warn("STALLOC_STATS_FILE=%s: cannot open the file; no "
                     "statistics",
                     sta_options.stats_file);
    } else if (is_stderr(stderr_copy)) {
        fd = stderr_copy;
    } else if (is_stderr(STDERR_FILENO)) {
        fd = STDERR_FILENO;
    }
    if (fd >= 0)
        write_by(text, sizeof text, fd, sta_options.stats);
    if (to_file && fd >= 0)
        close(fd);
    errno = saved;
}
