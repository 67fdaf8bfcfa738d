/* SPDX-License-Identifier: MIT */
/* One fault by name, for valgrind.sh to find. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *fault = argc > 1 ? argv[1] : "none";
    char *volatile kept = malloc(40);
    char *volatile p = calloc(3, 11);

    strcpy(kept, "kept to the end");
    p = realloc(p, 100);
    if (!strcmp(fault, "leak")) {
        p = malloc(1234);
        p = NULL;
    } else if (!strcmp(fault, "overflow")) {
        p[100] = 1;
    } else if (!strcmp(fault, "double")) {
        free(p);
        free(p);
    } else if (!strcmp(fault, "uninitialized")) {
        char *volatile q = malloc(10);
        puts(q[3] ? "set" : "not set");
        free(q);
    } else {
        puts(kept);
        free(p);
    }
    return 0;
}
