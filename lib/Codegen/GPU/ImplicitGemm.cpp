//===- ImplicitGemm.cpp - Convolutions as matrix products on a GPU --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A block of threads computes a tile of pixels times output channels. The sum goes in
// steps of 16 inputs; each step's inputs and filters are copied into shared memory
// asynchronously, a few steps ahead:
//
//   inputs  [stage][pixel][16 + 4]         outside of the picture: zeros
//   filters [stage][16][channel + 8]
//
// The padding keeps the threads of a warp in different banks. A warp computes 32 pixels
// times 64 channels (32 in narrow tiles), each thread 8 x 8 in registers: with multiply-adds
// in f32, or with tensor cores. Where there are too few tiles for a GPU, several blocks
// share the steps of a tile and leave partial sums in memory, which a second kernel adds in
// the same order each time.
//
//===----------------------------------------------------------------------===//

#include "ImplicitGemm.h"

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

GemmProblem convoy::describeGemm(ConvOpInterface op, TargetAttr target) {
  ConvTile tile = selectConvTile(op, target);
  int64_t rank = op.getSpatialRank();
  GemmProblem problem;
  auto input = op.getInputType().getShape(), output = op.getOutputType().getShape();
  problem.results.push_back(output[0]);
  llvm::append_range(problem.results, output.slice(2, rank));
  problem.pixels = llvm::product_of(problem.results);
  problem.groups = tile.groups;
  problem.groupInputs = tile.groupInputs;
  problem.groupOutputs = tile.groupOutputs;
  problem.outputTiles = tile.outputTiles;
  problem.input = SmallVector<int64_t>(input.slice(2, rank));
  problem.kernel = op.getKernelShape();
  problem.strides = SmallVector<int64_t>(op.getStrides());
  problem.dilations = SmallVector<int64_t>(op.getDilations());
  problem.padsBegin = SmallVector<int64_t>(op.getPads().take_front(rank));
  problem.hasRuns = op.isInputBlocked();
  problem.imageStride = llvm::product_of(input.drop_front());
  problem.groupStride = problem.hasRuns ? tile.inputChunks : tile.groupInputs;
  problem.depth = tile.inputChunks * tile.inputChunk * llvm::product_of(problem.kernel);
  problem.steps = llvm::divideCeil(problem.depth, GpuGemmPlan::kStep);
  problem.output =
      op.isOutputBlocked() ? GemmProblem::Output::Blocked : GemmProblem::Output::Planes;
  problem.outputChannels = op.getOutputChannels();
  problem.activation = op.getActivation();
  return problem;
}

GemmProblem convoy::describeGemm(DenseOp op, TargetAttr target) {
  DenseTile tile = selectDenseTile(op, target);
  auto shape = op.getLogicalFilterShape();
  GemmProblem problem;
  problem.pixels = tile.rows;
  problem.results = {tile.rows};
  problem.groups = 1;
  problem.groupInputs = problem.imageStride = problem.depth = shape[1];
  problem.groupOutputs = problem.outputChannels = shape[0];
  problem.outputTiles = tile.outputTiles;
  // Runs are copied 16 bytes at a time.
  problem.hasRuns = isAligned(op, 0) && shape[1] % kGpuQuad == 0;
  problem.groupStride = 0;
  problem.steps = llvm::divideCeil(problem.depth, GpuGemmPlan::kStep);
  problem.output = isAligned(op, op->getNumOperands() - 1) ? GemmProblem::Output::AlignedRows
                                                           : GemmProblem::Output::Rows;
  problem.activation = op.getActivation();
  return problem;
}

