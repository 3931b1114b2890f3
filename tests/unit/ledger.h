/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The library's heap, replaced by one that keeps a ledger. A test that includes this file defines the four functions
 * of base/alloc.h itself, so that the linker leaves the real ones in the archive. What is alive can then be counted
 * and named to the byte in every build, where a sanitizer could only tell at the end that something was lost, and a
 * free with another size than the allocation's, which a sized allocator would take badly, fails at once.
 *
 * One thread at a time. Include it in one file of a program.
 */
#ifndef GM_TESTS_UNIT_LEDGER_H
#define GM_TESTS_UNIT_LEDGER_H

#include "lib/cm.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/fault.h"

#define LEDGER_ALIGN 64
#define LEDGER_MAGIC UINT64_C(0x6c65646765722e31)

/* In front of each allocation, on a cache line of its own. */
struct ledger_entry {
    struct ledger_entry *next;
    struct ledger_entry *previous;
    size_t size;
    uint64_t magic;
} __attribute__((aligned(LEDGER_ALIGN)));

static struct {
    struct ledger_entry *newest;
    size_t live;  /* allocations */
    size_t bytes; /* as asked for */
    uint64_t ever;
} ledger;

struct gm_heap {
    int node;
};

static inline struct ledger_entry *ledger_entry_of(const void *pointer)
{
    return (struct ledger_entry *)(uintptr_t)((const unsigned char *)pointer - sizeof(struct ledger_entry));
}

/* Is the pointer one that was given out and not taken back? It need not be one that ever was. */
static inline bool ledger_has(const void *pointer)
{
    for (const struct ledger_entry *entry = ledger.newest; entry != NULL; entry = entry->next)
        if ((const void *)(entry + 1) == pointer)
            return true;
    return false;
}

void *gm_alloc(struct gm_heap *heap, size_t size)
{
    void *memory;
    (void)heap;
    if (gm_fault_due() || posix_memalign(&memory, LEDGER_ALIGN, sizeof(struct ledger_entry) + size) != 0)
        return NULL;
    struct ledger_entry *entry = memory;
    *entry = (struct ledger_entry){.next = ledger.newest, .size = size, .magic = LEDGER_MAGIC};
    if (ledger.newest != NULL)
        ledger.newest->previous = entry;
    ledger.newest = entry;
    ledger.live++;
    ledger.bytes += size;
    ledger.ever++;
    memset(entry + 1, 0xa5, size); /* uninitialised memory has to look like it */
    return entry + 1;
}

void gm_free(struct gm_heap *heap, void *pointer, size_t size)
{
    (void)heap;
    if (pointer == NULL)
        return;
    struct ledger_entry *entry = ledger_entry_of(pointer);
    if (entry->magic != LEDGER_MAGIC || entry->size != size) {
        print_error("free of %p with size %zu, allocated with %zu\n", pointer, size, entry->size);
        fail();
    }
    if (entry->next != NULL)
        entry->next->previous = entry->previous;
    if (entry->previous != NULL)
        entry->previous->next = entry->next;
    else
        ledger.newest = entry->next;
    ledger.live--;
    ledger.bytes -= size;
    memset(entry, 0xdb, sizeof(*entry) + size);
    free(entry);
}

int gm_heap_create(int node, struct gm_heap **out)
{
    *out = gm_alloc(NULL, sizeof(**out));
    if (*out == NULL)
        return -ENOMEM;
    (*out)->node = node;
    return 0;
}

void gm_heap_destroy(struct gm_heap *heap)
{
    gm_free(NULL, heap, sizeof(*heap));
}

#endif
