//===- Reshape.cpp - Operators that rearrange dimensions ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "SizeRules.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::BinaryKind;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

static int64_t product(ArrayRef<int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<int64_t>());
}

/// The extents of a tensor of extents `source` that is reshaped to `bounds`, the largest
/// shape. Nothing if its elements would no longer come first.
static std::optional<SmallVector<DimSize>>
reshapeExtents(NodeImporter &node, ArrayRef<DimSize> source, ArrayRef<int64_t> bounds) {
  SmallVector<DimSize> result(bounds);
  auto isOpen = [](const DimSize &extent) { return !extent.isConstant(); };
  if (llvm::none_of(source, isOpen) || llvm::is_contained(bounds, 0))
    return result;
  auto isEqual = [](auto pair) { return std::get<0>(pair).bound == std::get<1>(pair); };
  if (source.size() == bounds.size() && llvm::all_of(llvm::zip(source, bounds), isEqual))
    return SmallVector<DimSize>(source);
  SmallVector<DimSize> from;
  SmallVector<int64_t> to; // The dimensions of the result that are not 1.
  for (const DimSize &extent : source)
    if (!(extent == DimSize(1)))
      from.push_back(extent);
  for (auto [dim, bound] : llvm::enumerate(bounds))
    if (bound != 1)
      to.push_back(dim);
  // Groups of dimensions with as many elements.
  for (size_t i = 0, j = 0; i < from.size() && j < to.size(); ++i, ++j) {
    DimSize first = from[i];
    int64_t target = to[j], inner = 1, targetInner = 1;
    bool hasOthers = false;
    while (first.bound * inner != bounds[target] * targetInner) {
      bool extendsSource = first.bound * inner < bounds[target] * targetInner;
      if (extendsSource ? i + 1 == from.size() : j + 1 == to.size())
        return std::nullopt;
      if (extendsSource) {
        hasOthers |= isOpen(from[++i]);
        inner *= from[i].bound;
      } else {
        targetInner *= bounds[to[++j]];
      }
    }
    if (first.isConstant() && !hasOthers)
      continue;
    if (hasOthers || (inner % targetInner && targetInner % inner))
      return std::nullopt;
    result[target] = inner % targetInner == 0
                         ? node.combine(BinaryKind::mul, first, inner / targetInner)
                         : node.combine(BinaryKind::div, first, targetInner / inner);
    result[target].bound = bounds[target];
  }
  return result;
}

/// The product of some extents. Extents that may be 0 count as they are.
static DimSize multiply(NodeImporter &node, ArrayRef<DimSize> extents) {
  DimSize product(1);
  for (const DimSize &extent : extents)
    product = node.combine(BinaryKind::mul, product, extent);
  return product;
}

/// The extent that has as many elements, together with `others`, as `source`.
static FailureOr<DimSize> findOpenExtent(NodeImporter &node, ArrayRef<DimSize> source,
                                         ArrayRef<DimSize> others) {
  SmallVector<DimSize> above(source), below;
  for (const DimSize &extent : others)
    if (auto *same = llvm::find(above, extent); same != above.end())
      above.erase(same);
    else
      below.push_back(extent);
  DimSize total = multiply(node, above), known = multiply(node, below);
  if (known.isConstant() && known.bound > 0)
    return node.combine(BinaryKind::div, total, known);
  FailureOr<Value> size =
      node.binary(BinaryKind::div, node.materialize(total), node.materialize(known));
  return failed(size) ? FailureOr<DimSize>() : node.declareSize(*size, total.bound);
}

