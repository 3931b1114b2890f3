/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Half of what is drawn is what a driver would write, because tables of noise are refused at their first descriptor.
 * Tables lie where one leaf word answers, where a page table does, and across seams; buffers everywhere.
 */
#include "lib/vq_ops.h"

#include <errno.h>
#include <string.h>

#include "lib/stream.h"
#include "lib/vq_oracle.h"

#define HEADS 24
#define ROOM 96
#define MARK_MOST (UINT64_C(1) << 20)
#define PAGE UINT64_C(4096)

enum { NEXT = 1, WRITE = 2, TABLE = 4, AVAIL = 1 << 7, USED = 1 << 15 };

struct play {
    struct gmt_vq_world *world;
    const struct gm_view *view;
    struct gmt_stream stream;
    bool huge; /* buffers of GiB are many */
    struct gm_vq_config config;
    struct gm_vq vq;
    struct gmt_vq_report *report;
    struct iovec iov[ROOM + 1];
    gm_gpa gpa[ROOM + 1];
    struct gmt_vq_want want[3];
};

/* Where tables of a queue and indirect ones may be. The third crosses a seam of host memory, the fourth is not aligned,
 * others run into ROM, into a device, off the end. */
static const gm_gpa table_places[] = {0x1000, GMT_VQ_BIG + 0x3000, 0xbf80, 0x2008 + 3, 0x10100, 0x11fc0,
                                      GMT_VQ_BIG + 0x1fff80, 0x17fe0, 0x3000, GMT_VQ_SEAM - 0x30,
                                      GMT_VQ_WRITE_ONLY, GMT_VQ_ROM + 0x1fffe8};
static const gm_gpa buffer_places[] = {0x4000, 0x7ff0, 0xbff0, 0xfff0, 0x10000, 0x11ff8, 0x12800, 0x13ff0, 0x14000,
                                       0x17ff0, 0x18000, 0x18ff8, GMT_VQ_BIG, GMT_VQ_BIG + 0x1ffff0, GMT_VQ_SEAM - 16,
                                       GMT_VQ_END - 64, GMT_VQ_HUGE, UINT64_MAX - 31, UINT64_C(1) << 52,
                                       GMT_VQ_ROM + 64, GMT_VQ_WRITE_ONLY + 64, GMT_VQ_ROM + 0x1ffff8,
                                       GMT_VQ_WRITE_ONLY + 0x1ffff8};
static const uint32_t lengths[] = {1, 16, 12, 64, 1500, 4096, 65536, 0x200000, 0x80000000, 0, 0xffffffff, 24};
#define OF(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t draw_length(struct gmt_stream *stream)
{
    uint64_t which = gmt_pick(stream, 32);
    return which < 24 ? lengths[which % 6] : which < 31 ? lengths[gmt_pick(stream, OF(lengths))]
                                                        : (uint32_t)gmt_take(stream, 4);
}

static uint64_t draw_buffer(struct gmt_stream *stream)
{
    uint64_t which = gmt_pick(stream, 64);
    if (which < 32)
        return GMT_VQ_BIG + gmt_pick(stream, GMT_VQ_END - GMT_VQ_BIG);
    if (which < 48)
        return 0x4000 + gmt_pick(stream, 0x8000);
    return which < 63 ? buffer_places[gmt_pick(stream, OF(buffer_places))] : gmt_take(stream, 8);
}

/* A descriptor of an own or an inner table of that size, in the form that the queue has. */
static void draw_descriptor(struct play *play, gm_gpa table, unsigned index, unsigned size, bool inside)
{
    struct gmt_stream *stream = &play->stream;
    uint64_t kind = gmt_pick(stream, 64), addr = draw_buffer(stream);
    uint32_t len = draw_length(stream);
    unsigned flags = (kind & 3) != 0 ? NEXT : 0, next = index + 1;
    if (index > size / 2 || (kind & 4) != 0)
        flags |= WRITE;
    if (play->huge && (kind & 24) != 0) {
        addr = GMT_VQ_HUGE + (kind & 1);
        len = UINT32_C(0x80000000) - (uint32_t)(kind & 32) / 32;
    }
    if (kind >= (inside ? 62 : 48)) {
        flags = TABLE | ((kind & 8) != 0 ? WRITE : 0) | (kind == 63 ? NEXT : 0);
        addr = kind == 62 ? play->config.desc : table_places[gmt_pick(stream, OF(table_places))];
        len = kind == 61 ? draw_length(stream) : (uint32_t)(16 * gmt_pick(stream, 12));
    }
    if (gmt_once_in(stream, 32))
        next = (unsigned)gmt_take(stream, 2);
    if ((play->config.flags & GM_VQ_PACKED) == 0) {
        gmt_vq_split_set(play->world, table + 16 * index, addr, len, flags, next);
    } else {
        uint64_t turn = gmt_pick(stream, 8);
        flags |= turn == 0 ? 0 : turn == 1 ? AVAIL | USED : turn == 2 ? USED : AVAIL;
        gmt_vq_packed_set(play->world, table + 16 * index, addr, len, flags, next);
    }
}

