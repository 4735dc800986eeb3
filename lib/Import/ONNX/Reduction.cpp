//===- Reduction.cpp - Reductions and softmax -----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "SizeRules.h"
#include "Term.h"
#include <limits>
#include <numeric>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;

/// First opset in which the axes are an input rather than an attribute.
static int64_t getAxesInputOpset(cnn::ReduceKind kind) {
  return kind == cnn::ReduceKind::sum ? 13 : 18;
}

namespace {

/// What a node reduces. Without axes, it applies only its element-wise part.
struct Reduction {
  std::optional<SmallVector<int64_t>> axes;
  bool keepDims;
};

} // namespace

static FailureOr<Reduction> readReduction(NodeImporter &node, bool axesAreInput) {
  int64_t rank = NodeImporter::getRank(node.getInput(0));
  std::optional<SmallVector<int64_t>> axes;
  if (axesAreInput) {
    if (node.getInput(1) && !(axes = node.getConstantInts(1)))
      return failure();
  } else {
    axes = node.getInts("axes");
    if (node.getNumInputs() > 1)
      return node.error("has its axes as an input, which opset " + Twine(node.getOpset()) +
                        " does not know");
  }
  bool keepDims = node.getInt("keepdims", 1) != 0;
  bool noop = axesAreInput && node.getInt("noop_with_empty_axes", 0) != 0;
  if (!axes || axes->empty()) {
    if (noop)
      return Reduction{std::nullopt, keepDims};
    axes.emplace(rank);
    std::iota(axes->begin(), axes->end(), 0);
  }
  FailureOr<SmallVector<int64_t>> normal = node.normalizeAxes(*axes, rank);
  if (failed(normal))
    return failure();
  return Reduction{*normal, keepDims};
}

using cnn::ReduceKind;
using cnn::UnaryKind;

static Term reduceElements(Term x, const Reduction &reduction, ReduceKind kind) {
  if (reduction.axes)
    return x.reduce(kind, *reduction.axes, reduction.keepDims);
  if (kind == ReduceKind::sum_square)
    return x * x;
  return kind == ReduceKind::l1 || kind == ReduceKind::l2 ? x.apply(UnaryKind::abs) : x;
}

/// The number that changes no result of a reduction.
static Value makeNeutral(NodeImporter &node, ReduceKind kind) {
  Type element = NodeImporter::getElementType(node.getInput(0));
  if (kind == ReduceKind::max || kind == ReduceKind::min)
    return makeLimit(node, element, kind == ReduceKind::min);
  return node.scalar(element, kind == ReduceKind::prod ? 1 : 0);
}

/// Gives elements that do not count the value `neutral`, where they would be reduced. Sets the
/// number of elements that are reduced together, and returns the extents of the result.
static FailureOr<SmallVector<DimSize>> reduceExtents(NodeImporter &node,
                                                     const Reduction &reduction, Value neutral,
                                                     DimSize *count = nullptr) {
  SmallVector<DimSize> reduced, result;
  for (auto [dim, extent] : llvm::enumerate(node.getExtents(0))) {
    bool isReduced = reduction.axes && llvm::is_contained(*reduction.axes, int64_t(dim));
    reduced.push_back(isReduced ? extent : DimSize(extent.bound));
    if (isReduced && count)
      *count = node.combine(cnn::BinaryKind::mul, *count, extent);
    if (!isReduced || reduction.keepDims)
      result.push_back(isReduced ? DimSize(1) : extent);
  }
  FailureOr<Value> filled = fillBeyond(node, node.getInput(0), reduced, neutral);
  if (failed(filled))
    return failure();
  node.setInput(0, *filled);
  return result;
}

/// A mean over dimensions with sizes.
static LogicalResult importSizedMean(NodeImporter &node, const Reduction &reduction) {
  DimSize count = 1;
  FailureOr<SmallVector<DimSize>> extents =
      reduceExtents(node, reduction, makeNeutral(node, ReduceKind::mean), &count);
  if (failed(extents))
    return failure();
  Term sum = reduceElements(Term(node, node.getInput(0)), reduction, ReduceKind::sum);
  Type element = NodeImporter::getElementType(node.getInput(0));
  return node.setResult(sum / Term(node, node.materialize(count)).to(element), *extents);
}

