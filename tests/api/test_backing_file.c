/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Files: what is seen through which kind of mapping, how far a file has to reach, and whose descriptor it is. On the
 * file system of the working directory, and on tmpfs.
 */
#include "lib/cm.h"
#include "lib/probe.h"
#include "lib/rig.h"

#include <fcntl.h>
#include <sys/stat.h>

#define PAGES(n) ((n) * GMT_PAGE)

struct file {
    int fd;
    char path[64];
};

/* Pages whose bytes are their numbers, counted from 1. The path leads to it although it has lost its name. */
static struct file make_file(const char *folder, unsigned pages)
{
    struct file file;
    unsigned char page[GMT_PAGE];
    snprintf(file.path, sizeof(file.path), "%s/guestmem-test-XXXXXX", folder);
    file.fd = mkstemp(file.path);
    assert_true(file.fd >= 0);
    assert_int_equal(unlink(file.path), 0);
    snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
    for (unsigned i = 0; i < pages; i++) {
        memset(page, (int)i + 1, sizeof(page));
        assert_int_equal(write(file.fd, page, sizeof(page)), sizeof(page));
    }
    return file;
}

static void drop_file(const struct file *file)
{
    close(file->fd);
}

static unsigned char in_file(const struct file *file, uint64_t at)
{
    unsigned char byte;
    assert_int_equal(pread(file->fd, &byte, 1, (off_t)at), 1);
    return byte;
}

static struct gm_backing_config config_of(const struct file *file, uint64_t offset, uint64_t size, unsigned flags)
{
    return (struct gm_backing_config){
        .kind = GM_BACKING_KIND_FILE, .fd = file->fd, .offset = offset, .size = size, .flags = flags};
}

static struct gm_backing *create(const struct gm_backing_config *config)
{
    struct gm_backing *backing;
    assert_result(gm_backing_create(config, &backing), 0);
    return backing;
}

static void assert_refused(const struct gm_backing_config *config, int want)
{
    struct gm_backing *out = (struct gm_backing *)(uintptr_t)config;
    assert_result(gm_backing_create(config, &out), want);
    assert_ptr_equal(out, config);
}

static const char *const folders[] = {".", "/dev/shm"};

/* Shared: writes reach the file and its writes reach the memory. Private: neither what is written here, ... */
static void shared_and_private(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct file file = make_file(folders[i / 2], 4);
        bool private = (i & 1) != 0;
        struct gm_backing_config config = config_of(&file, PAGES(1), PAGES(2), private ? GM_BACKING_PRIVATE : 0);
        struct gm_backing *backing = create(&config);
        volatile unsigned char *memory = gm_backing_address(backing);
        assert_int_equal(memory[0], 2);
        assert_int_equal(memory[PAGES(2) - 1], 3);
        memory[5] = 99;
        assert_int_equal(in_file(&file, PAGES(1) + 5), private ? 2 : 99);
        assert_int_equal(pwrite(file.fd, "\x37", 1, (off_t)PAGES(1) + 6), 1);
        assert_int_equal(memory[6], private ? 2 : 0x37);
        assert_int_equal(gm_backing_size(backing), PAGES(2));
        gm_backing_put(backing);
        assert_int_equal(in_file(&file, PAGES(2)), 3);
        drop_file(&file);
    }
}

static void by_path(void **state)
{
    (void)state;
    struct file file = make_file("/dev/shm", 2);
    struct gm_backing_config config = {
        .kind = GM_BACKING_KIND_FILE, .path = file.path, .fd = -1, .size = PAGES(1), .offset = PAGES(1)};
    struct gm_backing *backing = create(&config);
    *(volatile unsigned char *)gm_backing_address(backing) = 77;
    assert_int_equal(in_file(&file, PAGES(1)), 77);
    assert_int_equal(fcntl(gm_backing_fd(backing), F_GETFD), FD_CLOEXEC);
    gm_backing_put(backing);
    config.path = "/dev/shm/guestmem-no-such-file";
    assert_refused(&config, -ENOENT);
    config.path = "/dev/shm";
    assert_refused(&config, -EISDIR);
    config.flags = GM_BACKING_PRIVATE; /* a folder can be opened for reading */
    assert_refused(&config, -EOPNOTSUPP);
    config.path = "/dev/null";
    assert_refused(&config, -EOPNOTSUPP);
    drop_file(&file);
}