/// Reshapes the input to `extents`, and moves its elements to their places at run time.
static LogicalResult moveElements(NodeImporter &node, ArrayRef<DimSize> extents) {
  SmallVector<DimSize> source = node.getExtents(0);
  SmallVector<int64_t> bounds = getBounds(extents);
  Type element = NodeImporter::getElementType(node.getInput(0));
  if (failed(node.checkShape(bounds, element)))
    return failure();
  if (llvm::is_contained(bounds, 0) || llvm::is_contained(getBounds(source), 0))
    return node.setResult(node.zeros(RankedTensorType::get(bounds, element)), extents);
  size_t same = 0;
  while (same < source.size() && same < extents.size() && source[same] == extents[same])
    ++same;
  SmallVector<Value> operands = {node.getInput(0)};
  for (const DimSize &extent : source)
    operands.push_back(node.materialize(extent));
  for (const DimSize &extent : extents)
    operands.push_back(node.materialize(extent));
  Builder &b = node.getBuilder();
  bool isSmall = product(bounds) < INT32_MAX && product(getBounds(source)) < INT32_MAX;
  Type type = isSmall ? b.getI32Type() : b.getI64Type();
  auto write = [&](ComputeBody &body, ArrayRef<Scalar> at) {
    auto getSize = [&](ArrayRef<DimSize> own, unsigned first, size_t dim) {
      return own[dim].size ? body.input(first + dim).load({}).to(type)
                           : body.number(type, double(own[dim].bound));
    };
    unsigned results = 1 + source.size();
    Scalar exists = body.truth(true), number = body.number(type, 0);
    for (size_t dim = 0; dim < extents.size(); ++dim)
      if (extents[dim].size)
        exists = exists & (at[dim].to(type) < getSize(extents, results, dim));
    auto find = [&]() -> Scalars {
      Scalars from(ArrayRef(at).take_front(same));
      from.resize(source.size());
      for (size_t dim = same; dim < extents.size(); ++dim)
        number = number * getSize(extents, results, dim) + at[dim].to(type);
      for (size_t dim = source.size(); dim-- > same;) {
        Scalar size = getSize(source, 1, dim).max(number.integer(1));
        Scalar place = dim == same ? number : number % size;
        from[dim] =
            place.clamp(place.integer(0), place.integer(source[dim].bound - 1)).toIndex();
        number = number / size;
      }
      return {body.input(0).load(from)};
    };
    return body.choose(exists, find, [&]() -> Scalars { return {body.number(element, 0)}; })
        .front();
  };
  return node.setResult(node.computeElements("reshape", operands, bounds, element, write),
                        extents);
}

/// The shape that a Reshape asks for. -1 stands for what follows from the rest.
static std::optional<SmallVector<DimSize>> readShape(NodeImporter &node) {
  std::optional<SmallVector<DimSize>> shape;
  if (node.getOpset() >= 5)
    shape = node.readExtents(1);
  else if (std::optional<SmallVector<int64_t>> constant = node.getInts("shape"))
    shape.emplace(constant->begin(), constant->end());
  else
    (void)node.error("has no attribute 'shape'");
  if (!shape || node.getInt("allowzero", 0) != 0)
    return shape;
  SmallVector<DimSize> source = node.getExtents(0);
  for (auto [index, extent] : llvm::enumerate(*shape)) {
    if (!extent.isConstant() || extent.bound != 0)
      continue;
    if (index >= source.size()) {
      (void)node.error("the shape copies dimension " + Twine(index) + " of an input of rank " +
                       Twine(source.size()));
      return std::nullopt;
    }
    extent = source[index];
  }
  return shape;
}

/// The largest shape. What is computed, but is no dimension of the input, follows from the
/// rest. Nothing, without an error, if there are several such entries.
static FailureOr<std::optional<SmallVector<int64_t>>> findBounds(NodeImporter &node,
                                                                 ArrayRef<DimSize> shape) {
  SmallVector<DimSize> source = node.getExtents(0);
  SmallVector<int64_t> bounds;
  int64_t *open = nullptr, known = 1;
  bool isComputed = false;
  for (const DimSize &extent : shape) {
    auto *same = llvm::find_if(
        source, [&](const DimSize &own) { return extent.size && own.size == extent.size; });
    bounds.push_back(same != source.end() ? same->bound : extent.size ? -1 : extent.bound);
    isComputed |= bool(extent.size);
  }
  for (auto [index, dim] : llvm::enumerate(bounds)) {
    if (dim == -1 && !open)
      open = &dim;
    else if (dim == -1 && isComputed)
      return std::optional<SmallVector<int64_t>>();
    else if (dim < 0)
      return node.error("the shape has the entry " + Twine(dim) + " at " + Twine(index));
    else if (llvm::MulOverflow(known, dim, known))
      return node.error("the shape is too large");
  }
  if (open) {
    int64_t count = product(getBounds(source));
    if (known == 0 || count % known) {
      if (isComputed || node.hasSizes(0))
        return std::optional<SmallVector<int64_t>>();
      return node.error("the shape's other entries make " + Twine(known) +
                        " elements, the input has " + Twine(count) + ": no value of -1 fits");
    }
    *open = count / known;
  }
  return std::optional(bounds);
}

/// Whether a Reshape to `shape` gives no constant dimension the size that `extents` has there.
static bool keepsConstants(ArrayRef<DimSize> shape, ArrayRef<DimSize> extents) {
  return llvm::none_of(llvm::zip_equal(shape, extents), [](auto pair) {
    auto [stated, extent] = pair;
    return stated.isConstant() && stated.bound > 0 && extent.size;
  });
}

