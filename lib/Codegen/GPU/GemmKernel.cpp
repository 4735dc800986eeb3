//===- GemmKernel.cpp - Convolutions as matrix products on a GPU ----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A block of threads computes a tile of pixels times output channels. The sum is computed in
// stages of 64 bytes of inputs: 16 in f32, 32 in f16. The inputs and filters of a stage are
// copied into shared memory asynchronously, a few stages ahead:
//
//   inputs  [stage][pixel][16 + 4]         outside of the picture: zeros
//   filters [stage][16][channel + 8]
//
//   inputs  [stage][pixel][32 + 8]         in f16
//   filters [stage][32][channel + 8]
//
// The padding keeps the threads of a warp in different banks. A warp computes 32 pixels times
// 64 channels (32 in narrow tiles), each thread 8 x 8 (8 x 4) in registers: with multiply-adds
// in f32, or with tensor cores, whose f16 operands ldmatrix loads. If there are too few tiles
// for a GPU, several blocks share the steps of a tile and leave partial sums in memory, which
// a second kernel adds in the same order each time.
//
//===----------------------------------------------------------------------===//

#include "GemmKernel.h"

#include "GemmEpilogue.h"
#include "GemmProducts.h"
#include "GemmStages.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

using Values = SmallVector<Value>;

GemmBlock::GemmBlock(GpuKernel &kernel, const GemmProblem &problem, const GpuGemmPlan &plan,
                     Type element)
    : kernel(kernel), b(kernel.b), problem(problem), plan(plan), element(element) {
  thread = kernel.thread();
  lane = arith::RemUIOp::create(b, thread, indexConstant(b, kGpuWarp));
  Value warp = arith::DivUIOp::create(b, thread, indexConstant(b, kGpuWarp));
  firstPixel = affine(b, kernel.block(0), plan.pixels, 0);
  Values tile = delinearize(b, kernel.block(1), {problem.groups, problem.outputTiles});
  group = tile[0];
  outputTile = tile[1];
  int64_t warps = plan.channels / plan.warpChannels();
  Values warpPosition = delinearize(b, warp, {warps, plan.warpsOfPixels()});
  warpChannel = affine(b, warpPosition[0], plan.warpChannels(), 0);
  warpPixel = affine(b, warpPosition[1], GpuGemmPlan::kWarpPixels, 0);
  inputs = kernel.shared({plan.stages, plan.pixels, stageDepth() + copied()}, element);
  filters =
      kernel.shared({plan.stages, stageDepth(), plan.channels + kFilterPadding}, element);
}

namespace {

/// Partial sums in scratch memory: [split][pixel][group][output tile][channel of the tile].
struct PartialSums {
  PartialSums(const GemmProblem &problem, const GpuGemmPlan &plan)
      : channels(problem.groups * problem.outputTiles * plan.channels), pixels(problem.pixels),
        splits(plan.splits) {}

  int64_t channels, pixels, splits;
  int64_t count() const { return splits * pixels * channels; }

  Value view(GpuKernel &kernel) const {
    auto type = MemRefType::get({count()}, kernel.b.getF32Type());
    return memref::ViewOp::create(kernel.b, type, kernel.scratch, indexConstant(kernel.b, 0),
                                  ValueRange());
  }
  Value index(ImplicitLocOpBuilder &b, Value split, Value pixel, Value channel) const {
    return add(b, affine(b, add(b, affine(b, split, pixels, 0), pixel), channels, 0), channel);
  }
};

/// Writes the kernel that multiplies and adds up.
class GemmKernel {
public:
  GemmKernel(GpuKernel &kernel, const GpuConvOperands &operands, const GemmProblem &problem,
             const GpuGemmPlan &plan, Precision precision)
      : kernel(kernel), b(kernel.b), problem(problem), plan(plan), operands(operands),
        partial(problem, plan),
        block(kernel, problem, plan,
              cast<MemRefType>(operands.filter.getType()).getElementType()),
        stages(block, this->operands), products(block, precision) {}

  static GpuExtents getGrid(const GemmProblem &problem, const GpuGemmPlan &plan) {
    return {int64_t(llvm::divideCeil(problem.pixels, plan.pixels)),
            problem.groups * problem.outputTiles, plan.splits};
  }

