/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Any number of bytes: reads, writes, fills, compares and copies, within pieces, across them, and at their ends. */
#include "lib/access_rig.h"
#include "lib/cm.h"
#include "lib/rand.h"

#define PAGES(n) ((n) * GMT_PAGE)
#define LEN_MOST 300

static uint8_t *random_bytes(uint64_t seed, size_t len)
{
    static uint8_t bytes[3 * 4096];
    gmt_rand_fill(&seed, bytes, len);
    return bytes;
}

/* Three pages of the guest in a row whose pieces lie apart in host memory and end within pages. */
static const struct gm_view *three_pieces(struct gmt_rig *rig)
{
    gmt_add_ram(rig, 0, PAGES(1) + 100, 0);
    gmt_add_ram(rig, PAGES(1) + 100, 300, PAGES(5) + 100);
    gmt_add_ram(rig, PAGES(1) + 400, PAGES(2) - 400, PAGES(9) + 400);
    return gmt_pin(rig->space);
}

/* Of every length up to LEN_MOST, at every place around the ends of a piece and with any buffer. */
static void short_lengths_anywhere(void **state)
{
    const struct gm_view *view = three_pieces(*state);
    uint8_t back[LEN_MOST + 16];
    for (unsigned len = 0; len <= LEN_MOST; len++) {
        for (unsigned at = 0; at < 16; at++) {
            gm_gpa gpa = PAGES(1) + 90 + at;
            const uint8_t *bytes = random_bytes(len * 16 + at, LEN_MOST + 16) + at % 7;
            assert_result(gm_guest_fill(view, gpa - 8, 0xee, len + 16), 0);
            assert_result(gm_guest_write(view, gpa, bytes, len), 0);
            memset(back, 0, sizeof(back));
            assert_result(gm_guest_read(view, gpa - 1, back + 3, len + 2), 0);
            assert_int_equal(back[3], 0xee);
            assert_memory_equal(back + 4, bytes, len);
            assert_int_equal(back[len + 4], 0xee);
            assert_int_equal(back[len + 5], 0);
        }
    }
    gm_unpin();
}

/* The same where length and alignment are what the compiler knows. */
#define CONSTANT(len)                                                                                                  \
    do {                                                                                                               \
        for (unsigned at = 0; at < 16; at++) {                                                                         \
            const uint8_t *bytes = random_bytes(len + at, len);                                                        \
            uint8_t back[(len) + 1] = {0};                                                                             \
            assert_result(gm_guest_write(view, 512 + at, bytes, len), 0);                                              \
            assert_memory_equal(gmt_host(rig, 512 + at), bytes, len);                                                  \
            assert_result(gm_guest_read(view, 512 + at, back + 1, len), 0);                                            \
            assert_memory_equal(back + 1, bytes, len);                                                                 \
        }                                                                                                              \
    } while (0)

static void constant_lengths(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_BLOCK, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    CONSTANT(1);
    CONSTANT(2);
    CONSTANT(3);
    CONSTANT(4);
    CONSTANT(6);
    CONSTANT(7);
    CONSTANT(8);
    CONSTANT(12);
    CONSTANT(16);
    CONSTANT(24);
    CONSTANT(31);
    CONSTANT(63);
    CONSTANT(64);
    CONSTANT(65);
    CONSTANT(96);
    CONSTANT(512);
    gm_unpin();
}

static void long_ones_cross_everything(void **state)
{
    const struct gm_view *view = three_pieces(*state);
    uint8_t back[2 * 4096];
    const uint8_t *bytes = random_bytes(5, sizeof(back));
    assert_result(gm_guest_write(view, 77, bytes, sizeof(back)), 0);
    assert_result(gm_guest_read(view, 77, back, sizeof(back)), 0);
    assert_memory_equal(back, bytes, sizeof(back));
    gm_unpin();
    gmt_assert_marked(0, 1, 2);
}

struct descriptor {
    gm_le64 addr;
    gm_le32 len;
    gm_le16 flags, next;
};

static void objects_have_their_length(void **state)
{
    struct gmt_rig *rig = *state;
    struct descriptor out = {gm_le64_make(1), gm_le32_make(2), gm_le16_make(3), gm_le16_make(4)}, in;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write_object(view, 32, &out), 0);
    assert_memory_equal(gmt_host(rig, 32), "\1\0\0\0\0\0\0\0\2\0\0\0\3\0\4\0", 17);
    assert_result(gm_guest_read_object(view, 32, &in), 0);
    assert_memory_equal(&in, &out, sizeof(in));
    assert_result(gm_guest_read_object(view, PAGES(1) - 8, &in), -EFAULT);
    gm_unpin();
}

