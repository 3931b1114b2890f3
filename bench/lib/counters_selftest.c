/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Checks the counters. "fake": against a kernel made up here, which has every counter or lacks some, so that what
 * happens on a machine with a PMU, or without permission, is tested on any machine. "real": page faults, which can be
 * told exactly, counted by the kernel that runs this; 77 where it counts none.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "counters_fake.h"

#define EXIT_SKIPPED 77

static int failures;

void counters_check_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: not true: %s\n", file, line, condition);
    failures++;
}

static void check_whole(void)
{
    struct bench_counters set;
    struct bench_counts counts = {0};
    struct bench_counted counted;

    fake_reset(0, 0);
    bench_counters_setup(1);
    CHECK(bench_counters_skipped() == NULL);
    CHECK(fake_open_count() == 0);
    CHECK(bench_counters_open(&set) == 0);
    CHECK(fake_open_count() == BENCH_EVENTS);
    fake_pass(1000, 1000, 100); /* nothing runs yet */
    for (int repetition = 0; repetition < 3; repetition++) {
        bench_counters_begin(&set);
        fake_pass(77, 1000, 100); /* to be forgotten: the pass that warms */
        bench_counters_begin(&set);
        fake_pass(60, 1000, 100);
        bench_counters_pause(&set);
        fake_pass(1000, 1000, 100); /* not the question */
        bench_counters_resume(&set);
        fake_pass(40, 1000, 100);
        bench_counters_end(&set, 100, &counts);
        fake_pass(1000, 1000, 100);
    }
    bench_counts_evaluate(&counts, 3, 1, &counted);
    CHECK(counted.samples == 3 && counted.disturbed == 1);
    for (int event = 0; event < BENCH_EVENTS; event++) {
        CHECK(counts.event[event].ops == 300);
        CHECK(counted.per_op[event] == event + 1);
        CHECK(counted.share[event] == 1);
    }
    bench_counters_close(&set);
    CHECK(fake_open_count() == 0);
}

/* Half of the time in one repetition, a quarter in the other: shares are of all time, and counts are extrapolated. */
static void check_multiplexed(void)
{
    struct bench_counters set;
    struct bench_counts counts = {0};
    struct bench_counted counted;

    fake_reset(0, 0);
    bench_counters_setup(1);
    CHECK(bench_counters_open(&set) == 0);
    for (unsigned percent = 50; percent >= 25; percent /= 2) {
        bench_counters_begin(&set);
        fake_pass(400, 1000, percent);
        bench_counters_end(&set, 400, &counts);
    }
    bench_counts_evaluate(&counts, 2, 0, &counted);
    CHECK(counted.share[BENCH_CYCLES] == 0.375);
    CHECK(counted.share[BENCH_CYCLES] < BENCH_WHOLE_SHARE);
    CHECK(counted.per_op[BENCH_INSTRUCTIONS] == 2);
    bench_counters_close(&set);
}

/* A group that never had its turn is not counted; a failed read adds nothing. Neither is ever a zero. */
static void check_nothing(void)
{
    struct bench_counters set;
    struct bench_counts counts = {0};
    struct bench_counted counted;

    fake_reset(0, 0);
    bench_counters_setup(1);
    CHECK(bench_counters_open(&set) == 0);
    bench_counters_begin(&set);
    fake_pass(100, 1000, 0);
    bench_counters_end(&set, 100, &counts);
    bench_counts_evaluate(&counts, 1, 0, &counted);
    CHECK(counts.event[BENCH_CYCLES].ops == 100);
    CHECK(counted.per_op[BENCH_CYCLES] < 0 && counted.share[BENCH_CYCLES] == 0);
    for (int broken = 0; broken < 2; broken++) {
        memset(&counts, 0, sizeof(counts));
        fake.short_read = broken == 0 ? -EIO : 8;
        bench_counters_begin(&set);
        fake_pass(100, 1000, 100);
        bench_counters_end(&set, 100, &counts);
        fake.short_read = 0;
        for (int event = 0; event < BENCH_EVENTS; event++)
            CHECK(counts.event[event].ops == 0 && counts.event[event].count == 0);
    }
    bench_counters_close(&set);
}

