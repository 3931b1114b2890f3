/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Every kind of backing, with everything that can be asked of it, failed at each of its steps; and resize, discard and
 * prefault. Reservations are large enough to be seen among the mappings; pages of the pool are counted as well.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif

#include "fault/sweep.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib/hugepool.h"

#define MOST (UINT64_C(2) << 30)
#define HUGE (UINT64_C(2) << 20)
#define EXTRAS (GM_BACKING_NORESERVE | GM_BACKING_NO_FORK | GM_BACKING_GUARD)
#define CREATE_VM _IO(0xAE, 0x01) /* KVM_CREATE_VM */

static struct world {
    struct gm_space *space; /* there is none */
    struct gm_backing_config config;
    struct gm_backing *backing;
    uint64_t from, to; /* sizes */
    unsigned released;
} world;

static int create(void *ignored)
{
    (void)ignored;
    return gm_backing_create(&world.config, &world.backing);
}

/* Giving back never takes a step that can fail. */
static void put(void *ignored)
{
    (void)ignored;
    gm_fault_arm(1);
    gm_backing_put(world.backing);
    assert_false(gm_fault_disarm());
    world.backing = NULL;
}

/* Sweep a constructor; what cannot be made here at all is said. Returns the steps. */
static unsigned sweep_create(const char *name, const struct gm_backing_config *config)
{
    const struct operation operation = {name, FAILS, create, put};
    world = (struct world){.config = *config};
    int result = create(NULL);
    if (result == -EOPNOTSUPP || result == -ENODEV || result == -EPERM) {
        print_message("SKIPPED in part: %s cannot be made here\n", name);
        return 0;
    }
    assert_result(result, 0);
    put(NULL);
    return sweep(&operation, &world, &world.space);
}

