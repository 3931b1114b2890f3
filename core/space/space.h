/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The writer's state of an address space, and the protocol by which a version replaces another.
 *
 * Participants: readers (pin, unpin, snapshot), writers (one at a time: they hold `lock` from begin to commit).
 * Shared words:
 *   current           written by the writer at publication (release), read by readers at pin (consume)
 *   version.holders   added to by whoever holds the view, subtracted from at put (release), read by the writer
 *                     after a grace period (acquire)
 * Invariants:
 *   I1 a reader inside a pin finds in `current` a version none of whose nodes has been freed
 *   I2 a node is freed only when every version from its birth to before its death is neither current, nor visible
 *      to a pin, nor held
 *   I3 the count of a version that is not current and is past its grace period only falls: who adds to it holds it
 * Argument: a node's death is the number of the version that no longer has it. Publication of that version precedes
 *   the grace period, so that pins that end later cannot have begun before it; [rcu-P2] orders their reads before
 *   the free. A snapshot is counted inside a pin (or by another holder), so the writer sees its count after the
 *   grace period, and by I3 a zero stays zero: [space-P2] orders the last holder's reads before the free.
 * Pairs: [space-P1] publish with pin (by [rcu-P1]), [space-P2] put with the sweep.
 * Progress: readers wait-free; writers block one another and, when they wait for a grace period, on readers.
 * Reclamation: on the writer's thread only, in commit, reclaim and destroy.
 */
#ifndef GM_SPACE_SPACE_H
#define GM_SPACE_SPACE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "guestmem/space.h"
#include "map/map.h"

struct gm_window {
    uint64_t first;
    uint64_t last;
};

struct gm_txn {
    struct gm_space *space;
    struct gm_directory *regions; /* the private region set: edited at once, where the table waits for commit */
    struct gm_edit edit;
    struct gm_window *windows; /* what the edits touched */
    size_t window_count;
    size_t window_capacity;
    bool open;
    bool failed; /* ran out of memory: can only be aborted */
};

struct gm_space {
    struct gm_version *current; /* alone on its line: readers load it at every pin */
    pthread_mutex_t lock __attribute__((aligned(64)));
    struct gm_heap *heap;
    struct gm_txn txn;
    struct gm_node_list retired; /* dead, waiting for a grace period */
    struct gm_node_list blocked; /* past it, but shown by a snapshot, or refused by the kernel */
    bool refused;                /* one of them is the latter: try again next time */
    struct gm_version **old;     /* versions no longer current and not yet freed, oldest first */
    size_t old_count;
    size_t old_capacity;
    uint64_t commits;
    void *reservation;    /* linear: all of the address space that it has */
    uint8_t *linear_base; /* NULL: not linear */
    uint64_t linear_size;
    bool has_layout;
    struct gm_layout layout;
};

/* Free one node, whatever it is. False: memory could not be given back, try again later. */
bool gm_node_free(struct gm_space *space, const struct gm_node *node);

/* Room for a commit's dead, so that nothing can fail once it is published. */
bool gm_retire_reserve(struct gm_space *space, size_t nodes);

/* Take over the dead of an edit; old is the version that was replaced. */
void gm_retire_take(struct gm_space *space, struct gm_edit *edit, struct gm_version *old);

/* Wait for a grace period and free what nobody can see any more. The caller is not pinned. */
void gm_retire_wait(struct gm_space *space);

/* Free everything of an edit that was not published. */
void gm_edit_drop(struct gm_space *space, struct gm_edit *edit);

/* The number of the next version; unique in the process and never 0. */
uint64_t gm_generation_next(void);

/* Linear spaces: map memory for first..last at its place; nothing of it may be in use. backing: a file's, or how
 * anonymous memory is to be. Returns 0, -EBUSY, -ENOMEM and what mmap says. */
int gm_linear_map(struct gm_txn *txn, struct gm_backing *backing, uint64_t offset, uint64_t first, uint64_t last);
/* The memory of first..last leaves this version. */
bool gm_linear_unmap(struct gm_txn *txn, uint64_t first, uint64_t last, uint64_t birth);

#endif
