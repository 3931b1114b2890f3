// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// The dirty bitmap: gm_dirty_mark as it is inlined, core/dirty/protocol.h and walk.h, with words of two bits, so that
// eight pages make four words and two lines. Two markers write to pages and mark them, one by one and by
// ranges; a harvester takes them, in windows and in steps of one word, and copies them. The barrier (membarrier) is a
// fence on both sides: the model of its promise, that of two threads one sees what the other did before.
// Executions differ in whether marks are locked (then there is no fence at all) and whether they are on at the start:
// else the harvester switches them on and copies everything.
//
// Checked of every execution: a page that was marked by a call which had returned before a harvest of all began is,
// after that, copied with what was written before the mark; and in the end, after one harvest more, all is. That one
// thing is before the other is what the threads have told each other, by a word that is exchanged after each mark.
//
// mutants: 15
//   1 no barrier
//   2 the barrier comes before the bits are taken
//   3 lines are cleared after their words were taken
//   4 loads in the slow path are relaxed
//   5 a mark is skipped for the bit of the page alone
//   6 a skipped mark looks at the line before the word
//   7 who finds the word not clean leaves the line to others
//   8 looks of the fast path are relaxed
//   9 bits are set by relaxed operations
//  10 switching on has no barrier
//  11 markers have no half of the barrier
//  12 lines are cleared by a relaxed store
//  13 words are filled by a relaxed store
//  14 all lines of a span are cleared when one is set
//  15 the line is looked at before the bit is set
#if MUTANT == 4
#define MODEL_LOAD_SEQ_CST rl::mo_relaxed
#elif MUTANT == 9
#define MODEL_OR_SEQ_CST rl::mo_relaxed
#endif

#define GM_ATOMIC_BACKEND "../tests/model/verbs.hpp"
#define GM_DIRTY_BACKEND "../../tests/model/dirty_words.hpp"
#include "guestmem/dirty_levels.h"

#if MUTANT == 5
#define gm_dirty_shown(levels, page) gm_dirty_bit(levels, page)
#elif MUTANT == 6
#define gm_dirty_shown(levels, page)                                                                                   \
    (GM_DIRTY_LOAD(&(levels)->lines[(page) >> GM_DIRTY_LINE_SHIFT]) != 0 && gm_dirty_bit(levels, page))
#endif
#if MUTANT == 13
#undef gm_dirty_store
#define gm_dirty_store(p, v) gm_store_relaxed(p, v)
#endif
#include "dirty/protocol.h"
#include "guestmem/dirty.h"

enum { PAGES = 8, WORDS = PAGES / 2, LINES = WORDS / 2, MARKERS = 2, STEPS = 3, MARKS = MARKERS * STEPS };

static gm_atomic_u64 *lines_of_all;
static gm_atomic_u64 *late[LINES * 8]; // lines that mutant 3 has yet to clear
static int late_count;

static inline void clear_line(gm_atomic_u64 *line)
{
#if MUTANT == 3
    late[late_count++] = line;
#elif MUTANT == 12
    gm_store_relaxed(line, 0);
#elif MUTANT == 14
    (void)line;
    for (int i = 0; i < LINES; i++)
        gm_store_seq_cst(&lines_of_all[i], 0);
#else
    gm_store_seq_cst(line, 0);
#endif
}
#undef gm_dirty_store
#define gm_dirty_store(line, zero) clear_line(line)
#include "dirty/walk.h"

static bool locked_marks; // of the execution

extern "C" int gm_dirty_mark_page(struct gm_dirty *dirty, uint64_t page)
{
    uint64_t bit = uint64_t(1) << (page & (GM_DIRTY_FAN - 1)), word = page >> GM_DIRTY_FAN_SHIFT;
#if MUTANT == 7
    if (dirty->live.words[word].fetch_or(bit, rl::mo_seq_cst, RL_INFO) == 0)
        gm_dirty_show(&dirty->live, word >> GM_DIRTY_WORDS_SHIFT);
#elif MUTANT == 15
    gm_dirty_show(&dirty->live, word >> GM_DIRTY_WORDS_SHIFT);
    gm_or_seq_cst(&dirty->live.words[word], bit);
#else
    gm_dirty_set(&dirty->live, word, bit);
#endif
    return 0;
}

extern "C" int gm_dirty_mark_slow(struct gm_dirty *dirty, uint64_t first, uint64_t len)
{
    gm_dirty_set_pages(&dirty->live, first >> GM_PAGE_SHIFT, (first + len - 1) >> GM_PAGE_SHIFT, locked_marks);
    return 0;
}

struct mark {
    uint64_t first, last;
    int thread, step, ended; // ended: when the call had returned; 0: it has not
};

struct dirty_model : rl::test_suite<dirty_model, MARKERS + 1> {
    gm_dirty dirty;
    gm_atomic_u64 words[WORDS], lines[LINES];
    rl::atomic<uint64_t> page[MARKERS][PAGES]; // one writer each: 1 + the step that wrote last
    rl::atomic<uint64_t> told[MARKERS];        // how many marks have returned

    uint64_t copy[MARKERS][PAGES]; // the harvester's
    mark marks[MARKS];             // the checker's own, as are the counters
    int count, now, room;
    bool off;

