/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Registration and the waiting side; the reading side, and the argument for both, is in rcu.h. */
#include "base/rcu.h"

#include <errno.h>
#include <pthread.h>

#ifndef GM_SEED_BUG
#define GM_SEED_BUG 0
#endif

/*
 * Each look takes the reader's line away from it and slows its next pin, so that looks are few and far between: first
 * after the time that a batch of work takes, then at doubling distance. In all about what liburcu's interrupt costs.
 */
#define LOOKS_LIMIT 4
#define FIRST_PAUSES 64u
#define SILENT_AFTER 4

char gm_rcu_token;
_Thread_local struct gm_rcu_slot gm_rcu_slot;

static struct {
    pthread_mutex_t lock;
    struct gm_rcu_slot *first;
} readers = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A program may use liburcu itself and have registered the thread already; registering twice is an error there.
 * Such a registration is borrowed: ours ends without ending theirs. */
static _Thread_local bool borrowed;

static bool known_to_liburcu(void)
{
#if GM_TSAN
    return false; /* the out-of-line interface cannot tell; no program under the sanitizer uses liburcu itself */
#else
    return URCU_TLS(urcu_memb_reader).registered;
#endif
}

int gm_rcu_register(void)
{
    struct gm_rcu_slot *slot = &gm_rcu_slot;
    if (slot->state != GM_RCU_UNREGISTERED)
        return -EALREADY;
    borrowed = known_to_liburcu();
    if (!borrowed)
        urcu_memb_register_thread();
    pthread_mutex_lock(&readers.lock);
    slot->seen = 0;
    slot->failures = 0;
    slot->state = GM_RCU_IDLE;
    slot->next = readers.first;
    readers.first = slot;
    pthread_mutex_unlock(&readers.lock);
    return 0;
}

int gm_rcu_unregister(void)
{
    struct gm_rcu_slot *slot = &gm_rcu_slot;
    if (slot->state == GM_RCU_UNREGISTERED)
        return -ENOENT;
    if (slot->state != GM_RCU_IDLE)
        return -EBUSY;
    pthread_mutex_lock(&readers.lock);
    struct gm_rcu_slot **link = &readers.first;
    while (*link != slot)
        link = &(*link)->next;
    *link = slot->next;
    slot->state = GM_RCU_UNREGISTERED;
    pthread_mutex_unlock(&readers.lock);
    if (!borrowed)
        urcu_memb_unregister_thread();
    return 0;
}

static void relax(unsigned pauses)
{
    for (unsigned i = 0; i < pauses; i++)
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("isb" ::: "memory");
#else
        __asm__ volatile("" ::: "memory");
#endif
}

/* Does the reader show this generation soon? One that is known to be silent is looked at only once. */
static bool shows(struct gm_rcu_slot *slot, uint64_t generation)
{
    unsigned looks = slot->failures >= SILENT_AFTER ? 1 : LOOKS_LIMIT;
    for (unsigned i = 0; i < looks; i++) {
        relax(FIRST_PAUSES << i);
        if (gm_evidence_shows(&slot->seen, generation)) {
            slot->failures = 0;
            return true;
        }
    }
    slot->failures++;
    return false;
}

static bool all_show(uint64_t generation)
{
    bool all = true;
    pthread_mutex_lock(&readers.lock);
    for (struct gm_rcu_slot *slot = readers.first; slot != NULL && all; slot = slot->next)
        all = slot == &gm_rcu_slot || shows(slot, generation); /* the caller itself is in no section */
    pthread_mutex_unlock(&readers.lock);
    return all;
}

static struct {
    gm_atomic_u64 begun; /* numbers 1 .. begun were given out */
    gm_atomic_u64 ended; /* the highest of those that have ended */
} periods;

void gm_rcu_synchronize_all(void)
{
    uint64_t number = gm_add_acq_rel(&periods.begun, 1) + 1; /* [rcu-P3] */
    urcu_memb_synchronize_rcu();
    gm_tsan_acquire(&gm_rcu_token); /* [rcu-P2] */
    uint64_t ended = gm_load_relaxed(&periods.ended);
    while (ended < number && !gm_cas_seq_cst(&periods.ended, &ended, number)) /* [rcu-P4] */
        continue;
}

uint64_t gm_rcu_stamp(void)
{
    return gm_add_acq_rel(&periods.begun, 0); /* [rcu-P3] */
}

bool gm_rcu_passed(uint64_t stamp)
{
    return gm_load_acquire(&periods.ended) > stamp; /* [rcu-P4] */
}

void gm_rcu_synchronize(uint64_t generation)
{
#if GM_SEED_BUG == 1 /* the sanitizer lane must notice when the grace period is missing */
    (void)generation;
#else
    if (!all_show(generation))
        gm_rcu_synchronize_all();
#endif
}
