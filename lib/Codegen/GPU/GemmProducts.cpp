//===- GemmProducts.cpp - Products of tiles in shared memory --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmProducts.h"

#include "TensorFragment.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

using Values = SmallVector<Value>;

static constexpr int64_t kStep = GpuGemmPlan::kStep;
/// Pixels per thread in a warp's tile.
static constexpr int64_t kThreadPixels = 8;

Values GemmProducts::emitZeros() {
  if (!usesTensorCores())
    return Values(kThreadPixels * channelQuads(), zeroVector(b, quadType));
  auto type = VectorType::get({2, 2}, b.getF32Type());
  return Values(tileRows() * tileColumns(), zeroVector(b, type));
}

Values GemmProducts::multiply(Value stage, ValueRange sums) {
  if (block.isHalf())
    return multiplyHalves(stage, sums);
  return usesTensorCores() ? multiplyTf32(stage, sums) : multiplyQuads(stage, sums);
}

void GemmProducts::write(ValueRange sums, WritePixel writePixel) {
  if (usesTensorCores())
    writeTiles(sums, writePixel);
  else
    writeQuads(sums, writePixel);
}

//===----------------------------------------------------------------------===//
// Multiply-adds
//===----------------------------------------------------------------------===//

/// The thread's rows and columns in a warp's tile: 4 x 8 threads, pixels 4 apart,
/// channels in quads 32 apart.
Value GemmProducts::threadPixel(int64_t i) {
  Value row = arith::DivUIOp::create(b, block.lane, indexConstant(b, 8));
  return add(b, block.warpPixel, affine(b, row, 1, i * 4));
}
Value GemmProducts::threadChannel(int64_t quadNumber) {
  Value column = arith::RemUIOp::create(b, block.lane, indexConstant(b, 8));
  return add(b, block.warpChannel, affine(b, column, kGpuQuad, quadNumber * 32));
}

Value GemmProducts::loadShared(Value buffer, ValueRange indices) {
  return vector::LoadOp::create(b, quadType, buffer, indices, /*nontemporal=*/false,
                                llvm::MaybeAlign(16));
}

Values GemmProducts::multiplyQuads(Value stage, ValueRange carried) {
  Values sums(carried);
  for (int64_t first = 0; first < kStep; first += kGpuQuad) {
    Values pixelInputs;
    for (int64_t i = 0; i < kThreadPixels; ++i)
      pixelInputs.push_back(
          loadShared(block.inputs, {stage, threadPixel(i), indexConstant(b, first)}));
    for (int64_t k = 0; k < kGpuQuad; ++k) {
      Values weights;
      for (int64_t j = 0; j < channelQuads(); ++j)
        weights.push_back(
            loadShared(block.filters, {stage, indexConstant(b, first + k), threadChannel(j)}));
      for (int64_t i = 0; i < kThreadPixels; ++i) {
        Value element = vector::ExtractOp::create(b, pixelInputs[i], k);
        Value broadcast = vector::BroadcastOp::create(b, quadType, element);
        for (int64_t j = 0; j < channelQuads(); ++j) {
          Value &sum = sums[i * channelQuads() + j];
          sum = vector::FMAOp::create(b, broadcast, weights[j], sum);
        }
      }
    }
  }
  return sums;
}

void GemmProducts::writeQuads(ValueRange sums, WritePixel writePixel) {
  for (int64_t i = 0; i < kThreadPixels; ++i)
    writePixel(threadPixel(i), [&](Finish finish) {
      for (int64_t j = 0; j < channelQuads(); ++j)
        finish(threadChannel(j), sums[i * channelQuads() + j]);
    });
}

//===----------------------------------------------------------------------===//
// Tensor cores: mma.sync, whose fragments the PTX manual draws
//===----------------------------------------------------------------------===//

Value GemmProducts::groupId() {
  return arith::DivUIOp::create(b, block.lane, indexConstant(b, 4));
}
Value GemmProducts::groupLane() {
  return arith::RemUIOp::create(b, block.lane, indexConstant(b, 4));
}

/// Adds half a unit of tf32 to an f32, so that the hardware, which cuts bits off, rounds to
/// nearest.
Value GemmProducts::roundToTf32(Value value) {
  Type i32 = b.getI32Type();
  Value bits = arith::BitcastOp::create(b, i32, value);
  Value half = arith::ConstantIntOp::create(b, i32, 0x1000);
  Value rounded =
      arith::BitcastOp::create(b, b.getF32Type(), arith::AddIOp::create(b, bits, half));
  // The addition can turn the bits of a NaN into those of zero.
  Value isNaN = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, value, value);
  return arith::SelectOp::create(b, isNaN, value, rounded);
}

