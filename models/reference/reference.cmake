# What the CMakeLists.txt of reference subjects share.

# A subject whose bodies are not those of workloads/: harness/subject, the definitions of the workloads, and these sources,
# which hold harness/subject/style.h and a body <family>_<name>_<subject> for each workload that it can do. `no_body` is why it
# has none for the others, in the words of an answer `unsupported`.
function(switchyard_subject_of_its_own name language no_body)
  set(sources ${SUBJECT_SOURCES} harness/subject/registry.c ${FAMILY_SOURCES} ${ARGN})
  foreach(dir ${WORKLOAD_DIRS})
    get_filename_component(w ${dir} NAME)
    list(APPEND sources ${dir}/${w}.c)
  endforeach()
  add_executable(subject-${name} ${sources})
  set_target_properties(subject-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/subjects)
  target_compile_definitions(subject-${name} PRIVATE SWITCHYARD_SUBJECT="${name}" SWITCHYARD_STYLE=${name}
                             SWITCHYARD_STYLE_NAME="${name}" SWITCHYARD_NO_BODY="${no_body}"
                             SWITCHYARD_MODEL_LANGUAGE="${language}")
  target_link_libraries(subject-${name} PRIVATE base source_cost PkgConfig::ISAL)
endfunction()

# What a subject says of the runtime's version: its name and number, and the year where it is the version that we know it of.
function(switchyard_version name runtime version known year)
  target_compile_definitions(subject-${name} PRIVATE SWITCHYARD_MODEL_VERSION="${runtime} ${version}")
  if(version VERSION_EQUAL known)
    target_compile_definitions(subject-${name} PRIVATE SWITCHYARD_MODEL_YEAR=${year})
  endif()
endfunction()

# C++ only where there is a compiler for it; the project itself is C.
include(CheckLanguage)
check_language(CXX)
if(CMAKE_CXX_COMPILER)
  enable_language(CXX)
  set(CMAKE_CXX_STANDARD 17)
  set(CMAKE_CXX_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
  set(CMAKE_CXX_FLAGS_DEBUG "${CMAKE_C_FLAGS_DEBUG}")
endif()
