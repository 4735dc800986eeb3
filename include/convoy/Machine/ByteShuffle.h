//===- ByteShuffle.h - Tables of bytes in registers -------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_MACHINE_BYTESHUFFLE_H
#define CONVOY_MACHINE_BYTESHUFFLE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy {

/// An instruction that reads bytes of a register at indices in another one: each half of the
/// register reads from its own half. A byte whose index has the highest bit set is 0; of the
/// other indices, the last four bits count.
inline constexpr llvm::StringLiteral kByteShuffle = "llvm.x86.avx2.pshuf.b";
/// The bytes of its registers.
inline constexpr int64_t kByteShuffleLanes = 32;

/// Whether a target has this instruction.
bool hasByteShuffle(cnn::TargetAttr target);

} // namespace convoy

#endif // CONVOY_MACHINE_BYTESHUFFLE_H
