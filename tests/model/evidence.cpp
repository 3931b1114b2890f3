// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// The grace period by evidence: core/base/evidence.h, as core/base/rcu.c and core/space/view.c use it. Two readers
// with two sections each, the second of the first reader nested in an outer one; a writer that publishes, looks,
// and frees the old node when every reader shows the new generation. Where one does not show it the real writer
// asks liburcu; here it frees nothing, so that all that is freed is freed on evidence.
//
// Freeing writes to the node: a reader without an edge to it is a data race even where the order happens to be right.
//
// mutants: 5
//   1 the note is a relaxed store
//   2 the look is a relaxed load
//   3 a section inside another notes as well
//   4 any note is taken for evidence
//   5 a generation is used again: the third version has the number of the first
#if MUTANT == 1
#define MODEL_STORE_RELEASE rl::mo_relaxed
#elif MUTANT == 2
#define MODEL_LOAD_ACQUIRE rl::mo_relaxed
#endif

#define GM_ATOMIC_BACKEND "../tests/model/verbs.hpp"
#include "base/evidence.h"

enum { READERS = 2, VERSIONS = 4, LIVE = 1, FREED = 2 };

struct evidence_model : rl::test_suite<evidence_model, READERS + 1> {
    rl::atomic<uint64_t> current; // the publication itself is not what is modelled: always release and acquire
    gm_atomic_u64 seen[READERS];
    rl::var<int> node[VERSIONS];

    static uint64_t generation(uint64_t version)
    {
        return MUTANT == 5 && version == 3 ? 1 : version;
    }

    void before()
    {
        for (int i = 0; i < READERS; i++)
            gm_store_relaxed(&seen[i], 0);
        for (int i = 0; i < VERSIONS; i++)
            node[i]($) = 0;
        node[1]($) = LIVE;
        current.store(1, rl::mo_relaxed, $);
    }

    bool all_show(uint64_t version)
    {
        bool all = true;
        for (int i = 0; i < READERS; i++)
            all = all && (MUTANT == 4 ? gm_load_acquire(&seen[i]) != 0
                                      : gm_evidence_shows(&seen[i], generation(version)));
        return all;
    }

    void writer()
    {
        uint64_t unfreed = 1;
        for (uint64_t version = 2; version < VERSIONS; version++) {
            node[version]($) = LIVE;
            current.store(version, rl::mo_release, $);
            if (!all_show(version))
                continue;
            for (; unfreed < version; unfreed++) {
                RL_ASSERT(node[unfreed]($) == LIVE);
                node[unfreed]($) = FREED;
            }
        }
    }

    uint64_t pin(unsigned reader, bool outermost)
    {
        uint64_t version = current.load(rl::mo_acquire, $);
        if (outermost || MUTANT == 3)
            gm_evidence_note(&seen[reader], generation(version));
        return version;
    }

    void use(uint64_t version)
    {
        RL_ASSERT(node[version]($) == LIVE);
    }

    void thread(unsigned index)
    {
        if (index == READERS)
            return writer();
        uint64_t first = pin(index, true);
        if (index == 0)
            use(pin(index, false));
        use(first);
        use(pin(index, true));
    }
};

int main()
{
    rl::test_params params;
    params.search_type = rl::random_scheduler_type;
    params.iteration_count = 2000000;
    return rl::simulate<evidence_model>(params) ? 0 : 1;
}
