//===- Pooling.cpp - Pools ------------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Pooling.h"
#include "OpTable.h"
#include "SizeRules.h"
#include "TensorReader.h"
#include "Term.h"
#include <limits>
#include <numeric>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::ReduceKind;
using cnn::Scalar;
using cnn::Scalars;
using cnn::UnaryKind;

FailureOr<Pool> convoy::onnximport::readPool(NodeImporter &node) {
  FailureOr<Window> window = readWindow(node);
  if (failed(window))
    return failure();
  resolveAutoPad(node, *window);
  // SAME determines the extents, whatever ceil_mode is.
  bool ceilMode = node.getInt("ceil_mode", 0) != 0 && !window->isSame();
  FailureOr<cnn::WindowAttr> attribute = window->toAttribute(node);
  if (failed(attribute))
    return failure();
  FailureOr<Value> pool = node.create<cnn::MaxPoolOp>(node.getInput(0), *attribute, ceilMode);
  if (failed(pool))
    return failure();
  SmallVector<int64_t> shape(NodeImporter::getShape(*pool));
  pool->getDefiningOp()->erase();
  return Pool{*attribute, ceilMode, shape};
}

//===----------------------------------------------------------------------===//
// Windows in the body of a cnn.compute
//===----------------------------------------------------------------------===//

WindowBody::WindowBody(ComputeBody &body, cnn::WindowAttr window, ArrayRef<Scalar> at)
    : body(body), window(window), at(at), extents(body.input(0).getShape().drop_front(2)) {}

Scalars WindowBody::forEach(ArrayRef<Scalar> inits, Visit visit) {
  Scalars from = {at[0], at[1]};
  std::function<Scalars(ArrayRef<Scalar>)> nest = [&](ArrayRef<Scalar> carried) -> Scalars {
    size_t dim = from.size() - 2;
    if (dim == extents.size())
      return visit(from, carried);
    Scalar start = getStart(dim);
    auto [lower, upper] = getRange(dim, start, extents[dim]);
    return body.loop(lower, upper, carried, [&](Scalar k, ArrayRef<Scalar> values) {
      from.push_back(start + k * window.getDilations()[dim]);
      Scalars next = nest(values);
      from.pop_back();
      return next;
    });
  };
  return nest(inits);
}

Scalar WindowBody::sum(Scalar zero, llvm::function_ref<Scalar(Scalar)> value) {
  Scalars from = {at[0], at[1]};
  std::function<Scalar()> nest = [&]() -> Scalar {
    size_t dim = from.size() - 2;
    if (dim == extents.size())
      return value(body.input(0).load(from));
    Scalar start = getStart(dim);
    auto [lower, upper] = getRange(dim, start, extents[dim]);
    return body
        .loop(lower, upper, zero,
              [&](Scalar k, ArrayRef<Scalar> before) {
                from.push_back(start + k * window.getDilations()[dim]);
                Scalar next = before[0] + nest();
                from.pop_back();
                return Scalars{next};
              })
        .front();
  };
  return nest();
}

Scalar WindowBody::count(bool includePad) {
  Scalar result = body.index(1);
  for (size_t dim = 0; dim < extents.size(); ++dim) {
    Scalar start = getStart(dim);
    int64_t extent = extents[dim];
    if (includePad) {
      start = start + window.getPadsBegin()[dim];
      extent += window.getPadsBegin()[dim] + window.getPadsEnd()[dim];
    }
    auto [lower, upper] = getRange(dim, start, extent);
    result = result * (upper - lower);
  }
  return result;
}

Scalar WindowBody::getStart(size_t dim) {
  return at[dim + 2] * window.getStrides()[dim] - window.getPadsBegin()[dim];
}

std::pair<Scalar, Scalar> WindowBody::getRange(size_t dim, Scalar start, int64_t extent) {
  int64_t dilation = window.getDilations()[dim], kernel = window.getKernel()[dim];
  auto ceilDiv = [&](Scalar x) {
    return dilation == 1 ? x : (x + (dilation - 1)).floorDiv(x.integer(dilation));
  };
  return {ceilDiv(-start).max(start.integer(0)),
          ceilDiv(extent - start).min(start.integer(kernel))};
}

//===----------------------------------------------------------------------===//
// MaxPool
//===----------------------------------------------------------------------===//

/// What the largest element is compared with at first: NaN, or the lowest integer.
static Scalar getStart(ComputeBody &body, Type type) {
  Scalar zero = body.number(type, 0);
  if (zero.isFloat())
    return zero.constant(std::numeric_limits<double>::quiet_NaN());
  return zero.isUnsigned() ? zero : zero.integer(-(1ll << (type.getIntOrFloatBitWidth() - 1)));
}

/// Whether `x` is larger than `best`; NaN is less than every number.
static Scalar isLarger(Scalar x, Scalar best) {
  Scalar larger = x > best;
  return x.isFloat() ? larger | ((best != best) & (x == x)) : larger;
}

