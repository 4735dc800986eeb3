//===- ArtefactBitcode.cpp - The runtime inside artefacts -----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Runtime/ArtefactBitcode.h"

#include <cstddef>

#define CONVOY_ARCHITECTURE(ARCH)                                                             \
  extern const unsigned char convoy_runtime_bitcode_##ARCH[];                                 \
  extern const size_t convoy_runtime_bitcode_##ARCH##_size;                                   \
  extern const unsigned char convoy_main_bitcode_##ARCH[];                                    \
  extern const size_t convoy_main_bitcode_##ARCH##_size;
#include "ArtefactBitcode.inc"
#undef CONVOY_ARCHITECTURE

static llvm::StringRef makeRef(const unsigned char *bytes, size_t size) {
  return {reinterpret_cast<const char *>(bytes), size};
}

llvm::StringRef convoy::artefactRuntimeBitcode(llvm::StringRef arch) {
#define CONVOY_ARCHITECTURE(ARCH)                                                             \
  if (arch == #ARCH)                                                                          \
    return makeRef(convoy_runtime_bitcode_##ARCH, convoy_runtime_bitcode_##ARCH##_size);
#include "ArtefactBitcode.inc"
#undef CONVOY_ARCHITECTURE
  return {};
}

llvm::StringRef convoy::executableMainBitcode(llvm::StringRef arch) {
#define CONVOY_ARCHITECTURE(ARCH)                                                             \
  if (arch == #ARCH)                                                                          \
    return makeRef(convoy_main_bitcode_##ARCH, convoy_main_bitcode_##ARCH##_size);
#include "ArtefactBitcode.inc"
#undef CONVOY_ARCHITECTURE
  return {};
}
