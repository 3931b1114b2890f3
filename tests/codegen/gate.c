/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * gate NAME COUNT: does one hot operation COUNT times and nothing else that depends on COUNT, so that the
 * difference of the instructions of two runs, divided by the difference of their counts, is exactly what
 * one operation costs, its loop included. gates.py runs it under callgrind.
 *
 * The inlined paths read a view made by hand, whose layout is public: their number depends on the header
 * and on the compiler alone. The others use a space of the library as it was built.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <guestmem/guestmem.h>

#define ADDRESSES 1024 /* a power of two: wrapping costs one AND */
#define BATCH 256
#define REGIONS 8
#define REGION_SIZE (UINT64_C(64) << 20)

#define LINEAR_SIZE (UINT64_C(4) << 30)

struct input {
    const struct gm_view *view;
    struct gm_space *space;
    gm_gpa gpa[ADDRESSES];
};

typedef uint64_t gate_run(struct input *input, uint64_t count);

static uint64_t run_floor(struct input *input, uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += input->gpa[i % ADDRESSES];
    return sum;
}

static uint64_t run_direct(struct input *input, uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += (uintptr_t)gm_translate_direct(input->view, input->gpa[i % ADDRESSES], 8, GM_READ);
    return sum;
}

static uint64_t run_translate(struct input *input, uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += (uintptr_t)gm_translate(input->view, input->gpa[i % ADDRESSES], 8, GM_READ);
    return sum;
}

static uint64_t run_span(struct input *input, uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct gm_span span;
        if (gm_translate_span(input->view, input->gpa[i % ADDRESSES], &span) == 0)
            sum += (uintptr_t)span.address + span.len + span.rights;
    }
    return sum;
}

static uint64_t run_handle(struct input *input, uint64_t count)
{
    struct gm_handle handle;
    uint64_t sum = 0;
    if (gm_handle_init(&handle, input->view, input->gpa[0], 8, GM_READ) != 0)
        return 0;
    for (uint64_t i = 0; i < count; i++) {
        __asm__ volatile("" : : "r"(&handle), "r"(input->view) : "memory");
        sum += (uintptr_t)gm_handle_get(&handle, input->view) + i;
    }
    return sum;
}

static uint64_t run_pin(struct input *input, uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        sum += gm_pin(input->space)->generation;
        (void)gm_unpin();
    }
    return sum;
}

static uint64_t run_batch(struct input *input, uint64_t count)
{
    static void *hva[BATCH];
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i += BATCH)
        sum += gm_translate_batch(input->view, input->gpa + i % ADDRESSES, BATCH, 8, GM_READ, hva);
    return sum;
}

static uint64_t run_linear(struct input *input, uint64_t count)
{
    static void *hva[BATCH];
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i += BATCH)
        sum += gm_linear_batch(input->view, input->gpa + i % ADDRESSES, BATCH, 8, hva);
    return sum;
}

static uint64_t run_iov(struct input *input, uint64_t count)
{
    struct iovec iov[4];
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += (uint64_t)gm_translate_iov(input->view, input->gpa[i % ADDRESSES], 8, GM_READ, iov, 4);
    return sum;
}

static uint64_t run_read(struct input *input, uint64_t count)
{
    uint64_t sum = 0, value;
    for (uint64_t i = 0; i < count; i++)
        sum += gm_guest_read_u64(input->view, input->gpa[i % ADDRESSES], &value) == 0 ? value : 1;
    return sum;
}

/* Of pages that are dirty already. */
static uint64_t run_write(struct input *input, uint64_t count)
{
    uint64_t done = 0;
    for (uint64_t i = 0; i < count; i++)
        done += gm_guest_write_u64(input->view, input->gpa[i % ADDRESSES], i) == 0;
    return done;
}

static uint64_t run_store(struct input *input, uint64_t count)
{
    uint64_t done = 0;
    for (uint64_t i = 0; i < count; i++)
        done += gm_guest_store_u32(input->view, input->gpa[i % ADDRESSES], GM_RELEASE, (uint32_t)i) == 0;
    return done;
}

static uint64_t run_fetch_or(struct input *input, uint64_t count)
{
    uint64_t done = 0;
    for (uint64_t i = 0; i < count; i++)
        done += gm_guest_fetch_or_u64(input->view, input->gpa[i % ADDRESSES], GM_ACQ_REL, i, NULL) == 0;
    return done;
}

static uint64_t run_read_16(struct input *input, uint64_t count)
{
    uint64_t sum = 0, words[2];
    for (uint64_t i = 0; i < count; i++)
        sum += gm_guest_read_object(input->view, input->gpa[i % ADDRESSES], &words) == 0 ? words[0] ^ words[1] : 1;
    return sum;
}

static uint64_t run_read_any(struct input *input, uint64_t count)
{
    uint64_t sum = 0, words[8];
    for (uint64_t i = 0; i < count; i++) {
        size_t len = sizeof(words);
        __asm__ volatile("" : "+r"(len));
        sum += gm_guest_read(input->view, input->gpa[i % ADDRESSES] & ~UINT64_C(63), words, len) == 0 ? words[7] : 1;
    }
    return sum;
}

