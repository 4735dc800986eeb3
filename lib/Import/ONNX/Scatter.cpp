//===- Scatter.cpp - Operators that write elements by indices ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementIndex.h"
#include "NodeImporter.h"
#include "OpTable.h"
#include "RowScatter.h"
#include "SizeRules.h"
#include "TensorReader.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

//===----------------------------------------------------------------------===//
// Scatter
//===----------------------------------------------------------------------===//

namespace {
enum class Update { Replace, Add, Multiply, Largest, Smallest };
} // namespace

/// The attribute `reduction`. Fails if data and updates have different types, or a type that
/// the reduction cannot compute with.
static FailureOr<Update> readUpdate(NodeImporter &node) {
  std::optional<Update> update =
      llvm::StringSwitch<std::optional<Update>>(node.getString("reduction", "none"))
          .Case("none", Update::Replace)
          .Case("add", Update::Add)
          .Case("mul", Update::Multiply)
          .Case("max", Update::Largest)
          .Case("min", Update::Smallest)
          .Default(std::nullopt);
  if (!update)
    return node.error("attribute 'reduction' is '" + node.getString("reduction", "none") +
                      "', expected none, add, mul, max or min");
  Type type = NodeImporter::getElementType(node.getInput(0));
  if (NodeImporter::getElementType(node.getInput(2)) != type)
    return node.error(node.describeInput(2) + " has another element type than the data");
  if (*update != Update::Replace && failed(node.requireArithmetic(node.getInput(0))))
    return failure();
  return *update;
}

static Scalar apply(Update update, Scalar old, Scalar value) {
  switch (update) {
  case Update::Replace:
    return value;
  case Update::Add: // Of truth values: or.
    return old.getType().isInteger(1) ? old | value : old + value;
  case Update::Multiply:
    return old.getType().isInteger(1) ? old & value : old * value;
  case Update::Largest:
    return old.max(value);
  case Update::Smallest:
    return old.min(value);
  }
  llvm_unreachable("unknown update");
}

/// Writes the update into the result, at `to`.
static void emitUpdate(ComputeBody &body, Update update, Scalar value, ArrayRef<Scalar> to) {
  if (update != Update::Replace)
    value = apply(update, body.output().load(to), value);
  body.output().store(value, to);
}

//===----------------------------------------------------------------------===//
// ScatterElements
//===----------------------------------------------------------------------===//

/// Fails if the shapes of the data, the indices and the updates do not fit each other.
static LogicalResult checkScatteredShapes(NodeImporter &node, int64_t axis) {
  ArrayRef<int64_t> shape = node.getShape(0), part = node.getShape(1);
  if (part != node.getShape(2) || part.size() != shape.size())
    return node.error("data, indices and updates have shapes " + formatShape(shape) + ", " +
                      formatShape(part) + " and " + formatShape(node.getShape(2)));
  for (auto [dim, extents] : llvm::enumerate(llvm::zip(shape, part)))
    if (int64_t(dim) != axis && std::get<1>(extents) > std::get<0>(extents))
      return node.error(node.describeInput(1) + " has " + Twine(std::get<1>(extents)) +
                        " elements in dimension " + Twine(dim) + ", the data have " +
                        Twine(std::get<0>(extents)));
  return success();
}