static int file_of(uint64_t size)
{
    int fd = memfd_create("fault", MFD_CLOEXEC);
    assert_true(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
    return fd;
}

static void small_pages(void **state)
{
    (void)state;
    int fd = file_of(MOST);
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    const struct {
        const char *name;
        struct gm_backing_config config;
        unsigned steps; /* at least */
    } cases[] = {
        {"anonymous", {.size = MOST, .flags = GM_BACKING_NORESERVE | GM_BACKING_DUMP}, 2},
        {"anonymous, all",
         {.size = GM_PAGE_SIZE, .size_most = MOST, .flags = EXTRAS | GM_BACKING_THP | GM_BACKING_MERGEABLE,
          .numa_policy = GM_NUMA_BIND, .numa_nodes = 1, .align = HUGE, .phase = GM_PAGE_SIZE}, 9},
        {"memfd", {.kind = GM_BACKING_KIND_MEMFD, .size = MOST, .flags = GM_BACKING_DUMP}, 4},
        {"memfd, all",
         {.kind = GM_BACKING_KIND_MEMFD, .size = GM_PAGE_SIZE, .size_most = MOST, .flags = EXTRAS | GM_BACKING_THP,
          .numa_policy = GM_NUMA_INTERLEAVE, .numa_nodes = 1}, 10},
        {"file", {.kind = GM_BACKING_KIND_FILE, .fd = fd, .size = MOST}, 6},
        {"file by path", {.kind = GM_BACKING_KIND_FILE, .path = path, .size = MOST}, 6},
        {"file, private, all",
         {.kind = GM_BACKING_KIND_FILE, .path = path, .size = GM_PAGE_SIZE, .size_most = MOST, .offset = HUGE,
          .flags = EXTRAS | GM_BACKING_THP | GM_BACKING_PRIVATE | GM_BACKING_MERGEABLE,
          .numa_policy = GM_NUMA_PREFER, .numa_nodes = 1}, 12},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned steps = sweep_create(cases[i].name, &cases[i].config);
        assert_true(steps == 0 || steps >= cases[i].steps);
    }
    close(fd);
}

static void note_release(void *argument)
{
    ++*(unsigned *)argument;
}

static void memory_of_the_caller(void **state)
{
    (void)state;
    const struct gm_backing_config config = {.kind = GM_BACKING_KIND_CALLER,
                                             .size = MOST,
                                             .address = (void *)MOST,
                                             .release = note_release,
                                             .argument = &world.released};
    unsigned steps = sweep_create("caller", &config);
    assert_int_equal(world.released, steps + 3); /* three that were not failed, and one after each failure */
}

static void guest_memory(void **state)
{
    (void)state;
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    int vm = kvm >= 0 ? ioctl(kvm, CREATE_VM, 0) : -1;
    if (vm < 0) {
        print_message("SKIPPED: /dev/kvm gives no VM here\n");
        if (kvm >= 0)
            close(kvm);
        skip();
    }
    struct gm_backing_config config = {.kind = GM_BACKING_KIND_GUEST_MEMFD, .fd = vm, .size = MOST};
    (void)sweep_create("guest_memfd", &config);
    config.flags = GM_BACKING_MAPPED | GM_BACKING_NO_FORK | GM_BACKING_GUARD;
    (void)sweep_create("guest_memfd, mapped", &config);
    close(vm);
    close(kvm);
}

static struct {
    struct gmt_pool pool;
    bool open, mounted;
    char folder[64];
} huge;

static int open_pool(void **state)
{
    (void)state;
    strcpy(huge.folder, "/tmp/guestmem-fault-XXXXXX");
    huge.open = gmt_pool_open(&huge.pool, 21, 4);
    huge.mounted = huge.open && mkdtemp(huge.folder) != NULL &&
                   mount("guestmem", huge.folder, "hugetlbfs", 0, "pagesize=2M") == 0;
    return 0;
}

/* Whatever the test came to, the machine is left as it was. */
static int close_pool(void **state)
{
    int left = 0;
    (void)state;
    if (huge.mounted && umount(huge.folder) != 0)
        left = umount2(huge.folder, MNT_DETACH) + 1; /* a file in it is still open */
    if (huge.open) {
        (void)rmdir(huge.folder);
        gmt_pool_close(&huge.pool);
    }
    return left;
}

static void huge_pages(void **state)
{
    (void)state;
    if (!huge.open) {
        print_message("SKIPPED: this machine does not give 4 huge pages\n");
        skip();
    }
    struct gm_backing_config config = {
        .size = HUGE, .size_most = MOST, .flags = GM_BACKING_GUARD, .numa_policy = GM_NUMA_BIND, .numa_nodes = 1};
    long left = gmt_pool_left(&huge.pool);
    config.kind = GM_BACKING_KIND_HUGETLB;
    (void)sweep_create("hugetlb", &config);
    assert_int_equal(gmt_pool_left(&huge.pool), left);
    config.kind = GM_BACKING_KIND_MEMFD_HUGETLB;
    (void)sweep_create("hugetlb memfd", &config);
    assert_int_equal(gmt_pool_left(&huge.pool), left);
    if (!huge.mounted) {
        print_message("SKIPPED in part: hugetlbfs cannot be mounted here\n");
        return;
    }
    config.kind = GM_BACKING_KIND_HUGETLBFS;
    config.path = huge.folder;
    (void)sweep_create("hugetlbfs", &config);
    assert_int_equal(gmt_pool_left(&huge.pool), left);
}

/* --- of a backing that is there: kind of failure by kind of backing */

static const struct gm_backing_config live[] = {
    {.kind = GM_BACKING_KIND_ANONYMOUS, .flags = EXTRAS | GM_BACKING_MERGEABLE, .numa_policy = GM_NUMA_BIND,
     .numa_nodes = 1},
    {.kind = GM_BACKING_KIND_MEMFD, .flags = EXTRAS | GM_BACKING_THP},
    {.kind = GM_BACKING_KIND_FILE, .flags = GM_BACKING_NO_FORK},
    {.kind = GM_BACKING_KIND_FILE, .flags = EXTRAS | GM_BACKING_PRIVATE},
};

static void open_live(size_t i, int fd)
{
    world = (struct world){.config = live[i], .from = HUGE, .to = MOST};
    world.config.size = HUGE;
    world.config.size_most = MOST;
    world.config.fd = fd;
    if (gm_backing_create(&world.config, &world.backing) != 0) {
        world.config.numa_policy = GM_NUMA_DEFAULT;
        world.config.numa_nodes = 0;
        assert_result(gm_backing_create(&world.config, &world.backing), 0);
    }
    memset(gm_backing_address(world.backing), 1, HUGE);
}

static void assert_content(uint64_t size)
{
    const unsigned char *memory = gm_backing_address(world.backing);
    assert_int_equal(gm_backing_size(world.backing), size);
    for (uint64_t at = 0; at < HUGE; at += GM_PAGE_SIZE / 2)
        assert_int_equal(memory[at], 1);
}

static int grow(void *ignored)
{
    (void)ignored;
    int result = gm_backing_resize(world.backing, world.to);
    assert_content(result == 0 ? world.to : world.from);
    return result;
}

static int shrink(void *ignored)
{
    (void)ignored;
    assert_result(gm_backing_resize(world.backing, world.to), 0);
    int result = gm_backing_resize(world.backing, world.from);
    assert_content(result == 0 ? world.from : world.to);
    return result;
}

static void shrink_back(void *ignored)
{
    (void)ignored;
    assert_result(gm_backing_resize(world.backing, world.from), 0);
}

/* Shrinking: the part of a step that fails is made good by the next attempt; growing before it is not failed. */
static void shrinking(void)
{
    struct footprint before = footprint_take(NULL);
    bool delivered = true;
    for (unsigned step = 1; delivered; step++) {
        assert_result(gm_backing_resize(world.backing, world.to), 0);
        gm_fault_arm(step);
        int result = gm_backing_resize(world.backing, world.from);
        delivered = gm_fault_disarm();
        assert_content(result == 0 ? world.from : world.to);
        assert_true(result == 0 || (delivered && result == -ENOMEM));
        if (result != 0)
            assert_result(gm_backing_resize(world.backing, world.from), 0);
        assert_footprint(NULL, &before, true);
        assert_true(step < 20);
    }
    footprint_drop(&before);
}

static void resizing(void **state)
{
    (void)state;
    int fd = file_of(MOST);
    for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++) {
        static const struct operation growing = {"grow", FAILS, grow, shrink_back};
        open_live(i, fd);
        sweep(&growing, &world, &world.space);
        shrinking();
        assert_result(shrink(NULL), 0);
        put(NULL);
    }
    close(fd);
}