/// The largest element of each window of a pool over `input`.
static FailureOr<Value> computeMaxPool(NodeImporter &node, Value input, cnn::WindowAttr window,
                                       ArrayRef<int64_t> shape) {
  Type type = NodeImporter::getElementType(input);
  return node.computeElements(
      "max_pool", input, shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        WindowBody walk(body, window, at);
        auto visit = [&](ArrayRef<Scalar> from, ArrayRef<Scalar> best) {
          Scalar x = body.input(0).load(from);
          return Scalars{isLarger(x, best[0]).select(x, best[0])};
        };
        Scalar start = getStart(body, type), largest = walk.forEach(start, visit).front();
        if (!start.isFloat())
          return largest;
        Scalar isPadding = walk.count(/*includePad=*/false) == 0;
        return isPadding.select(start.constant(-std::numeric_limits<double>::infinity()),
                                largest);
      });
}

/// For each window, the position of its largest element in the whole input, in row-major
/// order, or with `columnMajor` with the spatial dimensions in the opposite order.
static FailureOr<Value> findLargest(NodeImporter &node, const Pool &pool, bool columnMajor) {
  Value input = node.getInput(0);
  Type type = NodeImporter::getElementType(input), i64 = node.getBuilder().getI64Type();
  ArrayRef<int64_t> extents = NodeImporter::getShape(input);
  return node.computeElements(
      "max_pool_indices", input, pool.shape, i64, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        auto locate = [&](ArrayRef<Scalar> from) {
          Scalar place = from[0] * extents[1] + from[1];
          for (size_t i = 2; i < extents.size(); ++i) {
            size_t dim = columnMajor ? extents.size() + 1 - i : i;
            place = place * extents[dim] + from[dim];
          }
          return place;
        };
        auto visit = [&](ArrayRef<Scalar> from, ArrayRef<Scalar> best) {
          Scalar x = body.input(0).load(from);
          // The first element wins even if it is the lowest number.
          Scalar wins = isLarger(x, best[1]) | (best[0] < body.index(0));
          return Scalars{wins.select(locate(from), best[0]), wins.select(x, best[1])};
        };
        Scalars start = {body.index(-1), getStart(body, type)};
        Scalar place = WindowBody(body, pool.window, at).forEach(start, visit).front();
        return place.to(i64);
      });
}

/// The kernel of cnn.max_pool computes in f32.
FailureOr<Value> convoy::onnximport::createMaxPool(NodeImporter &node, const Pool &pool) {
  Value input = node.getInput(0);
  Type type = NodeImporter::getElementType(input);
  if (isa<FloatType>(type) && !type.isF64())
    return node.create<cnn::MaxPoolOp>(input, pool.window, pool.ceilMode);
  return computeMaxPool(node, input, pool.window, pool.shape);
}

static LogicalResult importMaxPool(NodeImporter &node) {
  bool columnMajor = node.getOpset() >= 8 && node.getInt("storage_order", 0) != 0;
  FailureOr<Pool> pool = readPool(node);
  if (failed(pool) || failed(node.setResult(createMaxPool(node, *pool))))
    return failure();
  if (!node.isOutputUsed(1))
    return success();
  return node.setResult(findLargest(node, *pool, columnMajor), 1);
}

//===----------------------------------------------------------------------===//
// Means and norms
//===----------------------------------------------------------------------===//

static LogicalResult importAveragePool(NodeImporter &node) {
  FailureOr<Pool> pool = readPool(node);
  if (failed(pool))
    return failure();
  bool includePad = node.getInt("count_include_pad", 0) != 0;
  Value input = node.getInput(0);
  Type type = NodeImporter::getElementType(input);
  if (!type.isF64())
    return node.setResult(
        node.create<cnn::AvgPoolOp>(input, pool->window, pool->ceilMode, includePad));
  return node.setResult(node.computeElements(
      "avg_pool", input, pool->shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        WindowBody walk(body, pool->window, at);
        Scalar sum = walk.sum(body.number(type, 0), [](Scalar x) { return x; });
        return sum / walk.count(includePad).to(type);
      }));
}

/// The exponent of a norm: a float in opset 1, then an integer.
static double getNorm(NodeImporter &node) {
  return node.getOpset() < 2 ? double(node.getFloat("p", 2.0f)) : double(node.getInt("p", 2));
}

/// `x` to the power of `exponent`.
static Scalar power(Scalar x, double exponent) {
  if (exponent == 1)
    return x;
  if (exponent == 2)
    return x * x;
  return exponent == 0.5 ? x.apply(UnaryKind::sqrt)
                         : x.apply(cnn::BinaryKind::pow, x.constant(exponent));
}

