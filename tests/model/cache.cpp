// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// One range between caches and the arena: core/alloc/keep.h, as core/alloc/cache.c and those who change ranges use it.
// Three threads have the same handle: two give it to their caches and take it out again, one moves it or gives it to
// the arena, which hands it out again; each of them does so twice. Whoever gets the range anew writes to it, as does
// who moves it: so that a thread that acts on a handle of before is a data race or an assertion, whatever the order.
//
// Checked: one give of a handle gets it; what a cache hands out lies where the cache says; nobody moves what belongs
// to another handle by now.
//
// mutants: 9
//   1 who has had a range stores its state relaxed
//   2 exchanges of the state are relaxed
//   3 who enters a cache does not look at the generation again
//   4 who moves a range does not hold it
//   5 who holds a range does not look at the generation again
//   6 who enters a cache does not look at the place again
//   7 a range is let go before it is moved
//   8 who gives to the arena only exchanges the state
//   9 a block comes out of a cache with the generation that it went in with
#if MUTANT == 1
#define MODEL_STORE_RELEASE rl::mo_relaxed
#elif MUTANT == 2
#define MODEL_CAS_ACQUIRE rl::mo_relaxed
#endif

#define GM_ATOMIC_BACKEND "../tests/model/verbs.hpp"
#include "alloc/keep.h"

enum { CACHES = 2, ROUNDS = 2, GENERATIONS = 8, FREE = 0, CACHED_BIT = 64 };

struct cache_model : rl::test_suite<cache_model, CACHES + 1> {
    gm_keep_state state;
    gm_keep_generation generation;
    gm_atomic_u64 place;
    rl::var<int> word; // the range itself
    int gives[GENERATIONS]; // of each handle that got it; the checker's own

    void before()
    {
        gm_store_relaxed(&state, uint64_t(GM_KEEP_PLAIN));
        gm_store_relaxed(&generation, 1);
        gm_store_relaxed(&place, 0);
        word($) = 0;
        for (int i = 0; i < GENERATIONS; i++)
            gives[i] = 0;
    }

    void given(uint64_t handle)
    {
        RL_ASSERT(++gives[handle] == 1);
    }

    bool enter(uint64_t handle)
    {
        gm_keep_value plain = GM_KEEP_PLAIN;
        if (MUTANT != 3)
            return gm_keep_enter(&state, &generation, uint32_t(handle));
        return gm_load_relaxed(&generation) == handle && gm_cas_acquire(&state, &plain, uint64_t(GM_KEEP_CACHED));
    }

    // gm_arena_cache_give, and gm_arena_cache_take when that worked. The handle that this thread has then.
    uint64_t through_cache(uint64_t handle)
    {
        uint64_t seen = gm_load_relaxed(&place);
        if (!enter(handle))
            return handle;
        if (MUTANT != 6 && gm_load_relaxed(&place) != seen) {
            gm_keep_leave(&state, &generation, uint32_t(handle));
            return handle;
        }
        given(handle);
        uint64_t next = gm_load_relaxed(&generation) + (MUTANT == 9 ? 0 : 1);
        RL_ASSERT(gm_load_relaxed(&place) == seen);
        word($) = int(next); // before others may have the handle: it is the new owner's from here on
        gm_keep_leave(&state, &generation, uint32_t(next));
        return handle; // the new one stays with its owner, the old one is tried again
    }

    bool hold(uint64_t handle)
    {
        gm_keep_value plain = GM_KEEP_PLAIN;
        if (MUTANT != 5)
            return gm_keep_hold(&state, &generation, uint32_t(handle));
        return gm_cas_acquire(&state, &plain, uint64_t(GM_KEEP_PLAIN | GM_KEEP_HELD)) ||
               (plain & GM_KEEP_CACHED) != GM_KEEP_CACHED;
    }

    // gm_change_slot
    bool is_newest(uint64_t handle)
    {
        uint64_t now = gm_load_acquire(&state);
        return gm_load_relaxed(&generation) == handle && (now & GM_KEEP_PLAIN) != 0 && (now & CACHED_BIT) == 0;
    }

    // gm_arena_relocate
    void move(uint64_t handle)
    {
        if (!is_newest(handle) || (MUTANT != 4 && !hold(handle)))
            return;
        RL_ASSERT(MUTANT == 4 || gm_load_relaxed(&generation) == handle);
        if (MUTANT == 7)
            gm_keep_let(&state);
        word($) = -int(handle);
        gm_store_relaxed(&place, gm_load_relaxed(&place) + 1);
        if (MUTANT != 7)
            gm_keep_let(&state);
    }

    // gm_arena_give, and gm_arena_take of the same slot
    void through_arena(uint64_t handle)
    {
        gm_keep_value plain = GM_KEEP_PLAIN;
        if (!is_newest(handle))
            return;
        if (MUTANT == 8 ? !gm_cas_acquire(&state, &plain, uint64_t(FREE)) : !hold(handle))
            return;
        given(gm_load_relaxed(&generation));
        RL_ASSERT(gm_load_relaxed(&generation) == handle);
        word($) = 0;
        gm_store_relaxed(&state, uint64_t(FREE));
        gm_store_relaxed(&generation, handle + 1);
        gm_store_relaxed(&place, 7);
        gm_store_release(&state, uint64_t(GM_KEEP_PLAIN));
    }

    void thread(unsigned index)
    {
        for (int i = 0; i < ROUNDS; i++) {
            if (index < CACHES)
                through_cache(1 + uint64_t(i));
            else if (rl::rand(2) == 0)
                move(1 + uint64_t(i));
            else
                through_arena(1 + uint64_t(i));
        }
    }
};

int main()
{
    rl::test_params params;
    params.search_type = rl::random_scheduler_type;
    params.iteration_count = 1000000;
    return rl::simulate<cache_model>(params) ? 0 : 1;
}
