/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The pointers lead to the memory: what is written through one is read through a second mapping of the same
 * file.
 */
#include "lib/cm.h"
#include "lib/rig.h"

#include <sys/mman.h>

#define PAGES(n) ((n) * GMT_PAGE)
#define MEMORY PAGES(64)

struct shared {
    struct gm_backing *backing;
    volatile unsigned char *mirror;
};

static struct shared open_shared(void)
{
    struct shared shared;
    assert_result(gm_backing_memfd("test", MEMORY, 0, &shared.backing), 0);
    void *mirror = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, gm_backing_fd(shared.backing), 0);
    assert_true(mirror != MAP_FAILED);
    shared.mirror = mirror;
    return shared;
}

static void close_shared(struct shared *shared)
{
    munmap((void *)shared->mirror, MEMORY);
    gm_backing_put(shared->backing);
}

/* Write a different byte to each of some addresses, and find each in the file at the offset it must have. */
static void assert_reaches(struct gmt_rig *rig, struct shared *shared, gm_gpa gpa, uint64_t size,
                           uint64_t offset)
{
    static unsigned char value;
    const struct gm_view *view = gmt_pin(rig->space);
    for (uint64_t at = 0; at < size; at += at + 97 < size ? 97 : 1) {
        unsigned char *hva = gm_translate(view, gpa + at, 1, GM_RW);
        assert_non_null(hva);
        *(volatile unsigned char *)hva = ++value;
        assert_int_equal(shared->mirror[offset + at], value);
        shared->mirror[offset + at] = (unsigned char)~value;
        assert_int_equal(*(volatile unsigned char *)hva, (unsigned char)~value);
    }
    assert_result(gm_unpin(), 0);
}

static void written_here_read_there(void **state)
{
    static const struct {
        gm_gpa gpa;
        uint64_t size, offset;
    } regions[] = {
        {0, PAGES(2), PAGES(9)},
        {PAGES(2) + 5, 1000, PAGES(1) + 5},
        {GMT_BLOCK - PAGES(3), PAGES(6), PAGES(20)},
        {GMT_GIB - 1, 2, PAGES(30) - 1},
        {GMT_TOP - PAGES(1), PAGES(1), MEMORY - PAGES(1)},
    };
    const size_t count = sizeof(regions) / sizeof(regions[0]);
    struct gmt_rig *rig = *state;
    struct shared shared = open_shared();
    for (size_t i = 0; i < count; i++) {
        struct gm_region_desc desc = {.gpa = regions[i].gpa,
                                      .size = regions[i].size,
                                      .backing = shared.backing,
                                      .offset = regions[i].offset};
        gmt_add(rig->space, &desc);
    }
    for (size_t i = 0; i < count; i++)
        assert_reaches(rig, &shared, regions[i].gpa, regions[i].size, regions[i].offset);
    close_shared(&shared);
}

static void every_way_leads_to_the_same_byte(void **state)
{
    struct gmt_rig *rig = *state;
    struct shared shared = open_shared();
    struct gm_region_desc desc = {.gpa = GMT_GIB, .size = PAGES(4), .backing = shared.backing,
                                  .offset = PAGES(8)};
    gmt_add(rig->space, &desc);
    const gm_gpa gpa = GMT_GIB + PAGES(2) + 40;
    const struct gm_view *view = gmt_pin(rig->space);
    struct gm_span span;
    struct iovec iov[1];
    struct gm_handle handle;
    struct gm_region_info info;
    void *batch;
    assert_int_equal(gm_translate_span(view, gpa, &span), 0);
    assert_int_equal(gm_translate_iov(view, gpa, 8, GM_RW, iov, 1), 1);
    assert_result(gm_handle_init(&handle, view, gpa, 8, GM_RW), 0);
    assert_result(gm_region_find(view, gpa, &info), 0);
    assert_int_equal(gm_translate_batch(view, &gpa, 1, 8, GM_RW, &batch), 1);
    void *ways[] = {gm_translate(view, gpa, 8, GM_RW),
                    span.address,
                    iov[0].iov_base,
                    gm_handle_get(&handle, view),
                    (char *)info.address + (gpa - info.gpa),
                    batch};
    for (unsigned char i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        *(volatile unsigned char *)ways[i] = (unsigned char)(i + 1);
        assert_int_equal(shared.mirror[PAGES(10) + 40], i + 1);
    }
    gm_unpin();
    close_shared(&shared);
}

static void two_regions_may_show_the_same_memory(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, PAGES(2), PAGES(3));
    gmt_add_ram(rig, GMT_GIB, PAGES(2), PAGES(3)); /* an alias */
    const struct gm_view *view = gmt_pin(rig->space);
    volatile char *low = gm_translate(view, 77, 1, GM_RW);
    volatile char *high = gm_translate(view, GMT_GIB + 77, 1, GM_RW);
    *low = 9;
    assert_int_equal(*high, 9);
    gm_unpin();
}

static void memory_stays_while_regions_change_around_it(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, PAGES(4), PAGES(2), 0);
    char *hva = gm_translate(gmt_pin(rig->space), PAGES(4), PAGES(2), GM_RW);
    memset(hva, 0x33, PAGES(2));
    gm_unpin();
    gmt_add_ram(rig, PAGES(3), PAGES(1), PAGES(9));
    gmt_resize(rig->space, PAGES(4), PAGES(5));
    gmt_remove(rig->space, PAGES(3), PAGES(1));
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned i = 0; i < 2 * GMT_PAGE; i += 511)
        assert_int_equal(*(char *)gm_translate(view, PAGES(4) + i, 1, GM_READ), 0x33);
    assert_int_equal(*(char *)gm_translate(view, PAGES(8), 1, GM_READ), 0); /* grown into zeroed memory */
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(written_here_read_there),
        RIG(every_way_leads_to_the_same_byte),
        RIG(two_regions_may_show_the_same_memory),
        RIG(memory_stays_while_regions_change_around_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
