//===- PixelTile.cpp - Sliding windows over rows of pixels ---------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/PixelTile.h"

#include "convoy/Codegen/CPU/EpilogueRegion.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;

SmallVector<int64_t> convoy::cpu::cutRow(int64_t width, int64_t limit) {
  int64_t count = llvm::divideCeil(width, limit);
  if (count == 1)
    return {width};
  // Equal tiles in the middle; the first and the last share what is left.
  int64_t size = llvm::divideCeil(width, count);
  int64_t rest = width - (count - 2) * size;
  SmallVector<int64_t> sizes(count, size);
  sizes.front() = rest / 2;
  sizes.back() = rest - rest / 2;
  return sizes;
}

void convoy::cpu::forEachTile(ImplicitLocOpBuilder &b, ArrayRef<int64_t> sizes,
                              llvm::function_ref<bool(size_t, int64_t)> mayLoop,
                              llvm::function_ref<void(size_t, PixelTile)> body) {
  int64_t start = 0;
  for (size_t i = 0; i < sizes.size();) {
    int64_t size = sizes[i], end = start;
    size_t run = 0;
    while (i + run < sizes.size() && sizes[i + run] == size && mayLoop(i + run, end)) {
      end += size;
      ++run;
    }
    if (run > 1) {
      emitLoop(b, indexConstant(b, start), indexConstant(b, end), size, {},
               [&](Value pixel, ValueRange) {
                 body(i, {pixel, std::nullopt, size});
                 return SmallVector<Value>();
               });
      i += run;
      start = end;
      continue;
    }
    body(i, {indexConstant(b, start), start, size});
    start += size;
    ++i;
  }
}

void convoy::cpu::forEachPixelTile(ImplicitLocOpBuilder &b, const ConvWindow &window,
                                   int64_t limit, llvm::function_ref<void(PixelTile)> body) {
  SmallVector<int64_t> sizes = cutRow(window.output.back(), limit);
  auto touchesBorder = [&](int64_t start, int64_t size) {
    // Positions grow with the pixel and the column, so it is enough to check the corners.
    return !window.isInside(start, 0) ||
           !window.isInside(start + size - 1, window.kernel.back() - 1);
  };
  forEachTile(
      b, sizes, [&](size_t tile, int64_t start) { return !touchesBorder(start, sizes[tile]); },
      [&](size_t, PixelTile pixels) { body(pixels); });
}

namespace {

using PositionBody =
    llvm::function_ref<SmallVector<Value>(const KernelPosition &, ValueRange)>;

/// Emits the loops over the kernel's rows, from the outermost dimension inwards.
struct KernelRowLoops {
  ImplicitLocOpBuilder &b;
  const ConvWindow &window;
  ValueRange outerOutput;
  PositionBody body;
  const BlockSums &sums;
  KernelPosition position;

  SmallVector<Value> emitOuter(int64_t dim, ValueRange carried) {
    if (dim == window.rank() - 1)
      return body(position, carried);
    auto [lower, upper] = emitKernelRange(b, window, dim, outerOutput[dim]);
    auto visit = [&](Value k, ValueRange values) {
      Value coordinate =
          affine(b, outerOutput[dim], window.strides[dim], -window.padsBegin[dim]);
      coordinate = add(b, coordinate, affine(b, k, window.dilations[dim], 0));
      position.kernel.push_back(k);
      position.outer.push_back(coordinate);
      SmallVector<Value> next = emitOuter(dim + 1, values);
      position.kernel.pop_back();
      position.outer.pop_back();
      return next;
    };
    if (getConstantIntValue(lower) && getConstantIntValue(upper))
      return emitSumLoop(b, window.kernel[dim], carried, sums, visit);
    return emitSumLoop(b, lower, upper, window.kernel[dim], carried, sums, visit);
  }
};

/// Emits the loop over the columns of a kernel's row.
struct KernelColumnLoop {
  ImplicitLocOpBuilder &b;
  const ConvWindow &window;
  const PixelTile &tile;
  PositionBody body;
  KernelPosition position;
  const BlockSums &sums;

