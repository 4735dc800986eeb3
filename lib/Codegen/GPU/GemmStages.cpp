//===- GemmStages.cpp - Copies into shared memory for a product -----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmStages.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;

using Values = SmallVector<Value>;

static constexpr int64_t kStep = GpuGemmPlan::kStep;

GemmStages::GemmStages(const GemmBlock &block, const GpuConvOperands &operands)
    : block(block), b(block.b), problem(block.problem), plan(block.plan), operands(operands) {
  int64_t threads = plan.threads();
  if (problem.hasChunks) {
    // Four threads copy a pixel's chunks.
    part = arith::RemUIOp::create(b, block.thread, indexConstant(b, GemmBlock::kStageCopies));
    Value first =
        arith::DivUIOp::create(b, block.thread, indexConstant(b, GemmBlock::kStageCopies));
    for (int64_t row = 0; row < plan.pixels; row += threads / GemmBlock::kStageCopies)
      pixels.push_back(preparePixel(affine(b, first, 1, row)));
    return;
  }
  Values position = delinearize(b, block.thread, {threads / plan.pixels, plan.pixels});
  part = position[0];
  pixels.push_back(preparePixel(position[1]));
}

GemmStages::CopiedPixel GemmStages::preparePixel(Value row) {
  CopiedPixel pixel;
  pixel.row = row;
  Value index = add(b, block.firstPixel, row);
  if (problem.pixels % plan.pixels != 0)
    pixel.exists = emitIsInside(b, index, problem.pixels);
  Values position = delinearize(b, index, problem.results);
  pixel.image = affine(b, position[0], problem.imageStride, 0);
  for (size_t i = 0; i < problem.input.size(); ++i)
    pixel.start.push_back(
        affine(b, position[i + 1], problem.strides[i], -problem.padsBegin[i]));
  return pixel;
}

/// The offset in the plane of the input at kernel position `at` of a pixel, and whether it is
/// inside; null if that is certain.
std::pair<Value, Value> GemmStages::locate(const CopiedPixel &pixel, ValueRange at) {
  Value offset = indexConstant(b, 0), inside = pixel.exists;
  for (size_t i = 0; i < problem.input.size(); ++i) {
    Value coordinate = add(b, pixel.start[i], affine(b, at[i], problem.dilations[i], 0));
    int64_t last = (problem.results[i + 1] - 1) * problem.strides[i] - problem.padsBegin[i] +
                   (problem.kernel[i] - 1) * problem.dilations[i];
    if (problem.padsBegin[i] > 0 || last >= problem.input[i])
      inside = emitBoth(b, inside, emitIsInside(b, coordinate, problem.input[i]));
    offset = add(b, affine(b, offset, problem.input[i], 0), coordinate);
  }
  return {offset, inside};
}

/// Starts to copy `count` elements to shared memory; those from `valid` on become zeros.
void GemmStages::copy(Value to, ValueRange at, Value from, Value index, int64_t count,
                      Value valid) {
  Value none = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, valid, indexConstant(b, 0));
  // The address must be in the buffer even if nothing is read.
  index = arith::SelectOp::create(b, none, indexConstant(b, 0), index);
  Value token = nvgpu::DeviceAsyncCopyOp::create(
      b, to, at, from, index, b.getIndexAttr(count), valid,
      /*bypassL1=*/count == block.copied() ? b.getUnitAttr() : UnitAttr());
  tokens.push_back(token);
}

/// `count` if `inside` holds, otherwise 0.
Value GemmStages::countWhere(Value inside, int64_t count) {
  return countWhere(inside, indexConstant(b, count));
}
Value GemmStages::countWhere(Value inside, Value count) {
  return arith::SelectOp::create(b, inside, count, indexConstant(b, 0));
}

/// Whether row `row` of the packed filter is before this block's end.
Value GemmStages::isRow(Value row) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, row, endRow);
}

