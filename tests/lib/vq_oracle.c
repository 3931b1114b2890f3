/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The walker that others are held against: one descriptor after the other, field by field, every rule a line. With
 * GM_FUZZ_CANARY it forgets that what is read comes before what is written, which the fuzzer has to find.
 */
#include "lib/vq_oracle.h"

#include <errno.h>
#include <string.h>

#define REACH (UINT64_C(65536) * 16) /* [bytes] of a table that indices of 16 bits can name */

enum { NEXT = 1, WRITE = 2, TABLE = 4, AVAIL = 1 << 7, USED = 1 << 15 };

struct fields {
    uint64_t addr, len;
    unsigned flags, next, id;
};

static struct fields read_split(const struct gmt_vq_world *world, gm_gpa at)
{
    return (struct fields){.addr = gmt_vq_peek(world, at, 8),
                           .len = gmt_vq_peek(world, at + 8, 4),
                           .flags = (unsigned)gmt_vq_peek(world, at + 12, 2),
                           .next = (unsigned)gmt_vq_peek(world, at + 14, 2)};
}

static struct fields read_packed(const struct gmt_vq_world *world, gm_gpa at)
{
    return (struct fields){.addr = gmt_vq_peek(world, at, 8),
                           .len = gmt_vq_peek(world, at + 8, 4),
                           .id = (unsigned)gmt_vq_peek(world, at + 12, 2),
                           .flags = (unsigned)gmt_vq_peek(world, at + 14, 2)};
}

static int may(gm_gpa at, unsigned rights)
{
    const struct gmt_vq_region *region = gmt_vq_region_of(at);
    if (region == NULL)
        return -EFAULT;
    if (region->kind == GM_KIND_DEVICE)
        return -ENXIO;
    return (region->rights & rights) != rights ? -EACCES : 0;
}

/* One region after the other: the error of the first byte that may not be accessed. */
static int all_may(uint64_t addr, uint64_t len, unsigned rights)
{
    if (addr + (len - 1) < addr)
        return -EOVERFLOW;
    for (uint64_t done = 0; done < len;) {
        int error = may(addr + done, rights);
        if (error != 0)
            return error;
        const struct gmt_vq_region *region = gmt_vq_region_of(addr + done);
        done += region->gpa + region->size - (addr + done);
    }
    return 0;
}

/* A buffer region by region; pieces that meet in host memory are one. */
static int buffer(const struct gmt_vq_world *world, const struct fields *desc, unsigned room, struct gmt_vq_want *out)
{
    const unsigned first = out->count, rights = (desc->flags & WRITE) != 0 ? GM_WRITE : GM_READ;
    if (desc->len == 0)
        return -EINVAL;
    if (out->count >= room)
        return -ENOBUFS;
    if (desc->addr + (desc->len - 1) < desc->addr)
        return -EOVERFLOW;
    for (uint64_t done = 0; done < desc->len;) {
        gm_gpa at = desc->addr + done;
        int error = may(at, rights);
        if (error != 0)
            return error;
        const struct gmt_vq_region *region = gmt_vq_region_of(at);
        uint64_t part = region->gpa + region->size - at;
        part = part < desc->len - done ? part : desc->len - done;
        struct gmt_vq_piece *last = out->count > first ? &out->piece[out->count - 1] : NULL;
        uintptr_t host = (uintptr_t)gmt_vq_host(world, at);
        if (last != NULL && last->host + last->len == host)
            last->len += part;
        else if (out->count == room)
            return -ENOBUFS;
        else
            out->piece[out->count++] = (struct gmt_vq_piece){at, host, part};
        done += part;
    }
    return 0;
}

static int add(const struct gmt_vq_world *world, const struct fields *desc, unsigned room, struct gmt_vq_want *out)
{
#ifndef GM_FUZZ_CANARY
    if ((desc->flags & WRITE) == 0 && out->count > out->readable)
        return -EINVAL;
#endif
    int error = buffer(world, desc, room, out);
    out->bytes += desc->len;
    if ((desc->flags & WRITE) == 0) {
        out->readable = out->count;
        out->readable_bytes = out->bytes;
    }
    return error;
}

static int table_may(const struct gm_vq_config *config, const struct fields *desc)
{
    if ((config->flags & GM_VQ_INDIRECT) == 0 || (desc->flags & NEXT) != 0 || desc->len == 0 || desc->len % 16 != 0)
        return -EINVAL;
    return all_may(desc->addr, desc->len < REACH ? desc->len : REACH, GM_READ);
}

static uint64_t most_of(const struct gm_vq_config *config)
{
    return config->indirect_most != 0 ? config->indirect_most : config->size;
}

