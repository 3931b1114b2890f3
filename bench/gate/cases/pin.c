/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Pins, and what a second thread does meanwhile. The writer publishes without waiting: what it costs readers is that
 * they meet a new view, whose lines another processor wrote. The grace periods come between the timed stretches.
 */
#include "cases.h"

#define FAR (UINT64_C(2) << 30) /* beyond all regions of these cases, so that no answer changes */
#define FAR_SIZE (UINT64_C(4) << 20)

uint64_t run_pin(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    (void)first;
    for (uint64_t i = 0; i < count; i++) {
        ONE_MORE();
        sum += gm_pin(gate.space) == gate.view;
        (void)gm_unpin();
    }
    return sum;
}

uint64_t run_one_by_one(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        ONE_MORE();
        const struct gm_view *view = gm_pin(gate.space);
        sum += (uintptr_t)gm_translate(view, gate.memory.words[i % GATE_WORDS], 8, GM_READ);
        (void)gm_unpin();
    }
    return sum;
}

void beside_reader(void)
{
    __asm__ volatile("" : : "r"(run_one_by_one(GATE_BATCH, 0)));
}

static int edit(int add)
{
    const struct gm_region_desc desc = {.gpa = FAR, .size = FAR_SIZE, .backing = gate.backing};
    struct gm_txn *txn;
    int error = gm_txn_begin(gate.space, &txn);
    if (error != 0)
        return error;
    error = add ? gm_txn_add(txn, &desc) : gm_txn_remove(txn, desc.gpa, desc.size);
    if (error == 0)
        return gm_txn_commit(txn, GM_COMMIT_ASYNC);
    gm_txn_abort(txn);
    return error;
}

void beside_writer(void)
{
    int error = edit(1);
    if (error == 0)
        error = edit(0);
    if (error != 0)
        gate.failed = error;
}
