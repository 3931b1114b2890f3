/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The memory that both sides work on, and the life of a case. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "runner.h"

static struct gate_memory memory;

int input_reserve(void)
{
    static uint64_t words[GATE_WORDS] __attribute__((aligned(4096)));
    /* Half a page from the words: a load whose low bits are those of a store just before is held up by it. */
    static struct {
        char unused[2048];
        void *out[GATE_STEP];
    } out __attribute__((aligned(4096)));
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    memory.words = words;
    memory.out = out.out;
    memory.host = mmap(NULL, GATE_HOST_SIZE, PROT_NONE, flags, -1, 0);
    if (memory.host == MAP_FAILED)
        fprintf(stderr, "no %llu bytes of address space\n", (unsigned long long)GATE_HOST_SIZE);
    return memory.host == MAP_FAILED ? GATE_CANNOT : 0;
}

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014) over a counter. */
static void fill_random(void)
{
    uint64_t state = 0;
    for (uint64_t i = 0; i < GATE_WORDS; i++) {
        uint64_t mix = state += UINT64_C(0x9e3779b97f4a7c15);
        mix = (mix ^ (mix >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        mix = (mix ^ (mix >> 27)) * UINT64_C(0x94d049bb133111eb);
        memory.words[i] = mix ^ (mix >> 31);
    }
}

static const struct gate_case *named(const struct gate_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->cases[i].name, name) == 0)
            return &table->cases[i];
    }
    return NULL;
}

int case_is_shared(const struct side *sides, const char *name)
{
    if (named(sides[0].table, name) != NULL && named(sides[1].table, name) != NULL)
        return 1;
    printf("skip\t%s\t%s\n", name, "such case on the other side");
    return 0;
}

int case_begin(struct side *sides, unsigned count, size_t index)
{
    const struct gate_case *first = &sides[0].table->cases[index];
    if (sides[0].table->fill != NULL)
        sides[0].table->fill(first, &memory);
    else
        fill_random();
    for (unsigned i = 0; i < count; i++) {
        const struct gate_table *table = sides[i].table;
        sides[i].now = named(table, first->name);
        sides[i].run = sides[i].now->run;
        int error = table->setup != NULL ? table->setup(sides[i].now, &memory) : 0;
        if (error == -ENOTSUP && i == 0) {
            printf("skip\t%s\t%s\n", first->name, first->needs != NULL ? first->needs : "support");
            return error;
        }
        if (error != 0) {
            fprintf(stderr, "%s: side %u cannot be set up: %s\n", first->name, i, strerror(-error));
            return GATE_CANNOT;
        }
        (void)sides[i].run(GATE_STEP, 0);
    }
    return 0;
}

int case_end(struct side *sides, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct gate_table *table = sides[i].table;
        int error = table->teardown != NULL ? table->teardown() : 0;
        if (error != 0) {
            fprintf(stderr, "%s: side %u cannot be torn down: %s\n", sides[i].now->name, i, strerror(-error));
            return GATE_CANNOT;
        }
    }
    return 0;
}
