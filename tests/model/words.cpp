// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// Words that move while others read them: core/base/words.h inside the write sections of core/alloc/block/sequence.h,
// as core/alloc/order/flat.c and find.c use them. A writer puts two words into an array, each time at the cost of one
// that is dead: those between move up, and then others down. What a vector stores are words, each whole, in no order;
// the last block takes along what is no part of the move, and puts it back. A reader looks at two words.
//
// The moves are those of words.h, spelt for atomic words; that the compiled ones do the same: tests/unit/test_words.c.
//
// Checked of what a reader got through with: it is of one moment. Of whatever it read on the way, torn or not: each
// word is one that was stored, and one below both moves is what it always was.
//
// mutants: 7
//   1 the release fence at the opening is missing
//   2 a word is stored in two halves
//   3 what lies behind a move is not put back
//   4 the blocks move up from the low end
//   5 the move begins before the section
//   6 the new word comes after the section
//   7 the reader does not look again
#if MUTANT == 1
#define MODEL_FENCE_RELEASE rl::mo_relaxed
#endif

#define GM_ATOMIC_BACKEND "../tests/model/verbs.hpp"
#include "alloc/block/sequence.h"

enum { BLOCK = 8, WORDS = 12, LENGTH = WORDS + 1 + BLOCK, VERSIONS = 3, TRIES = 12 };

struct block {
    uint64_t of[BLOCK];
};

struct words_model : rl::test_suite<words_model, 2> {
    gm_atomic_u64 sequence, words[LENGTH];
    uint64_t right[VERSIONS][WORDS]; // what the array is; the checker's own
    unsigned in[VERSIONS], dead[VERSIONS];

    static uint64_t named(unsigned i)
    {
        return 0x0101 * (i + 1); // both halves tell which
    }

    void before()
    {
        dead[1] = rl::rand(WORDS);
        in[1] = rl::rand(dead[1] + 1);
        in[2] = 1 + rl::rand(WORDS - 1);
        dead[2] = rl::rand(in[2]);
        gm_store_relaxed(&sequence, 0);
        for (unsigned i = 0; i < LENGTH; i++)
            gm_store_relaxed(&words[i], i < WORDS ? named(i) : 0);
        for (unsigned i = 0; i < WORDS; i++)
            right[0][i] = named(i);
        for (unsigned i = 0; i < WORDS; i++)
            right[1][i] = i == in[1] ? named(WORDS) : i > in[1] && i <= dead[1] ? right[0][i - 1] : right[0][i];
        for (unsigned i = 0; i < WORDS; i++)
            right[2][i] = i == in[2] ? named(WORDS + 1) : i >= dead[2] && i < in[2] ? right[1][i + 1] : right[1][i];
    }

    block load(unsigned at)
    {
        block got;
        for (unsigned i = 0; i < BLOCK; i++)
            got.of[i] = gm_load_relaxed(&words[at + i]);
        return got;
    }

    void store(unsigned at, const block &from)
    {
        unsigned turn = rl::rand(BLOCK);
        for (unsigned i = 0; i < BLOCK; i++) {
            unsigned lane = i ^ turn;
            if (MUTANT == 2)
                gm_store_relaxed(&words[at + lane],
                                 (gm_load_relaxed(&words[at + lane]) & 0xff00) | (from.of[lane] & 0xff));
            gm_store_relaxed(&words[at + lane], from.of[lane]);
        }
    }

    void up(unsigned position, unsigned count)
    {
        block behind = load(count + 1);
        unsigned blocks = (count - position + (BLOCK - 1)) / BLOCK;
        for (unsigned i = 0; i < blocks; i++) {
            unsigned from = position + (MUTANT == 4 ? i : blocks - 1 - i) * BLOCK;
            store(from + 1, load(from));
        }
        if (MUTANT != 3)
            store(count + 1, behind);
    }

    void down(unsigned position, unsigned count)
    {
        block behind = load(count);
        for (unsigned to = position; to + 1 < count; to += BLOCK)
            store(to, load(to + 1));
        if (MUTANT != 3)
            store(count, behind);
    }

    void change(unsigned version)
    {
        if (MUTANT != 5)
            gm_sequence_open(&sequence);
        if (version == 1)
            up(in[1], dead[1]);
        else
            down(dead[2], in[2] + 1);
        if (MUTANT == 5)
            gm_sequence_open(&sequence);
        if (MUTANT != 6)
            gm_store_relaxed(&words[in[version]], named(WORDS + version - 1));
        gm_sequence_close(&sequence);
        if (MUTANT == 6)
            gm_store_relaxed(&words[in[version]], named(WORDS + version - 1));
    }

    static bool is_whole(uint64_t word)
    {
        return word % 0x0101 == 0 && word <= named(WORDS + 1);
    }

    void reader()
    {
        for (int tries = 0; tries < TRIES; tries++) { // enough to see the end of the writer's sections
            uint64_t begun = gm_sequence_begin(&sequence), got[2];
            unsigned at[2];
            if (begun % 2 != 0)
                continue;
            for (int i = 0; i < 2; i++) {
                at[i] = rl::rand(WORDS);
                got[i] = gm_load_relaxed(&words[at[i]]);
                RL_ASSERT(is_whole(got[i]));
                RL_ASSERT(at[i] >= in[1] || at[i] >= dead[2] || got[i] == right[0][at[i]]);
            }
            bool held = gm_sequence_held(&sequence, begun) || MUTANT == 7;
            for (int i = 0; i < 2 && held; i++)
                RL_ASSERT(got[i] == right[begun / 2][at[i]]);
        }
    }

    void thread(unsigned index)
    {
        if (index != 0)
            return reader();
        change(1);
        change(2);
    }

    // Whatever the reader saw: the moves themselves are right.
    void after()
    {
        for (unsigned i = 0; i < WORDS; i++)
            RL_ASSERT(gm_load_relaxed(&words[i]) == right[2][i]);
    }
};

int main()
{
    rl::test_params params;
    params.search_type = rl::random_scheduler_type;
    params.iteration_count = 400000;
    return rl::simulate<words_model>(params) ? 0 : 1;
}
