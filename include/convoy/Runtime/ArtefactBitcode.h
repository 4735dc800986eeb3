//===- ArtefactBitcode.h - The runtime inside artefacts ---------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_RUNTIME_ARTEFACTBITCODE_H
#define CONVOY_RUNTIME_ARTEFACTBITCODE_H

#include "llvm/ADT/StringRef.h"

namespace convoy {

/// LLVM bitcode of the C runtime that is linked into each artefact, for `arch`
/// ("x86_64" or "aarch64"). Empty if Convoy was built without that
/// architecture's C headers.
llvm::StringRef artefactRuntimeBitcode(llvm::StringRef arch);

/// LLVM bitcode of the `main` function of executables, which is linked in addition to the
/// runtime.
llvm::StringRef executableMainBitcode(llvm::StringRef arch);

} // namespace convoy

#endif // CONVOY_RUNTIME_ARTEFACTBITCODE_H
