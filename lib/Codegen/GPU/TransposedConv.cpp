//===- TransposedConv.cpp - Transposed convolution on a GPU, gathering ----===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Output element o reads input element i by kernel element k if
// o + pad = i * stride + k * dilation. A thread computes a quad of channels of some pixels of
// a row with the same o % stride, a phase: these use the same kernel columns. In each
// dimension it steps from one kernel position that fits the phase to the next.
//
//===----------------------------------------------------------------------===//

#include "ConvEpilogue.h"
#include "ConvThreads.h"

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Codegen/Common/ConvWindow.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

/// How the work is cut into threads.
struct Plan {
  explicit Plan(ConvOpInterface op)
      : tile(getConvTile(op)), window(getConvWindow(op)),
        batch(op.getOutputType().getDimSize(0)), inputBlocked(op.isInputBlocked()),
        outputBlocked(op.isOutputBlocked()), outputChannels(op.getOutputChannels()),
        pixels(tile.pixels) {
    int64_t stride = window.strides.back(), width = window.output.back();
    int64_t inPhase = llvm::divideCeil(width, stride);
    int64_t quads = tile.outputTiles * tile.tileLanes() / kGpuQuad;
    extents = {batch, tile.groups};
    llvm::append_range(extents, window.outerOutput());
    extents.append({stride, int64_t(llvm::divideCeil(inPhase, pixels)), quads});
  }

  ConvTile tile;
  ConvWindow window;
  int64_t batch;
  bool inputBlocked, outputBlocked;
  int64_t outputChannels;
  /// Pixels per thread.
  int64_t pixels;
  /// The extents of the threads: batch, group, rows, phase, pixels in it, quad of output
  /// channels.
  SmallVector<int64_t> extents;
};

/// Writes the code of one thread.
class TransposedConv {
public:
  TransposedConv(GpuKernel &kernel, ConvOpInterface op, const Plan &plan)
      : kernel(kernel), b(kernel.b), plan(plan), window(plan.window), operands(kernel, op),
        type(VectorType::get({kGpuQuad}, b.getF32Type())) {}

  void build(Value index) {
    int64_t rank = window.rank(), lanes = plan.tile.tileLanes();
    Values at = delinearize(b, index, plan.extents);
    batch = at[0];
    group = at[1];
    outer.assign(at.begin() + 2, at.begin() + 1 + rank);
    Value phase = at[rank + 1];
    Value first = affine(b, at[rank + 2], plan.pixels, 0);
    for (int64_t i = 0; i < plan.pixels; ++i)
      columns.push_back(
          add(b, affine(b, affine(b, first, 1, i), window.strides.back(), 0), phase));
    channel = affine(b, at[rank + 3], kGpuQuad, 0);
    Values parts = delinearize(b, channel, {plan.tile.outputTiles, lanes});
    outputTile = add(b, affine(b, group, plan.tile.outputTiles, 0), parts[0]);
    lane = parts[1];

    Value start =
        operands.startSum(b, add(b, affine(b, outputTile, lanes, 0), lane), kGpuQuad);
    Values sums(plan.pixels, start);
    Value none = indexConstant(b, 0);
    sums = forEachRow(0, none, none, sums);
    for (int64_t i = 0; i < plan.pixels; ++i) {
      Value column = columns[i], exists;
      if (plan.extents[rank + 1] * plan.extents[rank + 2] * plan.pixels !=
          window.output.back())
        exists = emitIsInside(b, column, window.output.back());
      kernel.when(exists, [&] { store(sums[i], column); });
    }
  }

private:
  Value divide(Value value, int64_t divisor) {
    if (divisor == 1)
      return value;
    return arith::DivUIOp::create(b, value, indexConstant(b, divisor));
  }

