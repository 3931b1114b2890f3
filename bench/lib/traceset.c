/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Finds the layout of each trace, and checks one against the other. */
#include "traceset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inputset.h"
#include "progress.h"
#include "session.h"
#include "text.h"

/* Fewer accesses are repeated so often that branch predictors know them. */
#define DISTINCT (1 << 17)

/* The one layout that was given; else the one that the trace names; else none. 0 or -ENOMEM. */
static int find_layout(const struct bench_session *session, struct bench_trace_input *input)
{
    char folder[4096], path[4200];

    if (session->options.layout_count == 1) {
        input->layout_path = strdup(session->options.layouts[0]);
    } else if (input->trace->layout[0] != '\0') {
        bench_inputs_folder(session, folder, sizeof(folder));
        snprintf(path, sizeof(path), "%s/%s.layout", folder, input->trace->layout);
        input->layout_path = strdup(path);
    } else {
        return 0;
    }
    return input->layout_path != NULL ? 0 : -ENOMEM;
}

static int load_layout(const struct bench_trace_input *input, struct bench_layout **out, char *error, size_t error_size)
{
    if (input->layout_path == NULL)
        return bench_trace_cover(input->path, input->trace, out, error, error_size);
    return bench_layout_load(input->layout_path, out, error, error_size);
}

static int check(const struct bench_session *session, struct bench_trace_input *input, char *error, size_t error_size)
{
    struct bench_layout *layout;
    int result = find_layout(session, input);

    if (result == 0)
        result = load_layout(input, &layout, error, error_size);
    if (result != 0)
        return result;
    result = bench_trace_fits(input->path, input->trace, layout, error, error_size);
    snprintf(input->label, sizeof(input->label), "trace:%.40s/layout:%.40s", input->trace->name,
             input->layout_path != NULL ? layout->name : "made-up");
    bench_layout_free(layout);
    return result;
}

static int add(struct bench_session *session, const char *path)
{
    struct bench_traceset *set = session->traces;
    struct bench_trace_input *input = &set->list[set->count++];
    char error[BENCH_ERROR_MAX] = "not enough memory";
    int result;

    input->path = path;
    bench_progress_note("reading", path);
    result = bench_trace_load(path, &input->trace, error, sizeof(error));
    if (result == 0)
        result = check(session, input, error, sizeof(error));
    bench_progress_note(NULL, NULL);
    for (size_t i = 0; result == 0 && i + 1 < set->count; i++)
        if (strcmp(set->list[i].label, input->label) == 0)
            result = snprintf(error, sizeof(error), "--trace %.200s: its rows would be called like those of %.200s; "
                              "rename one", path, set->list[i].path);
    if (result != 0) {
        fprintf(stderr, "guestmem-bench: %s\n", error);
        return BENCH_EXIT_USAGE;
    }
    return 0;
}

/* Only where it is about to be measured, and not in the twin, which would say it again. */
static void warn(const struct bench_trace_input *input)
{
    if (input->trace->count < DISTINCT)
        fprintf(stderr, "guestmem-bench: note: %s has %zu accesses, which are repeated: below %d, branch predictors "
                "learn them and times are too good\n", input->path, input->trace->count, DISTINCT);
}

int bench_traceset_open(struct bench_session *session)
{
    const struct bench_options *options = &session->options;
    int status = 0;

    if (options->trace_count == 0)
        return 0;
    session->traces = calloc(1, sizeof(*session->traces));
    if (session->traces == NULL)
        return EXIT_FAILURE;
    for (size_t i = 0; i < options->trace_count && status == 0; i++)
        status = add(session, options->traces[i]);
    for (size_t i = 0; i < session->traces->count && status == 0 && !options->list; i++)
        warn(&session->traces->list[i]);
    return status;
}

static void addresses_free(struct bench_addresses *addresses)
{
    free(addresses->gpa);
    free(addresses->sums);
}

static void fixture_free(struct bench_trace_fixture *fixture)
{
    if (fixture == NULL)
        return;
    addresses_free(&fixture->whole);
    addresses_free(&fixture->eight);
    free(fixture->ask);
    bench_fixture_free(fixture->fixture);
    free(fixture);
}

void bench_traceset_close(struct bench_session *session)
{
    if (session->traces == NULL)
        return;
    fixture_free(session->traces->fixture);
    for (size_t i = 0; i < session->traces->count; i++) {
        bench_trace_free(session->traces->list[i].trace);
        free(session->traces->list[i].layout_path);
    }
    free(session->traces);
    session->traces = NULL;
}

static int addresses_room(struct bench_addresses *addresses, size_t count)
{
    addresses->count = count;
    addresses->gpa = calloc(count, sizeof(*addresses->gpa));
    addresses->sums = calloc(count / BENCH_CHUNK, sizeof(*addresses->sums));
    return addresses->gpa != NULL && addresses->sums != NULL ? 0 : -ENOMEM;
}

/* An address from which 8 bytes are in the same entry: the same, or the last such one. 0: the entry is shorter. */
static uint64_t fit_eight(const struct bench_layout *layout, uint64_t gpa, uint64_t otherwise)
{
    ptrdiff_t index = bench_oracle_index(layout, gpa, 1);
    const struct bench_ram *ram = &layout->ram[index];

    if (ram->size < BENCH_ACCESS_LEN)
        return otherwise;
    return gpa <= ram->gpa + (ram->size - BENCH_ACCESS_LEN) ? gpa : ram->gpa + (ram->size - BENCH_ACCESS_LEN);
}

