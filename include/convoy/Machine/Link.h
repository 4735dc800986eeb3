//===- Link.h - What connects devices ---------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_MACHINE_LINK_H
#define CONVOY_MACHINE_LINK_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy {

/// How data crosses from one device to another.
struct Link {
  /// Bytes a second into one device.
  double bandwidth;
  /// Seconds before the first byte of an exchange arrives.
  double latency;
};

/// A fast network, or the memory that threads share: what every row has, as long as nobody
/// has measured more.
inline constexpr Link kUsualLink = {10e9, 2e-6};

/// The link in the row of the target: of its GPU if one runs the kernels, else of its CPU.
const Link &getLink(cnn::TargetAttr target);

/// The same with another bandwidth and latency where these are not negative.
Link getLink(cnn::TargetAttr target, double bandwidth, double latency);

} // namespace convoy

#endif // CONVOY_MACHINE_LINK_H
