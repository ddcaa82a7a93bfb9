# The programs on top of the library: `hyperline`, the benchmark and the examples.

# All of `hyperline` but its main, so that tests reach the parts.
file(GLOB CLI_SOURCES CONFIGURE_DEPENDS cli/*.c)
list(REMOVE_ITEM CLI_SOURCES ${PROJECT_SOURCE_DIR}/cli/main.c)
if(CLI_SOURCES)
    add_library(cli_parts STATIC ${CLI_SOURCES})
    target_link_libraries(cli_parts PUBLIC
        hyperline_static ZLIB::ZLIB PkgConfig::UTF8PROC Threads::Threads m)
endif()
if(EXISTS ${PROJECT_SOURCE_DIR}/cli/main.c)
    add_executable(hyperline cli/main.c)
    target_link_libraries(hyperline PRIVATE cli_parts)
endif()

file(GLOB BENCH_SOURCES CONFIGURE_DEPENDS bench/*.c)
if(BENCH_SOURCES AND HYL_WITH_ARROW)
    add_executable(hyperline_bench ${BENCH_SOURCES})
    # It measures the parts of `hyperline load` in its own process.
    target_include_directories(hyperline_bench PRIVATE ${PROJECT_SOURCE_DIR})
    # nanoarrow makes what is inserted, and encodes it for the floor.
    target_include_directories(hyperline_bench SYSTEM PRIVATE ${HYL_NANOARROW_DIR}/include)
    target_link_libraries(hyperline_bench PRIVATE cli_parts ${CMAKE_DL_LIBS})
    # The programs around the clients are all built as cargo builds a release.
    target_compile_options(hyperline_bench PRIVATE $<$<NOT:$<CONFIG:Debug>>:-O3>)
    set_target_properties(hyperline_bench PROPERTIES
        OUTPUT_NAME hyperline-bench RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
endif()

file(GLOB EXAMPLE_SOURCES CONFIGURE_DEPENDS examples/*.c)
foreach(source ${EXAMPLE_SOURCES})
    cmake_path(GET source STEM name)
    add_executable(example_${name} ${source})
    target_link_libraries(example_${name} PRIVATE hyperline_shared)
    set_target_properties(example_${name} PROPERTIES
        OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
endforeach()
