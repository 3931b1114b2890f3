/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The fixture of the commit benchmarks. */
#include "edit.h"

#include <stdlib.h>
#include <string.h>

#define PER_PIN 32
#define TIB (UINT64_C(1) << 40)
#define USUAL_SHARE (UINT64_C(4) << 30) /* of guest addresses for each region, at most 1 TiB in all */

/* The reader may meet the region that is gone just now, so its answers are used but not checked. */
static int read_step(void *argument)
{
    struct bench_edit *edit = argument;
    const struct gm_view *view = gm_pin(edit->space.space);
    uint64_t sum = 0;

    for (size_t i = 0; i < PER_PIN; i++)
        sum += (uintptr_t)gm_translate(view, edit->gpa[edit->gpa_cursor + i], BENCH_ACCESS_LEN, GM_READ);
    bench_keep(sum);
    edit->gpa_cursor = (edit->gpa_cursor + PER_PIN) % EDIT_READ;
    return gm_unpin();
}

int bench_edit_start_reader(void *fixture)
{
    return bench_worker_start(&((struct bench_edit *)fixture)->reader);
}

void bench_edit_stop_reader(void *fixture)
{
    (void)bench_worker_stop(&((struct bench_edit *)fixture)->reader);
}

int bench_edit_prepare(struct bench_row *row, const struct bench_session *session, struct bench_edit **out)
{
    struct bench_edit *edit = calloc(1, sizeof(*edit));
    struct bench_rng rng = {session->options.seed};
    uint64_t span = row->text == NULL && row->param < TIB / USUAL_SHARE ? row->param * USUAL_SHARE : TIB;
    char error[96] = "no memory";

    row->priv = *out = edit;
    if (edit == NULL || bench_layout_uniform(row->param, span, session->options.seed, &edit->layout) != 0)
        return bench_row_skip(row, "%s", error);
    if (bench_space_build(edit->layout, &edit->space, error, sizeof(error)) != 0)
        return bench_row_skip(row, "%s", error);
    edit->order = calloc(EDIT_ORDER, sizeof(*edit->order));
    edit->gpa = bench_stream(edit->layout, BENCH_UNIFORM, EDIT_READ, BENCH_ACCESS_LEN, BENCH_ACCESS_LEN,
                             session->options.seed);
    if (edit->order == NULL || edit->gpa == NULL)
        return bench_row_skip(row, "no memory");
    for (size_t i = 0; i < EDIT_ORDER; i++)
        edit->order[i] = (uint32_t)bench_random_below(&rng, edit->layout->count);
    edit->reader = (struct bench_worker){.step = read_step, .argument = edit, .cpu = 1, .reads = 1};
    return 0;
}

void bench_edit_release(struct bench_row *row)
{
    struct bench_edit *edit = row->priv;

    if (edit == NULL)
        return;
    (void)bench_space_destroy(&edit->space);
    bench_layout_free(edit->layout);
    free(edit->order);
    free(edit->gpa);
    free(edit);
    row->priv = NULL;
}

struct gm_region_desc bench_edit_desc(const struct bench_edit *edit, const struct bench_range *range)
{
    return (struct gm_region_desc){.gpa = range->first,
                                   .size = range->last - range->first + 1,
                                   .kind = GM_KIND_RAM,
                                   .backing = edit->space.backings[range->object],
                                   .offset = edit->layout->objects[range->object].phase + range->offset};
}

static int publish(struct bench_edit *edit, const struct gm_region_desc *desc, int add, unsigned flags)
{
    struct gm_txn *txn;
    int result = gm_txn_begin(edit->space.space, &txn);

    if (result != 0)
        return result;
    result = add ? gm_txn_add(txn, desc) : gm_txn_remove(txn, desc->gpa, desc->size);
    if (result == 0)
        return gm_txn_commit(txn, flags);
    gm_txn_abort(txn);
    return result;
}

int bench_edit_toggle(struct bench_edit *edit, unsigned flags)
{
    const struct bench_range *range = &edit->layout->ranges[edit->order[edit->cursor]];
    struct gm_region_desc desc = bench_edit_desc(edit, range);
    int result;

    edit->cursor = (edit->cursor + 1) % EDIT_ORDER;
    result = publish(edit, &desc, 0, flags);
    return result != 0 ? result : publish(edit, &desc, 1, flags);
}
