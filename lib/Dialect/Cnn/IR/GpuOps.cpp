//===- GpuOps.cpp - Verifiers of CnnGpuOps.td -----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace convoy::cnn;

int64_t TensorMapOp::getOuterStride() {
  auto type = cast<MemRefType>(getBuffer().getType());
  if (type.getLayout().isIdentity())
    return llvm::product_of(getSizes().drop_back());
  return getImageStride(type);
}

/// Checks the conditions of cuTensorMapEncodeTiled for its arguments.
LogicalResult TensorMapOp::verify() {
  constexpr int64_t maxBox = 256, maxStep = 8;
  auto type = cast<MemRefType>(getBuffer().getType());
  Type element = type.getElementType();
  if (!(element.isF32() || element.isF16()))
    return emitOpError("needs a buffer of f32 or f16");
  size_t rank = getSizes().size();
  if (rank < 1 || rank > size_t(kMaxRank) || getBox().size() != rank ||
      getSteps().size() != rank)
    return emitOpError("needs sizes, a box and steps of the same 1 to ")
           << kMaxRank << " dimensions";
  if (llvm::product_of(getSizes()) != type.getNumElements())
    return emitOpError("has sizes of another number of elements than the buffer");
  if (!type.getLayout().isIdentity() &&
      !(hasContiguousImages(type) && getSizes().back() == type.getDimSize(0)))
    return emitOpError("needs contiguous data, or contiguous images counted by the last size");
  if (getOuterStride() * element.getIntOrFloatBitWidth() / 8 % 16 != 0)
    return emitOpError("needs an outermost stride of a multiple of 16 bytes");
  for (auto [box, step] : llvm::zip_equal(getBox(), getSteps()))
    if (box < 1 || step < 1 || step > maxStep || box * step > maxBox)
      return emitOpError("needs steps up to 8, and a box that spans up to 256 elements");
  int64_t rowBytes = getBox()[0] * element.getIntOrFloatBitWidth() / 8;
  if (getSteps()[0] != 1 || !llvm::is_contained({32, 64, 128}, getSwizzle()) ||
      rowBytes != int64_t(getSwizzle()) ||
      getSizes()[0] * element.getIntOrFloatBitWidth() / 8 % 16 != 0)
    return emitOpError("needs rows of 32, 64 or 128 bytes with step 1, and as wide a swizzle");
  return success();
}
