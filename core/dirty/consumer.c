/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Views of one bitmap: each consumer has words for what others have taken from the shared ones and it has not. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/mem.h"
#include "dirty/find.h"
#include "dirty/switch.h"

static int give_words(const struct gm_dirty_bitmap *bitmap, struct gm_dirty_consumer *consumer)
{
    uint64_t bytes = gm_dirty_place(bitmap->pages_most, NULL, NULL);
    if (consumer->memory != NULL)
        return 0;
    if (gm_dirty_map(bytes, true, bitmap->numa_node, &consumer->memory) != 0)
        return -ENOMEM;
    consumer->bytes = bytes;
    (void)gm_dirty_place(bitmap->pages_most, consumer->memory, &consumer->own);
    return 0;
}

/* Take one out of the list; then marks need not count for it. The lock is held. */
static void forget(struct gm_dirty_bitmap *bitmap, const struct gm_dirty_consumer *consumer)
{
    struct gm_dirty_consumer **link = &bitmap->view.next;
    while (*link != consumer)
        link = &(*link)->next;
    *link = consumer->next;
    gm_add_relaxed(&bitmap->consumers, UINT64_MAX);
    gm_dirty_switch_consumers(bitmap);
}

int gm_dirty_consumer_create(struct gm_dirty *dirty, struct gm_dirty_consumer **out)
{
    if (dirty == NULL || out == NULL)
        return -EINVAL;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    struct gm_dirty_consumer *consumer = gm_alloc(NULL, sizeof(*consumer));
    if (consumer == NULL)
        return -ENOMEM;
    memset(consumer, 0, sizeof(*consumer));
    consumer->of = bitmap;
    pthread_mutex_lock(&bitmap->lock);
    int error = give_words(bitmap, consumer);
    if (error == 0)
        error = give_words(bitmap, &bitmap->view);
    if (error == 0) {
        consumer->next = bitmap->view.next;
        consumer->on = true;
        bitmap->view.next = consumer;
        gm_add_relaxed(&bitmap->consumers, 1);
        error = gm_dirty_switch_on(bitmap, GM_DIRTY_ON_CONSUMERS);
        if (error != 0)
            forget(bitmap, consumer);
    }
    pthread_mutex_unlock(&bitmap->lock);
    if (error == 0) {
        *out = consumer;
        return 0;
    }
    if (consumer->memory != NULL)
        (void)gm_mem_unmap(consumer->memory, consumer->bytes);
    gm_free(NULL, consumer, sizeof(*consumer));
    return error;
}

void gm_dirty_consumer_destroy(struct gm_dirty *dirty, struct gm_dirty_consumer *consumer)
{
    if (dirty == NULL || consumer == NULL || consumer->of != gm_dirty_whole(dirty))
        return;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    pthread_mutex_lock(&bitmap->lock);
    forget(bitmap, consumer);
    pthread_mutex_unlock(&bitmap->lock);
    (void)gm_mem_unmap(consumer->memory, consumer->bytes);
    gm_free(NULL, consumer, sizeof(*consumer));
}

/* What marks there are in a window, or of those the ones that other has not; other may be NULL. */
static uint64_t count_marks(const struct gm_dirty_levels *of, const struct gm_dirty_levels *other,
                            struct gm_dirty_window window)
{
    uint64_t count = 0, page, bits;
    while ((bits = gm_dirty_next_word(of, &window, &page)) != 0) {
        if (other != NULL)
            bits &= ~gm_load_relaxed(&other->words[page >> GM_DIRTY_FAN_SHIFT]);
        count += (uint64_t)__builtin_popcountll(bits);
    }
    return count;
}

/*
 * Own marks change under the lock only: a page that is marked again meanwhile is counted once. For one that is off
 * there are no others.
 */
int gm_dirty_consumer_count(struct gm_dirty *dirty, struct gm_dirty_consumer *consumer, uint64_t first, uint64_t len,
                            uint64_t *count)
{
    struct gm_dirty_window window = {.first = 0, .end = 0};
    if (dirty == NULL || count == NULL || (consumer != NULL && consumer->of != gm_dirty_whole(dirty)))
        return -EINVAL;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    pthread_mutex_lock(&bitmap->lock);
    const struct gm_dirty_consumer *view = consumer != NULL ? consumer : &bitmap->view;
    const struct gm_dirty_levels *own = view->own.words != NULL ? &view->own : NULL;
    if (len != 0)
        (void)gm_dirty_range(bitmap, first, len, &window.first, &window.end);
    uint64_t marks = view->on ? count_marks(&dirty->live, own, window) : 0;
    *count = marks + (own != NULL ? count_marks(own, NULL, window) : 0);
    pthread_mutex_unlock(&bitmap->lock);
    return 0;
}