namespace {

using Values = SmallVector<Value>;

constexpr int64_t kStep = GpuGemmPlan::kStep;
constexpr int64_t kWarp = kGpuWarp, kQuad = kGpuQuad;
/// A thread's pixels in a warp's tile.
constexpr int64_t kThreadPixels = 8;
/// Floats of padding behind a row in shared memory.
constexpr int64_t kInputPadding = 4, kFilterPadding = 8;

/// The operands of a convolution or dense layer inside a kernel.
GemmOperands findOperands(GpuKernel &kernel, Operation *op) {
  size_t next = 0;
  auto take = [&] { return flatten(kernel.b, kernel.operands[next++]); };
  GemmOperands operands;
  operands.input = take();
  operands.filter = take();
  auto conv = dyn_cast<ConvOpInterface>(op);
  if (conv ? bool(conv.getBias()) : bool(cast<DenseOp>(op).getBias()))
    operands.bias = take();
  if (conv && conv.getResidual())
    operands.residual = take();
  operands.output = take();
  return operands;
}

/// Takes sums to the output: bias, residual, activation.
class Epilogue {
public:
  Epilogue(GpuKernel &kernel, const GemmProblem &problem, const GpuGemmPlan &plan,
           const GemmOperands &operands)
      : kernel(kernel), b(kernel.b), problem(problem), plan(plan), operands(operands) {}

  /// Finishes the sums of a pixel that exists: `sums` are side by side from `channel` on,
  /// which counts in the tile of output channels `tile` of `group`.
  void finish(Value pixel, Value group, Value tile, Value channel, Value sums) {
    int64_t lanes = cast<VectorType>(sums.getType()).getNumElements();
    Value inGroup = add(b, affine(b, tile, plan.channels, 0), channel);
    if (operands.bias) {
      Value index = add(b, affine(b, group, problem.outputTiles * plan.channels, 0), inGroup);
      sums = arith::AddFOp::create(b, sums, loadLanes(b, operands.bias, index, lanes));
    }
    Values position = delinearize(b, pixel, {problem.results[0], problem.outputPixels()});
    switch (problem.output) {
    case GemmProblem::Output::Blocked: {
      // Lanes past the last channel may be written, blocks past the last must not.
      int64_t blocks = llvm::divideCeil(problem.outputChannels, kStep);
      Value all = add(b, affine(b, group, problem.groupOutputs, 0), inGroup);
      Values parts = delinearize(b, all, {blocks, kStep});
      Value index = add(b, affine(b, position[0], blocks, 0), parts[0]);
      index = add(b, affine(b, index, problem.outputPixels(), 0), position[1]);
      index = add(b, affine(b, index, kStep, 0), parts[1]);
      int64_t written = llvm::alignTo(problem.groupOutputs, kStep);
      return whereChannel(inGroup, written, [&] { store(sums, index); });
    }
    case GemmProblem::Output::AlignedRows:
      if (problem.outputChannels % lanes == 0) {
        Value index = add(b, affine(b, pixel, problem.outputChannels, 0), inGroup);
        return whereChannel(inGroup, problem.groupOutputs, [&] { store(sums, index); });
      }
      [[fallthrough]];
    case GemmProblem::Output::Rows:
      return storeEach(sums, inGroup, affine(b, pixel, problem.outputChannels, 0), 1);
    case GemmProblem::Output::Planes: {
      Value plane = add(b, affine(b, position[0], problem.outputChannels, 0),
                        affine(b, group, problem.groupOutputs, 0));
      Value first = add(b, affine(b, plane, problem.outputPixels(), 0), position[1]);
      return storeEach(sums, inGroup, first, problem.outputPixels());
    }
    }
  }

private:
  /// Emits `body` where the tile's channel is below `end`; tiles may reach further.
  void whereChannel(Value channel, int64_t end, llvm::function_ref<void()> body) {
    if (end % plan.channels == 0)
      return body();
    kernel.when(emitIsInside(b, channel, end), body);
  }

  void store(Value sums, Value index) {
    int64_t lanes = cast<VectorType>(sums.getType()).getNumElements();
    if (operands.residual)
      sums = arith::AddFOp::create(b, sums, loadLanes(b, operands.residual, index, lanes));
    sums = emitUnary(b, b.getLoc(), problem.activation, sums);
    storeLanes(b, sums, operands.output, index);
  }

