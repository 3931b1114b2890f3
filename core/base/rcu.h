/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The only door to liburcu (memb flavour).
 *
 * Reading sections are inlined here, inside the library only: liburcu is LGPL, so its inline code must not reach a
 * caller's program through include/, and its out-of-line calls cost five times as much. Under ThreadSanitizer the
 * out-of-line functions are used instead, because they are not instrumented and their internals stay silent; the
 * edge that they stand for is told to the sanitizer through a token.
 *
 * Pairs:
 *   [rcu-P1] publish (release store) with deref (consume load): a reader of the pointer sees what it points to.
 *   [rcu-P2] unlock with the return of synchronize: what a reader did in its section happens before the free.
 */
#ifndef GM_BASE_RCU_H
#define GM_BASE_RCU_H

#include <stdbool.h>

#include "base/tsan.h"

#if !GM_TSAN
#define _LGPL_SOURCE
#endif
#include <urcu/urcu-memb.h>

#include "base/atomic.h"

#define gm_rcu_publish(pointer, value) gm_store_release((pointer), (value)) /* [rcu-P1] */
#define gm_rcu_deref(pointer) gm_load_consume((pointer))                   /* [rcu-P1] */

extern char gm_rcu_token;

/* Is this thread known to liburcu? */
static inline bool gm_rcu_registered(void)
{
    return URCU_TLS(urcu_memb_reader).registered;
}

/* Does this thread hold a read-side section? */
static inline bool gm_rcu_reading(void)
{
    return urcu_memb_read_ongoing() != 0;
}

static inline void gm_rcu_lock(void)
{
    urcu_memb_read_lock();
}

static inline void gm_rcu_unlock(void)
{
    gm_tsan_release(&gm_rcu_token); /* [rcu-P2] */
    urcu_memb_read_unlock();
}

int gm_rcu_register(void);
int gm_rcu_unregister(void);

/* Wait until every section that is open now has ended. The caller must not be in one. */
void gm_rcu_synchronize(void);

#endif
