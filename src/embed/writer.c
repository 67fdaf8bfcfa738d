/* SPDX-License-Identifier: MIT */
/* Names of errors, and text without stdio: what dumps and tracers print with.
 */
#include <stalloc/base.h>

#include "divide.h"

const char *sta_err_text(enum sta_err err)
{
    switch (err) {
    case STA_OK:
        return "ok";
    case STA_ENOMEM:
        return "out of memory";
    case STA_ENOSPC:
        return "no space in place";
    case STA_EINVAL:
        return "invalid argument";
    case STA_EOVERFLOW:
        return "overflow";
    case STA_ECORRUPT:
        return "corrupt";
    }
    return "unknown";
}

void sta_writer_text(const struct sta_writer *out, const char *text)
{
    size_t length = 0;

    if (!text)
        return;
    /* With one way out of the loop gcc makes it a call of strlen(). */
    while (text[length] && length < PTRDIFF_MAX)
        length++;
    if (length)
        out->put(out->ctx, text, length);
}

void sta_writer_number(const struct sta_writer *out, uint64_t number)
{
    char digits[20]; /* UINT64_MAX has twenty */
    size_t first = sizeof digits;

    do {
        uint64_t digit;

        number = sta_divide64(number, 10, &digit);
        digits[--first] = (char)('0' + digit);
    } while (number);
    out->put(out->ctx, digits + first, sizeof digits - first);
}
