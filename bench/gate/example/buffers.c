/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * An example of a project's own operation under the gate: a device that turns each list of guest buffers, as a
 * virtqueue hands them over, into host buffers. Compiled as a plug-in:
 *
 *     cc -O2 -fPIC -fvisibility=hidden -falign-functions=64 -shared -Wl,-Bsymbolic buffers.c -o plugin.so \
 *         -I<prefix>/share/guestmem/gate $(pkg-config --cflags --libs guestmem)
 */
#include <errno.h>

#include <gate.h>
#include <guestmem/guestmem.h>

#define LIST 8 /* buffers of one request */
#define RAM_SIZE (UINT64_C(1) << 30)

static struct {
    struct gm_space *space;
    struct gm_backing *ram;
    const uint64_t *words;
    char *host;
    int registered;
} device;

/* The operation: its own code and what it inlines from the library are what the project wants to keep quick. */
static int translate_list(const struct gm_view *view, const uint64_t *words, struct iovec *out)
{
    int used = 0;
    for (unsigned i = 0; i < LIST; i++) {
        const uint64_t address = words[i] % (RAM_SIZE - 8192), len = (words[i] >> 40) % 4096 + 1;
        const int pieces = gm_translate_iov(view, address, len, GM_WRITE, out + used, 2 * (LIST - i));
        if (pieces < 0)
            return pieces;
        used += pieces;
    }
    return used;
}

/* The sum has offsets, not addresses, in it: memory lies elsewhere in the other plug-in, and sums must agree. */
static uint64_t run_lists(uint64_t count, uint64_t first)
{
    struct iovec out[2 * LIST];
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
#ifdef GATE_INJECT_NOP /* a slowdown on purpose: the test of this example has to see it */
        __asm__ volatile(".rept 16\n\tnop\n\t.endr");
#endif
        const struct gm_view *view = gm_pin(device.space);
        const int used = translate_list(view, device.words + (first + i) * LIST % GATE_WORDS, out);
        (void)gm_unpin();
        for (int piece = 0; piece < used; piece++)
            sum += (uint64_t)((char *)out[piece].iov_base - device.host) + out[piece].iov_len;
    }
    return sum;
}

static const struct gate_case cases[] = {{.name = "lists/8", .family = "lists", .run = run_lists}};

static int setup(const struct gate_case *which, const struct gate_memory *memory)
{
    struct gm_region_desc desc = {.size = RAM_SIZE};
    struct gm_txn *txn;
    (void)which;
    device.words = memory->words;
    device.host = memory->host;
    if (!device.registered && gm_reader_register() != 0)
        return -EPROTO;
    device.registered = 1;
    if (gm_backing_wrap(memory->host, RAM_SIZE, NULL, NULL, &device.ram) != 0 ||
        gm_space_create(NULL, &device.space) != 0 || gm_txn_begin(device.space, &txn) != 0)
        return -ENOMEM;
    desc.backing = device.ram;
    const int error = gm_txn_add(txn, &desc);
    return error != 0 ? error : gm_txn_commit(txn, GM_COMMIT_WAIT);
}

static int teardown(void)
{
    gm_backing_put(device.ram);
    return gm_space_destroy(device.space);
}

extern const struct gate_table gate_table;
__attribute__((visibility("default"))) const struct gate_table gate_table = {
    .version = GATE_VERSION,
    .size = sizeof(struct gate_case),
    .count = sizeof(cases) / sizeof(cases[0]),
    .cases = cases,
    .setup = setup,
    .teardown = teardown,
};
