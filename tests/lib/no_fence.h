/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * For a control: included before a file of the library is compiled, it leaves full fences to the compiler alone. Tests
 * that look for what goes wrong without them have to see it.
 */
#ifndef GM_TESTS_LIB_NO_FENCE_H
#define GM_TESTS_LIB_NO_FENCE_H

#include "base/atomic.h"

#undef gm_fence_seq_cst
#define gm_fence_seq_cst() __atomic_signal_fence(__ATOMIC_SEQ_CST)

#endif
