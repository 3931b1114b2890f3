/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Switching marks on and off: they count while the bitmap's own switch is on, which all processes share, or one of the
 * consumers is. That is one word to look at for those who mark, whoever wants to know.
 */
#include <errno.h>

#include "base/barrier.h"
#include "dirty/switch.h"
#include "dirty/walk.h"

/* The barrier comes also where marks did count before: who switches on copies pages next, and harvests may owe one. */
int gm_dirty_switch_on(struct gm_dirty_bitmap *bitmap, uint64_t who)
{
    bool was_on = (gm_load_relaxed(&bitmap->head->on) & who) != 0;
    int error = 0;
    gm_or_seq_cst(&bitmap->head->on, who); /* [dirty-P4] */
    gm_dirty_publish(bitmap);
    if (bitmap->locked)
        gm_fence_seq_cst(); /* [dirty-P4] */
    else
        error = gm_barrier();
    if (error != 0 && !was_on)
        gm_dirty_switch_off(bitmap, who);
    return error;
}

void gm_dirty_switch_off(struct gm_dirty_bitmap *bitmap, uint64_t who)
{
    (void)gm_and_seq_cst(&bitmap->head->on, ~who); /* [dirty-P4] */
    gm_dirty_publish(bitmap);
}

void gm_dirty_switch_consumers(struct gm_dirty_bitmap *bitmap)
{
    const struct gm_dirty_consumer *consumer = bitmap->view.next;
    while (consumer != NULL && !consumer->on)
        consumer = consumer->next;
    if (consumer == NULL)
        gm_dirty_switch_off(bitmap, GM_DIRTY_ON_CONSUMERS);
}

int gm_dirty_enable(struct gm_dirty *dirty)
{
    if (dirty == NULL)
        return -EINVAL;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    pthread_mutex_lock(&bitmap->lock);
    int error = gm_dirty_switch_on(bitmap, GM_DIRTY_ON_ITSELF);
    pthread_mutex_unlock(&bitmap->lock);
    return error;
}

int gm_dirty_disable(struct gm_dirty *dirty)
{
    if (dirty == NULL)
        return -EINVAL;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    pthread_mutex_lock(&bitmap->lock);
    gm_dirty_switch_off(bitmap, GM_DIRTY_ON_ITSELF);
    pthread_mutex_unlock(&bitmap->lock);
    return 0;
}

int gm_dirty_consumer_enable(struct gm_dirty *dirty, struct gm_dirty_consumer *consumer)
{
    if (dirty == NULL || consumer == NULL || consumer->of != gm_dirty_whole(dirty))
        return -EINVAL;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    pthread_mutex_lock(&bitmap->lock);
    int error = gm_dirty_switch_on(bitmap, GM_DIRTY_ON_CONSUMERS);
    if (error == 0)
        consumer->on = true;
    pthread_mutex_unlock(&bitmap->lock);
    return error;
}

static bool share(void *to, uint64_t word, uint64_t live, uint64_t own)
{
    struct gm_dirty_bitmap *bitmap = to;
    (void)own;
    bitmap->owes |= live != 0;
    gm_dirty_leave(bitmap, NULL, word, live);
    return true;
}

/* What was marked until now is still for this one, so all of it goes from the shared words to those who may have it. */
int gm_dirty_consumer_disable(struct gm_dirty *dirty, struct gm_dirty_consumer *consumer)
{
    if (dirty == NULL || consumer == NULL || consumer->of != gm_dirty_whole(dirty))
        return -EINVAL;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    pthread_mutex_lock(&bitmap->lock);
    if (consumer->on) {
        const struct gm_dirty_window all = {0, gm_dirty_pages(bitmap)};
        (void)gm_dirty_walk(&dirty->live, NULL, &all, share, bitmap);
        consumer->on = false;
        gm_dirty_switch_consumers(bitmap);
    }
    pthread_mutex_unlock(&bitmap->lock);
    return 0;
}