/// A point is a line along `axis`: it is copied, and then its updates are made in order.
static FailureOr<Value> scatterLines(NodeImporter &node, int64_t axis, Update update,
                                     Value indices) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> shape = NodeImporter::getShape(input), part = node.getShape(1);
  SmallVector<int64_t> points(shape);
  points.erase(points.begin() + axis);
  SmallVector<Value> operands = {input, indices, node.getInput(2)};
  Counted counted(node.getExtents(1), operands);
  return node.compute(
      "scatter_elements", points, operands, shape, NodeImporter::getElementType(input),
      [&](ComputeBody &body) {
        auto onLine = [&](Scalar i) {
          Scalars at = body.point();
          at.insert(at.begin() + axis, i);
          return at;
        };
        body.loop(shape[axis], [&](Scalar i) {
          body.output().store(body.input(0).load(onLine(i)), onLine(i));
        });
        Scalar inside = body.truth(true);
        for (auto [dim, position] : llvm::enumerate(onLine(body.index(0))))
          if (part[dim] < shape[dim])
            inside = inside & (position < part[dim]);
        body.when(inside, [&] {
          body.loop(part[axis], [&](Scalar i) {
            body.when(counted.contains(body, onLine(i)), [&] {
              Scalar to = toElementIndex(body.input(1).load(onLine(i)), shape[axis]);
              emitUpdate(body, update, body.input(2).load(onLine(i)), onLine(to));
            });
          });
        });
      });
}

static LogicalResult importScatterElements(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> shape = NodeImporter::getShape(input), part = node.getShape(1);
  FailureOr<int64_t> axis = node.normalizeAxis(node.getInt("axis", 0), shape.size());
  FailureOr<Update> update = readUpdate(node);
  if (failed(axis) || failed(update) || failed(checkScatteredShapes(node, *axis)))
    return failure();
  SmallVector<DimSize> extents = node.getExtents(0);
  if (llvm::is_contained(part, 0))
    return node.setResult(input, extents);
  Value ofRows = *update == Update::Replace ? findRowIndices(node, *axis) : Value();
  FailureOr<Value> indices =
      countFromBegin(node, ofRows ? ofRows : node.getInput(1), extents[*axis]);
  if (failed(indices))
    return failure();
  if (!ofRows)
    return node.setResult(scatterLines(node, *axis, *update, *indices), extents);
  return node.setResult(scatterRows(node, *axis, *indices), extents);
}

/// The first index if the indices of a ScatterND are constants that follow each other: rows
/// of the data, which has `rows` of them.
static std::optional<int64_t> findRun(NodeImporter &node, int64_t rows) {
  std::optional<cnn::ConstantData> indices = node.getConstant(1);
  if (!indices)
    return std::nullopt;
  auto get = [&](int64_t i) {
    int64_t index = indices->getInt(i);
    return index < 0 ? index + rows : index;
  };
  int64_t first = get(0), count = indices->getNumElements();
  if (first < 0 || first + count > rows)
    return std::nullopt;
  for (int64_t i = 1; i < count; ++i)
    if (get(i) != first + i)
      return std::nullopt;
  return first;
}

/// The data of a ScatterND with its updates in the place of the rows from `first` on. As a
/// concatenation, the updates can be computed in their place.
static FailureOr<Value> replaceRows(NodeImporter &node, int64_t first) {
  Value data = node.getInput(0);
  SmallVector<int64_t> shape(NodeImporter::getShape(data));
  int64_t rows = shape[0], count = llvm::product_of(node.getShape(1));
  SmallVector<int64_t> offsets(shape.size(), 0), steps(shape.size(), 1);
  SmallVector<Value> parts;
  auto add = [&](int64_t begin, int64_t end) -> LogicalResult {
    if (begin == end)
      return success();
    offsets[0] = begin;
    shape[0] = end - begin;
    FailureOr<Value> part = node.slice(data, offsets, shape, steps);
    if (succeeded(part))
      parts.push_back(*part);
    return part;
  };
  if (failed(add(0, first)))
    return failure();
  shape[0] = count;
  FailureOr<Value> updates = node.reshape(node.getInput(2), shape);
  if (failed(updates))
    return failure();
  parts.push_back(*updates);
  if (failed(add(first + count, rows)))
    return failure();
  return parts.size() == 1 ? parts[0] : node.create<cnn::ConcatOp>(parts, 0);
}

