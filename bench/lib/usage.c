/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Help, and a guess at what was meant. */
#include "usage.h"

#include <string.h>

#define WORD_MAX 24 /* no option is longer: what follows does not help to guess */
#define NEAR 3      /* letters that may be wrong, less in short words */

const char bench_help[] =
    "usage: guestmem-bench [options]\n"
    "Measures translation, pins and commits of guestmem on real and made-up memory layouts, beside a\n"
    "floor and competitors in the same process, and prints one row for each target. The exit status is 0\n"
    "whether or not targets are met; 2 for a mistake in the usage; 3 when a translation is wrong.\n"
    "\n"
    "how long:\n"
    "  --quick              at most 40 seconds; the default takes up to 3 minutes\n"
    "  --full               a quarter of an hour, long repetitions: for numbers that are kept\n"
    "  --seconds N          each row for about so long, 1 to 3600: for profilers, see ci/profile\n"
    "\n"
    "which rows:\n"
    "  --filter REGEX       only rows whose id/name matches (extended regular expression)\n"
    "  --list               print the names of the rows and measure nothing\n"
    "  --only-member NAME   of each row only this: ours, floor, or the name of a competitor or peer\n"
    "\n"
    "on which memory and addresses:\n"
    "  --layout FILE        measure this layout instead of the recorded ones (may be given again)\n"
    "  --layout-dir DIR     take the recorded layouts from here\n"
    "  --regions N[,N...]   made-up layouts of so many regions instead of the usual ones, 1 to 65536\n"
    "  --trace FILE         rows TR on recorded accesses (may be given again): on the one --layout, else\n"
    "                       on the layout that it names, else on one made up around its addresses\n"
    "  --pages P[,P...]     rows PG read from memory of these pages: 4k, thp, 2m, 1g (4k,thp)\n"
    "  --addresses N        distinct addresses in a stream, a power of two from 128k to 64M (256k)\n"
    "  --seed N             of addresses and made-up layouts (1)\n"
    "\n"
    "with how many threads:\n"
    "  --threads N[,N...]   rows TN translate with so many readers at once (1 and all CPUs)\n"
    "  --readers N          one more reader/writer comparison: N readers ...\n"
    "  --writers N          ... while N writers publish; the one that is not given is 1\n"
    "  --force              more threads than CPUs: what is measured then is the scheduler, too\n"
    "\n"
    "what is counted:\n"
    "  --no-counters        count no cycles, misses and page faults beside the time\n"
    "\n"
    "where results go:\n"
    "  --json FILE          write the report as JSON; - for standard output, without the table\n"
    "  --raw FILE           write every repetition as google-benchmark JSON\n"
    "  --rows FILE          write rows as tab-separated text and no table\n"
    "  --record DIR         write DIR/<machine>/<date>-<revision>/, unless the machine is not quiet\n"
    "  --help               this text\n"
    "\n"
    "Numbers are decimal or 0x hexadecimal; k, M and G behind decimal ones are 2^10, 2^20 and 2^30.\n"
    "\n"
    "examples:\n"
    "  guestmem-bench --quick\n"
    "  guestmem-bench --filter '^T1/.*/call/' --layout my-guest.layout\n"
    "  guestmem-bench --filter '^TR/' --trace net.trace --layout my-guest.layout\n"
    "  guestmem-bench --filter '^T[13]/.*/regions' --regions 3,20,1k\n"
    "  guestmem-bench --filter '^(T8|TN)' --threads 1,2,4 --readers 3 --writers 1\n"
    "  guestmem-bench --filter '^PG/' --pages 4k,thp,2m,1g\n"
    "  guestmem-bench --full --record results\n";

/* Letters to add, drop or change to make one word of the other. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], length = strlen(b);

    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < other ? change : other;
        }
    }
    return row[length];
}

const char *bench_nearest(const char *word, const char *const *names)
{
    size_t length = strlen(word), least = length / 3 < NEAR ? length / 3 : NEAR;
    const char *nearest = NULL;

    if (length > WORD_MAX)
        return NULL;
    for (size_t i = 0; names[i] != NULL; i++) {
        size_t away = strlen(names[i]) <= WORD_MAX ? distance(word, names[i]) : WORD_MAX;
        if (away <= least && (nearest == NULL || away < distance(word, nearest)))
            nearest = names[i];
    }
    return nearest;
}
