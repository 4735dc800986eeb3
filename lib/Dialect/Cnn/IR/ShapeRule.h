//===- ShapeRule.h - Helpers for writing shape rules ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Each operation states its shape rule once, in the file of its family. The rule is used to
// build an operation, and MLIR runs it again to verify one in any of its three forms.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DIALECT_CNN_IR_SHAPERULE_H
#define CONVOY_LIB_DIALECT_CNN_IR_SHAPERULE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy::cnn {

using Shape = llvm::SmallVector<int64_t>;

inline mlir::ShapedType shaped(mlir::Value value) {
  return mlir::cast<mlir::ShapedType>(value.getType());
}
inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) { return shaped(value).getShape(); }

/// Shape and element type of a result. A null `element` is the first operand's element type.
struct InferredType {
  Shape shape;
  mlir::Type element;
};

/// Checks for shape rules. They emit their errors at `loc`, or none if there is no location.
struct ShapeRule {
  std::optional<mlir::Location> loc;

  template <typename... Args> mlir::LogicalResult error(Args &&...args) const {
    return mlir::emitOptionalError(loc, std::forward<Args>(args)...);
  }
  /// Checks that there are `length` values.
  mlir::LogicalResult checkLength(llvm::StringRef name, llvm::ArrayRef<int64_t> values,
                                  int64_t length) const;
  /// Checks that `axis` is a dimension of a tensor of this rank.
  mlir::LogicalResult checkAxis(int64_t axis, int64_t rank) const;
  /// Appends to `output` the spatial extents of the result of a window that slides over the
  /// input.
  mlir::LogicalResult slide(llvm::ArrayRef<int64_t> input, WindowAttr window, bool ceilMode,
                            Shape &output) const;
  /// Checks that a parameter has one element for each channel: `channels` elements, or
  /// `capacity` elements for all lanes of blocked data.
  mlir::LogicalResult checkPerChannel(llvm::StringRef name, mlir::Value value,
                                      int64_t channels, int64_t capacity) const;
  /// Sets the element type of a layer's sums: i32 for an input and a filter of integers, whose
  /// bias is i32, too, and which need a layer without residual and activation (`isSumAlone`);
  /// otherwise that of the input. The bias may be null.
  mlir::LogicalResult inferSums(mlir::Value input, mlir::Value filter, mlir::Value bias,
                                bool isSumAlone, InferredType &result) const;
  /// Sets the element type of a layer's result to that of its epilogue's region, if it has one
  /// that ends with `cnn.yield`.
  void inferEpilogue(mlir::RegionRange regions, InferredType &result) const;
  /// Computes the shape that `a` and `b` broadcast to, as in NumPy.
  mlir::LogicalResult broadcast(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b,
                                Shape &result) const;
};

/// Batch, channels and spatial dimensions of a data tensor. If the data are blocked,
/// `channels` is the number of blocks; if they are plain, `block` is 0.
struct DataShape {
  int64_t batch = 0, channels = 0, block = 0;
  Shape spatial;

  /// Reads a tensor with this many spatial dimensions, which is blocked if it has one
  /// dimension more.
  mlir::LogicalResult read(const ShapeRule &rule, mlir::Value value, int64_t spatialRank);
  /// Reads a tensor whose operation says whether it is blocked.
  mlir::LogicalResult read(const ShapeRule &rule, mlir::Value value, bool blocked);

  /// The number of channels, or of all lanes of blocked data.
  int64_t capacity() const { return block ? channels * block : channels; }
  Shape shape() const {
    Shape result = {batch, channels};
    llvm::append_range(result, spatial);
    if (block)
      result.push_back(block);
    return result;
  }
};

namespace detail {
/// Runs the shape rule of an operation. An operation in memref form is checked in the same
/// way, but has no result type.
template <typename OpTy>
mlir::LogicalResult inferTypes(std::optional<mlir::Location> loc, mlir::ValueRange operands,
                               mlir::DictionaryAttr attributes,
                               mlir::OpaqueProperties properties, mlir::RegionRange regions,
                               llvm::SmallVectorImpl<mlir::Type> &types) {
  typename OpTy::Adaptor adaptor(operands, attributes, properties, regions);
  ShapeRule rule{loc};
  InferredType result;
  // A body says what the type is without operands.
  if (operands.empty() && regions.empty())
    return rule.error("has no operands");
  if (mlir::failed(OpTy::inferShape(rule, adaptor, result)))
    return mlir::failure();
  if (!operands.empty() && mlir::isa<mlir::MemRefType>(operands.front().getType()))
    return mlir::success();
  if (!result.element)
    result.element = shaped(operands.front()).getElementType();
  types.push_back(mlir::RankedTensorType::get(result.shape, result.element));
  return mlir::success();
}
} // namespace detail

} // namespace convoy::cnn

#endif // CONVOY_LIB_DIALECT_CNN_IR_SHAPERULE_H
