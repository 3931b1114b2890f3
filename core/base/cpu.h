/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What the processor and the operating system together can run (the OS must save the wide registers too). */
#ifndef GM_BASE_CPU_H
#define GM_BASE_CPU_H

enum gm_cpu_feature {
    GM_CPU_BASE = 0,
    GM_CPU_AVX2 = 1,   /* with BMI1 and BMI2 */
    GM_CPU_AVX512 = 2, /* F, BW, DQ, VL */
    GM_CPU_NEON = 4
};

/* gm_cpu_feature values ORed together. */
unsigned gm_cpu_features(void);

#endif