template <ReduceKind kind> static LogicalResult importReduce(NodeImporter &node) {
  auto reduction = readReduction(node, node.getOpset() >= getAxesInputOpset(kind));
  if (failed(reduction))
    return failure();
  if (kind == ReduceKind::mean && node.hasSizes(0))
    return importSizedMean(node, *reduction);
  FailureOr<SmallVector<DimSize>> extents =
      reduceExtents(node, *reduction, makeNeutral(node, kind));
  if (failed(extents))
    return failure();
  Type element = NodeImporter::getElementType(node.getInput(0));
  Term x(node, node.getInput(0));
  bool isBool = element.isInteger(1), isFloat = isa<FloatType>(element);
  if (isBool) { // As numbers without a sign, of which 0 is the least.
    Type number = node.getBuilder().getIntegerType(8, /*isSigned=*/false);
    return node.setResult(reduceElements(x.to(number), *reduction, kind).to(element),
                          *extents);
  }
  if (kind == ReduceKind::l2 && !isFloat) // The root of the sum need not be an integer.
    return node.setResult(
        reduceElements(x.to(node.getBuilder().getF64Type()), *reduction, kind).to(element),
        *extents);
  if (kind == ReduceKind::l1 && element.isUnsignedInteger())
    return node.setResult(reduceElements(x, *reduction, ReduceKind::sum), *extents);
  return node.setResult(reduceElements(x, *reduction, kind), *extents);
}

/// Imports a reduction whose formula is `write`, in floats. The number that changes no result
/// is that of `kind`.
static LogicalResult importLogarithm(NodeImporter &node, ReduceKind kind,
                                     llvm::function_ref<Term(Term, const Reduction &)> write) {
  auto reduction = readReduction(node, node.getOpset() >= 18);
  if (failed(reduction))
    return failure();
  Type element = NodeImporter::getElementType(node.getInput(0));
  Type work = isa<FloatType>(element) ? element : node.getBuilder().getF64Type();
  FailureOr<Value> input = Term(node, node.getInput(0)).to(work);
  if (failed(input))
    return failure();
  node.setInput(0, *input);
  FailureOr<SmallVector<DimSize>> extents =
      reduceExtents(node, *reduction, makeNeutral(node, kind));
  if (failed(extents))
    return failure();
  return node.setResult(write(Term(node, node.getInput(0)), *reduction).to(element), *extents);
}

static LogicalResult importReduceLogSum(NodeImporter &node) {
  return importLogarithm(node, ReduceKind::sum, [](Term x, const Reduction &reduction) {
    return reduceElements(x, reduction, ReduceKind::sum).apply(UnaryKind::log);
  });
}

/// log(sum(exp(x - m))) + m with the largest element m, or 0 if that is infinite.
static LogicalResult importReduceLogSumExp(NodeImporter &node) {
  return importLogarithm(node, ReduceKind::max, [](Term x, const Reduction &reduction) {
    if (!reduction.axes)
      return x;
    auto reduce = [&](Term term, ReduceKind kind, bool keepDims) {
      return term.reduce(kind, *reduction.axes, keepDims);
    };
    auto limit = [&](Term largest) {
      Term infinity = largest.number(std::numeric_limits<double>::infinity());
      Term isFinite = largest.apply(UnaryKind::abs).combine(cnn::BinaryKind::less, infinity);
      return isFinite.select(largest, largest.number(0));
    };
    Term largest = reduce(x, ReduceKind::max, /*keepDims=*/true);
    Term sum = reduce((x - limit(largest)).apply(UnaryKind::exp), ReduceKind::sum,
                      reduction.keepDims);
    if (!reduction.keepDims)
      largest = reduce(largest, ReduceKind::max, /*keepDims=*/false);
    return sum.apply(UnaryKind::log) + limit(largest);
  });
}

/// The kernel of cnn.softmax computes in f32.
static FailureOr<Value> createSoftmax(NodeImporter &node, Value input, int64_t axis,
                                      cnn::SoftmaxOp) {
  if (!NodeImporter::getElementType(input).isF64())
    return node.create<cnn::SoftmaxOp>(input, axis);
  Term x(node, input);
  Term powers = (x - x.reduce(ReduceKind::max, axis)).apply(UnaryKind::exp);
  return powers / powers.reduce(ReduceKind::sum, axis);
}

static FailureOr<Value> createSoftmax(NodeImporter &node, Value input, int64_t axis,
                                      cnn::LogSoftmaxOp) {
  return node.create<cnn::LogSoftmaxOp>(input, axis);
}

