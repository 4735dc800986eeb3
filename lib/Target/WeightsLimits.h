//===- WeightsLimits.h - When weights are far from the code -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_TARGET_WEIGHTSLIMITS_H
#define CONVOY_LIB_TARGET_WEIGHTSLIMITS_H

#include <cstdint>

namespace convoy {

/// On x86-64, code can address data within 2 GiB. A weight section of more than this many
/// bytes is placed after all other sections and addressed with 64 bits.
inline constexpr int64_t kFarWeights = int64_t(1) << 30;

} // namespace convoy

#endif // CONVOY_LIB_TARGET_WEIGHTSLIMITS_H
