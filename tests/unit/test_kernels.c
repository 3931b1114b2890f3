/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Every batch kernel that this machine can run, against a lane-by-lane expectation that searches a plain list. Maps
 * of 0 to 17 runs in all the shapes that kernels treat differently, addresses where they go wrong (edges, wraps,
 * and what looks like an edge in the low bits of a page number), arrays of every length against a guard page.
 */
#include "unit/mapper.h"

#include "lib/guard.h"
#include "unit/kernel_list.h"

#define SIZES 68
#define POOL 512
#define TOP (UINT64_C(1) << 52)
#define FAR (UINT64_C(1) << 56) /* keeps host addresses from being 0 */

static struct mapper m;
static struct gmt_guard gpas;
static struct gmt_guard hvas;
static uint64_t seed;

static uint64_t pool[POOL];
static unsigned pool_count;
static uint64_t lanes_seen;
static uint64_t hits_seen;

/* --- what is expected */

static void *expected(uint64_t gpa, uint64_t len, unsigned rights)
{
    uint64_t last;
    uint64_t delta = 0;
    if (!gm_range_last(gpa, len, &last))
        return NULL;
    for (uint64_t at = gpa;;) {
        const struct gm_region *region = gm_regset_find(m.current->regions, at);
        if (region == NULL || !gm_region_direct(region) || (~gm_word_rights(region->word) & rights & GM_RW) != 0)
            return NULL;
        if (at == gpa)
            delta = region->word & GM_LEAF_DELTA_MASK;
        if ((region->word & GM_LEAF_DELTA_MASK) != delta)
            return NULL;
        if (region->last >= last)
            return (void *)(uintptr_t)(gpa + delta);
        at = region->last + 1;
    }
}

static void pool_add(uint64_t gpa)
{
    if (pool_count < POOL)
        pool[pool_count++] = gpa;
}

/* An address, and what it could be mistaken for. */
static void pool_add_near(uint64_t gpa, uint64_t len)
{
    static const uint64_t away[] = {UINT64_C(1) << 43, UINT64_C(1) << 44, UINT64_C(1) << 52, UINT64_C(1) << 63};
    pool_add(gpa);
    pool_add(gpa - 1);
    pool_add(gpa + 1);
    pool_add(gpa - (len - 1));
    pool_add(gpa - len);
    for (size_t i = 0; i < 4; i++) {
        pool_add(gpa + away[i]);
        pool_add(gpa - away[i]);
    }
}

static void fill_pool(uint64_t len)
{
    static const uint64_t hostile[] = {0, TOP, UINT64_C(1) << 63, UINT64_MAX, UINT64_C(1) << 30, TOP / 2};
    struct gm_cursor cursor;
    pool_count = 0;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
        pool_add_near(hostile[i], len);
    const struct gm_region *region = gm_regset_seek(m.current->regions, 0, &cursor);
    for (; region != NULL; region = gm_regset_next(&cursor)) {
        uint64_t size = region->last - region->first + 1;
        pool_add_near(region->first, len);
        pool_add_near(region->last, len);
        for (unsigned i = 0; i < 6; i++)
            pool_add(region->first + gmt_rand_below(&seed, size));
    }
    for (unsigned i = 0; i < 20; i++)
        pool_add(gmt_rand(&seed) >> gmt_rand_below(&seed, 64));
}

/* --- running one batch */

typedef size_t batch_function(const void *how, const struct gm_batch *batch, const uint64_t *gpa, size_t count,
                              void **hva);

static size_t by_runs(const void *how, const struct gm_batch *batch, const uint64_t *gpa, size_t count, void **hva)
{
    return ((const struct gm_kernel *)how)->runs(&m.current->view, batch, gpa, count, hva);
}

static size_t by_table(const void *how, const struct gm_batch *batch, const uint64_t *gpa, size_t count, void **hva)
{
    return ((const struct gm_kernel *)how)->table(&m.current->view, batch, gpa, count, hva);
}

static size_t by_name(const void *how, const struct gm_batch *batch, const uint64_t *gpa, size_t count, void **hva)
{
    (void)how;
    return gm_translate_batch(&m.current->view, gpa, count, batch->len_less_1 + 1, (unsigned)batch->denied & GM_RW,
                              hva);
}

