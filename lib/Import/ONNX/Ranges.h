//===- Ranges.h - The least and the largest value of elements ---*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Sizes can come from coordinates, such as those of a box that was clipped to a picture and is
// picked by its number. So ranges are known for one element, or for all elements along some of
// the dimensions, of floats and of integers.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_RANGES_H
#define CONVOY_LIB_IMPORT_ONNX_RANGES_H

#include "NodeImporter.h"
#include <functional>
#include <limits>
#include <map>

namespace convoy::onnximport {

/// An index for each dimension; `kAnyIndex` stands for all of them.
using Place = llvm::SmallVector<int64_t, 4>;
inline constexpr int64_t kAnyIndex = -1;

/// The place of an element, by its number in the order of memory.
Place makePlace(llvm::ArrayRef<int64_t> shape, int64_t element);

/// Numbers lie between `low` and `high`, which may be infinite.
struct NumberRange {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();

  void join(NumberRange other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
  }
};

/// Follows elements back to numbers whose range is known. Where an element is not a number
/// (NaN), its range says nothing of it.
class NumberRangeFinder {
public:
  /// `findInteger` knows ranges of single integers.
  using Known = std::function<std::optional<NumberRange>(mlir::Value tensor, int64_t element)>;
  explicit NumberRangeFinder(Known findInteger) : findInteger(std::move(findInteger)) {}

  /// The range of the elements at a place, from the operation that makes the tensor.
  NumberRange find(mlir::Value tensor, Place place);

private:
  NumberRange findNew(mlir::Value tensor, Place place);
  NumberRange findOperand(mlir::Value tensor, Place place);
  NumberRange findConstant(const cnn::ConstantData &data, const Place &place);
  NumberRange findCast(cnn::CastOp op, const Place &place);
  NumberRange findUnary(cnn::UnaryOp op, const Place &place);
  NumberRange findBinary(cnn::BinaryOp op, const Place &place);
  NumberRange findConcat(cnn::ConcatOp op, Place place);
  NumberRange findGather(cnn::GatherOp op, const Place &place);
  NumberRange findBroadcast(mlir::Value operand, const Place &place);

  static constexpr size_t kMaxPlaces = 1 << 12;
  Known findInteger;
  std::map<std::pair<const void *, Place>, NumberRange> found;
};

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_RANGES_H
