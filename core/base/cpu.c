/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The compiler's own test is used: it reads CPUID and XGETBV, and gcc and clang agree on it. */
#include "base/cpu.h"

unsigned gm_cpu_features(void)
{
    unsigned features = GM_CPU_BASE;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
        features |= GM_CPU_AVX2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        features |= GM_CPU_AVX512;
#elif defined(__aarch64__)
    features |= GM_CPU_NEON;
#endif
    return features;
}
