/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Whose writes a watch sees, and whose it does not: watch.h has the list. */
#define _GNU_SOURCE
#include "lib/watch_got.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define PAGES UINT64_C(512)
#define LEN (PAGES * PAGE)
#define THREADS 4

static void *write_every_fourth(void *memory)
{
    for (uint64_t page = 0; page < PAGES; page += THREADS)
        ((volatile unsigned char *)memory)[page * PAGE + 9] = 1;
    return NULL;
}

static void threads(void **state)
{
    volatile unsigned char *memory = anonymous(LEN);
    struct gm_watch *watch = watch_over(memory, LEN);
    pthread_t thread[THREADS - 1];
    struct got got;
    (void)state;
    for (unsigned i = 0; i < THREADS - 1; i++)
        if (pthread_create(&thread[i], NULL, write_every_fourth, (void *)(uintptr_t)(memory + i * PAGE)) != 0)
            fail();
    for (unsigned i = 0; i < THREADS - 1; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(harvest(watch, &whole, &got), UINT64_MAX);
    assert_int_equal(got.count, PAGES / THREADS);
    for (size_t i = 0; i < got.count; i++) {
        assert_int_equal(got.range[i].first, i * THREADS);
        assert_int_equal(got.range[i].len, THREADS - 1);
    }
    gm_watch_destroy(watch);
    unmap(memory, LEN);
}

struct taker {
    struct gm_watch *watch;
    struct got got;
    int error;
};

static void *take_all(void *argument)
{
    struct taker *taker = argument;
    uint64_t next;
    taker->got.count = 0;
    taker->error = gm_watch_harvest(taker->watch, &whole, take, &taker->got, &next);
    return NULL;
}

/* Several who harvest: each page goes to one of them. */
static void harvests_at_once(void **state)
{
    static struct taker taker[THREADS];
    static unsigned times[PAGES];
    volatile unsigned char *memory = anonymous(LEN);
    struct gm_watch *watch = watch_over(memory, LEN);
    (void)state;
    for (unsigned round = 1; round <= 30; round++) {
        pthread_t thread[THREADS];
        for (uint64_t page = 0; page < PAGES; page++)
            memory[page * PAGE]++;
        for (unsigned i = 0; i < THREADS; i++) {
            taker[i].watch = watch;
            assert_int_equal(pthread_create(&thread[i], NULL, take_all, &taker[i]), 0);
        }
        for (unsigned i = 0; i < THREADS; i++) {
            pthread_join(thread[i], NULL);
            assert_result(taker[i].error, 0);
            for (size_t range = 0; range < taker[i].got.count; range++) {
                for (uint64_t page = 0; page < taker[i].got.range[range].len; page++)
                    times[taker[i].got.range[range].first + page]++;
            }
        }
        for (uint64_t page = 0; page < PAGES; page++)
            assert_int_equal(times[page], round);
    }
    gm_watch_destroy(watch);
    unmap(memory, LEN);
}

/* What the kernel writes for a system call. */
static void the_kernel(void **state)
{
    volatile unsigned char *memory = anonymous(LEN);
    unsigned char *at = (unsigned char *)(uintptr_t)memory, source[8192] = {1};
    struct gm_watch *watch = watch_over(memory, LEN);
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), pair[2];
    struct iovec from = {source, 8192}, to = {at + 30 * PAGE + 1, 8192};
    (void)state;
    assert_int_equal(read(zero, at + 10 * PAGE + 4000, 97), 97);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(send(pair[0], source, 10, 0), 10);
    assert_int_equal(recv(pair[1], at + 20 * PAGE, 100, 0), 10);
    assert_int_equal(process_vm_writev(getpid(), &from, 1, &to, 1, 0), 8192);
    assert_int_equal(send(pair[0], at + 40 * PAGE, 10, 0), 10); /* this one reads */
    ASSERT_WRITTEN(watch, {10, 2}, {20, 1}, {30, 3});
    assert_int_equal(at[30 * PAGE + 1], 1);
    close(pair[0]);
    close(pair[1]);
    close(zero);
    gm_watch_destroy(watch);
    unmap(memory, LEN);
}