/* count lanes from the pool, in arrays that end where a page begins that may not be touched. */
static void assert_batch(batch_function *run, const void *how, uint64_t len, unsigned rights, size_t count)
{
    const struct gm_batch batch = {.len_less_1 = len - 1, .denied = GM_LEAF_INDIRECT | rights};
    uint64_t *gpa = gmt_guard_last(&gpas, count * sizeof(*gpa));
    void **hva = gmt_guard_last(&hvas, count * sizeof(*hva));
    size_t hits = 0;
    for (size_t i = 0; i < count; i++) {
        gpa[i] = pool[gmt_rand_below(&seed, pool_count)];
        hva[i] = &seed; /* something that has to be overwritten */
    }
    size_t result = run(how, &batch, gpa, count, hva);
    for (size_t i = 0; i < count; i++) {
        void *want = expected(gpa[i], len, rights);
        if (hva[i] != want)
            fail_msg("lane %zu of %zu: gpa %#lx len %#lx rights %u: %p instead of %p", i, count,
                     (unsigned long)gpa[i], (unsigned long)len, rights, hva[i], want);
        hits += want != NULL;
    }
    assert_int_equal(result, hits);
    lanes_seen += count;
    hits_seen += hits;
}

static void assert_kernels(void)
{
    static const uint64_t lengths[] = {1, 2, 8, 4096, 4097, UINT64_C(1) << 21, (UINT64_C(1) << 21) + 1, GIB + 1,
                                       TOP, UINT64_C(1) << 63, UINT64_MAX};
    for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
        fill_pool(lengths[l]);
        for (size_t k = 0; k < KERNELS; k++) {
            if (!can_run(kernels[k]))
                continue;
            bool runs = kernels[k]->runs != NULL && m.current->runs != NULL;
            assert_result(gm_isa_select(kernels[k]->name), 0);
            for (size_t count = l % 2; count < SIZES; count += l < 3 ? 1 : 2) {
                unsigned rights = (unsigned)gmt_rand_below(&seed, 4);
                if (runs)
                    assert_batch(by_runs, kernels[k], lengths[l], rights, count);
                assert_batch(by_table, kernels[k], lengths[l], rights, count);
                if (count % 16 == 1)
                    assert_batch(by_name, NULL, lengths[l], rights, count);
            }
        }
    }
}

/* --- the maps */

enum shape { PACKED, GAPS, RAGGED, RIGHTS, SPREAD, CONGRUENT, TOPMOST, SHAPES };

static uint64_t run_size(enum shape shape)
{
    uint64_t size = (1 + gmt_rand_below(&seed, 600)) * PAGE;
    if (gmt_rand_below(&seed, 4) == 0)
        size += gmt_rand_below(&seed, 3) * GIB;
    return shape == RAGGED || shape == CONGRUENT ? size + gmt_rand_below(&seed, PAGE) : size;
}

static uint64_t gap_size(enum shape shape)
{
    switch (shape) {
    case PACKED:
    case RIGHTS:
        return 0;
    case RAGGED:
        return gmt_rand_below(&seed, 3 * PAGE);
    case SPREAD:
        return gmt_rand_below(&seed, 64) << 37; /* up to 8 TiB each */
    default:
        return gmt_rand_below(&seed, 4) * PAGE;
    }
}

static unsigned run_rights(enum shape shape)
{
    static const unsigned some[] = {GM_READ, GM_WRITE, GM_RW};
    return shape == RIGHTS ? some[gmt_rand_below(&seed, 3)] : GM_RW;
}

static void build(enum shape shape, unsigned count)
{
    uint64_t at = shape == PACKED ? 0 : shape == RAGGED ? 12345 : 3 * PAGE;
    mapper_begin(&m);
    for (unsigned i = 0; i < count; i++) {
        uint64_t size = run_size(shape);
        if (shape == CONGRUENT && i != 0)
            at = ((at - 77) + PAGE - 1) / PAGE * PAGE + 77; /* begins as far into a page as the first */
        if (shape == CONGRUENT && i == 0)
            at = 77;
        if (shape == TOPMOST && i + 1 == count)
            at = TOP - size;
        /* pairs that are one in host memory but for their rights, else each on its own */
        uint64_t where = (shape == RIGHTS ? i / 2 : i) * 7 + 1;
        uint64_t word = mapper_word((FAR >> GM_PAGE_SHIFT) + where * 4096, run_rights(shape));
        mapper_add(&m, at, at + size - 1, word);
        at += size;
        if (shape == GAPS && i % 3 == 2) { /* a device between them */
            mapper_add(&m, at, at + 99, GM_LEAF_ASK);
            at += PAGE;
        }
        at += gap_size(shape);
    }
    mapper_commit(&m);
    mapper_assert_sound(&m);
    assert_int_equal(m.current->runs != NULL, count != 0 && count <= GM_RUNS_LIMIT);
}

static int open_all(void **state)
{
    (void)state;
    seed = 0x6b65726e;
    assert_int_equal(gmt_guard_open(&gpas, SIZES * 8), 0);
    assert_int_equal(gmt_guard_open(&hvas, SIZES * 8), 0);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    gmt_guard_close(&gpas);
    gmt_guard_close(&hvas);
    assert_int_equal(ledger.live, 0);
    return 0;
}