/* The second of a group leads it when the first is missing, and everybody still gets the number that is theirs. */
static void check_partial(void)
{
    struct bench_counters set;
    struct bench_counts counts = {0};
    struct bench_counted counted;
    const char *why;

    fake_reset(0, 0);
    fake.error[BENCH_CYCLES] = fake.error[BENCH_DTLB_LOAD_MISSES] = -ENOENT;
    fake.error[BENCH_L1D_LOAD_MISSES] = -EINVAL;
    bench_counters_setup(1);
    why = bench_counters_skipped();
    CHECK(why != NULL && strstr(why, "cycles, dtlb_load_misses: this machine has none") == why);
    CHECK(why != NULL && strstr(why, "; l1d_load_misses: not together") != NULL);
    CHECK(why != NULL && strstr(why, "page_faults") == NULL);
    fake.tried = 0;
    CHECK(bench_counters_open(&set) == 0);
    CHECK(fake.tried == BENCH_EVENTS - 3); /* what setup did not find is not asked for again by each thread */
    bench_counters_begin(&set);
    fake_pass(100, 1000, 100);
    bench_counters_end(&set, 100, &counts);
    bench_counts_evaluate(&counts, 1, 0, &counted);
    CHECK(counted.per_op[BENCH_CYCLES] < 0 && counted.per_op[BENCH_L1D_LOAD_MISSES] < 0);
    CHECK(counted.per_op[BENCH_INSTRUCTIONS] == BENCH_INSTRUCTIONS + 1);
    CHECK(counted.per_op[BENCH_BRANCH_MISSES] == BENCH_BRANCH_MISSES + 1);
    CHECK(counted.per_op[BENCH_CPU_MIGRATIONS] == BENCH_CPU_MIGRATIONS + 1);
    bench_counters_close(&set);
}

/* Two threads: what they did and what it cost is added, so that the quotient is of both. */
static void check_sum(void)
{
    struct bench_counts sum = {0}, one = {.preempted = 1}, other = {.preempted = 2};
    struct bench_counted counted;

    for (int event = 0; event < BENCH_EVENTS; event++) {
        one.event[event] = (struct bench_tally){.count = 100, .enabled_ns = 40, .running_ns = 40, .ops = 10};
        other.event[event] = (struct bench_tally){.count = 200, .enabled_ns = 60, .running_ns = 10, .ops = 50};
    }
    bench_counts_add(&sum, &one);
    bench_counts_add(&sum, &other);
    bench_counts_evaluate(&sum, 1, 1, &counted);
    CHECK(sum.preempted == 3);
    for (int event = 0; event < BENCH_EVENTS; event++) {
        CHECK(counted.share[event] == 0.5);
        CHECK(counted.per_op[event] == 10);
    }
}

static void check_reasons(void)
{
    static const struct {
        int error, paranoid;
        const char *expected;
    } reasons[] = {
        {-ENOENT, 2, "hardware counters: this machine has none; virtual machines often have no PMU"},
        {-ENODEV, 2, "hardware counters: this machine has none; virtual machines often have no PMU"},
        {-EOPNOTSUPP, 2, "hardware counters: this machine has none; virtual machines often have no PMU"},
        {-EACCES, 3, "hardware counters: kernel.perf_event_paranoid is 3: sysctl kernel.perf_event_paranoid=1"},
        {-EPERM, 4, "hardware counters: kernel.perf_event_paranoid is 4: sysctl kernel.perf_event_paranoid=1"},
        {-EPERM, 1, "hardware counters: not permitted, by a container's seccomp filter"},
        {-EPERM, INT_MAX, "hardware counters: not permitted, by a container's seccomp filter"},
        {-ENOSYS, 2, "hardware counters: this kernel has no perf_event_open"},
        {-EINVAL, 2, "hardware counters: not together with the others of the group"},
        {-EMFILE, 2, "hardware counters: Too many open files"},
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        fake_reset(reasons[i].error, 0);
        fake.paranoid = reasons[i].paranoid;
        bench_counters_setup(1);
        const char *why = bench_counters_skipped();
        if (why == NULL || strncmp(why, reasons[i].expected, strlen(reasons[i].expected)) != 0)
            fprintf(stderr, "said '%s' instead of '%s'\n", why != NULL ? why : "nothing", reasons[i].expected);
        CHECK(why != NULL && strncmp(why, reasons[i].expected, strlen(reasons[i].expected)) == 0);
        CHECK(why != NULL && strstr(why, "counters of the kernel") == NULL);
    }
    fake_reset(-ENOENT, -EACCES);
    fake.paranoid = 4;
    bench_counters_setup(1);
    CHECK(bench_counters_skipped() != NULL &&
          strstr(bench_counters_skipped(), "no PMU; counters of the kernel: kernel.perf_event_paranoid is 4") != NULL);
}

