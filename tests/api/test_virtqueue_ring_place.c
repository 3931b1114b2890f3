/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Where split rings may be: alignment, rights, every byte of them, over regions, at the top, and no longer there. */
#include "lib/ring_rig.h"

#define LAST_PAGES (UINT64_C(16) * GM_PAGE_SIZE)

static void assert_place(const struct ring_rig *on, unsigned size, unsigned flags, gm_gpa avail, gm_gpa used, int want)
{
    const struct gm_vq_config table = {.desc = GMT_VQ_BIG, .size = size, .flags = flags};
    const struct gm_vq_ring_config config = {.avail = avail, .used = used};
    struct gm_vq vq;
    struct gm_vq_ring ring, before;
    assert_result(gm_vq_init(on->rig->view, &table, &vq), 0);
    memset(&ring, 0x5a, sizeof(ring));
    before = ring;
    assert_result(gm_vq_ring_init(on->rig->view, &vq, &config, &ring), want);
    if (want != 0)
        assert_memory_equal(&ring, &before, sizeof(ring));
}

static void arguments(void **state)
{
    struct ring_rig *on = *state;
    struct gm_vq_ring_config config = {.avail = AVAIL_RING, .used = USED_RING};
    struct gm_vq_ring ring;
    ring_rig_queue(on, 8, GM_VQ_INDIRECT);
    assert_result(gm_vq_ring_init(on->rig->view, NULL, &config, &ring), -EINVAL);
    assert_result(gm_vq_ring_init(on->rig->view, &on->rig->vq, NULL, &ring), -EINVAL);
    assert_result(gm_vq_ring_init(on->rig->view, &on->rig->vq, &config, NULL), -EINVAL);
    config.next = 8;
    assert_result(gm_vq_ring_init(on->rig->view, &on->rig->vq, &config, &ring), 0);
    config.next = 9;
    assert_result(gm_vq_ring_init(on->rig->view, &on->rig->vq, &config, &ring), -EINVAL);
    config.done = 10; /* more given back than taken */
    assert_result(gm_vq_ring_init(on->rig->view, &on->rig->vq, &config, &ring), -EINVAL);
    assert_place(on, 8, GM_VQ_PACKED, AVAIL_RING, USED_RING, -EINVAL);
    assert_place(on, 8, 0, AVAIL_RING + 1, USED_RING, -EINVAL);
    assert_place(on, 8, 0, AVAIL_RING + 2, USED_RING + 4, 0);
    assert_place(on, 8, 0, AVAIL_RING, USED_RING + 2, -EINVAL);
}

static void every_byte_is_there(void **state)
{
    const struct ring_rig *on = *state;
    assert_place(on, 8, 0, 0x12000 - 20, USED_RING, 0); /* in ROM, and its end is the end of that */
    assert_place(on, 8, 0, 0x12000 - 18, USED_RING, -ENXIO);
    assert_place(on, 8, GM_VQ_EVENT_IDX, 0x12000 - 22, USED_RING, 0);
    assert_place(on, 8, GM_VQ_EVENT_IDX, 0x12000 - 20, USED_RING, -ENXIO); /* the event is not */
    assert_place(on, 8, 0, AVAIL_RING, 0x19000 - 68, 0); /* in memory that can only be written */
    assert_place(on, 8, 0, AVAIL_RING, 0x19000 - 64, -EFAULT);
    assert_place(on, 8, GM_VQ_EVENT_IDX, AVAIL_RING, 0x19000 - 68, -EFAULT);
    assert_place(on, 8, GM_VQ_EVENT_IDX, AVAIL_RING, 0x19000 - 72, 0);
    assert_place(on, 8, 0, 0x18000, USED_RING, -EACCES);
    assert_place(on, 8, 0, AVAIL_RING, 0x10000, -EACCES);
    assert_place(on, 8, 0, UINT64_MAX - 5, USED_RING, -EOVERFLOW);
    assert_place(on, 8, 0, AVAIL_RING, UINT64_MAX - 3, -EOVERFLOW);
    assert_place(on, 8, 0, AVAIL_RING, UINT64_MAX - 0xfff, -EFAULT);
    assert_place(on, 8, 0, 0x8000 - 8, 0x8000 - 8, 0); /* two regions, one piece of host memory */
    assert_place(on, 8, 0, 0xc000 - 8, USED_RING, -EXDEV);
    assert_place(on, 8, 0, AVAIL_RING, 0xc000 - 8, -EXDEV);
    assert_place(on, GM_VQ_SIZE_MOST, GM_VQ_EVENT_IDX, GMT_VQ_SEAM - 65542, GMT_VQ_SEAM - 262152, 0);
    assert_place(on, GM_VQ_SIZE_MOST, GM_VQ_EVENT_IDX, GMT_VQ_END - 65540, USED_RING, -EFAULT);
    assert_place(on, GM_VQ_SIZE_MOST, GM_VQ_EVENT_IDX, AVAIL_RING, GMT_VQ_END - 262148, -EFAULT);
}

