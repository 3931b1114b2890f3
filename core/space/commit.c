/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Commit: build, publish, retire. Everything that can fail comes before the one store that publishes; what follows
 * it cannot fail.
 */
#include <errno.h>

#include "base/check.h"
#include "base/rcu.h"
#include "map/check.h"
#include "space/space.h"

/* The next version from what was staged; NULL when there is no memory. */
static struct gm_version *build(struct gm_txn *txn)
{
    struct gm_version *old = txn->space->current;
    struct gm_version *next = gm_map_begin(&txn->edit, old, txn->regions);
    if (next == NULL)
        return NULL;
    for (size_t i = 0; i < txn->window_count; i++)
        if (!gm_map_update(&txn->edit, next, txn->windows[i].first, txn->windows[i].last) ||
            !gm_runs_update(&txn->edit, next, txn->windows[i].first, txn->windows[i].last))
            return NULL;
    size_t old_size = gm_version_size(old->view.gib_count);
    next->map_bytes = txn->edit.map_bytes - old_size; /* the old version is not among the dead: it may be held */
    next->other_bytes = txn->edit.other_bytes;
    return gm_retire_reserve(txn->space, txn->edit.dead.count) ? next : NULL;
}

__attribute__((unused)) static bool map_is_sound(const struct gm_version *version)
{
    const char *why = NULL;
    return gm_map_check(&version->view, &why) == 0;
}

static void publish(struct gm_txn *txn, struct gm_version *next)
{
    struct gm_space *space = txn->space;
    struct gm_version *old = space->current;
    gm_check_slow(map_is_sound(next));
    gm_rcu_publish(&space->current, next); /* [space-P1] */
    space->commits++;
    gm_retire_take(space, &txn->edit, old);
}

int gm_txn_commit(struct gm_txn *txn, unsigned flags)
{
    if (txn == NULL || !txn->open || (flags & ~(unsigned)GM_COMMIT_ASYNC) != 0)
        return -EINVAL;
    if (gm_rcu_reading())
        return -EDEADLK;
    struct gm_space *space = txn->space;
    if (txn->window_count == 0 && !txn->failed) { /* nothing was staged, nothing changes */
        gm_txn_abort(txn);
        return 0;
    }
    struct gm_version *next = txn->failed ? NULL : build(txn);
    if (next == NULL) {
        gm_txn_abort(txn);
        return -ENOMEM;
    }
    publish(txn, next);
    if ((flags & GM_COMMIT_ASYNC) == 0 || space->retired.count >= GM_ASYNC_LIMIT)
        gm_retire_wait(space);
    txn->open = false;
    pthread_mutex_unlock(&space->lock);
    return 0;
}
