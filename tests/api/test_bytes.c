/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Regions that start and end within a page: every byte belongs to exactly the region that claims it. */
#include "lib/cm.h"
#include "lib/rig.h"

#define PAGES(n) ((n) * GMT_PAGE)
#define SPOTS 5

/*
 * Where pages shared by several owners are most awkward: in the first block, at a block edge and a GiB edge.
 */
static const gm_gpa spots[SPOTS] = {0, PAGES(7), GMT_BLOCK - PAGES(1), GMT_GIB - PAGES(1),
                                    GMT_TOP - PAGES(2)};

static void one_byte_region(void **state)
{
    static const uint64_t places[] = {0, 1, 7, 8, 100, GMT_PAGE - 2, GMT_PAGE - 1};
    struct gmt_rig *rig = *state;
    for (unsigned s = 0; s < SPOTS; s++) {
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
            const gm_gpa gpa = spots[s] + places[i];
            gmt_add_ram(rig, gpa, 1, PAGES(3) + places[i]);
            const struct gm_view *view = gmt_pin(rig->space);
            assert_ptr_equal(gm_translate(view, gpa, 1, GM_RW), (void *)(rig->host + PAGES(3) + places[i]));
            assert_int_equal(gm_translate_why(view, gpa, 2, GM_RW), -EFAULT);
            assert_int_equal(gm_translate_why(view, gpa + 1, 1, GM_RW), -EFAULT);
            if (gpa > 0)
                assert_int_equal(gm_translate_why(view, gpa - 1, 1, GM_RW), -EFAULT);
            gm_unpin();
            gmt_remove(rig->space, gpa, 1);
        }
    }
}

/* Owner of byte i of a two-page spot: each region takes what its entry says, with holes between. */
static const struct {
    uint64_t start, size, host;
    enum gm_kind kind;
    unsigned rights;
} owners[] = {
    {0, 3, PAGES(1), GM_KIND_RAM, 0},
    {3, 5, PAGES(1) + 3, GM_KIND_RAM, GM_READ}, /* goes on in host memory */
    {8, 8, 0, GM_KIND_DEVICE, 0},
    {17, 1, PAGES(4) + 17, GM_KIND_ROM, 0},
    {18, 1000, PAGES(5) + 18, GM_KIND_RAM, 0},
    {GMT_PAGE - 1, 2, PAGES(9) - 1, GM_KIND_RAM, 0}, /* over the page edge */
    {GMT_PAGE + 1, 99, PAGES(9) + 1, GM_KIND_RAM, GM_RW}, /* goes on */
    {GMT_PAGE + 100, 1, 0, GM_KIND_DEVICE, 0},
    {PAGES(2) - 3, 3, PAGES(12) - 3, GM_KIND_RAM, 0},
};
#define OWNERS (sizeof(owners) / sizeof(owners[0]))

static int owner_of(uint64_t byte)
{
    for (size_t i = 0; i < OWNERS; i++) {
        if (byte >= owners[i].start && byte - owners[i].start < owners[i].size)
            return (int)i;
    }
    return -1;
}

/* The answer for a single byte. */
static int byte_answer(struct gmt_rig *rig, uint64_t byte, unsigned rights, uintptr_t *host)
{
    int owner = owner_of(byte);
    if (owner < 0)
        return -EFAULT;
    if (owners[owner].kind == GM_KIND_DEVICE)
        return -ENXIO;
    unsigned has = owners[owner].rights;
    if (has == 0)
        has = owners[owner].kind == GM_KIND_ROM ? GM_READ : GM_RW;
    if ((rights & ~has) != 0)
        return -EACCES;
    *host = rig->host + owners[owner].host + (byte - owners[owner].start);
    return 0;
}

static int range_answer(struct gmt_rig *rig, uint64_t byte, uint64_t len, unsigned rights, uintptr_t *host)
{
    bool contiguous = true;
    uintptr_t start = 0;
    for (uint64_t i = 0; i < len; i++) {
        uintptr_t here = 0;
        int error = byte_answer(rig, byte + i, rights, &here);
        if (error != 0)
            return error;
        if (i == 0)
            start = here;
        contiguous = contiguous && here == start + i;
    }
    *host = start;
    return contiguous ? 0 : -EXDEV;
}

static void assert_spot(struct gmt_rig *rig, const struct gm_view *view, gm_gpa spot)
{
    static const uint64_t lens[] = {1, 2, 3, 8, 9, 101};
    for (uint64_t byte = 0; byte < PAGES(2); byte += byte > 30 && byte < GMT_PAGE - 10 ? 61 : 1) {
        for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
            uintptr_t host = 0;
            unsigned rights = (unsigned)(byte & GM_RW);
            int want = range_answer(rig, byte, lens[i], rights, &host);
            assert_int_equal(gm_translate_why(view, spot + byte, lens[i], rights), want);
            void *pointer = want == 0 ? (void *)host : NULL;
            assert_ptr_equal(gm_translate(view, spot + byte, lens[i], rights), pointer);
        }
        struct gm_region_info info;
        int owner = owner_of(byte);
        assert_result(gm_region_find(view, spot + byte, &info), owner < 0 ? -ENOENT : 0);
        if (owner >= 0)
            assert_true(info.gpa == spot + owners[owner].start && info.size == owners[owner].size);
    }
}

static void pages_with_many_owners(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_txn *txn = gmt_begin(rig->space);
    for (unsigned s = 0; s < SPOTS; s++) {
        for (size_t i = 0; i < OWNERS; i++) {
            struct gm_region_desc desc = {.gpa = spots[s] + owners[i].start,
                                          .size = owners[i].size,
                                          .kind = owners[i].kind,
                                          .rights = owners[i].rights};
            if (owners[i].kind != GM_KIND_DEVICE) {
                desc.backing = rig->ram;
                desc.offset = owners[i].host;
            }
            assert_result(gm_txn_add(txn, &desc), 0);
        }
    }
    gmt_commit(txn, GM_COMMIT_WAIT);
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned s = 0; s < SPOTS; s++)
        assert_spot(rig, view, spots[s]);
    gm_unpin();
}

static void large_region_with_ragged_ends(void **state)
{
    struct gmt_rig *rig = *state;
    const gm_gpa base = GMT_GIB - 2 * GMT_BLOCK - 1;
    const uint64_t size = 5 * GMT_BLOCK + 2;
    gmt_add_ram(rig, base, size, PAGES(1) - 1);
    gmt_add_ram(rig, base + size, 1, PAGES(1) - 1 + size); /* goes on for a byte */
    const struct gm_view *view = gmt_pin(rig->space);
    uintptr_t host = rig->host + PAGES(1) - 1;
    assert_ptr_equal(gm_translate(view, base, size + 1, GM_RW), (void *)host);
    assert_int_equal(gm_translate_why(view, base, size + 2, GM_RW), -EFAULT);
    assert_int_equal(gm_translate_why(view, base - 1, 2, GM_RW), -EFAULT);
    assert_ptr_equal(gm_translate(view, base + size, 1, GM_RW), (void *)(host + size));
    struct iovec iov[2];
    assert_int_equal(gm_translate_iov(view, base, size + 1, GM_RW, iov, 2), 1);
    assert_true(iov[0].iov_len == size + 1);
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(one_byte_region),
        RIG(pages_with_many_owners),
        RIG(large_region_with_ragged_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
