//===- ConstantOperands.h - Where evaluation is written ---------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// For methods of EvaluateOpInterface: constants that an operation reads, and one in the
// making. An evaluation returns null if there is no value, or none that is wanted.
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

  std::optional<ConstantData> read(unsigned operand) const {
    return ConstantData::get(operands[operand]);
  }
  mlir::Attribute getAttribute(unsigned operand) const { return operands[operand]; }
  /// The result's type.
  mlir::RankedTensorType getType() const { return type; }
  /// Whether a result of this many computed elements is wanted.
  bool fits(bool splat) const { return splat || type.getNumElements() <= options.maxElements; }
  /// Whether only a value that is right in every bit is wanted.
  bool isExactOnly() const { return options.exactOnly; }

private:
  llvm::ArrayRef<mlir::Attribute> operands;
  mlir::RankedTensorType type;
  const EvaluationOptions &options;
};

/// Room for the elements of a result, or for one when it is a splat.
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
    // Little end first: the low bytes are the wrapped value.
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

/// Elements from one to the next in each dimension.
Shape rowMajorStrides(llvm::ArrayRef<int64_t> shape);
/// Strides that read a tensor of shape `from` as if it were broadcast to `to`.
Shape broadcastStrides(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to);
/// `result[i...] = data[offset + sum of i * strides]`.
mlir::ElementsAttr readStrided(const ConstantData &data, mlir::RankedTensorType type,
                               int64_t offset, const Shape &strides);

/// Calls `visit` for every position of `shape` in row-major order, with the
/// position that each of the stride vectors gives.
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

/// Computes one of upstream's operations.
using UpstreamEvaluator = mlir::ElementsAttr (*)(mlir::Operation *op,
                                                 const ConstantOperands &operands);
/// The function that computes `op`, an operation of tensor or linalg; null if there is none.
UpstreamEvaluator getUpstreamEvaluator(mlir::Operation *op);

} // namespace convoy::cnn

#endif // CONVOY_LIB_DIALECT_CNN_IR_CONSTANTOPERANDS_H