  /// Stores lane by lane, `stride` elements apart from `first`, where `channel` is 0.
  void storeEach(Value sums, Value channel, Value first, int64_t stride) {
    int64_t lanes = cast<VectorType>(sums.getType()).getNumElements();
    for (int64_t lane = 0; lane < lanes; ++lane) {
      Value at = affine(b, channel, 1, lane);
      whereChannel(at, problem.groupOutputs, [&] {
        Value index = add(b, first, affine(b, at, stride, 0));
        Value value = vector::ExtractOp::create(b, sums, lane);
        if (operands.residual)
          value = arith::AddFOp::create(b, value,
                                        memref::LoadOp::create(b, operands.residual, index));
        value = emitUnary(b, b.getLoc(), problem.activation, value);
        memref::StoreOp::create(b, value, operands.output, index);
      });
    }
  }

  GpuKernel &kernel;
  ImplicitLocOpBuilder &b;
  const GemmProblem &problem;
  const GpuGemmPlan &plan;
  const GemmOperands &operands;
};

/// Partial sums in scratch memory: [split][pixel][group][output tile][channel of the tile].
struct PartialSums {
  PartialSums(const GemmProblem &problem, const GpuGemmPlan &plan)
      : channels(problem.groups * problem.outputTiles * plan.channels), pixels(problem.pixels),
        splits(plan.splits) {}

  int64_t channels, pixels, splits;
  int64_t count() const { return splits * pixels * channels; }
  int64_t bytes() const { return splits > 1 ? count() * int64_t(sizeof(float)) : 0; }

  Value view(GpuKernel &kernel) const {
    auto type = MemRefType::get({count()}, kernel.b.getF32Type());
    return memref::ViewOp::create(kernel.b, type, kernel.scratch, indexConstant(kernel.b, 0),
                                  ValueRange());
  }
  Value index(ImplicitLocOpBuilder &b, Value split, Value pixel, Value channel) const {
    return add(b, affine(b, add(b, affine(b, split, pixels, 0), pixel), channels, 0), channel);
  }
};

/// Writes the kernel that sums.
class ImplicitGemm {
public:
  ImplicitGemm(GpuKernel &kernel, const GemmOperands &operands, const GemmProblem &problem,
               const GpuGemmPlan &plan, GpuPrecision precision)
      : kernel(kernel), b(kernel.b), problem(problem), plan(plan), precision(precision),
        operands(operands), partial(problem, plan),
        quadType(VectorType::get({kQuad}, b.getF32Type())) {}

  static GpuExtents getGrid(const GemmProblem &problem, const GpuGemmPlan &plan) {
    return {int64_t(llvm::divideCeil(problem.pixels, plan.pixels)),
            problem.groups * problem.outputTiles, plan.splits};
  }

  void build() {
    thread = kernel.thread();
    lane = arith::RemUIOp::create(b, thread, indexConstant(b, kWarp));
    Value warp = arith::DivUIOp::create(b, thread, indexConstant(b, kWarp));
    firstPixel = affine(b, kernel.block(0), plan.pixels, 0);
    Values tile = delinearize(b, kernel.block(1), {problem.groups, problem.outputTiles});
    group = tile[0];
    outputTile = tile[1];
    int64_t warps = plan.channels / plan.warpChannels();
    Values warpPosition = delinearize(b, warp, {warps, plan.warpsOfPixels()});
    warpChannel = affine(b, warpPosition[0], plan.warpChannels(), 0);
    warpPixel = affine(b, warpPosition[1], GpuGemmPlan::kWarpPixels, 0);
    inputs = kernel.shared({plan.stages, plan.pixels, kStep + kInputPadding}, b.getF32Type());
    filters =
        kernel.shared({plan.stages, kStep, plan.channels + kFilterPadding}, b.getF32Type());
    preparePixels();
    sumUp();
  }

private:
  bool usesTensorCores() const { return precision != GpuPrecision::f32; }

  //===--------------------------------------------------------------------===//
  // Copies into shared memory
  //===--------------------------------------------------------------------===//

