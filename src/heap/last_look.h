/* SPDX-License-Identifier: MIT */
/* As the process ends: a last look for objects that were freed twice. */
#ifndef STA_HEAP_LAST_LOOK_H
#define STA_HEAP_LAST_LOOK_H

/*
 * Ends the process with a line when a list of free slots has one twice, at
 * level 1 of STALLOC_CHECK.
 *
 * Threads  any, at the end of the process; waits for no lock.
 * Cost     a cache miss for each of STA_LAST_SLOTS slots; beyond that a share
 * of the processor time that the process has taken.
 */
void sta_last_look(void);

#endif