static void wait_for(pid_t child)
{
    int status;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* A process that writes into this one is the kernel, writing through this one's mapping. */
static void another_process_into_this_one(void **state)
{
    volatile unsigned char *memory = anonymous(LEN);
    struct gm_watch *watch = watch_over(memory, LEN);
    pid_t parent = getpid(), child = fork();
    (void)state;
    if (child == 0) {
        unsigned char source[2] = {5, 6};
        struct iovec from = {source, 2}, to = {(unsigned char *)(uintptr_t)memory + 3 * PAGE - 1, 2};
        ssize_t done = process_vm_writev(parent, &from, 1, &to, 1, 0);
        _exit(done == 2 ? 0 : done < 0 && errno == EPERM ? 2 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
        print_message("process_vm_writev to another process is not permitted\n");
        assert_nothing(watch);
    } else {
        ASSERT_WRITTEN(watch, {2, 2});
        assert_int_equal(memory[3 * PAGE], 6);
    }
    gm_watch_destroy(watch);
    unmap(memory, LEN);
}

/* In a process of its own, which maps the file itself. Exit code: 0, or which step went wrong. */
static int map_watch_and_write(int file)
{
    struct got got = {.count = 0};
    struct gm_watch *watch;
    uint64_t next;
    unsigned char *memory = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED || gm_watch_create(memory, LEN, &watch) != 0)
        return 1;
    memory[7 * PAGE] = 1;
    if (gm_watch_harvest(watch, &whole, take, &got, &next) != 0 || got.count != 1 || got.range[0].first != 7)
        return 2;
    gm_watch_destroy(watch);
    memory[8 * PAGE] = 1;
    return 0;
}

/* Writes through other mappings are theirs alone, in this process or in another. */
static void other_mappings_of_a_file(void **state)
{
    int file = file_of(LEN);
    volatile unsigned char *memory = shared(LEN, file), *second = shared(LEN, file);
    struct gm_watch *watch = watch_over(memory, LEN), *other = watch_over(second, LEN);
    (void)state;
    second[3 * PAGE] = 1;
    assert_int_equal(pwrite(file, "x", 1, 4 * PAGE), 1);
    pid_t child = fork();
    if (child == 0)
        _exit(map_watch_and_write(file));
    wait_for(child);
    assert_int_equal(memory[3 * PAGE] + memory[4 * PAGE] + memory[7 * PAGE] + memory[8 * PAGE], 1 + 'x' + 1 + 1);
    assert_nothing(watch); /* and having read them is no write */
    ASSERT_WRITTEN(other, {3, 1});
    memory[3 * PAGE] = memory[7 * PAGE] = 2;
    ASSERT_WRITTEN(watch, {3, 1}, {7, 1});
    assert_nothing(other);
    gm_watch_destroy(watch);
    gm_watch_destroy(other);
    unmap(memory, LEN);
    unmap(second, LEN);
    close(file);
}

/* A child's copy is its own; this process's is watched as before, and is given up although the child holds the file. */
static void forked_children(void **state)
{
    volatile unsigned char *memory = anonymous(LEN);
    struct gm_watch *watch = watch_over(memory, LEN);
    int hold[2];
    (void)state;
    memory[1 * PAGE] = 1;
    assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(hold[1]);
        memory[5 * PAGE] = 1;
        _exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);
    }
    memory[9 * PAGE] = 1;
    ASSERT_WRITTEN(watch, {1, 1}, {9, 1});
    memory[1 * PAGE] = 2;
    ASSERT_WRITTEN(watch, {1, 1});
    gm_watch_destroy(watch);
    watch = watch_over(memory, LEN); /* not -EBUSY */
    memory[2 * PAGE] = 1;
    ASSERT_WRITTEN(watch, {2, 1});
    gm_watch_destroy(watch);
    close(hold[1]);
    close(hold[0]);
    wait_for(child);
    unmap(memory, LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads),
        cmocka_unit_test(harvests_at_once),
        cmocka_unit_test(the_kernel),
        cmocka_unit_test(another_process_into_this_one),
        cmocka_unit_test(other_mappings_of_a_file),
        cmocka_unit_test(forked_children),
    };
    need_watches();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
