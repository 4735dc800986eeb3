//===- Reshape.cpp - Operators that rearrange dimensions ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "OpTable.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;

static int64_t product(ArrayRef<int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<int64_t>());
}

static LogicalResult importReshape(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> source = NodeImporter::getShape(input);
  std::optional<SmallVector<int64_t>> shape =
      node.getOpset() < 5 ? node.getInts("shape") : node.getConstantInts(1);
  bool allowZero = node.getInt("allowzero", 0) != 0;
  if (!shape)
    return node.error("has no attribute 'shape'");
  int64_t *open = nullptr, known = 1;
  for (auto [index, dim] : llvm::enumerate(*shape)) {
    if (dim == 0 && !allowZero) {
      if (index >= source.size())
        return node.error("the shape copies dimension " + Twine(index) +
                          " of an input of rank " + Twine(source.size()));
      dim = source[index];
    }
    if (dim == -1 && !open)
      open = &dim;
    else if (dim < 0)
      return node.error("the shape has the entry " + Twine(dim) + " at " + Twine(index));
    else if (llvm::MulOverflow(known, dim, known))
      return node.error("the shape is too large");
  }
  if (open) {
    int64_t count = product(source);
    if (known == 0 || count % known)
      return node.error("the shape's other entries make " + Twine(known) +
                        " elements, the input has " + Twine(count) + ": no value of -1 fits");
    *open = count / known;
  }
  return node.setResult(node.reshape(input, *shape));
}

static LogicalResult importFlatten(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> shape = NodeImporter::getShape(input);
  int64_t rank = shape.size(), axis = node.getInt("axis", 1);
  if (axis < -rank || axis > rank)
    return node.error("axis " + Twine(axis) + " is out of range for rank " + Twine(rank));
  if (axis < 0)
    axis += rank;
  return node.setResult(
      node.reshape(input, {product(shape.take_front(axis)), product(shape.drop_front(axis))}));
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

static LogicalResult importSqueeze(NodeImporter &node) {
  Value input = node.getInput(0);
  ArrayRef<int64_t> shape = NodeImporter::getShape(input);
  bool present;
  std::optional<SmallVector<int64_t>> stated = readAxes(node, present);
  SmallVector<int64_t> result;
  if (!present) {
    llvm::copy_if(shape, std::back_inserter(result), [](int64_t dim) { return dim != 1; });
    return node.setResult(node.reshape(input, result));
  }
  if (!stated)
    return failure();
  FailureOr<SmallVector<int64_t>> axes = node.normalizeAxes(*stated, shape.size());
  if (failed(axes))
    return failure();
  for (auto [index, dim] : llvm::enumerate(shape)) {
    if (!llvm::is_contained(*axes, int64_t(index)))
      result.push_back(dim);
    else if (dim != 1)
      return node.error("dimension " + Twine(index) + " has " + Twine(dim) +
                        " elements and cannot be squeezed");
  }
  return node.setResult(node.reshape(input, result));
}

static LogicalResult importUnsqueeze(NodeImporter &node) {
  Value input = node.getInput(0);
  bool present;
  std::optional<SmallVector<int64_t>> stated = readAxes(node, present);
  if (!stated)
    return present ? failure() : node.error("has no axes");
  SmallVector<int64_t> result(NodeImporter::getShape(input));
  FailureOr<SmallVector<int64_t>> axes =
      node.normalizeAxes(*stated, result.size() + stated->size());
  if (failed(axes))
    return failure();
  for (int64_t axis : *axes)
    result.insert(result.begin() + axis, 1);
  return node.setResult(node.reshape(input, result));
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
  return node.setResult(node.transpose(input, *stated));
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
      {"DepthToSpace", importDepthToSpace, 1, 1},
      {"Flatten", importFlatten, 1, 1},
      {"Reshape", importReshape, 1, 1, kAny, 1, 4},
      {"Reshape", importReshape, 2, 2, InputTypes(kAny, kInteger), 5, kNoEnd,
       "the shape must be constant"},
      {"SpaceToDepth", importSpaceToDepth, 1, 1},
      {"Squeeze", importSqueeze, 1, 2, InputTypes(kAny, kInteger), 1, kNoEnd,
       "axes must be constant"},
      {"Transpose", importTranspose, 1, 1},
      {"Unsqueeze", importUnsqueeze, 1, 2, InputTypes(kAny, kInteger), 1, kNoEnd,
       "axes must be constant"},
  };
  return ops;
}