static void every_kernel_on_every_map(void **state)
{
    (void)state;
    kernels_announce();
    for (unsigned count = 0; count <= GM_RUNS_LIMIT + 1; count++) {
        for (enum shape shape = PACKED; shape < SHAPES; shape++) {
            mapper_open(&m);
            build(shape, count);
            assert_kernels();
            mapper_close(&m);
        }
    }
    print_message("%lu lanes, %lu of them translated\n", (unsigned long)lanes_seen, (unsigned long)hits_seen);
    assert_true(hits_seen > lanes_seen / 50 && hits_seen < lanes_seen); /* both answers were seen in numbers */
}

/* The same view without a table and without regions: what is answered now, the runs answer. */
static struct gm_version *without_table(void)
{
    struct gm_version *version = gm_alloc(NULL, gm_version_size(0));
    assert_non_null(version);
    memset(version, 0, gm_version_size(0));
    version->runs = m.current->runs;
    version->view.generation = 1;
    return version;
}

static void assert_answers_alone(const struct gm_kernel *kernel, const struct gm_version *version, uint64_t len)
{
    const struct gm_batch batch = {.len_less_1 = len - 1, .denied = GM_LEAF_INDIRECT | GM_RW};
    const struct gm_runs *runs = version->runs;
    uint64_t gpa[8];
    void *hva[8];
    for (unsigned i = 0; i < runs->count; i++) {
        uint64_t room = runs->last[i] - runs->first[i] + 1;
        if (room < len)
            continue;
        for (unsigned lane = 2; lane < 8; lane++)
            gpa[lane] = runs->first[i] + gmt_rand_below(&seed, room - len + 1);
        gpa[0] = runs->first[i]; /* the first and the last access that fit */
        gpa[1] = runs->last[i] - (len - 1);
        assert_int_equal(kernel->runs(&version->view, &batch, gpa, 8, hva), 8);
        for (unsigned lane = 0; lane < 8; lane++)
            assert_ptr_equal(hva[lane], expected(gpa[lane], len, GM_RW));
    }
}

static void assert_kernel_alone(const struct gm_kernel *kernel, const struct gm_version *version)
{
    if (!can_run(kernel) || kernel->runs == NULL)
        return;
    for (uint64_t len = 1; len < GIB; len *= 17)
        assert_answers_alone(kernel, version, len);
    for (unsigned i = 0; i < version->runs->count; i++) /* and all of a run at once */
        assert_answers_alone(kernel, version, version->runs->last[i] - version->runs->first[i] + 1);
}

/* A kernel that takes every lane to the slow path gives right answers, too; it only is no kernel. */
static void runs_answer_by_themselves(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= GM_RUNS_LIMIT; count++) {
        mapper_open(&m);
        build(CONGRUENT, count);
        assert_true(m.current->runs->paged);
        struct gm_version *version = without_table();
        for (size_t k = 0; k < KERNELS; k++)
            assert_kernel_alone(kernels[k], version);
        gm_free(NULL, version, gm_version_size(0));
        mapper_close(&m);
    }
}

/* An empty set of runs (everything removed again) is not the same as none. */
static void a_map_that_was_emptied(void **state)
{
    (void)state;
    mapper_open(&m);
    build(GAPS, 2);
    mapper_begin(&m);
    mapper_remove(&m, 3 * PAGE);
    struct gm_cursor cursor;
    mapper_remove(&m, gm_regset_seek(m.regions, 0, &cursor)->first);
    mapper_commit(&m);
    assert_int_equal(m.current->runs->count, 0);
    assert_kernels();
    mapper_close(&m);
}

/* Lengths that no kernel gets to see. */
static void lengths_of_nothing(void **state)
{
    uint64_t gpa[9] = {0};
    void *hva[9];
    (void)state;
    mapper_open(&m);
    build(PACKED, 3);
    const struct gm_view *view = &m.current->view;
    for (unsigned i = 0; i < 9; i++)
        hva[i] = &seed;
    assert_int_equal(gm_translate_batch(view, gpa, 9, 0, GM_RW, hva), 0);
    for (unsigned i = 0; i < 9; i++)
        assert_null(hva[i]);
    for (uint64_t len = 0; len < 3; len++) { /* not a linear space */
        for (unsigned i = 0; i < 9; i++)
            hva[i] = &seed;
        assert_int_equal(gm_linear_batch(view, gpa, 9, len, hva), 0);
        for (unsigned i = 0; i < 9; i++)
            assert_null(hva[i]);
    }
    assert_int_equal(gm_translate_batch(view, NULL, 0, 1, GM_RW, NULL), 0);
    mapper_close(&m);
}

#define ALL(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALL(every_kernel_on_every_map),
        ALL(runs_answer_by_themselves),
        ALL(a_map_that_was_emptied),
        ALL(lengths_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
