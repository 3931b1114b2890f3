/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Accesses that a leaf word answers alone, because memory fills whole blocks: every length at every alignment, ranges
 * from one such block into the next, and memory that may only be read or only be written.
 */
#include "lib/access_rig.h"
#include "lib/cm.h"
#include "lib/rand.h"

#define LEN_MOST 300
#define BLOCKS(n) ((n) * GMT_BLOCK)
#define WORD UINT64_C(0x8877665544332211)

static const uint8_t *random_bytes(uint64_t seed)
{
    static uint8_t bytes[LEN_MOST + 16];
    gmt_rand_fill(&seed, bytes, sizeof(bytes));
    return bytes;
}

/* Written and read back; what stands before and behind stays. */
static void there_and_back(const struct gm_view *view, gm_gpa gpa, unsigned len)
{
    const uint8_t *bytes = random_bytes(gpa + len) + len % 7;
    uint8_t back[LEN_MOST + 16];
    assert_result(gm_guest_fill(view, gpa - 8, 0xee, len + 16), 0);
    assert_result(gm_guest_write(view, gpa, bytes, len), 0);
    memset(back, 0, sizeof(back));
    assert_result(gm_guest_read(view, gpa - 1, back + 3, len + 2), 0);
    assert_int_equal(back[2], 0);
    assert_int_equal(back[3], 0xee);
    assert_memory_equal(back + 4, bytes, len);
    assert_int_equal(back[len + 4], 0xee);
    assert_int_equal(back[len + 5], 0);
}

static void lengths_within_a_block(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, BLOCKS(1), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned len = 0; len <= LEN_MOST; len++)
        for (unsigned at = 0; at < 16; at++)
            there_and_back(view, 1024 + at, len);
    gm_unpin();
}

/* Pages that were written, by each way that a length takes. */
static void marks_of_each_length(void **state)
{
    struct gmt_rig *rig = *state;
    const uint8_t *bytes = random_bytes(1);
    gmt_add_ram(rig, 0, BLOCKS(1), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    for (size_t len = 1; len <= LEN_MOST; len++) {
        assert_result(gm_guest_write(view, 5 * GMT_PAGE - len, bytes, len), 0);
        gmt_assert_marked(4);
        assert_result(gm_guest_write(view, 5 * GMT_PAGE - len, bytes, len + 1), 0);
        gmt_assert_marked(4, 5);
    }
    gm_unpin();
}

/* Host memory of the guest's blocks lies the other way round, so that each of them ends a piece. */
static void from_block_to_block(void **state)
{
    struct gmt_rig *rig = *state;
    for (unsigned i = 0; i < 4; i++)
        gmt_add_ram(rig, BLOCKS(i), BLOCKS(1), BLOCKS(4 - i));
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned i = 1; i < 4; i++) {
        for (unsigned len = 2; len <= LEN_MOST; len += 11)
            for (unsigned before = 1; before < len; before += 13)
                there_and_back(view, BLOCKS(i) - before, len);
        there_and_back(view, BLOCKS(i) - 8, 16);
        assert_memory_equal(gmt_host(rig, BLOCKS(4 - i)), random_bytes(BLOCKS(i) - 8 + 16) + 16 % 7 + 8, 8);
    }
    gm_unpin();
}

static void with_rights(struct gmt_rig *rig, gm_gpa gpa, unsigned rights)
{
    struct gm_region_desc desc = gmt_ram(rig, gpa, BLOCKS(1), gpa);
    desc.rights = rights;
    gmt_add(rig->space, &desc);
}

static void what_may_only_be_read(void **state)
{
    struct gmt_rig *rig = *state;
    uint64_t word = WORD, u64 = 0, bytes[LEN_MOST / 8];
    uint32_t u32 = 0;
    uint16_t u16 = 0;
    uint8_t u8 = 0;
    with_rights(rig, 0, GM_READ);
    memcpy(gmt_host(rig, 64), &word, sizeof(word));
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_read_le64(view, 64, &u64), 0);
    assert_true(u64 == WORD);
    assert_result(gm_guest_read_le32(view, 68, &u32), 0);
    assert_int_equal(u32, WORD >> 32);
    assert_result(gm_guest_read_le16(view, 66, &u16), 0);
    assert_int_equal(u16, 0x4433);
    assert_result(gm_guest_read_u8(view, 67, &u8), 0);
    assert_int_equal(u8, 0x44);
    u64 = 0;
    assert_result(gm_guest_load_u64(view, 64, GM_ACQUIRE, &u64), 0);
    assert_memory_equal(&u64, gmt_host(rig, 64), sizeof(u64));
    for (size_t len = 8; len < sizeof(bytes); len += 8) {
        assert_result(gm_guest_read(view, 64, bytes, len), 0);
        assert_memory_equal(bytes, gmt_host(rig, 64), len);
    }
    assert_ptr_equal(gm_translate(view, 64, 8, GM_READ), gmt_host(rig, 64));
    assert_null(gm_translate(view, 64, 8, GM_RW));
    assert_result(gm_guest_write_u64(view, 64, 1), -EACCES);
    assert_result(gm_guest_store_u64(view, 64, GM_RELAXED, 1), -EACCES);
    assert_result(gm_guest_exchange_u64(view, 64, GM_RELAXED, 1, &u64), -EACCES);
    assert_result(gm_guest_write(view, 64, bytes, sizeof(bytes)), -EACCES);
    assert_memory_equal(gmt_host(rig, 64), &word, sizeof(word));
    gm_unpin();
}

static void what_may_only_be_written(void **state)
{
    struct gmt_rig *rig = *state;
    uint64_t word = WORD, untouched = 5, bytes[LEN_MOST / 8] = {0};
    with_rights(rig, 0, GM_WRITE);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write(view, 64, &word, sizeof(word)), 0);
    assert_memory_equal(gmt_host(rig, 64), &word, sizeof(word));
    assert_result(gm_guest_write_u64(view, 72, word), 0);
    assert_memory_equal(gmt_host(rig, 72), &word, sizeof(word));
    assert_result(gm_guest_write(view, 256, bytes, sizeof(bytes)), 0);
    assert_result(gm_guest_read_u64(view, 64, &untouched), -EACCES);
    assert_result(gm_guest_load_u64(view, 64, GM_RELAXED, &untouched), -EACCES);
    assert_result(gm_guest_read(view, 64, &untouched, sizeof(untouched)), -EACCES);
    assert_int_equal(untouched, 5);
    assert_result(gm_guest_read(view, 64, bytes, sizeof(bytes)), -EACCES);
    assert_null(gm_translate(view, 64, 8, GM_READ));
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_tracked_open, gmt_tracked_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(lengths_within_a_block), RIG(marks_of_each_length),  RIG(from_block_to_block),
        RIG(what_may_only_be_read),  RIG(what_may_only_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
