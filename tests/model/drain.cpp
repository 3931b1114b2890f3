// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// A log that others write while it is drained: core/dirty/log.h, and what it marks with, of protocol.h and walk.h. Two
// writers, of other processes, write to pages and OR their bits; they have no part in any barrier, the release of that
// OR is all that they give. Two threads drain the log into a bitmap, each once or twice; a harvester takes pages and
// copies them. Words have two bits, as in dirty.cpp; the first bit of the log is somebody else's. Executions differ in
// whether the bitmap is locked, whether pages are marked at the start, so that draining has nothing to store, and
// whether writers tell those who drain that they have set a bit, or leave it to them to find it.
//
// Checked of every execution: a page whose bit was taken by a drain is copied, by a harvest that began when this drain
// was over, as it was written before that bit was set, or later; a bit of which a drain was told before it began was
// taken when it is over; each bit is moved once; that of somebody else stays; and in the end, after a drain and a
// harvest more, every page is copied as it is.
//
// mutants: 7
//   1 writers OR without release
//   2 bits are taken by a load and a store
//   3 bits are taken by relaxed operations
//   4 what is marked is what was seen before the bits were taken
//   5 who drains has no half of the barrier
//   6 the harvester has none
//   7 who finds a page marked leaves the line to others
#define GM_ATOMIC_BACKEND "../tests/model/verbs.hpp"
#define GM_DIRTY_BACKEND "../../tests/model/dirty_words.hpp"
#include "guestmem/dirty_levels.h"

static bool locked; // of the execution: then there is no barrier at all
#undef GM_DIRTY_LIGHT
#if MUTANT == 5
#define GM_DIRTY_LIGHT() ((void)0)
#else
#define GM_DIRTY_LIGHT() (locked ? (void)0 : gm_fence_seq_cst())
#endif
#include "dirty/walk.h"

#if MUTANT == 3
#undef gm_exchange_seq_cst
#undef gm_and_seq_cst
#define gm_exchange_seq_cst(p, v) ((p)->exchange((v), rl::mo_relaxed, RL_INFO))
#define gm_and_seq_cst(p, v) ((p)->fetch_and((v), rl::mo_relaxed, RL_INFO))
#endif
#include "dirty/log.h"

enum { PAGES = 4, WORDS = PAGES / 2, LINES = 2, WRITERS = 2, DRAINERS = 2, WRITES = 2, DRAINS = 2, ALL = 16 };
enum { NOBODY = -1 };

struct note {
    int writer, page, told; // told: when those who drain were; 0: not yet
    int drain;              // which one has taken it; NOBODY
    bool set;               // the bit
    uint64_t value;
};

struct span {
    int began, ended; // 0: it has not
};

struct drain_model : rl::test_suite<drain_model, WRITERS + DRAINERS + 1> {
    gm_atomic_u64 log[WORDS], words[WORDS], lines[LINES];
    rl::atomic<uint64_t> page[WRITERS][PAGES]; // one writer each: 1 + the step that wrote last
    rl::atomic<uint64_t> told[WRITERS + DRAINERS];
    gm_dirty_levels live;

    uint64_t copy[WRITERS][PAGES]; // the harvester's
    note notes[ALL];               // from here on the checker's own
    span drains[ALL];
    int note_count, drain_count, now;
    unsigned set, moved;
    bool known; // known: those who drain are told

    void before()
    {
        for (int i = 0; i < WORDS; i++) {
            gm_store_relaxed(&log[i], i == 0 ? 1 : 0);
            gm_store_relaxed(&words[i], 0);
        }
        for (int i = 0; i < LINES; i++)
            gm_store_relaxed(&lines[i], 0);
        for (int i = 0; i < WRITERS + DRAINERS; i++)
            told[i].store(0, rl::mo_relaxed, RL_INFO);
        for (int i = 0; i < WRITERS; i++) {
            for (int j = 0; j < PAGES; j++) {
                page[i][j].store(0, rl::mo_relaxed, RL_INFO);
                copy[i][j] = 0;
            }
        }
        live.words = words;
        live.lines = lines;
        note_count = drain_count = now = 0;
        set = moved = 0;
        locked = rl::rand(4) == 0;
        known = rl::rand(2) == 0;
        if (rl::rand(4) != 0)
            gm_dirty_set_pages(&live, rl::rand(PAGES), PAGES - 1, true);
        if (rl::rand(4) == 0) // whoever has set the bits has come no further
            gm_store_relaxed(&lines[0], 0);
    }

