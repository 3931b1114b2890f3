/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Reads and writes of guest memory. Both sides go to the same bytes of the runner's memory, so few of them that the
 * first cache holds all: what is timed is the way there, and no side has luckier pages.
 */
#include "cases.h"

#include <errno.h>
#include <sys/mman.h>

#if GATE_HAS_ACCESS
/* What a side wrote last. It wrote that just now: the other's last write was to be the same. */
static uint64_t read_back(uint64_t after)
{
    uint64_t value = 0;
    return gm_guest_read_u64(gate.view, gate.memory.words[(after - 1) % GATE_WORDS], &value) == 0 ? value : 0;
}

uint64_t run_read_u64(uint64_t count, uint64_t first)
{
    const struct gm_view *view = gate.view;
    const uint64_t *words = gate.memory.words;
    uint64_t sum = 0, value;
    for (uint64_t i = first; i < first + count; i++) {
        ONE_MORE();
        if (gm_guest_read_u64(view, words[i % GATE_WORDS], &value) == 0)
            sum += value;
    }
    return sum;
}

uint64_t run_write_u64(uint64_t count, uint64_t first)
{
    const struct gm_view *view = gate.view;
    const uint64_t *words = gate.memory.words;
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        const uint64_t word = words[i % GATE_WORDS];
        ONE_MORE();
        sum += gm_guest_write_u64(view, word, word) == 0;
    }
    return sum + read_back(first + count);
}

/* Lengths are known at run time only, as they come from descriptors. The sum sees both ends of the buffer. */
static inline __attribute__((always_inline)) uint64_t read_one(uint64_t word, uint64_t len)
{
    const uint64_t *buf = (const uint64_t *)gate.memory.out;
    return gm_guest_read(gate.view, word, gate.memory.out, len) == 0 ? buf[0] + buf[len / 8 - 1] : 0;
}

uint64_t run_read_some(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        ONE_MORE();
        sum += read_one(gate.memory.words[i % GATE_WORDS], gate.len);
    }
    return sum;
}

uint64_t run_write_some(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        ONE_MORE();
        sum += gm_guest_write(gate.view, gate.memory.words[i % GATE_WORDS], gate.memory.out, gate.len) == 0;
    }
    return sum + read_back(first + count);
}

/* Of whole pages an operation is an eighth, or counting them would take longer than all the rest. */
uint64_t run_read_page(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i += GATE_EIGHTH) {
        PAGE_MORE();
        sum += read_one(gate.memory.words[i % GATE_WORDS], gate.len);
    }
    return sum;
}

uint64_t run_write_page(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i += GATE_EIGHTH) {
        PAGE_MORE();
        sum += gm_guest_write(gate.view, gate.memory.words[i % GATE_WORDS], gate.memory.out, gate.len) == 0;
    }
    return sum + read_back(first + count - GATE_EIGHTH + 1);
}
#endif

static void stamp(uint64_t *to, gm_gpa gpa, uint64_t len)
{
    for (uint64_t i = 0; i < len / 8; i++)
        to[i] = (gpa + i * 8) * UINT64_C(0x9e3779b97f4a7c15);
}

/* The floors add, so they find a region's bytes elsewhere than the library does; both places hold the same. */
int gate_access_setup(const struct gate_place *place)
{
    const int chains = place->work == GATE_CHAINS || place->work == GATE_INDIRECT;
    gate.touched = place->reach != 0 || chains ? gate.last + 8 : 0;
    if (gate.touched == 0)
        return 0;
    if (mprotect(gate.memory.host, gate.touched, PROT_READ | PROT_WRITE) != 0)
        return -errno;
    (void)madvise(gate.memory.host, gate.touched, MADV_NOHUGEPAGE); /* clearing those takes longer than a case */
    for (unsigned i = 0; place->reach != 0 && i < gate_region_count(place); i++) {
        const struct gm_region_desc desc = gate_region_of(place, i);
        const gm_gpa gpa = gate_reached(place, i);
        stamp((uint64_t *)(void *)(gate.memory.host + desc.offset + (gpa - desc.gpa)), gpa, place->reach);
        stamp((uint64_t *)(void *)(gate.memory.host + gpa), gpa, place->reach);
    }
    stamp((uint64_t *)(void *)gate.memory.out, 0, sizeof(void *) * GATE_STEP);
    return 0;
}

void gate_access_teardown(void)
{
    if (gate.touched == 0)
        return;
    (void)madvise(gate.memory.host, gate.touched, MADV_DONTNEED);
    (void)mprotect(gate.memory.host, gate.touched, PROT_NONE);
}