  void build() {
    // This block's steps: [begin, end).
    int64_t share = llvm::divideCeil(problem.steps, plan.splits);
    Value begin = affine(b, kernel.block(2), share, 0);
    Value end = indexConstant(b, problem.steps);
    Value endRow = indexConstant(b, problem.depth);
    if (plan.splits > 1) {
      end = arith::MinSIOp::create(b, end, affine(b, begin, 1, share));
      endRow = arith::MinSIOp::create(b, endRow, affine(b, end, GpuGemmPlan::kStep, 0));
    }
    stages.setEnd(endRow);

    int64_t ahead = plan.stages - 1, stageSteps = block.stageSteps();
    Value token;
    for (int64_t i = 0; i < ahead; ++i) {
      token = stages.start(indexConstant(b, i), affine(b, begin, 1, i * stageSteps));
      stages.storeLoaded();
    }
    Values sums = products.emitZeros();
    sums = emitLoop(b, begin, end, stageSteps, sums, [&](Value step, ValueRange carried) {
      Value number = arith::SubIOp::create(b, step, begin);
      if (stageSteps > 1)
        number = arith::DivUIOp::create(b, number, indexConstant(b, stageSteps));
      auto stageOf = [&](Value number) {
        return Value(arith::RemUIOp::create(b, number, indexConstant(b, plan.stages)));
      };
      nvgpu::DeviceAsyncWaitOp::create(b, token, b.getI32IntegerAttr(ahead - 1));
      // After this, all threads' copies of the stage have arrived, and no thread still reads
      // the stage that the next copies overwrite.
      kernel.barrier();
      stages.start(stageOf(affine(b, number, 1, ahead)),
                   affine(b, step, 1, ahead * stageSteps));
      Value stage = stageOf(number);
      Values next = products.multiply(stage, carried);
      // The loads of `start` are under way while the warp multiplies.
      stages.storeLoaded();
      return next;
    });
    products.write(sums, [&](Value row, auto giveSums) { writePixel(row, giveSums); });
  }

private:
  /// Writes the results of the pixel in row `row` of the tile.
  void writePixel(Value row, llvm::function_ref<void(GemmProducts::Finish)> giveSums) {
    Value pixel = add(b, block.firstPixel, row);
    Value exists;
    if (problem.pixels % plan.pixels != 0)
      exists = emitIsInside(b, pixel, problem.pixels);
    kernel.when(exists, [&] {
      giveSums([&](Value channel, Value sums) {
        if (plan.splits == 1)
          return GemmEpilogue(kernel, problem, plan.channels, operands)
              .finish(pixel, block.group, block.outputTile, channel, sums);
        Value tile = add(b, affine(b, block.group, problem.outputTiles, 0), block.outputTile);
        Value all = add(b, affine(b, tile, plan.channels, 0), channel);
        storeLanes(b, sums, partial.view(kernel),
                   partial.index(b, kernel.block(2), pixel, all));
      });
    });
  }

  GpuKernel &kernel;
  ImplicitLocOpBuilder &b;
  const GemmProblem &problem;
  const GpuGemmPlan &plan;
  GpuConvOperands operands;
  PartialSums partial;
  GemmBlock block;
  GemmStages stages;
  GemmProducts products;
};

/// Writes the kernel that adds partial sums: a thread adds four channels of a pixel.
void buildReduction(GpuKernel &kernel, Value index, const GpuConvOperands &operands,
                    const GemmProblem &problem, const GpuGemmPlan &plan) {
  ImplicitLocOpBuilder &b = kernel.b;
  PartialSums partial(problem, plan);
  Values position = delinearize(
      b, index,
      {problem.pixels, problem.groups, problem.outputTiles, plan.channels / kGpuQuad});
  Value tile = add(b, affine(b, position[1], problem.outputTiles, 0), position[2]);
  Value channel = affine(b, position[3], kGpuQuad, 0);
  Value all = add(b, affine(b, tile, plan.channels, 0), channel);
  Value view = partial.view(kernel), sum;
  for (int64_t split = 0; split < plan.splits; ++split) {
    Value part = loadLanes(
        b, view, partial.index(b, indexConstant(b, split), position[0], all), kGpuQuad);
    sum = sum ? Value(arith::AddFOp::create(b, sum, part)) : part;
  }
  GemmEpilogue(kernel, problem, plan.channels, operands)
      .finish(position[0], position[1], position[2], channel, sum);
}

struct GemmFamily : GpuKernelFamily {
  bool matches(Operation *op, TargetAttr) const override {
    return isScheduledAs(op, Algorithm::matrix_product);
  }

  LogicalResult build(GpuKernels &kernels, Operation *op, TargetAttr) const override {
    ScheduleAttr schedule = cast<ScheduledOpInterface>(op).getScheduleAttr();
    GpuGemmPlan plan = getGpuGemmPlan(schedule);
    auto conv = dyn_cast<ConvOpInterface>(op);
    if (conv && conv.isInputBlocked() &&
        conv.getInputType().getElementType() != getElementTypeOrSelf(conv.getFilter()))
      return op->emitError("copies blocks of inputs as they are, and needs them in the "
                           "filter's type: cnn-narrow-floats comes first");
    auto getOperands = [&](GpuKernel &kernel) { return GpuConvOperands(kernel, op); };
    if (conv)
      return buildGemm(kernels, "conv", describeGemm(conv), plan, schedule.getPrecision(),
                       getOperands);
    return buildGemm(kernels, "dense", describeGemm(cast<DenseOp>(op)), plan,
                     schedule.getPrecision(), getOperands);
  }
};

} // namespace

LogicalResult
convoy::gpu::buildGemm(GpuKernels &kernels, StringRef name, const GemmProblem &problem,
                       const GpuGemmPlan &plan, Precision precision,
                       llvm::function_ref<GpuConvOperands(GpuKernel &)> getOperands,
                       int64_t scratchBytes) {
  PartialSums partial(problem, plan);
  scratchBytes += countPartialBytes(plan, problem.pixels, problem.groups, problem.outputTiles);
  if (failed(kernels.add(
          name, GemmKernel::getGrid(problem, plan), {plan.threads()},
          [&](GpuKernel &kernel) {
            GemmKernel(kernel, getOperands(kernel), problem, plan, precision).build();
          },
          scratchBytes)))
    return failure();
  if (plan.splits == 1)
    return success();
  return kernels.addThreads(
      (name + "_sum").str(), problem.pixels * partial.channels / kGpuQuad,
      [&](GpuKernel &kernel, Value index) {
        buildReduction(kernel, index, getOperands(kernel), problem, plan);
      },
      scratchBytes);
}

void convoy::gpu::addGemmKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<GemmFamily>());
}