  /// A pixel whose inputs this thread copies.
  struct CopiedPixel {
    /// In the tile, and elements in front of its image.
    Value row, image;
    /// The input coordinates that kernel position 0 reads, and whether the pixel exists;
    /// null where all do.
    Values start;
    Value exists;
  };

  void preparePixels() {
    int64_t threads = plan.threads();
    if (problem.hasRuns) {
      // Four threads copy a pixel's run.
      quad = arith::RemUIOp::create(b, thread, indexConstant(b, kQuad));
      Value first = arith::DivUIOp::create(b, thread, indexConstant(b, kQuad));
      for (int64_t row = 0; row < plan.pixels; row += threads / kQuad)
        pixels.push_back(preparePixel(affine(b, first, 1, row)));
      return;
    }
    Values position = delinearize(b, thread, {threads / plan.pixels, plan.pixels});
    part = position[0];
    pixels.push_back(preparePixel(position[1]));
  }

  CopiedPixel preparePixel(Value row) {
    CopiedPixel pixel;
    pixel.row = row;
    Value index = add(b, firstPixel, row);
    if (problem.pixels % plan.pixels != 0)
      pixel.exists = emitIsInside(b, index, problem.pixels);
    Values position = delinearize(b, index, problem.results);
    pixel.image = affine(b, position[0], problem.imageStride, 0);
    for (size_t i = 0; i < problem.input.size(); ++i)
      pixel.start.push_back(
          affine(b, position[i + 1], problem.strides[i], -problem.padsBegin[i]));
    return pixel;
  }

  /// Where kernel position `at` of a pixel lies in its plane, and whether it does.
  std::pair<Value, Value> locate(const CopiedPixel &pixel, ValueRange at) {
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
  void copy(Value to, ValueRange at, Value from, Value index, int64_t count, Value valid) {
    Value none =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, valid, indexConstant(b, 0));
    // What is not read must still be an address of the buffer.
    index = arith::SelectOp::create(b, none, indexConstant(b, 0), index);
    Value token = nvgpu::DeviceAsyncCopyOp::create(
        b, to, at, from, index, b.getIndexAttr(count), valid,
        /*bypassL1=*/count == kQuad ? b.getUnitAttr() : UnitAttr());
    tokens.push_back(token);
  }

  /// `count` where `inside` holds, else 0.
  Value countWhere(Value inside, Value count) {
    return arith::SelectOp::create(b, inside, count, indexConstant(b, 0));
  }

  void copyRuns(Value stage, Value step, Value exists) {
    SmallVector<int64_t> extents = {problem.steps / int64_t(llvm::product_of(problem.kernel))};
    llvm::append_range(extents, problem.kernel);
    Values position = delinearize(b, step, extents);
    Value run = add(b, affine(b, group, problem.groupStride, 0), position[0]);
    Value left;
    if (problem.groupInputs % kStep != 0) {
      // Lanes past the last channel hold anything, and must not reach a sum.
      Value channel = add(b, affine(b, position[0], kStep, 0), affine(b, quad, kQuad, 0));
      left = arith::SubIOp::create(b, indexConstant(b, problem.groupInputs), channel);
      left = arith::MaxSIOp::create(b, left, indexConstant(b, 0));
      left = arith::MinSIOp::create(b, left, indexConstant(b, kQuad));
    }
    for (const CopiedPixel &pixel : pixels) {
      auto [offset, inside] = locate(pixel, ArrayRef(position).drop_front());
      Value index = add(b, affine(b, run, problem.inputPixels(), 0), offset);
      index = add(b, affine(b, index, kStep, 0), affine(b, quad, kQuad, 0));
      index = add(b, pixel.image, index);
      Value valid =
          countWhere(emitBoth(b, exists, inside), left ? left : indexConstant(b, kQuad));
      copy(inputs, {stage, pixel.row, affine(b, quad, kQuad, 0)}, operands.input, index, kQuad,
           valid);
    }
  }

