/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* guest_memfd: memory of one VM, with and without a mapping on the host. Skipped where KVM has none. */
#include "lib/cm.h"
#include "lib/probe.h"
#include "lib/rig.h"
#include "lib/skip.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define PAGES(n) ((n) * GMT_PAGE)
#define CREATE_VM _IO(0xAE, 0x01) /* KVM_CREATE_VM */

static int vm;

static struct gm_backing_config config_of(uint64_t size, unsigned flags)
{
    return (struct gm_backing_config){
        .kind = GM_BACKING_KIND_GUEST_MEMFD, .fd = vm, .size = size, .flags = flags};
}

static int64_t blocks_of(const struct gm_backing *backing)
{
    struct stat status;
    assert_int_equal(fstat(gm_backing_fd(backing), &status), 0);
    return (int64_t)status.st_blocks;
}

static void without_a_mapping(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_backing_config config = config_of(PAGES(16) - 3, 0);
    struct gm_backing_info info;
    struct gm_backing *backing;
    uint64_t done = 0;
    assert_result(gm_backing_create(&config, &backing), 0);
    assert_null(gm_backing_address(backing));
    assert_int_equal(gm_backing_size(backing), PAGES(16));
    assert_true(gm_backing_fd(backing) >= 0 && gm_backing_fd(backing) != vm);
    struct gm_region_desc desc = {.gpa = 0, .size = PAGES(1), .backing = backing};
    gmt_assert_add_refused(rig, &desc, -EOPNOTSUPP);
    assert_result(gm_backing_info_get(backing, &info), 0);
    assert_int_equal(info.kind, GM_BACKING_KIND_GUEST_MEMFD);
    assert_result(gm_backing_page_shift(backing, 0, 0, PAGES(1)), -EINVAL);
    assert_result(gm_backing_resize(backing, PAGES(1)), -EOPNOTSUPP);
    assert_int_equal(blocks_of(backing), 0);
    assert_result(gm_backing_prefault(backing, PAGES(2), PAGES(8), NULL, &done), 0);
    assert_int_equal(done, PAGES(8));
    assert_result(gm_backing_discard(backing, PAGES(2), PAGES(8)), 0);
    assert_result(gm_backing_discard(backing, PAGES(15), PAGES(2)), -ERANGE);
    gm_backing_put(backing);
}

static void with_a_mapping(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_backing_config config = config_of(PAGES(16), GM_BACKING_MAPPED | GM_BACKING_GUARD | GM_BACKING_NO_FORK);
    struct gm_backing *backing = NULL;
    int result = gm_backing_create(&config, &backing);
    if (result == -EOPNOTSUPP) {
        assert_null(backing);
        print_message("SKIPPED: this kernel does not map guest_memfd\n");
        skip();
    }
    assert_result(result, 0);
    unsigned char *memory = gm_backing_address(backing);
    struct gm_region_desc desc = {.gpa = 0, .size = PAGES(16), .backing = backing};
    gmt_add(rig->space, &desc);
    memset(memory, 6, PAGES(16));
    assert_int_equal(gmt_touch(memory, false), SIGSEGV); /* a child does not get it */
    assert_result(gm_backing_discard(backing, PAGES(3), PAGES(2)), 0);
    for (uint64_t at = 0; at < PAGES(16); at += 251)
        assert_int_equal(memory[at], at / GMT_PAGE == 3 || at / GMT_PAGE == 4 ? 0 : 6);
    assert_result(gm_backing_prefault(backing, 0, PAGES(16), NULL, NULL), 0);
    gmt_remove(rig->space, 0, PAGES(16));
    gm_backing_put(backing);
}

/* Mapped a second time it is the same memory. */
static void in_a_linear_space(void **state)
{
    const struct gm_space_config linear = {.linear_size = GMT_GIB, .numa_node = -1};
    struct gm_backing_config config = config_of(PAGES(4), GM_BACKING_MAPPED);
    struct gmt_rig *rig = *state;
    struct gm_backing *backing = NULL;
    if (gm_backing_create(&config, &backing) == -EOPNOTSUPP) {
        print_message("SKIPPED: this kernel does not map guest_memfd\n");
        skip();
    }
    assert_result(gm_space_destroy(rig->space), 0);
    assert_result(gm_space_create(&linear, &rig->space), 0);
    struct gm_region_desc desc = {.gpa = PAGES(9), .size = PAGES(2), .backing = backing, .offset = PAGES(1)};
    gmt_add(rig->space, &desc);
    volatile char *hva = gm_translate(gmt_pin(rig->space), PAGES(9) + 7, 1, GM_RW);
    gm_unpin();
    *hva = 3;
    assert_int_equal(((volatile char *)gm_backing_address(backing))[PAGES(1) + 7], 3);
    gm_backing_put(backing);
}

static void refusals(void **state)
{
    struct gm_backing *out = (struct gm_backing *)state, *memfd;
    struct gm_backing_config config = config_of(PAGES(1), 0);
    config.fd = 12345;
    assert_result(gm_backing_create(&config, &out), -EBADF);
    assert_result(gm_backing_memfd(NULL, PAGES(1), 0, &memfd), 0);
    config.fd = gm_backing_fd(memfd); /* not a VM */
    assert_result(gm_backing_create(&config, &out), -EOPNOTSUPP);
    gm_backing_put(memfd);
    config = config_of(PAGES(1), GM_BACKING_GUARD); /* around what? */
    assert_result(gm_backing_create(&config, &out), -EOPNOTSUPP);
    assert_ptr_equal(out, state);
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {RIG(without_a_mapping), RIG(with_a_mapping), RIG(in_a_linear_space),
                                       cmocka_unit_test(refusals)};
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    vm = kvm >= 0 ? ioctl(kvm, CREATE_VM, 0) : -1;
    if (vm < 0)
        gmt_skip("/dev/kvm gives no VM here");
    struct gm_backing_config config = config_of(PAGES(1), 0);
    struct gm_backing *backing = NULL;
    if (gm_backing_create(&config, &backing) == -EOPNOTSUPP)
        gmt_skip("this kernel has no guest_memfd");
    gm_backing_put(backing);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
