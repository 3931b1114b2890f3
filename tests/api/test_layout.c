/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Layouts: which are valid, and where each kind has its place, to the byte, by the question and by the transaction.
 */
#include "lib/cm.h"
#include "lib/rig.h"

#define MEM_FIRST UINT64_C(0x1000)
#define MEM_LAST UINT64_C(0xffffff)
#define PHYS_LAST UINT64_C(0xfffffff)
#define HOLE_FIRST UINT64_C(0x400000)
#define HOLE_LAST UINT64_C(0x7fffff)

static const struct gm_layout layout = {
    .mem_first = MEM_FIRST,
    .mem_last = MEM_LAST,
    .phys_last = PHYS_LAST,
    .holes = 1,
    .hole = {{HOLE_FIRST, HOLE_LAST}},
};

static const enum gm_kind kinds[] = {GM_KIND_RAM, GM_KIND_ROM, GM_KIND_DEVICE, GM_KIND_DAX, GM_KIND_FIRMWARE};

static int open_rig(void **state)
{
    const struct gm_space_config config = {.numa_node = -1, .layout = &layout};
    int result = gmt_rig_open(state);
    struct gmt_rig *rig = *state;
    assert_result(gm_space_destroy(rig->space), 0);
    assert_result(gm_space_create(&config, &rig->space), 0);
    return result;
}

static void assert_valid(const struct gm_layout *changed, int want)
{
    const struct gm_space_config config = {.numa_node = -1, .layout = changed};
    struct gm_space *space = NULL;
    assert_result(gm_layout_validate(changed), want);
    assert_result(gm_layout_allows(changed, GM_KIND_ROM, 0x2000, 1), want);
    assert_result(gm_space_create(&config, &space), want);
    if (want == 0)
        assert_result(gm_space_destroy(space), 0);
    else
        assert_null(space);
}

static void validity(void **state)
{
    struct gm_layout l = layout;
    (void)state;
    assert_result(gm_layout_validate(NULL), -EINVAL);
    assert_result(gm_layout_allows(NULL, GM_KIND_RAM, 0, 1), -EINVAL);
    assert_valid(&l, 0);
    l.mem_first = MEM_LAST; /* one byte of memory */
    assert_valid(&l, 0);
    l.mem_first = MEM_LAST + 1;
    assert_valid(&l, -EINVAL);
    l = layout;
    l.phys_last = MEM_LAST; /* nothing but memory */
    assert_valid(&l, 0);
    l.phys_last = MEM_LAST - 1;
    assert_valid(&l, -EINVAL);
    l = layout;
    l.phys_last = GM_GPA_LAST;
    assert_valid(&l, 0);
    l.phys_last = GM_GPA_LAST + 1;
    assert_valid(&l, -EINVAL);
    l.phys_last = UINT64_MAX;
    assert_valid(&l, -EINVAL);
}

static void validity_of_holes(void **state)
{
    struct {
        struct gm_layout layout;
        struct gm_layout_hole ninth;
    } one_too_many = {layout, {0x90000, 0x90fff}};
    struct gm_layout l = layout;
    (void)state;
    l.holes = GM_LAYOUT_HOLES_MOST;
    for (unsigned i = 0; i < GM_LAYOUT_HOLES_MOST; i++)
        l.hole[i] = (struct gm_layout_hole){0x10000 * i, 0x10000 * i + 0xffff}; /* each touches the next */
    assert_valid(&l, 0);
    one_too_many.layout = l;
    one_too_many.layout.holes = GM_LAYOUT_HOLES_MOST + 1;
    assert_valid(&one_too_many.layout, -EINVAL);
    one_too_many.layout.holes = UINT32_MAX;
    assert_valid(&one_too_many.layout, -EINVAL);
    l.hole[3].first--;
    assert_valid(&l, -EINVAL); /* shares a byte with the one below */
    l.hole[3] = (struct gm_layout_hole){0x31000, 0x30fff};
    assert_valid(&l, -EINVAL);
    l.hole[3] = (struct gm_layout_hole){0x30000, 0x30000};
    assert_valid(&l, 0);
    l.hole[3] = (struct gm_layout_hole){0x90000, 0x90fff};
    assert_valid(&l, -EINVAL); /* not in order */
    l.holes = 3; /* what is behind is not looked at */
    assert_valid(&l, 0);
    l = layout;
    l.hole[0] = (struct gm_layout_hole){MEM_LAST + 1, PHYS_LAST}; /* outside of memory */
    assert_valid(&l, 0);
    l.hole[0].last++;
    assert_valid(&l, -EINVAL);
    l.hole[0].last = UINT64_MAX;
    assert_valid(&l, -EINVAL);
}

