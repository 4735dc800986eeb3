//===- EmulateCpu.h - Code for a CPU that another one runs ------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_TARGET_EMULATECPU_H
#define CONVOY_LIB_TARGET_EMULATECPU_H

#include "llvm/IR/Module.h"

namespace convoy {

/// Replaces the instructions that `listDotInstructions()` names, and kByteShuffle, by calls of
/// functions of arithmetic that every CPU has. LLVM splits vectors that are too long for the
/// CPU itself.
void expandInstructions(llvm::Module &module);

} // namespace convoy

#endif // CONVOY_LIB_TARGET_EMULATECPU_H
