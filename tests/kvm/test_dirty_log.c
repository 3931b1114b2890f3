/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A guest stores to a list of addresses; what KVM logs of it, merged, is exactly the pages of the list, and so is what
 * a write watch over the same memory says. Slots begin and end at pages that are no multiple of 64.
 */
#include "guest.h"

#include "lib/dirty_count.h"
#include "lib/rand.h"

#define RAM (16 * MIB)
#define STORES 2000
#define LIST (UINT32_C(0x10000)) /* the addresses, for the guest */

static const struct {
    gm_gpa gpa;
    uint64_t pages;
} slots[] = {{0, 256}, {MIB + 3 * PAGE, 71}, {2 * MIB + 61 * PAGE, 1}, {3 * MIB - 5 * PAGE, 1731}, {12 * MIB, 64}};

#define SLOTS (sizeof(slots) / sizeof(slots[0]))

/* For each of ECX addresses at ESI: store EBX there, and count it up. */
static const unsigned char program[] = {
    0xfc,       /* cld */
    0xad,       /* next: lodsd */
    0x89, 0x18, /* mov [eax], ebx */
    0x43,       /* inc ebx */
    0xe2, 0xfa, /* loop next */
    0xe6, 0x10, /* out 0x10, al */
};

struct world {
    struct gm_space *space;
    struct gm_dirty *dirty;
    struct gm_backing *ram;
    struct guest guest;
    uint32_t list[STORES];
    bool want[RAM / PAGE];
};

static void add_regions(struct world *world)
{
    struct gm_txn *txn;
    assert_result(gm_txn_begin(world->space, &txn), 0);
    for (size_t i = 0; i < SLOTS; i++) {
        const struct gm_region_desc desc = {.gpa = slots[i].gpa,
                                            .size = slots[i].pages * PAGE,
                                            .kind = GM_KIND_RAM,
                                            .backing = world->ram,
                                            .offset = slots[i].gpa};
        assert_result(gm_txn_add(txn, &desc), 0);
    }
    assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), 0);
}

static int open_world(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    const struct gm_dirty_config dirty = {.size = RAM, .numa_node = -1, .flags = GM_DIRTY_ON};
    assert_non_null(world);
    *state = world;
    assert_result(gm_reader_register(), 0);
    assert_result(gm_dirty_create(&dirty, &world->dirty), 0);
    const struct gm_space_config config = {.numa_node = -1, .dirty = world->dirty};
    assert_result(gm_space_create(&config, &world->space), 0);
    assert_result(gm_backing_anonymous(RAM, 0, &world->ram), 0);
    add_regions(world);
    guest_open(&world->guest);
    const struct gm_view *view = gm_pin(world->space);
    for (unsigned i = 0; i < SLOTS; i++)
        guest_slot(&world->guest, i, view, slots[i].gpa, true);
    guest_load(view, program, sizeof(program));
    assert_result(gm_unpin(), 0);
    return 0;
}

static int close_world(void **state)
{
    struct world *world = *state;
    guest_close(&world->guest);
    assert_result(gm_space_destroy(world->space), 0);
    gm_backing_put(world->ram);
    gm_dirty_destroy(world->dirty);
    assert_result(gm_reader_unregister(), 0);
    free(world);
    return 0;
}

/* Addresses above the first slot, where the program and its list are. Four bytes at the end of a page are in two. */
static void draw_list(struct world *world, uint64_t *random)
{
    memset(world->want, 0, sizeof(world->want));
    for (size_t i = 0; i < STORES; i++) {
        size_t slot = 1 + gmt_rand_below(random, SLOTS - 1);
        uint64_t at = slots[slot].gpa + gmt_rand_below(random, slots[slot].pages * PAGE - 3);
        if (i % 8 == 0 && slots[slot].pages > 1)
            at = slots[slot].gpa + (1 + gmt_rand_below(random, slots[slot].pages - 1)) * PAGE - 1 - i % 3;
        world->list[i] = (uint32_t)at;
        world->want[at / PAGE] = world->want[(at + 3) / PAGE] = true;
    }
}

static void run_list(struct world *world, uint32_t value)
{
    const struct gm_view *view = gm_pin(world->space);
    assert_result(gm_guest_write(view, LIST, world->list, sizeof(world->list)), 0);
    assert_result(gm_unpin(), 0);
    guest_start(&world->guest, 0, value, STORES, LIST);
    assert_int_equal(guest_run(&world->guest), 0);
    (void)harvest_pages(world->dirty); /* the list's own */
}

