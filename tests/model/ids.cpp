// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// The id allocator: core/ids/tree.h with leaves of two bits and summaries of two children, so that eight ids
// make four leaves, two summaries and a root. Three threads each do three calls that are drawn anew for each
// execution, from allocators that are full, nearly full or half full.
//
// Checked of every execution: nobody gets an id that another has (also a data race: who owns an id writes to it); the
// promise of include/guestmem/ids.h, that no id below the result (and in the window) was free for the call; and that
// in the end the ids that were given back are found one by one, from the lowest up, and no others. Calls are judged
// by when they began and returned, in the one order in which the checker executes.
//
// mutants: 9
//   1 taking is a relaxed exchange
//   2 all loads in the protocol are relaxed
//   3 giving and claiming are relaxed exchanges
//   4 a claim is settled whatever happened since it began
//   5 a claim does not begin: it is checked, and then made
//   6 givers do not see that a claim is pending
//   7 givers who take back a claim do not count the version on
//   8 givers look at claims only if their leaf was full before
//   9 givers do not look at claims
#if MUTANT == 1
#define MODEL_CAS_ACQUIRE rl::mo_relaxed
#elif MUTANT == 2
#define MODEL_LOAD_SEQ_CST rl::mo_relaxed
#elif MUTANT == 3
#define MODEL_CAS_SEQ_CST rl::mo_relaxed
#endif

#define GM_ATOMIC_BACKEND "../tests/model/verbs.hpp"
#define GM_IDS_LEAF_BITS 2
#define GM_IDS_FAN_SHIFT 1
#include "ids/words.h"

#if MUTANT == 4
#define gm_ids_settle(word, value, claimed)                                                                            \
    (gm_store_release(word, ((value) & ~(GM_IDS_VERSION - 1)) | (claimed)), true)
#elif MUTANT == 5
#define gm_ids_begin(word, value) ((void)(word), (void)(value), true)
#elif MUTANT == 6
#undef GM_IDS_PENDING
#define GM_IDS_PENDING 0
#elif MUTANT == 7
#define gm_ids_claim(word, claimed) (((word) & ~(GM_IDS_VERSION - 1)) | (claimed))
#endif
#include "ids/tree.h"

enum { IDS = 8, LEAVES = 4, THREADS = 3, CALLS = 3, HISTORY = THREADS * CALLS + IDS, NOBODY = -1, NEVER = 1 << 30 };

struct call {
    int began, ended, id; // id of a take that found none: IDS
    int least;            // of a take: it looked from this id on
    bool gives;
};

struct ids_model : rl::test_suite<ids_model, THREADS> {
    gm_ids_tree tree;
    gm_atomic_u64 leaves[LEAVES], summaries[2], root[1];
    rl::var<int> owner[IDS];

    call history[HISTORY]; // in the order in which they began; the checker's own, not seen by the threads
    int calls, now;
    int held[THREADS][IDS], holds[THREADS];
    bool dealt[IDS]; // before the threads began

    void make()
    {
        gm_atomic_u64 *levels[] = {leaves, summaries, root};
        const unsigned sizes[] = {LEAVES, 2, 1};
        tree.top = 2;
        tree.owned = false;
        gm_store_relaxed(&tree.front, 0);
        gm_store_relaxed(&tree.stray, 0);
        for (unsigned level = 0; level <= tree.top; level++) {
            tree.level[level] = levels[level];
            tree.last[level] = sizes[level] - 1;
            for (unsigned i = 0; i < sizes[level]; i++)
                gm_store_relaxed(&levels[level][i], 0);
        }
    }

    // Some ids are dealt out before: all, all but one, or half.
    void before()
    {
        make();
        calls = now = 0;
        for (int i = 0; i < IDS; i++)
            owner[i]($) = NOBODY;
        for (unsigned i = 0; i < THREADS; i++)
            holds[i] = 0;
        static const unsigned amounts[] = {IDS, IDS - 1, IDS / 2};
        unsigned amount = amounts[rl::rand(3)];
        for (unsigned i = 0; i < amount; i++)
            take(i * 5 % THREADS);
        for (unsigned i = 0; i < IDS; i++)
            dealt[i] = i < amount;
        calls = 0;
    }

