/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The version that a program was compiled against and the one it runs with are the same here, and well
 * formed.
 */
#include "lib/cm.h"

#include <stdbool.h>

#include <guestmem/guestmem.h>

static void version_is_the_headers(void **state)
{
    (void)state;
    assert_int_equal(gm_version(), GM_VERSION);
    assert_int_equal(GM_VERSION, GM_VERSION_MAJOR * 10000 + GM_VERSION_MINOR * 100 + GM_VERSION_PATCH);
}

static bool known_name(const char *name)
{
    static const char *const names[] = {"scalar", "avx2", "avx512", "neon"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static void isa_has_a_documented_name(void **state)
{
    (void)state;
    assert_true(known_name(gm_isa_name()));
}

static void isa_scalar_runs_everywhere(void **state)
{
    (void)state;
    assert_result(gm_isa_select("scalar"), 0);
    assert_string_equal(gm_isa_name(), "scalar");
}

static void isa_unknown_name_changes_nothing(void **state)
{
    static const char *const bad[] = {"", "sse", "AVX2", "avx", "avx5122", "scalar ", "scala"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *before = gm_isa_name();
        assert_result(gm_isa_select(bad[i]), -EINVAL);
        assert_string_equal(gm_isa_name(), before);
    }
}

static void isa_of_another_cpu_changes_nothing(void **state)
{
    (void)state;
#if defined(__aarch64__)
    const char *foreign = "avx2";
#else
    const char *foreign = "neon";
#endif
    const char *before = gm_isa_name();
    assert_result(gm_isa_select(foreign), -ENOTSUP);
    assert_string_equal(gm_isa_name(), before);
}

static void isa_each_is_selected_or_not_supported(void **state)
{
    static const char *const names[] = {"avx2", "avx512", "neon", "scalar"};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *before = gm_isa_name();
        int result = gm_isa_select(names[i]);
        assert_true(result == 0 || result == -ENOTSUP);
        assert_string_equal(gm_isa_name(), result == 0 ? names[i] : before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_is_the_headers),
        cmocka_unit_test(isa_has_a_documented_name),
        cmocka_unit_test(isa_scalar_runs_everywhere),
        cmocka_unit_test(isa_unknown_name_changes_nothing),
        cmocka_unit_test(isa_of_another_cpu_changes_nothing),
        cmocka_unit_test(isa_each_is_selected_or_not_supported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
