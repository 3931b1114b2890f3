/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Tells ThreadSanitizer of the one edge it cannot see: what readers did inside a read-side section happens before
 * the return of a grace period. Empty in every other build.
 */
#ifndef GM_BASE_TSAN_H
#define GM_BASE_TSAN_H

#if defined(__SANITIZE_THREAD__)
#define GM_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GM_TSAN 1
#endif
#endif

#ifdef GM_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define gm_tsan_acquire(address) __tsan_acquire(address)
#define gm_tsan_release(address) __tsan_release(address)
#else
#define GM_TSAN 0
#define gm_tsan_acquire(address) ((void)(address))
#define gm_tsan_release(address) ((void)(address))
#endif

#endif
