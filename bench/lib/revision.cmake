# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# Writes revision.h at every build, so that a report names what was compiled and not what was configured. It
# is rewritten only when it changes, so that nothing is compiled again for nothing.
# Called with -DSOURCE=<repository> -DOUTPUT=<file>.
cmake_minimum_required(VERSION 3.25)

execute_process(
    COMMAND git -C "${SOURCE}" describe --always --dirty --abbrev=10
    OUTPUT_VARIABLE revision
    OUTPUT_STRIP_TRAILING_WHITESPACE
    ERROR_QUIET
    RESULT_VARIABLE failed)
if(failed OR revision STREQUAL "")
    set(revision "unknown")
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT "#define BENCH_REVISION \"@revision@\"\n" @ONLY)
