/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Kernels that have no write watches, and processes that may not have any, as seccomp filters play them: each error is
 * the one that watch.h names, no file is left open, and the memory is as it was.
 */
#define _GNU_SOURCE
#include "lib/watch_got.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define LEN (16 * PAGE)
#define ANY UINT32_MAX

/* What a filter refuses: a system call; of ioctl and openat only those with this second argument (its low half). */
struct refusal {
    long call;
    uint32_t second;
    int error, want;
};

static int refuse(const struct refusal *refusal)
{
    const unsigned short test = BPF_JMP | BPF_JEQ | BPF_K, look = BPF_LD | BPF_W | BPF_ABS, answer = BPF_RET | BPF_K;
    struct sock_filter filter[] = {
        {look, 0, 0, offsetof(struct seccomp_data, nr)},
        {test, 0, 3, (uint32_t)refusal->call},
        {look, 0, 0, offsetof(struct seccomp_data, args[1])},
        {test, 0, refusal->second != ANY, refusal->second},
        {answer, 0, 0, SECCOMP_RET_ERRNO | (uint32_t)refusal->error},
        {answer, 0, 0, SECCOMP_RET_ALLOW},
    };
    const struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -errno;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? 0 : -errno;
}

static unsigned lowest_free_file(void)
{
    int fd = dup(0);
    close(fd);
    return (unsigned)fd;
}

/* In a process of its own. Exit code: 0, or which step went wrong. */
static int try_to_watch(const struct refusal *refusal, unsigned char *memory)
{
    struct gm_watch *watch = NULL;
    unsigned files = lowest_free_file();
    if (refusal->call >= 0 && refuse(refusal) != 0)
        return 99;
    errno = 77;
    int error = gm_watch_create(memory, LEN, &watch);
    if (error != refusal->want) {
        fprintf(stderr, "call %ld: answers %d, not %d\n", refusal->call, error, refusal->want);
        return 1;
    }
    if (errno != 77 || (watch != NULL) != (error == 0))
        return 2;
    gm_watch_destroy(watch);
    if (lowest_free_file() != files)
        return 3;
    memory[PAGE] = 1;
    return memory[0] == 42 && memory[PAGE] == 1 ? 0 : 4;
}

static int status_of(const struct refusal *refusal, unsigned char *memory)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(try_to_watch(refusal, memory));
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void each_answer_of_the_kernel(void **state)
{
    static const uint32_t handshake = 0xc018aa3f, enter = 0xc020aa00, protect = 0xc018aa06, scan = 0xc0606610;
    const struct refusal refusals[] = {
        {-1, 0, 0, 0},
        {SYS_userfaultfd, ANY, ENOSYS, -EOPNOTSUPP},
        {SYS_userfaultfd, ANY, EINVAL, -EOPNOTSUPP}, /* before 5.11 */
        {SYS_userfaultfd, ANY, EPERM, -EPERM},
        {SYS_userfaultfd, ANY, EMFILE, -EMFILE},
        {SYS_userfaultfd, ANY, ENFILE, -ENFILE},
        {SYS_ioctl, handshake, EINVAL, -EOPNOTSUPP}, /* before 6.7 */
        {SYS_openat, ANY, ENOENT, -EOPNOTSUPP},
        {SYS_openat, ANY, EACCES, -EPERM},
        {SYS_openat, ANY, EPERM, -EPERM},
        {SYS_openat, ANY, EMFILE, -EMFILE},
        {SYS_ioctl, scan, ENOTTY, -EOPNOTSUPP},
        {SYS_ioctl, scan, EINVAL, -EOPNOTSUPP},
        {SYS_ioctl, scan, EPERM, -EPERM},
        {SYS_ioctl, enter, EINVAL, -EINVAL},
        {SYS_ioctl, enter, EPERM, -EPERM},
        {SYS_ioctl, enter, ENOMEM, -ENOMEM},
        {SYS_ioctl, enter, EBUSY, -EBUSY},
        {SYS_ioctl, protect, ENOMEM, -ENOMEM},
        {SYS_ioctl, protect, EINVAL, -EINVAL},
        {SYS_msync, ANY, ENOMEM, -EFAULT},
    };
    unsigned char *memory = (unsigned char *)(uintptr_t)anonymous(LEN);
    (void)state;
    memory[0] = 42;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        int status = status_of(&refusals[i], memory);
        if (status == 99) {
            print_message("seccomp filters are not permitted\n");
            skip();
        }
        if (status != 0)
            fail_msg("refusal %zu: step %d", i, status);
    }
    unmap(memory, LEN);
}

/* A user without any privilege has watches like everybody. */
static void nobody_in_particular(void **state)
{
    const struct refusal none = {-1, 0, 0, 0};
    unsigned char *memory = (unsigned char *)(uintptr_t)anonymous(LEN);
    (void)state;
    memory[0] = 42;
    pid_t child = fork();
    if (child == 0) {
        if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0))
            _exit(98);
        _exit(try_to_watch(&none, memory));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    unmap(memory, LEN);
    if (WEXITSTATUS(status) == 98) {
        print_message("there is no other user to become\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Memory that this mapping may never write to. */
static void memory_that_is_read_only_for_good(void **state)
{
    int file = file_of(LEN);
    char path[64];
    struct gm_watch *watch = NULL;
    (void)state;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    FILE *again = fopen(path, "re");
    assert_non_null(again);
    void *memory = mmap(NULL, LEN, PROT_READ, MAP_SHARED, fileno(again), 0);
    assert_true(memory != MAP_FAILED);
    assert_result(gm_watch_create(memory, LEN, &watch), -EPERM);
    assert_null(watch);
    unmap(memory, LEN);
    fclose(again);
    close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_of_the_kernel),
        cmocka_unit_test(nobody_in_particular),
        cmocka_unit_test(memory_that_is_read_only_for_good),
    };
    need_watches();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
