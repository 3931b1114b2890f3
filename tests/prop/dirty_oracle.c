/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Writes through plain pointers, and gm_dirty_mark after them, beside what the kernel saw. tests/lib/dirty_oracle.h has
 * the rules.
 *
 *   usage: dirty_oracle [seed [writes]]
 *   GM_TEST_SEED, GM_TEST_SCALE   the same; percent of the writes
 *   GM_ISA                        scan kernel; skipped (77) where it cannot run
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/dirty_isa.h"
#include "lib/dirty_oracle.h"
#include "lib/rand.h"
#include "lib/setting.h"
#include "lib/skip.h"

#define DEFAULT_SEED 6
#define WRITES 1000000

static int write_and_mark(struct gmt_oracle *oracle, uint64_t first, uint64_t len, unsigned char value)
{
    gmt_oracle_store(oracle, first, len, value);
    return gm_dirty_mark(oracle->marks, GMT_ORACLE_BASE + first, len);
}

int main(int argc, char **argv)
{
    static struct gmt_oracle oracle;
    uint64_t seed = setting(argc, argv, 1, "GM_TEST_SEED", DEFAULT_SEED), random = gmt_mix(seed);
    uint64_t writes = setting(argc, argv, 2, NULL, scaled(WRITES, 100));
    int failed = 0;
    gmt_need_isa();
    printf("seed %" PRIu64 "\n", seed);
    for (unsigned kind = 0; kind < 2; kind++) {
        int error = gmt_oracle_open(&oracle, kind == 0);
        if (error == -EOPNOTSUPP || error == -EPERM)
            gmt_skip("the kernel, or who confines us, has no write watches");
        if (error != 0)
            return 1;
        oracle.write = write_and_mark;
        failed |= gmt_oracle_run(&oracle, kind == 0 ? "anonymous" : "memfd", &random, writes / 2);
        gmt_oracle_close(&oracle);
    }
    return failed;
}
