/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Batches: pick the kernel by the size of the map.
 *
 * The kernel in use is chosen when the library is loaded, before any thread can translate, and changed afterwards
 * only by gm_isa_select, whose caller promises that nobody translates: so it is a plain variable.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "dirty/scan/scan.h"
#include "guestmem/translate.h"
#include "translate/kernel.h"

static const struct gm_kernel *const kernels[] = {
#if defined(__x86_64__)
    &gm_kernel_avx512,
    &gm_kernel_avx2,
#elif defined(__aarch64__)
    &gm_kernel_neon,
#endif
    &gm_kernel_scalar,
};

#define KERNELS (sizeof(kernels) / sizeof(kernels[0]))

static const struct gm_kernel *chosen = &gm_kernel_scalar;

const char *gm_isa_name(void)
{
    return chosen->name;
}

static void choose(const struct gm_kernel *kernel)
{
    chosen = kernel;
    gm_dirty_scan_choose(kernel->name);
}

/* Names of kernels that some build has; asking for one that this build lacks is not a spelling mistake. */
static int name_known(const char *name)
{
    static const char *const known[] = {"scalar", "avx2", "avx512", "neon"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(name, known[i]) == 0)
            return 1;
    return 0;
}

int gm_isa_select(const char *name)
{
    if (name == NULL || !name_known(name))
        return -EINVAL;
    for (size_t i = 0; i < KERNELS; i++) {
        if (strcmp(kernels[i]->name, name) != 0)
            continue;
        if ((kernels[i]->needs & ~gm_cpu_features()) != 0)
            return -ENOTSUP;
        choose(kernels[i]);
        return 0;
    }
    return -ENOTSUP;
}

/* The best that the machine has, or what GM_ISA says. A GM_ISA that cannot be is ignored: a library neither prints
 * nor aborts, and gm_isa_name tells what is in use. */
__attribute__((constructor)) static void choose_kernel(void)
{
    const char *forced = getenv("GM_ISA");
    unsigned features = gm_cpu_features();
    if (forced != NULL && gm_isa_select(forced) == 0)
        return;
    for (size_t i = 0; i < KERNELS; i++) {
        if ((kernels[i]->needs & ~features) == 0) {
            choose(kernels[i]);
            return;
        }
    }
}

size_t gm_kernel_finish(const struct gm_view *view, const struct gm_batch *batch, uint64_t open, const uint64_t *gpa,
                        void **hva)
{
    size_t missed = 0;
    for (; open != 0; open &= open - 1) {
        unsigned lane = (unsigned)__builtin_ctzll(open);
        hva[lane] = gm_translate(view, gpa[lane], batch->len_less_1 + 1, (unsigned)batch->denied & GM_RW);
        missed += hva[lane] == NULL;
    }
    return missed;
}

size_t gm_translate_batch(const struct gm_view *view, const gm_gpa *gpa, size_t count, uint64_t len, unsigned rights,
                          void **hva)
{
    if (len == 0) {
        memset(hva, 0, count * sizeof(*hva));
        return 0;
    }
    const struct gm_batch batch = {.len_less_1 = len - 1, .denied = GM_LEAF_INDIRECT | (rights & GM_RW)};
    bool few = gm_version_of(view)->runs != NULL && chosen->runs != NULL;
    return (few ? chosen->runs : chosen->table)(view, &batch, gpa, count, hva);
}

size_t gm_linear_batch(const struct gm_view *view, const gm_gpa *gpa, size_t count, uint64_t len, void **hva)
{
    if (len == 0 || len > view->linear_size) {
        memset(hva, 0, count * sizeof(*hva));
        return 0;
    }
    return chosen->linear(view->linear_base, view->linear_size - len, gpa, count, hva);
}