/* The trace, over and over, up to whole chunks. */
static void fill(struct bench_trace_fixture *fixture)
{
    const struct bench_layout *layout = fixture->fixture->layout;
    const struct bench_trace *trace = fixture->input->trace;
    uint64_t usable = bench_oracle_index(layout, layout->ram[0].gpa, BENCH_ACCESS_LEN) == 0 ? layout->ram[0].gpa : 0;

    for (size_t i = 0; i < fixture->whole.count; i++) {
        const struct bench_access *access = &trace->accesses[i % trace->count];
        size_t chunk = i / BENCH_CHUNK;
        usable = fit_eight(layout, access->gpa, usable);
        fixture->whole.gpa[i] = access->gpa;
        fixture->whole.sums[chunk] += bench_trace_oracle(layout, access);
        fixture->ask[i] = (struct bench_trace_ask){
            access->len, (access->flags & BENCH_ACCESS_WRITE) != 0 ? GM_WRITE : GM_READ};
        fixture->eight.gpa[i] = usable;
        fixture->eight.sums[chunk] += bench_oracle(layout, usable, BENCH_ACCESS_LEN);
    }
}

static int build(struct bench_trace_fixture *fixture, char *error, size_t error_size)
{
    size_t count = (fixture->input->trace->count + BENCH_CHUNK - 1) / BENCH_CHUNK * BENCH_CHUNK;
    int result = load_layout(fixture->input, &fixture->fixture->layout, error, error_size);

    if (result == 0)
        result = bench_space_build(fixture->fixture->layout, &fixture->fixture->space, error, error_size);
    if (result == 0)
        result = addresses_room(&fixture->whole, count);
    if (result == 0)
        result = addresses_room(&fixture->eight, count);
    fixture->ask = calloc(count, sizeof(*fixture->ask));
    if (result == 0 && fixture->ask == NULL)
        result = -ENOMEM;
    if (result == 0)
        fill(fixture);
    return result;
}

uint64_t bench_trace_pieces(const struct gm_view *view, uint64_t gpa, const struct bench_trace_ask *ask)
{
    struct iovec iov[64];
    int count = gm_translate_iov(view, gpa, ask->len, ask->rights, iov, sizeof(iov) / sizeof(iov[0]));
    uint64_t sum = 0;

    for (int i = 0; i < count; i++)
        sum += (uintptr_t)iov[i].iov_base;
    return sum;
}

/* One by one, before any loop is timed: by the range, and by 8 bytes. */
static int translates_right(const struct bench_trace_fixture *fixture)
{
    const struct gm_view *view = gm_pin(fixture->fixture->space.space);
    int right = view != NULL;

    for (size_t at = 0; right && at < fixture->whole.count; at += BENCH_CHUNK) {
        uint64_t whole = 0, eight = 0;
        for (size_t i = at; i < at + BENCH_CHUNK; i++) {
            whole += bench_trace_pieces(view, fixture->whole.gpa[i], &fixture->ask[i]);
            eight += (uintptr_t)gm_translate(view, fixture->eight.gpa[i], BENCH_ACCESS_LEN, GM_READ);
        }
        right = whole == fixture->whole.sums[at / BENCH_CHUNK] && eight == fixture->eight.sums[at / BENCH_CHUNK];
    }
    if (view != NULL)
        (void)gm_unpin();
    return right;
}

static struct bench_trace_fixture *new_fixture(const struct bench_trace_input *input)
{
    struct bench_trace_fixture *fixture = calloc(1, sizeof(*fixture));

    if (fixture == NULL)
        return NULL;
    fixture->input = input;
    fixture->fixture = calloc(1, sizeof(*fixture->fixture));
    if (fixture->fixture != NULL)
        return fixture;
    free(fixture);
    return NULL;
}

/* The trace's own, and alone in memory: the one that other rows share goes first. */
static int replace(struct bench_row *row, struct bench_session *session, const struct bench_trace_input *input)
{
    char error[BENCH_ERROR_MAX] = "";
    int result = -ENOMEM;

    bench_fixture_free(session->fixture);
    session->fixture = NULL;
    fixture_free(session->traces->fixture);
    session->traces->fixture = new_fixture(input);
    bench_progress_note("building", input->label);
    if (session->traces->fixture != NULL)
        result = build(session->traces->fixture, error, sizeof(error));
    bench_progress_note(NULL, NULL);
    if (result == 0)
        return 0;
    fixture_free(session->traces->fixture);
    session->traces->fixture = NULL;
    return bench_row_skip(row, "cannot build %.50s: %.70s", input->label,
                          error[0] != '\0' ? error : strerror(-result));
}

int bench_trace_fixture_get(struct bench_row *row, struct bench_session *session,
                            const struct bench_trace_input *input, struct bench_trace_fixture **out)
{
    struct bench_traceset *set = session->traces;

    if (set->fixture == NULL || set->fixture->input != input) {
        if (replace(row, session, input) != 0)
            return 1;
        if (!translates_right(set->fixture)) {
            row->wrong = 1;
            snprintf(row->wrong_member, sizeof(row->wrong_member), "gm_translate_iov before timing");
        }
    }
    *out = set->fixture;
    set->fixture->fixture->loop_count = 0;
    return 0;
}
