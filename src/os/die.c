/* SPDX-License-Identifier: MIT */
/* One line on standard error, and the end of the process. */
#include "os/die.h"

#include <stdarg.h>
#include <unistd.h>

#include "os/abort.h"
#include "os/out.h"

static void say(const char *format, va_list args)
{
    char text[512];
    struct sta_out o;
    sta_out_init(&o, STDERR_FILENO, text, sizeof text);
    sta_out_print(&o, "stalloc: ");
    sta_out_vprint(&o, format, args);
    sta_out_print(&o, "\n");
    sta_out_flush(&o);
}

void sta_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

_Noreturn void sta_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!sta_abort_begun()) /* one line is enough */
        say(format, args);
    va_end(args);
    sta_abort();
}
