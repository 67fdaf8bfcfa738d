/* SPDX-License-Identifier: MIT */
/*
 * A library may have operator new and delete inside, which call malloc and
 * free, and pass objects to and from a program that uses the global ones:
 * rust-lld and its libLLVM do.
 *
 * Could fail: at levels 2 and 3 of STALLOC_CHECK, which tell malloc's objects
 * from new's, the program is ended by the first such object.
 */
#include "check.h"

#include <string>

std::string *own_new_make(const char *text);
void own_new_drop(const std::string *text);

namespace
{

/* Too long for the string itself. */
const char text[] = "0123456789 0123456789 0123456789 0123456789";

void the_program_deletes_what_the_library_made()
{
    for (int i = 0; i < 100; i++) {
        std::string *made = own_new_make(text);
        CHECK(*made == text);
        delete made;
    }
}

void the_library_deletes_what_the_program_made()
{
    for (int i = 0; i < 100; i++)
        own_new_drop(new std::string(text));
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

const struct check_case cases[] = {
    CASE(the_program_deletes_what_the_library_made),
    CASE(the_library_deletes_what_the_program_made),
};

} // namespace

int main(int argc, char **argv)
{
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
