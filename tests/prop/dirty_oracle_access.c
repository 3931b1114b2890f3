/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Writes through the calls of access.h on a space that is tracked, which mark by themselves, beside what the kernel
 * saw. tests/lib/dirty_oracle.h has the rules.
 *
 *   usage: dirty_oracle_access [seed [writes]]
 *   GM_TEST_SEED, GM_TEST_SCALE   the same; percent of the writes
 *   GM_ISA                        scan kernel; skipped (77) where it cannot run
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <guestmem/access.h>
#include <guestmem/access_bulk.h>
#include <guestmem/guestmem.h>

#include "base/tsan.h"
#include "lib/dirty_isa.h"
#include "lib/dirty_oracle.h"
#include "lib/rand.h"
#include "lib/setting.h"
#include "lib/skip.h"

#define DEFAULT_SEED 7
#define WRITES 600000
#define CUT (UINT64_C(701) * 4096) /* where the second region begins */

static int enter(struct gmt_oracle *oracle)
{
    (void)oracle;
    return gm_reader_register();
}

static int leave(struct gmt_oracle *oracle)
{
    (void)oracle;
    return gm_reader_unregister();
}

/* Long ones are not atomic, and threads write over one another here: a guest may, but ThreadSanitizer would have to be
 * told. */
static int write_long(const struct gm_view *view, gm_gpa gpa, const unsigned char *source, uint64_t len, bool fill)
{
    int error = 0;
    uint64_t step = GM_TSAN ? GM_UNITS_MOST : len;
    for (uint64_t at = 0; at < len && error == 0; at += step) {
        uint64_t part = len - at < step ? len - at : step;
        error = fill ? gm_guest_fill(view, gpa + at, 7, part) : gm_guest_write(view, gpa + at, source + at, part);
    }
    return error;
}

static int write_through(struct gmt_oracle *oracle, uint64_t first, uint64_t len, unsigned char value)
{
    static const unsigned char source[GMT_ORACLE_LONGEST];
    const struct gm_view *view = gm_pin(oracle->arg);
    gm_gpa gpa = GMT_ORACLE_BASE + first;
    int error;
    switch (len) {
    case 1: error = gm_guest_write_u8(view, gpa, value); break;
    case 2: error = gm_guest_write_le16(view, gpa, value); break;
    case 4: error = gm_guest_write_be32(view, gpa, value); break;
    case 8: error = gm_guest_write_u64(view, gpa, value); break;
    default: error = write_long(view, gpa, source, len, value % 4 == 0); break;
    }
    return gm_unpin() != 0 ? -1 : error;
}

static int add_region(struct gm_txn *txn, struct gm_backing *ram, uint64_t offset, uint64_t size)
{
    const struct gm_region_desc region = {
        .gpa = GMT_ORACLE_BASE + offset, .size = size, .kind = GM_KIND_RAM, .backing = ram, .offset = offset};
    return gm_txn_add(txn, &region);
}

/* Two regions over the watched memory, and the oracle's bitmap. */
static int make_space(struct gmt_oracle *oracle, struct gm_space **out)
{
    const struct gm_space_config config = {.numa_node = -1, .dirty = oracle->marks};
    struct gm_backing *ram;
    struct gm_txn *txn;
    int error = gm_space_create(&config, out);
    if (error != 0)
        return error;
    error = gm_backing_wrap(oracle->memory, GMT_ORACLE_LEN, NULL, NULL, &ram);
    if (error == 0)
        error = gm_txn_begin(*out, &txn);
    if (error == 0)
        error = add_region(txn, ram, 0, CUT);
    if (error == 0)
        error = add_region(txn, ram, CUT, GMT_ORACLE_LEN - CUT);
    if (error == 0)
        error = gm_txn_commit(txn, GM_COMMIT_WAIT);
    if (error == 0)
        gm_backing_put(ram);
    return error;
}

int main(int argc, char **argv)
{
    static struct gmt_oracle oracle;
    struct gm_space *space;
    uint64_t seed = setting(argc, argv, 1, "GM_TEST_SEED", DEFAULT_SEED), random = gmt_mix(seed);
    uint64_t writes = setting(argc, argv, 2, NULL, scaled(WRITES, 100));
    gmt_need_isa();
    printf("seed %" PRIu64 "\n", seed);
    int error = gmt_oracle_open(&oracle, false);
    if (error == -EOPNOTSUPP || error == -EPERM)
        gmt_skip("the kernel, or who confines us, has no write watches");
    if (error != 0 || make_space(&oracle, &space) != 0)
        return 1;
    oracle.arg = space;
    oracle.enter = enter;
    oracle.write = write_through;
    oracle.leave = leave;
    int failed = gmt_oracle_run(&oracle, "through a space", &random, writes);
    failed |= gm_space_destroy(space) != 0;
    gmt_oracle_close(&oracle);
    return failed;
}
