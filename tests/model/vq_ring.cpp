// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// The notifications of split queues: core/virtqueue/wake.h, by which the device works, and a driver as the
// specification has it, in its own words. Both rings at once, with indices that begin before 2^16: the driver makes two
// elements available, asks for an interrupt, and looks at the used ring; the device looks at the available ring, gives
// back, and asks for kicks.
//
// Checked of every execution: who went to sleep and missed something was called; and what an index shows is there to
// be read (a data race otherwise).
//
// mutants: 7
//   1 no full fence between giving back and the look at what the driver wants
//   2 no full fence between asking for kicks and the look at the available ring
//   3 the index is published by a relaxed store
//   4 the index is looked at by a relaxed load
//   5 the look at the available ring comes before the request
//   6 the look at what the driver wants comes before giving back
//   7 the event itself is taken to be after the steps, not before: compared with one less
#if MUTANT == 3
#define MODEL_STORE_RELEASE rl::mo_relaxed
#elif MUTANT == 4
#define MODEL_LOAD_ACQUIRE rl::mo_relaxed
#endif

#define GM_ATOMIC_BACKEND "../tests/model/verbs.hpp"
#include "base/atomic.h"

#if MUTANT == 1 || MUTANT == 2
#undef gm_fence_seq_cst
#define gm_fence_seq_cst() (rl::atomic_thread_fence(rl::mo_acq_rel, RL_INFO))
#endif
#define GM_VQ_FIELD gm_atomic_u64
#include "virtqueue/wake.h"

enum { DRIVER, DEVICE, ELEMENTS = 2, START = 65535 };

struct vq_ring_model : rl::test_suite<vq_ring_model, 2> {
    gm_atomic_u64 avail_index, avail_event, used_index, used_event;
    rl::var<int> avail[ELEMENTS], used[ELEMENTS];
    bool driver_sleeps, device_sleeps, kicked, interrupted;
    unsigned taken, got;

    void before()
    {
        // nobody has been asked for yet: events lie far behind
        avail_index.store(START, rl::mo_relaxed, $);
        used_index.store(START, rl::mo_relaxed, $);
        avail_event.store(START - 100, rl::mo_relaxed, $);
        used_event.store(START - 100, rl::mo_relaxed, $);
        driver_sleeps = device_sleeps = kicked = interrupted = false;
        taken = got = 0;
    }

    void driver()
    {
        for (unsigned i = 0; i < ELEMENTS; i++) {
            avail[i]($) = 10 + (int)i;
            avail_index.store((uint16_t)(START + i + 1), rl::mo_release, $);
            rl::atomic_thread_fence(rl::mo_seq_cst, $);
            kicked = kicked || (uint16_t)avail_event.load(rl::mo_relaxed, $) == (uint16_t)(START + i);
        }
        used_event.store((uint16_t)START, rl::mo_relaxed, $);
        rl::atomic_thread_fence(rl::mo_seq_cst, $);
        got = (uint16_t)(used_index.load(rl::mo_acquire, $) - START);
        for (unsigned i = 0; i < got; i++)
            RL_ASSERT(used[i]($) == 20 + (int)i);
        driver_sleeps = got == 0;
    }

    void take()
    {
        unsigned there = (uint16_t)(gm_vq_published(&avail_index) - START);
        for (; taken < there; taken++)
            RL_ASSERT(avail[taken]($) == 10 + (int)taken);
    }

    // One element for all that was taken: more than one step of the index at once, and none when there was nothing.
    void give_back()
    {
        uint16_t early = MUTANT == 6 ? gm_vq_wish(&used_event) : 0;
        for (unsigned i = 0; i < taken; i++)
            used[i]($) = 20 + (int)i;
        if (taken == 0)
            return;
        gm_vq_publish(&used_index, (uint16_t)(START + taken));
        uint16_t wish = MUTANT == 6 ? early : gm_vq_wish(&used_event);
        interrupted = gm_vq_passed((uint16_t)(wish + (MUTANT == 7)), (uint16_t)(START + taken), taken);
    }

    void device()
    {
        take();
        give_back();
        const uint16_t next = (uint16_t)(START + taken);
        uint16_t early = MUTANT == 5 ? (uint16_t)gm_load_relaxed(&avail_index) : 0;
        uint16_t index = gm_vq_wish_for(&avail_event, next, &avail_index);
        device_sleeps = (MUTANT == 5 ? early : index) == next;
    }

    void thread(unsigned index)
    {
        if (index == DRIVER)
            driver();
        else
            device();
    }

    void after()
    {
        if (MUTANT != 2)
            RL_ASSERT(!driver_sleeps || taken == 0 || interrupted);
        if (MUTANT != 1)
            RL_ASSERT(!device_sleeps || taken == ELEMENTS || kicked);
    }
};

int main()
{
    rl::test_params params;
    params.search_type = rl::random_scheduler_type;
    params.iteration_count = 500000;
    return rl::simulate<vq_ring_model>(params) ? 0 : 1;
}
