/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Making and dropping backings ten thousand times, good ones and refused ones: no descriptor and no mapping is left. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif

#include "lib/cm.h"
#include "lib/rig.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES(n) ((n) * GMT_PAGE)
#define ROUNDS 10000

struct held {
    unsigned fds, maps;
};

static struct held held_now(void)
{
    struct held held = {0};
    DIR *folder = opendir("/proc/self/fd");
    FILE *maps = fopen("/proc/self/maps", "r");
    int c;
    assert_true(folder != NULL && maps != NULL);
    while (readdir(folder) != NULL)
        held.fds++;
    while ((c = fgetc(maps)) != EOF)
        held.maps += c == '\n';
    closedir(folder);
    fclose(maps);
    return held;
}

static void cycle(const struct gm_backing_config *config, int want)
{
    struct gm_backing *backing = NULL;
    for (unsigned i = 0; i < ROUNDS; i++) {
        assert_result(gm_backing_create(config, &backing), want);
        if (want == 0)
            gm_backing_put(backing);
    }
}

static void nothing_is_left(void **state)
{
    (void)state;
    int fd = memfd_create("leaks", MFD_CLOEXEC);
    assert_true(fd >= 0 && ftruncate(fd, (off_t)PAGES(4)) == 0);
    const struct {
        struct gm_backing_config config;
        int want;
    } cases[] = {
        {{.size = PAGES(4)}, 0},
        {{.size = PAGES(4), .size_most = PAGES(64), .flags = GM_BACKING_THP | GM_BACKING_GUARD}, 0},
        {{.kind = GM_BACKING_KIND_MEMFD, .size = PAGES(4)}, 0},
        {{.kind = GM_BACKING_KIND_MEMFD, .size = PAGES(4), .flags = GM_BACKING_NO_FORK, .align = GMT_GIB}, 0},
        {{.kind = GM_BACKING_KIND_FILE, .fd = fd, .size = PAGES(4)}, 0},
        {{.kind = GM_BACKING_KIND_FILE, .fd = fd, .size = 1, .offset = PAGES(1), .flags = GM_BACKING_PRIVATE}, 0},
        {{.kind = GM_BACKING_KIND_FILE, .fd = fd, .size = PAGES(5)}, -ENXIO},
        {{.kind = GM_BACKING_KIND_MEMFD, .size = UINT64_C(1) << 60}, -ENOMEM},
        {{.kind = GM_BACKING_KIND_GUEST_MEMFD, .fd = fd, .size = PAGES(1)}, -EOPNOTSUPP},
        {{.kind = GM_BACKING_KIND_HUGETLBFS, .path = "/dev/shm", .size = PAGES(1)}, -EOPNOTSUPP},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gm_backing *first = NULL;
        (void)!gm_backing_create(&cases[i].config, &first); /* whatever is only made once */
        gm_backing_put(first);
        struct held before = held_now();
        cycle(&cases[i].config, cases[i].want);
        struct held after = held_now();
        assert_int_equal(after.fds, before.fds);
        assert_true(after.maps < before.maps + 100); /* a heap may change by itself */
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_left)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
