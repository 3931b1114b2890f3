/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A guest of KVM with one vCPU in flat 32-bit mode without paging, so that what it stores to is a guest-physical
 * address. Its programs are a few instructions, and end with an OUT. Memory slots log dirty pages.
 */
#ifndef GM_TESTS_KVM_GUEST_H
#define GM_TESTS_KVM_GUEST_H

#include "lib/cm.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <guestmem/guestmem.h>

#include "lib/skip.h"

#define PAGE GM_PAGE_SIZE
#define MIB (UINT64_C(1) << 20)
#define GUEST_CODE UINT32_C(0x1000) /* where programs are loaded: the one page that no program stores to */

struct guest {
    int kvm, vm, vcpu;
    struct kvm_run *run;
    size_t run_size;
};

static inline int guest_call(int fd, unsigned long request, void *argument)
{
    int result = ioctl(fd, request, argument);
    if (result < 0)
        fail_msg("KVM: request %#lx: %s", request, strerror(errno));
    return result;
}

/* To be called before any test: ends the program where there is no KVM, or this user may not have it. */
static inline void guest_needed(void)
{
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0)
        gmt_skip("no /dev/kvm that this user may open");
    int vm = ioctl(kvm, KVM_CREATE_VM, 0UL);
    if (vm < 0)
        gmt_skip("KVM makes no guests here");
    close(vm);
    close(kvm);
}

static inline void guest_open(struct guest *guest)
{
    uint64_t above = 0xfffbc000; /* pages of KVM's own, which some processors need for modes without paging */
    guest->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    assert_true(guest->kvm >= 0);
    guest->vm = guest_call(guest->kvm, KVM_CREATE_VM, NULL);
    guest_call(guest->vm, KVM_SET_IDENTITY_MAP_ADDR, &above);
    assert_int_equal(ioctl(guest->vm, KVM_SET_TSS_ADDR, (unsigned long)above + PAGE), 0);
    guest->vcpu = guest_call(guest->vm, KVM_CREATE_VCPU, NULL);
    guest->run_size = (size_t)guest_call(guest->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);
    guest->run = mmap(NULL, guest->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, guest->vcpu, 0);
    assert_true(guest->run != MAP_FAILED);
}

static inline void guest_close(struct guest *guest)
{
    assert_int_equal(munmap(guest->run, guest->run_size), 0);
    close(guest->vcpu);
    close(guest->vm);
    close(guest->kvm);
}

/* A slot for the region that begins at gpa, as the view has it; size 0 takes it away. */
static inline void guest_slot(struct guest *guest, unsigned slot, const struct gm_view *view, gm_gpa gpa, bool there)
{
    struct gm_region_info info;
    assert_result(gm_region_find(view, gpa, &info), 0);
    struct kvm_userspace_memory_region region = {
        .slot = slot,
        .flags = KVM_MEM_LOG_DIRTY_PAGES,
        .guest_phys_addr = info.gpa,
        .memory_size = there ? info.size : 0,
        .userspace_addr = (uintptr_t)info.address,
    };
    guest_call(guest->vm, KVM_SET_USER_MEMORY_REGION, &region);
}

/* What the vCPU has dirtied of a slot since the last call goes to the bitmap, at the slot's place. */
static inline void guest_log_merge(struct guest *guest, unsigned slot, gm_gpa gpa, uint64_t size,
                                   struct gm_dirty *dirty)
{
    uint64_t pages = size / PAGE;
    uint64_t *words = calloc((pages + 63) / 64, sizeof(*words));
    assert_non_null(words);
    struct kvm_dirty_log log = {.slot = slot, .dirty_bitmap = words};
    guest_call(guest->vm, KVM_GET_DIRTY_LOG, &log);
    const struct gm_dirty_log merged = {.bits = words, .count = pages, .to = gpa};
    assert_result(gm_dirty_merge(dirty, &merged), 0);
    free(words);
}

static inline void guest_load(const struct gm_view *view, const void *program, size_t len)
{
    assert_result(gm_guest_write(view, GUEST_CODE, program, len), 0);
}

/* The next run begins at the program's first instruction, with these registers. */
static inline void guest_start(struct guest *guest, uint32_t eax, uint32_t ebx, uint32_t ecx, uint32_t esi)
{
    struct kvm_sregs special;
    const struct kvm_regs regs = {
        .rip = GUEST_CODE, .rflags = 2, .rax = eax, .rbx = ebx, .rcx = ecx, .rsi = esi};
    struct kvm_segment flat = {.limit = UINT32_MAX, .selector = 8, .present = 1, .s = 1, .db = 1, .g = 1, .type = 11};
    guest_call(guest->vcpu, KVM_GET_SREGS, &special);
    special.cr0 |= 1;
    special.cs = flat;
    flat.type = 3;
    flat.selector = 16;
    special.ds = special.es = special.fs = special.gs = special.ss = flat;
    guest_call(guest->vcpu, KVM_SET_SREGS, &special);
    guest_call(guest->vcpu, KVM_SET_REGS, (void *)(uintptr_t)&regs);
}

/* Run the vCPU until its program's OUT. Returns 0; what ended it instead. For threads that cannot fail a test. */
static inline unsigned guest_run(struct guest *guest)
{
    while (ioctl(guest->vcpu, KVM_RUN, 0UL) != 0)
        if (errno != EINTR)
            return KVM_EXIT_UNKNOWN + 1000U;
    return guest->run->exit_reason == KVM_EXIT_IO ? 0 : guest->run->exit_reason;
}

#endif
