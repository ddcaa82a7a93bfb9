# One cmocka program per tests/FOLDER/test_NAME.c, linked with the static library, so that tests
# reach what is hidden. tools/run-tests reads which there are from tests/programs.txt, a line
# each: FOLDER/NAME PROGRAM, and arguments after tabs.

find_library(CMOCKA cmocka)
file(GLOB TEST_SOURCES CONFIGURE_DEPENDS tests/*/test_*.c)
file(GLOB SUPPORT_SOURCES CONFIGURE_DEPENDS tests/support/*.c)
if(NOT HYL_WITH_ARROW)
    list(FILTER TEST_SOURCES EXCLUDE REGEX "test_(ipc_[a-z_]+|flatbuf|insert_arrow|arrow_[a-z_]+)\\.c$")
    list(FILTER SUPPORT_SOURCES EXCLUDE REGEX "support/arrow_[a-z_]+\\.c$")
endif()

if(CMOCKA)
    add_library(test_options INTERFACE)
    target_include_directories(test_options INTERFACE include src tests)
    target_compile_definitions(test_options INTERFACE
        HYL_WITH_OPENSSL=$<BOOL:${HYL_WITH_OPENSSL}> HYL_WITH_ARROW=$<BOOL:${HYL_WITH_ARROW}>
        HYL_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    if(HYL_WITH_ARROW)
        target_include_directories(test_options SYSTEM INTERFACE ${HYL_NANOARROW_DIR}/include)
    endif()
    target_link_libraries(test_options INTERFACE ${CMOCKA} m Threads::Threads)

    if(SUPPORT_SOURCES)
        add_library(test_support OBJECT ${SUPPORT_SOURCES})
        target_link_libraries(test_support PRIVATE test_options)
        set(SUPPORT_OBJECTS $<TARGET_OBJECTS:test_support>)
    endif()

    set(programs "")
    foreach(source ${TEST_SOURCES})
        cmake_path(GET source STEM name)
        cmake_path(GET source PARENT_PATH folder)
        cmake_path(GET folder FILENAME folder)
        set(target ${folder}_${name})
        add_executable(${target} ${source} ${SUPPORT_OBJECTS})
        target_link_libraries(${target} PRIVATE test_options hyperline_static)
        if(folder STREQUAL cli)
            target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
            target_link_libraries(${target} PRIVATE cli_parts)
        endif()
        set_target_properties(${target} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
        string(APPEND programs "${folder}/${name} $<TARGET_FILE:${target}>\n")
    endforeach()
    # The corpora of the fuzz targets, run as tests.
    foreach(name ${FUZZ_NAMES})
        add_fuzz_target(fuzz_replay_${name} ${name} fuzz/replay.c)
        set_target_properties(fuzz_replay_${name} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
        string(APPEND programs "fuzz/${name} $<TARGET_FILE:fuzz_replay_${name}>\t"
            "${PROJECT_SOURCE_DIR}/fuzz/corpus/${name}\n")
    endforeach()
    file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/tests/programs.txt CONTENT "${programs}")
else()
    message(STATUS "cmocka not found: the unit tests are not built")
endif()
