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

/// What connects devices.
struct Link {
  /// Bytes per second into one device.
  double bandwidth;
  /// Seconds before the first byte of an exchange arrives.
  double latency;
};

/// The default for all rows, until someone has measured: a fast network, or memory that
/// threads share.
inline constexpr Link kUsualLink = {10e9, 2e-6};

/// The link in the row of the target's GPU, if a GPU runs the kernels, or else of its CPU.
const Link &getLink(cnn::TargetAttr target);

/// The same, but with this bandwidth and this latency if they are not negative.
Link getLink(cnn::TargetAttr target, double bandwidth, double latency);

} // namespace convoy

#endif // CONVOY_MACHINE_LINK_H
