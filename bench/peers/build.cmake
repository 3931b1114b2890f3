# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# Builds the peers with cargo, in a copy of the crate, so that nothing is ever written into the source tree. Without
# the network first: what has been fetched once is enough. When the crates cannot be had, benchmarks without them
# are better than none: the reason goes to a file beside the library's place, for the report, and the build goes on.
# Called with -DCARGO=<program> -DSOURCE=<crate> -DBUILD=<folder> -DOUTPUT=<library> -DREQUIRED=<ON or OFF>.
cmake_minimum_required(VERSION 3.25)

file(COPY ${SOURCE}/Cargo.toml ${SOURCE}/src DESTINATION ${BUILD}/crate)

# No settings from outside: peers are compiled for the same processor as our own code. The one flag says nothing new,
# but is there, so that cargo does not look for flags in the configuration of the user.
unset(ENV{CARGO_ENCODED_RUSTFLAGS})
unset(ENV{CARGO_BUILD_TARGET})
set(ENV{RUSTFLAGS} "-Cdebuginfo=0")
set(ENV{CARGO_TARGET_DIR} ${BUILD}/target)
set(ENV{CARGO_TERM_COLOR} never)
set(ENV{CARGO_NET_RETRY} 1)
set(ENV{CARGO_HTTP_TIMEOUT} 20)

foreach(network IN ITEMS --offline "")
    execute_process(
        COMMAND ${CARGO} build --release ${network}
        WORKING_DIRECTORY ${BUILD}/crate
        OUTPUT_VARIABLE log
        ERROR_VARIABLE log
        RESULT_VARIABLE failed
        TIMEOUT 300)
    if(NOT failed)
        break()
    endif()
endforeach()

get_filename_component(name ${OUTPUT} NAME)
set(reason ${OUTPUT}.skipped)
if(NOT failed)
    file(COPY_FILE ${BUILD}/target/release/${name} ${OUTPUT} RESULT failed ONLY_IF_DIFFERENT)
    set(log "error: ${failed}")
endif()
if(NOT failed)
    file(REMOVE ${reason})
    return()
endif()
string(REGEX MATCH "error: [^\n]*" why "${log}")
if(why STREQUAL "")
    set(why "cargo says ${failed}")
endif()
file(REMOVE ${OUTPUT})
file(WRITE ${reason} "${why}\n")
if(REQUIRED)
    message(FATAL_ERROR "peers: ${log}")
endif()
message("peers: skipped (${why})")
