/* SPDX-License-Identifier: MIT */
/*
 * A program may replace some of malloc's names by functions of its own.
 *
 * Tracers and debuggers of memory do: this program's malloc, calloc, realloc
 * and free put a word in front of each object and pass the rest on to the next
 * ones, which are libstalloc's.  All that the C library allocates comes through
 * them then, while memalign and its kin stay libstalloc's.
 *
 * Could fail: the library, or another one by a name that it finds in ours,
 * allocates behind the program's back what the program's free is given (the
 * word is not there), or frees what has the word (no start of an object).
 */
#include "check.h"

#include <dirent.h>
#include <pthread.h>
#include <regex.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { WORD = 16 };
static const uint64_t magic = UINT64_C(0x5afe0b1ec7c0ffee);

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);
static _Atomic long live;
static _Atomic unsigned strangers; /* objects without the word */

/* Found at the first call, which comes before main; dlsym allocates nothing
 * when it finds a name. */
static void find(void)
{
    if (next_free != NULL)
        return;
    *(void **)&next_malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&next_calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&next_realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&next_free = dlsym(RTLD_NEXT, "free");
}

static void *mark(char *p)
{
    if (p == NULL)
        return NULL;
    memcpy(p, &magic, sizeof magic);
    atomic_fetch_add(&live, 1);
    return p + WORD;
}

/* Returns what the next malloc gave for `p`. */
static void *unmark(char *p)
{
    uint64_t word;

    memcpy(&word, p - WORD, sizeof word);
    if (word != magic)
        atomic_fetch_add(&strangers, 1u);
    memset(p - WORD, 0, sizeof word);
    atomic_fetch_sub(&live, 1);
    return p - WORD;
}

void *malloc(size_t size)
{
    find();
    return mark(next_malloc(size + WORD));
}

void *calloc(size_t count, size_t size)
{
    find();
    return mark(next_calloc(1, count * size + WORD));
}

void *realloc(void *p, size_t size)
{
    find();
    return mark(next_realloc(p ? unmark(p) : NULL, size + WORD));
}

void free(void *p)
{
    find();
    if (p != NULL)
        next_free(unmark(p));
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(int));
}

/* What the C library allocates for the program, and for itself. */
static void use_the_library(void)
{
    static const char file[] = "/proc/self/status";
    char *line = NULL, *text = NULL;
    size_t room = 0;
    regex_t expression;

    FILE *stream = fopen(file, "r");
    REQUIRE(stream != NULL);
    while (getline(&line, &room, stream) > 0)
        ;
    fclose(stream);
    free(line);
    REQUIRE(asprintf(&text, "%5000d", 1) == 5000);
    text = reallocarray(text, 3, 5000);
    char *copy = strdup(text);
    CHECK(copy != NULL && strcmp(copy, text) == 0);
    free(copy);
    free(text);
    char *path = realpath("/proc/self/../self/fd", NULL);
    CHECK(path != NULL);
    free(path);
    DIR *folder = opendir("/proc/self");
    REQUIRE(folder != NULL);
    while (readdir(folder) != NULL)
        ;
    closedir(folder);
    REQUIRE(regcomp(&expression, "(a|b)*c[0-9]+", REG_EXTENDED) == 0);
    CHECK(regexec(&expression, "xxababc12", 0, NULL, 0) == 0);
    regfree(&expression);
    int *numbers = calloc(100000, sizeof *numbers);
    for (int i = 0; i < 100000; i++)
        numbers[i] = (i * 7919) % 100000;
    qsort(numbers, 100000, sizeof *numbers, compare);
    free(numbers);
}

static void *use_in_thread(void *argument)
{
    use_the_library();
    return argument;
}

static void the_c_library_uses_the_programs(void)
{
    use_the_library(); /* what is kept for ever is there now */
    long before = atomic_load(&live);
    for (int i = 0; i < 20; i++)
        use_the_library();
    CHECK(atomic_load(&live) == before);
    CHECK(atomic_load(&strangers) == 0);
}

static void threads_and_children_do(void)
{
    const char *variant = getenv("STALLOC_VARIANT");
    pthread_t thread[4];
    int status;

    if (variant == NULL || strcmp(variant, "single") != 0) {
        for (size_t i = 0; i < COUNT_OF(thread); i++)
            REQUIRE(pthread_create(&thread[i], NULL, use_in_thread, NULL) == 0);
        for (size_t i = 0; i < COUNT_OF(thread); i++)
            REQUIRE(pthread_join(thread[i], NULL) == 0);
    }
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        use_the_library();
        _exit(atomic_load(&strangers) != 0);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(atomic_load(&strangers) == 0);
}

static void what_was_not_replaced_is_the_librarys(void)
{
    void *p[4] = {memalign(64, 1000), aligned_alloc(4096, 8192), valloc(100)};
    long before = atomic_load(&live);

    REQUIRE(posix_memalign(&p[3], 1 << 16, 100) == 0);
    for (size_t i = 0; i < COUNT_OF(p); i++) {
        REQUIRE(p[i] != NULL);
        memset(p[i], 1, 100);
        next_free(p[i]); /* as a program must that leaves these alone */
    }
    CHECK(atomic_load(&live) == before);
}

static const struct check_case cases[] = {
    {"the_c_library_uses_the_programs", the_c_library_uses_the_programs},
    {"threads_and_children_do", threads_and_children_do},
    {"what_was_not_replaced_is_the_librarys",
     what_was_not_replaced_is_the_librarys},
};

int main(int argc, char **argv)
{
    Dl_info theirs, ours;

    find();
    if (check_is_stalloc()) {
        REQUIRE(dladdr(*(void **)&next_malloc, &theirs) != 0);
        REQUIRE(dladdr(check_symbol("sta_version"), &ours) != 0);
        CHECK(theirs.dli_fbase == ours.dli_fbase);
    }
    unsetenv("STA_TEST_LIB"); /* the first malloc is this program's, rightly */
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
