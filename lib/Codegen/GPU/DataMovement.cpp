//===- DataMovement.cpp - Layout changes and concatenation on a GPU -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A layout change goes through tiles of a channel block by some pixels in shared memory, so
// that neighbouring threads access neighbouring elements on both sides. Small maps are moved
// without tiles.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/Reorder.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

ShapedType getType(Value value) { return cast<ShapedType>(value.getType()); }

//===----------------------------------------------------------------------===//
// cnn.reorder
//===----------------------------------------------------------------------===//

/// Pixels of a tile, and of the smallest map that is moved by tiles; smaller ones are moved
/// element by element.
constexpr int64_t kTilePixels = 64;
constexpr int64_t kMinTilePixels = 16;

/// Writes the code of one thread.
class Reorder : ReorderShape {
public:
  explicit Reorder(ReorderOp op)
      : ReorderShape(op), element(getType(op.getInit()).getElementType()) {}

  LogicalResult build(GpuKernels &kernels) {
    // A tile in shared memory has floats.
    if (!isGpuFloat(element) || pixels < kMinTilePixels || block % kGpuQuad != 0 ||
        kTilePixels * block > 4096)
      return kernels.addThreads("reorder", batch * blocks * pixels * block,
                                [&](GpuKernel &kernel, Value index) {
                                  start(kernel);
                                  moveElement(index);
                                });
    int64_t tiles = llvm::divideCeil(pixels, kTilePixels);
    return kernels.add("reorder", {tiles, blocks, batch}, {kGpuBlockThreads},
                       [&](GpuKernel &kernel) {
                         start(kernel);
                         moveTile(kernel);
                       });
  }

private:
  void start(GpuKernel &kernel) {
    b = &kernel.b;
    k = &kernel;
    Value input = flatten(*b, kernel.operands[0]), output = flatten(*b, kernel.operands[1]);
    int64_t inputStride = getImageStride(kernel.operands[0]);
    int64_t outputStride = getImageStride(kernel.operands[1]);
    plainStride = toBlocked ? inputStride : outputStride;
    blockedStride = toBlocked ? outputStride : inputStride;
    plain = toBlocked ? input : output;
    blocked = toBlocked ? output : input;
    zero = emitConstant(*b, b->getLoc(), isGpuFloat(element) ? Type(b->getF32Type()) : element,
                        0.0);
  }

  /// The index of an element in plain data; its channel must exist.
  Value locatePlain(Value image, Value channel, Value pixel) {
    channel = emitPlainChannel(*b, channel);
    Value place = add(*b, affine(*b, channel, pixels, 0), pixel);
    return add(*b, affine(*b, image, plainStride, 0), place);
  }

  Value locateBlocked(Value image, Value channelBlock, Value pixel, Value lane) {
    Value place = add(*b, affine(*b, channelBlock, pixels, 0), pixel);
    place = add(*b, affine(*b, place, block, 0), lane);
    return add(*b, affine(*b, image, blockedStride, 0), place);
  }

  /// Whether a channel of the last block exists; null if all do.
  Value exists(Value channel) {
    return channels % block ? emitIsInside(*b, channel, channels) : Value();
  }

  /// Moves one element: number `index` of the blocked side.
  void moveElement(Value index) {
    Values at = delinearize(*b, index, {batch, blocks, pixels, block});
    Value channel = add(*b, affine(*b, at[1], block, 0), at[3]);
    Value inside = exists(channel), place = locatePlain(at[0], channel, at[2]);
    Value other = locateBlocked(at[0], at[1], at[2], at[3]);
    if (toBlocked) {
      storeElements(*b, loadElementsOr(*b, plain, place, 1, inside, zero), blocked, other);
      return;
    }
    k->when(inside,
            [&] { storeElements(*b, loadElements(*b, blocked, other, 1), plain, place); });
  }

  /// Moves 64 pixels of a channel block. Neighbouring threads access neighbouring pixels on
  /// the plain side, and neighbouring elements of the block on the blocked side.
  void moveTile(GpuKernel &kernel) {
    // One element per pixel more than the block has, so that the elements of a channel are in
    // different banks.
    tile = kernel.shared({kTilePixels * (block + 1)}, b->getF32Type());
    firstPixel = affine(*b, kernel.block(0), kTilePixels, 0);
    firstChannel = affine(*b, kernel.block(1), block, 0);
    image = kernel.block(2);
    if (toBlocked)
      movePlainSide();
    else
      moveBlockedSide();
    kernel.barrier();
    if (toBlocked)
      moveBlockedSide();
    else
      movePlainSide();
  }

  Value locateTile(Value pixel, Value channel) {
    return add(*b, affine(*b, pixel, block + 1, 0), channel);
  }
  Value isPixel(Value pixel) {
    return pixels % kTilePixels ? emitIsInside(*b, pixel, pixels) : Value();
  }

