/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Integers in a stated byte order: bytes, conversions, size, alignment (vm-memory's endian.rs, each of its types). */
#include <guestmem/endian.h>

#include "lib/cm.h"

struct aligned_le64 {
    char before;
    gm_le64 value;
};

#define ORDER_TEST(name, bits, value, ...)                                                                             \
    static void name##_is_its_bytes(void **state)                                                                      \
    {                                                                                                                  \
        static const unsigned char want[] = {__VA_ARGS__};                                                             \
        gm_##name made = gm_##name##_make(value), again = gm_##name##_make(value);                                     \
        (void)state;                                                                                                   \
        assert_int_equal(sizeof(made), bits / 8);                                                                      \
        assert_int_equal(_Alignof(gm_##name), _Alignof(uint##bits##_t));                                               \
        assert_memory_equal(&made, want, sizeof(want));                                                                \
        assert_int_equal(sizeof(want), sizeof(made));                                                                  \
        assert_true(gm_##name##_get(made) == (uint##bits##_t)(value));                                                 \
        assert_true(made.raw == again.raw);                                                                            \
        assert_true(gm_##name##_make((uint##bits##_t)((value) + 1)).raw != made.raw);                                  \
    }

ORDER_TEST(le16, 16, 0x0123, 0x23, 0x01)
ORDER_TEST(be16, 16, 0x0123, 0x01, 0x23)
ORDER_TEST(le32, 32, 0x01234567, 0x67, 0x45, 0x23, 0x01)
ORDER_TEST(be32, 32, 0x01234567, 0x01, 0x23, 0x45, 0x67)
ORDER_TEST(le64, 64, 0x0123456789abcdef, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01)
ORDER_TEST(be64, 64, 0x0123456789abcdef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef)

static void structures_are_laid_out_as_with_plain_integers(void **state)
{
    (void)state;
    assert_int_equal(offsetof(struct aligned_le64, value), 8);
    assert_int_equal(sizeof(struct aligned_le64), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(le16_is_its_bytes),
        cmocka_unit_test(be16_is_its_bytes),
        cmocka_unit_test(le32_is_its_bytes),
        cmocka_unit_test(be32_is_its_bytes),
        cmocka_unit_test(le64_is_its_bytes),
        cmocka_unit_test(be64_is_its_bytes),
        cmocka_unit_test(structures_are_laid_out_as_with_plain_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
