/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What the files of the runner share. */
#ifndef GATE_RUNNER_H
#define GATE_RUNNER_H

#include "../gate.h"

#define GATE_CANNOT 2 /* exit status: not measured, which is no verdict */

/* One of the two that a duet compares: two plug-ins, or two operations of one. */
struct side {
    const struct gate_table *table;
    const struct gate_case *now;
    gate_run *run;
};

/* load.c: `place` is a plug-in, a folder with a plugin.so and the library that it calls, or "-": what is linked in. */
int side_load(struct side *side, const char *place);

/* input.c: the memory of the runner; whether both sides have a case (printed if not); and the case `index` of the
 * first set up on so many sides. 0, GATE_CANNOT; -ENOTSUP: the machine lacks what it needs, which has been printed. */
int input_reserve(void);
int case_is_shared(const struct side *sides, const char *name);
int case_begin(struct side *sides, unsigned count, size_t index);
int case_end(struct side *sides, unsigned count);

/* duet.c: the median over the rounds of the time of side 1 over that of side 0, printed as a line. */
int duet(const struct side *sides, unsigned rounds, unsigned order);

/* beside.c: the second thread. begin: 0, GATE_CANNOT or -ENOTSUP (one processor; printed). */
int beside_begin(const struct side *sides);
int beside_end(void);
void beside_on(unsigned side);
void beside_off(void);

#endif