static LogicalResult importReshape(NodeImporter &node) {
  std::optional<SmallVector<DimSize>> shape = readShape(node);
  if (!shape)
    return failure();
  FailureOr<std::optional<SmallVector<int64_t>>> bounds = findBounds(node, *shape);
  if (failed(bounds))
    return failure();
  SmallVector<DimSize> source = node.getExtents(0);
  if (*bounds)
    if (auto extents = reshapeExtents(node, source, **bounds);
        extents && keepsConstants(*shape, *extents))
      return node.setResult(node.reshape(node.getInput(0), **bounds), *extents);
  auto isOpen = [](const DimSize &extent) { return extent == DimSize(-1); };
  if (llvm::count_if(*shape, isOpen) > 1)
    return node.error("the shape has several entries of -1");
  if (auto *open = llvm::find_if(*shape, isOpen); open != shape->end()) {
    SmallVector<DimSize> others(*shape);
    others.erase(others.begin() + (open - shape->begin()));
    FailureOr<DimSize> extent = findOpenExtent(node, source, others);
    if (failed(extent))
      return failure();
    *open = *extent;
  }
  return moveElements(node, *shape);
}

static LogicalResult importFlatten(NodeImporter &node) {
  SmallVector<DimSize> source = node.getExtents(0);
  int64_t rank = source.size(), axis = node.getInt("axis", 1);
  if (axis < -rank || axis > rank)
    return node.error("axis " + Twine(axis) + " is out of range for rank " + Twine(rank));
  if (axis < 0)
    axis += rank;
  SmallVector<int64_t> shape = getBounds(source);
  SmallVector<int64_t> bounds = {product(ArrayRef(shape).take_front(axis)),
                                 product(ArrayRef(shape).drop_front(axis))};
  if (auto extents = reshapeExtents(node, source, bounds))
    return node.setResult(node.reshape(node.getInput(0), bounds), *extents);
  return moveElements(node, {multiply(node, ArrayRef(source).take_front(axis)),
                             multiply(node, ArrayRef(source).drop_front(axis))});
}

/// Axes of Squeeze and Unsqueeze: an attribute up to opset 12, an input from 13.
static std::optional<SmallVector<int64_t>> readAxes(NodeImporter &node, bool &present) {
  std::optional<SmallVector<int64_t>> axes;
  if (node.getOpset() < 13) {
    axes = node.getInts("axes");
    present = axes.has_value();
  } else if ((present = bool(node.getInput(1)))) {
    axes = node.getConstantInts(1);
  }
  return axes;
}

/// Reshapes the input to other dimensions of the same sizes but for some of 1.
static LogicalResult setDimensions(NodeImporter &node, ArrayRef<DimSize> extents) {
  return node.setResult(node.reshape(node.getInput(0), getBounds(extents)), extents);
}

static LogicalResult importSqueeze(NodeImporter &node) {
  SmallVector<DimSize> shape = node.getExtents(0), result;
  bool present;
  std::optional<SmallVector<int64_t>> stated = readAxes(node, present);
  if (!present) {
    llvm::copy_if(shape, std::back_inserter(result),
                  [](const DimSize &extent) { return !(extent == DimSize(1)); });
    return setDimensions(node, result);
  }
  if (!stated)
    return failure();
  FailureOr<SmallVector<int64_t>> axes = node.normalizeAxes(*stated, shape.size());
  if (failed(axes))
    return failure();
  for (auto [index, dim] : llvm::enumerate(shape)) {
    if (!llvm::is_contained(*axes, int64_t(index)))
      result.push_back(dim);
    else if (dim.bound != 1)
      return node.error("dimension " + Twine(index) + " has " + Twine(dim.bound) +
                        " elements and cannot be squeezed");
  }
  return setDimensions(node, result);
}

static LogicalResult importUnsqueeze(NodeImporter &node) {
  bool present;
  std::optional<SmallVector<int64_t>> stated = readAxes(node, present);
  if (!stated)
    return present ? failure() : node.error("has no axes");
  SmallVector<DimSize> result = node.getExtents(0);
  FailureOr<SmallVector<int64_t>> axes =
      node.normalizeAxes(*stated, result.size() + stated->size());
  if (failed(axes))
    return failure();
  for (int64_t axis : *axes)
    result.insert(result.begin() + axis, DimSize(1));
  return setDimensions(node, result);
}

static LogicalResult importTranspose(NodeImporter &node) {
  Value input = node.getInput(0);
  int64_t rank = NodeImporter::getRank(input);
  std::optional<SmallVector<int64_t>> stated = node.getInts("perm");
  if (!stated) {
    stated.emplace(rank);
    std::iota(stated->rbegin(), stated->rend(), 0);
  }
  if (int64_t(stated->size()) != rank)
    return node.error("attribute 'perm' has " + Twine(stated->size()) +
                      " entries, the input rank " + Twine(rank));
  FailureOr<SmallVector<int64_t>> sorted = node.normalizeAxes(*stated, rank);
  if (failed(sorted))
    return failure();
  for (int64_t &axis : *stated)
    axis += axis < 0 ? rank : 0;
  SmallVector<DimSize> from = node.getExtents(0), extents;
  for (int64_t axis : *stated)
    extents.push_back(from[axis]);
  return node.setResult(node.transpose(input, *stated), extents);
}

