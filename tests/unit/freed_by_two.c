/* SPDX-License-Identifier: MIT */
/*
 * Two threads free one run at the same time.  Each has found it live; then one
 * is first, and the other finds that: else its pages are free twice, or it is
 * twice among those that wait for the next requests.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap/heap.h"
#include "heap/large.h"
#include "tests/lib/check.h"

/* True when the process is ended. */
static bool is_found(const char *variant, size_t size)
{
    int status = 0;
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        setenv("STALLOC_VARIANT", variant, 1);
        struct sta_slab *s = sta_slab_of(sta_heap_alloc(size));
        void *behind = sta_heap_alloc(size);
        sta_large_free_run(s); /* what both do once they have looked */
        sta_large_free_run(s);
        _exit(behind == NULL);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

int main(void)
{
    CHECK(is_found("local", 200000));
    CHECK(is_found("mutex", 200000));
    CHECK(is_found("mutex", 20000)); /* which is kept by the heap */
    return check_status();
}
