//===- RowScatter.h - ScatterElements of whole rows -------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_ROWSCATTER_H
#define CONVOY_LIB_IMPORT_ONNX_ROWSCATTER_H

#include "NodeImporter.h"

namespace convoy::onnximport {

/// The indices along `axis` of a ScatterElements, if they are the same in all other dimensions
/// and whole rows are scattered; otherwise null.
mlir::Value findRowIndices(NodeImporter &node, int64_t axis);

/// The data of this ScatterElements, in which the updates replace the rows that `indices` say.
mlir::FailureOr<mlir::Value> scatterRows(NodeImporter &node, int64_t axis,
                                         mlir::Value indices);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_ROWSCATTER_H
