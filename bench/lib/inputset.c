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
#include "text.h"
#include "traceset.h"

static const size_t even[] = {1, 8, 16, 64, 512, 4096, 32764};
#define EVEN_COUNT (sizeof(even) / sizeof(even[0]))
#define MIXED_REGIONS 32764
#define EXTRA_MAX 16 /* counts that cases ask for by themselves */
#define INPUTS_MAX (BENCH_MAX_LAYOUTS + EVEN_COUNT + 1 + BENCH_MAX_LIST + EXTRA_MAX)

/* From the folder of the program to the layouts, wherever the prefix has been moved to. */
#ifndef BENCH_LAYOUT_INSTALLED
#define BENCH_LAYOUT_INSTALLED "../share/guestmem/layouts"
#endif

void bench_inputs_folder(const struct bench_session *session, char *out, size_t size)
{
    char self[3072];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (session->options.layout_dir != NULL) {
        snprintf(out, size, "%s", session->options.layout_dir);
        return;
    }
    if (length > 0) {
        self[length] = '\0';
        *strrchr(self, '/') = '\0';
        snprintf(out, size, "%s/%s", self, BENCH_LAYOUT_INSTALLED);
        if (access(out, R_OK) == 0)
            return;
    }
    snprintf(out, size, "%s", BENCH_LAYOUT_DIR);
}

/* Rows are told apart by the label of their input. */
static int taken(const struct bench_session *session, const char *label, const char *path)
{
    for (size_t i = 0; i < session->input_count; i++) {
        const struct bench_input *other = &session->inputs[i];
        if (strcmp(other->label, label) == 0) {
            fprintf(stderr, "guestmem-bench: --layout %s: its rows would be called '%s' like those of %s; rename one\n",
                    path, label, other->path);
            return 1;
        }
    }
    return 0;
}

static int add_file(struct bench_session *session, const char *path)
{
    struct bench_input *input = &session->inputs[session->input_count];
    struct bench_layout *layout;
    char error[BENCH_ERROR_MAX] = "";
    int result = bench_layout_load(path, &layout, error, sizeof(error));

    if (result != 0) {
        fprintf(stderr, "guestmem-bench: %s\n", error[0] != '\0' ? error : strerror(-result));
        return BENCH_EXIT_USAGE;
    }
    snprintf(input->label, sizeof(input->label), "layout:%s", layout->name);
    bench_layout_free(layout);
    if (taken(session, input->label, path))
        return BENCH_EXIT_USAGE;
    input->kind = BENCH_FILE;
    input->path = strdup(path);
    session->input_count++;
    return input->path != NULL ? 0 : EXIT_FAILURE;
}

static int add_directory(struct bench_session *session, size_t room)
{
    char directory[4096], pattern[4200];
    glob_t found;
    int status = 0;

    bench_inputs_folder(session, directory, sizeof(directory));
    snprintf(pattern, sizeof(pattern), "%s/*.layout", directory);
    if (glob(pattern, 0, NULL, &found) != 0) {
        fprintf(stderr, "guestmem-bench: no *.layout in %s; --layout-dir names another folder\n", directory);
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

static void set_even(struct bench_input *input, size_t regions)
{
    *input = (struct bench_input){.kind = BENCH_EVEN, .regions = regions};
    snprintf(input->label, sizeof(input->label), "regions:%zu", regions);
}

static void add_synthetic(struct bench_session *session)
{
    const struct bench_list *asked = &session->options.regions;
    struct bench_input *input;

    for (size_t i = 0; i < asked->count; i++)
        set_even(&session->inputs[session->input_count++], asked->value[i]);
    if (asked->count > 0)
        return;
    for (size_t i = 0; i < EVEN_COUNT; i++)
        set_even(&session->inputs[session->input_count++], even[i]);
    input = &session->inputs[session->input_count++];
    *input = (struct bench_input){.kind = BENCH_MIXED, .regions = MIXED_REGIONS};
    snprintf(input->label, sizeof(input->label), "mixed:%d", MIXED_REGIONS);
}

int bench_inputs_open(struct bench_session *session)
{
    int status = 0;

    session->inputs = calloc(INPUTS_MAX, sizeof(*session->inputs));
    if (session->inputs == NULL)
        return EXIT_FAILURE;
    for (size_t i = 0; i < session->options.layout_count && status == 0; i++)
        status = add_file(session, session->options.layouts[i]);
    if (session->options.layout_count == 0)
        status = add_directory(session, BENCH_MAX_LAYOUTS);
    if (status != 0)
        return status;
    add_synthetic(session);
    return bench_traceset_open(session);
}

void bench_inputs_close(struct bench_session *session)
{
    bench_traceset_close(session);
    for (size_t i = 0; i < session->input_count; i++)
        free((void *)(uintptr_t)session->inputs[i].path);
    free(session->inputs);
}

const struct bench_input *bench_input_even(struct bench_session *session, size_t regions)
{
    size_t count = session->input_count + session->extra_count;

    for (size_t i = 0; i < count; i++)
        if (session->inputs[i].kind == BENCH_EVEN && session->inputs[i].regions == regions)
            return &session->inputs[i];
    if (session->extra_count == EXTRA_MAX)
        return NULL;
    session->extra_count++;
    set_even(&session->inputs[count], regions);
    return &session->inputs[count];
}

const struct bench_input *bench_input_guest(const struct bench_session *session)
{
    for (size_t i = 0; i < session->input_count; i++)
        if (strcmp(session->inputs[i].label, "layout:q35-64g") == 0)
            return &session->inputs[i];
    return &session->inputs[0];
}
