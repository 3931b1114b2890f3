/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Having memory there. Threads take pieces by a counter, so that one that the kernel keeps waiting holds up nobody.
 * Participants: the caller and its helpers, all of which run the same loop.
 * Shared words: taken (which piece is next), done (bytes), stopped (0, or the first reason to end, positive). All
 * relaxed: nothing is read through them, and the caller reads the last two after it has joined the helpers.
 */
#include "backing/prefault.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "backing/parts.h"
#include "base/file.h"
#include "base/math.h"
#include "base/mem.h"
#include "guestmem/backing_memory.h"

#define PIECE (UINT64_C(8) << 20)
#define THREADS_DEFAULT 16

struct work {
    int fd; /* where there are no addresses */
    const struct gm_prefault *how;
    uint64_t first; /* of addresses, or of offsets where there are none */
    uint64_t last;
    uint64_t piece;
    uint64_t page; /* step of touching */
    bool populate;
    uint64_t deadline; /* [ns] of the clock below; 0: none */
    gm_atomic_u64 taken;
    gm_atomic_u64 done;
    gm_atomic_u64 stopped;
};

void gm_prefault_touch(void *address, uint64_t size, uint64_t page)
{
    for (uint64_t at = 0; at < size; at += page)
        (void)gm_add_relaxed((uint64_t *)(void *)((char *)address + at), 0);
}

static uint64_t now(void)
{
    struct timespec time = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void stop(struct work *work, int reason)
{
    uint64_t none = 0;
    (void)gm_cas_relaxed(&work->stopped, &none, (uint64_t)-reason);
}

static bool goes_on(struct work *work)
{
    if (work->how->cancel != NULL && gm_load_relaxed(work->how->cancel) != 0)
        stop(work, -ECANCELED);
    else if (work->deadline != 0 && now() >= work->deadline)
        stop(work, -ETIMEDOUT);
    return gm_load_relaxed(&work->stopped) == 0;
}

/* Pieces begin and end at multiples of their length, apart from the two at the ends. */
static bool take_piece(struct work *work, uint64_t *start, uint64_t *size)
{
    uint64_t number = gm_add_relaxed(&work->taken, 1);
    uint64_t base = work->first & ~(work->piece - 1);
    if (number > (work->last - base) / work->piece)
        return false;
    *start = gm_max_u64(work->first, base + number * work->piece);
    *size = gm_min_u64(work->last, base + number * work->piece + (work->piece - 1)) - *start + 1;
    return true;
}

static int fill(const struct work *work, uint64_t start, uint64_t size)
{
    if (work->fd >= 0)
        return gm_file_allocate(work->fd, start, size);
    if (work->populate)
        return gm_mem_populate((void *)(uintptr_t)start, size);
    gm_prefault_touch((void *)(uintptr_t)start, size, work->page);
    return 0;
}

static void run(struct work *work, bool tell)
{
    uint64_t start, size;
    while (goes_on(work) && take_piece(work, &start, &size)) {
        int result = fill(work, start, size);
        if (result != 0) {
            stop(work, result);
            return;
        }
        uint64_t done = gm_add_relaxed(&work->done, size) + size;
        if (tell && work->how->progress != NULL &&
            work->how->progress(work->how->argument, done, work->last - work->first + 1) != 0)
            stop(work, -ECANCELED);
    }
}

static void *help(void *work)
{
    run(work, false);
    return NULL;
}

/* The host's signals are for the program's own threads. */
static unsigned start_helpers(struct work *work, pthread_t *helpers, unsigned wanted)
{
    sigset_t all, before;
    unsigned started = 0;
    sigfillset(&all);
    if (wanted == 0 || pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return 0;
    while (started < wanted && pthread_create(&helpers[started], NULL, help, work) == 0)
        started++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static unsigned threads_wanted(const struct work *work)
{
    uint64_t pieces = (work->last - (work->first & ~(work->piece - 1))) / work->piece + 1;
    uint64_t threads = work->how->threads;
    if (threads == 0) {
        long cpus = sysconf(_SC_NPROCESSORS_ONLN);
        threads = cpus > 0 ? gm_min_u64((uint64_t)cpus, THREADS_DEFAULT) : 1;
    }
    return (unsigned)gm_min_u64(threads, pieces);
}

static int run_all(struct work *work)
{
    pthread_t helpers[GM_PREFAULT_THREADS_MOST];
    unsigned started = start_helpers(work, helpers, threads_wanted(work) - 1);
    run(work, true);
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(helpers[i], NULL);
    if (gm_load_relaxed(&work->done) == work->last - work->first + 1)
        return 0; /* who says stop now comes too late */
    return -(int)gm_load_relaxed(&work->stopped);
}

/* Memory by addresses, or without any by offsets in fd. page: what it consists of. */
static int prefault(int fd, uint64_t first, uint64_t size, uint64_t page, const struct gm_prefault *how, uint64_t *done)
{
    static const struct gm_prefault defaults = {.threads = 0};
    how = how != NULL ? how : &defaults;
    if (how->threads > GM_PREFAULT_THREADS_MOST)
        return -EINVAL;
    int saved = errno;
    struct work work = {
        .fd = fd,
        .how = how,
        .first = first,
        .last = first + (size - 1),
        .piece = gm_max_u64(PIECE, page),
        .page = gm_is_aligned(first, page) ? page : GM_PAGE_SIZE,
        .populate = gm_mem_can_populate(),
        .deadline = how->timeout_ms != 0 ? now() + how->timeout_ms * UINT64_C(1000000) : 0,
    };
    int result = run_all(&work);
    uint64_t got = gm_load_relaxed(&work.done);
    if (result == 0 && how->progress != NULL)
        (void)how->progress(how->argument, got, size);
    if (done != NULL)
        *done = got;
    errno = saved;
    return result;
}

/* What is the caller's might not be writable, and touching it would be a signal. */
static bool cannot(const struct gm_backing *backing)
{
    return backing->kind == GM_BACKING_KIND_CALLER && !gm_mem_can_populate();
}

int gm_backing_prefault(struct gm_backing *backing, uint64_t offset, uint64_t size, const struct gm_prefault *how,
                        uint64_t *done)
{
    int result = gm_backing_check_range(backing, offset, size);
    if (result != 0)
        return result;
    if (backing->address == NULL)
        return prefault(backing->fd, offset, size, gm_backing_page(backing), how, done);
    return gm_backing_prefault_at(backing, (char *)backing->address + offset, size, how, done);
}

int gm_backing_prefault_at(const struct gm_backing *backing, void *at, uint64_t size, const struct gm_prefault *how,
                           uint64_t *done)
{
    if (backing != NULL && cannot(backing))
        return -EOPNOTSUPP;
    uint64_t page = backing != NULL ? gm_backing_page(backing) : GM_PAGE_SIZE;
    return prefault(-1, (uint64_t)(uintptr_t)at, size, page, how, done);
}
