/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Chains of a split virtqueue that are right: what they become, where they are cut, several at once, their marks. */
#include "lib/vq_rig.h"

#define PAGE UINT64_C(4096)

static void one_buffer_to_write(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 4, 0);
    vq_set(rig, 3, DATA, 1500, WRITE, 0);
    assert_result(gm_vq_chain(rig->view, &rig->vq, 3, &rig->room, &rig->chain), 0);
    assert_counts(rig, 0, 1, 0, 1500);
    assert_entry(rig, 0, DATA, 1500);
    assert_int_equal(rig->chain.descriptors, 1);
    assert_int_equal(rig->chain.id, 3);
    assert_int_equal(rig->chain.next, 0);
}

/* As virtio-blk has it: a header to read, data and a status to write; indices in no order, the whole queue. */
static void a_request_of_a_disk(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 4, GM_VQ_INDIRECT);
    vq_set(rig, 2, DATA, 16, NEXT, 0);
    vq_set(rig, 0, DATA + 0x1000, 4096, NEXT | WRITE, 3);
    vq_set(rig, 3, DATA + 0x8000, 512, NEXT | WRITE, 1);
    vq_set(rig, 1, DATA + 0x20, 1, WRITE, 2);
    assert_result(gm_vq_chain(rig->view, &rig->vq, 2, &rig->room, &rig->chain), 0);
    assert_counts(rig, 1, 3, 16, 4096 + 512 + 1);
    assert_entry(rig, 0, DATA, 16);
    assert_entry(rig, 1, DATA + 0x1000, 4096);
    assert_entry(rig, 2, DATA + 0x8000, 512);
    assert_entry(rig, 3, DATA + 0x20, 1);
    assert_int_equal(rig->chain.descriptors, 4);
}

static void an_indirect_table(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 8, GM_VQ_INDIRECT);
    vq_set(rig, 5, TABLE, 48, INDIRECT | WRITE, 7); /* the flag that says "written" counts for nothing here */
    vq_set_inner(rig, 0, DATA, 64, NEXT, 2);
    vq_set_inner(rig, 2, DATA + 64, 32, WRITE, 0);
    assert_result(gm_vq_chain(rig->view, &rig->vq, 5, &rig->room, &rig->chain), 0);
    assert_counts(rig, 1, 1, 64, 32);
    assert_entry(rig, 1, DATA + 64, 32);
    assert_int_equal(rig->chain.descriptors, 1);
    assert_int_equal(rig->chain.id, 5);
}

static void direct_descriptors_before_a_table(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 8, GM_VQ_INDIRECT);
    vq_set(rig, 1, DATA, 8, NEXT, 6);
    vq_set(rig, 6, TABLE, 32, INDIRECT, 0);
    vq_set_inner(rig, 0, DATA + 8, 8, NEXT, 1);
    vq_set_inner(rig, 1, DATA + 16, 8, WRITE, 0);
    assert_result(gm_vq_chain(rig->view, &rig->vq, 1, &rig->room, &rig->chain), 0);
    assert_counts(rig, 2, 1, 16, 8);
    assert_int_equal(rig->chain.descriptors, 2);
}

static void cut_where_host_memory_ends(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 4, 0);
    vq_set(rig, 0, 0x7ff0, 32, NEXT, 1);                  /* into a region that goes on in host memory: one piece */
    vq_set(rig, 1, 0xbff0, 0x20, NEXT | WRITE, 2);        /* into one that does not: two */
    vq_set(rig, 2, GMT_VQ_SEAM - 8, 24, NEXT | WRITE, 3); /* the same between blocks of 2 MiB */
    vq_set(rig, 3, GMT_VQ_BIG + 0x1ffff8, 16, WRITE, 0);  /* from one block into the next, which goes on */
    assert_result(gm_vq_chain(rig->view, &rig->vq, 0, &rig->room, &rig->chain), 0);
    assert_counts(rig, 1, 5, 32, 32 + 24 + 16);
    assert_entry(rig, 0, 0x7ff0, 32);
    assert_entry(rig, 1, 0xbff0, 16);
    assert_entry(rig, 2, 0xc000, 16);
    assert_entry(rig, 3, GMT_VQ_SEAM - 8, 8);
    assert_entry(rig, 4, GMT_VQ_SEAM, 16);
    assert_entry(rig, 5, GMT_VQ_BIG + 0x1ffff8, 16);
}

/* An indirect table may begin at any address, and lie across a seam of host memory. */
static void tables_that_are_hard_to_read(void **state)
{
    struct vq_rig *rig = *state;
    const gm_gpa places[] = {TABLE + 5, 0xbff0, 0xbff3};
    vq_rig_queue(rig, 2, GM_VQ_INDIRECT);
    for (unsigned i = 0; i < 3; i++) {
        vq_set(rig, 0, places[i], 32, INDIRECT, 0);
        gmt_vq_split_set(&rig->world, places[i], DATA + i, 10, NEXT, 1);
        gmt_vq_split_set(&rig->world, places[i] + 16, DATA + 100, 20, WRITE, 0);
        assert_result(gm_vq_chain(rig->view, &rig->vq, 0, &rig->room, &rig->chain), 0);
        assert_counts(rig, 1, 1, 10, 20);
        assert_entry(rig, 0, DATA + i, 10);
        assert_entry(rig, 1, DATA + 100, 20);
    }
}

