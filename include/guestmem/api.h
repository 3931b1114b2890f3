/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What every public header needs: symbol visibility, C++ linkage, attribute names and the version.
 *
 * Conventions that hold for the whole interface and are not repeated at each declaration:
 *   - functions that can fail return 0 or a negative errno value and never touch errno itself;
 *   - out-parameters come last and are written only on success;
 *   - nothing here writes to a stream, and no argument value makes the library abort;
 *   - "control thread" means any thread that is not inside a pin; writers of one space serialise themselves
 *     on a lock inside that space.
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