  /// Inputs one by one: a thread copies some of a pixel's.
  void copyPlanes(Value stage, Value step, Value exists) {
    int64_t count = kStep * plan.pixels / plan.threads();
    const CopiedPixel &pixel = pixels.front();
    SmallVector<int64_t> extents(problem.kernel);
    extents.push_back(problem.groupInputs);
    // The first extent takes what is left, so that it may grow past the end.
    extents.insert(extents.begin(), 2);
    for (int64_t i = 0; i < count; ++i) {
      Value column = affine(b, part, count, i);
      Value input = add(b, affine(b, step, kStep, 0), column);
      Values position = delinearize(b, input, extents);
      auto [offset, inside] = locate(pixel, ArrayRef(position).drop_front().drop_back());
      if (problem.depth % kStep != 0)
        inside = emitBoth(b, inside, emitIsInside(b, input, problem.depth));
      Value channel = add(b, affine(b, group, problem.groupStride, 0), position.back());
      Value index = add(b, affine(b, channel, problem.inputPixels(), 0), offset);
      index = add(b, pixel.image, index);
      Value valid = countWhere(emitBoth(b, exists, inside), indexConstant(b, 1));
      copy(inputs, {stage, pixel.row, column}, operands.input, index, 1, valid);
    }
  }

  void copyFilters(Value stage, Value step, Value exists) {
    int64_t quads = plan.channels / kQuad;
    Value tile = add(b, affine(b, group, problem.outputTiles, 0), outputTile);
    Value firstRow = add(b, affine(b, tile, problem.depth, 0), affine(b, step, kStep, 0));
    for (int64_t i = 0; i < kStep * quads; i += plan.threads()) {
      Values position = delinearize(b, affine(b, thread, 1, i), {kStep, quads});
      Value column = affine(b, position[1], kQuad, 0);
      Value index = add(b, affine(b, add(b, firstRow, position[0]), plan.channels, 0), column);
      Value inside = exists;
      if (problem.depth % kStep != 0) {
        Value row = add(b, affine(b, step, kStep, 0), position[0]);
        inside = emitBoth(b, inside, emitIsInside(b, row, problem.depth));
      }
      Value valid = countWhere(inside, indexConstant(b, kQuad));
      copy(filters, {stage, position[0], column}, operands.filter, index, kQuad, valid);
    }
  }

  /// Starts the copies of `step` into `stage`, as a group; of steps from `end` on, zeros.
  Value startStep(Value stage, Value step, Value end) {
    Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, step, end);
    if (problem.hasRuns)
      copyRuns(stage, step, exists);
    else
      copyPlanes(stage, step, exists);
    copyFilters(stage, step, exists);
    Value group = nvgpu::DeviceAsyncCreateGroupOp::create(
        b, nvgpu::DeviceAsyncTokenType::get(b.getContext()), tokens);
    tokens.clear();
    return group;
  }

  //===--------------------------------------------------------------------===//
  // The sum
  //===--------------------------------------------------------------------===//

  void sumUp() {
    // This block's steps: [begin, end).
    int64_t share = llvm::divideCeil(problem.steps, plan.splits);
    Value begin = affine(b, kernel.block(2), share, 0);
    Value end = indexConstant(b, problem.steps);
    if (plan.splits > 1)
      end = arith::MinSIOp::create(b, end, affine(b, begin, 1, share));

    int64_t ahead = plan.stages - 1;
    Value token;
    for (int64_t i = 0; i < ahead; ++i)
      token = startStep(indexConstant(b, i), affine(b, begin, 1, i), end);
    Values sums(countSums(), zeroSum());
    sums = emitLoop(b, begin, end, 1, sums, [&](Value step, ValueRange carried) {
      Value number = arith::SubIOp::create(b, step, begin);
      auto stageOf = [&](Value step) {
        return Value(arith::RemUIOp::create(b, step, indexConstant(b, plan.stages)));
      };
      nvgpu::DeviceAsyncWaitOp::create(b, token, b.getI32IntegerAttr(ahead - 1));
      // Now all threads' copies of this step are there, and none reads the stage that
      // the next copies overwrite.
      kernel.barrier();
      startStep(stageOf(affine(b, number, 1, ahead)), affine(b, step, 1, ahead), end);
      return usesTensorCores() ? multiplyTensors(stageOf(number), carried)
                               : multiply(stageOf(number), carried);
    });
    if (usesTensorCores())
      writeTensors(sums);
    else
      write(sums);
  }