/* Both the question and the transaction have to say so. */
static void assert_place(struct gmt_rig *rig, enum gm_kind kind, uint64_t first, uint64_t last, int want)
{
    struct gm_region_desc desc = gmt_ram(rig, first, last - first + 1, first & (GMT_PAGE - 1));
    if (kind == GM_KIND_DEVICE)
        desc = gmt_device(first, last - first + 1);
    desc.kind = kind;
    if (gm_layout_allows(&layout, kind, first, desc.size) != want)
        fail_msg("gm_layout_allows: kind %u at %#lx-%#lx", kind, (long)first, (long)last);
    if (kind != GM_KIND_DEVICE && desc.size > GMT_RIG_MEMORY - GMT_PAGE)
        return;
    if (want != 0) {
        gmt_assert_add_refused(rig, &desc, want);
        return;
    }
    gmt_add(rig->space, &desc);
    gmt_remove(rig->space, first, desc.size);
}

static void ram_is_in_memory_and_in_no_hole(void **state)
{
    static const struct {
        uint64_t first, last;
        int want;
    } cases[] = {
        {MEM_FIRST, MEM_FIRST, 0},          {MEM_FIRST - 1, MEM_FIRST, -EDOM},   {0, MEM_FIRST - 1, -EDOM},
        {MEM_FIRST, HOLE_FIRST - 1, 0},     {MEM_FIRST, HOLE_FIRST, -EDOM},      {HOLE_FIRST, HOLE_FIRST, -EDOM},
        {HOLE_LAST, HOLE_LAST, -EDOM},      {HOLE_LAST, HOLE_LAST + 1, -EDOM},   {HOLE_LAST + 1, MEM_LAST, 0},
        {MEM_LAST, MEM_LAST, 0},            {MEM_LAST, MEM_LAST + 1, -EDOM},     {MEM_LAST + 1, MEM_LAST + 1, -EDOM},
        {MEM_FIRST, MEM_LAST, -EDOM},       {HOLE_FIRST, HOLE_LAST, -EDOM},      {HOLE_FIRST - 1, HOLE_LAST + 1, -EDOM},
        {PHYS_LAST, PHYS_LAST, -EDOM},      {PHYS_LAST + 1, PHYS_LAST + 1, -EDOM},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_place(*state, GM_KIND_RAM, cases[i].first, cases[i].last, cases[i].want);
}

static void devices_and_dax_are_out_of_memory(void **state)
{
    static const struct {
        uint64_t first, last;
        int want;
    } cases[] = {
        {HOLE_FIRST, HOLE_LAST, 0},        {HOLE_FIRST, HOLE_FIRST, 0},       {HOLE_LAST, HOLE_LAST, 0},
        {HOLE_FIRST - 1, HOLE_FIRST, -EDOM}, {HOLE_LAST, HOLE_LAST + 1, -EDOM}, {HOLE_FIRST - 1, HOLE_LAST + 1, -EDOM},
        {MEM_FIRST, MEM_FIRST, -EDOM},     {MEM_LAST, MEM_LAST, -EDOM},       {MEM_LAST, MEM_LAST + 1, -EDOM},
        {MEM_LAST + 1, MEM_LAST + 1, 0},   {MEM_LAST + 1, PHYS_LAST, 0},      {PHYS_LAST, PHYS_LAST, 0},
        {PHYS_LAST, PHYS_LAST + 1, -EDOM}, {PHYS_LAST + 1, PHYS_LAST + 1, -EDOM}, {0, MEM_FIRST - 1, 0},
        {0, MEM_FIRST, -EDOM},             {0, PHYS_LAST, -EDOM},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_place(*state, GM_KIND_DEVICE, cases[i].first, cases[i].last, cases[i].want);
        assert_place(*state, GM_KIND_DAX, cases[i].first, cases[i].last, cases[i].want);
    }
}

static void rom_and_firmware_are_anywhere_below_the_end(void **state)
{
    static const uint64_t places[][2] = {
        {0, 0}, {0, MEM_FIRST}, {HOLE_FIRST - 1, HOLE_LAST + 1}, {MEM_LAST, MEM_LAST + 1}, {PHYS_LAST, PHYS_LAST}};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        assert_place(*state, GM_KIND_ROM, places[i][0], places[i][1], 0);
        assert_place(*state, GM_KIND_FIRMWARE, places[i][0], places[i][1], 0);
    }
    assert_place(*state, GM_KIND_ROM, PHYS_LAST, PHYS_LAST + 1, -EDOM);
    assert_place(*state, GM_KIND_FIRMWARE, PHYS_LAST + 1, PHYS_LAST + 1, -EDOM);
}

