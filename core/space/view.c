/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The reader's calls. Kept apart so that they stay small: this is the only code between a reader and its view. */
#include "guestmem/view.h"

#include <errno.h>
#include <stddef.h>

#include "base/holders.h"
#include "base/rcu.h"
#include "space/space.h"

int gm_reader_register_abi(unsigned view_abi)
{
    return view_abi == GM_VIEW_ABI ? gm_rcu_register() : -EPROTO;
}

int gm_reader_unregister(void)
{
    return gm_rcu_unregister();
}

const struct gm_view *gm_pin(const struct gm_space *space)
{
    bool outermost;
    if (GM_UNLIKELY(space == NULL || !gm_rcu_enter(&outermost)))
        return NULL;
    const struct gm_version *version = gm_rcu_deref(&space->current); /* [space-P1] */
    if (GM_LIKELY(outermost))
        gm_rcu_saw(version->view.generation);
    return &version->view;
}

int gm_unpin(void)
{
    return GM_LIKELY(gm_rcu_leave()) ? 0 : -EPERM;
}

/* A snapshot is its version: holding one is counting one more holder. */
struct gm_snapshot *gm_snapshot_take(const struct gm_view *view)
{
    if (view == NULL)
        return NULL;
    struct gm_version *version = (struct gm_version *)(uintptr_t)gm_version_of(view);
    gm_holders_take(&version->holders);
    return (struct gm_snapshot *)version;
}

const struct gm_view *gm_snapshot_view(const struct gm_snapshot *snapshot)
{
    return snapshot != NULL ? &((const struct gm_version *)snapshot)->view : NULL;
}

void gm_snapshot_put(struct gm_snapshot *snapshot)
{
    if (snapshot != NULL)
        gm_holders_put(&((struct gm_version *)snapshot)->holders); /* [space-P2] */
}
