/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Whatever a bitmap takes memory for is on its node: marks, what consumers have yet to take, pieces of harvests. */
#define _GNU_SOURCE
#include "lib/cm.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "dirty/dirty.h"

#define NODE 0
#define MPOL_F_ADDR 2UL
#define MPOL_PREFERRED 1

static void assert_on_node(const void *memory, bool wanted)
{
    unsigned long nodes[16] = {0};
    int mode = -1;
    assert_non_null(memory);
    if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof(nodes) * 8, memory, MPOL_F_ADDR) != 0)
        skip(); /* a kernel without nodes */
    assert_int_equal(mode == MPOL_PREFERRED && nodes[0] == 1UL << NODE, wanted);
}

static size_t take(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    (void)arg, (void)ranges;
    return count;
}

/* The memory of the caller stays as it is. */
static void all_on_one_node(void **state)
{
    static char theirs[1 << 16] __attribute__((aligned(4096)));
    const struct gm_dirty_request all = {.len = UINT64_MAX};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        bool wanted = i != 0, in = i == 2;
        struct gm_dirty_config config = {.size = 1 << 28, .numa_node = wanted ? NODE : -1, .flags = GM_DIRTY_ON};
        struct gm_dirty_consumer *consumer;
        struct gm_dirty *dirty;
        uint64_t next;
        assert_result(in ? gm_dirty_create_in(&config, theirs, sizeof(theirs), &dirty)
                         : gm_dirty_create(&config, &dirty), 0);
        const struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
        assert_result(gm_dirty_consumer_create(dirty, &consumer), 0);
        assert_result(gm_dirty_harvest(dirty, &all, take, NULL, &next), 0);
        assert_on_node(bitmap->head, wanted && !in);
        assert_on_node(bitmap->view.memory, wanted);
        assert_on_node(consumer->memory, wanted);
        assert_on_node(bitmap->piece, wanted);
        gm_dirty_destroy(dirty);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_on_one_node)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