    void write(int writer, uint64_t value)
    {
        int at = 1 + int(rl::rand(PAGES - 1));
        uint64_t bit = uint64_t(1) << at % 2;
        note &mine = notes[note_count++];
        mine = {writer, at, 0, NOBODY, false, value};
        page[writer][at].store(value, rl::mo_relaxed, RL_INFO);
        uint64_t was = log[at / 2].fetch_or(bit, MUTANT == 1 ? rl::mo_relaxed : rl::mo_release, RL_INFO);
        set += (was & bit) == 0;
        mine.set = true;
        if (!known)
            return;
        told[writer].fetch_add(1, rl::mo_release, RL_INFO);
        mine.told = ++now;
    }

    // Whose bits those are, at the moment at which they were taken.
    uint64_t taken_by(int drain, int word, uint64_t bits)
    {
        for (int i = 0; i < note_count; i++) {
            note &each = notes[i];
            if (each.page / 2 == word && (bits >> each.page % 2 & 1) != 0 && each.set && each.drain == NOBODY)
                each.drain = drain;
        }
        moved += unsigned(bits & 1) + unsigned(bits >> 1);
        return bits;
    }

    uint64_t take(int drain, int word, uint64_t want)
    {
#if MUTANT == 2
        uint64_t bits = gm_load_seq_cst(&log[word]);
        (void)taken_by(drain, word, bits & want);
        gm_store_seq_cst(&log[word], bits & ~want);
        return bits & want;
#elif MUTANT == 4
        uint64_t bits = gm_load_seq_cst(&log[word]) & want;
        (void)taken_by(drain, word, gm_dirty_take_log(&log[word], want));
        return bits;
#else
        return taken_by(drain, word, gm_dirty_take_log(&log[word], want));
#endif
    }

    void mark(int word, uint64_t bits)
    {
#if MUTANT == 7
        GM_DIRTY_LIGHT();
        if (!locked && (gm_load_seq_cst(&words[word]) & bits) == bits)
            return;
#endif
        gm_dirty_mark_word(&live, uint64_t(word), bits, locked);
    }

    // The newest that each of these has told, by an exchange.
    void hear(int from, int end)
    {
        for (int i = from; i < end; i++)
            (void)told[i].fetch_add(0, rl::mo_acquire, RL_INFO);
    }

    void drain(int drainer)
    {
        int number = drain_count++, began = now;
        drains[number] = {began, 0};
        if (known)
            hear(0, WRITERS);
        for (int i = 0; i < WORDS; i++) {
            uint64_t bits = take(number, i, i == 0 ? 2 : 3);
            if (bits != 0)
                mark(i, bits);
        }
        told[drainer].fetch_add(1, rl::mo_release, RL_INFO);
        drains[number].ended = ++now;
        for (int i = 0; known && i < note_count; i++)
            RL_ASSERT(notes[i].drain != NOBODY || notes[i].told == 0 || notes[i].told > began);
    }

    static bool keep(void *to, uint64_t word, uint64_t taken, uint64_t)
    {
        static_cast<uint64_t *>(to)[word] |= taken;
        return true;
    }

    void harvest()
    {
        int began = now;
        uint64_t taken[WORDS] = {};
        gm_dirty_window window = {0, PAGES};
        hear(WRITERS, WRITERS + DRAINERS);
        (void)gm_dirty_walk(&live, nullptr, &window, keep, taken);
        if (!locked && MUTANT != 6)
            gm_fence_seq_cst();
        for (int i = 0; i < PAGES; i++)
            for (int j = 0; j < WRITERS && (taken[i / 2] >> i % 2 & 1) != 0; j++)
                copy[j][i] = page[j][i].load(rl::mo_relaxed, RL_INFO);
        judge(began);
    }

    void judge(int began)
    {
        for (int i = 0; i < note_count; i++) {
            int by = notes[i].drain;
            if (by != NOBODY && drains[by].ended != 0 && drains[by].ended <= began)
                RL_ASSERT(copy[notes[i].writer][notes[i].page] >= notes[i].value);
        }
    }

    void thread(unsigned index)
    {
        if (index < WRITERS) {
            for (int i = 1; i <= WRITES; i++)
                write(int(index), uint64_t(i));
        } else if (index < WRITERS + DRAINERS) {
            for (unsigned i = 1 + rl::rand(DRAINS); i != 0; i--)
                drain(int(index));
        } else {
            harvest();
            harvest();
        }
    }

    void after()
    {
        drain(WRITERS);
        harvest();
        RL_ASSERT(moved == set && gm_load_relaxed(&log[0]) == 1 && gm_load_relaxed(&log[1]) == 0);
        for (int i = 0; i < note_count; i++)
            RL_ASSERT(copy[notes[i].writer][notes[i].page] >= notes[i].value);
    }
};

int main()
{
    rl::test_params params;
    params.search_type = rl::random_scheduler_type;
    params.iteration_count = 1000000;
    return rl::simulate<drain_model>(params) ? 0 : 1;
}
