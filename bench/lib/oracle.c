/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The answer that everything measured has to give. Written for being obviously right, not fast: a benchmark
 * whose result nobody checks measures how quickly a wrong answer can be had.
 */
#include "inputs.h"

ptrdiff_t bench_oracle_index(const struct bench_layout *layout, uint64_t gpa, uint64_t len)
{
    size_t low = 0, high = layout->ram_count;

    /* all entries below low begin at or before gpa, all from high on begin after it */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (layout->ram[middle].gpa <= gpa)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || len == 0)
        return -1;
    const struct bench_ram *ram = &layout->ram[low - 1];
    uint64_t offset = gpa - ram->gpa;
    return offset < ram->size && len <= ram->size - offset ? (ptrdiff_t)(low - 1) : -1;
}

uint64_t bench_oracle(const struct bench_layout *layout, uint64_t gpa, uint64_t len)
{
    ptrdiff_t index = bench_oracle_index(layout, gpa, len);

    return index < 0 ? 0 : layout->ram[index].hva + (gpa - layout->ram[index].gpa);
}

uint64_t bench_oracle_sum(const struct bench_layout *layout, const uint64_t *gpa, size_t count, uint64_t len)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += bench_oracle(layout, gpa[i], len);
    return sum;
}