static bool draw_queue(struct play *play)
{
    struct gmt_stream *stream = &play->stream;
    struct gm_vq_config *config = &play->config;
    play->huge = gmt_once_in(stream, 8);
    config->flags = (gmt_once_in(stream, 3) ? GM_VQ_PACKED : 0) | (gmt_once_in(stream, 8) ? 0 : GM_VQ_INDIRECT);
    config->size = 1U << gmt_pick(stream, 6);
    if ((config->flags & GM_VQ_PACKED) != 0)
        config->size = 1 + (unsigned)gmt_pick(stream, 40);
    config->desc = table_places[gmt_pick(stream, 2)];
    config->indirect_most = gmt_once_in(stream, 3) ? (unsigned)gmt_pick(stream, 20) : 0;
    if (gm_vq_init(play->view, config, &play->vq) != 0)
        return false;
    for (unsigned i = 0; i < OF(table_places); i++)
        for (unsigned j = 0; i >= 2 && j < 11; j++)
            draw_descriptor(play, table_places[i], j, 11, true);
    for (unsigned i = 0; i < config->size; i++)
        draw_descriptor(play, config->desc, i, config->size, false);
    return true;
}

static void count(struct gmt_vq_report *report, const struct gmt_vq_want *want)
{
    static const int reasons[8] = {EINVAL, ELOOP, EMSGSIZE, ENOBUFS, EOVERFLOW, EFAULT, ENXIO, EACCES};
    report->chains += want->error == 0;
    report->refused += want->error != 0;
    report->pieces += want->error == 0 ? want->count : 0;
    for (unsigned i = 0; i < 8; i++)
        report->reasons[i] += want->error == -reasons[i];
}

/* The pages of the first `left` bytes of what the device writes: are they marked, or (clean) make them clean. */
static bool pages_marked(struct play *play, const struct gmt_vq_want *want, uint64_t left, bool clean)
{
    struct gm_dirty *dirty = play->world->dirty;
    for (unsigned i = want->readable; left != 0; i++) {
        const struct gmt_vq_piece *piece = &want->piece[i];
        uint64_t part = piece->len < left ? piece->len : left;
        uint64_t first = piece->gpa / PAGE, last = (piece->gpa + part - 1) / PAGE;
        for (uint64_t page = first; !clean && page <= last; page++)
            if (gm_dirty_is_marked(dirty, page * PAGE) != 1)
                return false;
        if (clean && gm_dirty_clear(dirty, first * PAGE, (last - first + 1) * PAGE) != 0)
            return false;
        left -= part;
    }
    return true;
}

/* Those and no others. Leaves all clean. */
static const char *check_marks(struct play *play, const struct gmt_vq_want *want, const struct gm_chain *chain)
{
    uint64_t bytes = gmt_pick(&play->stream, (chain->writable_len < MARK_MOST ? chain->writable_len : MARK_MOST) + 1);
    if (gm_chain_written(play->view, chain, chain->writable_len + 1) != -EINVAL)
        return "more was marked than the chain has";
    if (gm_chain_written(play->view, chain, bytes) != 0 || !pages_marked(play, want, bytes, false))
        return "a page was not marked";
    play->report->marked += bytes != 0;
    if (!pages_marked(play, want, bytes, true) || gm_dirty_count(play->world->dirty, 0, UINT64_MAX) != 0)
        return "a page too many was marked";
    return NULL;
}

/* Room for so many entries; one behind them that has to stay as it is. */
static struct gm_vq_room make_room(struct play *play, unsigned count)
{
    memset(play->iov, 0x5a, sizeof(play->iov));
    memset(play->gpa, 0x5a, sizeof(play->gpa));
    return (struct gm_vq_room){play->iov, play->gpa, count};
}

static bool room_kept(const struct play *play, unsigned count)
{
    return play->gpa[count] == UINT64_C(0x5a5a5a5a5a5a5a5a) && play->iov[count].iov_len == play->gpa[count];
}

static unsigned draw_room(struct play *play)
{
    return gmt_once_in(&play->stream, 4) ? (unsigned)gmt_pick(&play->stream, 6) : ROOM;
}

static const char *one_split(struct play *play)
{
    struct gm_chain chain, before;
    const unsigned room_count = draw_room(play);
    const uint16_t head = (uint16_t)(gmt_once_in(&play->stream, 16) ? gmt_take(&play->stream, 2)
                                                                     : gmt_pick(&play->stream, play->config.size));
    struct gm_vq_room room = make_room(play, room_count);
    memset(&chain, 0xa5, sizeof(chain));
    before = chain;
    gmt_vq_want_split(play->world, &play->config, head, room_count, &play->want[0]);
    int error = gm_vq_chain(play->view, &play->vq, head, &room, &chain);
    const char *wrong = gmt_vq_differs(&play->want[0], error, &chain, &room, &before);
    count(play->report, &play->want[0]);
    if (wrong == NULL && !room_kept(play, room_count))
        wrong = "written past the room";
    return wrong == NULL && error == 0 ? check_marks(play, &play->want[0], &chain) : wrong;
}