  int64_t channelQuads() const { return plan.warpChannels() / 32; }
  int64_t countSums() const {
    return usesTensorCores() ? (GpuGemmPlan::kWarpPixels / 16) * (plan.warpChannels() / 8)
                             : kThreadPixels * channelQuads();
  }
  Value zeroSum() {
    return zeroVector(b,
                      usesTensorCores() ? VectorType::get({2, 2}, b.getF32Type()) : quadType);
  }

  /// The thread's rows and columns in a warp's tile: 4 x 8 threads, pixels 4 apart,
  /// channels in quads 32 apart.
  Value threadPixel(int64_t i) {
    Value row = arith::DivUIOp::create(b, lane, indexConstant(b, 8));
    return add(b, warpPixel, affine(b, row, 1, i * 4));
  }
  Value threadChannel(int64_t quadNumber) {
    Value column = arith::RemUIOp::create(b, lane, indexConstant(b, 8));
    return add(b, warpChannel, affine(b, column, kQuad, quadNumber * 32));
  }

  Value loadShared(Value buffer, ValueRange indices) {
    return vector::LoadOp::create(b, quadType, buffer, indices, /*nontemporal=*/false,
                                  llvm::MaybeAlign(16));
  }

  Values multiply(Value stage, ValueRange carried) {
    Values sums(carried);
    for (int64_t first = 0; first < kStep; first += kQuad) {
      Values pixelInputs;
      for (int64_t i = 0; i < kThreadPixels; ++i)
        pixelInputs.push_back(
            loadShared(inputs, {stage, threadPixel(i), indexConstant(b, first)}));
      for (int64_t k = 0; k < kQuad; ++k) {
        Values weights;
        for (int64_t j = 0; j < channelQuads(); ++j)
          weights.push_back(
              loadShared(filters, {stage, indexConstant(b, first + k), threadChannel(j)}));
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

  void write(ValueRange sums) {
    for (int64_t i = 0; i < kThreadPixels; ++i)
      writePixel(threadPixel(i), [&](auto finish) {
        for (int64_t j = 0; j < channelQuads(); ++j)
          finish(threadChannel(j), sums[i * channelQuads() + j]);
      });
  }

  //===--------------------------------------------------------------------===//
  // Tensor cores: mma.sync, whose fragments the PTX manual draws
  //===--------------------------------------------------------------------===//

  Value groupId() { return arith::DivUIOp::create(b, lane, indexConstant(b, 4)); }
  Value groupLane() { return arith::RemUIOp::create(b, lane, indexConstant(b, 4)); }

  /// tf32 as bits of an f32: rounded to nearest, where the hardware would cut.
  Value roundToTf32(Value value) {
    Type i32 = b.getI32Type();
    Value bits = arith::BitcastOp::create(b, i32, value);
    Value half = arith::ConstantIntOp::create(b, i32, 0x1000);
    return arith::BitcastOp::create(b, b.getF32Type(), arith::AddIOp::create(b, bits, half));
  }

  Value toOperand(Value value) {
    return precision == GpuPrecision::tf32
               ? roundToTf32(value)
               : Value(arith::TruncFOp::create(b, b.getF16Type(), value));
  }

  /// A fragment of `rows` registers of one tf32 or two f16 each; `read(register, element)`
  /// gives an f32.
  Value makeFragment(int64_t rows, llvm::function_ref<Value(int64_t, int64_t)> read) {
    bool half = precision == GpuPrecision::f16;
    auto type = VectorType::get({rows, half ? 2 : 1},
                                half ? Type(b.getF16Type()) : Type(b.getF32Type()));
    Value fragment = arith::ConstantOp::create(b, b.getZeroAttr(type));
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t i = 0; i < (half ? 2 : 1); ++i)
        fragment = vector::InsertOp::create(b, toOperand(read(row, i)), fragment,
                                            ArrayRef<int64_t>{row, i});
    return fragment;
  }

  Values multiplyTensors(Value stage, ValueRange carried) {
    Values sums(carried);
    bool half = precision == GpuPrecision::f16;
    // Inputs of one mma, and those of a register's lane group.
    int64_t depth = half ? 16 : 8, perLane = half ? 2 : 1;
    int64_t rows = GpuGemmPlan::kWarpPixels / 16, columns = plan.warpChannels() / 8;
    Value id = groupId(), lanes = affine(b, groupLane(), perLane, 0);
    for (int64_t first = 0; first < kStep; first += depth) {
      Values left, right;
      for (int64_t row = 0; row < rows; ++row)
        left.push_back(makeFragment(4, [&](int64_t reg, int64_t i) {
          Value pixel = add(b, warpPixel, affine(b, id, 1, row * 16 + (reg % 2) * 8));
          Value column = affine(b, lanes, 1, first + (reg / 2) * depth / 2 + i);
          return Value(memref::LoadOp::create(b, inputs, ValueRange{stage, pixel, column}));
        }));
      for (int64_t column = 0; column < columns; ++column)
        right.push_back(makeFragment(2, [&](int64_t reg, int64_t i) {
          Value row = affine(b, lanes, 1, first + reg * depth / 2 + i);
          Value channel = add(b, warpChannel, affine(b, id, 1, column * 8));
          return Value(memref::LoadOp::create(b, filters, ValueRange{stage, row, channel}));
        }));
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t column = 0; column < columns; ++column) {
          Value &sum = sums[row * columns + column];
          sum = nvgpu::MmaSyncOp::create(b, left[row], right[column], sum,
                                         ArrayRef<int64_t>{16, 8, depth},
                                         /*tf32Enabled=*/!half);
        }
    }
    return sums;
  }

  void writeTensors(ValueRange sums) {
    int64_t rows = GpuGemmPlan::kWarpPixels / 16, columns = plan.warpChannels() / 8;
    Value id = groupId(), lanes = affine(b, groupLane(), 2, 0);
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t upper = 0; upper < 2; ++upper)
        writePixel(
            add(b, warpPixel, affine(b, id, 1, row * 16 + upper * 8)), [&](auto finish) {
              for (int64_t column = 0; column < columns; ++column)
                finish(add(b, warpChannel, affine(b, lanes, 1, column * 8)),
                       vector::ExtractOp::create(b, sums[row * columns + column], upper));
            });
  }

