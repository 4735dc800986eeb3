//===- Selection.cpp - Operators that order elements ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "Operators.h"
#include "SizeRules.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

namespace {

/// An order of numbers. NaNs are equal to each other; they come before or after all numbers.
struct Order {
  bool largestFirst, nanFirst;

  /// Whether `x` comes before `y`.
  Scalar isBefore(Scalar x, Scalar y) const {
    Scalar before = largestFirst ? x > y : x < y;
    if (!x.isFloat())
      return before;
    Scalar xIsNaN = x != x, yIsNaN = y != y;
    return before | (nanFirst ? xIsNaN & !yIsNaN : !xIsNaN & yIsNaN);
  }
};

} // namespace

/// `point` with `index` as the coordinate in dimension `axis`.
static Scalars insertAt(ArrayRef<Scalar> point, int64_t axis, Scalar index) {
  Scalars result(point);
  result.insert(result.begin() + axis, index);
  return result;
}

static SmallVector<int64_t> eraseAt(ArrayRef<int64_t> shape, int64_t axis) {
  SmallVector<int64_t> result(shape);
  result.erase(result.begin() + axis);
  return result;
}

//===----------------------------------------------------------------------===//
// The first element
//===----------------------------------------------------------------------===//

/// The index along `axis` of the element that comes first, without that dimension. Of equal
/// elements the first one, or with `takesLast` the last one, counts.
static FailureOr<Value> findFirst(NodeImporter &node, Value input, int64_t axis, Order order,
                                  bool takesLast) {
  ArrayRef<int64_t> shape = NodeImporter::getShape(input);
  SmallVector<int64_t> points = eraseAt(shape, axis);
  Type i64 = node.getBuilder().getI64Type();
  StringRef kind = order.largestFirst ? "arg_max" : "arg_min";
  return node.computeElements(
      kind, input, points, i64, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        auto load = [&](Scalar index) {
          return body.input(0).load(insertAt(at, axis, index));
        };
        Scalar zero = body.index(0);
        Scalars best =
            body.loop(body.index(1), body.index(shape[axis]), {zero, load(zero)},
                      [&](Scalar index, ArrayRef<Scalar> known) {
                        Scalar x = load(index), y = known[1];
                        Scalar wins = takesLast ? !order.isBefore(y, x) : order.isBefore(x, y);
                        return Scalars{wins.select(index, known[0]), wins.select(x, y)};
                      });
        return best.front().to(i64);
      });
}

template <bool isMax> static LogicalResult importArg(NodeImporter &node) {
  Value input = node.getInput(0);
  SmallVector<int64_t> shape(NodeImporter::getShape(input));
  FailureOr<int64_t> axis = node.normalizeAxis(node.getInt("axis", 0), shape.size());
  bool takesLast = node.getOpset() >= 12 && node.getInt("select_last_index", 0) != 0;
  if (failed(axis))
    return failure();
  if (shape[*axis] == 0)
    return node.error("axis " + Twine(*axis) + " of the input has no elements to choose from");
  SmallVector<DimSize> extents = node.getExtents(0), searched(shape.begin(), shape.end());
  searched[*axis] = extents[*axis];
  if (takesLast && extents[*axis].size)
    return node.error("searches for the last element of a dimension whose size depends on "
                      "data, which is not supported");
  // Of equal elements the first counts, so those that do not count are never found.
  FailureOr<Value> filled = fillBeyond(
      node, input, searched, makeLimit(node, NodeImporter::getElementType(input), !isMax));
  if (failed(filled))
    return failure();
  FailureOr<Value> result = node.declareIndices(
      findFirst(node, *filled, *axis, Order{isMax, /*nanFirst=*/true}, takesLast));
  shape[*axis] = 1;
  extents[*axis] = 1;
  if (node.getInt("keepdims", 1) == 0)
    extents.erase(extents.begin() + *axis);
  else if (succeeded(result))
    result = node.reshape(*result, shape);
  return node.setResult(result, extents);
}

