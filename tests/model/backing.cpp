// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// The count of a backing (core/backing/life.c): whoever puts last frees. Three holders write to the memory and
// put; one of them takes a second count for a while, as a region does that is resized. Freeing is a write to what
// the others wrote, so that a missing edge is a data race and not just a wrong order.
//
// mutants: 3
//   1 put_last releases only: the last one frees before it sees what the others did
//   2 put_last acquires only: the others do not hand over what they did
//   3 put_last is relaxed
#if MUTANT == 1
#define MODEL_SUB_ACQ_REL rl::mo_release
#elif MUTANT == 2
#define MODEL_SUB_ACQ_REL rl::mo_acquire
#elif MUTANT == 3
#define MODEL_SUB_ACQ_REL rl::mo_relaxed
#endif

#define GM_ATOMIC_BACKEND "../tests/model/verbs.hpp"
#include "base/holders.h"

enum { HOLDERS = 3, FREED = -1 };

struct backing_model : rl::test_suite<backing_model, HOLDERS> {
    gm_atomic_u64 holders;
    rl::var<int> memory[HOLDERS]; // one cell for each holder, so that holders do not race with one another
    rl::var<int> frees;

    void before()
    {
        gm_store_relaxed(&holders, HOLDERS);
        for (int i = 0; i < HOLDERS; i++)
            memory[i]($) = 0;
        frees($) = 0;
    }

    void put()
    {
        if (!gm_holders_put_last(&holders))
            return;
        frees($) = frees($) + 1;
        for (int i = 0; i < HOLDERS; i++)
            memory[i]($) = FREED;
    }

    void use(unsigned thread)
    {
        RL_ASSERT(memory[thread]($) != FREED);
        memory[thread]($) = 1;
    }

    void thread(unsigned thread)
    {
        use(thread);
        if (thread == 0) {
            gm_holders_take(&holders);
            put();
            use(thread);
        }
        put();
    }

    void after()
    {
        RL_ASSERT(frees($) == 1);
        for (int i = 0; i < HOLDERS; i++)
            RL_ASSERT(memory[i]($) == FREED);
    }
};

int main()
{
    rl::test_params params;
    params.search_type = rl::sched_full;
    params.iteration_count = 1000000000;
    return rl::simulate<backing_model>(params) ? 0 : 1;
}