void GemmStages::copyChunks(Value stage, Value step) {
  // In a stage of several steps, the inputs of one step follow those of the step before.
  Value column = affine(b, part, block.copied(), 0), lane = column;
  if (block.stageSteps() > 1) {
    Values parts = delinearize(b, part, {block.stageSteps(), kStep / block.copied()});
    step = add(b, step, parts[0]);
    lane = affine(b, parts[1], block.copied(), 0);
  }
  Value exists = isRow(affine(b, step, kStep, 0));
  SmallVector<int64_t> extents = {problem.steps / int64_t(llvm::product_of(problem.kernel))};
  llvm::append_range(extents, problem.kernel);
  Values position = delinearize(b, step, extents);
  Value chunk = add(b, affine(b, block.group, problem.groupStride, 0), position[0]);
  Value left = indexConstant(b, block.copied());
  if (problem.groupInputs % kStep != 0) {
    // Lanes past the last channel may have any value, and must not reach a sum.
    Value channel = add(b, affine(b, position[0], kStep, 0), lane);
    Value rest = arith::SubIOp::create(b, indexConstant(b, problem.groupInputs), channel);
    rest = arith::MaxSIOp::create(b, rest, indexConstant(b, 0));
    left = arith::MinSIOp::create(b, rest, left);
  }
  for (const CopiedPixel &pixel : pixels) {
    auto [offset, inside] = locate(pixel, ArrayRef(position).drop_front());
    Value index = add(b, affine(b, chunk, problem.inputPixels(), 0), offset);
    index = add(b, pixel.image, add(b, affine(b, index, kStep, 0), lane));
    copy(block.inputs, {stage, pixel.row, column}, operands.input, index, block.copied(),
         countWhere(emitBoth(b, exists, inside), left));
  }
}

GemmStages::SingleInput GemmStages::locateSingle(Value step, Value column) {
  SmallVector<int64_t> extents(problem.kernel);
  extents.push_back(problem.groupInputs);
  // Rows past the end make the first index larger, and leave the others in range.
  extents.insert(extents.begin(), 2);
  const CopiedPixel &pixel = pixels.front();
  Value row = add(b, affine(b, step, kStep, 0), column);
  Values position = delinearize(b, row, extents);
  auto [offset, inside] = locate(pixel, ArrayRef(position).drop_front().drop_back());
  Value channel = add(b, affine(b, block.group, problem.groupStride, 0), position.back());
  Value index = add(b, affine(b, channel, problem.inputPixels(), 0), offset);
  return {add(b, pixel.image, index), emitBoth(b, isRow(row), inside)};
}

/// Copies inputs one by one; each thread copies some inputs of one pixel.
void GemmStages::copyPlanes(Value stage, Value step) {
  int64_t count = kStep * plan.pixels / plan.threads();
  for (int64_t i = 0; i < count; ++i) {
    Value column = affine(b, part, count, i);
    SingleInput input = locateSingle(step, column);
    copy(block.inputs, {stage, pixels.front().row, column}, operands.input, input.index, 1,
         countWhere(input.inside, 1));
  }
}

/// The same in f16. An asynchronous copy moves at least two f16 at once, so inputs are loaded
/// into registers here, and storeLoaded stores them.
void GemmStages::loadPlanes(Value stage, Value step) {
  int64_t count = block.stageDepth() * plan.pixels / plan.threads();
  auto type = VectorType::get({block.copied()}, block.element);
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  for (int64_t first = 0; first < count; first += block.copied()) {
    Values elements;
    for (int64_t i = first; i < first + block.copied(); ++i) {
      SingleInput input = locateSingle(step, affine(b, part, count, i));
      Value x = loadElementsOr(b, operands.input, input.index, 1, input.inside, zero);
      elements.push_back(arith::TruncFOp::create(b, block.element, x));
    }
    loaded.push_back({vector::FromElementsOp::create(b, type, elements),
                      {stage, pixels.front().row, affine(b, part, count, first)}});
  }
}

void GemmStages::storeLoaded() {
  for (const LoadedInputs &some : loaded)
    vector::StoreOp::create(b, some.elements, block.inputs, some.at, /*nontemporal=*/false,
                            llvm::MaybeAlign(kCopyBytes));
  loaded.clear();
}

void GemmStages::copyFilters(Value stage, Value step) {
  int64_t copies = plan.channels / block.copied();
  Value tile = add(b, affine(b, block.group, problem.outputTiles, 0), block.outputTile);
  Value tileStart = affine(b, tile, problem.depth, 0);
  for (int64_t i = 0; i < block.stageDepth() * copies; i += plan.threads()) {
    Values position =
        delinearize(b, affine(b, block.thread, 1, i), {block.stageDepth(), copies});
    Value column = affine(b, position[1], block.copied(), 0);
    Value row = add(b, affine(b, step, kStep, 0), position[0]);
    Value index = add(b, affine(b, add(b, tileStart, row), plan.channels, 0), column);
    copy(block.filters, {stage, position[0], column}, operands.filter, index, block.copied(),
         countWhere(isRow(row), block.copied()));
  }
}

Value GemmStages::start(Value stage, Value step) {
  if (problem.hasChunks)
    copyChunks(stage, step);
  else if (block.isHalf())
    loadPlanes(stage, step);
  else
    copyPlanes(stage, step);
  copyFilters(stage, step);
  Value group = nvgpu::DeviceAsyncCreateGroupOp::create(
      b, nvgpu::DeviceAsyncTokenType::get(b.getContext()), tokens);
  tokens.clear();
  return group;
}
