/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Assertion levels. They speak of the library's own invariants only: whatever a guest or a caller passes in is
 * answered with an error value instead.
 *   gm_assert      always: cheap, and the damage of going on would be worse than stopping
 *   gm_check       GM_CHECK_LEVEL >= 1
 *   gm_check_slow  GM_CHECK_LEVEL >= 2: walks whole structures
 */
#ifndef GM_BASE_CHECK_H
#define GM_BASE_CHECK_H

#ifndef GM_CHECK_LEVEL
#define GM_CHECK_LEVEL 0
#endif

#define gm_assert(condition) ((condition) ? (void)0 : __builtin_trap())

#if GM_CHECK_LEVEL >= 1
#define gm_check(condition) gm_assert(condition)
#else
#define gm_check(condition) ((void)sizeof(!(condition)))
#endif

#if GM_CHECK_LEVEL >= 2
#define gm_check_slow(condition) gm_assert(condition)
#else
#define gm_check_slow(condition) ((void)sizeof(!(condition)))
#endif

#endif
