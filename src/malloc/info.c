/* SPDX-License-Identifier: MIT */
/*
 * <malloc.h>: mallinfo, mallopt, malloc_trim, malloc_stats, malloc_info.
 *
 * Tools and programs ask these of whatever malloc runs; without ours they
 * would describe the C library's empty heap, and a static program would get
 * two mallocs.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "malloc/names.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "heap/heap.h"
#include "heap/stats.h"
#include "heap/threads.h"
#include "heap/trim.h"
#include "os/libc.h"

/*
 * No object is a mapping of its own here, which readers would add to both what
 * there is and what is in use: large ones are in these already.
 */
STA_EXPORT struct mallinfo2 mallinfo2(void)
{
    struct sta_stats t;
    sta_stats_collect(&t);
    return (struct mallinfo2){
        .arena = (size_t)t.committed_bytes,
        .ordblks = (size_t)t.free_runs,
        .uordblks = (size_t)t.live_bytes,
        .fordblks = (size_t)(t.committed_bytes - t.live_bytes),
        .keepcost = (size_t)t.stale_bytes,
    };
}

/* The old form, whose fields are int: what does not fit is INT_MAX. */
static int clamp(size_t n)
{
    return n > INT_MAX ? INT_MAX : (int)n;
}

STA_EXPORT struct mallinfo mallinfo(void)
{
    struct mallinfo2 t = mallinfo2();
    return (struct mallinfo){
        .arena = clamp(t.arena),
        .ordblks = clamp(t.ordblks),
        .uordblks = clamp(t.uordblks),
        .fordblks = clamp(t.fordblks),
        .keepcost = clamp(t.keepcost),
    };
}

/*
 * M_TRIM_THRESHOLD sets how much free memory is kept, as STALLOC_PURGE does.
 * The others steer what this malloc has not: they are accepted, as programs
 * take a refusal for an error.
 */
STA_EXPORT int mallopt(int parameter, int value)
{
    switch (parameter) {
    case M_TRIM_THRESHOLD:
        sta_heap_ensure_started(); /* or the options would overrule it */
        sta_pages_keep(value < 0 ? SIZE_MAX : (size_t)value);
        return 1;
    case M_MXFAST:
    case M_TOP_PAD:
    case M_MMAP_THRESHOLD:
    case M_MMAP_MAX:
    case M_CHECK_ACTION:
    case M_PERTURB:
    case M_ARENA_TEST:
    case M_ARENA_MAX:
        return 1;
    default:
        return 0;
    }
}

STA_EXPORT int malloc_trim(size_t pad)
{
    return sta_heap_trim(pad) != 0;
}

STA_EXPORT void malloc_stats(void)
{
    sta_stats_write(STDERR_FILENO, STA_FORMAT_TEXT);
}

/* XML in the form of glibc's: the elements that its readers look for.  What is
 * in use is, as there, the system's memory less what rests. */
STA_EXPORT int malloc_info(int options, FILE *stream)
{
    struct sta_stats t;
    if (options != 0) {
        errno = EINVAL;
        return -1;
    }
    sta_stats_collect(&t);
    fprintf(stream, "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n");
    for (int i = 0; i < STA_STATS_CLASSES; i++) {
        const struct sta_stats_class *c = &t.classes[i];
        size_t bytes = (size_t)(c->live * c->slot_bytes);
        if (c->total != 0)
            fprintf(stream,
                    "  <size from=\"%zu\" to=\"%zu\" total=\"%zu\" "
                    "count=\"%zu\"/>\n",
                    i ? (size_t)t.classes[i - 1].slot_bytes + 1 : 0,
                    (size_t)c->slot_bytes, bytes, (size_t)c->live);
    }
    fprintf(stream, "</sizes>\n");
    for (int i = 0; i < 2; i++) /* of the heap, then of the process */
        fprintf(stream,
                "%s<total type=\"fast\" count=\"0\" size=\"0\"/>\n"
                "<total type=\"rest\" count=\"%zu\" size=\"%zu\"/>\n"
                "<total type=\"mmap\" count=\"0\" size=\"0\"/>\n"
                "<system type=\"current\" size=\"%zu\"/>\n"
                "<system type=\"max\" size=\"%zu\"/>\n"
                "<aspace type=\"total\" size=\"%zu\"/>\n"
                "<aspace type=\"mprotect\" size=\"%zu\"/>\n",
                i ? "</heap>\n" : "", (size_t)t.free_runs, (size_t)t.free_bytes,
                (size_t)t.committed_bytes, (size_t)t.committed_bytes,
                (size_t)t.reserved_bytes, (size_t)t.committed_bytes);
    fprintf(stream, "</malloc>\n");
    return 0;
}