static void longer_tables_where_they_are_allowed(void **state)
{
    struct vq_rig *rig = *state;
    struct gm_vq_config config = {.desc = RING, .size = 2, .flags = GM_VQ_INDIRECT};
    vq_set(rig, 0, TABLE, 48, INDIRECT, 0);
    for (unsigned i = 0; i < 3; i++)
        vq_set_inner(rig, i, DATA + 64 * i, 64, i < 2 ? NEXT : 0, i + 1);
    assert_result(gm_vq_init(rig->view, &config, &rig->vq), 0);
    assert_chain_refused(rig, 0, -ELOOP);
    config.indirect_most = 3;
    assert_result(gm_vq_init(rig->view, &config, &rig->vq), 0);
    assert_result(gm_vq_chain(rig->view, &rig->vq, 0, &rig->room, &rig->chain), 0);
    assert_counts(rig, 3, 0, 192, 0);
}

static void several_heads_share_the_room(void **state)
{
    struct vq_rig *rig = *state;
    const uint16_t heads[] = {1, 0, 3};
    struct gm_chain chain[3];
    vq_rig_queue(rig, 4, 0);
    vq_set(rig, 0, DATA, 10, NEXT, 2);
    vq_set(rig, 2, DATA + 10, 11, WRITE, 0);
    vq_set(rig, 1, DATA + 100, 12, 0, 0);
    vq_set(rig, 3, DATA + 200, 13, WRITE, 0);
    assert_result(gm_vq_chains(rig->view, &rig->vq, heads, 3, &rig->room, chain), 3);
    assert_entry(rig, 0, DATA + 100, 12);
    assert_entry(rig, 1, DATA, 10);
    assert_entry(rig, 2, DATA + 10, 11);
    assert_entry(rig, 3, DATA + 200, 13);
    assert_ptr_equal(chain[1].writable, rig->iov + 2);
    assert_ptr_equal(chain[2].writable_gpa, rig->gpa + 3);
    vq_set(rig, 2, DATA, 0, WRITE, 0); /* the second is wrong: the first is done, and the third not begun */
    memset(chain, 0x5a, sizeof(chain));
    assert_result(gm_vq_chains(rig->view, &rig->vq, heads, 3, &rig->room, chain), 1);
    assert_memory_equal(&chain[1], &rig->before, sizeof(chain[1]));
    assert_memory_equal(&chain[2], &rig->before, sizeof(chain[2]));
    assert_result(gm_vq_chains(rig->view, &rig->vq, heads + 1, 2, &rig->room, chain), -EINVAL);
    rig->room.count = 1;
    assert_result(gm_vq_chains(rig->view, &rig->vq, heads, 1, &rig->room, chain), 1);
    assert_result(gm_vq_chains(rig->view, &rig->vq, heads, 0, &rig->room, chain), -EINVAL);
}

static void assert_only_marked(const struct vq_rig *rig, unsigned count, gm_gpa first, gm_gpa second)
{
    assert_int_equal(gm_dirty_count(rig->world.dirty, 0, UINT64_MAX), count);
    assert_result(gm_dirty_is_marked(rig->world.dirty, first), count > 0);
    assert_result(gm_dirty_is_marked(rig->world.dirty, second), count > 1);
}

/* Marks are of the pages of exactly so many bytes, in the order of the chain; direct or in a table. */
static void marks_what_was_written(void **state)
{
    struct vq_rig *rig = *state;
    const gm_gpa first = DATA + 64 * PAGE - 8, second = DATA + 2 * PAGE;
    vq_rig_queue(rig, 4, GM_VQ_INDIRECT);
    vq_set(rig, 0, TABLE, 48, INDIRECT, 0);
    vq_set_inner(rig, 0, DATA, 64, NEXT, 1);
    vq_set_inner(rig, 1, first, 8, NEXT | WRITE, 2);
    vq_set_inner(rig, 2, second, 8, WRITE, 0);
    assert_result(gm_vq_chain(rig->view, &rig->vq, 0, &rig->room, &rig->chain), 0);
    assert_result(gm_chain_written(rig->view, &rig->chain, 0), 0);
    assert_only_marked(rig, 0, first, second);
    assert_result(gm_chain_written(rig->view, &rig->chain, 17), -EINVAL);
    assert_only_marked(rig, 0, first, second);
    assert_result(gm_chain_written(rig->view, &rig->chain, 8), 0);
    assert_only_marked(rig, 1, first, second);
    assert_result(gm_chain_written(rig->view, &rig->chain, 9), 0);
    assert_only_marked(rig, 2, first, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VQ_TEST(one_buffer_to_write),
        VQ_TEST(a_request_of_a_disk),
        VQ_TEST(an_indirect_table),
        VQ_TEST(direct_descriptors_before_a_table),
        VQ_TEST(cut_where_host_memory_ends),
        VQ_TEST(tables_that_are_hard_to_read),
        VQ_TEST(longer_tables_where_they_are_allowed),
        VQ_TEST(several_heads_share_the_room),
        VQ_TEST(marks_what_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
