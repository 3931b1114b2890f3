/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Loads whose answer is known beforehand. All but the first ask one thing again and again, of a heap that is built to
 * make the answer hard to find: what it costs to look for it is the question.
 */
#include "load.h"

#include <errno.h>
#include <stdlib.h>

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)
#define LOW_END (4 * GIB)
#define BASE (64 * GIB) /* of arenas; a multiple of every alignment that is asked for */
#define REPEATS 1024
#define MAX_N ((size_t)1 << 24)

static const char *const names[BENCH_LOAD_KINDS] = {
    [BENCH_LOAD_BUMP] = "bump",
    [BENCH_LOAD_PACKED] = "packed",
    [BENCH_LOAD_PACKED_HIGHEST] = "packed/highest",
    [BENCH_LOAD_CHECKERBOARD] = "checkerboard",
    [BENCH_LOAD_NO_FIT] = "no-fit",
    [BENCH_LOAD_HIGH_WINDOW] = "high-window",
    [BENCH_LOAD_FIXED] = "fixed",
    [BENCH_LOAD_NATURAL_TRAP] = "alignment-trap/natural",
    [BENCH_LOAD_TRAP] = "alignment-trap/other",
    [BENCH_LOAD_LOW_WINDOW] = "low-window",
    [BENCH_LOAD_LOW_WINDOW_HIGHEST] = "low-window/highest",
    [BENCH_LOAD_CHECKERBOARD_HIGHEST] = "checkerboard/highest",
    [BENCH_LOAD_CLASSES] = "classes-20",
    [BENCH_LOAD_WINDOW_EDGES] = "window-edges",
    [BENCH_LOAD_CHURN] = "churn/natural",
    [BENCH_LOAD_VMM] = "vmm",
    [BENCH_LOAD_IOVA] = "iova",
};

const char *bench_load_name(enum bench_load_kind kind)
{
    return names[kind];
}

int bench_load_room(struct bench_load *load, size_t placed, size_t units, size_t per_unit, size_t slots)
{
    free(load->placed);
    free(load->ops);
    free(load->answers);
    free(load->sums);
    load->placed = calloc(placed + 1, sizeof(*load->placed));
    load->ops = calloc(units * per_unit, sizeof(*load->ops));
    load->answers = calloc(units, sizeof(*load->answers));
    load->sums = calloc(units + 1, sizeof(*load->sums));
    load->placed_count = placed;
    load->units = units;
    load->per_unit = per_unit;
    load->slots = slots;
    return load->placed != NULL && load->ops != NULL && load->answers != NULL && load->sums != NULL ? 0 : -ENOMEM;
}

/* The end of the arena is also that of every window that is not asked for. */
static void arena_is(struct bench_load *load, uint64_t base, uint64_t end)
{
    load->base = base;
    load->size = end - base;
}

static void ask(struct bench_load *load, uint64_t size, uint64_t align, enum bench_policy policy)
{
    load->requests[0] = (struct bench_request){.size = size,
                                               .align = align,
                                               .min = load->base,
                                               .max = load->base + (load->size - 1),
                                               .policy = (uint32_t)policy};
    load->request_count = 1;
    load->needs = policy == BENCH_HIGHEST ? BENCH_CAN_HIGHEST : policy == BENCH_FIXED ? BENCH_CAN_FIXED : 0;
}

static void ask_between(struct bench_load *load, uint64_t min, uint64_t max)
{
    load->requests[0].min = min;
    load->requests[0].max = max;
    if (load->requests[0].policy != BENCH_FIXED)
        load->needs |= BENCH_CAN_WINDOW;
}

/* The one request, over and over, into the slot behind those of the ranges that are there. */
static void repeat(struct bench_load *load, uint64_t answer)
{
    uint32_t slot = (uint32_t)load->placed_count;

    for (size_t i = 0; i < load->units; i++) {
        load->ops[i * load->per_unit] = (struct bench_op){.slot = slot, .kind = BENCH_ALLOCATE};
        if (load->per_unit == 2)
            load->ops[i * 2 + 1] = (struct bench_op){.slot = slot, .kind = BENCH_FREE};
        load->answers[i] = answer;
    }
    load->neutral = 1;
}

