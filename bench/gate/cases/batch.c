/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Many translations at once. */
#include "cases.h"

/* The sum of the last batch: enough to see a kernel that writes something else, too little to be felt. */
static uint64_t sum_of_batch(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < GATE_BATCH; i++)
        sum += (uintptr_t)gate.memory.out[i] - gate.view->linear_base;
    return sum;
}

uint64_t run_batch(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i += GATE_BATCH) {
        BATCH_MORE();
        sum += gm_translate_batch(gate.view, gate.memory.words + i % GATE_WORDS, GATE_BATCH, 8, GM_READ,
                                  gate.memory.out);
    }
    return sum + sum_of_batch();
}

/*
 * The same batch each time: there is no branch that could learn it, and more would time the bandwidth of caches. It is
 * so long that no processor predicts its end: at 256, one does in some processes, and is 20 % quicker there.
 */
uint64_t run_linear(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i += GATE_STEP) {
        LINEAR_MORE();
        sum += gm_linear_batch(gate.view, gate.memory.words, GATE_STEP, 8, gate.memory.out);
    }
    return sum + sum_of_batch();
}
