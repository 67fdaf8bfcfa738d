/* SPDX-License-Identifier: MIT */
/* A plugin that gives memory away and takes memory over; see deepbind.c. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *plugin_make(size_t size);
void plugin_take(void *p);
char *plugin_resize(void *p, size_t size);
void *plugin_malloc(void);
int plugin_use_stdio(void);

char *plugin_make(size_t size)
{
    char *p = malloc(size);
    if (p != NULL)
        memset(p, 'p', size);
    return p;
}

void plugin_take(void *p)
{
    free(p);
}

char *plugin_resize(void *p, size_t size)
{
    return realloc(p, size);
}

void *plugin_malloc(void)
{
    void *(*address)(size_t) = malloc;
    return *(void **)&address;
}

/* Memory that the C library allocates and the plugin frees. */
int plugin_use_stdio(void)
{
    char *text = NULL;
    int length = asprintf(&text, "%0*d", 300, 7);
    free(text);
    free(strdup("plugin"));
    return length;
}
