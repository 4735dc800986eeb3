//===- ConvRegisterTile.cpp - A register tile of a convolution ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/ConvRegisterTile.h"

#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

/// The most cache lines of the next row that a register tile prefetches.
static constexpr int64_t kPrefetchedLines = 32;

ConvRegisterTile::ConvRegisterTile(ImplicitLocOpBuilder &builder, ConvOpInterface op,
                                   ValueRange operands, TargetAttr target)
    : ConvOperands(op, operands), b(builder), op(op), tile(getConvTile(op)),
      window(getConvWindow(op)), inputBlocked(op.isInputBlocked()),
      outputBlocked(op.isOutputBlocked()), cpu(getCpu(target)),
      product(b, op, target, tile.lanes), region(b, op, epilogueInputs),
      vectorType(product.getSumType()) {
  filter = product.flattenFilter(filter);
}

int64_t ConvRegisterTile::countTasks(ConvOpInterface op, const ConvTile &tile,
                                     ArrayRef<int64_t> outerOutput) {
  int64_t tasks = op.getOutputType().getDimSize(0) * tile.groups * tile.outputTiles;
  for (int64_t extent : outerOutput)
    tasks *= extent;
  return tasks;
}

void ConvRegisterTile::setTask(Value task, ArrayRef<int64_t> outerOutput) {
  SmallVector<int64_t> extents = {op.getOutputType().getDimSize(0), tile.groups};
  llvm::append_range(extents, outerOutput);
  bool keepsRows = op.getScheduleAttr().getOrder() == LoopOrder::pixels;
  size_t tileDim = keepsRows ? extents.size() : 2;
  extents.insert(extents.begin() + tileDim, tile.outputTiles);
  SmallVector<Value> indices = delinearize(b, task, extents);
  batch = inputImage = indices[0];
  group = indices[1];
  outputTile = indices[tileDim];
  indices.erase(indices.begin() + tileDim);
  outer.assign(indices.begin() + 2, indices.end());
  // The first channel block of this tile, counted through all groups.
  firstBlock =
      add(b, affine(b, group, tile.outputBlocks(), 0), affine(b, outputTile, tile.blocks, 0));
}

void ConvRegisterTile::prefetchNextRow(const PixelTile &pixels) {
  if (inputBlocked || window.rank() < 2)
    return;
  int64_t line = cpu.lineBytes / int64_t(sizeof(float));
  size_t dim = window.rank() - 2;
  int64_t stride = window.strides[dim], columns = pixels.size * window.strides.back();
  int64_t lines = tile.groupInputs * stride * llvm::divideCeil(columns, line);
  int64_t last = (window.kernel[dim] - 1) * window.dilations[dim] - window.padsBegin[dim];
  if (lines > kPrefetchedLines || last < 0)
    return;
  auto clamp = [&](Value coordinate, size_t d) {
    return arith::MinSIOp::create(b, coordinate, indexConstant(b, window.input[d] - 1));
  };
  Value firstColumn = affine(b, pixels.start, window.strides.back(), 0);
  for (int64_t row = 1; row <= stride; ++row) {
    SmallVector<Value> indices = {batch, Value()};
    for (size_t d = 0; d < dim; ++d)
      indices.push_back(clamp(affine(b, outer[d], window.strides[d], 0), d));
    indices.push_back(clamp(affine(b, outer[dim], stride, last + row), dim));
    indices.push_back(Value());
    for (int64_t channel = 0; channel < tile.groupInputs; ++channel)
      for (int64_t column = 0; column < columns; column += line) {
        indices[1] = affine(b, group, tile.groupInputs, channel);
        indices.back() = affine(b, firstColumn, 1, column);
        memref::PrefetchOp::create(b, input, indices, /*isWrite=*/false, /*localityHint=*/3,
                                   /*isDataCache=*/true);
      }
  }
}

SmallVector<Value> ConvRegisterTile::initAccumulators(int64_t pixels) {
  SmallVector<Value> sums;
  for (int64_t block = 0; block < tile.blocks; ++block) {
    Value start;
    if (bias)
      start = vector::LoadOp::create(
          b, vectorType, bias,
          ValueRange{affine(b, affine(b, firstBlock, 1, block), tile.lanes, 0)});
    else
      start = zeroVector(b, vectorType);
    sums.append(pixels, start);
  }
  return sums;
}