/// 1 for the largest element along the axis, 0 for the others. Before opset 13 the input is
/// flattened to a matrix, whose columns begin at the axis.
static LogicalResult importHardmax(NodeImporter &node) {
  FailureOr<Value> input = node.getInput(0);
  SmallVector<int64_t> shape(NodeImporter::getShape(*input));
  bool flattens = node.getOpset() < 13;
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.getInt("axis", flattens ? 1 : -1), shape.size());
  if (failed(axis))
    return failure();
  if (flattens) {
    ArrayRef<int64_t> extents(shape);
    input = node.reshape(*input, {llvm::product_of(extents.take_front(*axis)),
                                  llvm::product_of(extents.drop_front(*axis))});
    axis = 1;
    if (failed(input))
      return failure();
  }
  RankedTensorType type = NodeImporter::getType(*input);
  if (type.getNumElements() == 0)
    return node.setResult(node.getInput(0));
  FailureOr<Value> largest = findFirst(node, *input, *axis, Order{true, true}, false);
  if (failed(largest))
    return failure();
  Type element = type.getElementType();
  FailureOr<Value> result = node.computeElements(
      "hardmax", *largest, type.getShape(), element,
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalars others(at);
        others.erase(others.begin() + *axis);
        Scalar isLargest = body.input(0).load(others).toIndex() == at[*axis];
        return isLargest.select(body.number(element, 1), body.number(element, 0));
      });
  return failed(result) ? failure() : node.setResult(node.reshape(*result, shape));
}

//===----------------------------------------------------------------------===//
// The first k elements
//===----------------------------------------------------------------------===//

namespace {

/// Writes the body that puts the indices of the first `k` of `count` elements in order. The
/// output holds a heap of indices, whose root is the last element of those kept so far.
class TopK {
public:
  /// The output at `at`, with a dimension `axis` for the indices. `load` gives what is
  /// compared of the element with an index.
  TopK(ComputeBody &body, ArrayRef<Scalar> at, int64_t axis, int64_t count, int64_t k,
       llvm::function_ref<Scalar(Scalar)> load,
       llvm::function_ref<Scalar(Scalar, Scalar)> comesBefore)
      : body(body), at(at), axis(axis), count(count), k(k), load(load),
        comesBefore(comesBefore) {}

  void write() {
    body.loop(k, [&](Scalar place) { put(place, place); });
    Scalar size = body.index(k);
    body.loop(k / 2, [&](Scalar i) {
      Scalar root = k / 2 - 1 - i, index = get(root);
      siftDown(root, size, index, load(index));
    });
    Scalar first = body.index(0);
    body.loop(size, body.index(count), load(get(first)),
              [&](Scalar index, ArrayRef<Scalar> last) {
                Scalar x = load(index);
                return body.choose(
                    comesBefore(x, last[0]),
                    [&] {
                      siftDown(first, size, index, x);
                      return Scalars{load(get(first))};
                    },
                    [&] { return Scalars(last); });
              });
    // The root, the last element, goes to the end of the heap, again and again.
    body.loop(k - 1, [&](Scalar i) {
      Scalar end = k - 1 - i, index = get(end);
      put(end, get(first));
      siftDown(first, end, index, load(index));
    });
  }

private:
  Scalar get(Scalar place) { return body.output().load(insertAt(at, axis, place)).toIndex(); }
  void put(Scalar place, Scalar index) {
    body.output().store(index.to(body.b().getI64Type()), insertAt(at, axis, place));
  }
  /// Of equal elements the one with the lower index comes first.
  Scalar isBefore(Scalar xIndex, Scalar x, Scalar yIndex, Scalar y) {
    return comesBefore(x, y) | (!comesBefore(y, x) & (xIndex < yIndex));
  }

