// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// A grace period small enough to be explored, by the same means as liburcu's memb flavour: a reader stores where it
// is and fences, the writer fences and waits for all who are where they were. What membarrier does to the readers
// from the writer's side stands here as a fence of their own, since Relacy knows no membarrier; that is no weaker
// than what liburcu promises and no stronger either.
//
// The counter never wraps, so one phase is enough where liburcu needs two.
#ifndef GM_MODEL_GRACE_HPP
#define GM_MODEL_GRACE_HPP

#include <relacy/relacy.hpp>

#ifndef MODEL_READER_FENCES
#define MODEL_READER_FENCES true
#endif

template <unsigned READERS>
struct grace_period {
    rl::atomic<uint64_t> period;
    rl::atomic<uint64_t> entered[READERS]; // 0: outside

    void reset()
    {
        period.store(1, rl::memory_order_relaxed);
        for (unsigned i = 0; i < READERS; i++)
            entered[i].store(0, rl::memory_order_relaxed);
    }

    void lock(unsigned reader)
    {
        entered[reader].store(period.load(rl::memory_order_relaxed), rl::memory_order_relaxed);
        if (MODEL_READER_FENCES)
            rl::atomic_thread_fence(rl::memory_order_seq_cst);
    }

    void unlock(unsigned reader)
    {
        rl::atomic_thread_fence(rl::memory_order_seq_cst);
        entered[reader].store(0, rl::memory_order_relaxed);
    }

    // Is the reader still where it may have begun before this period?
    bool is_old(unsigned reader, uint64_t now)
    {
        uint64_t since = entered[reader].load(rl::memory_order_relaxed);
        return since != 0 && since != now;
    }

    // Called by one writer at a time.
    void synchronize()
    {
        rl::atomic_thread_fence(rl::memory_order_seq_cst);
        uint64_t now = period.load(rl::memory_order_relaxed) + 1;
        period.store(now, rl::memory_order_relaxed);
        for (unsigned i = 0; i < READERS; i++)
            while (is_old(i, now))
                rl::yield(1, $);
        rl::atomic_thread_fence(rl::memory_order_seq_cst);
    }
};

#endif