static int make_bump(struct bench_load *load)
{
    int result = bench_load_room(load, 0, load->n, 1, load->n);

    arena_is(load, BASE, BASE + load->n * BENCH_PAGE + GIB);
    ask(load, BENCH_PAGE, BENCH_PAGE, BENCH_LOWEST);
    for (size_t i = 0; i < load->n && result == 0; i++) {
        load->ops[i] = (struct bench_op){.slot = (uint32_t)i, .kind = BENCH_ALLOCATE};
        load->answers[i] = load->base + i * BENCH_PAGE;
    }
    return result;
}

static int make_packed(struct bench_load *load)
{
    int result = bench_load_room(load, load->n, REPEATS, 2, load->n + 1);
    int highest = load->kind == BENCH_LOAD_PACKED_HIGHEST;
    uint64_t used = load->n * BENCH_PAGE;

    if (result != 0)
        return result;
    arena_is(load, BASE, BASE + used + GIB);
    ask(load, BENCH_PAGE, BENCH_PAGE, highest ? BENCH_HIGHEST : BENCH_LOWEST);
    for (size_t i = 0; i < load->n; i++)
        load->placed[i] = (struct bench_extent){load->base + (highest ? GIB : 0) + i * BENCH_PAGE, BENCH_PAGE};
    repeat(load, highest ? load->base + GIB - BENCH_PAGE : load->base + used);
    return 0;
}

/* Holes at even pages, used odd ones, a GiB behind them. */
static int make_holes(struct bench_load *load)
{
    size_t per_unit = load->kind == BENCH_LOAD_NO_FIT ? 1 : 2;
    int result = bench_load_room(load, load->n, REPEATS, per_unit, load->n + 1);
    uint64_t tail = BASE + 2 * load->n * BENCH_PAGE;
    uint64_t inside = tail + GIB / 2;

    if (result != 0)
        return result;
    arena_is(load, BASE, tail + GIB);
    for (size_t i = 0; i < load->n; i++)
        load->placed[i] = (struct bench_extent){load->base + (2 * i + 1) * BENCH_PAGE, BENCH_PAGE};
    if (load->kind == BENCH_LOAD_CHECKERBOARD) {
        ask(load, 2 * BENCH_PAGE, BENCH_PAGE, BENCH_LOWEST);
        repeat(load, tail);
    } else if (load->kind == BENCH_LOAD_NO_FIT) {
        ask(load, 1024 * GIB, BENCH_PAGE, BENCH_LOWEST);
        repeat(load, BENCH_NOWHERE);
    } else if (load->kind == BENCH_LOAD_HIGH_WINDOW) {
        ask(load, BENCH_PAGE, BENCH_PAGE, BENCH_LOWEST);
        ask_between(load, inside, inside + 2 * MIB - 1);
        repeat(load, inside);
    } else {
        ask(load, BENCH_PAGE, BENCH_PAGE, BENCH_FIXED);
        ask_between(load, inside, inside + BENCH_PAGE - 1);
        repeat(load, inside);
    }
    return 0;
}

/* Every 8 MiB a gap that begins at `phase`, and behind the last of them one that begins at a boundary. */
static int make_trap(struct bench_load *load)
{
    int natural = load->kind == BENCH_LOAD_NATURAL_TRAP;
    uint64_t phase = (natural ? 1 : 200) * BENCH_PAGE, gap = (natural ? 512 : 640) * BENCH_PAGE;
    uint64_t wanted = (natural ? 512 : 384) * BENCH_PAGE, period = 8 * MIB, from = BASE;
    int result = bench_load_room(load, load->n + 1, REPEATS, 2, load->n + 2);

    if (result != 0)
        return result;
    for (size_t i = 0; i <= load->n; i++) {
        uint64_t to = BASE + i * period + (i < load->n ? phase : 0);
        load->placed[i] = (struct bench_extent){from, to - from};
        from = to + gap;
    }
    arena_is(load, BASE, BASE + load->n * period + wanted);
    ask(load, wanted, 2 * MIB, BENCH_LOWEST);
    repeat(load, BASE + load->n * period);
    return 0;
}

