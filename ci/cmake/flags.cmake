# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# What the compiler and the linker are told, derived from the options. Apart from CMakeLists.txt because each
# choice here needs a reason beside it. Sets gm_warnings, gm_check_level, gm_lto, gm_shared_link_options.

set(gm_warnings -Wall -Wextra -Wshadow -Wconversion -Wvla -Wundef -Wformat=2 -Wwrite-strings
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>)
if(GM_WERROR)
    list(APPEND gm_warnings -Werror)
endif()

if(GM_CHECK_LEVEL STREQUAL "")
    set(gm_check_level $<IF:$<CONFIG:Debug>,2,0>)
elseif(GM_CHECK_LEVEL MATCHES "^[012]$")
    set(gm_check_level ${GM_CHECK_LEVEL})
else()
    message(FATAL_ERROR "GM_CHECK_LEVEL is 0, 1, 2 or empty, not '${GM_CHECK_LEVEL}'")
endif()

if(NOT GM_SEED_BUG MATCHES "^[0-9]+$")
    message(FATAL_ERROR "GM_SEED_BUG is a number, not '${GM_SEED_BUG}'")
endif()

# The sanitizers go to everything below this directory, so that tests and library always agree.
if(GM_SANITIZE)
    string(REPLACE "," ";" gm_sanitizers "${GM_SANITIZE}")
    foreach(gm_sanitizer IN LISTS gm_sanitizers)
        if(NOT gm_sanitizer MATCHES "^(address|undefined|thread|memory)$")
            message(FATAL_ERROR 
                "GM_SANITIZE: '${gm_sanitizer}' is none of address, undefined, thread, memory")
        endif()
    endforeach()
    add_compile_options(-fsanitize=${GM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${GM_SANITIZE})
endif()

# All names are known when the library is linked and when it is loaded, and none of it is writable afterwards.
set(gm_shared_link_options LINKER:--exclude-libs,ALL LINKER:-Bsymbolic-functions
    LINKER:-z,relro LINKER:-z,now)
if(NOT (GM_SANITIZE AND CMAKE_C_COMPILER_ID MATCHES Clang))
    # clang leaves the sanitizer's run time to the executable: its names are not known to the library's link.
    list(APPEND gm_shared_link_options LINKER:-z,defs)
endif()

set(gm_lto OFF)
if(GM_LTO AND NOT GM_SANITIZE)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT gm_lto OUTPUT gm_lto_output LANGUAGES C)
    if(NOT gm_lto)
        message(STATUS "link-time optimisation is off: this compiler and linker cannot do it")
    endif()
endif()