  /// Loops over the kernel positions of dimension `dim` that fit `u` = o + pad. `body` gets
  /// each position, and the input coordinate that it reads, which may be outside of the input.
  Values forEachStep(int64_t dim, Value u, ValueRange inits,
                     llvm::function_ref<Values(Value, Value, ValueRange)> body) {
    int64_t stride = window.strides[dim], dilation = window.dilations[dim];
    int64_t common = std::gcd(stride, dilation), step = stride / common;
    int64_t distance = dilation / common, inverse = 0;
    while (inverse * distance % step != 1 % step)
      ++inverse;
    // If `common` divides u, the first position that fits is (u / common * inverse) % step;
    // otherwise none fits.
    Value first = indexConstant(b, 0), row = u;
    if (step > 1) {
      first = affine(b, divide(u, common), inverse, 0);
      first = arith::RemUIOp::create(b, first, indexConstant(b, step));
      row = arith::SubIOp::create(b, u, affine(b, first, dilation, 0));
    }
    if (stride > 1)
      row = arith::DivSIOp::create(b, row, indexConstant(b, stride));
    Value count = divide(
        arith::SubIOp::create(b, indexConstant(b, window.kernel[dim] + step - 1), first),
        step);
    if (common > 1) {
      Value rest = arith::RemUIOp::create(b, u, indexConstant(b, common));
      Value fits =
          arith::CmpIOp::create(b, arith::CmpIPredicate::eq, rest, indexConstant(b, 0));
      count = arith::SelectOp::create(b, fits, count, indexConstant(b, 0));
    }
    return emitLoop(b, indexConstant(b, 0), count, 1, inits, [&](Value t, ValueRange carried) {
      Value position = add(b, first, affine(b, t, step, 0));
      Value coordinate = arith::SubIOp::create(b, row, affine(b, t, distance, 0));
      return body(position, coordinate, carried);
    });
  }

  /// Loops over the kernel's positions from dimension `dim` on. `position` and `offset` are
  /// the linear indices, in the kernel and in the input, of the dimensions before.
  Values forEachRow(int64_t dim, Value position, Value offset, ValueRange sums) {
    bool isLast = dim == window.rank() - 1;
    Value u = affine(b, isLast ? columns.front() : outer[dim], 1, window.padsBegin[dim]);
    return forEachStep(dim, u, sums, [&](Value k, Value coordinate, ValueRange carried) {
      Value nextPosition = add(b, affine(b, position, window.kernel[dim], 0), k);
      Value nextOffset = affine(b, offset, window.input[dim], 0);
      if (isLast)
        return addPosition(nextPosition, nextOffset, coordinate, carried);
      // A row outside of the input is skipped; all threads of an output row skip the same
      // ones.
      nextOffset = add(b, nextOffset, coordinate);
      Value inside = emitIsInside(b, coordinate, window.input[dim]);
      return emitWhere(inside, carried,
                       [&] { return forEachRow(dim + 1, nextPosition, nextOffset, carried); });
    });
  }