static void assert_marked(struct world *world)
{
    for (uint64_t page = 0; page < RAM / PAGE; page++)
        assert_int_equal(gm_dirty_is_marked(world->dirty, page * PAGE), world->want[page]);
}

/* Each round only what that round has dirtied, since the log was taken before. */
static void logs_of_slots_are_the_pages_that_the_guest_wrote(void **state)
{
    struct world *world = *state;
    uint64_t random = 1;
    for (unsigned round = 0; round < 5; round++) {
        uint64_t pages = 0;
        draw_list(world, &random);
        run_list(world, 1);
        for (unsigned i = 0; i < SLOTS; i++)
            guest_log_merge(&world->guest, i, slots[i].gpa, slots[i].pages * PAGE, world->dirty);
        assert_marked(world);
        for (uint64_t page = 0; page < RAM / PAGE; page++)
            pages += world->want[page];
        assert_int_equal(harvest_pages(world->dirty), pages);
    }
}

static void host_reads_what_the_guest_wrote_last(void **state)
{
    struct world *world = *state;
    uint64_t random = 2;
    uint32_t last = 0;
    draw_list(world, &random);
    run_list(world, 1000);
    const struct gm_view *view = gm_pin(world->space);
    assert_result(gm_guest_read_le32(view, world->list[STORES - 1], &last), 0);
    assert_result(gm_unpin(), 0);
    assert_int_equal(last, 1000 + STORES - 1);
}

/* A slot that goes away takes its log with it, and its region may go then. The vCPU finds nothing there any more. */
static void guest_cannot_store_to_a_region_that_went_away(void **state)
{
    struct world *world = *state;
    const gm_gpa gone = slots[SLOTS - 1].gpa;
    struct gm_txn *txn;
    const struct gm_view *view = gm_pin(world->space);
    guest_slot(&world->guest, SLOTS - 1, view, gone, false);
    assert_result(gm_unpin(), 0);
    assert_result(gm_txn_begin(world->space, &txn), 0);
    assert_result(gm_txn_remove(txn, gone, slots[SLOTS - 1].pages * PAGE), 0);
    assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), 0);
    for (size_t i = 0; i < STORES; i++)
        world->list[i] = (uint32_t)gone;
    view = gm_pin(world->space);
    assert_result(gm_guest_write(view, LIST, world->list, sizeof(world->list)), 0);
    assert_result(gm_guest_write_u32(view, gone, 1), -EFAULT);
    assert_result(gm_unpin(), 0);
    guest_start(&world->guest, 0, 1, STORES, LIST);
    assert_int_equal(guest_run(&world->guest), KVM_EXIT_MMIO);
    assert_int_equal(world->guest.run->mmio.phys_addr, gone);
}

/* The watch protects pages of the process, which KVM maps for the guest: its stores are seen there as well. */
static void watch_sees_the_same_pages(void **state)
{
    struct world *world = *state;
    struct gm_watch *watch;
    uint64_t random = 3, next;
    const struct gm_watch_request above = {.first = MIB, .len = RAM - MIB};
    int error = gm_watch_create(gm_backing_address(world->ram), RAM, &watch);
    if (error == -EOPNOTSUPP || error == -EPERM) {
        print_message("SKIPPED: the kernel has no asynchronous write protection for this process\n");
        skip();
    }
    assert_result(error, 0);
    for (unsigned round = 0; round < 3; round++) {
        draw_list(world, &random);
        run_list(world, 1);
        assert_result(gm_watch_harvest_into(watch, &above, world->dirty, 0, &next), 0);
        assert_marked(world);
        (void)harvest_pages(world->dirty);
    }
    gm_watch_destroy(watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(logs_of_slots_are_the_pages_that_the_guest_wrote, open_world, close_world),
        cmocka_unit_test_setup_teardown(host_reads_what_the_guest_wrote_last, open_world, close_world),
        cmocka_unit_test_setup_teardown(guest_cannot_store_to_a_region_that_went_away, open_world, close_world),
        cmocka_unit_test_setup_teardown(watch_sees_the_same_pages, open_world, close_world),
    };
    guest_needed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
