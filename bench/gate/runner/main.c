/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * gate_runner duet A B ROUNDS ORDER [PREFIX...]   times two plug-ins against each other in this process: for each case
 *                                                 a line with the median of B's time over A's
 * gate_runner claims A ROUNDS ORDER [PREFIX...]   times the operations of one against their floors, likewise
 * gate_runner count A FEW MANY [PREFIX...]        does each case FEW and then MANY times in gate_point, which callgrind
 *                                                 dumps; the difference is what the operations cost
 * gate_runner list A                              names the cases
 *
 * A and B are plug-ins, folders with a plugin.so in it, or "-" for cases that are linked in. ORDER, 0 or 1, says which
 * side is loaded and timed first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

#define MAX_ROUNDS 1001

static int wanted(const char *name, char **prefixes)
{
    if (*prefixes == NULL)
        return 1;
    for (; *prefixes != NULL; prefixes++) {
        if (strncmp(name, *prefixes, strlen(*prefixes)) == 0)
            return 1;
    }
    return 0;
}

/* A case that this machine cannot run is no failure. */
static int one_duet(struct side *sides, unsigned loaded, size_t index, unsigned rounds, unsigned order)
{
    int status = case_begin(sides, loaded, index);
    if (status != 0)
        return status == -ENOTSUP ? 0 : status;
    if (loaded == 1) {
        sides[1] = sides[0];
        sides[0].run = sides[0].now->floor;
    }
    const int threads = sides[0].now->beside != NULL;
    status = threads ? beside_begin(sides) : 0;
    if (status == 0) {
        status = duet(sides, rounds, order);
        if (threads)
            status |= beside_end();
    }
    const int ended = case_end(sides, loaded);
    return status == -ENOTSUP ? ended : status | ended;
}

static int rounds_of(const char *text, unsigned *rounds)
{
    *rounds = (unsigned)strtoul(text, NULL, 10);
    return *rounds == 0 || *rounds > MAX_ROUNDS ? GATE_CANNOT : 0;
}

static int run_duet(char **argv)
{
    struct side sides[2];
    unsigned rounds;
    const unsigned order = (unsigned)strtoul(argv[3], NULL, 10) % 2;
    if (rounds_of(argv[2], &rounds) != 0 || input_reserve() != 0)
        return GATE_CANNOT;
    for (unsigned i = 0; i < 2; i++) {
        const unsigned which = i ^ order;
        if (side_load(&sides[which], argv[which]) != 0)
            return GATE_CANNOT;
    }
    if (sides[0].table == sides[1].table) {
        fprintf(stderr, "the two sides are one\n");
        return GATE_CANNOT;
    }
    for (size_t i = 0; i < sides[1].table->count; i++)
        (void)case_is_shared(sides, sides[1].table->cases[i].name);
    for (size_t i = 0; i < sides[0].table->count; i++) {
        const char *name = sides[0].table->cases[i].name;
        if (wanted(name, argv + 4) && case_is_shared(sides, name) && one_duet(sides, 2, i, rounds, order) != 0)
            return GATE_CANNOT;
    }
    return 0;
}

static int run_claims(char **argv)
{
    struct side sides[2];
    unsigned rounds;
    const unsigned order = (unsigned)strtoul(argv[2], NULL, 10) % 2;
    if (rounds_of(argv[1], &rounds) != 0 || input_reserve() != 0 || side_load(sides, argv[0]) != 0)
        return GATE_CANNOT;
    const struct gate_table *table = sides[0].table;
    for (size_t i = 0; i < table->count; i++) {
        if (table->cases[i].floor != NULL && wanted(table->cases[i].name, argv + 3) &&
            one_duet(sides, 1, i, rounds, order) != 0)
            return GATE_CANNOT;
    }
    return 0;
}

/* callgrind sets its counts to zero where this is entered and writes them where it is left. */
__attribute__((noinline)) uint64_t gate_point(const struct gate_case *which, uint64_t count);
__attribute__((noinline)) uint64_t gate_point(const struct gate_case *which, uint64_t count)
{
    uint64_t sum = which->run(count, 0);
    __asm__ volatile("" : : : "memory");
    return sum;
}

/* Cases with a second thread are left out: what one thread does alone is some other case's. */
static int run_count(char **argv)
{
    struct side side;
    if (input_reserve() != 0 || side_load(&side, argv[0]) != 0)
        return GATE_CANNOT;
    for (size_t i = 0; i < side.table->count; i++) {
        if (side.table->cases[i].beside != NULL || !wanted(side.table->cases[i].name, argv + 3))
            continue;
        const int status = case_begin(&side, 1, i);
        if (status == GATE_CANNOT)
            return status;
        for (unsigned point = 0; status == 0 && point < 2; point++) {
            (void)gate_point(side.now, strtoull(argv[1 + point], NULL, 10));
            printf("point\t%s\t%s\t%s\n", side.now->name, side.now->family, argv[1 + point]);
        }
        if (status == 0 && case_end(&side, 1) != 0)
            return GATE_CANNOT;
    }
    return 0;
}

static int run_list(const char *place)
{
    struct side side;
    if (side_load(&side, place) != 0)
        return GATE_CANNOT;
    for (size_t i = 0; i < side.table->count; i++) {
        const struct gate_case *now = &side.table->cases[i];
        printf("case\t%s\t%s\t%s\t%s\t%s\n", now->name, now->family, now->kind != NULL ? now->kind : "kernel",
               now->floor != NULL ? "floor" : "-", now->beside != NULL ? "threads" : "-");
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 6 && strcmp(argv[1], "duet") == 0)
        return run_duet(argv + 2);
    if (argc >= 5 && strcmp(argv[1], "claims") == 0)
        return run_claims(argv + 2);
    if (argc >= 5 && strcmp(argv[1], "count") == 0)
        return run_count(argv + 2);
    if (argc == 3 && strcmp(argv[1], "list") == 0)
        return run_list(argv[2]);
    fprintf(stderr, "usage: gate_runner duet|claims|count|list ...; see main.c\n");
    return GATE_CANNOT;
}