/* Three heads at once: as one by one, in the room that each leaves for the next. */
static const char *several_split(struct play *play)
{
    struct gm_chain chain[3], before;
    uint16_t heads[3];
    const unsigned room_count = draw_room(play);
    struct gm_vq_room room = make_room(play, room_count);
    memset(chain, 0xa5, sizeof(chain));
    before = chain[0];
    for (unsigned i = 0; i < 3; i++)
        heads[i] = (uint16_t)gmt_pick(&play->stream, play->config.size);
    int done = gm_vq_chains(play->view, &play->vq, heads, 3, &room, chain);
    for (int i = 0; i < 3; i++) {
        struct gmt_vq_want *want = &play->want[i];
        gmt_vq_want_split(play->world, &play->config, heads[i], room.count, want);
        int said = i < done ? 0 : i == 0 ? done : want->error != 0 ? want->error : 1;
        const char *wrong = gmt_vq_differs(want, said, &chain[i], &room, &before);
        if (wrong != NULL || want->error != 0)
            return wrong != NULL ? wrong : room_kept(play, room_count) ? NULL : "written past the room";
        room = (struct gm_vq_room){room.iov + want->count, room.gpa + want->count, room.count - want->count};
    }
    return NULL;
}

static const char *check_used(struct play *play, const struct gm_chain *chain, unsigned place)
{
    const gm_gpa at = play->config.desc + 16 * (place & 0x7fff);
    const uint32_t written = (uint32_t)gmt_take(&play->stream, 1);
    const uint64_t addr = gmt_vq_peek(play->world, at, 8);
    const unsigned flags = ((place >> 15) != 0 ? AVAIL | USED : 0) | (written != 0 ? WRITE : 0);
    uint16_t next = 0;
    if (gm_vq_packed_used(play->view, &play->vq, (uint16_t)place, chain, written, &next) != 0)
        return "cannot be given back";
    if (next != chain->next || gmt_vq_peek(play->world, at, 8) != addr ||
        gmt_vq_peek(play->world, at + 8, 4) != written || gmt_vq_peek(play->world, at + 12, 2) != chain->id ||
        gmt_vq_peek(play->world, at + 14, 2) != flags)
        return "given back as something else";
    if (gm_dirty_count(play->world->dirty, 0, UINT64_MAX) != 1 || gm_dirty_is_marked(play->world->dirty, at) != 1)
        return "the ring is not marked";
    return gm_dirty_clear(play->world->dirty, at & ~(PAGE - 1), PAGE) != 0 ? "not clean again" : NULL;
}

static const char *one_packed(struct play *play)
{
    struct gm_chain chain, before;
    const unsigned room_count = draw_room(play);
    const unsigned place = (unsigned)gmt_pick(&play->stream, play->config.size + 1) |
                           (gmt_once_in(&play->stream, 3) ? 0 : 0x8000);
    struct gm_vq_room room = make_room(play, room_count);
    memset(&chain, 0xa5, sizeof(chain));
    before = chain;
    gmt_vq_want_packed(play->world, &play->config, place, room_count, &play->want[0]);
    int error = gm_vq_packed_chain(play->view, &play->vq, (uint16_t)place, &room, &chain);
    const char *wrong = gmt_vq_differs(&play->want[0], error, &chain, &room, &before);
    count(play->report, &play->want[0]);
    play->report->packed += error == 0;
    if (wrong == NULL && !room_kept(play, room_count))
        wrong = "written past the room";
    if (wrong == NULL && error == 0)
        wrong = check_marks(play, &play->want[0], &chain);
    return wrong == NULL && error == 0 ? check_used(play, &chain, place) : wrong;
}

void gmt_vq_ops_run(struct gmt_vq_world *world, const uint8_t *bytes, size_t len, struct gmt_vq_report *report)
{
    static struct play play; /* too big for a stack */
    memset(&play, 0, sizeof(play));
    play.world = world;
    play.report = report;
    play.stream = (struct gmt_stream){.bytes = bytes, .len = len};
    play.view = gm_pin(world->space);
    if (draw_queue(&play))
        for (unsigned i = 0; i < HEADS && report->wrong == NULL; i++) {
            if ((play.config.flags & GM_VQ_PACKED) != 0)
                report->wrong = one_packed(&play);
            else
                report->wrong = gmt_once_in(&play.stream, 4) ? several_split(&play) : one_split(&play);
        }
    else
        report->wrong = "a queue was refused";
    (void)gm_unpin();
}
