/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Moving words by one place: every position of every count, against memmove; no other word is changed. */
#include "lib/cm.h"

#include "base/words.h"

#define MOST 64
#define GUARD UINT32_C(0xdead0000)

struct words {
    uint32_t before[4];
    uint32_t word[MOST + GM_WORDS_BEHIND];
    uint32_t behind[4];
};

static struct words numbered(void)
{
    struct words words;
    uint32_t *all = words.before;
    for (uint32_t i = 0; i < sizeof(words) / sizeof(uint32_t); i++)
        all[i] = GUARD + i;
    return words;
}

/* Alike but for one word, or none. */
static void assert_alike(const struct words *found, const struct words *want, uint32_t but)
{
    assert_memory_equal(found->before, want->before, sizeof(found->before));
    assert_memory_equal(found->behind, want->behind, sizeof(found->behind));
    for (uint32_t i = 0; i < MOST + GM_WORDS_BEHIND; i++)
        if (i != but)
            assert_int_equal(found->word[i], want->word[i]);
}

static void up(void **state)
{
    (void)state;
    for (uint32_t count = 0; count < MOST; count++)
        for (uint32_t position = 0; position <= count; position++) {
            struct words found = numbered(), want = numbered();
            gm_words_up(found.word, position, count);
            memmove(&want.word[position + 1], &want.word[position], (count - position) * sizeof(uint32_t));
            assert_alike(&found, &want, position);
        }
}

static void down(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= MOST; count++)
        for (uint32_t position = 0; position < count; position++) {
            struct words found = numbered(), want = numbered();
            gm_words_down(found.word, position, count);
            memmove(&want.word[position], &want.word[position + 1], (count - position - 1) * sizeof(uint32_t));
            assert_alike(&found, &want, count - 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(up), cmocka_unit_test(down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