static void what_lies_before_an_error_is_moved(void **state)
{
    struct gmt_rig *rig = *state;
    uint8_t back[100];
    size_t done = 7;
    gmt_add_ram(rig, 0, PAGES(2), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    const uint8_t *bytes = random_bytes(1, 100);
    memset(back, 0, sizeof(back));
    assert_result(gm_guest_write(view, PAGES(2) - 70, bytes, 100), -EFAULT);
    assert_memory_equal(gmt_host(rig, PAGES(2) - 70), bytes, 70);
    assert_int_equal(*gmt_host(rig, PAGES(2)), 0);
    assert_result(gm_guest_read(view, PAGES(2) - 70, back, 100), -EFAULT);
    assert_memory_equal(back, bytes, 70);
    assert_int_equal(back[70], 0);
    assert_result(gm_guest_read_some(view, PAGES(2) - 70, back, 100, &done), 0);
    assert_int_equal(done, 70);
    assert_result(gm_guest_write_some(view, PAGES(2) - 3, bytes, 100, &done), 0);
    assert_int_equal(done, 3);
    assert_result(gm_guest_write_some(view, PAGES(2), bytes, 100, &done), -EFAULT);
    assert_result(gm_guest_read_some(view, PAGES(2), back, 1, &done), -EFAULT);
    assert_int_equal(done, 3);
    gm_unpin();
    gmt_assert_marked(1);
}

static void fills(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_view *view = three_pieces(rig);
    assert_result(gm_guest_fill(view, PAGES(1) + 50, 0x77, 1000), 0);
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t byte = 0;
        assert_result(gm_guest_read_u8(view, PAGES(1) + 50 + i, &byte), 0);
        assert_int_equal(byte, 0x77);
    }
    assert_int_equal(*gmt_host(rig, PAGES(1) + 49), 0);
    assert_int_equal(*gmt_host(rig, PAGES(9) + 1050), 0);
    gmt_assert_marked(1);
    assert_result(gm_guest_fill(view, PAGES(3) - 5, 1, 6), -EFAULT);
    assert_memory_equal(gmt_host(rig, PAGES(11) - 6), "\0\1\1\1\1\1", 6);
    gmt_assert_marked(2);
    assert_result(gm_guest_fill(view, PAGES(2), 1, UINT64_MAX - PAGES(2) + 2), -EOVERFLOW);
    gmt_assert_nothing_marked();
    gm_unpin();
}

static void compares(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_view *view = three_pieces(rig);
    int order = 7;
    uint8_t *bytes = random_bytes(9, 1000);
    bytes[60] = 100;
    bytes[999] = 100;
    assert_result(gm_guest_write(view, PAGES(1) + 50, bytes, 1000), 0);
    assert_result(gm_guest_compare(view, PAGES(1) + 50, bytes, 1000, &order), 0);
    assert_int_equal(order, 0);
    bytes[60] = 101;
    assert_result(gm_guest_compare(view, PAGES(1) + 50, bytes, 1000, &order), 0);
    assert_true(order < 0);
    bytes[60] = 99;
    assert_result(gm_guest_compare(view, PAGES(1) + 50, bytes, 61, &order), 0);
    assert_true(order > 0);
    bytes[60] = 100;
    bytes[999] = 200; /* as unsigned bytes */
    assert_result(gm_guest_compare(view, PAGES(1) + 50, bytes, 1000, &order), 0);
    assert_true(order < 0);
    order = 7;
    uint8_t zeros[8] = {0}, ones[8] = {1};
    assert_result(gm_guest_compare(view, PAGES(3) - 4, zeros, 8, &order), -EFAULT);
    assert_int_equal(order, 7);
    assert_result(gm_guest_compare(view, PAGES(3) - 4, ones, 8, &order), 0); /* differs before the hole */
    assert_true(order < 0);
    gm_unpin();
}

/* Copies of many lengths and distances over the ends of pieces, against memmove on a picture of the guest. */
static void copies_are_as_memmove(void **state)
{
    const struct gm_view *view = three_pieces(*state);
    uint64_t random = 11;
    static uint8_t picture[3 * 4096], now[3 * 4096];
    memcpy(picture, random_bytes(3, sizeof(picture)), sizeof(picture));
    assert_result(gm_guest_write(view, 0, picture, sizeof(picture)), 0);
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t len = gmt_rand_below(&random, i % 2 != 0 ? 100 : 5000);
        uint64_t from = gmt_rand_below(&random, sizeof(picture) - len);
        uint64_t to = gmt_rand_below(&random, sizeof(picture) - len);
        if (i % 4 == 0 && from + len + 40 < sizeof(picture))
            to = from + gmt_rand_below(&random, 40);
        memmove(picture + to, picture + from, len);
        assert_result(gm_guest_copy(view, to, from, len), 0);
        assert_result(gm_guest_read(view, 0, now, sizeof(now)), 0);
        assert_memory_equal(now, picture, sizeof(now));
    }
    gm_unpin();
}

