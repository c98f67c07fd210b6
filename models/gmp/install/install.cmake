# What `cmake --install` puts where: the runtime, for programs that are not part of this suite.
#
#	lib/libgr.a, lib/libgr.so.*	include/gr.h, gr_grow.h	lib/pkgconfig/gr.pc, gr-grow.pc	lib/cmake/gr/
#	share/man/man3, man7		share/doc/gr/examples	share/gr/gr.py (for gdb)
#
# All of it is the component "gr", and there is no other: switchyard itself reads its plans, gnuplot templates and
# subjects from where they were checked out and built, so it is run from there.
#
# The static library is the one that the subjects are measured with; nothing is compiled otherwise for its being
# installed. The shared one is compiled a second time:
# - It costs a jump more per call: with gr-costs on the machine of HACKING.md's table 0.4 ns for a yield, 1 for a mutex
#   locked and unlocked, 2.6 for a bracket around a call, nothing that shows for channels and spawning.
# - Only what gr.h declares is visible. That leaves calls between our own files, most of all of those, to be bound when
#   the library is linked; -Bsymbolic-functions and -fno-semantic-interposition do the same for calls of public functions.
# - -z now: the first call of a function would otherwise be looked up by the dynamic linker on a G's small stack.
# - Thread-local variables (gr__tls_m; builds that check have one more) have a place at a fixed distance from the thread
#   pointer (initial-exec). A library that is there at start
#   gets that always. One that is loaded by dlopen gets it from a reserve that glibc keeps for the purpose.
# - -z nodelete: their bytes need not come back at each dlopen, and a dlclose while Ms run does not take their code.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(GR_DIR ${CMAKE_CURRENT_LIST_DIR}/..)

add_library(gr_shared SHARED ${GR_SOURCES})
target_include_directories(gr_shared PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/models/gmp> PRIVATE models/gmp/src)
target_link_libraries(gr_shared PUBLIC Threads::Threads)
target_compile_definitions(gr_shared PRIVATE GR_HAS_URING=${GR_HAS_URING})
if(GR_HAS_URING)
  target_link_libraries(gr_shared PRIVATE PkgConfig::URING)
endif()
set_target_properties(gr_shared PROPERTIES OUTPUT_NAME gr EXPORT_NAME gr VERSION ${PROJECT_VERSION}
                      SOVERSION ${PROJECT_VERSION_MAJOR} C_VISIBILITY_PRESET hidden)
target_compile_options(gr_shared PRIVATE -fno-semantic-interposition -ftls-model=initial-exec)
target_link_options(gr_shared PRIVATE LINKER:-Bsymbolic-functions LINKER:-z,now LINKER:-z,nodelete)
if(NOT SWITCHYARD_SANITIZE) # a sanitizer's functions are the program's
  target_link_options(gr_shared PRIVATE LINKER:-z,defs)
endif()
set_target_properties(gr PROPERTIES EXPORT_NAME gr_static)

# What gr.h asks of code that runs on goroutines' stacks. A library that the runtime itself needs is named here for who
# links it in statically: a pkg-config module in GR_PC_REQUIRES_PRIVATE (and in GR_CONFIG_DEPENDENCIES for
# grConfig.cmake), another in GR_PC_LIBS_PRIVATE.
set(GR_PC_REQUIRES_PRIVATE)
set(GR_CONFIG_DEPENDENCIES)
if(GR_HAS_URING)
  set(GR_PC_REQUIRES_PRIVATE liburing)
  # The name of the target is the one that the build has linked with.
  set(GR_CONFIG_DEPENDENCIES "find_dependency(PkgConfig)\npkg_check_modules(URING REQUIRED IMPORTED_TARGET liburing)")
endif()
set(GR_PC_LIBS_PRIVATE -pthread)
set(GR_USER_FLAGS)
if(HAS_STACK_CLASH_PROTECTION)
  list(APPEND GR_USER_FLAGS -fstack-clash-protection)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
  list(APPEND GR_USER_FLAGS "SHELL:--param stack-clash-protection-guard-size=12")
