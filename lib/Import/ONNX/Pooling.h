//===- Pooling.h - Pools and their windows ----------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_POOLING_H
#define CONVOY_LIB_IMPORT_ONNX_POOLING_H

#include "Window.h"

namespace convoy::onnximport {

/// A pool over input 0 of a node.
struct Pool {
  cnn::WindowAttr window;
  bool ceilMode;                    ///< The extents of the result are rounded up.
  llvm::SmallVector<int64_t> shape; ///< of the result
};
mlir::FailureOr<Pool> readPool(NodeImporter &node);

/// The result of MaxPool.
mlir::FailureOr<mlir::Value> createMaxPool(NodeImporter &node, const Pool &pool);

/// In the body of a cnn.compute: the window over input 0 of one element of the result, at
/// `at`.
class WindowBody {
public:
  WindowBody(cnn::ComputeBody &body, cnn::WindowAttr window, llvm::ArrayRef<cnn::Scalar> at);

  using Visit = llvm::function_ref<cnn::Scalars(llvm::ArrayRef<cnn::Scalar> from,
                                                llvm::ArrayRef<cnn::Scalar> carried)>;
  /// Visits the elements of the input in the window, in order, with their indices.
  cnn::Scalars forEach(llvm::ArrayRef<cnn::Scalar> inits, Visit visit);
  /// The sum of `value` over the window; the rows have sums of their own.
  cnn::Scalar sum(cnn::Scalar zero, llvm::function_ref<cnn::Scalar(cnn::Scalar)> value);
  /// The number of positions inside of the input, or with `includePad` of the padded input.
  cnn::Scalar count(bool includePad);

private:
  /// The coordinate of the window's first position; negative in the padding.
  cnn::Scalar getStart(size_t dim);
  /// The positions of the window, from the first up to the second, that are at least 0 and
  /// below `extent`.
  std::pair<cnn::Scalar, cnn::Scalar> getRange(size_t dim, cnn::Scalar start, int64_t extent);

  cnn::ComputeBody &body;
  cnn::WindowAttr window;
  llvm::ArrayRef<cnn::Scalar> at;
  llvm::ArrayRef<int64_t> extents;
};

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_POOLING_H