static void a_copy_that_cannot_be_whole_is_none(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc rom = gmt_ram(rig, PAGES(4), PAGES(1), PAGES(2));
    rom.kind = GM_KIND_ROM;
    gmt_add(rig->space, &rom);
    gmt_add_ram(rig, 0, PAGES(2), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    memset(gmt_host(rig, 0), 1, PAGES(1));
    memset(gmt_host(rig, PAGES(2)), 2, PAGES(1));
    assert_result(gm_guest_copy(view, PAGES(2) - 100, 0, 101), -EFAULT);
    assert_result(gm_guest_copy(view, PAGES(1), PAGES(5) - 100, 101), -EFAULT);
    assert_result(gm_guest_copy(view, PAGES(4), 0, 10), -EACCES);
    assert_result(gm_guest_copy(view, 0, UINT64_MAX - 4, 6), -EOVERFLOW);
    assert_result(gm_guest_copy(view, UINT64_MAX - 4, 0, 6), -EOVERFLOW);
    assert_int_equal(*gmt_host(rig, PAGES(1)), 0);
    assert_int_equal(*gmt_host(rig, PAGES(2) - 100), 0);
    gmt_assert_nothing_marked();
    assert_result(gm_guest_copy(view, PAGES(1) + 10, PAGES(4) + 3, 300), 0);
    assert_int_equal(*gmt_host(rig, PAGES(1) + 10), 2);
    assert_int_equal(*gmt_host(rig, PAGES(1) + 310), 0);
    gmt_assert_marked(1);
    gm_unpin();
}

static void no_length_is_no_access(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc device = gmt_device(PAGES(1), PAGES(1));
    static const gm_gpa anywhere[] = {0, PAGES(1), PAGES(2), GMT_TOP, UINT64_MAX};
    gmt_add(rig->space, &device);
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned i = 0; i < sizeof(anywhere) / sizeof(anywhere[0]); i++) {
        size_t done = 7;
        int order = 7;
        assert_result(gm_guest_read(view, anywhere[i], NULL, 0), 0);
        assert_result(gm_guest_write(view, anywhere[i], NULL, 0), 0);
        assert_result(gm_guest_read_some(view, anywhere[i], NULL, 0, &done), 0);
        assert_int_equal(done, 0);
        done = 7;
        assert_result(gm_guest_write_some(view, anywhere[i], NULL, 0, &done), 0);
        assert_int_equal(done, 0);
        assert_result(gm_guest_fill(view, anywhere[i], 1, 0), 0);
        assert_result(gm_guest_compare(view, anywhere[i], NULL, 0, &order), 0);
        assert_int_equal(order, 0);
        assert_result(gm_guest_copy(view, anywhere[i], UINT64_MAX - 5, 0), 0);
    }
    gm_unpin();
    gmt_assert_nothing_marked();
}

/* In blocks that one region fills, where the leaf word itself says what is allowed; and with every length. */
static void rights_of_whole_blocks(void **state)
{
    struct gmt_rig *rig = *state;
    uint8_t bytes[LEN_MOST] = {0};
    struct gm_region_desc rom = gmt_ram(rig, 0, GMT_BLOCK, 0), port = gmt_ram(rig, GMT_BLOCK, GMT_BLOCK, GMT_BLOCK);
    rom.rights = GM_READ;
    port.rights = GM_WRITE;
    gmt_add(rig->space, &rom);
    gmt_add(rig->space, &port);
    const struct gm_view *view = gmt_pin(rig->space);
    memset(bytes, 7, sizeof(bytes));
    for (size_t len = 1; len <= LEN_MOST; len++) {
        assert_result(gm_guest_write(view, PAGES(1), bytes, len), -EACCES);
        assert_int_equal(*gmt_host(rig, PAGES(1)), 0);
        gmt_assert_nothing_marked();
        assert_result(gm_guest_write(view, GMT_BLOCK + PAGES(1), bytes, len), 0);
        assert_int_equal(*gmt_host(rig, GMT_BLOCK + PAGES(1) + len - 1), 7);
        gmt_assert_marked((GMT_BLOCK + PAGES(1)) / PAGES(1));
        assert_result(gm_guest_read(view, GMT_BLOCK, bytes, len), -EACCES);
        assert_result(gm_guest_read(view, 0, bytes, len), 0);
        memset(bytes, 7, len);
    }
    gm_unpin();
}

static void answers_need_a_place(void **state)
{
    const struct gm_view *view = three_pieces(*state);
    uint8_t bytes[8] = {0};
    assert_result(gm_guest_read_some(view, 0, bytes, sizeof(bytes), NULL), -EINVAL);
    assert_result(gm_guest_write_some(view, 0, bytes, sizeof(bytes), NULL), -EINVAL);
    assert_result(gm_guest_compare(view, 0, bytes, sizeof(bytes), NULL), -EINVAL);
    gmt_assert_nothing_marked();
    assert_result(gm_region_find(view, 0, NULL), -EINVAL);
    assert_result(gm_region_next(view, 0, NULL), -EINVAL);
    assert_result(gm_region_last(view, GM_KINDS_ALL, NULL), -EINVAL);
    assert_result(gm_range_offset(view, 0, 1, NULL), -EINVAL);
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_tracked_open, gmt_tracked_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(short_lengths_anywhere),
        RIG(constant_lengths),
        RIG(long_ones_cross_everything),
        RIG(objects_have_their_length),
        RIG(what_lies_before_an_error_is_moved),
        RIG(fills),
        RIG(compares),
        RIG(copies_are_as_memmove),
        RIG(a_copy_that_cannot_be_whole_is_none),
        RIG(no_length_is_no_access),
        RIG(answers_need_a_place),
        RIG(rights_of_whole_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
