/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Reads, writes, fills and compares that cross pieces of host memory. Each loop is bounded by the pieces of the range,
 * and there is one for each block of 2 MiB at most besides: a step moves at least one byte.
 */
#include "guestmem/access_bulk.h"

#include <string.h>

#include "access/access.h"

int gm_access_check(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights)
{
    int why = gm_translate_why(view, gpa, len, rights);
    return why == -EXDEV ? 0 : why;
}

/* *done: how many bytes were moved, also on error. */
static int read_pieces(const struct gm_view *view, gm_gpa gpa, void *buf, size_t len, size_t *done)
{
    uint64_t last;
    size_t at = 0;
    int error = 0;
    if (len != 0 && !gm_range_last(gpa, len, &last))
        error = -EOVERFLOW;
    while (at < len && error == 0) {
        struct gm_access_piece piece;
        error = gm_access_next(view, gpa + at, last, GM_READ, &piece);
        if (error == 0) {
            gm_piece_read((char *)buf + at, piece.host, piece.len);
            at += piece.len;
        }
    }
    *done = at;
    return error;
}

static int write_pieces(const struct gm_view *view, gm_gpa gpa, const void *buf, size_t len, size_t *done)
{
    uint64_t last;
    size_t at = 0;
    int error = 0;
    if (len != 0 && !gm_range_last(gpa, len, &last))
        error = -EOVERFLOW;
    while (at < len && error == 0) {
        struct gm_access_piece piece;
        error = gm_access_next(view, gpa + at, last, GM_WRITE, &piece);
        if (error == 0) {
            gm_piece_write(piece.host, (const char *)buf + at, piece.len);
            gm_access_mark(view, gpa + at, piece.len);
            at += piece.len;
        }
    }
    *done = at;
    return error;
}

int gm_guest_read_slow(const struct gm_view *view, gm_gpa gpa, void *buf, size_t len)
{
    size_t done;
    return read_pieces(view, gpa, buf, len, &done);
}

int gm_guest_write_slow(const struct gm_view *view, gm_gpa gpa, const void *buf, size_t len)
{
    size_t done;
    return write_pieces(view, gpa, buf, len, &done);
}

/* A short count is a success. */
static int some(int error, size_t moved, size_t *done)
{
    if (moved == 0 && error != 0)
        return error;
    *done = moved;
    return 0;
}

int gm_guest_read_some(const struct gm_view *view, gm_gpa gpa, void *buf, size_t len, size_t *done)
{
    size_t moved;
    if (done == NULL)
        return -EINVAL;
    int error = read_pieces(view, gpa, buf, len, &moved);
    return some(error, moved, done);
}

int gm_guest_write_some(const struct gm_view *view, gm_gpa gpa, const void *buf, size_t len, size_t *done)
{
    size_t moved;
    if (done == NULL)
        return -EINVAL;
    int error = write_pieces(view, gpa, buf, len, &moved);
    return some(error, moved, done);
}

int gm_guest_fill(const struct gm_view *view, gm_gpa gpa, uint8_t value, uint64_t len)
{
    char units[GM_UNITS_MOST];
    uint64_t last;
    if (len == 0)
        return 0;
    if (!gm_range_last(gpa, len, &last))
        return -EOVERFLOW;
    memset(units, value, sizeof(units));
    for (uint64_t left = len; left != 0;) {
        struct gm_access_piece piece;
        gm_gpa at = last - left + 1;
        int error = gm_access_next(view, at, last, GM_WRITE, &piece);
        if (error != 0)
            return error;
        if (piece.len <= sizeof(units))
            gm_units_write_any(piece.host, units, piece.len);
        else
            memset(piece.host, value, piece.len);
        gm_access_mark(view, at, piece.len);
        left -= piece.len;
    }
    return 0;
}

/* memcmp of a piece; a short one is read as the contract says. */
static int piece_compare(const struct gm_access_piece *piece, const char *buf)
{
    char units[GM_UNITS_MOST];
    if (piece->len > sizeof(units))
        return memcmp(piece->host, buf, piece->len);
    gm_units_read_any(units, piece->host, piece->len);
    return memcmp(units, buf, piece->len);
}

int gm_guest_compare(const struct gm_view *view, gm_gpa gpa, const void *buf, size_t len, int *order)
{
    uint64_t last;
    int found = 0;
    if (order == NULL)
        return -EINVAL;
    if (len != 0 && !gm_range_last(gpa, len, &last))
        return -EOVERFLOW;
    for (size_t at = 0; at < len && found == 0;) {
        struct gm_access_piece piece;
        int error = gm_access_next(view, gpa + at, last, GM_READ, &piece);
        if (error != 0)
            return error;
        found = piece_compare(&piece, (const char *)buf + at);
        at += piece.len;
    }
    *order = found;
    return 0;
}
