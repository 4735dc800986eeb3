//===- ConstantEvaluator.cpp - Operations on constants, on the host -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/ConstantEvaluator.h"

#include "convoy/Dialect/Cnn/IR/ElementwiseFormulas.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

using Shape = SmallVector<int64_t>;

//===----------------------------------------------------------------------===//
// Results in the making
//===----------------------------------------------------------------------===//

/// Room for the elements of a result, or for one when it is a splat.
class Result {
public:
  Result(RankedTensorType type, bool splat)
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
    APFloat number(value);
    bool lossy;
    number.convert(cast<FloatType>(element).getFloatSemantics(), APFloat::rmNearestTiesToEven,
                   &lossy);
    uint64_t bits = number.bitcastToAPInt().getZExtValue();
    std::memcpy(at(index), &bits, elementBytes);
  }
  ElementsAttr take() { return makeConstantFromBytes(type, bytes); }

private:
  RankedTensorType type;
  Type element;
  int64_t elementBytes;
  int64_t count;
  std::vector<char> bytes;
};

Shape rowMajorStrides(ArrayRef<int64_t> shape) {
  Shape strides(shape.size(), 1);
  for (int64_t i = int64_t(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

/// Strides that read a tensor of shape `from` as if it were broadcast to `to`.
Shape broadcastStrides(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  Shape own = rowMajorStrides(from), strides(to.size(), 0);
  size_t shift = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i)
    strides[shift + i] = from[i] == 1 ? 0 : own[i];
  return strides;
}

/// Calls `visit` for every position of `shape` in row-major order, with the
/// position that each of the stride vectors gives.
template <size_t N, typename Visitor>
void forEachPosition(ArrayRef<int64_t> shape, const std::array<Shape, N> &strides,
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

/// `result[i...] = data[offset + sum of i * strides]`.
ElementsAttr readStrided(const ConstantData &data, RankedTensorType type, int64_t offset,
                         const Shape &strides) {
  if (data.isSplat())
    return makeConstantFromBytes(type, data.getBytes());
  Result result(type, /*splat=*/false);
  int64_t size = data.getElementBytes(), next = 0;
  const char *source = data.getBytes().data();
  forEachPosition<1>(type.getShape(), {strides}, {offset}, [&](std::array<int64_t, 1> from) {
    std::memcpy(result.at(next++), source + from[0] * size, size);
  });
  return result.take();
}

//===----------------------------------------------------------------------===//
// Functions of one and two numbers
//===----------------------------------------------------------------------===//

/// Whether the function's rounding is prescribed, so that every machine agrees.
bool isExact(UnaryKind kind) {
  switch (kind) {
  case UnaryKind::identity:
  case UnaryKind::relu:
  case UnaryKind::leaky_relu:
  case UnaryKind::clip:
  case UnaryKind::abs:
  case UnaryKind::neg:
  case UnaryKind::reciprocal:
  case UnaryKind::floor:
  case UnaryKind::ceil:
  case UnaryKind::round:
  case UnaryKind::sqrt:
  case UnaryKind::sign:
  case UnaryKind::logical_not:
    return true;
  default:
    return false;
  }
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

/// Evaluates one operation; every `evaluate` returns null where it cannot.
class Evaluator {
public:
  Evaluator(Operation *op, ArrayRef<Attribute> operands, const EvaluationOptions &options)
      : op(op), operands(operands), options(options) {}

  ElementsAttr run() {
    if (op->getNumResults() != 1)
      return {};
    type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || !type.hasStaticShape() || !getElementBytes(type.getElementType()))
      return {};
    if (auto destination = dyn_cast<DestinationOpInterface>(op))
      if (destination.getDestination())
        return {};
    return TypeSwitch<Operation *, ElementsAttr>(op)
        .Case<UnaryOp, BinaryOp, SelectOp, CastOp, ReduceOp, ConcatOp, GatherOp, BroadcastOp,
              tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
              tensor::PadOp, linalg::TransposeOp>([&](auto known) { return evaluate(known); })
        .Default(ElementsAttr());
  }

private:
  std::optional<ConstantData> read(unsigned operand) {
    return ConstantData::get(operands[operand]);
  }
  /// Whether a result of this many computed elements is wanted.
  bool fits(bool splat) const { return splat || type.getNumElements() <= options.maxElements; }

  ElementsAttr evaluate(UnaryOp unary) {
    auto in = read(0);
    if (!in || !fits(in->isSplat()))
      return {};
    FunctionAttr function = unary.getFunction();
    Result result(type, in->isSplat());
    if (isa<FloatType>(in->getElementType())) {
      if (options.exactOnly && !isExact(function.getKind()))
        return {};
      HostFloats<double> a;
      for (int64_t i = 0; i < result.size(); ++i)
        result.setDouble(i, applyFloatUnary(a, function, in->getDouble(i)));
      return a.isDefined() ? result.take() : ElementsAttr();
    }
    HostIntegers a(in->getElementType().isInteger(1));
    for (int64_t i = 0; i < result.size(); ++i)
      result.setInt(i, applyIntegerUnary(a, function, in->getInt(i)));
    return a.isDefined() ? result.take() : ElementsAttr();
  }

  ElementsAttr evaluate(BinaryOp binary) {
    auto lhs = read(0), rhs = read(1);
    if (!lhs || !rhs)
      return {};
    bool splat = lhs->isSplat() && rhs->isSplat();
    // An activation would have to see the rounded value; it comes later anyway.
    if (!fits(splat) || !binary.getActivation().isIdentity())
      return {};
    BinaryKind kind = binary.getKind();
    bool isFloat = isa<FloatType>(lhs->getElementType());
    if (isFloat && options.exactOnly && kind == BinaryKind::pow)
      return {};
    Result result(type, splat);
    HostFloats<double> floats;
    HostIntegers integers(lhs->getElementType().isInteger(1));
    int64_t next = 0;
    auto combine = [&](std::array<int64_t, 2> from) {
      if (isFloat) {
        double x = lhs->getDouble(from[0]), y = rhs->getDouble(from[1]);
        if (isComparison(kind))
          result.setInt(next++, compare(floats, kind, x, y));
        else
          result.setDouble(next++, applyFloatBinary(floats, kind, x, y));
        return;
      }
      int64_t x = lhs->getInt(from[0]), y = rhs->getInt(from[1]);
      result.setInt(next++, isComparison(kind) ? compare(integers, kind, x, y)
                                               : applyIntegerBinary(integers, kind, x, y));
    };
    if (splat && type.getNumElements())
      combine({0, 0});
    else
      forEachPosition<2>(type.getShape(),
                         {broadcastStrides(lhs->getShape(), type.getShape()),
                          broadcastStrides(rhs->getShape(), type.getShape())},
                         {0, 0}, combine);
    return floats.isDefined() && integers.isDefined() ? result.take() : ElementsAttr();
  }

  ElementsAttr evaluate(SelectOp select) {
    auto condition = read(0), lhs = read(1), rhs = read(2);
    if (!condition || !lhs || !rhs || !fits(/*splat=*/false))
      return {};
    Result result(type, /*splat=*/false);
    int64_t next = 0, size = lhs->getElementBytes();
    forEachPosition<3>(type.getShape(),
                       {broadcastStrides(condition->getShape(), type.getShape()),
                        broadcastStrides(lhs->getShape(), type.getShape()),
                        broadcastStrides(rhs->getShape(), type.getShape())},
                       {0, 0, 0}, [&](std::array<int64_t, 3> from) {
                         bool first = condition->getInt(from[0]);
                         const ConstantData &chosen = first ? *lhs : *rhs;
                         int64_t index = chosen.isSplat() ? 0 : from[first ? 1 : 2];
                         std::memcpy(result.at(next++),
                                     chosen.getBytes().data() + index * size, size);
                       });
    return result.take();
  }

  ElementsAttr evaluate(CastOp cast) {
    auto in = read(0);
    if (!in || !fits(in->isSplat()))
      return {};
    bool fromFloat = isa<FloatType>(in->getElementType());
    bool toFloat = isa<FloatType>(type.getElementType());
    Result result(type, in->isSplat());
    for (int64_t i = 0; i < result.size(); ++i) {
      if (toFloat) {
        result.setDouble(i, in->getDouble(i));
        continue;
      }
      if (!fromFloat) {
        result.setInt(i, in->getInt(i));
        continue;
      }
      double value = in->getDouble(i);
      if (type.getElementType().isInteger(1)) {
        result.setInt(i, value != 0);
        continue;
      }
      // What does not fit has no defined value; leave that to run time.
      double limit = std::ldexp(1.0, type.getElementTypeBitWidth() - 1);
      if (!(value > -limit - 1 && value < limit))
        return {};
      result.setInt(i, int64_t(value));
    }
    return result.take();
  }

  ElementsAttr evaluate(ReduceOp reduce) {
    auto in = read(0);
    if (!in || !fits(/*splat=*/false) || in->getNumElements() == 0)
      return {};
    ReduceKind kind = reduce.getKind();
    bool isFloat = isa<FloatType>(in->getElementType());
    int64_t folded = in->getNumElements() / type.getNumElements();
    bool exact = kind == ReduceKind::max || kind == ReduceKind::min ||
                 (folded == 1 && kind != ReduceKind::l2 && kind != ReduceKind::sum_square);
    if (isFloat && options.exactOnly && !exact)
      return {};

    // Strides of the result, seen from the input's dimensions.
    ArrayRef<int64_t> shape = in->getShape();
    Shape kept(shape);
    for (int64_t axis : reduce.getAxes())
      kept[axis] = 1;
    Shape strides = broadcastStrides(kept, shape);
    if (!isFloat)
      return reduceInts(kind, *in, strides, folded);
    double start = kind == ReduceKind::prod  ? 1
                   : kind == ReduceKind::max ? -std::numeric_limits<double>::infinity()
                   : kind == ReduceKind::min ? std::numeric_limits<double>::infinity()
                                             : 0;
    HostFloats<double> a;
    std::vector<double> sums(type.getNumElements(), start);
    int64_t next = 0;
    forEachPosition<1>(shape, {strides}, {0}, [&](std::array<int64_t, 1> to) {
      double x = in->getDouble(next++), &sum = sums[to[0]];
      switch (kind) {
      case ReduceKind::sum:
      case ReduceKind::mean:
        sum += x;
        break;
      case ReduceKind::max:
        sum = a.max(sum, x);
        break;
      case ReduceKind::min:
        sum = a.min(sum, x);
        break;
      case ReduceKind::prod:
        sum *= x;
        break;
      case ReduceKind::sum_square:
      case ReduceKind::l2:
        sum += x * x;
        break;
      case ReduceKind::l1:
        sum += std::fabs(x);
        break;
      }
    });
    Result result(type, /*splat=*/false);
    for (auto [index, sum] : llvm::enumerate(sums)) {
      if (kind == ReduceKind::mean)
        sum /= double(folded);
      result.setDouble(index, kind == ReduceKind::l2 ? std::sqrt(sum) : sum);
    }
    return result.take();
  }

  ElementsAttr reduceInts(ReduceKind kind, const ConstantData &in, const Shape &strides,
                          int64_t folded) {
    if (kind == ReduceKind::l2)
      return {};
    int64_t start = kind == ReduceKind::prod  ? 1
                    : kind == ReduceKind::max ? std::numeric_limits<int64_t>::min()
                    : kind == ReduceKind::min ? std::numeric_limits<int64_t>::max()
                                              : 0;
    HostIntegers a(/*isBool=*/false);
    std::vector<int64_t> sums(type.getNumElements(), start);
    int64_t next = 0;
    forEachPosition<1>(in.getShape(), {strides}, {0}, [&](std::array<int64_t, 1> to) {
      int64_t x = in.getInt(next++), &sum = sums[to[0]];
      BinaryKind step = kind == ReduceKind::max    ? BinaryKind::max
                        : kind == ReduceKind::min  ? BinaryKind::min
                        : kind == ReduceKind::prod ? BinaryKind::mul
                                                   : BinaryKind::add;
      if (kind == ReduceKind::sum_square)
        x *= x;
      if (kind == ReduceKind::l1)
        x = std::abs(x);
      sum = applyIntegerBinary(a, step, sum, x);
    });
    Result result(type, /*splat=*/false);
    for (auto [index, sum] : llvm::enumerate(sums))
      result.setInt(index, kind == ReduceKind::mean ? sum / folded : sum);
    return result.take();
  }

  ElementsAttr evaluate(ConcatOp concat) {
    if (!fits(/*splat=*/false))
      return {};
    ArrayRef<int64_t> shape = type.getShape();
    int64_t axis = concat.getAxis(), outer = 1, inner = 1;
    for (int64_t i = 0; i < axis; ++i)
      outer *= shape[i];
    for (int64_t extent : shape.drop_front(axis + 1))
      inner *= extent;
    Result result(type, /*splat=*/false);
    int64_t begin = 0;
    for (unsigned i = 0; i < concat.getInputs().size(); ++i) {
      auto in = read(i);
      if (!in)
        return {};
      int64_t run = in->getShape()[axis] * inner, size = in->getElementBytes();
      const char *source = in->getBytes().data();
      for (int64_t row = 0; row < outer; ++row) {
        int64_t to = row * shape[axis] * inner + begin;
        if (!in->isSplat()) {
          std::memcpy(result.at(to), source + row * run * size, run * size);
          continue;
        }
        for (int64_t k = 0; k < run; ++k)
          std::memcpy(result.at(to + k), source, size);
      }
      begin += run;
    }
    return result.take();
  }

  ElementsAttr evaluate(GatherOp gather) {
    auto in = read(0), indices = read(1);
    if (!in || !indices || !isa<IntegerType, IndexType>(indices->getElementType()) ||
        !fits(in->isSplat()))
      return {};
    ArrayRef<int64_t> shape = in->getShape();
    int64_t axis = gather.getAxis(), outer = 1, inner = 1;
    for (int64_t i = 0; i < axis; ++i)
      outer *= shape[i];
    for (int64_t extent : shape.drop_front(axis + 1))
      inner *= extent;
    SmallVector<int64_t> picks;
    for (int64_t i = 0; i < indices->getNumElements(); ++i) {
      int64_t pick = indices->getInt(i);
      pick += pick < 0 ? shape[axis] : 0;
      if (pick < 0 || pick >= shape[axis])
        return {};
      picks.push_back(pick);
    }
    if (in->isSplat())
      return makeConstantFromBytes(type, in->getBytes());
    Result result(type, /*splat=*/false);
    int64_t next = 0, size = in->getElementBytes();
    for (int64_t row = 0; row < outer; ++row)
      for (int64_t pick : picks) {
        std::memcpy(result.at(next),
                    in->getBytes().data() + (row * shape[axis] + pick) * inner * size,
                    inner * size);
        next += inner;
      }
    return result.take();
  }

  ElementsAttr evaluate(BroadcastOp) {
    auto in = read(0);
    if (!in || !fits(in->isSplat()))
      return {};
    return readStrided(*in, type, 0, broadcastStrides(in->getShape(), type.getShape()));
  }

  ElementsAttr evaluate(tensor::ExtractSliceOp slice) {
    auto in = read(0);
    auto known = [](ArrayRef<int64_t> values) { return !ShapedType::isDynamicShape(values); };
    if (!in || !fits(in->isSplat()) || !known(slice.getStaticOffsets()) ||
        !known(slice.getStaticStrides()))
      return {};
    Shape own = rowMajorStrides(in->getShape()), strides;
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    int64_t offset = 0;
    for (size_t i = 0; i < own.size(); ++i) {
      offset += slice.getStaticOffsets()[i] * own[i];
      if (!dropped.test(i))
        strides.push_back(slice.getStaticStrides()[i] * own[i]);
    }
    return readStrided(*in, type, offset, strides);
  }

  ElementsAttr evaluate(linalg::TransposeOp transpose) {
    auto in = read(0);
    if (!in || !fits(in->isSplat()))
      return {};
    Shape own = rowMajorStrides(in->getShape()), strides;
    for (int64_t dim : transpose.getPermutation())
      strides.push_back(own[dim]);
    return readStrided(*in, type, 0, strides);
  }

  template <typename ReshapeOp> ElementsAttr reshape() {
    if (!read(0))
      return {};
    return reshapeConstant(cast<ElementsAttr>(operands[0]), type);
  }
  ElementsAttr evaluate(tensor::ExpandShapeOp) { return reshape<tensor::ExpandShapeOp>(); }
  ElementsAttr evaluate(tensor::CollapseShapeOp) { return reshape<tensor::CollapseShapeOp>(); }

  ElementsAttr evaluate(tensor::PadOp pad) {
    auto in = read(0);
    Attribute padding;
    Value value = pad.getConstantPaddingValue();
    if (!in || !fits(/*splat=*/false) || !value || !matchPattern(value, m_Constant(&padding)))
      return {};
    if (llvm::any_of(pad.getStaticLow(), [](int64_t low) { return low < 0; }) ||
        llvm::any_of(pad.getStaticHigh(), [](int64_t high) { return high < 0; }))
      return {};
    Result result(type, /*splat=*/false);
    for (int64_t i = 0; i < result.size(); ++i) {
      if (auto number = dyn_cast<FloatAttr>(padding))
        result.setDouble(i, number.getValueAsDouble());
      else if (auto integer = dyn_cast<IntegerAttr>(padding))
        result.setInt(i, integer.getValue().getZExtValue());
      else
        return {};
    }
    Shape strides = rowMajorStrides(type.getShape());
    int64_t start = 0, size = in->getElementBytes(), next = 0;
    for (auto [low, stride] : llvm::zip(pad.getStaticLow(), strides))
      start += low * stride;
    const char *source = in->getBytes().data();
    forEachPosition<1>(in->getShape(), {strides}, {start}, [&](std::array<int64_t, 1> to) {
      std::memcpy(result.at(to[0]), source + (in->isSplat() ? 0 : next++) * size, size);
    });
    return result.take();
  }

  Operation *op;
  ArrayRef<Attribute> operands;
  const EvaluationOptions &options;
  RankedTensorType type;
};

/// The operations that `Evaluator` knows.
bool isEvaluable(Operation *op) {
  return isa<UnaryOp, BinaryOp, SelectOp, CastOp, ReduceOp, ConcatOp, GatherOp, BroadcastOp,
             tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
             tensor::PadOp, linalg::TransposeOp>(op);
}

} // namespace

ElementsAttr convoy::cnn::evaluateConstant(Operation *op, ArrayRef<Attribute> operands,
                                           const EvaluationOptions &options) {
  return Evaluator(op, operands, options).run();
}

ElementsAttr convoy::cnn::evaluateConstant(Value value, const EvaluationOptions &options) {
  Attribute attribute;
  if (matchPattern(value, m_Constant(&attribute)))
    return dyn_cast<ElementsAttr>(attribute);
  Operation *op = value.getDefiningOp();
  if (!op || !isEvaluable(op))
    return {};
  SmallVector<Attribute> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(evaluateConstant(operand, options));
    // The first operand always counts; stopping here keeps the search a path.
    if (!operands.front())
      return {};
  }
  return evaluateConstant(op, operands, options);
}
