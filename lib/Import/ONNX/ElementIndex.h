//===- ElementIndex.h - Indices that are data ----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_ELEMENTINDEX_H
#define CONVOY_LIB_IMPORT_ONNX_ELEMENTINDEX_H

#include "NodeImporter.h"

namespace convoy::onnximport {

/// An integer from a tensor as an index into a dimension of `extent`: a negative one counts
/// from the end. One that is out of range is clamped, so that no other memory is read.
cnn::Scalar toElementIndex(cnn::Scalar number, int64_t extent);

/// The element of input `number` of the body at `indices`, or `otherwise` if they lie outside.
cnn::Scalar loadInside(cnn::ComputeBody &body, unsigned number,
                       llvm::ArrayRef<cnn::Scalar> indices, cnn::Scalar otherwise);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_ELEMENTINDEX_H
