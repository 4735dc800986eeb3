//===- Scan.cpp - Sums, products and determinants, step by step -----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "SizeRules.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::ComputeBuffer;
using cnn::Scalar;
using cnn::Scalars;

/// The type in which results are accumulated that depend on many elements of this type: f64
/// for floats.
static Type getAccumulatorType(Type element) {
  return isa<FloatType>(element) ? Float64Type::get(element.getContext()) : element;
}

/// A Scalar of the type that a buffer of `element` takes.
static Scalar toStored(Scalar value, Type element) {
  if (element.isF16() || element.isBF16())
    element = Float32Type::get(element.getContext());
  return isa<FloatType>(element) ? value.to(element) : value;
}

//===----------------------------------------------------------------------===//
// Running sums and products
//===----------------------------------------------------------------------===//

template <bool isProduct> static LogicalResult importCumulative(NodeImporter &node) {
  FailureOr<Value> input = node.getInput(0);
  SmallVector<DimSize> extents = node.getExtents(0);
  ArrayRef<int64_t> shape = NodeImporter::getShape(*input);
  std::optional<SmallVector<int64_t>> stated = node.getConstantInts(1);
  if (!stated)
    return failure();
  if (stated->size() != 1)
    return node.error(node.describeInput(1) + " has " + Twine(stated->size()) +
                      " elements, expected 1");
  FailureOr<int64_t> axis = node.normalizeAxis(stated->front(), shape.size());
  bool exclusive = node.getInt("exclusive", 0) != 0, reverse = node.getInt("reverse", 0) != 0;
  if (failed(axis))
    return failure();
  Type element = NodeImporter::getElementType(*input), wide = getAccumulatorType(element);
  // From the end, those that do not count come first.
  if (reverse &&
      failed(input = fillBeyond(node, *input, extents, node.scalar(element, isProduct))))
    return failure();
  SmallVector<int64_t> points(shape);
  int64_t count = points[*axis];
  points[*axis] = 1;
  FailureOr<Value> result = node.compute(
      isProduct ? "cum_prod" : "cum_sum", points, *input, shape, element,
      [&](ComputeBody &body) {
        Scalars at = body.point();
        body.loop(body.index(0), body.index(count), body.number(wide, isProduct ? 1 : 0),
                  [&](Scalar i, ArrayRef<Scalar> before) {
                    at[*axis] = reverse ? count - 1 - i : i;
                    Scalar x = body.input(0).load(at);
                    if (x.isFloat())
                      x = x.to(wide);
                    Scalar after = isProduct ? before[0] * x : before[0] + x;
                    body.output().store(toStored(exclusive ? before[0] : after, element), at);
                    return Scalars{after};
                  });
      });
  return node.setResult(result, extents);
}

//===----------------------------------------------------------------------===//
// Determinants
//===----------------------------------------------------------------------===//

/// Brings the matrix at `[b]` of `matrices` into triangular form, by elimination with the
/// largest pivots, and returns its determinant.
static Scalar eliminate(ComputeBody &body, ComputeBuffer matrices, Scalar b, int64_t size) {
  auto load = [&](Scalar row, Scalar column) { return matrices.load({b, row, column}); };
  auto store = [&](Scalar value, Scalar row, Scalar column) {
    matrices.store(value, {b, row, column});
  };
  Type f64 = body.b().getF64Type();
  Scalar zero = body.number(f64, 0), last = body.index(size);
  auto visit = [&](Scalar step, ArrayRef<Scalar> product) {
    auto isLarger = [&](Scalar row, ArrayRef<Scalar> best) {
      Scalar magnitude = load(row, step).apply(cnn::UnaryKind::abs);
      Scalar wins = magnitude > best[1];
      return Scalars{wins.select(row, best[0]), wins.select(magnitude, best[1])};
    };
    Scalar row = body.loop(step, last, {step, zero}, isLarger).front();
    Scalar pivot = load(row, step);
    body.loop(step, last, {}, [&](Scalar column, ArrayRef<Scalar>) {
      Scalar upper = load(step, column), lower = load(row, column);
      store(lower, step, column);
      store(upper, row, column);
      return Scalars();
    });
    // If all candidates are 0, so is the determinant, and the rest of the matrix does not
    // matter.
    Scalar divisor = (pivot == zero).select(body.number(f64, 1), pivot);
    body.loop(step + 1, last, {}, [&](Scalar below, ArrayRef<Scalar>) {
      Scalar factor = load(below, step) / divisor;
      body.loop(step + 1, last, {}, [&](Scalar column, ArrayRef<Scalar>) {
        store(load(below, column) - factor * load(step, column), below, column);
        return Scalars();
      });
      return Scalars();
    });
    return Scalars{product[0] * (row == step).select(pivot, -pivot)};
  };
  return body.loop(body.index(0), last, body.number(f64, 1), visit).front();
}

static LogicalResult importDet(NodeImporter &node) {
  FailureOr<Value> input = node.getInput(0);
  ArrayRef<int64_t> shape = NodeImporter::getShape(*input);
  if (shape.size() < 2 || shape.back() != shape[shape.size() - 2])
    return node.error(node.describeInput(0) + " holds no square matrices");
  int64_t size = shape.back(), batch = llvm::product_of(shape.drop_back(2));
  Type element = NodeImporter::getElementType(*input), f64 = node.getBuilder().getF64Type();
  SmallVector<int64_t> resultShape(shape.drop_back(2));
  if (failed(input = node.reshape(*input, {batch, size, size})))
    return failure();
  // The matrices in triangular form. The determinant is put in place of the first element.
  FailureOr<Value> reduced = node.compute(
      "eliminate", batch, *input,
      {batch, std::max<int64_t>(size, 1), std::max<int64_t>(size, 1)}, f64,
      [&](ComputeBody &body) {
        Scalar b = body.at(0), zero = body.index(0);
        body.loops({size, size}, [&](ArrayRef<Scalar> at) {
          body.output().store(body.input(0).load({b, at[0], at[1]}).to(f64),
                              {b, at[0], at[1]});
        });
        body.output().store(eliminate(body, body.output(), b, size), {b, zero, zero});
      });
  if (failed(reduced))
    return failure();
  FailureOr<Value> result = node.computeElements(
      "determinant", *reduced, batch, element, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar zero = body.index(0);
        return toStored(body.input(0).load({at[0], zero, zero}), element);
      });
  return failed(result) ? failure() : node.setResult(node.reshape(*result, resultShape));
}

ArrayRef<OpEntry> convoy::onnximport::getScanOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"CumProd", importCumulative<true>, 2, 2, InputTypes(kNumber, kInteger), 26,
              kNoEnd, "the axis must be constant"}
          .with(ruleOfItself),
      OpEntry{"CumSum", importCumulative<false>, 2, 2, InputTypes(kNumber, kInteger), 11,
              kNoEnd, "the axis must be constant"}
          .with(ruleOfItself),
      {"Det", importDet, 1, 1, kFloat, 11},
  };
  return ops;
}
