//===- ComputedFilter.h - Convolutions by filters that are data -*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_COMPUTEDFILTER_H
#define CONVOY_LIB_IMPORT_ONNX_COMPUTEDFILTER_H

#include "Window.h"

namespace convoy::onnximport {

/// Whether the node's filter is computed at run time, and the node convolves something. The
/// operations of the dialect need a constant filter, because they pack it.
bool hasComputedFilter(NodeImporter &node);

/// Conv of a node with a computed filter; the bias may be computed, too.
mlir::FailureOr<mlir::Value> computeConv(NodeImporter &node, const Window &window,
                                         int64_t group);
mlir::FailureOr<mlir::Value> computeConvTranspose(NodeImporter &node, const Window &window,
                                                  int64_t group,
                                                  llvm::ArrayRef<int64_t> outputPadding);

/// Adds one number for each channel.
mlir::FailureOr<mlir::Value> addBias(NodeImporter &node, mlir::FailureOr<mlir::Value> value,
                                     mlir::Value bias);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_COMPUTEDFILTER_H
