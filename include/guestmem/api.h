/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What every public header needs: symbol visibility, C++ linkage, attribute names and the version.
 *
 * Conventions that hold for the whole interface and are not repeated at each declaration:
 *   - functions that can fail return 0 or a negative errno value and never touch errno itself;
 *   - out-parameters come last and are written only on success;
 *   - nothing here writes to a stream, and no argument value makes the library abort;
 *   - what a declaration does not say, the top of its header does.
 *
 * Words of the contracts:
 *   Context   who may call. "Holder of the view": a thread inside the pin that gave the view, or one that has a
 *             snapshot of it. "Control thread": any thread that is not inside a pin; writers of one space wait for one
 *             another on a lock inside that space. "Any thread": with or without registration, pinned or not.
 *   Progress  wait-free: ends after a bounded number of its own steps, whatever others do. Lock-free: some call ends,
 *             perhaps another one. Obstruction-free: ends if it is left alone for long enough. Blocking: waits for what
 *             is named in brackets. Page faults and the scheduler are not counted.
 *   Order     what is visible to whom; none unless it is said.
 *   Cost      beyond O(1) in what; nothing is said where it is O(1) and without a system call.
 */
#ifndef GUESTMEM_API_H
#define GUESTMEM_API_H

#define GM_VERSION_MAJOR 0
#define GM_VERSION_MINOR 1
#define GM_VERSION_PATCH 0
#define GM_VERSION (GM_VERSION_MAJOR * 10000 + GM_VERSION_MINOR * 100 + GM_VERSION_PATCH)

#define GM_API __attribute__((visibility("default")))
#define GM_MUST_CHECK __attribute__((warn_unused_result))
#define GM_COLD __attribute__((cold))
#define GM_INLINE static inline __attribute__((always_inline, unused))

#define GM_LIKELY(x) __builtin_expect(!!(x), 1)
#define GM_UNLIKELY(x) __builtin_expect(!!(x), 0)

#ifdef __cplusplus
#define GM_BEGIN_DECLS extern "C" {
#define GM_END_DECLS }
#else
#define GM_BEGIN_DECLS
#define GM_END_DECLS
#endif

GM_BEGIN_DECLS

/*
 * The version of the library that is loaded, as GM_VERSION is spelt; compare it with GM_VERSION, which is what
 * the caller was compiled against.
 * Context: any thread.   Progress: wait-free.   Cost: O(1).
 */
GM_API unsigned gm_version(void);

GM_END_DECLS

#endif
