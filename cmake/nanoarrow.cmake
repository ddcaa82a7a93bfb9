# nanoarrow with its IPC extension and flatcc, from .deps/nanoarrow (tools/setup brings it): compiled
# privately and linked to one object. Its own symbols carry a name of ours; flatcc's carry none, so
# they are made local, or two copies in one program would meet.

set(HYL_NANOARROW_DIR ${PROJECT_SOURCE_DIR}/.deps/nanoarrow CACHE PATH
    "Folder of nanoarrow's bundled sources (nanoarrow.c, nanoarrow_ipc.c, flatcc.c, include/)")

if(NOT EXISTS ${HYL_NANOARROW_DIR}/nanoarrow_ipc.c)
    message(FATAL_ERROR "nanoarrow is not in ${HYL_NANOARROW_DIR}: run tools/setup build, or build "
                        "without Arrow (-DHYL_WITH_ARROW=OFF)")
endif()

add_library(nanoarrow_objects OBJECT
    ${HYL_NANOARROW_DIR}/nanoarrow.c
    ${HYL_NANOARROW_DIR}/nanoarrow_ipc.c
    ${HYL_NANOARROW_DIR}/flatcc.c)
set_target_properties(nanoarrow_objects PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_include_directories(nanoarrow_objects PRIVATE ${HYL_NANOARROW_DIR}/include)
# Not ours to mend; its reference counts are atomic, since batches are released on any thread.
target_compile_options(nanoarrow_objects PRIVATE -w -O2)
target_compile_definitions(nanoarrow_objects PRIVATE
    NANOARROW_IPC_USE_STDATOMIC=1 "NANOARROW_DLL=__attribute__((visibility(\"hidden\")))")

# What Arrow IPC may be compressed with.
set(HYL_COMPRESSION_LIBRARIES)
set(HYL_COMPRESSION_MODULES)
foreach(codec lz4 zstd)
    string(TOUPPER ${codec} name)
    if(HYL_WITH_${name})
        pkg_check_modules(${name} lib${codec})
        if(NOT ${name}_FOUND)
            message(FATAL_ERROR "lib${codec} is not there: run tools/setup build, or build without "
                                "it (-DHYL_WITH_${name}=OFF)")
        endif()
        target_compile_definitions(nanoarrow_objects PRIVATE NANOARROW_IPC_WITH_${name}=1)
        target_include_directories(nanoarrow_objects PRIVATE ${${name}_INCLUDE_DIRS})
        link_directories(${${name}_LIBRARY_DIRS})
        list(APPEND HYL_COMPRESSION_LIBRARIES ${${name}_LIBRARIES})
        list(APPEND HYL_COMPRESSION_MODULES lib${codec})
    endif()
endforeach()

set(HYL_ARROW_OBJECT ${PROJECT_BINARY_DIR}/nanoarrow_bundle.o)
add_custom_command(
    OUTPUT ${HYL_ARROW_OBJECT}
    COMMAND ${CMAKE_LINKER} -r -o ${HYL_ARROW_OBJECT} $<TARGET_OBJECTS:nanoarrow_objects>
    COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=hyl__na* ${HYL_ARROW_OBJECT}
    DEPENDS nanoarrow_objects $<TARGET_OBJECTS:nanoarrow_objects>
    COMMAND_EXPAND_LISTS VERBATIM
    COMMENT "Linking nanoarrow to one object")
add_custom_target(nanoarrow_bundle DEPENDS ${HYL_ARROW_OBJECT})
set_source_files_properties(${HYL_ARROW_OBJECT} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