  /// Puts the element `index`, which is `x`, into the heap of `size` places: at `place`, or
  /// below it while it comes before a child.
  void siftDown(Scalar place, Scalar size, Scalar index, Scalar x) {
    Scalars hole = body.whileLoop(
        {place, body.truth(true)}, [&](ArrayRef<Scalar> state) { return state[1]; },
        [&](ArrayRef<Scalar> state) {
          Scalar left = 2 * state[0] + 1;
          auto stay = [&] { return Scalars{state[0], body.truth(false)}; };
          return body.choose(
              left < size, [&] { return descend(state[0], left, size, index, x); }, stay);
        });
    put(hole[0], index);
  }

  /// Moves the later one of the children up into the hole, if the element comes before it.
  Scalars descend(Scalar hole, Scalar left, Scalar size, Scalar index, Scalar x) {
    Scalar right = (left + 1).min(size - 1);
    Scalar leftIndex = get(left), rightIndex = get(right);
    Scalar leftValue = load(leftIndex), rightValue = load(rightIndex);
    Scalar takesRight = isBefore(leftIndex, leftValue, rightIndex, rightValue);
    Scalar child = takesRight.select(right, left);
    Scalar childIndex = takesRight.select(rightIndex, leftIndex);
    Scalar childValue = takesRight.select(rightValue, leftValue);
    Scalar moves = isBefore(index, x, childIndex, childValue);
    body.when(moves, [&] { put(hole, childIndex); });
    return {moves.select(child, hole), moves};
  }

  ComputeBody &body;
  Scalars at;
  int64_t axis, count, k;
  llvm::function_ref<Scalar(Scalar)> load;
  llvm::function_ref<Scalar(Scalar, Scalar)> comesBefore;
};

} // namespace

/// The indices of the first `k` elements along `axis`, in order.
static FailureOr<Value> findTopK(NodeImporter &node, Value input, int64_t axis, int64_t k,
                                 Order order) {
  SmallVector<int64_t> shape(NodeImporter::getShape(input));
  int64_t count = shape[axis];
  shape[axis] = k;
  return node.compute("top_k", eraseAt(shape, axis), input, shape,
                      node.getBuilder().getI64Type(), [&](ComputeBody &body) {
                        auto load = [&](Scalar index) {
                          return body.input(0).load(insertAt(body.point(), axis, index));
                        };
                        auto isBefore = [&](Scalar x, Scalar y) {
                          return order.isBefore(x, y);
                        };
                        TopK(body, body.point(), axis, count, k, load, isBefore).write();
                      });
}

FailureOr<Value> convoy::onnximport::sortDescending(NodeImporter &node, Value input) {
  return findTopK(node, input, NodeImporter::getRank(input) - 1,
                  NodeImporter::getShape(input).back(),
                  Order{/*largestFirst=*/true, /*nanFirst=*/false});
}

Scalar convoy::onnximport::isRowBefore(ComputeBody &body, Scalar x, Scalar y,
                                       int64_t columns) {
  Order order{/*largestFirst=*/false, /*nanFirst=*/false};
  Scalars end = body.whileLoop(
      {body.index(0), body.truth(true), body.truth(false)},
      [&](ArrayRef<Scalar> state) { return state[1] & (state[0] < columns); },
      [&](ArrayRef<Scalar> state) {
        auto load = [&](Scalar row) {
          Scalar element = body.input(0).load({row, state[0]});
          Type i32 = body.b().getI32Type();
          return element.getType().isInteger(1) ? element.to(i32) : element;
        };
        Scalar lhs = load(x), rhs = load(y), before = order.isBefore(lhs, rhs);
        return Scalars{state[0] + 1, !(before | order.isBefore(rhs, lhs)), before};
      });
  return end[2];
}

FailureOr<Value> convoy::onnximport::sortRows(NodeImporter &node, Value matrix,
                                              DimSize count) {
  int64_t rows = NodeImporter::getShape(matrix)[0];
  int64_t columns = NodeImporter::getShape(matrix)[1];
  return node.compute("sort_rows", {1}, {matrix, node.materialize(count)}, {rows},
                      node.getBuilder().getI64Type(), [&](ComputeBody &body) {
                        Scalar end = body.input(1).load({}).toIndex();
                        auto isBefore = [&](Scalar x, Scalar y) {
                          return (x < end) & (!(y < end) | isRowBefore(body, x, y, columns));
                        };
                        auto load = [](Scalar index) { return index; };
                        TopK(body, /*at=*/{}, /*axis=*/0, rows, rows, load, isBefore).write();
                      });
}

