/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Which layouts a run uses: the files named, or every file of the layout folder, and after them the synthetic
 * ones whose region counts stay the same for ever so that runs can be compared. Files are read once here, so
 * that a mistake in one is told before minutes are spent.
 */
#include "inputset.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

static const size_t even[] = {1, 8, 16, 64, 512, 4096, 32764};
#define EVEN_COUNT (sizeof(even) / sizeof(even[0]))
#define MIXED_REGIONS 32764

/* The installed place beside the program, else the source tree that it was built from. */
static void default_dir(char *out, size_t size)
{
    char self[3072];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (length > 0) {
        self[length] = '\0';
        *strrchr(self, '/') = '\0';
        snprintf(out, size, "%s/../share/guestmem/layouts", self);
        if (access(out, R_OK) == 0)
            return;
    }
    snprintf(out, size, "%s", BENCH_LAYOUT_DIR);
}

static int add_file(struct bench_session *session, const char *path)
{
    struct bench_input *input = &session->inputs[session->input_count];
    struct bench_layout *layout;
    char error[256] = "";
    int result = bench_layout_load(path, &layout, error, sizeof(error));

    if (result != 0) {
        fprintf(stderr, "guestmem-bench: %s\n", error[0] != '\0' ? error : strerror(-result));
        return BENCH_EXIT_USAGE;
    }
    input->kind = BENCH_FILE;
    input->path = strdup(path);
    snprintf(input->label, sizeof(input->label), "layout:%s", layout->name);
    bench_layout_free(layout);
    session->input_count++;
    return 0;
}

static int add_directory(struct bench_session *session, size_t room)
{
    char directory[4096], pattern[4200];
    glob_t found;
    int status = 0;

    if (session->options.layout_dir != NULL)
        snprintf(directory, sizeof(directory), "%s", session->options.layout_dir);
    else
        default_dir(directory, sizeof(directory));
    snprintf(pattern, sizeof(pattern), "%s/*.layout", directory);
    if (glob(pattern, 0, NULL, &found) != 0) {
        fprintf(stderr, "guestmem-bench: no *.layout in %s\n", directory);
        return BENCH_EXIT_USAGE;
    }
    if (found.gl_pathc > room) {
        fprintf(stderr, "guestmem-bench: more than %zu layouts in %s\n", room, directory);
        status = BENCH_EXIT_USAGE;
    }
    for (size_t i = 0; i < found.gl_pathc && status == 0; i++)
        status = add_file(session, found.gl_pathv[i]);
    globfree(&found);
    return status;
}

static void add_synthetic(struct bench_session *session)
{
    struct bench_input *input;

    for (size_t i = 0; i < EVEN_COUNT; i++) {
        input = &session->inputs[session->input_count++];
        *input = (struct bench_input){.kind = BENCH_EVEN, .regions = even[i]};
        snprintf(input->label, sizeof(input->label), "regions:%zu", even[i]);
    }
    input = &session->inputs[session->input_count++];
    *input = (struct bench_input){.kind = BENCH_MIXED, .regions = MIXED_REGIONS};
    snprintf(input->label, sizeof(input->label), "mixed:%d", MIXED_REGIONS);
}

int bench_inputs_open(struct bench_session *session)
{
    int status = 0;

    session->inputs = calloc(BENCH_MAX_LAYOUTS + EVEN_COUNT + 1, sizeof(*session->inputs));
    if (session->inputs == NULL)
        return EXIT_FAILURE;
    for (size_t i = 0; i < session->options.layout_count && status == 0; i++)
        status = add_file(session, session->options.layouts[i]);
    if (session->options.layout_count == 0)
        status = add_directory(session, BENCH_MAX_LAYOUTS);
    if (status == 0)
        add_synthetic(session);
    return status;
}

void bench_inputs_close(struct bench_session *session)
{
    for (size_t i = 0; i < session->input_count; i++)
        free((void *)(uintptr_t)session->inputs[i].path);
    free(session->inputs);
}

const struct bench_input *bench_input_even(const struct bench_session *session, size_t regions)
{
    for (size_t i = 0; i < session->input_count; i++)
        if (session->inputs[i].kind == BENCH_EVEN && session->inputs[i].regions == regions)
            return &session->inputs[i];
    return NULL;
}
