//===- ShapeRule.cpp - Common parts of shape rules ------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ShapeRule.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy::cnn;

LogicalResult DataShape::read(const ShapeRule &rule, Value value, int64_t spatialRank) {
  ArrayRef<int64_t> shape = shaped(value).getShape();
  int64_t rank = shape.size();
  if (rank != spatialRank + 2 && rank != spatialRank + 3)
    return rule.error("input has rank ", rank, ", expected ", spatialRank + 2, " for ",
                      spatialRank, " spatial dimensions");
  batch = shape[0];
  channels = shape[1];
  spatial.assign(shape.begin() + 2, shape.begin() + 2 + spatialRank);
  block = rank == spatialRank + 3 ? shape.back() : 0;
  return success();
}

LogicalResult DataShape::read(const ShapeRule &rule, Value value, bool blocked) {
  int64_t spatialRank = shaped(value).getRank() - (blocked ? 3 : 2);
  if (spatialRank < 0)
    return rule.error("input has rank ", shaped(value).getRank(), ", expected at least ",
                      blocked ? 3 : 2);
  return read(rule, value, spatialRank);
}

LogicalResult ShapeRule::checkLength(StringRef name, ArrayRef<int64_t> values,
                                     int64_t length) const {
  if (int64_t(values.size()) != length)
    return error(name, " has ", values.size(), " entries, expected ", length);
  return success();
}

LogicalResult ShapeRule::checkAxis(int64_t axis, int64_t rank) const {
  if (axis < 0 || axis >= rank)
    return error("axis ", axis, " is outside of [0, ", rank, ")");
  return success();
}

LogicalResult ShapeRule::slide(ArrayRef<int64_t> input, WindowAttr window, bool ceilMode,
                               Shape &output) const {
  ArrayRef<int64_t> strides = window.getStrides(), padsBegin = window.getPadsBegin();
  for (int64_t i = 0; i < window.getRank(); ++i) {
    int64_t padded = input[i] + padsBegin[i] + window.getPadsEnd()[i];
    int64_t reach = window.getReach(i);
    if (padded < reach)
      return error("kernel reaches over ", reach, " elements in spatial dimension ", i,
                   ", the padded input has only ", padded);
    int64_t extent = (padded - reach) / strides[i] + 1;
    if (ceilMode) {
      extent = llvm::divideCeil(padded - reach, strides[i]) + 1;
      // A window must start inside the input or its left padding.
      if ((extent - 1) * strides[i] >= input[i] + padsBegin[i])
        --extent;
    }
    output.push_back(extent);
  }
  return success();
}

LogicalResult ShapeRule::checkPerChannel(StringRef name, Value value, int64_t channels,
                                         int64_t capacity) const {
  int64_t count = shaped(value).getNumElements();
  if (count != channels && count != capacity)
    return error(name, " has ", count, " elements, expected one for each of the ", channels,
                 " channels (dimension 1)");
  return success();
}

LogicalResult ShapeRule::inferSums(Value input, Value filter, Value bias, bool isSumAlone,
                                   InferredType &result) const {
  Type type = shaped(input).getElementType(), other = shaped(filter).getElementType();
  if (!isa<IntegerType>(type) && !isa<IntegerType>(other))
    return success();
  bool isPair = type.isSignlessInteger(16) && other.isSignlessInteger(16);
  if (!isPair &&
      !((type.isSignlessInteger(16) || type.isInteger(8)) && other.isSignlessInteger(8)))
    return error("input and filter have elements of ", type, " and ", other,
                 "; integers must be i16, or those of the filter i8 and those of the input "
                 "i16 or of 8 bits");
  if (!isSumAlone || (bias && !shaped(bias).getElementType().isSignlessInteger(32)))
    return error("a layer of integers has no residual or activation, and a bias of i32");
  result.element = IntegerType::get(type.getContext(), 32);
  return success();
}

void ShapeRule::inferEpilogue(RegionRange regions, InferredType &result) const {
  if (regions.empty() || regions.front()->empty() || regions.front()->front().empty())
    return;
  if (auto yield = dyn_cast<YieldOp>(regions.front()->front().back()))
    result.element = yield.getValue().getType();
}

LogicalResult ShapeRule::broadcast(ArrayRef<int64_t> a, ArrayRef<int64_t> b,
                                   Shape &result) const {
  int64_t rank = std::max(a.size(), b.size());
  result.assign(rank, 1);
  for (int64_t i = 0; i < rank; ++i) {
    int64_t ia = i - (rank - int64_t(a.size())), ib = i - (rank - int64_t(b.size()));
    int64_t da = ia < 0 ? 1 : a[ia], db = ib < 0 ? 1 : b[ib];
    if (da != db && da != 1 && db != 1)
      return error("dimension ", i, " does not broadcast: ", da, " against ", db);
    result[i] = da == 1 ? db : da;
  }
  return success();
}

/// Whether two types are equal, or differ only by f32 and floats of 16 bits, which
/// cnn-narrow-floats exchanges.
static bool isCompatible(Type inferred, Type actual) {
  auto expected = cast<ShapedType>(inferred), other = cast<ShapedType>(actual);
  auto isNarrowable = [](Type element) {
    return element.isF32() || element.isF16() || element.isBF16();
  };
  return expected == other ||
         (expected.getShape() == other.getShape() && isNarrowable(expected.getElementType()) &&
          isNarrowable(other.getElementType()));
}

bool convoy::cnn::detail::areCompatible(TypeRange inferred, TypeRange actual) {
  return llvm::equal(inferred, actual, isCompatible);
}
