/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Threads that read at once, and threads that write at a rate. */
#include "many.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>

#define REGION_BYTES (UINT64_C(4) << 20)
#define NAP_NS 200000 /* the longest that a throttled writer sleeps: it has to see that it shall stop */

static void many_body(struct bench_run *run)
{
    const struct bench_loop *loop = run->fixture;
    const struct bench_addresses *addresses = loop->addresses;
    size_t chunks = addresses->count / BENCH_CHUNK, at = (size_t)run->thread * chunks / (size_t)run->threads;
    uint64_t begin = bench_now_ns();
    int registered = gm_reader_register(); /* the first thread is already */

    bench_keep(loop->run(loop->self, addresses->gpa, addresses->count));
    bench_counters_begin(run->counters);
    run->warm_ns = bench_now_ns() - begin;
    for (uint64_t left = run->iters; left >= BENCH_CHUNK; left -= BENCH_CHUNK) {
        uint64_t result = loop->run(loop->self, addresses->gpa + at * BENCH_CHUNK, BENCH_CHUNK);
        if (loop->check == BENCH_CHECK_SUM)
            run->wrong |= result != addresses->sums[at];
        at = at + 1 == chunks ? 0 : at + 1;
    }
    if (registered == 0)
        (void)gm_reader_unregister();
    else if (registered != -EALREADY)
        run->wrong = 1;
}

struct bench_member *bench_many_add(struct bench_members *members, const char *name, struct bench_loop *loop,
                                    int threads, int cpu)
{
    struct bench_member *member = bench_member_add(members, name, many_body, loop, BENCH_CHUNK);

    if (member != NULL) {
        member->threads = threads;
        member->cpu = cpu;
    }
    return member;
}

static int publish(struct bench_writer *writer)
{
    struct gm_region_desc desc = {
        .gpa = writer->gpa, .size = REGION_BYTES, .kind = GM_KIND_RAM, .backing = writer->backing};
    struct gm_txn *txn;
    int result = gm_txn_begin(writer->space, &txn);

    if (result != 0)
        return result;
    result = writer->there ? gm_txn_remove(txn, writer->gpa, REGION_BYTES) : gm_txn_add(txn, &desc);
    if (result != 0) {
        gm_txn_abort(txn);
        return result;
    }
    result = gm_txn_commit(txn, writer->flags);
    if (result == 0) {
        writer->there = !writer->there;
        writer->commits++;
    }
    return result;
}

/*
 * A commit that is due, or a nap. Commits count against the time of all starts together, so that repetitions that
 * are shorter than the distance of two commits still give the rate.
 */
static int write_step(void *argument)
{
    struct bench_writer *writer = argument;
    struct timespec nap = {.tv_nsec = NAP_NS};
    double active = (double)(writer->active_ns + bench_now_ns() - writer->began_ns);
    double due = (double)(writer->commits + 1) * 1e9 / (double)writer->rate; /* infinite at rate 0 */

    if (writer->rate == BENCH_UNTHROTTLED || active >= due)
        return publish(writer);
    if (due - active < NAP_NS)
        nap.tv_nsec = (long)(due - active);
    return clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL) == 0 ? 0 : -EINTR;
}

int bench_writers_open(struct bench_writers *writers, const struct bench_fixture *fixture, size_t count,
                       unsigned flags, uint64_t rate)
{
    uint64_t gpa = bench_free_above(fixture->layout, count * REGION_BYTES);

    if (count > BENCH_MAX_THREADS)
        return -EINVAL;
    writers->memory = mmap(NULL, REGION_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (writers->memory == MAP_FAILED) {
        writers->memory = NULL;
        return -errno;
    }
    for (size_t i = 0; i < count; i++) {
        struct bench_writer *writer = &writers->list[i];
        *writer = (struct bench_writer){
            .space = fixture->space.space, .gpa = gpa + i * REGION_BYTES, .flags = flags, .rate = rate};
        writer->worker = (struct bench_worker){.step = write_step, .argument = writer, .cpu = (int)i};
        int result = gm_backing_wrap(writers->memory, REGION_BYTES, NULL, NULL, &writer->backing);
        if (result != 0)
            return result;
        writers->count++;
    }
    return 0;
}

static int stop_first(struct bench_writers *writers, size_t count)
{
    int result = 0;

    for (size_t i = 0; i < count; i++) {
        struct bench_writer *writer = &writers->list[i];
        int error = bench_worker_stop(&writer->worker);
        writer->active_ns += bench_now_ns() - writer->began_ns;
        result = result != 0 ? result : error;
    }
    return result;
}

int bench_writers_start(struct bench_writers *writers)
{
    for (size_t i = 0; i < writers->count; i++) {
        writers->list[i].began_ns = bench_now_ns();
        int result = bench_worker_start(&writers->list[i].worker);
        if (result != 0) {
            (void)stop_first(writers, i);
            return result;
        }
    }
    return 0;
}

int bench_writers_stop(struct bench_writers *writers)
{
    int result = stop_first(writers, writers->count);

    if (writers->count > 0)
        (void)gm_space_reclaim(writers->list[0].space);
    return result;
}

/* The space goes on to be used: what a writer left there is taken away. */
void bench_writers_close(struct bench_writers *writers)
{
    for (size_t i = 0; i < writers->count; i++) {
        if (writers->list[i].there)
            (void)publish(&writers->list[i]);
        (void)gm_space_reclaim(writers->list[i].space);
        gm_backing_put(writers->list[i].backing);
    }
    if (writers->memory != NULL)
        munmap(writers->memory, REGION_BYTES);
    *writers = (struct bench_writers){.count = 0};
}

double bench_writers_rate(const struct bench_writers *writers)
{
    double rate = 0;

    for (size_t i = 0; i < writers->count; i++) {
        const struct bench_writer *writer = &writers->list[i];
        rate += writer->active_ns > 0 ? (double)writer->commits * 1e9 / (double)writer->active_ns : 0;
    }
    return rate;
}