    // gm_ids_take_in, for a window that begins with a leaf and has no end
    uint64_t set_from(uint64_t from, uint64_t *leaf)
    {
        uint64_t bit = 0;
        for (; bit == 0; from = *leaf + 1) {
            *leaf = gm_ids_seek(&tree, from);
            if (*leaf == GM_IDS_NONE)
                break;
            bit = gm_ids_set_lowest(&tree, *leaf, GM_IDS_LEAF_FULL);
        }
        return bit;
    }

    void take(unsigned thread, unsigned from = 0)
    {
        call &entry = history[calls++];
        entry.gives = false;
        entry.ended = NEVER;
        entry.id = IDS;
        entry.least = int(from * GM_IDS_LEAF_BITS);
        entry.began = now++;
        uint64_t leaf;
        uint64_t bit = from == 0 ? gm_ids_set_near(&tree, &leaf) : set_from(from, &leaf);
        if (bit == 0 && from == 0)
            bit = gm_ids_set_first(&tree, &leaf);
        if (bit != 0) {
            int id = int(leaf * GM_IDS_LEAF_BITS) + __builtin_ctzll(bit);
            RL_ASSERT(owner[id]($) == NOBODY);
            owner[id]($) = int(thread);
            held[thread][holds[thread]++] = id;
            entry.id = id;
        }
        entry.ended = now++;
    }

    void give(unsigned thread)
    {
        if (holds[thread] == 0)
            return;
        int *which = &held[thread][rl::rand(unsigned(holds[thread]))];
        int id = *which;
        *which = held[thread][--holds[thread]];
        RL_ASSERT(owner[id]($) == int(thread));
        owner[id]($) = NOBODY;
        call &entry = history[calls++];
        entry.gives = true;
        entry.ended = NEVER;
        entry.id = id;
        entry.began = now++;
        give_bit(uint64_t(id) / GM_IDS_LEAF_BITS, uint64_t(1) << id % GM_IDS_LEAF_BITS);
        entry.ended = now++;
    }

    void give_bit(uint64_t leaf, uint64_t bit)
    {
#if MUTANT == 8 || MUTANT == 9
        uint64_t value = gm_load_relaxed(&leaves[leaf]);
        while (!gm_cas_seq_cst(&leaves[leaf], &value, value & ~bit)) {
        }
        if (MUTANT == 8 && value == GM_IDS_LEAF_FULL)
            gm_ids_show(&tree, leaf);
#else
        RL_ASSERT(gm_ids_clear(&tree, leaf, bit));
#endif
    }

    void thread(unsigned thread)
    {
        for (int i = 0; i < CALLS; i++) {
            unsigned choice = rl::rand(5);
            if (choice < 2)
                give(thread);
            else
                take(thread, choice == 2 ? 1 + rl::rand(LEAVES - 1) : 0);
        }
    }

    // Was the id free from before the call until its end? Given back by a call that had returned, and of the takes
    // that began later none before the end; a take of this very id began after the give did.
    bool was_free(int id, const call &during)
    {
        int since = dealt[id] ? NEVER : -1;
        for (int i = 0; i < calls; i++) {
            if (history[i].id == id && history[i].gives && history[i].ended < during.began)
                since = history[i].began;
        }
        for (int i = 0; i < calls && since != NEVER; i++) {
            const call &other = history[i];
            if (other.id == id && !other.gives && other.ended > since && other.began < during.ended)
                return false;
        }
        return since != NEVER;
    }

    void after()
    {
        for (int i = 0; i < calls; i++) {
            for (int id = history[i].least; id < history[i].id && !history[i].gives; id++)
                RL_ASSERT(!was_free(id, history[i]));
        }
        for (int id = 0; id < IDS; id++) {
            if (owner[id]($) != NOBODY)
                continue;
            int next = calls;
            take(0);
            RL_ASSERT(history[next].id == id);
        }
        uint64_t leaf;
        RL_ASSERT(gm_ids_set_first(&tree, &leaf) == 0);
    }
};

int main()
{
    rl::test_params params;
    params.search_type = rl::random_scheduler_type;
    params.iteration_count = 1000000;
    return rl::simulate<ids_model>(params) ? 0 : 1;
}