/// A point is a position inside of the slices: there all slices are copied, and then the
/// updates are made in order.
static LogicalResult importScatterND(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> shape = NodeImporter::getShape(input), which = node.getShape(1);
  FailureOr<Update> update = readUpdate(node);
  if (failed(update))
    return failure();
  if (which.empty() || shape.empty() || which.back() < 1 ||
      which.back() > int64_t(shape.size()))
    return node.error("indices of shape " + formatShape(which) + " do not fit data of rank " +
                      Twine(shape.size()));
  int64_t depth = which.back();
  ArrayRef<int64_t> batch = which.drop_back(), slice = shape.drop_front(depth);
  SmallVector<int64_t> expected(batch);
  llvm::append_range(expected, slice);
  if (node.getShape(2) != ArrayRef(expected))
    return node.error(node.describeInput(2) + " has shape " + formatShape(node.getShape(2)) +
                      ", expected " + formatShape(expected));
  SmallVector<DimSize> extents = node.getExtents(0);
  if (llvm::is_contained(which, 0))
    return node.setResult(input, extents);
  // Exporters write an assignment to a slice in this way.
  if (*update == Update::Replace && depth == 1 && !node.hasSizes(0))
    if (std::optional<int64_t> first = findRun(node, shape[0]))
      return node.setResult(replaceRows(node, *first));
  FailureOr<Value> indices =
      countFromBegin(node, node.getInput(1), ArrayRef(extents).take_front(depth));
  if (failed(indices))
    return failure();
  SmallVector<Value> operands = {input, *indices, node.getInput(2)};
  SmallVector<DimSize> numbers = node.getExtents(1);
  Counted counted(ArrayRef(numbers).drop_back(), operands);
  FailureOr<Value> result = node.compute(
      "scatter_nd", slice, operands, shape, NodeImporter::getElementType(input),
      [&](ComputeBody &body) {
        auto inSlice = [&](ArrayRef<Scalar> leading) {
          Scalars at(leading);
          llvm::append_range(at, body.point());
          return at;
        };
        body.loops(shape.take_front(depth), [&](ArrayRef<Scalar> at) {
          body.output().store(body.input(0).load(inSlice(at)), inSlice(at));
        });
        body.loops(batch, [&](ArrayRef<Scalar> number) {
          body.when(counted.contains(body, number), [&] {
            Scalars to;
            for (int64_t i = 0; i < depth; ++i) {
              Scalars place(number);
              place.push_back(body.index(i));
              to.push_back(toElementIndex(body.input(1).load(place), shape[i]));
            }
            emitUpdate(body, *update, body.input(2).load(inSlice(number)), inSlice(to));
          });
        });
      });
  return node.setResult(result, extents);
}

/// Writes a piece of a sequence into a cache, from the position of each batch entry on.
static LogicalResult importTensorScatter(NodeImporter &node) {
  Value cache = node.getInput(0), update = node.getInput(1), begin = node.getInput(2);
  ArrayRef<int64_t> shape = NodeImporter::getShape(cache), piece = node.getShape(1);
  FailureOr<int64_t> axis = node.normalizeAxis(node.getInt("axis", -2), shape.size());
  StringRef mode = node.getString("mode", "linear");
  if (failed(axis))
    return failure();
  if (mode != "linear" && mode != "circular")
    return node.error("attribute 'mode' is '" + mode + "', expected linear or circular");
  SmallVector<int64_t> expected(shape);
  if (piece.size() == shape.size())
    expected[*axis] = std::min(piece[*axis], shape[*axis]);
  if (piece != ArrayRef(expected) || *axis == 0)
    return node.error(node.describeInput(1) + " has shape " + formatShape(piece) +
                      ", which does not fit the cache's " + formatShape(shape));
  if (begin && node.getShape(2) != shape.take_front(1))
    return node.error(node.describeInput(2) + " has shape " + formatShape(node.getShape(2)) +
                      ", expected " + Twine(shape[0]));
  SmallVector<Value> operands = {cache, update};
  if (begin)
    operands.push_back(begin);
  return node.setResult(node.computeElements(
      "tensor_scatter", operands, shape, NodeImporter::getElementType(cache),
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalars source(at);
        if (begin)
          source[*axis] = at[*axis] - body.input(2).load({at[0]}).toIndex();
        if (mode == "circular")
          source[*axis] = source[*axis].floorMod(body.index(shape[*axis]));
        return loadInside(body, 1, source, body.input(0).load(at));
      }));
}

