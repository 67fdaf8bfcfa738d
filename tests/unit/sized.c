/* SPDX-License-Identifier: MIT */
/*
 * The size and alignment that a sized free names: every request that may have
 * made the object passes, and no other; sums near SIZE_MAX, too.  An object
 * that was shortened where it is, for want of memory, passes by its new size;
 * that is not to let others pass.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap/check.h"
#include "tests/lib/check.h"

static const struct {
    size_t size, align; /* as it was asked for */
    size_t named, named_align;
    bool passes;
} cases[] = {
    {48, 1, 48, 1, true},
    {48, 1, 33, 1, true}, /* of the same class */
    {48, 1, 49, 1, false},
    {48, 1, 8, 1, false},
    {48, 1, 0, 1, false},
    {48, 1, SIZE_MAX, 1, false},
    {0, 1, 0, 1, true},
    {200, 256, 200, 256, true},
    {200, 256, 300, 256, false},
    {200, 256, SIZE_MAX, 256, false},
    {4096, 4096, 4096, 4096, true},
    {4096, 4096, SIZE_MAX, 4096, false},
    {4096, 4096, SIZE_MAX - 4095, 4096, false},
    {100000, 1, 100000, 1, true},
    {100000, 1, 200000, 1, false},
    {100000, 1, SIZE_MAX, 1, false},
    {100000, 64, SIZE_MAX, 64, false},
};

/* True when the process goes on. */
static bool passes(const void *p, size_t size, size_t align)
{
    int status = 0;
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) { /* what it says is for others to look at */
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        sta_heap_check_size("free_sized", p, size, align);
        _exit(0);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
    return status == 0;
}

/* Takes all memory there is, then makes one object shorter. */
static void only_where_an_object_stayed_a_size_may_be_small(void)
{
    char *other = sta_heap_alloc(3000);
    char *p = sta_heap_alloc(700);
    REQUIRE(other != NULL && p != NULL);
    for (size_t size = 65536; size >= 16; size /= 2)
        while (sta_heap_alloc(size) != NULL)
            ;
    REQUIRE(sta_heap_realloc(p, 20) == p);
    check_context("a full arena");
    CHECK(passes(p, 20, 1));
    CHECK(!passes(p, 900, 1));
    CHECK(passes(other, 3000, 1));
    CHECK(!passes(other, 20, 1));
}

int main(void)
{
    setenv("STALLOC_ARENA_SIZE", "2M", 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        void *p = sta_heap_alloc_aligned(cases[i].size, cases[i].align);
        REQUIRE(p != NULL);
        check_context("%zu bytes by %zu, named %zu by %zu", cases[i].size,
                      cases[i].align, cases[i].named, cases[i].named_align);
        CHECK(passes(p, cases[i].named, cases[i].named_align) ==
              cases[i].passes);
        sta_heap_free(p);
    }
    only_where_an_object_stayed_a_size_may_be_small();
    return check_status();
}
