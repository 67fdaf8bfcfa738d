/* SPDX-License-Identifier: MIT */
/*
 * Intrusive doubly linked list: a ring through a head that is itself a link.
 *
 * A removed link points at itself, so that removing twice is harmless and
 * "is it on a list" is one comparison.
 */
#ifndef STA_CORE_LIST_H
#define STA_CORE_LIST_H

#include <stdbool.h>

struct sta_list {
    struct sta_list *next;
    struct sta_list *prev;
};

static inline void sta_list_init(struct sta_list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool sta_list_empty(const struct sta_list *l)
{
    return l->next == l;
}

/* Links `item`, which is on no list, behind the last. */
static inline void sta_list_append(struct sta_list *head, struct sta_list *item)
{
    item->prev = head->prev;
    item->next = head;
    head->prev->next = item;
    head->prev = item;
}

/* Puts an unlinked item first. */
static inline void sta_list_prepend(struct sta_list *head,
                                    struct sta_list *item)
{
    sta_list_append(head->next, item);
}

static inline void sta_list_remove(struct sta_list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    sta_list_init(item);
}

#endif
