# The library: compiled once, linked twice (libhyperline.so and libhyperline.a).

file(GLOB HYL_SOURCES CONFIGURE_DEPENDS src/*/*.c)
if(NOT HYL_WITH_ARROW)
    list(FILTER HYL_SOURCES EXCLUDE REGEX "src/data/(flatbuf|ipc_(reader|schema|batch|buffer))\\.c$")
    list(FILTER HYL_SOURCES EXCLUDE REGEX "src/data/arrow_[a-z0-9_]+\\.c$")
    # What needs none of it, or says that it is not there.
    list(APPEND HYL_SOURCES src/data/arrow_ipc_in.c src/data/arrow_ipc_out.c
                            src/data/arrow_query.c src/data/arrow_result.c)
endif()
file(GLOB HYL_PUBLIC_HEADERS CONFIGURE_DEPENDS include/hyperline/*.h)

add_library(hyperline_objects OBJECT ${HYL_SOURCES})
set_target_properties(hyperline_objects PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_include_directories(hyperline_objects PRIVATE include src)
target_compile_definitions(hyperline_objects PRIVATE
    HYL_WITH_OPENSSL=$<BOOL:${HYL_WITH_OPENSSL}>
    HYL_WITH_ARROW=$<BOOL:${HYL_WITH_ARROW}>
    HYL_LIBEXEC_DIR="${CMAKE_INSTALL_FULL_LIBEXECDIR}/hyperline")

if(HYL_WITH_ARROW)
    target_include_directories(hyperline_objects SYSTEM PRIVATE ${HYL_NANOARROW_DIR}/include)
endif()

set(HYL_LIBRARIES PkgConfig::UTF8PROC Threads::Threads m)
target_include_directories(hyperline_objects SYSTEM PRIVATE ${UTF8PROC_INCLUDE_DIRS})
if(HYL_WITH_OPENSSL)
    list(APPEND HYL_LIBRARIES OpenSSL::SSL OpenSSL::Crypto)
    # Its headers only: what is linked is said at the two libraries.
    target_include_directories(hyperline_objects SYSTEM PRIVATE ${OPENSSL_INCLUDE_DIR})
endif()

if(HYL_WITH_ARROW)
    list(APPEND HYL_LIBRARIES ${HYL_COMPRESSION_LIBRARIES})
endif()

function(add_hyperline_library target kind)
    add_library(${target} ${kind} $<TARGET_OBJECTS:hyperline_objects> ${HYL_ARROW_OBJECT})
    if(HYL_WITH_ARROW)
        add_dependencies(${target} nanoarrow_bundle)
    endif()
    set_target_properties(${target} PROPERTIES OUTPUT_NAME hyperline)
    target_include_directories(${target} PUBLIC
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
    target_link_libraries(${target} PRIVATE ${HYL_LIBRARIES})
endfunction()

add_hyperline_library(hyperline_static STATIC)
add_hyperline_library(hyperline_shared SHARED)

# Exported is what the map names, and nothing else.
set(HYL_SYMBOL_MAP ${PROJECT_SOURCE_DIR}/src/symbols.map)
set_target_properties(hyperline_shared PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS ${HYL_SYMBOL_MAP})
target_link_options(hyperline_shared PRIVATE LINKER:--version-script=${HYL_SYMBOL_MAP})
