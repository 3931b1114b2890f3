/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Layout files: whatever is read is a map that a machine could have, or a message. */
#include "fuzz.h"

#include <errno.h>

#include "../../bench/lib/internal.h"
#include "../../bench/lib/text.h"

static void check_range(const struct bench_layout *layout, size_t i)
{
    const struct bench_range *range = &layout->ranges[i];

    FUZZ_REQUIRE(range->first <= range->last && range->last <= BENCH_GPA_LAST);
    FUZZ_REQUIRE(i == 0 || layout->ranges[i - 1].last < range->first);
    if (range->kind == BENCH_DEVICE) {
        FUZZ_REQUIRE(range->object == BENCH_NO_OBJECT);
        return;
    }
    FUZZ_REQUIRE(range->object < layout->object_count);
    const struct bench_object *object = &layout->objects[range->object];
    FUZZ_REQUIRE(object->phase + range->offset + (range->last - range->first) < object->reserved);
    FUZZ_REQUIRE(((uintptr_t)object->base + object->phase + range->offset - range->first) % BENCH_PAGE == 0);
}

static void check_ram(const struct bench_layout *layout)
{
    uint64_t bytes = 0;

    FUZZ_REQUIRE(layout->ram_count > 0);
    for (size_t i = 0; i < layout->ram_count; i++) {
        const struct bench_ram *ram = &layout->ram[i];
        bytes += ram->size;
        FUZZ_REQUIRE(bench_oracle(layout, ram->gpa, ram->size) == ram->hva);
        FUZZ_REQUIRE(bench_oracle(layout, ram->gpa, ram->size + 1) == 0);
    }
    FUZZ_REQUIRE(bytes == layout->ram_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bench_layout *layout = NULL;
    char error[BENCH_ERROR_MAX] = "";
    int result = bench_layout_parse("a.layout", (const char *)data, size, &layout, error, sizeof(error));

    if (result != 0) {
        FUZZ_REQUIRE(layout == NULL && (result == -EINVAL || result == -ENOMEM));
        fuzz_check_message(error);
        return 0;
    }
    FUZZ_REQUIRE(layout->count > 0 && layout->count <= BENCH_MAX_RANGES);
    for (size_t i = 0; i < layout->count; i++)
        check_range(layout, i);
    check_ram(layout);
    bench_layout_free(layout);
    return 0;
}
