/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Evidence that a reader has left every section that it began before a publication.
 *
 * Participants: one reader, which notes; synchronisers, which look.
 * Shared word:  seen, written by its reader only.
 * Invariants:
 *   I1 a generation is published once and never used again, so that equality cannot be an accident of reuse
 *   I2 what is noted was found in the published pointer by this reader, in a section that is inside no other
 * Argument: who finds the newest generation noted knows that its reader has loaded the newest pointer. Loads of one
 *   word by one thread never go back (coherence), so no later section finds an older one; and by I2 no section was
 *   open around the one that noted, so all that began before have ended. [evidence-P1] puts what was done in them
 *   before what the synchroniser does next.
 * Progress: wait-free.
 */
#ifndef GM_BASE_EVIDENCE_H
#define GM_BASE_EVIDENCE_H

#include <stdbool.h>

#include "base/atomic.h"

static inline void gm_evidence_note(gm_atomic_u64 *seen, uint64_t generation)
{
    gm_store_release(seen, generation); /* [evidence-P1] */
}

static inline bool gm_evidence_shows(const gm_atomic_u64 *seen, uint64_t generation)
{
    return gm_load_acquire(seen) == generation; /* [evidence-P1] */
}

#endif
