/* SPDX-License-Identifier: MIT */
/* Everything that libstalloc offers to a program that runs on it. */
#ifndef STALLOC_H
#define STALLOC_H

#include "stalloc/malloc.h"

#endif
