/* SPDX-License-Identifier: MIT */
/*
 * A program that works in rounds: it takes 60 MiB, frees all of it, and soon
 * does the same again.
 *
 * What went back to the system would come again by a page fault each, which
 * takes longer than the rest of a round.  So after many quick ones it is kept;
 * but not after a few, nor when a second has passed without one.  And what went
 * comes by as few faults as at first, where the system gives huge pages.  Each
 * case is a child of its own, which has never freed before.
 */
#include "check.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum { MIB = 1024 * 1024, ROUND = 60 * MIB, SIZE = 100000, PAGE = 4096 };
enum { QUICK = 6, FEW = 3, MOST = 11 * MIB };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long faults(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

static void work_a_round(void)
{
    static char *object[ROUND / SIZE];
    for (size_t i = 0; i < COUNT_OF(object); i++) {
        REQUIRE((object[i] = malloc(SIZE)) != NULL);
        for (size_t at = 0; at < SIZE; at += PAGE)
            object[i][at] = 1;
    }
    for (size_t i = 0; i < COUNT_OF(object); i++)
        free(object[i]);
}

/* Returns false where one took so long that it is no quick one. */
static int work_rounds(int count)
{
    int quick = 1;
    for (int i = 0; i < count; i++) {
        double begin = now_s();
        work_a_round();
        quick &= now_s() - begin < 0.4;
    }
    return quick;
}

static void many_quick_rounds(void)
{
    if (!work_rounds(QUICK))
        return;
    long before = faults();
    work_a_round();
    CHECK(faults() - before < ROUND / PAGE / 20);
}

static void a_few_rounds(void)
{
    work_rounds(FEW);
    CHECK(mallinfo2().keepcost <= MOST);
}

static void a_second_without_one(void)
{
    work_rounds(QUICK);
    sleep(2);
    for (int i = 0; i < 1000; i++) { /* it does something else */
        char *p = malloc(300000);
        REQUIRE(p != NULL);
        *p = 1;
        free(p);
    }
    CHECK(mallinfo2().keepcost <= MOST);
}

static long faults_of_touching(char *p, size_t size)
{
    long before = faults();
    for (size_t at = 0; at < size; at += PAGE)
        p[at] = 1;
    return faults() - before;
}

/* True where a huge page that went in two halves, and as a whole then, comes as
 * one again. */
static int huge_pages_come_again(void)
{
    enum { HUGE = 2 * MIB };
    char *map = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(map != MAP_FAILED);
    char *p = map + -(uintptr_t)map % HUGE;
    int can = madvise(p, HUGE, MADV_HUGEPAGE) == 0 &&
              faults_of_touching(p, HUGE) == 1 &&
              madvise(p, MIB, MADV_DONTNEED) == 0 &&
              madvise(p + MIB, MIB, MADV_DONTNEED) == 0 &&
              madvise(p, HUGE, MADV_DONTNEED) == 0 &&
              faults_of_touching(p, HUGE) == 1;
    munmap(map, 2 * HUGE);
    return can;
}

static void what_went_in_parts(void)
{
    enum { OBJECTS = 100, BYTES = 1000000 };
    static char *object[OBJECTS];
    long first = 0, second = 0;

    if (!huge_pages_come_again())
        return;
    for (size_t i = 0; i < OBJECTS; i++) {
        REQUIRE((object[i] = malloc(BYTES)) != NULL);
        first += faults_of_touching(object[i], BYTES);
    }
    for (size_t i = 0; i < OBJECTS; i++)
        free(object[i]);
    for (size_t i = 0; i < OBJECTS; i++) {
        REQUIRE((object[i] = malloc(BYTES)) != NULL);
        second += faults_of_touching(object[i], BYTES);
    }
    if (second > first * 5 / 4)
        printf("%ld faults, and %ld again\n", first, second);
    CHECK(second <= first * 5 / 4);
    for (size_t i = 0; i < OBJECTS; i++)
        free(object[i]);
}

static void in_a_child(void (*test)(void))
{
    int status;
    unsigned failures = check_failures;
    if (!check_is_stalloc() || check_level() >= 2)
        return; /* there nothing that is free is resident */
    fflush(stdout);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        test();
        fflush(stdout);
        _exit(check_failures != failures);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

static void quick_rounds_keep_their_memory(void)
{
    in_a_child(many_quick_rounds);
}

static void a_few_rounds_give_it_back(void)
{
    in_a_child(a_few_rounds);
}

static void it_goes_back_when_there_are_none(void)
{
    in_a_child(a_second_without_one);
}

static void what_went_in_parts_comes_whole_again(void)
{
    in_a_child(what_went_in_parts);
}

int main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"quick_rounds_keep_their_memory", quick_rounds_keep_their_memory},
        {"a_few_rounds_give_it_back", a_few_rounds_give_it_back},
        {"it_goes_back_when_there_are_none", it_goes_back_when_there_are_none},
        {"what_went_in_parts_comes_whole_again",
         what_went_in_parts_comes_whole_again},
    };

    return check_main(argc, argv, cases, COUNT_OF(cases));
}
