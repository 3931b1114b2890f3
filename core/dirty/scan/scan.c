/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Which scanner is used, and the one that every machine has. */
#include "dirty/scan/scan.h"

#include <string.h>

static uint64_t scan_scalar(const gm_dirty_line *lines, uint64_t at, uint64_t end)
{
    for (; at < end; at += GM_DIRTY_SPAN) {
        const gm_dirty_eight *eight = (const gm_dirty_eight *)(const void *)&lines[at];
        uint64_t any = 0;
        for (unsigned i = 0; i < GM_DIRTY_SPAN / sizeof(*eight); i++)
            any |= gm_load_relaxed(&eight[i]);
        if (any != 0)
            break;
    }
    return at;
}

static unsigned list_scalar(const gm_dirty_word *words, const uint64_t *lines, unsigned count, uint64_t *out)
{
    uint64_t *at = out;
    for (unsigned i = 0; i < count; i++) {
        const uint64_t first = lines[i] << GM_DIRTY_WORDS_SHIFT;
        gm_dirty_fetch_ahead(words, lines, i, count);
        for (uint64_t word = first; word < first + GM_DIRTY_WORDS; word++) {
            *at = word;
            at += gm_load_seq_cst(&words[word]) != 0; /* [dirty-P1] */
        }
    }
    return (unsigned)(at - out);
}

const struct gm_dirty_scanner gm_dirty_scan_scalar = {.name = "scalar", .scan = scan_scalar, .list = list_scalar};

gm_dirty_scan_fn *gm_dirty_scan = scan_scalar;
gm_dirty_list_fn *gm_dirty_list = list_scalar;

static const struct gm_dirty_scanner *const scanners[] = {
#if GM_TSAN
/* The loads of the others are plain ones, which look like races. */
#elif defined(__x86_64__)
    &gm_dirty_scan_avx512,
    &gm_dirty_scan_avx2,
#elif defined(__aarch64__)
    &gm_dirty_scan_neon,
#endif
    &gm_dirty_scan_scalar,
};

void gm_dirty_scan_choose(const char *name)
{
    const struct gm_dirty_scanner *chosen = &gm_dirty_scan_scalar;
    for (size_t i = 0; i < sizeof(scanners) / sizeof(scanners[0]); i++)
        if (strcmp(scanners[i]->name, name) == 0)
            chosen = scanners[i];
    gm_dirty_scan = chosen->scan;
    gm_dirty_list = chosen->list != NULL ? chosen->list : list_scalar;
}