    void before()
    {
        for (unsigned i = 0; i < WORDS; i++)
            gm_store_relaxed(&words[i], 0);
        for (unsigned i = 0; i < LINES; i++)
            gm_store_relaxed(&lines[i], 0);
        for (unsigned i = 0; i < MARKERS; i++) {
            told[i].store(0, rl::mo_relaxed, RL_INFO);
            for (unsigned j = 0; j < PAGES; j++) {
                page[i][j].store(0, rl::mo_relaxed, RL_INFO);
                copy[i][j] = 0;
            }
        }
        dirty.live.words = words;
        dirty.live.lines = lines_of_all = lines;
        late_count = 0;
        locked_marks = rl::rand(4) == 0;
        off = !locked_marks && rl::rand(4) == 0;
        gm_store_relaxed(&dirty.quick, locked_marks ? UINT64_C(1) << 63 : off ? 0 : PAGES);
        count = now = 0;
        if (!off && rl::rand(4) != 0) // so that marks can be skipped, or only the line is set
            gm_dirty_set_pages(&dirty.live, rl::rand(2), 1, true);
    }

    void write_and_mark(unsigned thread, unsigned step)
    {
        uint64_t first = rl::rand(8) < 5 ? 0 : rl::rand(PAGES), len = 1;
        if (rl::rand(4) == 0)
            len += rl::rand(unsigned(PAGES - first));
        mark &mine = marks[count++];
        mine = {first, first + len - 1, int(thread), int(step), 0};
        for (uint64_t i = first; i < first + len; i++)
            page[thread][i].store(step + 1, rl::mo_relaxed, RL_INFO);
        if (locked_marks) // without the fence that stands for the barrier
            gm_dirty_mark_slow(&dirty, first << GM_PAGE_SHIFT, len << GM_PAGE_SHIFT);
        else
            gm_dirty_mark(&dirty, first << GM_PAGE_SHIFT, len << GM_PAGE_SHIFT);
        told[thread].store(step + 1, rl::mo_release, RL_INFO);
        mine.ended = ++now;
    }

    void barrier()
    {
        if (!locked_marks)
            gm_fence_seq_cst();
    }

    struct haul {
        uint64_t word[WORDS], bits[WORDS];
        int count, room;
    };

    static bool keep(void *to, uint64_t word, uint64_t live, uint64_t)
    {
        haul *taken = static_cast<haul *>(to);
        taken->word[taken->count] = word;
        taken->bits[taken->count++] = live;
        return taken->count < taken->room;
    }

    void copy_page(uint64_t which)
    {
        for (unsigned i = 0; i < MARKERS; i++)
            copy[i][which] = page[i][which].load(rl::mo_relaxed, RL_INFO);
    }

    void harvest(uint64_t first, uint64_t end, int room)
    {
        gm_dirty_window window = {first, end};
        while (window.first < window.end) {
            haul taken = {{}, {}, 0, room};
            if (MUTANT == 2)
                barrier();
            window.first = gm_dirty_walk(&dirty.live, nullptr, &window, keep, &taken);
            while (late_count > 0)
                gm_store_seq_cst(late[--late_count], 0);
            if (MUTANT != 1 && MUTANT != 2)
                barrier();
            for (int i = 0; i < taken.count; i++) {
                for (uint64_t bit = 0; bit < 2; bit++) {
                    if (taken.bits[i] >> bit & 1)
                        copy_page(taken.word[i] * 2 + bit);
                }
            }
        }
    }

    void judge(int began)
    {
        for (int i = 0; i < count; i++) {
            if (marks[i].ended == 0 || marks[i].ended > began)
                continue;
            for (uint64_t at = marks[i].first; at <= marks[i].last; at++)
                RL_ASSERT(copy[marks[i].thread][at] >= uint64_t(marks[i].step) + 1);
        }
    }

    // What has ended until now happens before what follows: an exchange reads the newest value.
    void hear()
    {
        for (unsigned i = 0; i < MARKERS; i++)
            (void)told[i].fetch_add(0, rl::mo_acquire, RL_INFO);
    }

    void harvest_all()
    {
        int began = now;
        hear();
        harvest(0, PAGES, rl::rand(2) == 0 ? 1 : WORDS);
        judge(began);
    }

    void take()
    {
        if (off) {
            int began = now;
            hear();
            gm_store_seq_cst(&dirty.quick, PAGES);
            if (MUTANT != 10)
                barrier();
            for (uint64_t i = 0; i < PAGES; i++)
                copy_page(i);
            judge(began);
        }
        for (int i = 0; i < 2; i++) {
            if (rl::rand(3) == 0) {
                uint64_t first = rl::rand(PAGES);
                harvest(first, first + 1 + rl::rand(unsigned(PAGES - first)), WORDS);
            } else {
                harvest_all();
            }
        }
    }

    void thread(unsigned index)
    {
        if (index == MARKERS) {
            take();
            return;
        }
        for (unsigned step = 0; step < STEPS; step++)
            write_and_mark(index, step);
    }

    void after()
    {
        harvest_all();
        RL_ASSERT(count == MARKS);
    }
};

int main()
{
    rl::test_params params;
    params.search_type = rl::random_scheduler_type;
    params.iteration_count = 2000000;
    return rl::simulate<dirty_model>(params) ? 0 : 1;
}
