/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Thread registration and the grace period; the reading side is inline in rcu.h. */
#include "base/rcu.h"

#include <errno.h>

#ifndef GM_SEED_BUG
#define GM_SEED_BUG 0
#endif

char gm_rcu_token;

/*
 * A program may use liburcu itself and have registered the thread already; registering twice is an error there.
 * Such a registration is borrowed: ours ends without ending theirs.
 */
enum registration { REGISTERED_NOT, REGISTERED_BY_US, REGISTERED_BY_OTHERS };
static _Thread_local enum registration registration;

int gm_rcu_register(void)
{
    if (registration != REGISTERED_NOT)
        return -EALREADY;
    if (gm_rcu_registered()) {
        registration = REGISTERED_BY_OTHERS;
        return 0;
    }
    urcu_memb_register_thread();
    registration = REGISTERED_BY_US;
    return 0;
}

int gm_rcu_unregister(void)
{
    if (registration == REGISTERED_NOT)
        return -ENOENT;
    if (gm_rcu_reading())
        return -EBUSY;
    if (registration == REGISTERED_BY_US)
        urcu_memb_unregister_thread();
    registration = REGISTERED_NOT;
    return 0;
}

void gm_rcu_synchronize(void)
{
#if GM_SEED_BUG != 1 /* the sanitizer lane must notice when the grace period is missing */
    urcu_memb_synchronize_rcu();
    gm_tsan_acquire(&gm_rcu_token); /* [rcu-P2] */
#endif
}