  //===--------------------------------------------------------------------===//
  // Results
  //===--------------------------------------------------------------------===//

  /// Writes the results of the pixel in row `row` of the tile: `body` calls its argument
  /// with a channel of the tile and the sums from there on.
  void writePixel(
      Value row,
      llvm::function_ref<void(llvm::function_ref<void(Value channel, Value sums)>)> body) {
    Value pixel = add(b, firstPixel, row);
    auto writeAll = [&] {
      body([&](Value channel, Value sums) {
        if (plan.splits == 1)
          return Epilogue(kernel, problem, plan, operands)
              .finish(pixel, group, outputTile, channel, sums);
        Value tile = add(b, affine(b, group, problem.outputTiles, 0), outputTile);
        Value all = add(b, affine(b, tile, plan.channels, 0), channel);
        storeLanes(b, sums, partialView(), partial.index(b, kernel.block(2), pixel, all));
      });
    };
    if (problem.pixels % plan.pixels == 0)
      return writeAll();
    kernel.when(emitIsInside(b, pixel, problem.pixels), writeAll);
  }

  Value partialView() { return partial.view(kernel); }

  GpuKernel &kernel;
  ImplicitLocOpBuilder &b;
  const GemmProblem &problem;
  const GpuGemmPlan &plan;
  GpuPrecision precision;
  GemmOperands operands;
  PartialSums partial;
  VectorType quadType;
  Value thread, lane, firstPixel, group, outputTile, warpChannel, warpPixel;
  Value inputs, filters;
  /// Which quarter of a run, or which part of a pixel's inputs, this thread copies.
  Value quad, part;
  SmallVector<CopiedPixel> pixels;
  Values tokens;
};