static void a_device_over_holes_that_touch(void **state)
{
    struct gm_layout l = layout;
    (void)state;
    l.holes = 3;
    l.hole[0] = (struct gm_layout_hole){0x100000, 0x1fffff};
    l.hole[1] = (struct gm_layout_hole){0x200000, 0x2fffff};
    l.hole[2] = (struct gm_layout_hole){0x300001, 0x3fffff};
    assert_result(gm_layout_allows(&l, GM_KIND_DEVICE, 0x100000, 0x200000), 0);
    assert_result(gm_layout_allows(&l, GM_KIND_DEVICE, 0x1fffff, 2), 0);
    assert_result(gm_layout_allows(&l, GM_KIND_DEVICE, 0x100000, 0x200001), -EDOM);
    assert_result(gm_layout_allows(&l, GM_KIND_DEVICE, 0x2fffff, 3), -EDOM); /* one byte of memory between */
    assert_result(gm_layout_allows(&l, GM_KIND_RAM, 0x300000, 1), 0);        /* which is that byte */
    l.hole[2] = (struct gm_layout_hole){0xf00000, 0x1ffffff}; /* over the end of memory */
    assert_result(gm_layout_allows(&l, GM_KIND_DEVICE, 0xf00000, PHYS_LAST - 0xf00000 + 1), 0);
    assert_result(gm_layout_allows(&l, GM_KIND_DEVICE, 0xefffff, 2), -EDOM);
}

static void questions_that_make_no_sense(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_result(gm_layout_allows(&layout, kinds[i], MEM_FIRST, 0), -EINVAL);
        assert_result(gm_layout_allows(&layout, kinds[i], UINT64_MAX, 2), -EOVERFLOW);
        assert_result(gm_layout_allows(&layout, kinds[i], MEM_FIRST, UINT64_MAX), -EOVERFLOW);
        assert_result(gm_layout_allows(&layout, kinds[i], UINT64_MAX, 1), -EDOM);
    }
    assert_result(gm_layout_allows(&layout, (enum gm_kind)5, MEM_FIRST, 1), -EINVAL);
    assert_result(gm_layout_allows(&layout, (enum gm_kind)32, MEM_FIRST, 1), -EINVAL);
    assert_result(gm_layout_allows(&layout, (enum gm_kind)33, MEM_FIRST, 1), -EINVAL);
}

static void resize_keeps_to_the_layout(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, HOLE_FIRST - GMT_PAGE, GMT_PAGE / 2, 0);
    gmt_resize(rig->space, HOLE_FIRST - GMT_PAGE, GMT_PAGE); /* up to the hole */
    gmt_assert_resize_refused(rig, HOLE_FIRST - GMT_PAGE, GMT_PAGE + 1, -EDOM);
    struct gm_region_desc device = gmt_device(HOLE_LAST, 1);
    gmt_add(rig->space, &device);
    gmt_assert_resize_refused(rig, HOLE_LAST, 2, -EDOM);
}

static void the_space_keeps_a_copy(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_layout own = layout;
    struct gm_layout got;
    struct gm_space *space;
    const struct gm_space_config config = {.numa_node = -1, .layout = &own};
    assert_result(gm_space_create(&config, &space), 0);
    memset(&own, 0, sizeof(own));
    assert_result(gm_space_layout(space, &got), 0);
    assert_memory_equal(&got, &layout, sizeof(layout));
    assert_result(gm_space_layout(NULL, &got), -EINVAL);
    assert_result(gm_space_layout(space, NULL), -EINVAL);
    assert_result(gm_space_destroy(space), 0);
    assert_result(gm_space_create(NULL, &space), 0);
    assert_result(gm_space_layout(space, &got), -ENOENT);
    assert_memory_equal(&got, &layout, sizeof(layout));
    assert_result(gm_space_destroy(space), 0);
    /* errors of several causes: what is no range comes first, then what is no place, then what is taken */
    struct gm_region_desc desc = gmt_ram(rig, 0, GMT_RIG_MEMORY + 1, 0);
    gmt_assert_add_refused(rig, &desc, -ERANGE);
    gmt_add_ram(rig, HOLE_FIRST - GMT_PAGE, GMT_PAGE, 0);
    desc = gmt_ram(rig, HOLE_FIRST - GMT_PAGE, GMT_PAGE + 1, 0);
    gmt_assert_add_refused(rig, &desc, -EDOM);
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, open_rig, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(validity),
        cmocka_unit_test(validity_of_holes),
        RIG(ram_is_in_memory_and_in_no_hole),
        RIG(devices_and_dax_are_out_of_memory),
        RIG(rom_and_firmware_are_anywhere_below_the_end),
        cmocka_unit_test(a_device_over_holes_that_touch),
        cmocka_unit_test(questions_that_make_no_sense),
        RIG(resize_keeps_to_the_layout),
        RIG(the_space_keeps_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
