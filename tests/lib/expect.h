/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What the contract says that each lookup answers in a given state of the model, found cell by cell from the
 * lowest address up.
 */
#ifndef GM_TESTS_LIB_EXPECT_H
#define GM_TESTS_LIB_EXPECT_H

#include <sys/uio.h>

#include "lib/model.h"

/* gm_translate_why; on 0 also the host address of gm_translate. */
int gmt_expect_access(const struct gmt_model *model, gm_gpa gpa, uint64_t len, unsigned rights,
                      uintptr_t *hva);

/* The pointer that gm_translate returns. */
void *gmt_expect_pointer(const struct gmt_model *model, gm_gpa gpa, uint64_t len, unsigned rights);

/* 0 or the error of gm_translate_span, with the region on 0. */
int gmt_expect_span(const struct gmt_model *model, gm_gpa gpa, const struct gmt_region **region);

/* Whether [gpa, gpa + len) is contiguous in host memory with the same rights throughout. */
bool gmt_expect_uniform(const struct gmt_model *model, gm_gpa gpa, uint64_t len);

/*
 * gm_translate_iov; what lies in iov is undefined on error. Of several reasons the one of the lowest address: -ENOBUFS
 * stands where the entry would begin for which there is no room.
 */
int gmt_expect_iov(const struct gmt_model *model, gm_gpa gpa, uint64_t len, unsigned rights,
                   struct iovec *iov, unsigned room);

/* The region with the lowest address whose last byte is at or above gpa, or NULL. */
const struct gmt_region *gmt_expect_next(const struct gmt_model *model, gm_gpa gpa);

#endif
