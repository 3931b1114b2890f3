// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// The protocol of core/space/space.h: publish, grace period, sweep on the writer's side; pin, snapshot, unpin, put
// on the readers'. The verbs, the counting of holders and the evidence are core's own; the bookkeeping of
// [birth, death) is core/space/retire.c in the few lines that the protocol rests on.
//
// Versions 1, 2, 3 and nodes a [1,2), b [1,3), c [2,..), d [3,..). A version's own memory counts as a node too.
// Freeing writes to the node, so that a reader without an edge to it is a data race even where the order happens to
// be right.
//
// mutants: 9
//   1 no grace period
//   2 a holder is put with a relaxed subtraction
//   3 holders are looked at before the grace period instead of after it
//   4 publication is a relaxed store
//   5 the snapshot is counted after the unpin
//   6 only the newest version that shows a node is asked, not all since its birth
//   7 the writer looks at the count with a relaxed load
//   8 a reader enters without a fence: shows that the model of the grace period is not stronger than the real one
//   9 what a reader has seen is noted with a relaxed store (the holders' put and the publication stay as they are)
#if MUTANT == 2
#define MODEL_SUB_RELEASE rl::mo_relaxed
#elif MUTANT == 4 || MUTANT == 9
#define MODEL_STORE_RELEASE rl::mo_relaxed
#elif MUTANT == 7
#define MODEL_LOAD_ACQUIRE rl::mo_relaxed
#elif MUTANT == 8
#define MODEL_READER_FENCES false
#endif

#define GM_ATOMIC_BACKEND "../tests/model/verbs.hpp"
#include "base/evidence.h"
#include "base/holders.h"

#include "grace.hpp"

enum { VERSIONS = 4, NODES = 4, NEVER = VERSIONS };
enum { UNBORN, LIVE, FREED };

static const int birth_of[NODES] = {1, 1, 2, 3};
static const int death_of[NODES] = {2, 3, NEVER, NEVER};

// EVIDENCE: readers note what they pin, and pin once more. There is no grace period then and no fence of one, which
// would hide what the note is for: the writer frees what it can when all readers show the newest version, else nothing.
template <unsigned READERS, int LAST, bool EVIDENCE>
struct snapshot_model : rl::test_suite<snapshot_model<READERS, LAST, EVIDENCE>, READERS + 1> {
    grace_period<READERS> grace;
    gm_atomic_u64 current;
    gm_atomic_u64 seen[READERS];
    gm_atomic_u64 holders[VERSIONS];
    rl::var<int> version[VERSIONS];
    rl::var<int> node[NODES];
    bool finished;
    bool old[VERSIONS]; // the writer's: no longer current, not yet freed

    void make(int number)
    {
        gm_store_relaxed(&holders[number], 0);
        version[number]($) = LIVE;
        for (int i = 0; i < NODES; i++)
            if (birth_of[i] == number)
                node[i]($) = LIVE;
    }

    void before()
    {
        finished = false;
        grace.reset();
        for (unsigned i = 0; i < READERS; i++)
            gm_store_relaxed(&seen[i], 0);
        for (int i = 0; i < VERSIONS; i++) {
            old[i] = false;
            version[i]($) = UNBORN;
        }
        for (int i = 0; i < NODES; i++)
            node[i]($) = UNBORN;
        make(1);
        gm_store_relaxed(&current, 1);
    }

    // --- the writer

    bool is_shown(int i, int now)
    {
        if (death_of[i] > now)
            return true;
        for (int number = MUTANT == 6 ? death_of[i] - 1 : birth_of[i]; number < death_of[i]; number++)
            if (old[number])
                return true;
        return false;
    }

    void look_at_holders(bool gone[VERSIONS])
    {
        for (int number = 1; number < VERSIONS; number++)
            gone[number] = old[number] && gm_holders_gone(&holders[number]);
    }

    bool all_show(int now)
    {
        bool all = true;
        for (unsigned i = 0; i < READERS && all; i++)
            all = gm_evidence_shows(&seen[i], (uint64_t)now);
        return all;
    }