/* What waits for somebody else when it is opened is refused like all that is no file, and at once. */
static void nobody_is_waited_for(void **state)
{
    (void)state;
    char path[] = "/tmp/guestmem-fifo-XXXXXX";
    assert_non_null(mkdtemp(path));
    char name[64];
    snprintf(name, sizeof(name), "%s/fifo", path);
    assert_int_equal(mkfifo(name, 0600), 0);
    struct gm_backing_config config = {.kind = GM_BACKING_KIND_FILE, .path = name, .fd = -1, .size = PAGES(1)};
    alarm(20);
    assert_refused(&config, -EOPNOTSUPP);
    config.flags = GM_BACKING_PRIVATE;
    assert_refused(&config, -EOPNOTSUPP);
    config = (struct gm_backing_config){.kind = GM_BACKING_KIND_HUGETLBFS, .path = name, .size = PAGES(1)};
    assert_refused(&config, -EOPNOTSUPP);
    alarm(0);
    unlink(name);
    rmdir(path);
}

/* A page that the file has in part is whole memory; a byte behind the end is refused. */
static void how_far_the_file_has_to_reach(void **state)
{
    static const struct {
        uint64_t offset, size;
        int want;
    } cases[] = {
        {0, PAGES(2) + 100, 0},     {0, PAGES(2) + 101, -ENXIO}, {0, PAGES(3), -ENXIO},
        {PAGES(2), 100, 0},         {PAGES(2), 101, -ENXIO},     {PAGES(3), 1, -ENXIO},
        {PAGES(1), PAGES(1), 0},    {PAGES(9), 1, -ENXIO},       {UINT64_C(1) << 60, 1, -ENXIO},
        {0, UINT64_C(1) << 60, -ENXIO},
    };
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct file file = make_file(folders[i], 3);
        assert_int_equal(ftruncate(file.fd, (off_t)PAGES(2) + 100), 0);
        for (size_t j = 0; j < sizeof(cases) / sizeof(cases[0]); j++) {
            struct gm_backing_config config = config_of(&file, cases[j].offset, cases[j].size, 0);
            struct gm_backing *backing = NULL;
            assert_result(gm_backing_create(&config, &backing), cases[j].want);
            if (cases[j].want == 0)
                assert_int_equal(gmt_touch((unsigned char *)gm_backing_address(backing) + gm_backing_size(backing) - 1,
                                           true), 0);
            gm_backing_put(backing);
            config.flags = GM_BACKING_PRIVATE;
            if (cases[j].want != 0)
                assert_refused(&config, cases[j].want);
        }
        drop_file(&file);
    }
}

/* What the length check is for: the memory of a file that became shorter. The kernel says so in advance. */
static void a_file_that_becomes_shorter(void **state)
{
    (void)state;
    struct file file = make_file("/dev/shm", 4);
    struct gm_backing_config config = config_of(&file, 0, PAGES(4), 0);
    struct gm_backing *backing = create(&config);
    uint64_t done = 7;
    assert_int_equal(ftruncate(file.fd, (off_t)PAGES(2)), 0);
    assert_int_equal(gmt_touch((unsigned char *)gm_backing_address(backing) + PAGES(3), false), SIGBUS);
    assert_result(gm_backing_prefault(backing, 0, PAGES(4), NULL, &done), -EFAULT);
    assert_int_equal(done, 0);
    assert_result(gm_backing_prefault(backing, 0, PAGES(2), NULL, &done), 0);
    assert_int_equal(done, PAGES(2));
    gm_backing_put(backing);
    drop_file(&file);
}

static void the_callers_descriptor_is_the_callers(void **state)
{
    (void)state;
    struct file file = make_file("/dev/shm", 1);
    struct gm_backing_config config = config_of(&file, 0, PAGES(1), 0);
    struct gm_backing *backing = create(&config);
    int own = gm_backing_fd(backing);
    assert_true(own >= 0 && own != file.fd);
    assert_int_equal(fcntl(own, F_GETFD), FD_CLOEXEC);
    gm_backing_put(backing);
    assert_int_equal(fcntl(own, F_GETFD), -1);
    assert_int_not_equal(fcntl(file.fd, F_GETFD), -1);
    backing = create(&config);
    int kept = dup(file.fd);
    close(file.fd); /* may be closed at once */
    assert_int_equal(*(unsigned char *)gm_backing_address(backing), 1);
    gm_backing_put(backing);
    config.fd = file.fd;
    assert_refused(&config, -EBADF);
    file.fd = kept;
    drop_file(&file);
}