/// Before opset 13 softmax flattens its input to a matrix, whose columns begin at the axis.
template <typename OpTy> static LogicalResult importSoftmax(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> shape = NodeImporter::getShape(input);
  bool flattens = node.getOpset() < 13;
  int64_t rank = shape.size(), stated = node.getInt("axis", flattens ? 1 : -1);
  // In opset 1 the axis may be one past the last dimension.
  if (flattens && stated == rank)
    return node.error("axis " + Twine(stated) + " leaves nothing to normalise");
  FailureOr<int64_t> axis = node.normalizeAxis(stated, rank);
  if (failed(axis))
    return failure();
  auto isOne = [](int64_t dim) { return dim == 1; };
  SmallVector<DimSize> extents = node.getExtents(0), normalised(shape);
  normalised[*axis] = extents[*axis];
  Value lowest = makeLimit(node, NodeImporter::getElementType(input), /*isLargest=*/false);
  FailureOr<Value> filled = fillBeyond(node, input, normalised, lowest);
  if (failed(filled))
    return failure();
  if (!flattens || llvm::all_of(shape.drop_front(*axis + 1), isOne))
    return node.setResult(createSoftmax(node, *filled, *axis, OpTy()), extents);
  if (node.hasSizes(0))
    return node.error("flattens an input whose size depends on data");
  int64_t rows = 1;
  for (int64_t dim : shape.take_front(*axis))
    rows *= dim;
  int64_t columns = NodeImporter::getType(input).getNumElements() / std::max<int64_t>(rows, 1);
  FailureOr<Value> result = node.reshape(input, {rows, columns});
  if (failed(result) || failed(result = createSoftmax(node, *result, 1, OpTy())))
    return failure();
  return node.setResult(node.reshape(*result, shape));
}

ArrayRef<OpEntry> convoy::onnximport::getReductionOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"LogSoftmax", importSoftmax<cnn::LogSoftmaxOp>, 1, 1, kFloat}.with(ruleOfItself),
      OpEntry{"ReduceL1", importReduce<ReduceKind::l1>, 1, 2, InputTypes(kNumber, kInteger), 1,
              kNoEnd, "axes must be constant"}
          .with(ruleOfItself),
      OpEntry{"ReduceL2", importReduce<ReduceKind::l2>, 1, 2, InputTypes(kNumber, kInteger), 1,
              kNoEnd, "axes must be constant"}
          .with(ruleOfItself),
      OpEntry{"ReduceLogSum", importReduceLogSum, 1, 2, InputTypes(kNumber, kInteger), 1,
              kNoEnd, "axes must be constant"}
          .with(ruleOfItself),
      OpEntry{"ReduceLogSumExp", importReduceLogSumExp, 1, 2, InputTypes(kNumber, kInteger), 1,
              kNoEnd, "axes must be constant"}
          .with(ruleOfItself),
      OpEntry{"ReduceMax", importReduce<ReduceKind::max>, 1, 2,
              InputTypes(kNumber | kBool, kInteger), 1, kNoEnd, "axes must be constant"}
          .with(ruleOfItself),
      OpEntry{"ReduceMean", importReduce<ReduceKind::mean>, 1, 2,
              InputTypes(kNumber, kInteger), 1, kNoEnd, "axes must be constant"}
          .with(ruleOfItself),
      OpEntry{"ReduceMin", importReduce<ReduceKind::min>, 1, 2,
              InputTypes(kNumber | kBool, kInteger), 1, kNoEnd, "axes must be constant"}
          .with(ruleOfItself),
      OpEntry{"ReduceProd", importReduce<ReduceKind::prod>, 1, 2,
              InputTypes(kNumber, kInteger), 1, kNoEnd, "axes must be constant"}
          .with(ruleOfItself),
      OpEntry{"ReduceSum", importReduce<ReduceKind::sum>, 1, 2, InputTypes(kNumber, kInteger),
              1, kNoEnd, "axes must be constant"}
          .with(ruleOfItself),
      OpEntry{"ReduceSumSquare", importReduce<ReduceKind::sum_square>, 1, 2,
              InputTypes(kNumber, kInteger), 1, kNoEnd, "axes must be constant"}
          .with(ruleOfItself),
      OpEntry{"Softmax", importSoftmax<cnn::SoftmaxOp>, 1, 1, kFloat}.with(ruleOfItself),
  };
  return ops;
}
