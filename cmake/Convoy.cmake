# Flags and functions that all Convoy targets share.

# Headers, definitions and flags of LLVM and of this project.
add_library(ConvoyOptions INTERFACE)
target_include_directories(ConvoyOptions INTERFACE
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include)
target_include_directories(ConvoyOptions SYSTEM INTERFACE
  ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
separate_arguments(convoy_definitions NATIVE_COMMAND "${LLVM_DEFINITIONS}")
target_compile_definitions(ConvoyOptions INTERFACE ${convoy_definitions})
target_compile_options(ConvoyOptions INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -Wall -Wextra -Wno-unused-parameter>)
if(NOT LLVM_ENABLE_RTTI)
  target_compile_options(ConvoyOptions INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>)
endif()

# One precompiled header of MLIR's own headers for all libraries.
function(convoy_precompile target)
  if(NOT TARGET ConvoyPrecompiled)
    file(WRITE ${PROJECT_BINARY_DIR}/ConvoyPrecompiled.cpp "// Holds the precompiled header.\n")
    add_library(ConvoyPrecompiled OBJECT ${PROJECT_BINARY_DIR}/ConvoyPrecompiled.cpp)
    target_link_libraries(ConvoyPrecompiled PRIVATE ConvoyOptions)
    target_precompile_headers(ConvoyPrecompiled PRIVATE
      ${PROJECT_SOURCE_DIR}/cmake/Precompiled.h)
  endif()
  target_precompile_headers(${target} REUSE_FROM ConvoyPrecompiled)
endfunction()

# convoy_library(NAME source... [LINK library...] [DEPENDS target...] [NO_MLIR])
function(convoy_library name)
  cmake_parse_arguments(ARG "NO_MLIR" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ConvoyOptions ${ARG_LINK})
  if(ARG_NO_MLIR)
    target_link_libraries(${name} PUBLIC LLVM)
  else()
    target_link_libraries(${name} PUBLIC MLIR LLVM)
    add_dependencies(${name} convoy-headers)
    convoy_precompile(${name})
  endif()
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# convoy_tool(NAME source... LINK library...)
function(convoy_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ConvoyOptions ${ARG_LINK} MLIR LLVM)
  add_dependencies(${name} convoy-headers)
endfunction()