/// The number of elements to choose: an attribute before opset 10, then an input.
static std::optional<DimSize> readK(NodeImporter &node, int64_t count) {
  if (node.getOpset() < 10) {
    if (!node.hasAttribute("k"))
      (void)node.error("has no attribute 'k'");
    return DimSize(node.getInt("k", 0));
  }
  if (!node.getInput(1)) {
    (void)node.error("has no input 1, the number of elements to choose");
    return std::nullopt;
  }
  return node.readExtent(1, count);
}

static LogicalResult importTopK(NodeImporter &node) {
  Value input = node.getInput(0);
  SmallVector<int64_t> shape(NodeImporter::getShape(input));
  Type element = NodeImporter::getElementType(input), i64 = node.getBuilder().getI64Type();
  FailureOr<int64_t> axis = node.normalizeAxis(node.getInt("axis", -1), shape.size());
  if (failed(axis))
    return failure();
  std::optional<DimSize> wanted = readK(node, shape[*axis]);
  bool largest = node.getOpset() < 11 || node.getInt("largest", 1) != 0;
  node.ignoreAttribute("sorted"); // Sorted elements are right in any case.
  if (!wanted || node.hasError())
    return failure();
  SmallVector<DimSize> extents = node.getExtents(0), searched(shape.begin(), shape.end());
  int64_t count = shape[*axis];
  if (wanted->isConstant() && (wanted->bound < 0 || wanted->bound > count))
    return node.error("asks for " + Twine(wanted->bound) + " elements, but axis " +
                      Twine(*axis) + " has " + Twine(count));
  // Elements that do not count come last: behind those that are as small, by their place.
  searched[*axis] = extents[*axis];
  Value last = isa<FloatType>(element) && !largest
                   ? node.scalar(element, std::numeric_limits<double>::quiet_NaN())
                   : makeLimit(node, element, !largest);
  FailureOr<Value> filled = fillBeyond(node, input, searched, last);
  if (failed(filled))
    return failure();
  input = *filled;
  extents[*axis] = node.combine(cnn::BinaryKind::min, *wanted, extents[*axis]);
  int64_t k = shape[*axis] = extents[*axis].bound;
  if (llvm::is_contained(shape, 0)) {
    auto empty = [&](Type type) {
      return node.constant(
          DenseElementsAttr::getFromRawBuffer(RankedTensorType::get(shape, type), {}));
    };
    return success(succeeded(node.setResult(empty(element))) &&
                   succeeded(node.setResult(empty(i64), 1)));
  }
  // A NaN is larger than all numbers, as in NumPy.
  Order order{largest, /*nanFirst=*/largest};
  FailureOr<Value> indices = node.declareIndices(findTopK(node, input, *axis, k, order));
  if (failed(node.setResult(indices, extents, 1)))
    return failure();
  FailureOr<Value> values =
      node.computeElements("top_k_values", {input, *indices}, shape, element,
                           [&](ComputeBody &body, ArrayRef<Scalar> at) {
                             Scalars from(at);
                             from[*axis] = body.input(1).load(at).toIndex();
                             return body.input(0).load(from);
                           });
  return node.setResult(values, extents);
}

ArrayRef<OpEntry> convoy::onnximport::getSelectionOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"ArgMax", importArg<true>, 1, 1, kNumber}.with(ruleOfItself),
      OpEntry{"ArgMin", importArg<false>, 1, 1, kNumber}.with(ruleOfItself),
      {"Hardmax", importHardmax, 1, 1, kFloat},
      OpEntry{"TopK", importTopK, 1, 2, InputTypes(kNumber, kInteger)}.with(ruleOfItself),
  };
  return ops;
}