/* Without any event the thread's switches are still told; switched off, nothing is there, and NULL is a set. */
static void check_off(void)
{
    struct bench_counters set;
    struct bench_counts counts = {0};

    fake_reset(-ENOSYS, -ENOSYS);
    bench_counters_setup(1);
    CHECK(bench_counters_open(&set) == 0);
    bench_counters_begin(&set);
    set.before.preempted--; /* as if the thread had lost its processor since */
    bench_counters_end(&set, 100, &counts);
    CHECK(counts.preempted >= 1);
    CHECK(counts.event[BENCH_PAGE_FAULTS].ops == 0);
    bench_counters_close(&set);
    fake_reset(0, 0);
    bench_counters_setup(0);
    CHECK(bench_counters_skipped() != NULL && strcmp(bench_counters_skipped(), "switched off") == 0);
    CHECK(bench_counters_open(&set) == -ENOTSUP);
    CHECK(fake.tried == 0);
    bench_counters_begin(NULL);
    bench_counters_pause(NULL);
    bench_counters_resume(NULL);
    bench_counters_end(NULL, 100, &counts);
    bench_counters_close(NULL);
}

#define PAGES 300

static void touch(volatile char *memory, size_t pages, size_t page)
{
    for (size_t i = 0; i < pages; i++)
        memory[i * page] = 1;
}

static int check_real(void)
{
    struct bench_counters set;
    struct bench_counts counts = {0};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory =
        mmap(NULL, 3 * PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    bench_counters_setup(1);
    if (memory == MAP_FAILED || madvise(memory, 3 * PAGES * page, MADV_NOHUGEPAGE) != 0 ||
        bench_counters_open(&set) != 0 || set.fd[BENCH_PAGE_FAULTS] < 0) {
        printf("SKIPPED: page faults: %s\n", bench_counters_skipped() != NULL ? bench_counters_skipped() : "no memory");
        return EXIT_SKIPPED;
    }
    printf("not counted here: %s\n", bench_counters_skipped() != NULL ? bench_counters_skipped() : "nothing");
    bench_counters_begin(&set); /* the first call of each function here has faults of its own */
    bench_counters_pause(&set);
    bench_counters_resume(&set);
    bench_counters_end(&set, 1, &counts);
    memset(&counts, 0, sizeof(counts));
    bench_counters_begin(&set);
    touch(memory, PAGES, page);
    bench_counters_pause(&set);
    touch(memory + PAGES * page, PAGES, page);
    bench_counters_resume(&set);
    touch(memory + 2 * PAGES * page, PAGES / 2, page);
    bench_counters_end(&set, PAGES, &counts);
    printf("%llu page faults, %llu ns of %llu\n", (unsigned long long)counts.event[BENCH_PAGE_FAULTS].count,
           (unsigned long long)counts.event[BENCH_PAGE_FAULTS].running_ns,
           (unsigned long long)counts.event[BENCH_PAGE_FAULTS].enabled_ns);
    CHECK(counts.event[BENCH_PAGE_FAULTS].count == PAGES + PAGES / 2);
    CHECK(counts.event[BENCH_PAGE_FAULTS].ops == PAGES);
    CHECK(counts.event[BENCH_PAGE_FAULTS].running_ns > 0);
    CHECK(set.fd[BENCH_TASK_CLOCK] < 0 || counts.event[BENCH_TASK_CLOCK].count > 0);
    bench_counters_close(&set);
    return failures != 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "real") == 0)
        return check_real();
    check_whole();
    check_multiplexed();
    check_nothing();
    check_partial();
    check_sum();
    check_reasons();
    check_off();
    return failures != 0;
}
