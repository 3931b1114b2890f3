# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# A private jemalloc for the library's metadata, as one object file that both libraries can hold: the parts of
# libjemalloc_pic.a that are needed, linked together, with every name made local but three, and those renamed. So the
# malloc of the program stays what it was, also where the static library is linked into it, and a program that uses
# jemalloc itself has its own.
#
# gm_private_jemalloc(<variable>) sets the variable to the object file, or to nothing where it cannot be made.

function(gm_private_jemalloc variable)
    set(${variable} "" PARENT_SCOPE)
    find_library(GM_JEMALLOC_PIC NAMES libjemalloc_pic.a)
    find_path(GM_JEMALLOC_INCLUDE jemalloc/jemalloc.h)
    if(NOT GM_JEMALLOC_PIC OR NOT GM_JEMALLOC_INCLUDE OR NOT CMAKE_OBJCOPY OR NOT CMAKE_LINKER)
        message(STATUS "jemalloc is off: libjemalloc_pic.a (libjemalloc-dev), ld or objcopy is missing")
        return()
    endif()
    set(object ${PROJECT_BINARY_DIR}/gm_jemalloc.o)
    set(wanted mallocx sdallocx mallctl)
    list(TRANSFORM wanted REPLACE "(.+)" "--undefined=\\1" OUTPUT_VARIABLE pull)
    list(TRANSFORM wanted REPLACE "(.+)" "--redefine-sym=\\1=gm_jemalloc_\\1" OUTPUT_VARIABLE rename)
    list(TRANSFORM wanted REPLACE "(.+)" "--keep-global-symbol=gm_jemalloc_\\1" OUTPUT_VARIABLE keep)
    add_custom_command(OUTPUT ${object}
        COMMAND ${CMAKE_LINKER} -r ${pull} -o ${object}.linked ${GM_JEMALLOC_PIC}
        COMMAND ${CMAKE_OBJCOPY} ${rename} ${object}.linked ${object}.renamed
        COMMAND ${CMAKE_OBJCOPY} ${keep} ${object}.renamed ${object}
        DEPENDS ${GM_JEMALLOC_PIC}
        COMMENT "Making a private copy of jemalloc" VERBATIM)
    add_custom_target(gm_jemalloc DEPENDS ${object}) # several libraries hold it, but one rule makes it
    set(${variable} ${object} PARENT_SCOPE)
endfunction()