//===----------------------------------------------------------------------===//
// Inverses of windows
//===----------------------------------------------------------------------===//

/// Each pooled element goes back to the place that it had; the others are 0. The indices
/// count the elements of the tensor that was pooled, which output_shape may extend.
static LogicalResult importMaxUnpool(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> pooled = NodeImporter::getShape(input);
  size_t rank = pooled.size() - 2;
  if (pooled.size() < 3 || !node.hasAttribute("kernel_shape"))
    return node.error("has no attribute 'kernel_shape', or an input of rank below 3");
  SmallVector<int64_t> kernel = node.getSizes("kernel_shape", rank, 1, 1);
  SmallVector<int64_t> strides = node.getSizes("strides", rank, 1, 1);
  SmallVector<int64_t> pads = node.getSizes("pads", 2 * rank, 0, 0);
  if (node.hasError())
    return failure();
  if (node.getShape(1) != pooled)
    return node.error("inputs have shapes " + formatShape(pooled) + " and " +
                      formatShape(node.getShape(1)));
  SmallVector<int64_t> unpooled(pooled.take_front(2));
  for (size_t i = 0; i < rank; ++i)
    unpooled.push_back((pooled[i + 2] - 1) * strides[i] - pads[i] - pads[rank + i] +
                       kernel[i]);
  SmallVector<int64_t> shape = unpooled;
  if (node.getInput(2)) {
    std::optional<SmallVector<int64_t>> stated = node.getConstantInts(2);
    if (!stated)
      return failure();
    shape = *stated;
  }
  auto fits = [](auto pair) {
    return std::get<1>(pair) >= 1 && std::get<0>(pair) >= std::get<1>(pair);
  };
  if (shape.size() != unpooled.size() || !llvm::all_of(llvm::zip(shape, unpooled), fits))
    return node.error("the result of shape " + formatShape(shape) +
                      " does not hold what was pooled, of shape " + formatShape(unpooled));
  Type type = NodeImporter::getElementType(input);
  ArrayRef<int64_t> planes = pooled.take_front(2);
  return node.setResult(node.compute(
      "max_unpool", planes, {input, node.getInput(1)}, shape, type, [&](ComputeBody &body) {
        auto inPlane = [&](ArrayRef<Scalar> pixel) {
          Scalars at = body.point();
          llvm::append_range(at, pixel);
          return at;
        };
        body.loops(ArrayRef(shape).drop_front(2), [&](ArrayRef<Scalar> pixel) {
          body.output().store(body.number(type, 0), inPlane(pixel));
        });
        int64_t size = llvm::product_of(ArrayRef(unpooled).drop_front(2));
        Scalar first = (body.at(0) * planes[1] + body.at(1)) * size;
        body.loops(pooled.drop_front(2), [&](ArrayRef<Scalar> pixel) {
          Scalar place = body.input(1).load(inPlane(pixel)).toIndex() - first;
          place = place.clamp(body.index(0), body.index(size - 1));
          Scalars to(rank);
          for (int64_t i = rank - 1; i >= 0; --i) {
            to[i] = place % body.index(unpooled[i + 2]);
            place = place / body.index(unpooled[i + 2]);
          }
          body.output().store(body.input(0).load(inPlane(pixel)), inPlane(to));
        });
      }));
}

