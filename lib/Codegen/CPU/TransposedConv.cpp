//===- TransposedConv.cpp - Transposed convolution, gathering -------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Output element o reads input element i by kernel element k if
// o + pad = i * stride + k * dilation. Output columns with the same o % stride, a phase, use
// the same kernel columns, each at a fixed distance in the input: within a phase this is a
// convolution of stride 1. So a row of the output is cut into phases, and a phase into
// register tiles as in a direct convolution. In the outer dimensions the phase is known only
// when the code runs, and the loop over the kernel steps from one position that fits the phase
// to the next.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/ConvRegisterTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

namespace {

/// The kernel positions of one dimension that fit a phase: a first one, then every `step`-th.
/// Each reads the input `distance` elements before the position that precedes it.
struct PhaseSteps {
  PhaseSteps(int64_t stride, int64_t dilation) {
    common = std::gcd(stride, dilation);
    step = stride / common;
    distance = dilation / common;
    for (inverse = 0; inverse < step; ++inverse)
      if (inverse * distance % step == 1 % step)
        break;
  }
  /// Positions fit only if `common` divides o + pad. Then the first one is
  /// (o + pad) / common * inverse % step.
  int64_t common, step, distance, inverse;
};

/// Columns of the output with one phase.
struct ColumnPhase {
  /// The first output column and the first kernel column.
  int64_t output, kernel;
  /// The number of kernel columns. `window` moves over the input by one, and its column 0 is
  /// the last of these kernel columns.
  int64_t count;
  ConvWindow window;
};

/// Writes one task of a transposed convolution.
class TransposedConv : ConvRegisterTile {
public:
  TransposedConv(ImplicitLocOpBuilder &b, ConvOpInterface op, ValueRange operands,
                 TargetAttr target)
      : ConvRegisterTile(b, op, operands, target),
        steps(window.strides.back(), window.dilations.back()) {}

  static int64_t countTasks(ConvOpInterface op) {
    return ConvRegisterTile::countTasks(op, getConvTile(op), getConvWindow(op).outerOutput());
  }

  void build(Value task) {
    setTask(task, window.outerOutput());
    int64_t phases = std::min(window.strides.back(), window.output.back());
    for (int64_t column = 0; column < phases; ++column) {
      ColumnPhase phase = getPhase(column);
      forEachPixelTile(b, phase.window, tile.pixels,
                       [&](PixelTile pixels) { buildTile(phase, pixels); });
    }
  }

private:
  ColumnPhase getPhase(int64_t column) const {
    int64_t stride = window.strides.back(), kernel = window.kernel.back();
    int64_t position = column + window.padsBegin.back();
    ColumnPhase phase{column, 0, 0, window};
    if (position % steps.common == 0) {
      phase.kernel = position / steps.common * steps.inverse % steps.step;
      if (phase.kernel < kernel)
        phase.count = llvm::divideCeil(kernel - phase.kernel, steps.step);
    }
    phase.window.output.back() = llvm::divideCeil(window.output.back() - column, stride);
    phase.window.strides.back() = 1;
    phase.window.dilations.back() = steps.distance;
    phase.window.kernel.back() = std::max<int64_t>(phase.count, 1);
    // How far before the input the last kernel column begins to read; the division is exact.
    int64_t last = phase.kernel + (phase.count - 1) * steps.step;
    phase.window.padsBegin.back() = (last * window.dilations.back() - position) / stride;
    if (phase.count == 0) {
      // Nothing is read, so no tile touches a border.
      phase.window.input.back() = phase.window.output.back();
      phase.window.padsBegin.back() = 0;
    }
    return phase;
  }

  void buildTile(const ColumnPhase &phase, const PixelTile &pixels) {
    SmallVector<Value> sums = initAccumulators(pixels.size);
    KernelPosition position;
    if (phase.count > 0)
      sums = forEachChunk(sums, [&](Value chunk, int64_t channels, ValueRange values) {
        return buildRows(phase, pixels, position, chunk, channels, values);
      });
    store(pixels, sums,
          [&](Value pixel) { return affine(b, pixel, window.strides.back(), phase.output); });
  }

