/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The only door to liburcu (memb flavour), and what spares its readers most interrupts.
 *
 * Reading sections are inlined here, inside the library only: liburcu is LGPL, so its inline code must not reach a
 * caller's program through include/, and its out-of-line calls cost five times as much. Under ThreadSanitizer the
 * out-of-line functions are used instead, because they are not instrumented and their internals stay silent; the
 * edge that they stand for is told to the sanitizer through a token.
 *
 * A grace period of liburcu sends every running thread of the process an interrupt (membarrier): 1-10 us, paid by
 * readers. Most of them are spared by evidence (evidence.h): at each outermost section a reader notes in a word of its
 * own the generation of what it found published. Readers that work show the newest one within nanoseconds; for one
 * that does not, the writer asks liburcu.
 *
 * Participants: registered readers; one thread that synchronises at a time for each word that is published.
 * Pairs:
 *   [rcu-P1] publish (release store) with deref (consume load): a reader of the pointer sees what it points to.
 *   [rcu-P2] unlock with the return of liburcu's grace period: what a reader did in its section happens before the
 *            free.
 *   [rcu-P3] stamp with the beginning of a grace period, both read-modify-writes of one count: what was hidden before a
 *            stamp is hidden from all sections that begin after a grace period which is not in it has begun.
 *   [rcu-P4] the end of a grace period with passed: what [rcu-P2] says holds for whoever finds that it has passed.
 */
#ifndef GM_BASE_RCU_H
#define GM_BASE_RCU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/tsan.h"

#if !GM_TSAN
#define _LGPL_SOURCE
#endif
#include <urcu/urcu-memb.h>

#include "base/atomic.h"
#include "base/evidence.h"

#define gm_rcu_publish(pointer, value) gm_store_release((pointer), (value)) /* [rcu-P1] */
#define gm_rcu_deref(pointer) gm_load_consume((pointer))                   /* [rcu-P1] */

extern char gm_rcu_token;

/* A reader's own line: written by it alone. */
struct gm_rcu_slot {
    gm_atomic_u64 seen; /* generation found at the newest outermost section; 0: none yet */
    uint32_t state;     /* 0: not registered; 1: in no section of ours; 1 + n: in n of them */
    uint32_t failures; /* the synchroniser's: how often in a row it gave no evidence */
    struct gm_rcu_slot *next;
} __attribute__((aligned(64)));

extern _Thread_local struct gm_rcu_slot gm_rcu_slot;

enum { GM_RCU_UNREGISTERED = 0, GM_RCU_IDLE = 1, GM_RCU_IN_ONE = 2 };

/* Does this thread hold a section, ours or the program's own? Then it must not wait for a grace period. */
static inline bool gm_rcu_reading(void)
{
    return urcu_memb_read_ongoing() != 0;
}

/*
 * Enter a section; false when the thread is not registered. *outermost: it is inside no other section of ours.
 * The common states are stored as constants behind branches that are always predicted: counting up and down would
 * chain each pin to the one before through the store buffer.
 */
static inline bool gm_rcu_enter(bool *outermost)
{
    uint32_t state = gm_rcu_slot.state;
    *outermost = __builtin_expect(state == GM_RCU_IDLE, 1);
    if (*outermost)
        gm_rcu_slot.state = GM_RCU_IN_ONE;
    else if (state == GM_RCU_UNREGISTERED)
        return false;
    else
        gm_rcu_slot.state = state + 1;
    urcu_memb_read_lock();
    return true;
}

/* Leave a section; false when there is none of ours to leave. */
static inline bool gm_rcu_leave(void)
{
    uint32_t state = gm_rcu_slot.state;
    if (__builtin_expect(state == GM_RCU_IN_ONE, 1))
        gm_rcu_slot.state = GM_RCU_IDLE;
    else if (state <= GM_RCU_IDLE)
        return false;
    else
        gm_rcu_slot.state = state - 1;
    gm_tsan_release(&gm_rcu_token); /* [rcu-P2] */
    urcu_memb_read_unlock();
    return true;
}

/* Note what was found published, right after the deref of an outermost section, and of no other. */
static inline void gm_rcu_saw(uint64_t generation)
{
    gm_evidence_note(&gm_rcu_slot.seen, generation);
}

int gm_rcu_register(void);
int gm_rcu_unregister(void);

/* Wait until every section that is open now has ended, also those that found the newest generation. The caller is not
 * in one. */
void gm_rcu_synchronize_all(void);

/*
 * Grace periods are counted, so that what waits for one may use another's. A stamp is kept with what was hidden just
 * before; it has passed when a grace period that began after it has ended. Evidence of commits is not counted.
 */
uint64_t gm_rcu_stamp(void);
bool gm_rcu_passed(uint64_t stamp);

/* Wait until every section that could have begun before this generation was published has ended. The caller is not
 * in one, and nothing newer is published meanwhile. */
void gm_rcu_synchronize(uint64_t generation);

#endif