/// Adds the products of a step's inputs and filters to `sums`, in tiles of 16 pixels by 8
/// channels. `left` and `right` are the fragments of the inputs and of the filters.
void GemmProducts::multiplyTiles(ArrayRef<Value> left, ArrayRef<Value> right, int64_t depth,
                                 MutableArrayRef<Value> sums) {
  for (size_t row = 0; row < left.size(); ++row)
    for (size_t column = 0; column < right.size(); ++column) {
      Value &sum = sums[row * right.size() + column];
      sum = nvgpu::MmaSyncOp::create(b, left[row], right[column], sum,
                                     ArrayRef<int64_t>{16, 8, depth},
                                     /*tf32Enabled=*/!block.isHalf());
    }
}

/// A fragment of `registers` numbers in tf32; `read` gives the f32 of each.
Value GemmProducts::makeFragment(int64_t registers, llvm::function_ref<Value(int64_t)> read) {
  auto type = VectorType::get({registers, 1}, b.getF32Type());
  Value fragment = zeroVector(b, type);
  for (int64_t i = 0; i < registers; ++i)
    fragment =
        vector::InsertOp::create(b, roundToTf32(read(i)), fragment, ArrayRef<int64_t>{i, 0});
  return fragment;
}

Values GemmProducts::multiplyTf32(Value stage, ValueRange carried) {
  constexpr int64_t depth = 8;
  Values sums(carried);
  Value id = groupId(), member = groupLane();
  for (int64_t first = 0; first < kStep; first += depth) {
    Values left, right;
    for (int64_t row = 0; row < tileRows(); ++row)
      left.push_back(makeFragment(4, [&](int64_t reg) -> Value {
        Value pixel = add(b, block.warpPixel, affine(b, id, 1, row * 16 + (reg % 2) * 8));
        Value column = affine(b, member, 1, first + (reg / 2) * depth / 2);
        return memref::LoadOp::create(b, block.inputs, ValueRange{stage, pixel, column});
      }));
    for (int64_t column = 0; column < tileColumns(); ++column)
      right.push_back(makeFragment(2, [&](int64_t reg) -> Value {
        Value row = affine(b, member, 1, first + reg * depth / 2);
        Value channel = add(b, block.warpChannel, affine(b, id, 1, column * 8));
        return memref::LoadOp::create(b, block.filters, ValueRange{stage, row, channel});
      }));
    multiplyTiles(left, right, depth, sums);
  }
  return sums;
}

/// Loads four 8 x 8 matrices of f16, a 16 x 16 part of shared memory from `row` and `column`
/// on. Each thread gives the place of one row of a matrix.
Value GemmProducts::loadMatrices(Value buffer, Value stage, Value row, Value column,
                                 bool transposed) {
  row = add(b, row, arith::RemUIOp::create(b, block.lane, indexConstant(b, 16)));
  Value half = arith::DivUIOp::create(b, block.lane, indexConstant(b, 16));
  column = add(b, column, affine(b, half, 8, 0));
  return nvgpu::LdMatrixOp::create(b, VectorType::get({4, 2}, block.element), buffer,
                                   ValueRange{stage, row, column}, transposed,
                                   /*numTiles=*/4);
}

Values GemmProducts::multiplyHalves(Value stage, ValueRange carried) {
  constexpr int64_t depth = 16;
  Values sums(carried);
  for (int64_t first = 0; first < block.stageDepth(); first += depth) {
    Values left, right;
    for (int64_t row = 0; row < tileRows(); ++row)
      left.push_back(loadMatrices(block.inputs, stage, affine(b, block.warpPixel, 1, row * 16),
                                  indexConstant(b, first), /*transposed=*/false));
    // Two tiles of channels at a time.
    for (int64_t column = 0; column < tileColumns(); column += 2) {
      Value both =
          loadMatrices(block.filters, stage, indexConstant(b, first),
                       affine(b, block.warpChannel, 1, column * 8), /*transposed=*/true);
      for (int64_t first : {0, 2})
        right.push_back(vector::ExtractStridedSliceOp::create(
            b, both, ArrayRef<int64_t>{first}, ArrayRef<int64_t>{2}, ArrayRef<int64_t>{1}));
    }
    multiplyTiles(left, right, depth, sums);
  }
  return sums;
}

void GemmProducts::writeTiles(ValueRange sums, WritePixel writePixel) {
  Value first = add(b, block.warpChannel, getQuadColumn(b, block.lane));
  for (int64_t row = 0; row < tileRows(); ++row)
    for (int64_t upper = 0; upper < 2; ++upper) {
      Values pairs;
      for (int64_t column = 0; column < tileColumns(); ++column)
        pairs.push_back(
            vector::ExtractOp::create(b, sums[row * tileColumns() + column], upper));
      Values quads = swapToQuads(b, block.lane, pairs);
      writePixel(add(b, block.warpPixel, affine(b, groupId(), 1, row * 16 + upper * 8)),
                 [&](Finish finish) {
                   for (auto [i, quad] : llvm::enumerate(quads))
                     finish(affine(b, first, 1, i * 16), quad);
                 });
    }
}