  /// Loops over the kernel's positions in the outer dimensions that `position` does not have
  /// yet.
  SmallVector<Value> buildRows(const ColumnPhase &phase, const PixelTile &pixels,
                               KernelPosition &position, Value chunk, int64_t channels,
                               ValueRange sums) {
    int64_t dim = position.kernel.size();
    if (dim == window.rank() - 1)
      return buildColumns(phase, pixels, position, chunk, channels, sums);
    int64_t stride = window.strides[dim], dilation = window.dilations[dim];
    PhaseSteps rowSteps(stride, dilation);
    // With u = o + pad: the first kernel position, the input row that it reads, and the count
    // of positions.
    Value u = affine(b, outer[dim], 1, window.padsBegin[dim]);
    Value first = indexConstant(b, 0), row = u;
    if (rowSteps.step > 1) {
      first = affine(b, divide(u, rowSteps.common), rowSteps.inverse, 0);
      first = arith::RemUIOp::create(b, first, indexConstant(b, rowSteps.step));
      row = arith::SubIOp::create(b, u, affine(b, first, dilation, 0));
    }
    // The division is exact if the phase fits; otherwise the row is not used.
    if (stride > 1)
      row = arith::DivSIOp::create(b, row, indexConstant(b, stride));
    Value room = arith::SubIOp::create(
        b, indexConstant(b, window.kernel[dim] + rowSteps.step - 1), first);
    Value count = divide(room, rowSteps.step);
    // Rows row - t * distance are inside the input from `lower` to `upper`.
    Value lower = affine(b, row, 1, 1 - window.input[dim]), upper = row;
    if (rowSteps.distance > 1) {
      Value distance = indexConstant(b, rowSteps.distance);
      lower = arith::CeilDivSIOp::create(b, lower, distance);
      upper = arith::FloorDivSIOp::create(b, upper, distance);
    }
    lower = arith::MaxSIOp::create(b, lower, indexConstant(b, 0));
    upper = arith::MinSIOp::create(b, affine(b, upper, 1, 1), count);
    if (rowSteps.common > 1) {
      Value rest = arith::RemUIOp::create(b, u, indexConstant(b, rowSteps.common));
      Value fits =
          arith::CmpIOp::create(b, arith::CmpIPredicate::eq, rest, indexConstant(b, 0));
      upper = arith::SelectOp::create(b, fits, upper, lower);
    }
    return emitLoop(b, lower, upper, 1, sums, [&](Value t, ValueRange carried) {
      position.kernel.push_back(add(b, first, affine(b, t, rowSteps.step, 0)));
      position.outer.push_back(
          arith::SubIOp::create(b, row, affine(b, t, rowSteps.distance, 0)));
      SmallVector<Value> next = buildRows(phase, pixels, position, chunk, channels, carried);
      position.kernel.pop_back();
      position.outer.pop_back();
      return next;
    });
  }

  Value divide(Value value, int64_t divisor) {
    if (divisor == 1)
      return value;
    return arith::DivUIOp::create(b, value, indexConstant(b, divisor));
  }

  SmallVector<Value> buildColumns(const ColumnPhase &phase, const PixelTile &pixels,
                                  KernelPosition &position, Value chunk, int64_t channels,
                                  ValueRange sums) {
    SmallVector<Value> next(sums);
    for (int64_t column = 0; column < phase.count; ++column) {
      position.columns.assign(pixels.size, Value());
      bool any = false;
      for (int64_t pixel = 0; pixel < pixels.size; ++pixel) {
        if (pixels.staticStart && !phase.window.isInside(*pixels.staticStart + pixel, column))
          continue;
        position.columns[pixel] =
            affine(b, pixels.start, 1,
                   pixel + column * steps.distance - phase.window.padsBegin.back());
        any = true;
      }
      if (!any)
        continue;
      // The window's columns count back from the last kernel column.
      position.kernel.push_back(
          indexConstant(b, phase.kernel + (phase.count - 1 - column) * steps.step));
      next = buildPosition(position, chunk, channels, next);
      position.kernel.pop_back();
    }
    return next;
  }

  PhaseSteps steps;
};

struct TransposedConvFamily : KernelFamily {
  StringRef getName() const override { return "conv_transpose"; }

  bool matches(Operation *op, TargetAttr target) const override {
    if (!isScheduledAs(op, Algorithm::transposed))
      return false;
    auto interface = cast<ConvOpInterface>(op);
    int64_t lanes = target.getVectorLanes(), groups = interface.getGroups();
    // Blocks are vectors, and a blocked group begins and ends at a block.
    auto fits = [&](ShapedType type, bool blocked, int64_t channels) {
      return isComputedInF32(type.getElementType()) &&
             (!blocked || (type.getShape().back() == lanes &&
                           (groups == 1 || channels / groups % lanes == 0)));
    };
    return fits(interface.getInputType(), interface.isInputBlocked(),
                interface.getInputChannels()) &&
           fits(interface.getOutputType(), interface.isOutputBlocked(),
                interface.getOutputChannels());
  }

  int64_t countTasks(Operation *op, TargetAttr) const override {
    return TransposedConv::countTasks(cast<ConvOpInterface>(op));
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, TargetAttr target) const override {
    TransposedConv(b, cast<ConvOpInterface>(op), operands, target).build(task);
    return success();
  }
};

} // namespace

void convoy::cpu::addTransposedConvKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<TransposedConvFamily>());
}
