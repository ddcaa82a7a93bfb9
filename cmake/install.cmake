# What `cmake --install` lays out: program, libraries, headers, hyperline.pc, CMake package.

include(CMakePackageConfigHelpers)

set_target_properties(hyperline_shared PROPERTIES EXPORT_NAME hyperline)
set_target_properties(hyperline_static PROPERTIES EXPORT_NAME static)
set(HYL_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/hyperline)

install(FILES ${HYL_PUBLIC_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/hyperline)
install(TARGETS hyperline_shared EXPORT hyperline-shared)
install(TARGETS hyperline_static EXPORT hyperline-static)
install(EXPORT hyperline-shared NAMESPACE hyperline:: DESTINATION ${HYL_CMAKE_DIR})
install(EXPORT hyperline-static NAMESPACE hyperline:: DESTINATION ${HYL_CMAKE_DIR})
if(TARGET hyperline)
    install(TARGETS hyperline)
endif()
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_package_config_file(cmake/hyperlineConfig.cmake.in hyperlineConfig.cmake
                              INSTALL_DESTINATION ${HYL_CMAKE_DIR})
write_basic_package_version_file(hyperlineConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/hyperlineConfig.cmake
              ${PROJECT_BINARY_DIR}/hyperlineConfigVersion.cmake DESTINATION ${HYL_CMAKE_DIR})

# Relative to the file itself, so that an installed tree can be moved.
if(NOT IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
    file(RELATIVE_PATH HYL_PC_UP /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
    set(HYL_PC_PREFIX "\${pcfiledir}/${HYL_PC_UP}")
else()
    set(HYL_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
endif()
cmake_path(APPEND HYL_PC_LIBDIR "\${prefix}" ${CMAKE_INSTALL_LIBDIR})
cmake_path(APPEND HYL_PC_INCLUDEDIR "\${prefix}" ${CMAKE_INSTALL_INCLUDEDIR})
set(HYL_PC_REQUIRES libutf8proc)
if(HYL_WITH_OPENSSL)
    list(APPEND HYL_PC_REQUIRES libssl libcrypto)
endif()
list(APPEND HYL_PC_REQUIRES ${HYL_COMPRESSION_MODULES})
list(JOIN HYL_PC_REQUIRES " " HYL_PC_REQUIRES)
configure_file(cmake/hyperline.pc.in hyperline.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/hyperline.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
