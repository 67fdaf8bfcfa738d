/* SPDX-License-Identifier: MIT */
/*
 * A program for the compilers and debuggers of this suite: the number of ways
 * to place n coins in the columns of a staircase, three times over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW(n)                                                                 \
    unsigned long row##n(unsigned long x)                                      \
    {                                                                          \
        unsigned long sum = 0;                                                 \
        for (unsigned long i = 0; i < x % 64; i++) {                           \
            switch ((x + i * n) % 7) {                                         \
            case 0:                                                            \
                sum += i << (n % 5);                                           \
                break;                                                         \
            case 1:                                                            \
                sum ^= x * n;                                                  \
                break;                                                         \
            case 2:                                                            \
                sum -= i / (n + 1);                                            \
                break;                                                         \
            case 3:                                                            \
                sum = (sum << 3) | (sum >> 61);                                \
                break;                                                         \
            default:                                                           \
                sum += table[(sum + n) % 16];                                  \
            }                                                                  \
        }                                                                      \
        return sum;                                                            \
    }
#define ROWS4(n)  ROW(n##0) ROW(n##1) ROW(n##2) ROW(n##3)
#define ROWS16(n) ROWS4(n##0) ROWS4(n##1) ROWS4(n##2) ROWS4(n##3)

static const unsigned table[16] = {3, 1, 4, 1, 5, 9, 2, 6,
                                   5, 3, 5, 8, 9, 7, 9, 3};

ROWS16(1)
ROWS16(2)
ROWS16(3)
ROWS16(4)

struct step {
    struct step *next;
    unsigned width;
    char name[16];
};

static struct step *push(struct step *top, unsigned width)
{
    struct step *s = malloc(sizeof *s);

    if (!s)
        abort();
    s->next = top;
    s->width = width;
    snprintf(s->name, sizeof s->name, "step %u", width);
    return s;
}

unsigned long ways(unsigned n, unsigned width)
{
    if (n == 0)
        return 1;
    unsigned long sum = 0;
    for (unsigned w = 1; w <= width && w <= n; w++)
        sum += ways(n - w, w);
    return sum;
}

#ifdef MISTAKES
int mistakes(char *s, int n)
{
    char *p = malloc(n), *q;
    int unset;

    if (n > 3)
        free(p);
    strcpy(p, s);
    printf("%d %s\n", s, n);
    return unset;
}
#endif

#ifdef SYNTAX
struct step missing = {.wdth = 1};
int syntax = 1 +;
#endif

int main(int argc, char **argv)
{
    unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 10;
    struct step *top = NULL;

    for (unsigned i = 0; i < n; i++)
        top = push(top, i);
    printf("%s: %lu %lu %lu\n", top ? top->name : "none", ways(n, n),
           row100(n) + row211(n), row322(n) ^ row433(n));
    while (top) {
        struct step *next = top->next;
        free(top);
        top = next;
    }
    return 0;
}
