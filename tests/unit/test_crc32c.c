/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* CRC-32C: the vectors of RFC 3720, and any division of the data gives the same. */
#include "lib/cm.h"

#include "base/crc32c.h"
#include "lib/rand.h"

static struct gm_crc32c tables;

static void vectors(void **state)
{
    uint8_t bytes[32];
    (void)state;
    gm_crc32c_init(&tables);
    assert_int_equal(gm_crc32c(&tables, 0, "123456789", 9), 0xe3069283);
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(gm_crc32c(&tables, 0, bytes, sizeof(bytes)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(gm_crc32c(&tables, 0, bytes, sizeof(bytes)), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(gm_crc32c(&tables, 0, bytes, sizeof(bytes)), 0x46dd794e);
    assert_int_equal(gm_crc32c(&tables, 0, NULL, 0), 0);
}

static void divisions(void **state)
{
    uint64_t seed = 3;
    uint8_t bytes[67];
    (void)state;
    gm_crc32c_init(&tables);
    gmt_rand_fill(&seed, bytes, sizeof(bytes));
    uint32_t all = gm_crc32c(&tables, 0, bytes, sizeof(bytes));
    for (size_t i = 0; i <= sizeof(bytes); i++)
        assert_int_equal(gm_crc32c(&tables, gm_crc32c(&tables, 0, bytes, i), bytes + i, sizeof(bytes) - i), all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors), cmocka_unit_test(divisions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
