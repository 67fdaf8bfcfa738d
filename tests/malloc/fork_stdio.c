/* SPDX-License-Identifier: MIT */
/*
 * fork, standard I/O and malloc take their locks in one order.
 *
 * The scenario of glibc's bug 19431.  One thread reads lines: getline grows its
 * buffer, so it calls malloc with the lock of its stream held.  One flushes all
 * streams: fflush(NULL) waits for that stream with the list of streams locked.
 * One forks: fork needs the list.  If the library's fork handler locks the heap
 * before fork locks the list, the three wait for each other for ever: the
 * runner's time limit is what fails this test.
 */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

static atomic_int stop;
static char path[] = "/tmp/stalloc-fork-XXXXXX";

static void *read_lines(void *argument)
{
    while (!atomic_load(&stop)) {
        FILE *stream = fopen(path, "re");
        REQUIRE(stream != NULL);
        for (;;) {
            char *line = NULL;
            size_t size = 0;
            ssize_t length = getline(&line, &size, stream);
            CHECK(length < 0 || line[length - 1] == '\n');
            free(line);
            if (length < 0)
                break;
        }
        fclose(stream);
    }
    return argument;
}

static void *flush_all(void *argument)
{
    while (!atomic_load(&stop))
        fflush(NULL);
    return argument;
}

static void write_lines(void)
{
    int file = mkstemp(path);
    FILE *stream = fdopen(file, "w");

    REQUIRE(file >= 0 && stream != NULL);
    for (int i = 1; i < 60; i++)
        fprintf(stream, "%*d\n", i * 1000, i);
    fclose(stream);
}

static void fork_getline_and_fflush_do_not_wait_for_each_other(void)
{
    void *(*const run[])(void *) = {read_lines, read_lines, flush_all};
    pthread_t thread[COUNT_OF(run)];

    write_lines();
    for (size_t i = 0; i < COUNT_OF(run); i++)
        REQUIRE(pthread_create(&thread[i], NULL, run[i], NULL) == 0);
    for (int i = check_times(check_is_long() ? 1000 : 800); i > 0; i--) {
        int status;
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            FILE *stream =
                fopen(path, "re"); /* allocates, and locks the list */
            char *line = NULL;
            size_t size = 0;
            REQUIRE(stream != NULL);
            REQUIRE(getline(&line, &size, stream) > 0);
            fflush(NULL);
            free(line);
            fclose(stream);
            _exit(0);
        }
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    atomic_store(&stop, 1);
    for (size_t i = 0; i < COUNT_OF(run); i++)
        pthread_join(thread[i], NULL);
    unlink(path);
}

static const struct check_case cases[] = {
    {"fork_getline_and_fflush_do_not_wait_for_each_other",
     fork_getline_and_fflush_do_not_wait_for_each_other},
};

int main(int argc, char **argv)
{
    check_needs_threads();
    check_needs_glibc(); /* stdio after fork from a threaded parent */
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