    // The grace period, by either means. False: there is no telling.
    bool passed(int now)
    {
        if (EVIDENCE)
            return all_show(now) || finished;
        grace.synchronize();
        return true;
    }

    void sweep(int now)
    {
        bool gone[VERSIONS];
        if (MUTANT == 3)
            look_at_holders(gone);
        if (MUTANT != 1 && !passed(now))
            return;
        if (MUTANT != 3)
            look_at_holders(gone);
        for (int number = 1; number < VERSIONS; number++) {
            if (!gone[number])
                continue;
            RL_ASSERT(version[number]($) == LIVE);
            version[number]($) = FREED;
            old[number] = false;
        }
        for (int i = 0; i < NODES; i++)
            if (birth_of[i] <= now && node[i]($) == LIVE && !is_shown(i, now))
                node[i]($) = FREED;
    }

    void commit(int number)
    {
        make(number);
        if (MUTANT == 9)
            current.store((uint64_t)number, rl::mo_release, $);
        else
            gm_store_release(&current, (uint64_t)number);
        old[number - 1] = true;
        sweep(number);
    }

    // --- the readers

    void look(int number)
    {
        RL_ASSERT(version[number]($) == LIVE);
        for (int i = 0; i < NODES; i++)
            if (birth_of[i] <= number && number < death_of[i])
                RL_ASSERT(node[i]($) == LIVE);
    }

    int pin(unsigned reader)
    {
        if (!EVIDENCE)
            grace.lock(reader);
        uint64_t number = gm_load_consume(&current);
        if (EVIDENCE)
            gm_evidence_note(&seen[reader], number);
        return (int)number;
    }

    void unpin(unsigned reader)
    {
        if (!EVIDENCE)
            grace.unlock(reader);
    }

    void read(unsigned reader)
    {
        int number = pin(reader);
        look(number);
        if (MUTANT == 5)
            unpin(reader);
        gm_holders_take(&holders[number]);
        if (MUTANT != 5)
            unpin(reader);
        if (EVIDENCE)
            look(pin(reader));
        look(number);
        gm_holders_put(&holders[number]);
    }

    void thread(unsigned index)
    {
        if (index != 0)
            read(index - 1);
        else
            for (int number = 2; number <= LAST; number++)
                commit(number);
    }

    void after()
    {
        finished = true;
        sweep(LAST);
        for (int number = 1; number < LAST; number++)
            RL_ASSERT(version[number]($) == FREED);
        for (int i = 0; i < NODES; i++)
            RL_ASSERT(birth_of[i] > LAST || node[i]($) == (death_of[i] <= LAST ? FREED : LIVE));
    }
};

static const uint64_t NO_LIMIT = 1000000000;

template <typename MODEL>
static bool holds(rl::scheduler_type_e search, unsigned switches, uint64_t executions)
{
    rl::test_params params;
    params.search_type = search;
    params.context_bound = switches;
    params.iteration_count = executions;
    return rl::simulate<MODEL>(params);
}

// One reader and one commit are explored in full. More of either is explored for all schedules of a few switches
// at arbitrary places, and two readers over two commits are sampled besides.
int main()
{
    bool good = holds<snapshot_model<1, 2, false>>(rl::sched_full, 0, NO_LIMIT) &&
                holds<snapshot_model<1, 3, false>>(rl::sched_bound, 5, NO_LIMIT) &&
                holds<snapshot_model<2, 2, false>>(rl::sched_bound, 3, NO_LIMIT) &&
                holds<snapshot_model<2, 3, false>>(rl::sched_random, 0, 200000) &&
                holds<snapshot_model<1, 2, true>>(rl::sched_full, 0, NO_LIMIT) &&
                holds<snapshot_model<1, 3, true>>(rl::sched_full, 0, NO_LIMIT) &&
                holds<snapshot_model<2, 2, true>>(rl::sched_bound, 4, NO_LIMIT) &&
                holds<snapshot_model<2, 3, true>>(rl::sched_random, 0, 200000);
    return good ? 0 : 1;
}
