# Stands in for Zephyr's CMake package: the functions that a module and an application use, as its manual has
# them, on this machine. Modules: zephyr/module.yml names the folder of each one's CMakeLists.txt; options: prj.conf.
file(STRINGS ${CMAKE_CURRENT_SOURCE_DIR}/prj.conf options REGEX "^CONFIG_")
foreach(option ${options})
    string(REPLACE "=" ";" option ${option})
    set(${option})
endforeach()

enable_language(C)
add_library(zephyr_interface INTERFACE)

function(zephyr_include_directories)
    target_include_directories(zephyr_interface INTERFACE ${ARGV})
endfunction()

macro(zephyr_library_named name)
    set(ZEPHYR_CURRENT_LIBRARY ${name})
    add_library(${name} STATIC)
    target_link_libraries(${name} PUBLIC zephyr_interface)
    set_property(GLOBAL APPEND PROPERTY ZEPHYR_LIBS ${name})
endmacro()

function(zephyr_library_sources)
    target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGV})
endfunction()

include(CheckCCompilerFlag)
function(zephyr_library_cc_option option)
    string(MAKE_C_IDENTIFIER has${option} has)
    check_c_compiler_flag(${option} ${has})
    if(${has})
        target_compile_options(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${option})
    endif()
endfunction()

foreach(module ${ZEPHYR_EXTRA_MODULES})
    file(STRINGS ${module}/zephyr/module.yml folder REGEX "^ +cmake: ")
    string(REGEX REPLACE "^ +cmake: *" "" folder ${folder})
    add_subdirectory(${module}/${folder} ${CMAKE_CURRENT_BINARY_DIR}/modules/${folder})
endforeach()
get_property(libraries GLOBAL PROPERTY ZEPHYR_LIBS)

add_executable(app)
target_link_libraries(app PRIVATE zephyr_interface ${libraries})
