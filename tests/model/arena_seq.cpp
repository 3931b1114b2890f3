// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// The sequence count: core/alloc/block/sequence.h, as core/alloc/change.c and find.c use it. A writer makes two changes
// of two words that belong together, and before each it writes a note that is no atomic; readers that got through have
// words of one change, and the note that was written before it. One change leads to memory that had just come, as a
// link to a new node does; a reader may touch it only if it knew of it when it began.
//
// mutants: 7
//   1 the release fence at the opening is missing
//   2 the count is closed by a relaxed store
//   3 the reader begins with a relaxed load
//   4 the acquire fence before the second look is missing
//   5 the reader does not look whether a change was under way when it began
//   6 the reader does not look again
//   7 the memory that came is announced with a relaxed store
#if MUTANT == 1
#define MODEL_FENCE_RELEASE rl::mo_relaxed
#elif MUTANT == 4
#define MODEL_FENCE_ACQUIRE rl::mo_relaxed
#endif

#define GM_ATOMIC_BACKEND "../tests/model/verbs.hpp"
#if MUTANT == 2
#define GM_SEED_BUG 4
#endif
#include "alloc/block/sequence.h"

enum { READERS = 2, CHANGES = 3 };

struct sequence_model : rl::test_suite<sequence_model, READERS + 1> {
    gm_atomic_u64 count, low, high, capacity;
    rl::var<uint64_t> note[CHANGES];
    rl::var<uint64_t> memory; // what the last change leads to

    void before()
    {
        gm_store_relaxed(&count, 0);
        gm_store_relaxed(&low, 0);
        gm_store_relaxed(&high, 0);
        gm_store_relaxed(&capacity, 1);
        note[0]($) = 0;
    }

    void writer()
    {
        for (uint64_t change = 1; change < CHANGES; change++) {
            note[change]($) = change;
            if (change == 2) {
                memory($) = 7;
                if (MUTANT == 7)
                    gm_store_relaxed(&capacity, 2);
                else
                    gm_store_release(&capacity, 2);
            }
            gm_sequence_open(&count);
            gm_store_relaxed(&low, change);
            gm_store_relaxed(&high, change);
            gm_sequence_close(&count);
        }
    }

    uint64_t begin()
    {
        return MUTANT == 3 ? gm_load_relaxed(&count) : gm_sequence_begin(&count);
    }

    void reader()
    {
        for (int tries = 0; tries < 2; tries++) {
            uint64_t begun = begin();
            if (begun % 2 != 0 && MUTANT != 5)
                continue;
            uint64_t room = gm_load_acquire(&capacity);
            uint64_t first = gm_load_relaxed(&low);
            if (first == 2 && room == 2)
                RL_ASSERT(memory($) == 7);
            uint64_t second = gm_load_relaxed(&high);
            if (!gm_sequence_held(&count, begun) && MUTANT != 6)
                continue;
            RL_ASSERT(first == second);
            RL_ASSERT(note[first]($) == first);
            RL_ASSERT(first != 2 || room == 2);
        }
    }

    void thread(unsigned index)
    {
        if (index == READERS)
            writer();
        else
            reader();
    }
};

int main()
{
    rl::test_params params;
    params.search_type = rl::random_scheduler_type;
    params.iteration_count = 1000000;
    return rl::simulate<sequence_model>(params) ? 0 : 1;
}
