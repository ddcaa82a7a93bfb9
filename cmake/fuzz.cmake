# The fuzz targets, fuzz/fuzz_NAME.c: under libFuzzer where HYL_FUZZ (tools/fuzz runs them), and as
# tests over the files of fuzz/corpus/NAME (cmake/tests.cmake).

file(GLOB FUZZ_SOURCES CONFIGURE_DEPENDS fuzz/fuzz_*.c)
if(NOT HYL_WITH_ARROW)
    list(FILTER FUZZ_SOURCES EXCLUDE REGEX "fuzz_(arrow|ipc)\\.c$")
endif()
set(FUZZ_NAMES "")
foreach(source ${FUZZ_SOURCES})
    cmake_path(GET source STEM name)
    string(REPLACE "fuzz_" "" name ${name})
    list(APPEND FUZZ_NAMES ${name})
endforeach()

# add_fuzz_target(TARGET NAME [SOURCE]...): a program of fuzz_NAME.c and more sources.
function(add_fuzz_target target name)
    add_executable(${target} fuzz/fuzz_${name}.c ${ARGN})
    target_include_directories(${target} PRIVATE include src ${PROJECT_SOURCE_DIR})
    target_compile_definitions(${target} PRIVATE
        HYL_WITH_OPENSSL=$<BOOL:${HYL_WITH_OPENSSL}> HYL_WITH_ARROW=$<BOOL:${HYL_WITH_ARROW}>)
    if(HYL_WITH_ARROW)
        target_include_directories(${target} SYSTEM PRIVATE ${HYL_NANOARROW_DIR}/include)
    endif()
    # What the program loads is not the library's to link.
    target_link_libraries(${target} PRIVATE $<$<STREQUAL:${name},csv>:cli_parts> hyperline_static)
endfunction()

if(HYL_FUZZ)
    add_custom_target(fuzz_targets)
    foreach(name ${FUZZ_NAMES})
        add_fuzz_target(fuzz_${name} ${name})
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
        set_target_properties(fuzz_${name} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
        add_dependencies(fuzz_targets fuzz_${name})
    endforeach()
endif()
