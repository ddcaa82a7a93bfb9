# Fails the build where a file includes what its layer may not know.

if(Python3_Interpreter_FOUND)
    file(GLOB_RECURSE LAYERED_FILES CONFIGURE_DEPENDS
         include/*.h src/*.h src/*.c cli/*.h cli/*.c adbc/*.h adbc/*.c examples/*.c)
    set(LAYERCHECK_STAMP ${PROJECT_BINARY_DIR}/layercheck.stamp)
    add_custom_command(
        OUTPUT ${LAYERCHECK_STAMP}
        COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/layercheck
        COMMAND ${CMAKE_COMMAND} -E touch ${LAYERCHECK_STAMP}
        DEPENDS ${LAYERED_FILES} ${PROJECT_SOURCE_DIR}/tools/layercheck
        COMMENT "Checking the layers" VERBATIM)
    add_custom_target(layercheck ALL DEPENDS ${LAYERCHECK_STAMP})
endif()