endif()
foreach(target gr gr_shared)
  target_include_directories(${target} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  foreach(flag ${GR_USER_FLAGS})
    target_compile_options(${target} INTERFACE $<INSTALL_INTERFACE:${flag}>)
  endforeach()
endforeach()

# ---- gr.pc ------------------------------------------------------------------------------------------
# A folder of the installation as seen from its prefix; one that was given as an absolute path stays one.
function(gr_pc_dir out dir)
  if(IS_ABSOLUTE ${dir})
    set(${out} ${dir} PARENT_SCOPE)
  else()
    set(${out} "\${prefix}/${dir}" PARENT_SCOPE)
  endif()
endfunction()
gr_pc_dir(GR_PC_LIBDIR ${CMAKE_INSTALL_LIBDIR})
gr_pc_dir(GR_PC_INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR})
file(RELATIVE_PATH GR_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" GR_PC_PREFIX "${GR_PC_PREFIX}")
string(REPLACE ";" " " GR_PC_CFLAGS "-pthread;${GR_USER_FLAGS}")
string(REPLACE "SHELL:" "" GR_PC_CFLAGS "${GR_PC_CFLAGS}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/gr.pc.in ${CMAKE_BINARY_DIR}/install/gr.pc @ONLY)
# For programs whose stacks are to grow: other flags, and the static library, for what is called in a shared one is foreign.
configure_file(${CMAKE_CURRENT_LIST_DIR}/gr-grow.pc.in ${CMAKE_BINARY_DIR}/install/gr-grow.pc @ONLY)

# ---- manual pages -----------------------------------------------------------------------------------
# A page is found by the name of each function that it is about: a file per name in its NAME line that says where to look.
file(GLOB GR_MAN3 CONFIGURE_DEPENDS ${GR_DIR}/man/*.3)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${GR_MAN3})
file(REMOVE_RECURSE ${CMAKE_BINARY_DIR}/install/man3)
foreach(page ${GR_MAN3})
  get_filename_component(file ${page} NAME)
  file(READ ${page} text)
  string(REGEX MATCH "\n\\.SH NAME\n([a-z0-9_, \n]+)" names "${text}")
  string(REGEX MATCHALL "[a-z0-9_]+" names "${CMAKE_MATCH_1}")
  foreach(name ${names})
    if(NOT "${name}.3" STREQUAL file)
      file(WRITE ${CMAKE_BINARY_DIR}/install/man3/${name}.3 ".so man3/${file}\n")
    endif()
  endforeach()
endforeach()

# ---- what goes where --------------------------------------------------------------------------------
install(TARGETS gr gr_shared EXPORT grTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT gr NAMELINK_COMPONENT gr
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT gr)
install(FILES ${GR_DIR}/gr.h ${GR_DIR}/gr_grow.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT gr)
install(FILES ${CMAKE_BINARY_DIR}/install/gr.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT gr)
if(GR_HAS_GROW)
  install(FILES ${CMAKE_BINARY_DIR}/install/gr-grow.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT gr)
endif()
install(FILES ${GR_MAN3} DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT gr)
install(DIRECTORY ${CMAKE_BINARY_DIR}/install/man3 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT gr)
install(FILES ${GR_DIR}/man/gr.7 DESTINATION ${CMAKE_INSTALL_MANDIR}/man7 COMPONENT gr)
install(DIRECTORY ${GR_DIR}/examples DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/gr COMPONENT gr)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/gr COMPONENT gr)
install(FILES ${GR_DIR}/gdb/gr.py DESTINATION ${CMAKE_INSTALL_DATADIR}/gr COMPONENT gr)

set(GR_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/gr)
install(EXPORT grTargets NAMESPACE gr:: DESTINATION ${GR_CMAKE_DIR} COMPONENT gr)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/grConfig.cmake.in ${CMAKE_BINARY_DIR}/install/grConfig.cmake
                              INSTALL_DESTINATION ${GR_CMAKE_DIR} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/install/grConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/install/grConfig.cmake ${CMAKE_BINARY_DIR}/install/grConfigVersion.cmake
        DESTINATION ${GR_CMAKE_DIR} COMPONENT gr)
