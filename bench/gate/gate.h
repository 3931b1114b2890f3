/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What the runner of ci/gate and its plug-ins say to each other.
 *
 * A plug-in is gate_cases.c compiled with the headers of one revision and linked to the library of that revision,
 * because what is inlined into callers is as much a part of a revision as its library. The runner knows neither: it
 * owns the memory and the addresses, so that both sides work on the very same ones, and the layouts are described
 * here, so that both sides build the same space.
 */
#ifndef GATE_H
#define GATE_H

#include <stddef.h>
#include <stdint.h>

#define GATE_ADDRESSES (UINT64_C(1) << 17) /* fewer, and branch predictors learn them; a power of two */
#define GATE_BATCH 256                     /* addresses of a batch */
#define GATE_STEP 1024                     /* addresses of a linear batch; every count is a multiple of it */
#define GATE_LINEAR_SIZE (UINT64_C(4) << 30)
#define GATE_HOST_SIZE (UINT64_C(32) << 30)

enum gate_layout {
    GATE_APART, /* regions of whole 2 MiB blocks with holes between them */
    GATE_MIXED, /* a boundary in each 2 MiB block, neighbours apart in host memory */
    GATE_LINEAR /* as apart, in a linear space */
};

enum gate_mix {
    GATE_UNIFORM, /* by region */
    GATE_HOT      /* 94 % in one region */
};

struct gate_case {
    const char *name;
    const char *family; /* the same operation with other parameters: it slows down as a whole or not at all */
    const char *isa;    /* the batch kernels that it needs, or NULL */
    enum gate_layout layout;
    enum gate_mix mix;
    unsigned regions;
    unsigned len; /* [bytes] of an access */
    uint64_t (*run)(uint64_t count, uint64_t first);
};

/* Memory of the runner. */
struct gate_input {
    const uint64_t *gpa; /* GATE_ADDRESSES of them */
    void **hva;          /* room for GATE_STEP of them */
    char *host;          /* GATE_HOST_SIZE bytes of address space; nobody touches them */
};

/* The one name that a plug-in exports, as gate_table. */
struct gate_table {
    size_t size; /* of struct gate_case */
    size_t count;
    const struct gate_case *cases;
    const void *library; /* an address within the library that the plug-in calls */
    int (*setup)(const struct gate_case *which, const struct gate_input *input); /* 0, -errno; -ENOTSUP: no such ISA */
    int (*teardown)(void);
};

struct gate_region {
    uint64_t gpa;
    uint64_t size;
    uint64_t offset; /* into the host memory */
};

static inline struct gate_region gate_region_of(const struct gate_case *which, unsigned index)
{
    const uint64_t mib = UINT64_C(1) << 20;
    if (which->layout == GATE_MIXED)
        return (struct gate_region){index * mib, mib, (which->regions - 1 - index) * mib};
    return (struct gate_region){index * 128 * mib, 64 * mib, index * 64 * mib};
}

#endif
