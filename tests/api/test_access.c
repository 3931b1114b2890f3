/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Integers of guest memory: every size, order and alignment, wherever the translation finds them, and every refusal. */
#include "lib/access_rig.h"
#include "lib/cm.h"

#define PAGES(n) ((n) * GMT_PAGE)
#define BIG UINT64_C(0x1122334455667788)

/* Write and read back each size at gpa, which is at that host offset, by the host's own eyes. */
static void assert_integers(const struct gmt_rig *rig, gm_gpa gpa, uint64_t offset)
{
    const struct gm_view *view = gmt_pin(rig->space);
    uint64_t u64 = 0;
    uint32_t u32 = 0;
    uint16_t u16 = 0;
    uint8_t u8 = 0;
    memset(gmt_host(rig, offset), 0, 10);
    assert_result(gm_guest_write_u64(view, gpa, BIG), 0);
    uint64_t want = BIG;
    assert_memory_equal(gmt_host(rig, offset), &want, 8);
    assert_int_equal(*gmt_host(rig, offset + 8), 0);
    assert_result(gm_guest_read_u64(view, gpa, &u64), 0);
    assert_true(u64 == BIG);
    assert_result(gm_guest_write_u32(view, gpa, 0xcafe1234), 0);
    assert_result(gm_guest_read_u32(view, gpa, &u32), 0);
    assert_true(u32 == 0xcafe1234);
    assert_result(gm_guest_write_u16(view, gpa, 0xbeef), 0);
    assert_result(gm_guest_read_u16(view, gpa, &u16), 0);
    assert_true(u16 == 0xbeef);
    assert_result(gm_guest_write_u8(view, gpa, 0x5a), 0);
    assert_result(gm_guest_read_u8(view, gpa, &u8), 0);
    assert_true(u8 == 0x5a);
    assert_result(gm_guest_read_u64(view, gpa, &u64), 0);
    assert_true(u64 == UINT64_C(0x11223344cafebe5a));
    gm_unpin();
}

static void in_a_uniform_block(void **state)
{
    gmt_add_ram(*state, GMT_BLOCK, 2 * GMT_BLOCK, 0);
    for (unsigned i = 0; i < 9; i++)
        assert_integers(*state, GMT_BLOCK + 64 + i, 64 + i);
    assert_integers(*state, 2 * GMT_BLOCK - 3, GMT_BLOCK - 3); /* across two blocks that are one piece */
}

static void in_a_block_of_few_pieces(void **state)
{
    gmt_add_ram(*state, PAGES(3), PAGES(2), PAGES(7));
    for (unsigned i = 0; i < 9; i++)
        assert_integers(*state, PAGES(4) + i, PAGES(8) + i);
    assert_integers(*state, PAGES(5) - 8, PAGES(9) - 8);
}

static void in_a_block_of_many_pieces(void **state)
{
    struct gmt_rig *rig = *state;
    for (unsigned i = 0; i < 40; i++)
        gmt_add_ram(rig, PAGES(2 * i), GMT_PAGE, PAGES(100 - 2 * i));
    for (unsigned i = 0; i < 9; i++)
        assert_integers(rig, PAGES(30) + i, PAGES(70) + i);
}

static void in_a_page_that_is_ram_in_part(void **state)
{
    gmt_add_ram(*state, PAGES(5) + 40, 400, 40);
    for (unsigned i = 0; i < 9; i++)
        assert_integers(*state, PAGES(5) + 48 + i, 48 + i);
}

static void beyond_the_top_array(void **state)
{
    gmt_add_ram(*state, GMT_TOP - PAGES(1), PAGES(1), 0);
    assert_integers(*state, GMT_TOP - 24, PAGES(1) - 24);
    assert_integers(*state, GMT_TOP - 13, PAGES(1) - 13);
}

static void across_pieces_that_lie_apart(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_view *view;
    uint64_t u64 = 0;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    gmt_add_ram(rig, PAGES(1), PAGES(1), PAGES(4));
    view = gmt_pin(rig->space);
    assert_result(gm_guest_write_u64(view, PAGES(1) - 3, UINT64_C(0x0807060504030201)), 0);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(*gmt_host(rig, i < 3 ? PAGES(1) - 3 + i : PAGES(4) + i - 3), i + 1);
    assert_result(gm_guest_read_u64(view, PAGES(1) - 3, &u64), 0);
    assert_true(u64 == UINT64_C(0x0807060504030201));
    gm_unpin();
}

static void in_a_linear_space(void **state)
{
    const struct gm_space_config config = {.linear_size = PAGES(64), .numa_node = -1};
    const struct gm_region_desc ram = {.gpa = PAGES(2), .size = PAGES(3)};
    struct gm_space *space;
    uint32_t u32 = 0;
    (void)state;
    assert_result(gm_space_create(&config, &space), 0);
    gmt_add(space, &ram);
    const struct gm_view *view = gmt_pin(space);
    assert_result(gm_guest_write_u32(view, PAGES(3) + 4, 77), 0);
    assert_result(gm_guest_read_u32(view, PAGES(3) + 4, &u32), 0);
    assert_int_equal(u32, 77);
    assert_result(gm_guest_read_u32(view, PAGES(5), &u32), -EFAULT);
    gm_unpin();
    assert_result(gm_space_destroy(space), 0);
}

