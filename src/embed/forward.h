/* SPDX-License-Identifier: MIT */
/*
 * What the decorators share: each has a table of its own in which those entries
 * are NULL that the allocator inside does not have either, so that "can it?"
 * has the same answer at every layer.
 */
#ifndef STA_EMBED_FORWARD_H
#define STA_EMBED_FORWARD_H

#include <stalloc/allocator.h>

/* Takes out of `ops` what `inner` cannot do. */
static inline void sta_forward_limit(struct sta_allocator_ops *ops,
                                     const struct sta_allocator_ops *inner)
{
    if (!inner->resize)
        ops->resize = NULL;
    if (!inner->owns)
        ops->owns = NULL;
    if (!inner->usable_size)
        ops->usable_size = NULL;
    if (!inner->good_size)
        ops->good_size = NULL;
    if (!inner->usage)
        ops->usage = NULL;
    if (!inner->audit)
        ops->audit = NULL;
    if (!inner->dump)
        ops->dump = NULL;
}

#endif
