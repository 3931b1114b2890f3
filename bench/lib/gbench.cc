// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// The only file that knows google-benchmark. It lends repetitions in random alternation, threads that start
// together, and a raw file that its tools can read. It does not lend its clock: for several threads it
// reports wall time divided by threads, so every repetition carries a counter ns_per_op of our own, and only
// that is used.
//
// One call of KeepRunningBatch for all iterations means one call of the C body a repetition.

#include <benchmark/benchmark.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "bench.h"

namespace
{

struct ThreadTime {
    double ns_per_op;
    double ops_per_s;
    int wrong;
    bool counted;
    bench_counts counts;
};

// Counters belong to the thread that opens them. The first thread lasts, others live for one repetition.
class ThreadCounters
{
  public:
    ThreadCounters() : open_(bench_counters_open(&set_) == 0) {}
    ThreadCounters(const ThreadCounters &) = delete;
    ThreadCounters &operator=(const ThreadCounters &) = delete;
    ~ThreadCounters()
    {
        if (open_)
            bench_counters_close(&set_);
    }
    bench_counters *Set()
    {
        return open_ ? &set_ : nullptr;
    }

  private:
    bench_counters set_;
    bool open_;
};

constexpr int kMaxThreads = 64;
ThreadTime g_times[kMaxThreads];

// A repetition is as disturbed as the one of its threads that lost its processor.
void Count(int threads, bench_member *member)
{
    bool preempted = false;
    for (int i = 0; i < threads; i++) {
        if (!g_times[i].counted)
            return;
        preempted |= g_times[i].counts.preempted > 0;
        bench_counts_add(&member->counts, &g_times[i].counts);
    }
    member->counted++;
    member->disturbed += preempted ? 1 : 0;
}

void RunBody(benchmark::State &state, bench_member *member)
{
    static thread_local ThreadCounters counters;
    const int thread = state.thread_index();
    bench_cpu_pin(member->cpu + thread);
    bench_run run{};
    run.iters = static_cast<uint64_t>(state.max_iterations);
    run.fixture = member->fixture;
    run.counters = counters.Set();
    run.thread = thread;
    run.threads = state.threads();
    if (thread == 0 && member->start != nullptr) {
        int error = member->start(member->fixture);
        if (error != 0) {
            member->failed = error;
            state.SkipWithError("start failed");
            return;
        }
    }
    while (state.KeepRunningBatch(state.max_iterations)) {
        bench_counters_begin(run.counters);
        const uint64_t begin = bench_now_ns();
        bench_timed(member->body, &run);
        const double ns = static_cast<double>(bench_now_ns() - begin - run.excluded_ns - run.warm_ns);
        // Written before the barrier at the loop's end, read behind it.
        g_times[thread] = {ns / static_cast<double>(run.iters), static_cast<double>(run.iters) * 1e9 / ns, run.wrong,
                           run.counters != nullptr, {}};
        bench_counters_end(run.counters, run.iters, &g_times[thread].counts);
    }
    if (thread != 0)
        return;
    if (member->stop != nullptr)
        member->stop(member->fixture);
    Count(state.threads(), member);
    double slowest = 0, total = 0;
    for (int i = 0; i < state.threads(); i++) {
        slowest = g_times[i].ns_per_op > slowest ? g_times[i].ns_per_op : slowest;
        total += g_times[i].ops_per_s;
        member->wrong |= g_times[i].wrong;
    }
    state.counters["ns_per_op"] = slowest;
    state.counters["ops_per_s"] = total;
}

// Takes the samples out of the library, and hands everything on to the raw file if there is one. The library
// calls it once for each group, the raw file is one document: hence the guards.
class Collector : public benchmark::BenchmarkReporter
{
  public:
    bool OpenRaw(const char *path)
    {
        stream_ = std::make_unique<std::ofstream>(path);
        raw_ = std::make_unique<benchmark::JSONReporter>();
        raw_->SetOutputStream(stream_.get());
        raw_->SetErrorStream(stream_.get());
        return stream_->good();
    }
    void CloseRaw()
    {
        if (raw_ && has_context_)
            raw_->Finalize();
        raw_.reset();
        stream_.reset();
    }
    void Expect(bench_member *members, size_t count)
    {
        members_ = members;
        count_ = count;
    }
    bool ReportContext(const Context &context) override
    {
        if (raw_ && !has_context_)
            raw_->ReportContext(context);
        has_context_ = true;
        return true;
    }
    void ReportRuns(const std::vector<Run> &runs) override
    {
        for (const Run &run : runs)
            Collect(run);
        if (raw_)
            raw_->ReportRuns(runs);
    }

  private:
    void Collect(const Run &run)
    {
        const auto counter = run.counters.find("ns_per_op");
        const auto index = static_cast<size_t>(run.family_index);
        if (run.run_type != Run::RT_Iteration || run.error_occurred || counter == run.counters.end() ||
            index >= count_)
            return;
        bench_member &member = members_[index];
        if (member.samples < BENCH_MAX_REPETITIONS)
            member.ns_per_op[member.samples++] = counter->second.value;
    }

    std::unique_ptr<std::ofstream> stream_;
    std::unique_ptr<benchmark::JSONReporter> raw_;
    bench_member *members_ = nullptr;
    size_t count_ = 0;
    bool has_context_ = false;
};

std::unique_ptr<Collector> g_collector;

} // namespace

BENCH_CALL void bench_timed(bench_body *body, struct bench_run *run)
{
    body(run);
    __asm__ volatile("" : : : "memory"); // the call is not this function's last act, so its frame is there to be seen
}

int bench_measure_open(const char *raw)
{
    // Static: the library keeps a pointer to the program's name.
    static std::string program = "guestmem-bench", interleave = "--benchmark_enable_random_interleaving=true";
    char *argv[] = {&program[0], &interleave[0], nullptr};
    int argc = 2;
    benchmark::Initialize(&argc, argv);
    g_collector = std::make_unique<Collector>();
    errno = 0;
    if (raw != nullptr && !g_collector->OpenRaw(raw))
        return errno != 0 ? -errno : -EIO;
    return 0;
}

void bench_measure_context(const char *key, const char *value)
{
    benchmark::AddCustomContext(key, value);
}

void bench_measure(const char *label, struct bench_member *members, size_t count)
{
    g_collector->Expect(members, count);
    for (size_t i = 0; i < count; i++) {
        bench_member *member = &members[i];
        const std::string name = std::string(label) + "#" + member->name;
        benchmark::RegisterBenchmark(name.c_str(),
                                     [member](benchmark::State &state) { RunBody(state, member); })
            ->Iterations(static_cast<benchmark::IterationCount>(member->iters))
            ->Repetitions(static_cast<int>(member->repetitions))
            ->Threads(member->threads)
            ->UseRealTime();
    }
    benchmark::RunSpecifiedBenchmarks(g_collector.get(), nullptr, "all");
    benchmark::ClearRegisteredBenchmarks();
}

void bench_measure_close(void)
{
    if (g_collector)
        g_collector->CloseRaw();
    g_collector.reset();
    benchmark::Shutdown();
}
