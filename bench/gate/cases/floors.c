/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The floors of ci/gate's claims: the same loop over the same addresses with the least that could do the work. For a
 * translation that is one bounds check and one addition, all that a guest with a single region at address 0 would need.
 * Accesses that are tracked have the floor of those that are not.
 */
#include <stdatomic.h>
#include <string.h>

#include "cases.h"

/* Compilers differ in whether they make vectors of such loops; none does with this. */
#define ONE_AT_A_TIME(pointer)                                                                                   \
    __extension__({                                                                                              \
        void *one = (pointer);                                                                                   \
        __asm__ volatile("" : "+r"(one));                                                                        \
        one;                                                                                                     \
    })

struct flat {
    uint64_t last, delta;
};

static inline __attribute__((always_inline)) void *flat_translate(uint64_t last, uint64_t delta, uint64_t gpa)
{
    return __builtin_expect(gpa <= last, 1) ? (void *)(uintptr_t)(gpa + delta) : NULL;
}

static __attribute__((noinline)) void *call_flat(const struct flat *flat, uint64_t gpa, uint64_t len)
{
    /* Not specialised for its one caller, or it would be another shape of call than the operation's. */
    __asm__ volatile("" : "+r"(flat) : "r"(len));
    return flat_translate(flat->last, flat->delta, gpa);
}

uint64_t floor_call(uint64_t count, uint64_t first)
{
    const struct flat flat = {gate.last, gate.delta};
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++)
        sum += (uintptr_t)call_flat(&flat, gate.memory.words[i % GATE_WORDS], gate.len);
    return sum;
}

uint64_t floor_inline(uint64_t count, uint64_t first)
{
    const uint64_t last = gate.last, delta = gate.delta;
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++)
        sum += (uintptr_t)ONE_AT_A_TIME(flat_translate(last, delta, gate.memory.words[i % GATE_WORDS]));
    return sum;
}

/* A pointer that is read again each time. */
uint64_t floor_handle(uint64_t count, uint64_t first)
{
    void *pointer = gate.memory.host;
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        __asm__ volatile("" : : "r"(&pointer) : "memory");
        sum += (uintptr_t)pointer;
    }
    return sum;
}

/* What a count of users costs that nobody else touches: the cheapest pin that needs no registration. */
static _Alignas(128) atomic_ulong users;

uint64_t floor_pin(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    (void)first;
    for (uint64_t i = 0; i < count; i++) {
        sum += atomic_fetch_add_explicit(&users, 1, memory_order_acquire) == 0;
        atomic_fetch_sub_explicit(&users, 1, memory_order_release);
    }
    return sum;
}

uint64_t floor_one_by_one(uint64_t count, uint64_t first)
{
    const uint64_t last = gate.last, delta = gate.delta;
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        atomic_fetch_add_explicit(&users, 1, memory_order_acquire);
        sum += (uintptr_t)flat_translate(last, delta, gate.memory.words[i % GATE_WORDS]);
        atomic_fetch_sub_explicit(&users, 1, memory_order_release);
    }
    return sum;
}

uint64_t floor_linear(uint64_t count, uint64_t first)
{
    const uint64_t last = gate.last, delta = gate.delta;
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i += GATE_STEP) {
        for (unsigned at = 0; at < GATE_STEP; at++)
            gate.memory.out[at] = ONE_AT_A_TIME(flat_translate(last, delta, gate.memory.words[at]));
        sum += (uintptr_t)gate.memory.out[0];
    }
    return sum;
}

uint64_t floor_read_u64(uint64_t count, uint64_t first)
{
    const uint64_t last = gate.last, delta = gate.delta, *words = gate.memory.words;
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        const uint64_t *guest = flat_translate(last, delta, words[i % GATE_WORDS]);
        if (guest != NULL)
            sum += __atomic_load_n(guest, __ATOMIC_RELAXED);
    }
    return sum;
}

uint64_t floor_write_u64(uint64_t count, uint64_t first)
{
    const uint64_t last = gate.last, delta = gate.delta, *words = gate.memory.words;
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        uint64_t *guest = flat_translate(last, delta, words[i % GATE_WORDS]);
        if (guest == NULL)
            continue;
        __atomic_store_n(guest, words[i % GATE_WORDS], __ATOMIC_RELAXED);
        sum++;
    }
    return sum;
}

uint64_t floor_read_some(uint64_t count, uint64_t first)
{
    const uint64_t *buf = (const uint64_t *)gate.memory.out;
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        const void *guest = flat_translate(gate.last, gate.delta, gate.memory.words[i % GATE_WORDS]);
        if (guest == NULL)
            continue;
        memcpy(gate.memory.out, guest, gate.len);
        sum += buf[0] + buf[gate.len / 8 - 1];
    }
    return sum;
}

uint64_t floor_write_some(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        void *guest = flat_translate(gate.last, gate.delta, gate.memory.words[i % GATE_WORDS]);
        if (guest == NULL)
            continue;
        memcpy(guest, gate.memory.out, gate.len);
        sum++;
    }
    return sum;
}