/// The four dimensions of the input and the attribute `blocksize`.
static LogicalResult readBlock(NodeImporter &node, SmallVector<int64_t> &shape,
                               int64_t &block) {
  shape.assign(node.getShape(0).begin(), node.getShape(0).end());
  if (shape.size() != 4)
    return node.error(node.describeInput(0) + " has rank " + Twine(shape.size()) +
                      ", expected 4");
  block = node.getInt("blocksize", 0);
  if (block < 1 || block > (1 << 15))
    return node.error("attribute 'blocksize' is " + Twine(block));
  return success();
}

/// Reshapes the input to `split`, transposes it, and reshapes the result to `merged`.
static LogicalResult rearrange(NodeImporter &node, ArrayRef<int64_t> split,
                               ArrayRef<int64_t> permutation, ArrayRef<int64_t> merged) {
  FailureOr<Value> result = node.reshape(node.getInput(0), split);
  if (failed(result) || failed(result = node.transpose(*result, permutation)))
    return failure();
  return node.setResult(node.reshape(*result, merged));
}

/// Whether the place in a block counts before the channel, as in mode DCR; CRD is the other.
static FailureOr<bool> readDepthFirst(NodeImporter &node) {
  StringRef mode = node.getString("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    return node.error("attribute 'mode' is '" + mode + "', expected DCR or CRD");
  return mode == "DCR";
}

static LogicalResult importDepthToSpace(NodeImporter &node) {
  SmallVector<int64_t> shape;
  int64_t block;
  FailureOr<bool> isDepthFirst = readDepthFirst(node);
  if (failed(isDepthFirst) || failed(readBlock(node, shape, block)))
    return failure();
  int64_t n = shape[0], c = shape[1] / (block * block), h = shape[2], w = shape[3];
  if (shape[1] % (block * block))
    return node.error("dimension 1 has " + Twine(shape[1]) + " channels, not a multiple of " +
                      Twine(block * block));
  SmallVector<int64_t> merged = {n, c, h * block, w * block};
  if (*isDepthFirst)
    return rearrange(node, {n, block, block, c, h, w}, {0, 3, 4, 1, 5, 2}, merged);
  return rearrange(node, {n, c, block, block, h, w}, {0, 1, 4, 2, 5, 3}, merged);
}

static LogicalResult importSpaceToDepth(NodeImporter &node) {
  SmallVector<int64_t> shape;
  int64_t block;
  FailureOr<bool> isDepthFirst = true; // Opset 28 adds the attribute 'mode'.
  if (node.getOpset() >= 28)
    isDepthFirst = readDepthFirst(node);
  if (failed(isDepthFirst) || failed(readBlock(node, shape, block)))
    return failure();
  int64_t n = shape[0], c = shape[1], h = shape[2] / block, w = shape[3] / block;
  if (shape[2] % block || shape[3] % block)
    return node.error("dimensions " + Twine(shape[2]) + "x" + Twine(shape[3]) +
                      " are not multiples of the block size " + Twine(block));
  SmallVector<int64_t> permutation = {0, 3, 5, 1, 2, 4};
  if (!*isDepthFirst)
    permutation = {0, 1, 3, 5, 2, 4};
  return rearrange(node, {n, c, h, block, w, block}, permutation,
                   {n, c * block * block, h, w});
}

ArrayRef<OpEntry> convoy::onnximport::getReshapeOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"DepthToSpace", importDepthToSpace, 1, 1}.with(ruleOfBatches),
      OpEntry{"Flatten", importFlatten, 1, 1}.with(ruleOfItself),
      OpEntry{"Reshape", importReshape, 1, 1, kAny, 1, 4}.with(ruleOfItself),
      OpEntry{"Reshape", importReshape, 2, 2, InputTypes(kAny, kInteger), 5, kNoEnd,
              "the shape must be constant, or computed from sizes"}
          .with(ruleOfItself),
      OpEntry{"SpaceToDepth", importSpaceToDepth, 1, 1}.with(ruleOfBatches),
      OpEntry{"Squeeze", importSqueeze, 1, 2, InputTypes(kAny, kInteger), 1, kNoEnd,
              "axes must be constant"}
          .with(ruleOfItself),
      OpEntry{"Transpose", importTranspose, 1, 1}.with(ruleOfItself),
      OpEntry{"Unsqueeze", importUnsqueeze, 1, 2, InputTypes(kAny, kInteger), 1, kNoEnd,
              "axes must be constant"}
          .with(ruleOfItself),
  };
  return ops;
}
