/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * gate_runner duet A B ROUNDS ORDER [PREFIX...]: times two plug-ins against each other in one process and prints, for
 * each case, the median over the rounds of B's time over A's.
 * gate_runner count A FEW MANY [PREFIX...]: does each case twice, FEW and MANY times, in gate_point, which callgrind
 * dumps; the difference is what the operations cost.
 * A and B are folders, each with a plugin.so and the library that it calls.
 *
 * Duet, because what disturbs a machine lasts longer than a leg of 50 us and meets both sides. A round is four legs,
 * A B B A or B A A B, over two stretches of addresses, so that each side comes first on one of them. Each plug-in
 * lives in a link-map namespace of its own: with one, both would share liburcu and its registration of threads.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "gate.h"

#define LEG_NS 50000
#define MAX_ROUNDS 1001
#define CANNOT 2

struct side {
    const struct gate_table *table;
    const struct gate_case *now;
};

static struct gate_input memory;
/* The runner fills them, the plug-ins read. */
static uint64_t addresses[GATE_ADDRESSES] __attribute__((aligned(4096)));

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A plug-in that calls another library than the one beside it would compare a revision with itself. */
static int calls_its_own(const void *library, const char *folder)
{
    char real[2][PATH_MAX];
    Dl_info info;
    if (dladdr(library, &info) == 0 || realpath(info.dli_fname, real[0]) == NULL || realpath(folder, real[1]) == NULL)
        return 0;
    *strrchr(real[0], '/') = 0;
    return strcmp(real[0], real[1]) == 0;
}

static int load(struct side *side, const char *folder)
{
    char plugin[PATH_MAX];
    snprintf(plugin, sizeof(plugin), "%s/plugin.so", folder);
    void *handle = dlmopen(LM_ID_NEWLM, plugin, RTLD_NOW | RTLD_LOCAL);
    side->table = handle != NULL ? dlsym(handle, "gate_table") : NULL;
    if (side->table == NULL || side->table->size != sizeof(struct gate_case)) {
        fprintf(stderr, "%s: %s\n", plugin, handle == NULL ? dlerror() : "not a plug-in of this runner");
        return CANNOT;
    }
    if (!calls_its_own(side->table->library, folder)) {
        fprintf(stderr, "%s does not call the library beside it\n", plugin);
        return CANNOT;
    }
    return 0;
}

static int reserve(void)
{
    /* Half a page from the addresses: a load whose low bits are those of a store just before is held up by it. */
    static struct {
        char unused[2048];
        void *hva[GATE_STEP];
    } out __attribute__((aligned(4096)));
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    memory.gpa = addresses;
    memory.hva = out.hva;
    memory.host = mmap(NULL, GATE_HOST_SIZE, PROT_NONE, flags, -1, 0);
    return memory.host == MAP_FAILED ? CANNOT : 0;
}

