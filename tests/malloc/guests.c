/* SPDX-License-Identifier: MIT */
/*
 * Libraries come and go while the program runs, and allocate as they do: in
 * constructors, destructors, exit handlers of theirs, and thread-local storage.
 *
 * Could fail: a library's last calls find another malloc than its first ones
 * (RTLD_DEEPBIND), or none; what the dynamic linker keeps for a library is lost
 * with each one; what a library gave away dies with it.
 */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { ROUNDS = 200, ROUNDS_FIRST = 20 };

static const int modes[] = {RTLD_LAZY, RTLD_NOW, RTLD_NOW | RTLD_DEEPBIND,
                            RTLD_NOW | RTLD_GLOBAL};
static char said[64];
static int ends[2]; /* of a pipe, in the last case */

static void hear(const char *what)
{
    REQUIRE(strlen(said) + strlen(what) + 1 < sizeof said);
    strcat(said, what);
    if (ends[1] != 0)
        REQUIRE(write(ends[1], what, strlen(what)) > 0);
}

static void *symbol(void *library, const char *name)
{
    void *address = dlsym(library, name);

    REQUIRE(address != NULL);
    return address;
}

static void *come(int mode)
{
    void (*tell)(void (*)(const char *)) = NULL;
    void *guest =
        dlopen("guest.so", mode); /* found by this program's RUNPATH */

    if (guest == NULL)
        dprintf(2, "%s\n", dlerror());
    REQUIRE(guest != NULL);
    *(void **)&tell = symbol(guest, "guest_tell");
    tell(hear);
    return guest;
}

static void visit(size_t round)
{
    char *(*legacy)(void) = NULL;
    void *guest = come(modes[round % COUNT_OF(modes)]);

    *(void **)&legacy = symbol(guest, "guest_legacy");
    char *left = legacy();
    said[0] = '\0';
    REQUIRE(dlclose(guest) == 0);
    CHECK(strcmp(said, "gone.exit.") == 0);
    CHECK(dlopen("guest.so", RTLD_NOW | RTLD_NOLOAD) == NULL);
    CHECK(strcmp(left, "legacy") == 0);
    free(left);
}

static void guests_leave_nothing_behind(void)
{
    size_t before = 0;

    for (size_t i = 0; i < ROUNDS; i++) {
        if (i == ROUNDS_FIRST)
            before = mallinfo2().uordblks;
        visit(i);
    }
    size_t after = mallinfo2().uordblks;
    if (after > before + 20000)
        dprintf(2, "%zu bytes in use, then %zu\n", before, after);
    CHECK(after <= before + 20000); /* what one guest has is 2 MB */
}

static void *allocate_until(void *stop)
{
    for (size_t i = 0; !atomic_load((_Atomic int *)stop); i++)
        free(malloc(i % 5000));
    return NULL;
}

static void guests_come_while_threads_allocate(void)
{
    const char *variant = getenv("STALLOC_VARIANT");
    _Atomic int stop = 0;
    pthread_t thread[2];

    if (variant != NULL && strcmp(variant, "single") == 0)
        return;
    for (size_t i = 0; i < COUNT_OF(thread); i++)
        REQUIRE(pthread_create(&thread[i], NULL, allocate_until, &stop) == 0);
    for (size_t i = 0; i < 40; i++)
        visit(i);
    atomic_store(&stop, 1);
    for (size_t i = 0; i < COUNT_OF(thread); i++)
        REQUIRE(pthread_join(thread[i], NULL) == 0);
}

static void own_exit_handler(void)
{
    hear("own."); /* registered last, so the first; the guest is there still */
    free(malloc(1000));
}

/* The process ends with a guest in it; what is said goes to the parent. */
static void a_guest_stays_till_the_end(void)
{
    int status;
    char all[64] = "";

    REQUIRE(pipe(ends) == 0);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        come(RTLD_NOW | RTLD_DEEPBIND);
        REQUIRE(atexit(own_exit_handler) == 0);
        exit(0);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    REQUIRE(read(ends[0], all, sizeof all - 1) > 0);
    if (strcmp(all, "own.exit.gone.") != 0)
        dprintf(2, "said: %s\n", all);
    CHECK(strcmp(all, "own.exit.gone.") == 0);
}

static const struct check_case cases[] = {
    {"guests_leave_nothing_behind", guests_leave_nothing_behind},
    {"guests_come_while_threads_allocate", guests_come_while_threads_allocate},
    {"a_guest_stays_till_the_end", a_guest_stays_till_the_end},
};

int main(int argc, char **argv)
{
    check_needs_glibc(); /* others never unload a library */
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
