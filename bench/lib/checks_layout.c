/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* That synthetic layouts are as bad as their names promise, and that host memory is where the oracle says. */
#include "checks.h"

void bench_check_uniform(const struct bench_layout *layout, size_t regions)
{
    CHECK(layout->count == regions && layout->ram_count == regions, "%s", layout->name);
    for (size_t i = 0; i < layout->count; i++) {
        const struct bench_range *range = &layout->ranges[i];
        uint64_t end = range->last + 1;
        CHECK(range->first % BENCH_PAGE == 0 && range->first % BENCH_BLOCK != 0, "%s %zu", layout->name, i);
        CHECK(end % BENCH_PAGE == 0 && end % BENCH_BLOCK != 0, "%s %zu", layout->name, i);
        CHECK(end <= UINT64_C(1) << 40, "%s %zu", layout->name, i);
        CHECK(i == 0 || range->first > layout->ranges[i - 1].last + 1, "%s %zu has no gap", layout->name, i);
        CHECK(i == 0 || bench_range_hva(layout, range) - range->first !=
                            bench_range_hva(layout, range - 1) - layout->ranges[i - 1].first,
              "%s %zu has its neighbour's delta", layout->name, i);
    }
}

void bench_check_mixed(const struct bench_layout *layout)
{
    size_t abutting = 0;

    CHECK(layout->count == 32764 && layout->ram_count == 32764, "%s", layout->name);
    for (size_t i = 0; i < layout->count; i++) {
        uint64_t first = layout->ranges[i].first;
        CHECK(first / BENCH_BLOCK == i && first % BENCH_BLOCK != 0, "block %zu has no boundary inside", i);
        abutting += i > 0 && layout->ranges[i - 1].last + 1 == first;
    }
    CHECK(abutting > 16000 && abutting < 16800, "%zu of 32764 without a gap", abutting);
    CHECK(layout->ranges[layout->count - 1].last < UINT64_C(64) << 30, "%s", layout->name);
}

/* Touch the two ends of the RAM; whoever runs this has no terabyte. */
void bench_check_memory(struct bench_layout *layout)
{
    const struct bench_ram *last = &layout->ram[layout->ram_count - 1];

    CHECK(bench_layout_unlock(layout) == 0, "%s", layout->name);
    volatile char *first_byte = (char *)(uintptr_t)bench_oracle(layout, layout->ram[0].gpa, 1);
    volatile char *last_byte = (char *)(uintptr_t)bench_oracle(layout, last->gpa + last->size - 1, 1);
    CHECK(*first_byte == 0 && *last_byte == 0, "%s: memory is not fresh", layout->name);
    *first_byte = 1;
    *last_byte = 2;
    CHECK(*first_byte == 1 && *last_byte == 2, "%s", layout->name);
}
