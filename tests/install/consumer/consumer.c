/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What a first program does: a space with one region of anonymous memory, a reader that pins it, a write
 * through the translated pointer. It is C and C++ at once, and it looks at every result, because what is
 * tested is that an installed library can be found, linked and run, not only compiled against.
 */
#include <guestmem/guestmem.h>

#include <stdio.h>
#include <string.h>

#define SIZE (UINT64_C(4) << 20)
#define START (UINT64_C(1) << 30)

#define EXPECT(condition)                                                      \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);    \
            return 1;                                                          \
        }                                                                      \
    } while (0)

static int populate(struct gm_space *space, struct gm_backing *backing)
{
    struct gm_region_desc region;
    struct gm_txn *txn = NULL;

    memset(&region, 0, sizeof(region));
    region.gpa = START;
    region.size = SIZE;
    region.kind = GM_KIND_RAM;
    region.backing = backing;
    region.tag = 7;
    EXPECT(gm_txn_begin(space, &txn) == 0);
    EXPECT(gm_txn_add(txn, &region) == 0);
    EXPECT(gm_txn_commit(txn, GM_COMMIT_WAIT) == 0);
    return 0;
}

static int look(struct gm_space *space, struct gm_backing *backing)
{
    static const char text[] = "guest memory";
    char *base = (char *)gm_backing_address(backing);

    EXPECT(gm_reader_register() == 0);
    const struct gm_view *view = gm_pin(space);
    EXPECT(view != NULL);

    char *hva = (char *)gm_translate(view, START + 4096, sizeof(text), GM_RW);
    EXPECT(hva == base + 4096);
    memcpy(hva, text, sizeof(text));
    EXPECT(memcmp(base + 4096, text, sizeof(text)) == 0);

    /* across two 2 MiB blocks, which the inlined part does not answer */
    EXPECT(gm_translate(view, START + (SIZE / 2) - 4, 8, GM_RW) == base + (SIZE / 2) - 4);
    EXPECT(gm_translate(view, START + SIZE - 4, 8, GM_RW) == NULL);
    EXPECT(gm_translate(view, START - 1, 1, GM_READ) == NULL);

    EXPECT(gm_unpin() == 0);
    EXPECT(gm_reader_unregister() == 0);
    return 0;
}

int main(void)
{
    struct gm_space *space = NULL;
    struct gm_backing *backing = NULL;

    EXPECT(gm_version() == GM_VERSION);
    EXPECT(gm_space_create(NULL, &space) == 0);
    EXPECT(gm_backing_anonymous(SIZE, 0, &backing) == 0);
    if (populate(space, backing) != 0 || look(space, backing) != 0)
        return 1;
    gm_backing_put(backing);
    EXPECT(gm_space_destroy(space) == 0);
    puts("consumer: fine");
    return 0;
}