/* From 1 GiB to 4 GiB all is used but one page at 3 GiB; above, gaps of 128 KiB with used pages between. */
static int make_low_window(struct bench_load *load)
{
    uint64_t gap = 32 * BENCH_PAGE, from = LOW_END + gap;
    int result = bench_load_room(load, load->n + 2, REPEATS, 2, load->n + 3);
    int highest = load->kind == BENCH_LOAD_LOW_WINDOW_HIGHEST;

    if (result != 0)
        return result;
    load->placed[0] = (struct bench_extent){GIB, 2 * GIB};
    load->placed[1] = (struct bench_extent){3 * GIB + BENCH_PAGE, GIB - BENCH_PAGE};
    for (size_t i = 0; i < load->n; i++, from += gap + BENCH_PAGE)
        load->placed[i + 2] = (struct bench_extent){from, BENCH_PAGE};
    arena_is(load, GIB, from - gap);
    ask(load, BENCH_PAGE, BENCH_PAGE, highest ? BENCH_HIGHEST : BENCH_LOWEST);
    ask_between(load, load->base, LOW_END - 1);
    repeat(load, 3 * GIB);
    return 0;
}

static int make(struct bench_load *load, uint64_t seed)
{
    switch (load->kind) {
    case BENCH_LOAD_BUMP:
        return make_bump(load);
    case BENCH_LOAD_PACKED:
    case BENCH_LOAD_PACKED_HIGHEST:
        return make_packed(load);
    case BENCH_LOAD_NATURAL_TRAP:
    case BENCH_LOAD_TRAP:
        return make_trap(load);
    case BENCH_LOAD_LOW_WINDOW:
    case BENCH_LOAD_LOW_WINDOW_HIGHEST:
        return make_low_window(load);
    case BENCH_LOAD_CHURN:
        return bench_load_churn(load, seed);
    case BENCH_LOAD_CHECKERBOARD_HIGHEST:
        return bench_load_checkerboard_highest(load);
    case BENCH_LOAD_CLASSES:
        return bench_load_classes(load);
    case BENCH_LOAD_WINDOW_EDGES:
        return bench_load_window_edges(load, seed);
    case BENCH_LOAD_VMM:
        return bench_load_vmm(load, seed);
    case BENCH_LOAD_IOVA:
        return bench_load_iova(load, seed);
    default:
        return make_holes(load);
    }
}

static void add_up(struct bench_load *load)
{
    for (size_t i = 0; i < load->units; i++)
        load->sums[i + 1] = load->sums[i] + (load->answers[i] == BENCH_NOWHERE ? 0 : load->answers[i]);
    load->unit_failures = load->answers[0] == BENCH_NOWHERE;
}

int bench_load_make(enum bench_load_kind kind, size_t n, uint64_t seed, struct bench_load **out)
{
    struct bench_load *load = calloc(1, sizeof(*load));
    int result;

    if (load == NULL)
        return -ENOMEM;
    load->kind = kind;
    load->n = n;
    result = n == 0 || n > MAX_N ? -EINVAL : make(load, seed);
    if (result != 0) {
        bench_load_free(load);
        return result;
    }
    add_up(load);
    *out = load;
    return 0;
}

void bench_load_free(struct bench_load *load)
{
    if (load == NULL)
        return;
    free(load->placed);
    free(load->ops);
    free(load->answers);
    free(load->sums);
    free(load);
}

int bench_load_suits(const struct bench_load *load, const struct bench_arena *arena)
{
    if (!bench_arena_can(arena, load->needs) ||
        ((arena->can & BENCH_NOT_LOWEST) != 0 && (load->needs & BENCH_CAN_HIGHEST) == 0))
        return 0;
    for (size_t i = 0; i < load->request_count; i++)
        if ((arena->can & BENCH_NOT_EXACT) != 0 && load->requests[i].align > BENCH_PAGE)
            return 0;
    return 1;
}

void bench_load_slots(const struct bench_load *load, uint64_t *slots)
{
    for (size_t i = 0; i < load->slots; i++)
        slots[i] = i < load->placed_count ? load->placed[i].address : BENCH_NOWHERE;
}

int bench_load_right(const struct bench_load *load, size_t from, size_t count, const struct bench_answer *answer)
{
    return answer->failures == count * load->unit_failures &&
           answer->sum == load->sums[from + count] - load->sums[from];
}
