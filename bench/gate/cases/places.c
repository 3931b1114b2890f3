/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The guests that are translated for, and the addresses that they use. Only access.c and chain.c touch host memory. */
#include "cases.h"

#define MIB (UINT64_C(1) << 20)
#define HOT_PERCENT 94
#define HOST_REGIONS 512 /* of 64 MiB */

/* RAM and ROM of bench/layouts/q35-16g-hotplug.layout, as [first, last]; devices are not translated. */
static const uint64_t q35[][2] = {
    {0x0, 0x9ffff},
    {0xc0000, 0xcafff},
    {0xcb000, 0xcdfff},
    {0xce000, 0xe7fff},
    {0xe8000, 0xeffff},
    {0xf0000, 0xfffff},
    {0x100000, 0x7fffffff},
    {0xfd000000, 0xfdffffff},
    {0xfffc0000, 0xffffffff},
    {0x100000000, 0x17fffffff},
    {0x180000000, 0x27fffffff},
    {0x280000000, 0x2bfffffff},
    {0x2c0000000, 0x33fffffff},
    {0x340000000, 0x37fffffff},
    {0x380000000, 0x47fffffff},
};

unsigned gate_region_count(const struct gate_place *place)
{
    return place->layout == GATE_REAL ? sizeof(q35) / sizeof(q35[0]) : place->regions;
}

struct gm_region_desc gate_region_of(const struct gate_place *place, unsigned index)
{
    if (place->layout == GATE_REAL) {
        const uint64_t *range = q35[index];
        return (struct gm_region_desc){.gpa = range[0], .size = range[1] - range[0] + 1, .offset = range[0]};
    }
    if (place->layout == GATE_MIXED)
        return (struct gm_region_desc){
            .gpa = index * MIB, .size = MIB, .offset = (place->regions - 1 - index) * MIB};
    /* Where there are more regions than host memory, they share it. */
    return (struct gm_region_desc){
        .gpa = index * 128 * MIB, .size = 64 * MIB, .offset = index % HOST_REGIONS * 64 * MIB};
}

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next(uint64_t *state)
{
    uint64_t mix = *state += UINT64_C(0x9e3779b97f4a7c15);
    mix = (mix ^ (mix >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mix = (mix ^ (mix >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mix ^ (mix >> 31);
}

static unsigned region_by_size(const struct gate_place *place, uint64_t random)
{
    uint64_t total = 0;
    unsigned index = 0;
    for (unsigned i = 0; i < gate_region_count(place); i++)
        total += gate_region_of(place, i).size;
    random %= total;
    while (random >= gate_region_of(place, index).size)
        random -= gate_region_of(place, index++).size;
    return index;
}

/*
 * Each region is used at another distance from its start, beyond the lines where its leaf and its marks lie: what one
 * access needs is in other sets of the first cache than what its neighbours need. Lines that share a set are slow in
 * one process and quick in the next, on one side or the other, by more than the limits of what is timed here.
 */
gm_gpa gate_reached(const struct gate_place *place, unsigned region)
{
    return gate_region_of(place, region).gpa + region * (2 * MIB + 2 * place->reach) + 17 * place->reach;
}

/* Most cases follow one with the same addresses, and making them takes as long as counting what a case does. */
static int are_there(const struct gate_place *place)
{
    static struct gate_place last;
    const int same = place->layout == last.layout && place->mix == last.mix && place->regions == last.regions &&
                     place->len == last.len && place->reach == last.reach;
    last = *place;
    return same;
}

/* An access longer than a page may need the regions behind its own, up to a multiple of the region's length. */
void gate_fill(const struct gate_case *which, const struct gate_memory *memory)
{
    const struct gate_place *place = which->own;
    const unsigned count = gate_region_count(place);
    const int is_long = place->len > 4096;
    const unsigned behind = is_long ? (unsigned)(place->len / gate_region_of(place, 0).size) + 1 : 0;
    const unsigned starts = count - behind;
    uint64_t state = count;
    if (are_there(place))
        return;
    for (uint64_t i = 0; i < GATE_WORDS; i++) {
        uint64_t random = next(&state);
        unsigned region = (unsigned)(random % starts);
        if (place->layout == GATE_REAL)
            region = region_by_size(place, random);
        else if (place->mix == GATE_HOT && (random >> 32) % 100 < HOT_PERCENT)
            region = starts / 3;
        const struct gm_region_desc desc = gate_region_of(place, region);
        const uint64_t room = is_long ? desc.size : desc.size - place->len;
        if (place->reach != 0)
            memory->words[i] = gate_reached(place, region) + next(&state) % place->reach / place->len * place->len;
        else
            memory->words[i] = desc.gpa + next(&state) % room / 8 * 8;
    }
}