/* A ring over two regions, once round. */
static void over_two_regions(void **state)
{
    struct ring_rig *on = *state;
    const struct gm_vq_config table = {.desc = GMT_VQ_BIG, .size = 8};
    const struct gm_vq_ring_config config = {.avail = 0x8000 - 10, .used = 0x8000 - 0x34};
    uint16_t heads[8];
    struct gm_vq_used used[8] = {{0, 0}};
    assert_result(gm_vq_init(on->rig->view, &table, &on->rig->vq), 0);
    assert_result(gm_vq_ring_init(on->rig->view, &on->rig->vq, &config, &on->ring), 0);
    for (unsigned i = 0; i < 8; i++)
        gmt_vq_poke(&on->rig->world, config.avail + 4 + 2 * i, 7 - i, 2);
    gmt_vq_poke(&on->rig->world, config.avail + 2, 8, 2);
    assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 8), 8);
    for (unsigned i = 0; i < 8; i++)
        used[i] = (struct gm_vq_used){.written = 100 + i, .id = heads[i]};
    assert_result(gm_vq_ring_put_all(on->rig->view, &on->ring, used, 8), 0);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(gmt_vq_peek(&on->rig->world, config.used + 4 + 8 * i, 4), 7 - i);
        assert_int_equal(gmt_vq_peek(&on->rig->world, config.used + 8 + 8 * i, 4), 100 + i);
    }
    assert_marked_pages(on, 2, (gm_gpa[]){0x7000, 0x8000});
}

/* Out of the pin, a change of the space, and in again. */
static void change(struct ring_rig *on, gm_gpa gpa, uint64_t size, const struct gm_region_desc *instead)
{
    struct gm_txn *txn;
    assert_result(gm_unpin(), 0);
    assert_result(gm_txn_begin(on->rig->world.space, &txn), 0);
    if (size != 0)
        assert_result(gm_txn_remove(txn, gpa, size), 0);
    if (instead != NULL)
        assert_result(gm_txn_add(txn, instead), 0);
    assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), 0);
    on->rig->view = gm_pin(on->rig->world.space);
    assert_non_null(on->rig->view);
}

/* The last bytes of what a space covers are the ends of both rings. */
static void at_the_top(void **state)
{
    struct ring_rig *on = *state;
    const gm_gpa first = GM_GPA_LAST - LAST_PAGES + 1, used = GM_GPA_LAST + 1 - (4 + 8 * 8 + 4);
    const gm_gpa avail = GM_GPA_LAST + 1 - 0x1000 - (4 + 2 * 8 + 2);
    const struct gm_region_desc desc = {
        .gpa = first, .size = LAST_PAGES, .kind = GM_KIND_RAM, .backing = on->rig->world.backing};
    unsigned char *host = gmt_vq_host(&on->rig->world, 0); /* the region at 0 shows the same memory */
    uint16_t head = 0;
    change(on, 0, 0, &desc);
    assert_place(on, 8, GM_VQ_EVENT_IDX, avail + 0x1000, used, 0);
    assert_place(on, 8, GM_VQ_EVENT_IDX, avail + 0x1002, used, -EFAULT);
    assert_place(on, 8, GM_VQ_EVENT_IDX, avail, used + 4, -EFAULT);
    const struct gm_vq_config table = {.desc = GMT_VQ_BIG, .size = 8, .flags = GM_VQ_EVENT_IDX};
    const struct gm_vq_ring_config config = {.avail = avail, .used = used, .next = 7, .done = 7};
    assert_result(gm_vq_init(on->rig->view, &table, &on->rig->vq), 0);
    assert_result(gm_vq_ring_init(on->rig->view, &on->rig->vq, &config, &on->ring), 0);
    host[avail - first + 2] = 8;
    host[avail - first + 4 + 2 * 7] = 5;
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), 0);
    assert_int_equal(head, 5);
    assert_result(gm_vq_ring_put(on->rig->view, &on->ring, head, 9), 0);
    assert_int_equal(host[used - first + 4 + 8 * 7], 5);
    assert_int_equal(host[used - first + 8 + 8 * 7], 9);
    assert_result(gm_vq_ring_kicks_on(on->rig->view, &on->ring), 0);
    assert_int_equal(host[used - first + 4 + 8 * 8], 8);
    assert_result(gm_vq_ring_interrupt(on->rig->view, &on->ring), 1);
}

/* A region goes: its ring's calls say so, and nothing has happened; it comes back elsewhere, and all goes on. */
static void a_ring_that_goes(void **state)
{
    struct ring_rig *on = *state;
    const struct gm_region_desc again = {
        .gpa = GMT_VQ_BIG, .size = GMT_VQ_SEAM - GMT_VQ_BIG, .kind = GM_KIND_RAM, .backing = on->rig->world.backing,
        .offset = 0x100000};
    uint16_t head = 77;
    ring_rig_queue(on, 8, 0);
    driver_index(on, 2);
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), 0);
    struct ring_before *before = ring_note(on);
    change(on, again.gpa, again.size, NULL);
    head = 77;
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), -EFAULT);
    assert_int_equal(head, 77);
    assert_result(gm_vq_ring_put(on->rig->view, &on->ring, 0, 0), -EFAULT);
    assert_result(gm_vq_ring_interrupt(on->rig->view, &on->ring), -EFAULT);
    assert_result(gm_vq_ring_kicks_on(on->rig->view, &on->ring), -EFAULT);
    assert_result(gm_vq_ring_kicks_off(on->rig->view, &on->ring), -EFAULT);
    assert_int_equal(on->ring.next, before->ring.next);
    assert_int_equal(on->ring.done, before->ring.done);
    assert_int_equal(on->ring.fresh, before->ring.fresh);
    assert_int_equal(on->ring.seen, before->ring.seen);
    assert_memory_equal(before->used, gmt_vq_host(&on->rig->world, USED_RING), RING_BYTES);
    assert_int_equal(gm_dirty_count(on->rig->world.dirty, 0, UINT64_MAX), 0);
    free(before);
    change(on, 0, 0, &again);
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), 0);
    assert_result(gm_vq_ring_put(on->rig->view, &on->ring, 3, 4), 0);
    assert_int_equal(peek_used(on, 4, 8), UINT64_C(4) << 32 | 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RING_TEST(arguments),
        RING_TEST(every_byte_is_there),
        RING_TEST(over_two_regions),
        RING_TEST(at_the_top),
        RING_TEST(a_ring_that_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