static LogicalResult importLpPool(NodeImporter &node) {
  double p = getNorm(node);
  FailureOr<Pool> pool = readPool(node);
  if (failed(pool))
    return failure();
  if (!(p > 0))
    return node.error("attribute 'p' is not positive");
  Value input = node.getInput(0);
  Type type = NodeImporter::getElementType(input);
  return node.setResult(node.computeElements(
      "lp_pool", input, pool->shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        auto value = [&](Scalar x) { return power(x.apply(UnaryKind::abs), p); };
        Scalar sum = WindowBody(body, pool->window, at).sum(body.number(type, 0), value);
        return power(sum, 1 / p);
      }));
}

//===----------------------------------------------------------------------===//
// Pools of whole channels
//===----------------------------------------------------------------------===//

/// The spatial axes; fails if there are none.
static FailureOr<SmallVector<int64_t>> getSpatialAxes(NodeImporter &node) {
  int64_t rank = NodeImporter::getRank(node.getInput(0));
  if (rank < 3)
    return node.error(node.describeInput(0) + " has rank " + Twine(rank) +
                      ", expected at least 3 (batch, channels and spatial dimensions)");
  SmallVector<int64_t> axes(rank - 2);
  std::iota(axes.begin(), axes.end(), 2);
  return axes;
}

/// The kernel of cnn.global_pool computes in f32.
static FailureOr<Value> createGlobalPool(NodeImporter &node, cnn::PoolKind kind) {
  Value input = node.getInput(0);
  if (!NodeImporter::getElementType(input).isF64())
    return node.create<cnn::GlobalPoolOp>(input, kind);
  auto axes = getSpatialAxes(node);
  if (failed(axes))
    return failure();
  if (kind == cnn::PoolKind::average)
    return Term(node, input).reduce(ReduceKind::mean, *axes);
  SmallVector<int64_t> shape(node.getShape(0));
  int64_t size = llvm::product_of(ArrayRef(shape).drop_front(2));
  FailureOr<Value> flat = node.reshape(input, {shape[0], shape[1], size});
  size = std::max<int64_t>(size, 1); // An error later if there are results.
  std::fill(shape.begin() + 2, shape.end(), 1);
  auto window = cnn::WindowAttr::get(node.getContext(), size, 1, 1, {0, 0});
  if (failed(flat) ||
      failed(flat = computeMaxPool(node, *flat, window, {shape[0], shape[1], 1})))
    return failure();
  return node.reshape(*flat, shape);
}

template <cnn::PoolKind kind> static LogicalResult importGlobalPool(NodeImporter &node) {
  FailureOr<Value> result = createGlobalPool(node, kind);
  if (succeeded(result) && NodeImporter::getType(*result).getNumElements() != 0 &&
      NodeImporter::getType(node.getInput(0)).getNumElements() == 0)
    return node.error("pools over no elements (input 0 has shape " +
                      formatShape(node.getShape(0)) + ")");
  return node.setResult(result);
}

static LogicalResult importGlobalLpPool(NodeImporter &node) {
  double p = getNorm(node);
  auto axes = getSpatialAxes(node);
  if (failed(axes))
    return failure();
  if (!(p > 0))
    return node.error("attribute 'p' is not positive");
  Term x(node, node.getInput(0));
  if (p == 1 || p == 2)
    return node.setResult(x.reduce(p == 1 ? ReduceKind::l1 : ReduceKind::l2, *axes));
  auto power = [](Term base, double exponent) {
    return base.combine(cnn::BinaryKind::pow, base.number(exponent));
  };
  return node.setResult(
      power(power(x.apply(UnaryKind::abs), p).reduce(ReduceKind::sum, *axes), 1 / p));
}

ArrayRef<OpEntry> convoy::onnximport::getPoolingOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"AveragePool", importAveragePool, 1, 1, kFloat, 1, kNoEnd,
              "1 to 3 spatial dimensions"}
          .with(ruleOfBatches),
      OpEntry{"GlobalAveragePool", importGlobalPool<cnn::PoolKind::average>, 1, 1, kFloat}
          .with(ruleOfBatches),
      OpEntry{"GlobalMaxPool", importGlobalPool<cnn::PoolKind::maximum>, 1, 1, kFloat}.with(
          ruleOfBatches),
      OpEntry{"GlobalLpPool", importGlobalLpPool, 1, 1, kFloat}.with(ruleOfBatches),
      OpEntry{"LpPool", importLpPool, 1, 1, kFloat, 1, kNoEnd, "1 to 3 spatial dimensions"}
          .with(ruleOfBatches),
      OpEntry{"MaxPool", importMaxPool, 1, 1, kFloat, 1, 11, "1 to 3 spatial dimensions"}.with(
          ruleOfBatches),
      OpEntry{"MaxPool", importMaxPool, 1, 1, kFloat | kByte, 12, kNoEnd,
              "1 to 3 spatial dimensions"}
          .with(ruleOfBatches),
  };
  return ops;
}