  /// The values that `body` gives if `condition` holds, otherwise `values`.
  Values emitWhere(Value condition, ValueRange values, llvm::function_ref<Values()> body) {
    auto branch = scf::IfOp::create(b, values.getTypes(), condition, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, body());
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, values);
    return Values(branch.getResults());
  }

  /// Adds all input channels of one kernel position.
  Values addPosition(Value position, Value rowOffset, Value column, ValueRange carried) {
    const ConvTile &tile = plan.tile;
    int64_t positions = llvm::product_of(window.kernel);
    Values offsets, insides;
    for (int64_t i = 0; i < plan.pixels; ++i) {
      Value at = affine(b, column, 1, i);
      insides.push_back(emitIsInside(b, at, window.input.back()));
      offsets.push_back(add(b, rowOffset, at));
    }
    auto addChannels = [&](Value chunk, Value firstInput, int64_t count, ValueRange values) {
      Values sums(values);
      Value row = add(b, affine(b, outputTile, tile.inputChunks, 0), chunk);
      row = add(b, affine(b, row, positions, 0), position);
      row = add(b, affine(b, row, tile.inputChunk, 0), firstInput);
      SmallVector<Values> inputs;
      for (int64_t i = 0; i < plan.pixels; ++i)
        inputs.push_back(loadInputs(chunk, firstInput, count, offsets[i], insides[i]));
      for (int64_t j = 0; j < count; ++j) {
        Value from = add(b, affine(b, affine(b, row, 1, j), tile.tileLanes(), 0), lane);
        Value weights = loadLanes(b, operands.filter, from, kGpuQuad);
        for (int64_t i = 0; i < plan.pixels; ++i) {
          Value broadcast = vector::BroadcastOp::create(b, type, inputs[i][j]);
          sums[i] = vector::FMAOp::create(b, broadcast, weights, sums[i]);
        }
      }
      return sums;
    };
    // Whole quads of inputs, then the rest of the last chunk.
    auto addChunk = [&](Value chunk, int64_t count, ValueRange values) {
      Values sums(values);
      int64_t quads = count / kGpuQuad;
      if (quads > 0)
        sums = emitLoop(b, quads, sums, [&](Value quad, ValueRange inner) {
          return addChannels(chunk, affine(b, quad, kGpuQuad, 0), kGpuQuad, inner);
        });
      if (count % kGpuQuad)
        sums = addChannels(chunk, indexConstant(b, quads * kGpuQuad), count % kGpuQuad, sums);
      return sums;
    };
    int64_t partial = tile.groupInputs % tile.inputChunk;
    int64_t whole = tile.groupInputs / tile.inputChunk;
    Values sums(carried);
    if (whole > 0)
      sums = emitLoop(b, whole, sums, [&](Value chunk, ValueRange values) {
        return addChunk(chunk, tile.inputChunk, values);
      });
    if (partial)
      sums = addChunk(indexConstant(b, whole), partial, sums);
    return sums;
  }

  /// `count` input channels of a pixel as scalars; zeros if it is not inside.
  Values loadInputs(Value chunk, Value firstInput, int64_t count, Value offset, Value inside) {
    const ConvTile &tile = plan.tile;
    int64_t plane = llvm::product_of(window.input);
    Value image = affine(b, batch, getImageStride(kernel.operands[0]), 0);
    Values result;
    if (plan.inputBlocked) {
      Value block = add(b, affine(b, group, tile.inputChunks, 0), chunk);
      Value from = add(b, affine(b, block, plane, 0), offset);
      from = add(b, image, add(b, affine(b, from, tile.inputChunk, 0), firstInput));
      // The whole quad exists in memory even if fewer channels count.
      Value quad =
          loadElementsOr(b, operands.input, from, kGpuQuad, inside, zeroVector(b, type));
      for (int64_t j = 0; j < count; ++j)
        result.push_back(vector::ExtractOp::create(b, quad, j));
      return result;
    }
    Value zero = emitConstant(b, b.getLoc(), b.getF32Type(), 0.0);
    Value firstPlane = add(b, affine(b, group, tile.groupInputs, 0), firstInput);
    for (int64_t j = 0; j < count; ++j) {
      Value from = add(b, affine(b, affine(b, firstPlane, 1, j), plane, 0), offset);
      from = add(b, image, from);
      result.push_back(loadElementsOr(b, operands.input, from, 1, inside, zero));
    }
    return result;
  }

  void store(Value sum, Value column) {
    const ConvTile &tile = plan.tile;
    int64_t lanes = tile.tileLanes(), plane = llvm::product_of(window.output);
    Value pixel = indexConstant(b, 0);
    for (int64_t dim = 0; dim < window.rank(); ++dim)
      pixel = add(b, affine(b, pixel, window.output[dim], 0),
                  dim == window.rank() - 1 ? column : outer[dim]);
    if (plan.outputBlocked) {
      Value to = add(b, affine(b, outputTile, plane, 0), pixel);
      operands.store(b, sum, batch, add(b, affine(b, to, lanes, 0), lane));
      return;
    }
    Value firstPlane = add(b, affine(b, group, tile.groupOutputs, 0), channel);
    for (int64_t i = 0; i < kGpuQuad; ++i) {
      Value exists;
      if (tile.groupOutputs % lanes != 0)
        exists = emitIsInside(b, affine(b, channel, 1, i), tile.groupOutputs);
      kernel.when(exists, [&] {
        Value to = add(b, affine(b, affine(b, firstPlane, 1, i), plane, 0), pixel);
        operands.store(b, vector::ExtractOp::create(b, sum, i), batch, to);
      });
    }
  }

  GpuKernel &kernel;
  ImplicitLocOpBuilder &b;
  const Plan &plan;
  const ConvWindow &window;
  GpuConvOperands operands;
  VectorType type;
  Value batch, group, outputTile, channel, lane;
  Values outer, columns;
};

using TransposedConvFamily = ConvThreadsFamily<Algorithm::transposed, Plan, TransposedConv>;

} // namespace

void convoy::gpu::addTransposedConvKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<TransposedConvFamily>("conv_transpose"));
}