static void a_file_that_may_only_be_read(void **state)
{
    (void)state;
    struct file file = make_file("/dev/shm", 1);
    struct file reader = file;
    reader.fd = open(file.path, O_RDONLY);
    assert_true(reader.fd >= 0);
    struct gm_backing_config config = config_of(&reader, 0, PAGES(1), 0);
    assert_refused(&config, -EACCES);
    config.flags = GM_BACKING_PRIVATE;
    struct gm_backing *backing = create(&config);
    *(volatile unsigned char *)gm_backing_address(backing) = 9;
    assert_int_equal(in_file(&file, 0), 1);
    gm_backing_put(backing);
    close(reader.fd);
    drop_file(&file);
}

/* The scenarios of those who ask whether two ranges share a descriptor, and more. */
static void overlaps(void **state)
{
    (void)state;
    struct file file = make_file("/dev/shm", 8), other = make_file("/dev/shm", 8);
    struct gm_backing_config ranges[] = {
        config_of(&file, 0, PAGES(2), 0),        config_of(&file, PAGES(2), PAGES(2), 0),
        config_of(&file, PAGES(1), PAGES(2), 0), config_of(&other, 0, PAGES(8), 0),
        config_of(&file, 0, PAGES(8), GM_BACKING_PRIVATE), {.size = PAGES(8)},
    };
    static const char want[6][7] = {"101010", "011010", "111010", "000100", "111010", "000001"};
    struct gm_backing *made[6], *wrapped;
    for (unsigned i = 0; i < 6; i++)
        made[i] = create(&ranges[i]);
    for (unsigned i = 0; i < 6; i++)
        for (unsigned j = 0; j < 6; j++)
            assert_result(gm_backing_overlaps(made[i], made[j]), want[i][j] - '0');
    char *memory = gm_backing_address(made[5]);
    assert_result(gm_backing_wrap(memory + PAGES(7), PAGES(1), NULL, NULL, &wrapped), 0);
    assert_result(gm_backing_overlaps(wrapped, made[5]), 1);
    assert_result(gm_backing_overlaps(made[5], wrapped), 1);
    assert_result(gm_backing_overlaps(wrapped, made[0]), 0);
    gm_backing_put(wrapped);
    assert_result(gm_backing_wrap(memory + PAGES(8), PAGES(1), NULL, NULL, &wrapped), 0);
    assert_result(gm_backing_overlaps(wrapped, made[5]), 0);
    gm_backing_put(wrapped);
    assert_result(gm_backing_overlaps(NULL, made[0]), -EINVAL);
    assert_result(gm_backing_overlaps(made[0], NULL), -EINVAL);
    for (unsigned i = 0; i < 6; i++)
        gm_backing_put(made[i]);
    drop_file(&file);
    drop_file(&other);
}

/* Another process's memfd comes as a descriptor: the same memory. */
static void a_memfd_of_somebody_else(void **state)
{
    (void)state;
    struct gm_backing *theirs;
    assert_result(gm_backing_memfd("theirs", PAGES(4), 0, &theirs), 0);
    struct gm_backing_config config = {
        .kind = GM_BACKING_KIND_FILE, .fd = gm_backing_fd(theirs), .size = PAGES(3), .offset = PAGES(1)};
    struct gm_backing *ours = create(&config);
    ((volatile unsigned char *)gm_backing_address(theirs))[PAGES(1) + 3] = 5;
    assert_int_equal(((volatile unsigned char *)gm_backing_address(ours))[3], 5);
    assert_result(gm_backing_overlaps(ours, theirs), 1);
    gm_backing_put(theirs);
    assert_int_equal(((volatile unsigned char *)gm_backing_address(ours))[3], 5);
    gm_backing_put(ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_and_private),
        cmocka_unit_test(by_path),
        cmocka_unit_test(nobody_is_waited_for),
        cmocka_unit_test(how_far_the_file_has_to_reach),
        cmocka_unit_test(a_file_that_becomes_shorter),
        cmocka_unit_test(the_callers_descriptor_is_the_callers),
        cmocka_unit_test(a_file_that_may_only_be_read),
        cmocka_unit_test(overlaps),
        cmocka_unit_test(a_memfd_of_somebody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