SmallVector<Value> ConvRegisterTile::forEachChunk(SmallVector<Value> sums, ChunkBody body) {
  int64_t partial = tile.groupInputs % tile.inputChunk;
  int64_t whole = tile.inputChunks - (partial ? 1 : 0);
  if (whole > 0)
    sums = emitLoop(b, whole, sums, [&](Value chunk, ValueRange carried) {
      return body(chunk, tile.inputChunk, carried);
    });
  if (partial)
    sums = body(indexConstant(b, whole), partial, sums);
  return sums;
}

/// Whether the loop over the kernel's columns is unrolled, as it is in tiles at a border.
static bool isColumnKnown(const ConvWindow &window, const KernelPosition &position) {
  return window.kernel.back() > 1 && getConstantIntValue(position.kernel.back());
}

SmallVector<Value> ConvRegisterTile::buildPosition(const KernelPosition &position, Value chunk,
                                                   int64_t channels, ValueRange sums) {
  int64_t steps = llvm::divideCeil(channels, product.getInputs());
  prefetchNextTile(position, chunk, steps);
  SmallVector<Value> next = emitLoop(b, steps, sums, [&](Value step, ValueRange carried) {
    return buildStep(position, chunk, step, carried);
  });
  // Only short loops are unrolled, since a tile fills the registers: in longer ones, LLVM
  // would hoist loads and spill. It would do so, too, where the kernel's columns are unrolled.
  if (channels <= cpu.vectors->unrolledChannels && mayUnrollChannels &&
      !isColumnKnown(window, position))
    unrollFully(next);
  else
    keepRolled(next);
  return next;
}

void ConvRegisterTile::prefetchNextTile(const KernelPosition &position, Value chunk,
                                        int64_t steps) {
  if (prefetchShares == 0)
    return;
  Type stored = cast<MemRefType>(filter.getType()).getElementType();
  int64_t line = cpu.lineBytes * 8 / stored.getIntOrFloatBitWidth(),
          row = tile.tileLanes() * product.getInputs();
  for (int64_t i = prefetchShare * line; i < steps * row; i += prefetchShares * line) {
    SmallVector<Value> indices = {group, affine(b, outputTile, 1, 1), chunk};
    llvm::append_range(indices, position.kernel);
    indices.push_back(indexConstant(b, i / row));
    indices.push_back(indexConstant(b, i % row));
    memref::PrefetchOp::create(b, filter, indices, /*isWrite=*/false, /*localityHint=*/2,
                               /*isDataCache=*/true);
  }
}

SmallVector<Value> ConvRegisterTile::buildStep(const KernelPosition &position, Value chunk,
                                               Value step, ValueRange sums) {
  SmallVector<Value> weightIndices = {group, outputTile, chunk};
  llvm::append_range(weightIndices, position.kernel);
  weightIndices.push_back(step);
  weightIndices.push_back(Value());
  SmallVector<Value> weights;
  for (int64_t block = 0; block < tile.blocks; ++block) {
    weightIndices.back() = indexConstant(b, block * tile.lanes);
    weights.push_back(product.loadWeights(filter, weightIndices));
  }
  SmallVector<Value> next(sums);
  int64_t pixels = position.columns.size();
  Value channel = affine(b, step, product.getInputs(), 0);
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    if (!position.columns[pixel])
      continue;
    Value inputs = product.broadcast(input, inputIndices(position, pixel, chunk, channel));
    for (int64_t block = 0; block < tile.blocks; ++block) {
      Value &sum = next[block * pixels + pixel];
      sum = product.add(sum, inputs, weights[block]);
    }
  }
  return next;
}

SmallVector<Value> ConvRegisterTile::inputIndices(const KernelPosition &position,
                                                  int64_t pixel, Value chunk, Value channel) {
  SmallVector<Value> indices = {inputImage};
  Value lane;
  if (inputBlocked) {
    Value block;
    std::tie(block, lane) =
        locateBlock(input, add(b, affine(b, group, tile.inputChunks, 0), chunk));
    indices.push_back(block);
  } else {
    indices.push_back(add(b, affine(b, group, tile.groupInputs, 0), channel));
  }
  llvm::append_range(indices, position.pixelOuter.empty() ? position.outer
                                                          : position.pixelOuter[pixel]);
  indices.push_back(position.columns[pixel]);
  if (inputBlocked)
    indices.push_back(add(b, lane, channel));
  return indices;
}