  SmallVector<Value> emitColumns(ValueRange carried) {
    bool border = false;
    if (tile.staticStart)
      border = !window.isInside(*tile.staticStart, 0) ||
               !window.isInside(*tile.staticStart + tile.size - 1, window.kernel.back() - 1);
    if (!border) {
      SmallVector<Value> next = emitSumLoop(b, window.kernel.back(), carried, sums,
                                            [&](Value column, ValueRange values) {
                                              return emitColumn(column, std::nullopt, values);
                                            });
      // Neighbouring columns read the same pixels: unrolled, LLVM would share the loads, and
      // spill.
      if (window.kernel.back() > 1)
        keepRolled(next);
      return next;
    }
    SmallVector<Value> values(carried);
    SmallVector<Value> before;
    for (int64_t column = 0; column < window.kernel.back(); ++column) {
      if (sums.combine && column > 0 && column % kSumBlock == 0) {
        before = before.empty() ? values : sums.combine(before, values);
        values = sums.starts;
      }
      values = emitColumn(indexConstant(b, column), column, values);
    }
    return before.empty() ? values : sums.combine(before, values);
  }

  SmallVector<Value> emitColumn(Value column, std::optional<int64_t> known,
                                ValueRange values) {
    Value first = affine(b, tile.start, window.strides.back(), -window.padsBegin.back());
    first = add(b, first, affine(b, column, window.dilations.back(), 0));
    position.columns.assign(tile.size, Value());
    bool any = false;
    for (int64_t pixel = 0; pixel < tile.size; ++pixel) {
      if (known && !window.isInside(*tile.staticStart + pixel, *known))
        continue;
      position.columns[pixel] = affine(b, first, 1, pixel * window.strides.back());
      any = true;
    }
    if (!any)
      return SmallVector<Value>(values);
    position.kernel.push_back(column);
    SmallVector<Value> next = body(position, values);
    position.kernel.pop_back();
    return next;
  }
};

} // namespace

ConvOperands::ConvOperands(cnn::ConvOpInterface op, ValueRange operands) {
  auto next = operands.begin();
  input = *next++;
  filter = *next++;
  if (op.getBias())
    bias = *next++;
  if (op.getResidual())
    residual = *next++;
  if (op.getInputScale()) {
    inputScale = *next++;
    inputOffset = *next++;
  }
  if (auto layer = dyn_cast<cnn::EpilogueRegionOpInterface>(op.getOperation())) {
    size_t first = next - operands.begin(), count = layer.getEpilogueInputs().size();
    epilogueInputs = operands.slice(first, count);
    next += count;
  }
  output = *next++;
}

void ConvOperands::store(ImplicitLocOpBuilder &b, cnn::ConvOpInterface op,
                         EpilogueRegion &region, Value sums, ValueRange indices) const {
  if (residual) {
    Value other = loadAs(b, sums.getType(), residual, indices);
    sums = arith::AddFOp::create(b, sums, other);
  }
  Value result = emitUnary(b, b.getLoc(), op.getActivation(), sums);
  storeAs(b, region.emit(result, indices), output, indices);
}

SmallVector<Value> convoy::cpu::emitKernelLoops(
    ImplicitLocOpBuilder &b, const ConvWindow &window, ValueRange outerOutput,
    const PixelTile &tile, ValueRange inits,
    llvm::function_ref<SmallVector<Value>(const KernelPosition &, ValueRange)> body,
    const BlockSums &sums) {
  // In a large window, each row has sums of its own.
  bool sumsRows = sums.combine && llvm::product_of(window.kernel) > kSumBlock;
  auto visit = [&](const KernelPosition &row, ValueRange carried) {
    KernelColumnLoop columns{b, window, tile, body, row, sums};
    if (!sumsRows)
      return columns.emitColumns(carried);
    return sums.combine(carried, columns.emitColumns(sums.starts));
  };
  return KernelRowLoops{b, window, outerOutput, visit, sums, {}}.emitOuter(0, inits);
}

SmallVector<Value> convoy::cpu::emitKernelRowLoops(
    ImplicitLocOpBuilder &b, const ConvWindow &window, ValueRange outerOutput,
    ValueRange inits,
    llvm::function_ref<SmallVector<Value>(const KernelPosition &, ValueRange)> body) {
  return KernelRowLoops{b, window, outerOutput, body, BlockSums(), {}}.emitOuter(0, inits);
}
