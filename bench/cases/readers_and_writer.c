/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Does a reader slow down while a writer publishes as fast as it can (T8)? The reader pins, translates 32
 * addresses and unpins, on the second CPU; the writer adds and removes one region beyond all others, on the
 * first. Repetitions with and without the writer alternate, and the value is the share of the undisturbed
 * speed that is left. The writer never touches what the reader reads, so every sum is still checked.
 * Processors that share a core, and noisy machines, slow a reader without any writing: a thread that only
 * computes, in the writer's place, shows how much.
 */
#include "cases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../lib/inputset.h"
#include "../lib/worker.h"

#define REGIONS 16
#define PER_PIN 32
#define EXTRA_BYTES (UINT64_C(4) << 20)
#define SPIN UINT32_MAX /* instead of commit flags: no writer, but its CPU is busy */

struct traffic {
    struct gm_space *space;
    struct gm_backing *extra;
    uint64_t extra_gpa;
    void *memory;
    struct bench_loop idle, busy;
    struct bench_worker writer;
    unsigned flags;
};

static uint64_t run_reader(void *self, const uint64_t *gpa, size_t count)
{
    const struct traffic *traffic = self;
    uint64_t sum = 0;

    for (size_t at = 0; at < count; at += PER_PIN) {
        const struct gm_view *view = gm_pin(traffic->space);
        for (size_t i = at; i < at + PER_PIN; i++)
            sum += (uintptr_t)gm_translate(view, gpa[i], BENCH_ACCESS_LEN, GM_READ);
        (void)gm_unpin();
    }
    return sum;
}

static int edit(const struct traffic *traffic, int add)
{
    struct gm_region_desc desc = {
        .gpa = traffic->extra_gpa, .size = EXTRA_BYTES, .kind = GM_KIND_RAM, .backing = traffic->extra};
    struct gm_txn *txn;
    int result = gm_txn_begin(traffic->space, &txn);

    if (result != 0)
        return result;
    result = add ? gm_txn_add(txn, &desc) : gm_txn_remove(txn, traffic->extra_gpa, EXTRA_BYTES);
    if (result == 0)
        return gm_txn_commit(txn, traffic->flags);
    gm_txn_abort(txn);
    return result;
}

static int write_step(void *argument)
{
    int result = edit(argument, 1);

    return result != 0 ? result : edit(argument, 0);
}

/* In the writer's place: work that touches no memory. What the reader loses to it, it loses to the machine.
 */
static int spin_step(void *argument)
{
    uint64_t x = (uintptr_t)argument;

    for (int i = 0; i < 1000; i++) {
        x = x * 3 + 1;
        bench_opaque(x);
    }
    return 0;
}

static int start_writer(void *fixture)
{
    struct traffic *traffic = ((struct bench_loop *)fixture)->self;

    return bench_worker_start(&traffic->writer);
}

static void stop_writer(void *fixture)
{
    struct traffic *traffic = ((struct bench_loop *)fixture)->self;

    (void)bench_worker_stop(&traffic->writer);
    (void)gm_space_reclaim(traffic->space);
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    struct bench_fixture *fixture;
    struct bench_addresses *addresses;
    struct bench_member *ours, *floor;
    struct traffic *traffic;
    int result;

    if (bench_cpu_count() < 2)
        return bench_row_skip(row, "needs 2 CPUs, this process has 1");
    result = bench_fixture_get(row, session, BENCH_UNIFORM, &fixture, &addresses);
    if (result != 0 || row->wrong)
        return result;
    row->priv = traffic = calloc(1, sizeof(*traffic));
    if (traffic == NULL)
        return bench_row_skip(row, "no memory");
    traffic->space = fixture->space.space;
    traffic->extra_gpa = bench_free_above(fixture->layout, EXTRA_BYTES);
    traffic->flags = (unsigned)row->param;
    traffic->writer = (struct bench_worker){
        .step = row->param == SPIN ? spin_step : write_step, .argument = traffic, .cpu = 0};
    traffic->memory = mmap(NULL, EXTRA_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    result = traffic->memory == MAP_FAILED
                 ? -errno
                 : gm_backing_wrap(traffic->memory, EXTRA_BYTES, NULL, NULL, &traffic->extra);
    if (result != 0)
        return bench_row_skip(row, "no memory for the writer's region: %s", strerror(-result));
    traffic->idle = (struct bench_loop){.run = run_reader, .self = traffic, .addresses = addresses};
    traffic->busy = traffic->idle;
    ours = bench_member_add(members, BENCH_OURS, bench_loop_body, &traffic->busy, BENCH_CHUNK);
    ours->start = start_writer;
    ours->stop = stop_writer;
    floor = bench_member_add(members, BENCH_FLOOR, bench_loop_body, &traffic->idle, BENCH_CHUNK);
    ours->cpu = floor->cpu = 1;
    return 0;
}

static void release(struct bench_row *row)
{
    struct traffic *traffic = row->priv;

    if (traffic == NULL)
        return;
    if (traffic->writer.error != 0)
        (void)bench_row_skip(row, "the writer failed: %s", strerror(-traffic->writer.error));
    else if (row->has_ours && traffic->writer.steps == 0)
        (void)bench_row_skip(row, "the writer never published");
    (void)gm_space_reclaim(traffic->space);
    gm_backing_put(traffic->extra);
    if (traffic->memory != NULL && traffic->memory != MAP_FAILED)
        munmap(traffic->memory, EXTRA_BYTES);
    free(traffic);
    row->priv = NULL;
}

static void add_row(struct bench_session *session, const struct bench_input *input, const char *name,
                    unsigned flags)
{
    struct bench_row *row =
        bench_row_add(session, "T8", "ratio", "reader-speed/writer:%s/%s", name, input->label);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->release = release;
    row->input = input;
    row->param = flags;
    row->value = BENCH_SPEED_OF_FLOOR;
    row->rule = flags == SPIN ? BENCH_NO_TARGET : BENCH_AT_LEAST;
    row->limit = 0.95;
}

/* A guest of ordinary size: the recorded one of that name, or whatever guest the user gave first. */
static const struct bench_input *usual_guest(const struct bench_session *session)
{
    for (size_t i = 0; i < session->input_count; i++)
        if (strcmp(session->inputs[i].label, "layout:q35-64g") == 0)
            return &session->inputs[i];
    return &session->inputs[0];
}

void bench_case_readers_and_writer(struct bench_session *session)
{
    const struct bench_input *inputs[] = {usual_guest(session), bench_input_even(session, REGIONS)};

    for (size_t i = 0; i < 2; i++) {
        add_row(session, inputs[i], "async", GM_COMMIT_ASYNC);
        add_row(session, inputs[i], "wait", GM_COMMIT_WAIT);
        add_row(session, inputs[i], "none-but-a-busy-cpu", SPIN);
    }
}
