# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# What is installed, and how others find it. The two libraries have export sets of their own because only the
# static one makes its user find liburcu.

install(FILES ${gm_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/guestmem)
install(TARGETS guestmem EXPORT guestmem-shared)
install(TARGETS guestmem_static EXPORT guestmem-static)

# An installed program finds the library beside it wherever the prefix is.
if(TARGET guestmem-bench-shared)
    set_target_properties(guestmem-bench-shared PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
endif()

# The gate for the operations of other projects: bench/gate/README.md. Its runner is compiled where it is used.
set(gm_gate_dir ${CMAKE_INSTALL_DATADIR}/guestmem/gate)
install(PROGRAMS ci/gate-own DESTINATION ${gm_gate_dir} RENAME guestmem-gate)
install(FILES bench/gate/README.md bench/gate/gate.h results/gates.json ci/gate_lib/compare.py ci/gate_lib/measure.py
    ci/gate_lib/report.py ci/gate_lib/verdict.py DESTINATION ${gm_gate_dir})
install(DIRECTORY bench/gate/runner bench/gate/example DESTINATION ${gm_gate_dir})

set(gm_config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/guestmem)
install(EXPORT guestmem-shared NAMESPACE guestmem:: DESTINATION ${gm_config_dir})
install(EXPORT guestmem-static NAMESPACE guestmem:: DESTINATION ${gm_config_dir})

configure_package_config_file(
    ci/packaging/guestmem-config.cmake.in ${PROJECT_BINARY_DIR}/guestmem-config.cmake
    INSTALL_DESTINATION ${gm_config_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/guestmem-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/guestmem-config.cmake ${PROJECT_BINARY_DIR}/guestmem-config-version.cmake
    DESTINATION ${gm_config_dir})

# The prefix is told relative to the .pc file, so that an installed tree can be moved and --prefix works.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR} OR IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
    set(gm_pc_prefix ${CMAKE_INSTALL_PREFIX})
    set(gm_pc_libdir ${CMAKE_INSTALL_FULL_LIBDIR})
    set(gm_pc_includedir ${CMAKE_INSTALL_FULL_INCLUDEDIR})
else()
    file(RELATIVE_PATH gm_pc_up /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
    string(REGEX REPLACE "/$" "" gm_pc_up "${gm_pc_up}")
    set(gm_pc_prefix "\${pcfiledir}/${gm_pc_up}")
    set(gm_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
    set(gm_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
set(gm_pc_requires_private "liburcu-memb numa")
set(gm_pc_libs_private "")
if(gm_jemalloc_object)
    set(gm_pc_libs_private -lm)
endif()
configure_file(ci/packaging/guestmem.pc.in ${PROJECT_BINARY_DIR}/guestmem.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/guestmem.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