/* One table; *inner is set when the chain goes on in another. */
static int split_table(const struct gmt_vq_world *world, const struct gm_vq_config *config, gm_gpa table,
                       uint64_t size, uint64_t steps, uint64_t index, bool inside, unsigned room,
                       struct fields *inner, struct gmt_vq_want *out)
{
    for (uint64_t taken = 0;; taken++) {
        if (index >= size)
            return -EINVAL;
        if (taken == steps)
            return -ELOOP;
        struct fields desc = read_split(world, table + 16 * index);
        if (!inside)
            out->descriptors++;
        if ((desc.flags & TABLE) != 0) {
            *inner = desc;
            return inside ? -EINVAL : table_may(config, &desc);
        }
        int error = add(world, &desc, room, out);
        if (error != 0 || (desc.flags & NEXT) == 0)
            return error;
        index = desc.next;
    }
}

static void finish(struct gmt_vq_want *out, int error)
{
    out->error = error == 0 && out->bytes > UINT64_C(1) << 32 ? -EMSGSIZE : error;
}

void gmt_vq_want_split(const struct gmt_vq_world *world, const struct gm_vq_config *config, unsigned head,
                       unsigned room, struct gmt_vq_want *out)
{
    struct fields inner = {.len = 0};
    memset(out, 0, sizeof(*out));
    out->id = head;
    int error = split_table(world, config, config->desc, config->size, config->size, head, false, room, &inner, out);
    if (error == 0 && inner.len != 0) {
        uint64_t size = inner.len / 16, most = most_of(config);
        error = split_table(world, config, inner.addr, size, size < most ? size : most, 0, true, room, &inner, out);
    }
    finish(out, error);
}

static int packed_table(const struct gmt_vq_world *world, const struct gm_vq_config *config,
                        const struct fields *desc, unsigned room, struct gmt_vq_want *out)
{
    int error = table_may(config, desc);
    if (error == 0 && desc->len / 16 > most_of(config))
        error = -ELOOP;
    for (uint64_t i = 0; error == 0 && i < desc->len / 16; i++) {
        struct fields entry = read_packed(world, desc->addr + 16 * i);
        error = add(world, &entry, room, out);
    }
    return error;
}

static int packed_list(const struct gmt_vq_world *world, const struct gm_vq_config *config, unsigned first,
                       unsigned room, struct gmt_vq_want *out)
{
    for (unsigned i = 0; i < config->size; i++) {
        struct fields desc = read_packed(world, config->desc + 16 * ((first + i) % config->size));
        out->descriptors = i + 1;
        out->id = desc.id;
        if ((desc.flags & TABLE) != 0)
            return i == 0 ? packed_table(world, config, &desc, room, out) : -EINVAL;
        int error = add(world, &desc, room, out);
        if (error != 0 || (desc.flags & NEXT) == 0)
            return error;
    }
    return -ELOOP;
}

void gmt_vq_want_packed(const struct gmt_vq_world *world, const struct gm_vq_config *config, unsigned place,
                        unsigned room, struct gmt_vq_want *out)
{
    const unsigned index = place & 0x7fff, wrap = place >> 15;
    memset(out, 0, sizeof(*out));
    out->error = -EINVAL;
    if (index >= config->size)
        return;
    unsigned flags = read_packed(world, config->desc + 16 * index).flags;
    out->error = -EAGAIN;
    if (((flags & AVAIL) != 0) != (wrap == 1) || ((flags & USED) != 0) != (wrap == 0))
        return;
    finish(out, packed_list(world, config, index, room, out));
    unsigned next = index + out->descriptors;
    out->next = next >= config->size ? (next - config->size) | (wrap ^ 1) << 15 : next | wrap << 15;
}

static const char *pieces_differ(const struct gmt_vq_want *want, const struct gm_chain *chain,
                                 const struct gm_vq_room *room)
{
    if (chain->readable != room->iov || chain->writable != room->iov + chain->readable_count ||
        chain->writable_gpa != room->gpa + chain->readable_count)
        return "a chain is not where its room is";
    for (unsigned i = 0; i < want->count; i++) {
        if (room->iov[i].iov_base != (void *)want->piece[i].host || room->iov[i].iov_len != want->piece[i].len)
            return "another iovec";
        if (room->gpa[i] != want->piece[i].gpa)
            return "another guest address";
    }
    return NULL;
}

const char *gmt_vq_differs(const struct gmt_vq_want *want, int error, const struct gm_chain *chain,
                           const struct gm_vq_room *room, const struct gm_chain *before)
{
    if (error != want->error)
        return error == 0 ? "accepted what is wrong" : want->error == 0 ? "refused what is right" : "another reason";
    if (error != 0)
        return memcmp(chain, before, sizeof(*chain)) != 0 ? "written to on an error" : NULL;
    if (chain->readable_count != want->readable || chain->writable_count != want->count - want->readable)
        return "another number of iovecs";
    if (chain->readable_len != want->readable_bytes || chain->writable_len != want->bytes - want->readable_bytes)
        return "another length";
    if (chain->descriptors != want->descriptors || chain->id != want->id || chain->next != want->next)
        return "another id, place or number of descriptors";
    return pieces_differ(want, chain, room);
}
