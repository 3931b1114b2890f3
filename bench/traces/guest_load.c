/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The first and only process of the guest that `record` starts: it loads the drivers, mounts two disks, brings the
 * network up and then keeps all of them busy in several ways at once, until the machine is switched off. Linked
 * statically; nothing else is in the guest. What fails is said on the console, and ends the machine.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_BYTES (UINT64_C(192) << 20)
#define MOST (512 * 1024) /* [bytes] of one call */
#define HOST "10.77.0.1"
#define GUEST "10.77.0.2"

static void die(const char *what)
{
    printf("guest: %s: %s\n", what, strerror(errno));
    fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
    _exit(1);
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return z ^ (z >> 29);
}

/* Small sizes most of the time, and now and then the largest. A multiple of unit. */
static size_t any_size(uint64_t *state, size_t unit)
{
    size_t units = (size_t)1 << next_random(state) % 8;

    if (next_random(state) % 8 == 0)
        units = 1 + next_random(state) % (MOST / unit);
    return units * unit <= MOST ? units * unit : MOST;
}

static void load_modules(void)
{
    static const char *const names[] = {"virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev",
                                        "virtio_pci", "virtio_blk", "failover", "net_failover", "virtio_net"};
    char path[100];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "/modules/%s.ko", names[i]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) != 0)
            die(path);
        close(fd);
    }
}

static void mount_disk(const char *device, const char *at)
{
    mkdir(at, 0755);
    for (int tries = 0; tries < 100 && access(device, F_OK) != 0; tries++)
        usleep(50000);
    if (mount(device, at, "ext4", 0, "") != 0)
        die(device);
}

static void network_up(void)
{
    struct ifreq request = {.ifr_name = "eth0"};
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, GUEST, &address.sin_addr);
    memcpy(&request.ifr_addr, &address, sizeof(address));
    if (fd < 0 || ioctl(fd, SIOCSIFADDR, &request) != 0)
        die("address");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
        die("link");
    close(fd);
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, HOST, &address.sin_addr);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("connect");
    return fd;
}

static char *buffer(void)
{
    void *memory;

    if (posix_memalign(&memory, 4096, MOST) != 0)
        die("memory");
    memset(memory, 0x5a, MOST);
    return memory;
}

/* A file of that size, written through the page cache. */
static int fill(const char *path)
{
    char *data = buffer();
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    for (uint64_t done = 0; fd >= 0 && done < FILE_BYTES; done += MOST)
        if (write(fd, data, MOST) != MOST)
            die(path);
    if (fd < 0 || fsync(fd) != 0)
        die(path);
    free(data);
    return fd;
}

/* Reads and writes around the page cache, in random places. */
static void direct_io(const char *path, uint64_t seed)
{
    char *data = buffer();
    int fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);

    if (fd < 0)
        die(path);
    for (;;) {
        size_t size = any_size(&seed, 4096);
        off_t at = (off_t)(next_random(&seed) % ((FILE_BYTES - MOST) / 4096) * 4096);
        ssize_t done = next_random(&seed) % 3 == 0 ? pwrite(fd, data, size, at) : pread(fd, data, size, at);
        if (done != (ssize_t)size)
            die("direct I/O");
    }
}

/* Reads and writes through it, written back and dropped every so often, so that it keeps missing. */
static void cached_io(const char *path, uint64_t seed)
{
    char *data = buffer();
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        die(path);
    for (unsigned round = 1;; round++) {
        size_t size = any_size(&seed, 100);
        off_t at = (off_t)(next_random(&seed) % (FILE_BYTES - MOST));
        if ((next_random(&seed) % 2 == 0 ? pwrite(fd, data, size, at) : pread(fd, data, size, at)) < 0)
            die("cached I/O");
        if (round % 256 == 0 && (fdatasync(fd) != 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0))
            die("write back");
    }
}

/* Small files that come and go: inodes, directories, the journal. */
static void small_files(const char *folder, uint64_t seed)
{
    char path[200];
    char *data = buffer();

    for (;;) {
        snprintf(path, sizeof(path), "%s/%u", folder, (unsigned)(next_random(&seed) % 512));
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, data, any_size(&seed, 100) % 30000 + 1) < 0)
            die(path);
        if (next_random(&seed) % 16 == 0)
            fsync(fd);
        close(fd);
    }
}

static void send_stream(uint64_t seed)
{
    char *data = buffer();
    int fd = connect_to(5001);

    while (write(fd, data, next_random(&seed) % 65536 + 1) > 0)
        if (next_random(&seed) % 64 == 0)
            usleep(1000);
    die("send");
}

static void receive_stream(void)
{
    char *data = buffer();
    int fd = connect_to(5002);

    while (read(fd, data, MOST) > 0) {
    }
    die("receive");
}

static void send_datagrams(uint64_t seed)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(5003)};
    char *data = buffer();
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, HOST, &address.sin_addr);
    for (;;) {
        sendto(fd, data, next_random(&seed) % 1400 + 1, 0, (struct sockaddr *)&address, sizeof(address));
        if (next_random(&seed) % 32 == 0)
            usleep(500);
    }
}

static void start_disk(const char *folder, uint64_t seed)
{
    char path[100];

    snprintf(path, sizeof(path), "%s/file", folder);
    close(fill(path));
    for (uint64_t i = 0; i < 24; i++) {
        if (fork() != 0)
            continue;
        if (i < 18)
            direct_io(path, seed + i);
        else if (i < 22)
            cached_io(path, seed + i);
        small_files(folder, seed + i);
    }
}

int main(void)
{
    mkdir("/dev", 0755);
    if (mount("dev", "/dev", "devtmpfs", 0, "") != 0)
        die("devtmpfs");
    load_modules();
    mount_disk("/dev/vda", "/a");
    mount_disk("/dev/vdb", "/b");
    network_up();
    start_disk("/a", 100);
    start_disk("/b", 200);
    for (uint64_t i = 0; i < 2; i++) {
        if (fork() == 0)
            send_stream(300 + i);
        if (fork() == 0)
            receive_stream();
        if (fork() == 0)
            send_datagrams(400 + i);
    }
    printf("guest: busy\n");
    fflush(stdout);
    for (;;)
        wait(NULL);
}
