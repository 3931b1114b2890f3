/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does a descriptor cost, from the ring to an iovec, with all checks (T7)? Chains are those that Linux drivers
 * made on a recorded machine, direct and indirect, with their lengths; an operation is one buffer of a chain, so that
 * what is done once for a chain, and for a table, is in it. The same for the chains of a user's trace (TR).
 */
#include "virtqueue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../lib/inputset.h"
#include "../lib/text.h"
#include "../lib/traceset.h"

#define TRACE "linux-virtio-4g"
#define LIMIT 4.0 /* [ns] */
#define MOST_WALKERS 8

static const struct question {
    const char *name;
    vq_pass *ours;
    int queue, packed, rivals;
} questions[] = {
    {"split/call/all-queues", vq_ours_call, VQ_ANY_QUEUE, 0, 1},
    {"split/call/disk-indirect", vq_ours_call, 0, 0, 1},
    {"split/call/disk-direct", vq_ours_call, 1, 0, 1},
    {"split/call/net-receive", vq_ours_call, 2, 0, 1},
    {"split/call/net-send", vq_ours_call, 3, 0, 1},
    {"split/batch/all-queues", vq_ours_batch, VQ_ANY_QUEUE, 0, 0},
    {"packed/call/all-queues", vq_ours_packed, VQ_ANY_QUEUE, 1, 0},
};
#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

struct walker {
    vq_pass *pass;
    void *self;
    const struct vq_rings *rings;
    const struct bench_vq_peer *how; /* NULL: ours, or the floor */
};

static struct {
    struct bench_trace *trace; /* of our own */
    struct vq_rings rings;
    struct vq_ours *ours;
    struct walker walker[MOST_WALKERS];
    size_t walker_count;
} now; /* of the row in preparation */

static void body(struct bench_run *run)
{
    const struct walker *walker = run->fixture;
    const struct vq_rings *rings = walker->rings;
    uint64_t begin = bench_now_ns();

    if (walker->pass(walker->self, 1) != rings->hosts && walker->pass != vq_floor)
        run->wrong = 1;
    bench_counters_begin(run->counters);
    run->warm_ns = bench_now_ns() - begin;
    for (uint64_t left = run->iters; left >= rings->buffers; left -= rings->buffers)
        run->wrong |= walker->pass(walker->self, 0) != rings->bytes;
}

static void add(struct bench_members *members, const char *name, vq_pass *pass, void *self,
                const struct bench_vq_peer *how, int peer)
{
    struct walker *walker = &now.walker[now.walker_count];
    struct bench_member *member;

    if (now.walker_count == MOST_WALKERS)
        return;
    *walker = (struct walker){pass, self, &now.rings, how};
    now.walker_count++;
    member = bench_member_add(members, name, body, walker, now.rings.buffers);
    if (member != NULL)
        member->peer = peer;
}

static void add_rival(struct bench_members *members, const struct bench_vq_peer *how, int peer)
{
    const struct bench_layout *layout = now.rings.layout;
    void *self = how->build(layout->ram, layout->ram_count, now.rings.ring, now.rings.count);

    if (self != NULL)
        add(members, how->name, how->pass, self, how, peer);
}

static int prepare_of(struct bench_row *row, struct bench_session *session, struct bench_members *members,
                      const struct bench_trace *trace, const char *layout_path, const struct question *question)
{
    char error[BENCH_ERROR_MAX] = "";
    int result;

    bench_fixture_free(session->fixture);
    session->fixture = NULL;
    result = vq_rings_build(&now.rings, trace, question->queue, question->packed, layout_path, error, sizeof(error));
    if (result == -ENOSPC)
        return bench_row_skip(row, "no range of RAM has room for the rings, or a chain is longer than a ring");
    if (result != 0)
        return bench_row_skip(row, "no rings of these chains: %.80s", error[0] != '\0' ? error : strerror(-result));
    now.ours = vq_ours_new(&now.rings);
    if (now.ours == NULL)
        return bench_row_skip(row, "no memory");
    if (question->ours(now.ours, 1) != now.rings.hosts && row->rule == BENCH_NO_TARGET)
        return bench_row_skip(row, "virtio refuses a chain of the trace: a buffer to read behind one to write");
    add(members, BENCH_OURS, question->ours, now.ours, NULL, 0);
    add(members, BENCH_FLOOR, vq_floor, &now.rings, NULL, 0);
    if (!question->rivals)
        return 0;
    add_rival(members, &bench_vq_libvhost_like, 0);
    for (const struct bench_vq_peer *peer = bench_vq_peers(); peer->name != NULL; peer++)
        add_rival(members, peer, 1);
    return 0;
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    char folder[3900], path[4200], layout[4200], error[BENCH_ERROR_MAX];

    bench_inputs_folder(session, folder, sizeof(folder));
    snprintf(path, sizeof(path), "%s/../traces/%s.trace", folder, TRACE);
    if (bench_trace_load(path, &now.trace, error, sizeof(error)) != 0)
        return bench_row_skip(row, "no recorded trace: %.90s", error);
    snprintf(layout, sizeof(layout), "%s/%s.layout", folder, now.trace->layout);
    return prepare_of(row, session, members, now.trace, layout, &questions[row->param]);
}

static int prepare_trace(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    const struct bench_trace_input *input = &session->traces->list[row->param];

    return prepare_of(row, session, members, input->trace, input->layout_path, &questions[0]);
}

static void release(struct bench_row *row)
{
    (void)row;
    for (size_t i = 0; i < now.walker_count; i++)
        if (now.walker[i].how != NULL)
            now.walker[i].how->destroy(now.walker[i].self);
    vq_ours_free(now.ours);
    vq_rings_free(&now.rings);
    bench_trace_free(now.trace);
    memset(&now, 0, sizeof(now));
}

void bench_case_virtqueue(struct bench_session *session)
{
    for (size_t i = 0; i < QUESTIONS; i++) {
        struct bench_row *row = bench_row_add(session, "T7", "ns", "virtqueue/%s/trace:%s", questions[i].name, TRACE);
        if (row == NULL)
            continue;
        row->prepare = prepare;
        row->release = release;
        row->param = i;
        row->rule = BENCH_AT_MOST;
        row->limit = LIMIT;
        row->planned = questions[i].rivals ? 4 : 2;
    }
    for (size_t i = 0; session->traces != NULL && i < session->traces->count; i++) {
        const struct bench_trace_input *input = &session->traces->list[i];
        struct bench_row *row = NULL;
        if (input->trace->chains < input->trace->count) /* else there are accesses alone */
            row = bench_row_add(session, "TR", "ns", "chains/%s", input->label);
        if (row == NULL)
            continue;
        row->prepare = prepare_trace;
        row->release = release;
        row->param = i;
        row->planned = 4;
    }
}
