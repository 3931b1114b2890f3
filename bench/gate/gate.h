/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What the runner of the gate and its plug-ins say to each other. README.md beside this file is the guide.
 *
 * A plug-in is a shared object with the operations of one revision: compiled with its headers and linked to its
 * library, because what is inlined into callers is as much a part of a revision as its library. The runner knows
 * nothing of what they do. It owns the memory of the input, so that both revisions work on the very same one.
 *
 * A plug-in exports one name: const struct gate_table gate_table.
 */
#ifndef GATE_H
#define GATE_H

#include <stddef.h>
#include <stdint.h>

#define GATE_VERSION 2                     /* of these structures */
#define GATE_WORDS (UINT64_C(1) << 17)     /* of input; fewer, and branch predictors learn them; a power of two */
#define GATE_STEP 1024                     /* every count is a multiple of it; so many pointers fit into `out` */
#define GATE_HOST_SIZE (UINT64_C(32) << 30) /* valgrind has no room for twice as much */

/* Memory of the runner. A plug-in may ignore it. */
struct gate_memory {
    uint64_t *words; /* GATE_WORDS of them: written by `fill` of one plug-in, then read by both */
    void **out;      /* room for GATE_STEP pointers */
    char *host;      /* GATE_HOST_SIZE bytes of address space without access; who opens a part closes it again */
};

/*
 * Do the operation `count` times, a multiple of GATE_STEP, on the words from `first` on (wrapping at GATE_WORDS).
 * Returns a sum of what was answered. It must be the same on both sides, or the comparison is refused: a quick wrong
 * answer is no progress. So it must not depend on where memory happens to lie. Makes no system call and waits for
 * nobody: such times vary more than any change to them.
 */
typedef uint64_t gate_run(uint64_t count, uint64_t first);

struct gate_case {
    const char *name;   /* family/parameter; the same on both sides */
    const char *family; /* the same operation with other parameters: it slows down as a whole or not at all */
    const char *kind;   /* the class of its limit in the file of limits; NULL: "kernel" */
    const char *needs;  /* what is missing when setup answers -ENOTSUP; NULL: nothing can */
    gate_run *run;
    gate_run *floor;    /* what claims hold `run` against, on one thread; NULL: no claim */
    void (*beside)(void); /* what a second thread does over and over while `run` is timed; NULL: one thread, and
                             always where there is a floor; cases with it are timed and not counted */
    const void *own;    /* the plug-in's */
};

struct gate_table {
    uint32_t version; /* GATE_VERSION */
    uint32_t size;    /* sizeof(struct gate_case) */
    size_t count;
    const struct gate_case *cases;
    const void *library; /* an address within a library that must lie beside the plug-in; NULL: no such library */

    /* Any of these may be NULL. All but enter and leave are called on the thread that calls `run`. */
    int (*setup)(const struct gate_case *which, const struct gate_memory *memory); /* 0, -errno */
    int (*teardown)(void);                                                         /* 0, -errno */
    void (*fill)(const struct gate_case *which, const struct gate_memory *memory); /* NULL: random words */
    int (*enter)(void);   /* the second thread, before it first calls `beside`; 0, -errno */
    int (*leave)(void);   /* and when it ends */
    void (*settle)(void); /* after each stretch of `beside`, which has ended by then; not timed */
};

#endif