/// Adds up overlapping blocks. An element sums the blocks that reach it.
static LogicalResult importCol2Im(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> from = NodeImporter::getShape(input);
  std::optional<SmallVector<int64_t>> image = node.getConstantInts(1);
  std::optional<SmallVector<int64_t>> block = node.getConstantInts(2);
  if (!image || !block)
    return failure();
  size_t rank = image->size();
  SmallVector<int64_t> dilations = node.getSizes("dilations", rank, 1, 1);
  SmallVector<int64_t> strides = node.getSizes("strides", rank, 1, 1);
  SmallVector<int64_t> pads = node.getSizes("pads", 2 * rank, 0, 0);
  if (node.hasError())
    return failure();
  if (from.size() != 3 || rank < 1 || block->size() != rank)
    return node.error("expects an input of rank 3, and an image and a block of equal rank");
  SmallVector<int64_t> counts;
  int64_t blockSize = 1, blocks = 1;
  for (size_t i = 0; i < rank; ++i) {
    int64_t size = (*block)[i], reach = dilations[i] * (size - 1) + 1;
    int64_t room = (*image)[i] + pads[i] + pads[rank + i] - reach;
    if (size < 1 || size > from[1] || room < 0)
      return node.error("a block of " + Twine(size) + " does not fit dimension " + Twine(i) +
                        " of the image");
    counts.push_back(room / strides[i] + 1);
    if (llvm::MulOverflow(blockSize, size, blockSize) ||
        llvm::MulOverflow(blocks, counts.back(), blocks))
      return node.error("the blocks are too large");
  }
  if (from[1] % blockSize || from[2] != blocks)
    return node.error("input of shape " + formatShape(from) + " does not hold " +
                      Twine(blocks) + " blocks of " + Twine(blockSize));
  SmallVector<int64_t> shape = {from[0], from[1] / blockSize};
  llvm::append_range(shape, *image);
  Type type = NodeImporter::getElementType(input);
  return node.setResult(node.computeElements(
      "col2im", input, shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar zero = body.number(type, 0);
        std::function<Scalar(size_t, Scalar, Scalar, Scalar, Scalar)> sum =
            [&](size_t dim, Scalar part, Scalar which, Scalar inside, Scalar total) {
              if (dim == rank) {
                Scalar channel = at[1] * blockSize + part;
                Scalar safe = inside.select(which, body.index(0));
                Scalar value = body.input(0).load({at[0], channel, safe});
                return total + inside.select(value, zero);
              }
              return body
                  .loop(body.index(0), body.index((*block)[dim]), {total},
                        [&, dim](Scalar i, ArrayRef<Scalar> carried) -> Scalars {
                          Scalar place = at[dim + 2] + pads[dim] - i * dilations[dim];
                          Scalar number = place / body.index(strides[dim]);
                          Scalar fits = (place >= 0) & (number < counts[dim]) &
                                        (number * strides[dim] == place);
                          return {sum(dim + 1, part * (*block)[dim] + i,
                                      which * counts[dim] + number, inside & fits,
                                      carried[0])};
                        })
                  .front();
            };
        return sum(0, body.index(0), body.index(0), body.truth(true), zero);
      }));
}

ArrayRef<OpEntry> convoy::onnximport::getScatterOps() {
  static constexpr OpEntry ops[] = {
      {"Col2Im", importCol2Im, 3, 3, InputTypes(kNumber | kBool, kInteger, kInteger), 18,
       kNoEnd, "image_shape and block_shape must be constant"},
      {"MaxUnpool", importMaxUnpool, 2, 3, InputTypes(kFloat, kIndex, kInteger), 9, kNoEnd,
       "output_shape must be constant"},
      {"Scatter", importScatterElements, 3, 3, InputTypes(kAny, kIndex, kAny), 9, kNoEnd,
       "taken although ONNX deprecates it from opset 11 on"},
      OpEntry{"ScatterElements", importScatterElements, 3, 3, InputTypes(kAny, kIndex, kAny),
              11}
          .with(ruleOfItself),
      OpEntry{"ScatterND", importScatterND, 3, 3, InputTypes(kAny, kIndex, kAny), 11}.with(
          ruleOfItself),
      {"TensorScatter", importTensorScatter, 2, 3, InputTypes(kAny, kAny, kIndex), 24},
  };
  return ops;
}