static uint64_t next(uint64_t *state)
{
    uint64_t mix = *state += UINT64_C(0x9e3779b97f4a7c15);
    mix = (mix ^ (mix >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mix = (mix ^ (mix >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mix ^ (mix >> 31);
}

/* An access longer than its region needs the regions behind it, up to a multiple of the region's length. */
static void fill_addresses(const struct gate_case *which)
{
    const uint64_t size = gate_region_of(which, 0).size;
    const unsigned starts = which->regions - (which->len > 4096 ? (unsigned)(which->len / size) + 1 : 0);
    const uint64_t room = which->len > 4096 ? size : size - which->len;
    uint64_t state = which->regions;
    for (uint64_t i = 0; i < GATE_ADDRESSES; i++) {
        uint64_t random = next(&state);
        unsigned region = (unsigned)(random % starts);
        if (which->mix == GATE_HOT && (random >> 32) % 100 < 94)
            region = starts / 3;
        addresses[i] = gate_region_of(which, region).gpa + next(&state) % room / 8 * 8;
    }
}

static int prepare(struct side *sides, unsigned count, size_t index)
{
    fill_addresses(&sides[0].table->cases[index]);
    for (unsigned i = 0; i < count; i++) {
        sides[i].now = &sides[i].table->cases[index];
        int error = sides[i].table->setup(sides[i].now, &memory);
        if (error == -ENOTSUP) {
            printf("skip\t%s\t%s\n", sides[i].now->name, sides[i].now->isa);
            return error;
        }
        if (error != 0) {
            fprintf(stderr, "%s: side %u cannot be set up: %s\n", sides[i].now->name, i, strerror(-error));
            exit(CANNOT);
        }
        sides[i].now->run(GATE_STEP, 0);
    }
    return 0;
}

static uint64_t leg(const struct side *side, uint64_t count, uint64_t first, uint64_t *sum)
{
    uint64_t start = now_ns();
    *sum += side->now->run(count, first);
    return now_ns() - start;
}

/* How many operations take about a leg. */
static uint64_t calibrate(const struct side *side)
{
    uint64_t count = GATE_STEP, sum = 0;
    for (;;) {
        uint64_t best = UINT64_MAX;
        for (int i = 0; i < 3; i++) {
            uint64_t ns = leg(side, count, 0, &sum);
            best = ns < best ? ns : best;
        }
        if (best >= LEG_NS / 4)
            return (count * LEG_NS / best + GATE_STEP - 1) / GATE_STEP * GATE_STEP;
        count *= 2;
    }
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values, unsigned count)
{
    qsort(values, count, sizeof(*values), by_value);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static void duet(const struct side *sides, unsigned rounds, unsigned order)
{
    static double ratio[MAX_ROUNDS], each[MAX_ROUNDS];
    const uint64_t count = calibrate(&sides[order % 2]);
    uint64_t first = 0, sum[2] = {0, 0};
    for (unsigned round = 0; round < rounds; round++) {
        const unsigned one = (round + order) % 2, two = 1 - one;
        const uint64_t second = (first + count) % GATE_ADDRESSES;
        uint64_t ns[2];
        ns[one] = leg(&sides[one], count, first, &sum[one]);
        ns[two] = leg(&sides[two], count, second, &sum[two]);
        ns[two] += leg(&sides[two], count, first, &sum[two]);
        ns[one] += leg(&sides[one], count, second, &sum[one]);
        ratio[round] = (double)ns[1] / (double)ns[0];
        each[round] = (double)ns[0] / 2 / (double)count;
        first = (second + count) % GATE_ADDRESSES;
    }
    if (sum[0] != sum[1]) {
        fprintf(stderr, "%s: the two revisions answer differently\n", sides[0].now->name);
        exit(CANNOT);
    }
    printf("case\t%s\t%s\t%.6f\t%.4f\n", sides[0].now->name, sides[0].now->family, median(ratio, rounds),
           median(each, rounds));
}

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

static int run_duet(char **argv)
{
    struct side sides[2];
    const unsigned rounds = (unsigned)strtoul(argv[2], NULL, 10), order = (unsigned)strtoul(argv[3], NULL, 10) % 2;
    if (rounds == 0 || rounds > MAX_ROUNDS || reserve() != 0)
        return CANNOT;
    for (unsigned i = 0; i < 2; i++) {
        const unsigned which = i ^ order;
        if (load(&sides[which], argv[which]) != 0)
            return CANNOT;
    }
    if (sides[0].table->count != sides[1].table->count || sides[0].table->library == sides[1].table->library)
        return CANNOT;
    for (size_t i = 0; i < sides[0].table->count; i++) {
        if (!wanted(sides[0].table->cases[i].name, argv + 4) || prepare(sides, 2, i) != 0)
            continue;
        duet(sides, rounds, order);
        if (sides[0].table->teardown() != 0 || sides[1].table->teardown() != 0)
            return CANNOT;
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

static int run_count(char **argv)
{
    struct side side;
    if (reserve() != 0 || load(&side, argv[0]) != 0)
        return CANNOT;
    for (size_t i = 0; i < side.table->count; i++) {
        if (!wanted(side.table->cases[i].name, argv + 3) || prepare(&side, 1, i) != 0)
            continue;
        for (unsigned point = 0; point < 2; point++) {
            const uint64_t count = strtoull(argv[1 + point], NULL, 10);
            (void)gate_point(side.now, count);
            printf("point\t%s\t%s\t%llu\n", side.now->name, side.now->family, (unsigned long long)count);
        }
        if (side.table->teardown() != 0)
            return CANNOT;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 6 && strcmp(argv[1], "duet") == 0)
        return run_duet(argv + 2);
    if (argc >= 5 && strcmp(argv[1], "count") == 0)
        return run_count(argv + 2);
    fprintf(stderr, "usage: gate_runner duet|count ...; see gate_runner.c\n");
    return CANNOT;
}