/* What a failed discard leaves is content or zeros, and memory in any case; a second one does it. */
static void discarding(void **state)
{
    (void)state;
    int fd = file_of(MOST);
    for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++) {
        bool delivered = true;
        open_live(i, fd);
        volatile unsigned char *memory = gm_backing_address(world.backing);
        unsigned step = 1;
        for (; delivered; step++) {
            memory[GM_PAGE_SIZE] = 7;
            gm_fault_arm(step);
            int result = gm_backing_discard(world.backing, GM_PAGE_SIZE, GM_PAGE_SIZE);
            delivered = gm_fault_disarm();
            assert_result(result, delivered ? -ENOMEM : 0);
            assert_true(memory[GM_PAGE_SIZE] == 0 || (result != 0 && memory[GM_PAGE_SIZE] == 7));
            assert_int_equal(memory[0], 1);
            assert_int_equal(memory[2 * GM_PAGE_SIZE], 1);
        }
        assert_true(step > 2);
        put(NULL);
    }
    close(fd);
}

static void prefaulting(void **state)
{
    (void)state;
    const uint64_t size = UINT64_C(64) << 20;
    const struct gm_prefault how = {.threads = 3};
    bool delivered = true;
    struct gm_backing *backing;
    if (gm_backing_anonymous(size, 0, &backing) != 0)
        fail();
    unsigned fds = count_fds(), step = 1;
    for (; delivered; step++) {
        uint64_t done = 77;
        assert_result(gm_backing_discard(backing, 0, size), 0);
        gm_fault_arm(step);
        int result = gm_backing_prefault(backing, 0, size, &how, &done);
        delivered = gm_fault_disarm();
        assert_result(result, delivered ? -ENOMEM : 0);
        assert_true(delivered ? done < size : done == size);
        assert_int_equal(count_fds(), fds);
    }
    assert_true(step > 4); /* a step for each of eight pieces; threads that count at once may lose some */
    gm_backing_put(backing);
}

/* Asking whether two overlap. */
static int overlap(void *ignored)
{
    (void)ignored;
    struct gm_backing *other = world.backing;
    int fd = gm_backing_fd(other), result;
    struct gm_backing_config config = {.kind = GM_BACKING_KIND_FILE, .fd = fd, .size = GM_PAGE_SIZE};
    struct gm_backing *made;
    assert_result(gm_backing_create(&config, &made), 0);
    for (unsigned step = 1; step < 3; step++) {
        gm_fault_arm(step);
        result = gm_backing_overlaps(made, other);
        assert_true(gm_fault_disarm());
        assert_result(result, -ENOMEM);
    }
    result = gm_backing_overlaps(made, other);
    gm_backing_put(made);
    return result;
}

static void overlapping(void **state)
{
    (void)state;
    world = (struct world){0};
    assert_result(gm_backing_memfd(NULL, HUGE, 0, &world.backing), 0);
    assert_result(overlap(NULL), 1);
    put(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_pages), cmocka_unit_test(memory_of_the_caller), cmocka_unit_test(guest_memory),
        cmocka_unit_test_setup_teardown(huge_pages, open_pool, close_pool),
        cmocka_unit_test(resizing),    cmocka_unit_test(discarding),
        cmocka_unit_test(prefaulting), cmocka_unit_test(overlapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
