/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* One translation at a time. The loops are the same machine code whatever table.c makes of them. */
#include "cases.h"

/* The shape of a call: what an emulator compiled apart from its memory layer pays. */
static __attribute__((noinline)) void *call_translate(const struct gm_view *view, gm_gpa gpa, uint64_t len)
{
    return gm_translate(view, gpa, len, GM_READ);
}

uint64_t run_call(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        ONE_MORE();
        sum += (uintptr_t)call_translate(gate.view, gate.memory.words[i % GATE_WORDS], gate.len);
    }
    return sum;
}

uint64_t run_inline(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        ONE_MORE();
        sum += (uintptr_t)gm_translate(gate.view, gate.memory.words[i % GATE_WORDS], 8, GM_READ);
    }
    return sum;
}

uint64_t run_span(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        struct gm_span span;
        ONE_MORE();
        if (gm_translate_span(gate.view, gate.memory.words[i % GATE_WORDS], &span) == 0)
            sum += (uintptr_t)span.address + span.len + span.rights;
    }
    return sum;
}

uint64_t run_handle(uint64_t count, uint64_t first)
{
    struct gm_handle handle;
    uint64_t sum = 0;
    if (gm_handle_init(&handle, gate.view, gate.memory.words[0], 8, GM_READ) != 0)
        return 0;
    for (uint64_t i = first; i < first + count; i++) {
        /* The handle is read again each time, as between two uses of a ring. */
        __asm__ volatile("" : : "r"(&handle) : "memory");
        ONE_MORE();
        sum += (uintptr_t)gm_handle_get(&handle, gate.view);
    }
    return sum;
}

uint64_t run_iov(uint64_t count, uint64_t first)
{
    struct iovec iov[8];
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        ONE_MORE();
        int used = gm_translate_iov(gate.view, gate.memory.words[i % GATE_WORDS], gate.len, GM_READ, iov, 8);
        sum += (uint64_t)used + (used > 0 ? (uintptr_t)iov[0].iov_base : 0);
    }
    return sum;
}
