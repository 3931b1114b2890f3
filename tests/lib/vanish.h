/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A guest whose memory can vanish: 16 pages of RAM at 0, in a file that is made shorter than its mapping, as a peer can
 * do that shares it.
 */
#ifndef GM_TESTS_LIB_VANISH_H
#define GM_TESTS_LIB_VANISH_H

#include "lib/pieces.h"

#include <sys/mman.h>
#include <unistd.h>

#define VANISH_PAGES 16

struct vanish {
    int fd;
    uint8_t *host;
    struct gm_dirty *dirty;
    struct gm_backing *ram;
    struct gm_space *space;
    const struct gm_view *view;
};

static inline void vanish_open(struct vanish *on, uint64_t pages_left)
{
    const uint64_t size = VANISH_PAGES * PAGE;
    const struct gm_dirty_config marks = {.size = PIECES_HOST * PAGE, .numa_node = -1, .flags = GM_DIRTY_ON};
    struct gm_txn *txn;
    on->fd = memfd_create("vanish", 0);
    assert_int_equal(ftruncate(on->fd, (off_t)size), 0);
    on->host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, on->fd, 0);
    assert_ptr_not_equal(on->host, MAP_FAILED);
    fill_pattern(on->host, size, 3);
    assert_result(gm_dirty_create(&marks, &on->dirty), 0);
    const struct gm_space_config config = {.numa_node = -1, .dirty = on->dirty};
    assert_result(gm_space_create(&config, &on->space), 0);
    assert_result(gm_backing_wrap(on->host, size, NULL, NULL, &on->ram), 0);
    const struct gm_region_desc desc = {.size = size, .kind = GM_KIND_RAM, .backing = on->ram};
    assert_result(gm_txn_begin(on->space, &txn), 0);
    assert_result(gm_txn_add(txn, &desc), 0);
    assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), 0);
    assert_result(gm_reader_register(), 0);
    on->view = gm_pin(on->space);
    assert_int_equal(ftruncate(on->fd, (off_t)(pages_left * PAGE)), 0);
}

static inline void vanish_close(struct vanish *on)
{
    assert_result(gm_unpin(), 0);
    assert_result(gm_reader_unregister(), 0);
    assert_result(gm_space_destroy(on->space), 0);
    gm_backing_put(on->ram);
    gm_dirty_destroy(on->dirty);
    munmap(on->host, VANISH_PAGES * PAGE);
    close(on->fd);
}

#endif