  void movePlainSide() {
    constexpr int64_t rows = kGpuBlockThreads / kTilePixels;
    Values at = delinearize(*b, k->thread(), {rows, kTilePixels});
    Value pixel = add(*b, firstPixel, at[1]);
    for (int64_t row = 0; row < block; row += rows) {
      Value lane = affine(*b, at[0], 1, row), channel = add(*b, firstChannel, lane);
      Value inside = emitBoth(*b, isPixel(pixel), exists(channel));
      if (rows > block - row)
        inside = emitBoth(*b, inside, emitIsInside(*b, lane, block));
      Value place = locatePlain(image, channel, pixel), shared = locateTile(at[1], lane);
      if (toBlocked) {
        storeElements(*b, loadElementsOr(*b, plain, place, 1, inside, zero), tile, shared);
        continue;
      }
      k->when(inside,
              [&] { storeElements(*b, loadElements(*b, tile, shared, 1), plain, place); });
    }
  }

  void moveBlockedSide() {
    int64_t quads = kTilePixels * block / kGpuQuad;
    auto type = VectorType::get({kGpuQuad}, b->getF32Type());
    for (int64_t i = 0; i < quads; i += kGpuBlockThreads) {
      Value quad = affine(*b, k->thread(), 1, i);
      Values at = delinearize(*b, quad, {kTilePixels, block / kGpuQuad});
      Value pixel = add(*b, firstPixel, at[0]), inside = isPixel(pixel);
      if (quads - i < kGpuBlockThreads)
        inside = emitBoth(*b, inside, emitIsInside(*b, quad, quads));
      Value lane = affine(*b, at[1], kGpuQuad, 0);
      Value place = locateBlocked(image, k->block(1), pixel, lane);
      k->when(inside, [&] {
        Value shared = locateTile(at[0], lane);
        Value loaded = toBlocked ? Value() : loadElements(*b, blocked, place, kGpuQuad);
        Values parts;
        for (int64_t j = 0; j < kGpuQuad; ++j) {
          Value element = affine(*b, shared, 1, j);
          if (toBlocked)
            parts.push_back(loadElements(*b, tile, element, 1));
          else
            storeElements(*b, vector::ExtractOp::create(*b, loaded, j), tile, element);
        }
        if (toBlocked)
          storeElements(*b, vector::FromElementsOp::create(*b, type, parts), blocked, place);
      });
    }
  }

  Type element;
  /// Elements from an image to the next.
  int64_t plainStride = 0, blockedStride = 0;
  ImplicitLocOpBuilder *b = nullptr;
  GpuKernel *k = nullptr;
  Value plain, blocked, zero, tile, firstPixel, firstChannel, image;
};

struct ReorderFamily : GpuKernelFamily {
  bool matches(Operation *op, TargetAttr) const override {
    auto reorder = dyn_cast<ReorderOp>(op);
    Type element = reorder ? getType(reorder.getInit()).getElementType() : Type();
    return reorder && (isGpuFloat(element) || element.isInteger(8) || element.isInteger(16) ||
                       element.isInteger(32));
  }
  LogicalResult build(GpuKernels &kernels, Operation *op, TargetAttr) const override {
    return Reorder(cast<ReorderOp>(op)).build(kernels);
  }
};

//===----------------------------------------------------------------------===//
// cnn.concat
//===----------------------------------------------------------------------===//

/// Each thread copies an element, or some side by side, of every input.
struct ConcatFamily : GpuKernelFamily {
  bool matches(Operation *op, TargetAttr) const override {
    auto concat = dyn_cast<ConcatOp>(op);
    return concat && getType(concat.getInit()).getElementType().isIntOrIndexOrFloat();
  }

  LogicalResult build(GpuKernels &kernels, Operation *operation, TargetAttr) const override {
    auto op = cast<ConcatOp>(operation);
    Type element = getType(op.getInit()).getElementType();
    auto getRow = [&](Value value) -> int64_t {
      return llvm::product_of(getType(value).getShape().drop_front(op.getAxis()));
    };
    int64_t longest = 0;
    for (Value input : op.getInputs())
      longest = std::max(longest, getType(input).getNumElements());
    int64_t lanes = getAccessLanes(element, longest, [&](int64_t lanes) {
      return llvm::all_of(llvm::enumerate(op->getOperands()), [&](auto operand) {
        return isAligned(op, operand.index()) && getRow(operand.value()) % lanes == 0;
      });
    });
    return kernels.addThreads("concat", longest / lanes, [&](GpuKernel &kernel, Value index) {
      ImplicitLocOpBuilder &b = kernel.b;
      Value output = flatten(b, kernel.operands.back());
      int64_t row = getRow(op.getInit()) / lanes, offset = 0;
      for (Value operand : ArrayRef(kernel.operands).drop_back()) {
        int64_t part = getRow(operand) / lanes;
        int64_t count = getType(operand).getNumElements() / lanes;
        auto copy = [&] {
          Values at = delinearize(b, index, {count / part, part});
          Value to = affine(b, add(b, affine(b, at[0], row, 0), at[1]), lanes, offset * lanes);
          Value from = affine(b, index, lanes, 0);
          storeElements(b, loadElements(b, flatten(b, operand), from, lanes), output, to);
        };
        if (count == longest / lanes)
          copy();
        else if (count > 0)
          kernel.when(emitIsInside(b, index, count), copy);
        offset += part;
      }
    });
  }
};

} // namespace

void convoy::gpu::addDataMovementKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<ReorderFamily>());
  families.push_back(std::make_unique<ConcatFamily>());
}
