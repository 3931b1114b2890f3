/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Feature detection against CPUID and XGETBV read by hand, and the choice of kernels against both: a kernel that is
 * offered where the operating system does not save its registers corrupts results only now and then.
 */
#include "lib/cm.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/cpu.h"
#include "guestmem/translate.h"

#if defined(__x86_64__)
#include <cpuid.h>

#define XMM_YMM UINT64_C(0x06)
#define OPMASK_ZMM UINT64_C(0xe0)

static uint64_t saved_by_the_os(unsigned leaf1_ecx)
{
    unsigned low;
    unsigned high;
    if ((leaf1_ecx & bit_OSXSAVE) == 0)
        return 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static unsigned expected_features(void)
{
    unsigned eax, ebx, ecx, edx, ecx1, ebx7;
    if (!__get_cpuid(1, &eax, &ebx, &ecx1, &edx) || !__get_cpuid_count(7, 0, &eax, &ebx7, &ecx, &edx))
        return GM_CPU_BASE;
    uint64_t saved = saved_by_the_os(ecx1);
    const unsigned want2 = bit_AVX2 | bit_BMI | bit_BMI2;
    const unsigned want512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    unsigned features = GM_CPU_BASE;
    if ((ecx1 & bit_AVX) != 0 && (ebx7 & want2) == want2 && (saved & XMM_YMM) == XMM_YMM)
        features |= GM_CPU_AVX2;
    if ((ebx7 & want512) == want512 && (saved & (XMM_YMM | OPMASK_ZMM)) == (XMM_YMM | OPMASK_ZMM))
        features |= GM_CPU_AVX512;
    return features;
}

#elif defined(__aarch64__)
static unsigned expected_features(void)
{
    return GM_CPU_NEON;
}
#else
static unsigned expected_features(void)
{
    return GM_CPU_BASE;
}
#endif

static void features_are_the_processors(void **state)
{
    (void)state;
    print_message("features: %#x\n", gm_cpu_features());
    assert_int_equal(gm_cpu_features(), expected_features());
    assert_int_equal(gm_cpu_features(), gm_cpu_features());
}

static void kernels_follow_the_features(void **state)
{
    static const struct {
        const char *name;
        unsigned needs;
    } kernels[] = {
        {"scalar", GM_CPU_BASE},
#if defined(__x86_64__)
        {"avx2", GM_CPU_AVX2},
        {"avx512", GM_CPU_AVX2 | GM_CPU_AVX512},
#elif defined(__aarch64__)
        {"neon", GM_CPU_NEON},
#endif
    };
    unsigned features = expected_features();
    const char *before = gm_isa_name();
    (void)state;
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        bool runs = (kernels[i].needs & ~features) == 0;
        assert_result(gm_isa_select(kernels[i].name), runs ? 0 : -ENOTSUP);
        if (runs)
            assert_string_equal(gm_isa_name(), kernels[i].name);
    }
    assert_result(gm_isa_select(before), 0);
}

static void names_of_other_builds(void **state)
{
    static const char *const wrong[] = {"", "avx", "AVX2", "avx512 ", "sse", "scalarx"};
    const char *before = gm_isa_name();
    (void)state;
#if defined(__x86_64__)
    assert_result(gm_isa_select("neon"), -ENOTSUP);
#else
    assert_result(gm_isa_select("avx2"), -ENOTSUP);
#endif
    assert_result(gm_isa_select(NULL), -EINVAL);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_result(gm_isa_select(wrong[i]), -EINVAL);
    assert_string_equal(gm_isa_name(), before); /* an error changes nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_are_the_processors),
        cmocka_unit_test(kernels_follow_the_features),
        cmocka_unit_test(names_of_other_builds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
