# Compiler and linker settings that hold for every target.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR
    "Tholos is built with clang 19 (found ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}). "
    "Use a preset: cmake --preset release")
endif()

add_link_options(-fuse-ld=lld)
add_compile_options(-Wall -Wextra -Wthread-safety -Wno-missing-field-initializers
                    -fno-omit-frame-pointer)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -gline-tables-only")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -gline-tables-only")

set(THOLOS_SANITIZE "" CACHE STRING "Sanitizers to build with, comma separated")
if(THOLOS_SANITIZE)
  # -O1: at -O0 a sanitised simulation is ten times slower and finds nothing more.
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -gline-tables-only")
  add_compile_options(-fsanitize=${THOLOS_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${THOLOS_SANITIZE})
endif()
if(THOLOS_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