static void stated_orders_are_bytes(void **state)
{
    struct gmt_rig *rig = *state;
    uint16_t u16 = 0;
    uint32_t u32 = 0;
    uint64_t u64 = 0;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write_le16(view, 0, 0x0102), 0);
    assert_result(gm_guest_write_be16(view, 2, 0x0304), 0);
    assert_result(gm_guest_write_le32(view, 4, 0x05060708), 0);
    assert_result(gm_guest_write_be32(view, 8, 0x090a0b0c), 0);
    assert_result(gm_guest_write_le64(view, 12, UINT64_C(0x0d0e0f1011121314)), 0);
    assert_result(gm_guest_write_be64(view, 20, UINT64_C(0x15161718191a1b1c)), 0);
    assert_memory_equal(gmt_host(rig, 0), "\x02\x01\x03\x04\x08\x07\x06\x05\x09\x0a\x0b\x0c", 12);
    assert_memory_equal(gmt_host(rig, 12), "\x14\x13\x12\x11\x10\x0f\x0e\x0d\x15\x16\x17\x18\x19\x1a\x1b\x1c", 16);
    assert_result(gm_guest_read_le16(view, 0, &u16), 0);
    assert_int_equal(u16, 0x0102);
    assert_result(gm_guest_read_be16(view, 2, &u16), 0);
    assert_int_equal(u16, 0x0304);
    assert_result(gm_guest_read_le32(view, 4, &u32), 0);
    assert_int_equal(u32, 0x05060708);
    assert_result(gm_guest_read_be32(view, 8, &u32), 0);
    assert_int_equal(u32, 0x090a0b0c);
    assert_result(gm_guest_read_le64(view, 12, &u64), 0);
    assert_true(u64 == UINT64_C(0x0d0e0f1011121314));
    assert_result(gm_guest_read_be64(view, 20, &u64), 0);
    assert_true(u64 == UINT64_C(0x15161718191a1b1c));
    gm_unpin();
}

/* Every size and both directions answer the same, and touch nothing. */
static void assert_refused(const struct gm_view *view, gm_gpa gpa, int read, int write)
{
    uint8_t u8 = 7;
    uint16_t u16 = 7;
    uint32_t u32 = 7;
    uint64_t u64 = 7;
    assert_result(gm_guest_read_u8(view, gpa, &u8), read);
    assert_result(gm_guest_read_u16(view, gpa, &u16), read);
    assert_result(gm_guest_read_be32(view, gpa, &u32), read);
    assert_result(gm_guest_read_u64(view, gpa, &u64), read);
    assert_true(read == 0 || (u8 == 7 && u16 == 7 && u32 == 7 && u64 == 7));
    if (write == 0)
        return;
    assert_result(gm_guest_write_u8(view, gpa, 1), write);
    assert_result(gm_guest_write_be16(view, gpa, 1), write);
    assert_result(gm_guest_write_u32(view, gpa, 1), write);
    assert_result(gm_guest_write_u64(view, gpa, 1), write);
}

static void refusals_have_their_reason(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_device(PAGES(1), PAGES(1));
    gmt_add(rig->space, &desc);
    desc = gmt_ram(rig, PAGES(2), PAGES(1), 0);
    desc.kind = GM_KIND_ROM;
    gmt_add(rig->space, &desc);
    desc = gmt_ram(rig, PAGES(3), PAGES(1), PAGES(1));
    desc.rights = GM_WRITE;
    gmt_add(rig->space, &desc);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_refused(view, 0, -EFAULT, -EFAULT);
    assert_refused(view, PAGES(1) + 8, -ENXIO, -ENXIO);
    assert_refused(view, PAGES(2) + 8, 0, -EACCES);
    assert_refused(view, PAGES(3) + 16, -EACCES, 0);
    assert_refused(view, PAGES(4), -EFAULT, -EFAULT);
    assert_refused(view, GMT_TOP, -EFAULT, -EFAULT);
    assert_refused(view, UINT64_C(1) << 63, -EFAULT, -EFAULT);
    assert_int_equal(*gmt_host(rig, 8), 0);
    assert_int_equal(*gmt_host(rig, PAGES(1) + 16), 0);
    assert_result(gm_guest_write_u64(view, PAGES(3), 5), 0); /* what may only be written */
    assert_int_equal(*gmt_host(rig, PAGES(1)), 5);
    gm_unpin();
    gmt_assert_marked(3);
}

static void the_lowest_byte_gives_the_reason(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_device(PAGES(2), PAGES(1));
    uint64_t u64 = 7;
    gmt_add(rig->space, &desc);
    gmt_add_ram(rig, PAGES(1), PAGES(1), 0);
    gmt_add_ram(rig, PAGES(5), PAGES(1), PAGES(1));
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_read_u64(view, PAGES(1) - 4, &u64), -EFAULT);
    assert_result(gm_guest_read_u64(view, PAGES(2) - 4, &u64), -ENXIO);
    assert_result(gm_guest_read_u64(view, PAGES(6) - 4, &u64), -EFAULT);
    assert_result(gm_guest_write_u64(view, PAGES(2) - 4, UINT64_C(0x0807060504030201)), -ENXIO);
    assert_memory_equal(gmt_host(rig, PAGES(1) - 4), "\1\2\3\4", 4); /* what lies before the device is written */
    assert_int_equal(u64, 7);
    gm_unpin();
    gmt_assert_marked(1);
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_tracked_open, gmt_tracked_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(in_a_uniform_block),
        RIG(in_a_block_of_few_pieces),
        RIG(in_a_block_of_many_pieces),
        RIG(in_a_page_that_is_ram_in_part),
        RIG(beyond_the_top_array),
        RIG(across_pieces_that_lie_apart),
        RIG(in_a_linear_space),
        RIG(stated_orders_are_bytes),
        RIG(refusals_have_their_reason),
        RIG(the_lowest_byte_gives_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