static uint64_t run_write_any(struct input *input, uint64_t count)
{
    uint64_t done = 0, words[8] = {0};
    for (uint64_t i = 0; i < count; i++) {
        size_t len = sizeof(words);
        __asm__ volatile("" : "+r"(len));
        done += gm_guest_write(input->view, input->gpa[i % ADDRESSES] & ~UINT64_C(63), words, len) == 0;
    }
    return done;
}

static const struct gate {
    const char *name;
    gate_run *run;
    const char *isa; /* NULL: needs no library */
} gates[] = {
    {"floor", run_floor, NULL},
    {"translate/direct", run_direct, NULL},
    {"translate/inline", run_translate, NULL},
    {"translate/span", run_span, NULL},
    {"translate/iov", run_iov, "scalar"},
    {"translate/batch-scalar", run_batch, "scalar"},
    {"translate/batch-avx2", run_batch, "avx2"},
    {"translate/linear-scalar", run_linear, "scalar"},
    {"translate/linear-avx2", run_linear, "avx2"},
    {"translate/handle", run_handle, "scalar"},
    {"view/pin-unpin", run_pin, "scalar"},
    {"access/read-u64", run_read, "scalar"},
    {"access/write-u64", run_write, "scalar"},
    {"access/store-u32", run_store, "scalar"},
    {"access/fetch-or-u64", run_fetch_or, "scalar"},
    {"access/read-16", run_read_16, "scalar"},
    {"access/read-any-64", run_read_any, "scalar"},
    {"access/write-any-64", run_write_any, "scalar"},
};

/* One GiB of RAM in 512 uniform blocks, written down as the header documents it. */
static void view_by_hand(struct input *input)
{
    static uint64_t blocks[GM_GIB_BLOCKS];
    static struct {
        struct gm_view view;
        uint64_t top[1];
    } by_hand = {.view = {.gib_count = 1, .generation = 1}};
    by_hand.top[0] = (uint64_t)(uintptr_t)blocks;
    for (unsigned i = 0; i < GM_GIB_BLOCKS; i++)
        blocks[i] = UINT64_C(0x100000000000);
    for (unsigned i = 0; i < ADDRESSES; i++)
        input->gpa[i] = (i * UINT64_C(0x9e3779b97f4a7c15) >> 34) & ~UINT64_C(7);
    input->view = &by_hand.view;
}

static int add_region(struct gm_txn *txn, unsigned index)
{
    const struct gm_region_desc region = {.gpa = index * 2 * REGION_SIZE, .size = REGION_SIZE};
    return gm_txn_add(txn, &region);
}

/* Eight regions with holes between them in a linear space, which answers every kind of lookup. */
static int by_library(struct input *input)
{
    const struct gm_dirty_config dirty = {.size = LINEAR_SIZE, .numa_node = -1, .flags = GM_DIRTY_ON};
    struct gm_space_config config = {.linear_size = LINEAR_SIZE, .numa_node = -1};
    struct gm_txn *txn;
    if (gm_dirty_create(&dirty, &config.dirty) != 0)
        return 1;
    if (gm_space_create(&config, &input->space) != 0 || gm_txn_begin(input->space, &txn) != 0)
        return 1;
    for (unsigned i = 0; i < REGIONS; i++) {
        if (add_region(txn, i) != 0)
            return 1;
    }
    if (gm_txn_commit(txn, GM_COMMIT_WAIT) != 0 || gm_reader_register() != 0)
        return 1;
    for (unsigned i = 0; i < ADDRESSES; i++) {
        uint64_t random = i * UINT64_C(0x9e3779b97f4a7c15) >> 20;
        input->gpa[i] = (random % REGIONS) * 2 * REGION_SIZE + (random / REGIONS % (REGION_SIZE / 8)) * 8;
    }
    input->view = gm_pin(input->space);
    for (unsigned i = 0; i < ADDRESSES && input->view != NULL; i++) /* dirty, as pages that are used mostly are */
        (void)gm_guest_mark(input->view, input->gpa[i], 8);
    return input->view == NULL;
}

/* A gate that counts the way to the wrong answer would be easy to keep. */
static int answers(const struct input *input)
{
    for (unsigned i = 0; i < ADDRESSES; i++) {
        if (gm_translate(input->view, input->gpa[i], 8, GM_READ) == NULL)
            return 0;
    }
    return 1;
}

int main(int argc, char **argv)
{
    static struct input input;
    if (argc != 3)
        return 2;
    for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
        if (strcmp(gates[i].name, argv[1]) != 0)
            continue;
        if (gates[i].isa != NULL && gm_isa_select(gates[i].isa) != 0) {
            printf("SKIPPED: no %s kernels here\n", gates[i].isa);
            return 77;
        }
        if (gates[i].isa == NULL)
            view_by_hand(&input);
        else if (by_library(&input) != 0)
            return 1;
        if (!answers(&input))
            return 1;
        /* The sum is printed with a fixed width, so that printing costs the same whatever it is. */
        return printf("%016llx\n", (unsigned long long)gates[i].run(&input, strtoull(argv[2], NULL, 10))) < 0;
    }
    fprintf(stderr, "no gate '%s'\n", argv[1]);
    return 2;
}