/// The kernel that adds partial sums: a thread for four channels of a pixel.
void buildReduction(GpuKernel &kernel, Value index, const GemmOperands &operands,
                    const GemmProblem &problem, const GpuGemmPlan &plan) {
  ImplicitLocOpBuilder &b = kernel.b;
  PartialSums partial(problem, plan);
  Values position = delinearize(
      b, index, {problem.pixels, problem.groups, problem.outputTiles, plan.channels / kQuad});
  Value tile = add(b, affine(b, position[1], problem.outputTiles, 0), position[2]);
  Value channel = affine(b, position[3], kQuad, 0);
  Value all = add(b, affine(b, tile, plan.channels, 0), channel);
  Value view = partial.view(kernel), sum;
  for (int64_t split = 0; split < plan.splits; ++split) {
    Value part =
        loadLanes(b, view, partial.index(b, indexConstant(b, split), position[0], all), kQuad);
    sum = sum ? Value(arith::AddFOp::create(b, sum, part)) : part;
  }
  Epilogue(kernel, problem, plan, operands)
      .finish(position[0], position[1], position[2], channel, sum);
}

struct ImplicitGemmFamily : GpuKernelFamily {
  bool matches(Operation *op, TargetAttr target) const override {
    if (auto conv = dyn_cast<ConvOpInterface>(op))
      return !conv.isTransposed() && op->hasAttr("filter_shape") &&
             !selectConvTile(conv, target).channelwise;
    auto dense = dyn_cast<DenseOp>(op);
    return dense && dense.getFilterShape() &&
           selectDenseTile(dense, target).rows > kGpuDenseRows;
  }

  LogicalResult build(GpuKernels &kernels, Operation *op, TargetAttr target) const override {
    GpuPrecision precision = target.getGpu().getPrecision();
    auto getOperands = [&](GpuKernel &kernel) { return findOperands(kernel, op); };
    if (auto conv = dyn_cast<ConvOpInterface>(op))
      return buildGemm(kernels, "conv", describeGemm(conv, target), planGpuGemm(conv),
                       precision, getOperands);
    auto dense = cast<DenseOp>(op);
    return buildGemm(kernels, "dense", describeGemm(dense, target), planGpuGemm(dense),
                     precision, getOperands);
  }
};

} // namespace

int64_t convoy::getGemmScratchBytes(const GemmProblem &problem, const GpuGemmPlan &plan) {
  return PartialSums(problem, plan).bytes();
}

LogicalResult convoy::buildGemm(GpuKernels &kernels, StringRef name,
                                const GemmProblem &problem, const GpuGemmPlan &plan,
                                GpuPrecision precision,
                                llvm::function_ref<GemmOperands(GpuKernel &)> getOperands,
                                int64_t scratchBytes) {
  PartialSums partial(problem, plan);
  scratchBytes += partial.bytes();
  if (failed(kernels.add(
          name, ImplicitGemm::getGrid(problem, plan), {plan.threads()},
          [&](GpuKernel &kernel) {
            ImplicitGemm(kernel, getOperands(kernel), problem, plan, precision).build();
          },
          scratchBytes)))
    return failure();
  if (plan.splits == 1)
    return success();
  return kernels.addThreads((name + "_sum").str(), problem.pixels * partial.channels / kQuad,
                            [&](GpuKernel &kernel, Value index) {
                              buildReduction(kernel, index, getOperands(kernel), problem,
                                             plan);
                            },
                            scratchBytes);
}

void convoy::addImplicitGemmKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<ImplicitGemmFamily>());
}
