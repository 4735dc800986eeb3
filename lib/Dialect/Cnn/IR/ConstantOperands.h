//===- ConstantOperands.h - Helpers to evaluate constants -------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// For methods of EvaluateOpInterface: the constants that an operation reads, and the constant
// that it computes. An evaluation returns null if it cannot compute a value, or if its options
// do not want the value.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DIALECT_CNN_IR_CONSTANTOPERANDS_H
#define CONVOY_LIB_DIALECT_CNN_IR_CONSTANTOPERANDS_H

#include "ShapeRule.h"
#include "convoy/Dialect/Cnn/IR/ConstantEvaluator.h"

#include <array>

namespace convoy::cnn {

/// The operands of an operation with one result, as far as they are known.
class ConstantOperands {
public:
  ConstantOperands(llvm::ArrayRef<mlir::Attribute> operands, mlir::RankedTensorType type,
                   const EvaluationOptions &options)
      : operands(operands), type(type), options(options) {}

  /// The value of an operand, if it is a constant.
  std::optional<ConstantData> read(unsigned operand) const {
    return ConstantData::get(operands[operand]);
  }
  mlir::Attribute getAttribute(unsigned operand) const { return operands[operand]; }
  /// The result's type.
  mlir::RankedTensorType getType() const { return type; }
  /// Whether a result of this size is wanted. A splat always is.
  bool fits(bool splat) const { return splat || type.getNumElements() <= options.maxElements; }
  /// Whether a value is wanted only if it is right in every bit.
  bool isExactOnly() const { return options.exactOnly; }

private:
  llvm::ArrayRef<mlir::Attribute> operands;
  mlir::RankedTensorType type;
  const EvaluationOptions &options;
};

/// The elements of a result while they are computed: all of them, or one for a splat.
class ConstantResult {
public:
  ConstantResult(mlir::RankedTensorType type, bool splat)
      : type(type), element(type.getElementType()),
        elementBytes(*getElementBytes(type.getElementType())),
        count(splat ? 1 : type.getNumElements()), bytes(count * elementBytes) {}

  int64_t size() const { return count; }
  char *at(int64_t index) { return bytes.data() + index * elementBytes; }

  void setInt(int64_t index, int64_t value) {
    if (element.isInteger(1))
      value = value != 0;
    else if (!element.isIndex() && element.getIntOrFloatBitWidth() < 8)
      value &= (1 << element.getIntOrFloatBitWidth()) - 1;
    // The host is little-endian, so the first bytes are the value wrapped to the element's
    // width.
    std::memcpy(at(index), &value, elementBytes);
  }
  void setDouble(int64_t index, double value) {
    if (element.isF64())
      return (void)std::memcpy(at(index), &value, 8);
    if (element.isF32()) {
      float rounded = float(value);
      return (void)std::memcpy(at(index), &rounded, 4);
    }
    llvm::APFloat number(value);
    bool lossy;
    number.convert(mlir::cast<mlir::FloatType>(element).getFloatSemantics(),
                   llvm::APFloat::rmNearestTiesToEven, &lossy);
    uint64_t bits = number.bitcastToAPInt().getZExtValue();
    std::memcpy(at(index), &bits, elementBytes);
  }
  mlir::ElementsAttr take() { return makeConstantFromBytes(type, bytes); }

private:
  mlir::RankedTensorType type;
  mlir::Type element;
  int64_t elementBytes;
  int64_t count;
  std::vector<char> bytes;
};

/// The strides of a contiguous tensor, in elements.
Shape rowMajorStrides(llvm::ArrayRef<int64_t> shape);
/// Strides that read a tensor of shape `from` as if it were broadcast to `to`.
Shape broadcastStrides(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to);
/// `result[i...] = data[offset + sum of i * strides]`.
mlir::ElementsAttr readStrided(const ConstantData &data, mlir::RankedTensorType type,
                               int64_t offset, const Shape &strides);

/// Calls `visit` for every index of `shape` in row-major order, with N positions: `position`
/// plus the sum of the index times each of the N vectors of strides.
template <size_t N, typename Visitor>
void forEachPosition(llvm::ArrayRef<int64_t> shape, const std::array<Shape, N> &strides,
                     std::array<int64_t, N> position, Visitor visit) {
  int64_t rank = shape.size();
  if (llvm::is_contained(shape, 0))
    return;
  Shape index(rank, 0);
  while (true) {
    visit(position);
    int64_t d = rank - 1;
    for (; d >= 0; --d) {
      for (size_t n = 0; n < N; ++n)
        position[n] += strides[n][d];
      if (++index[d] < shape[d])
        break;
      for (size_t n = 0; n < N; ++n)
        position[n] -= strides[n][d] * shape[d];
      index[d] = 0;
    }
    if (d < 0)
      return;
  }
}

/// Computes an operation of an upstream dialect.
using UpstreamEvaluator = mlir::ElementsAttr (*)(mlir::Operation *op,
                                                 const ConstantOperands &operands);
/// The function that computes `op`, an operation of tensor or linalg; null if there is none.
UpstreamEvaluator getUpstreamEvaluator(mlir::Operation *op);

} // namespace convoy::cnn

#endif // CONVOY_LIB_DIALECT_CNN_IR_CONSTANTOPERANDS_H
