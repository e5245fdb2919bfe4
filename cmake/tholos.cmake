# tholos_module(NAME SOURCES ... DEPS ... LIBS ... [TESTS ...])
#   A static library tholos_NAME of the folder NAME. DEPS are the modules it may include, as declared
#   here and nowhere else; a link test and tests/tidy hold the folder to them.
#   LIBS are third-party libraries. TESTS are foo_test.cc files beside their sources; they form one
#   program NAME_test.
function(tholos_module NAME)
  cmake_parse_arguments(M "" "" "SOURCES;DEPS;LIBS;TESTS;TEST_DEPS" ${ARGN})
  add_library(tholos_${NAME} STATIC ${M_SOURCES})
  target_include_directories(tholos_${NAME} PUBLIC ${CMAKE_SOURCE_DIR})
  list(TRANSFORM M_DEPS PREPEND tholos_ OUTPUT_VARIABLE deps)
  target_link_libraries(tholos_${NAME} PUBLIC ${deps} ${M_LIBS})
  # The link test: the whole module with nothing but what it declares.
  if(THOLOS_TESTS)
    add_executable(${NAME}_link_test ${CMAKE_SOURCE_DIR}/cmake/link_test.cc)
    target_link_libraries(${NAME}_link_test PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,tholos_${NAME}>")
    set_target_properties(${NAME}_link_test PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/link_tests)
  endif()
  if(THOLOS_TESTS AND M_TESTS)
    list(TRANSFORM M_TEST_DEPS PREPEND tholos_ OUTPUT_VARIABLE test_deps)
    tholos_test(${NAME}_test SOURCES ${M_TESTS} LIBS tholos_${NAME} ${test_deps})
  endif()
endfunction()

# tholos_test(NAME SOURCES ... LIBS ...): a GoogleTest program, found by ctest and tests/run.
function(tholos_test NAME)
  cmake_parse_arguments(T "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${NAME} ${T_SOURCES})
  target_link_libraries(${NAME} PRIVATE ${T_LIBS} GTest::gmock_main)
  set_property(GLOBAL APPEND PROPERTY THOLOS_TEST_PROGRAMS ${NAME})
  set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/tests)
endfunction()

# tholos_fuzzer(NAME SOURCES ... LIBS ...): a libFuzzer program where THOLOS_FUZZERS is on; elsewhere, with the tests, one
# that mutates at random (tests/fuzz/driver.cc).
function(tholos_fuzzer NAME)
  cmake_parse_arguments(F "" "" "SOURCES;LIBS" ${ARGN})
  if(THOLOS_FUZZERS)
    add_executable(${NAME} ${F_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/seeds.cc)
    target_link_libraries(${NAME} PRIVATE ${F_LIBS})
    target_link_options(${NAME} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/fuzz)
  elseif(THOLOS_TESTS)
    add_executable(${NAME} ${F_SOURCES})
    target_link_libraries(${NAME} PRIVATE ${F_LIBS} tholos_fuzz_driver)
    set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/fuzz)
  endif()
endfunction()