std::pair<Value, Value> ConvRegisterTile::locateBlock(Value data, Value vector) {
  int64_t vectors = cast<MemRefType>(data.getType()).getShape().back() / tile.lanes;
  if (vectors == 1)
    return {vector, indexConstant(b, 0)};
  Value count = indexConstant(b, vectors);
  return {arith::DivUIOp::create(b, vector, count),
          affine(b, arith::RemUIOp::create(b, vector, count), tile.lanes, 0)};
}

void ConvRegisterTile::store(const PixelTile &pixels, ArrayRef<Value> sums,
                             OutputColumn column) {
  if (outputBlocked)
    storeBlocked(pixels, sums, column);
  else
    storePlain(pixels, sums, column);
}

void ConvRegisterTile::storeBlocked(const PixelTile &pixels, ArrayRef<Value> sums,
                                    OutputColumn column) {
  int64_t vectors = llvm::divideCeil(tile.groupOutputs, tile.lanes);
  int64_t missing = tile.outputBlocks() - vectors;
  Value firstVector = affine(b, outputTile, tile.blocks, 0);
  auto storeVector = [&](int64_t block, Value pixel, Value value) {
    Value vector = add(b, affine(b, group, vectors, block), firstVector);
    auto [outputBlock, lane] = locateBlock(output, vector);
    SmallVector<Value> indices = {batch, outputBlock};
    llvm::append_range(indices, outer);
    indices.push_back(column(add(b, pixels.start, pixel)));
    indices.push_back(lane);
    ConvOperands::store(b, op, region, value, indices);
  };
  auto storeBlocks = [&](int64_t first, int64_t count) {
    ArrayRef<Value> some = sums.slice(first * pixels.size, count * pixels.size);
    region.forEachRow(some, pixels.size, [&](Value pixel, ArrayRef<Value> values) {
      for (auto [i, value] : llvm::enumerate(values))
        storeVector(first + i, pixel, value);
    });
  };
  int64_t present = tile.blocks - missing;
  if (present > 0)
    storeBlocks(0, present);
  // The last tile may have vectors that the output lacks.
  for (int64_t block = present; block < tile.blocks; ++block) {
    Value exists =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, affine(b, firstVector, 1, block),
                              indexConstant(b, vectors));
    emitIf(b, exists, [&] { storeBlocks(block, 1); });
  }
}

/// Stores by way of a scratch tile, since the lanes of a vector are a plane apart in plain
/// data.
void ConvRegisterTile::storePlain(const PixelTile &pixels, ArrayRef<Value> sums,
                                  OutputColumn column) {
  if (!scratch)
    scratch = emitScratch(
        b, MemRefType::get({tile.pixels, tile.tileLanes()}, vectorType.getElementType()));
  for (int64_t block = 0; block < tile.blocks; ++block)
    for (int64_t pixel = 0; pixel < pixels.size; ++pixel) {
      Value value = sums[block * pixels.size + pixel];
      if (!residual)
        value = emitUnary(b, b.getLoc(), op.getActivation(), value);
      vector::StoreOp::create(
          b, value, scratch,
          ValueRange{indexConstant(b, pixel), indexConstant(b, block * tile.lanes)});
    }
  // Channels of this tile that exist in the group.
  Value first = affine(b, outputTile, tile.tileLanes(), 0);
  Value count = arith::MinSIOp::create(
      b, arith::SubIOp::create(b, indexConstant(b, tile.groupOutputs), first),
      indexConstant(b, tile.tileLanes()));
  Value firstChannel = add(b, affine(b, group, tile.groupOutputs, 0), first);
  emitLoop(b, indexConstant(b, 0), count, 1, {}, [&](Value lane, ValueRange) {
    emitLoop(b, pixels.size, {}, [&](Value pixel, ValueRange) {
      SmallVector<Value> indices = {batch, add(b, firstChannel, lane)};
      llvm::append_range(indices, outer);
      indices.push_back(column(add(b, pixels.start, pixel)));
      Value value = memref::LoadOp::create(b, scratch, ValueRange{pixel, lane});
      if (residual) {
        Value other = loadAs(b, value.getType(), residual, indices);
        value = emitUnary(b, b.getLoc(), op.getActivation(),
                          arith::AddFOp::create(b, value, other));
      }
      storeAs(b, value, output, indices);
      return SmallVector<Value>();
    });
    return SmallVector<Value>();
  });
}
