//===- TargetDescription.h - From a CPU name to #cnn.target -----*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_TARGETDESCRIPTION_H
#define CONVOY_ANALYSIS_TARGETDESCRIPTION_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "llvm/Support/Error.h"

#include <optional>

namespace convoy {

/// What the command line says of a GPU that is to run the kernels.
struct GpuOptions {
  cnn::GpuPlatform platform = cnn::GpuPlatform::cuda;
  cnn::GpuPrecision precision = cnn::GpuPrecision::f32;
  /// Compute capabilities such as 80; the usual ones if empty.
  std::vector<int64_t> archs;
  /// Whether code is for the one capability in `archs` alone: sm_90a.
  bool archSpecific = false;
};

/// Compute capabilities that code can be generated for, in rising order.
llvm::ArrayRef<int64_t> listGpuArchs();

/// The target of `triple` and `cpu`; an empty triple is the host's, an empty
/// CPU or "native" the host's processor. Unknown names are an error that lists
/// what to write instead. Initialises LLVM's targets on first use.
llvm::Expected<cnn::TargetAttr> describeTarget(mlir::MLIRContext *context,
                                               llvm::StringRef triple, llvm::StringRef cpu,
                                               const std::optional<GpuOptions> &gpu = {});

} // namespace convoy

#endif // CONVOY_ANALYSIS_TARGETDESCRIPTION_H
