//===- ImplicitGemm.cpp - Convolutions as matrix products on a GPU --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A block of threads computes a tile of pixels times output channels. The sum goes in
// stages of 16 inputs in f32, 32 in f16, which are 64 bytes; each stage's inputs and filters
// are copied into shared memory asynchronously, a few stages ahead:
//
//   inputs  [stage][pixel][16 + 4]         outside of the picture: zeros
//   filters [stage][16][channel + 8]
//
//   inputs  [stage][pixel][32 + 8]         in f16
//   filters [stage][32][channel + 8]
//
// The padding keeps the threads of a warp in different banks. A warp computes 32 pixels
// times 64 channels (32 in narrow tiles), each thread 8 x 8 in registers: with multiply-adds
// in f32, or with tensor cores, which ldmatrix gives f16. Where there are too few tiles for a
// GPU, several blocks share the steps of a tile and leave partial sums in memory, which a
// second kernel adds in the same order each time.
//
//===----------------------------------------------------------------------===//

#include "ImplicitGemm.h"

#include "GemmEpilogue.h"
#include "TensorFragment.h"

#include "convoy/Codegen/GPU/GpuKernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

constexpr int64_t kStep = GpuGemmPlan::kStep;
constexpr int64_t kWarp = kGpuWarp, kQuad = kGpuQuad;
/// A thread's pixels in a warp's tile.
constexpr int64_t kThreadPixels = 8;
/// Copies of a pixel's run in a stage, and elements of padding behind a row of filters.
constexpr int64_t kRunCopies = 4, kFilterPadding = 8;

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

/// Writes the kernel that sums.
class ImplicitGemm {
public:
  ImplicitGemm(GpuKernel &kernel, const GpuConvOperands &operands, const GemmProblem &problem,
               const GpuGemmPlan &plan, GpuPrecision precision)
      : kernel(kernel), b(kernel.b), problem(problem), plan(plan), precision(precision),
        operands(operands), partial(problem, plan),
        element(cast<MemRefType>(operands.filter.getType()).getElementType()),
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
    inputs = kernel.shared({plan.stages, plan.pixels, stageDepth() + copied()}, element);
    filters =
        kernel.shared({plan.stages, stageDepth(), plan.channels + kFilterPadding}, element);
    preparePixels();
    sumUp();
  }

private:
  bool isHalf() const { return element.isF16(); }
  bool usesTensorCores() const { return isHalf() || precision == GpuPrecision::tf32; }
  /// Elements of a copy, inputs of a stage, and the steps that these are.
  int64_t copied() const { return kCopyBytes / (element.getIntOrFloatBitWidth() / 8); }
  int64_t stageDepth() const { return kRunCopies * copied(); }
  int64_t stageSteps() const { return stageDepth() / kStep; }

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
      // Four threads copy a pixel's runs.
      part = arith::RemUIOp::create(b, thread, indexConstant(b, kRunCopies));
      Value first = arith::DivUIOp::create(b, thread, indexConstant(b, kRunCopies));
      for (int64_t row = 0; row < plan.pixels; row += threads / kRunCopies)
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
        /*bypassL1=*/count == copied() ? b.getUnitAttr() : UnitAttr());
    tokens.push_back(token);
  }

  /// `count` where `inside` holds, else 0.
  Value countWhere(Value inside, int64_t count) {
    return countWhere(inside, indexConstant(b, count));
  }
  Value countWhere(Value inside, Value count) {
    return arith::SelectOp::create(b, inside, count, indexConstant(b, 0));
  }

  /// Whether row `row` of the packed filter is one of this block's.
  Value isRow(Value row) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, row, endRow);
  }

  void copyRuns(Value stage, Value step) {
    // Behind the first elements of a stage are those of the next step.
    Value column = affine(b, part, copied(), 0), lane = column;
    if (stageSteps() > 1) {
      Values parts = delinearize(b, part, {stageSteps(), kStep / copied()});
      step = add(b, step, parts[0]);
      lane = affine(b, parts[1], copied(), 0);
    }
    Value exists = isRow(affine(b, step, kStep, 0));
    SmallVector<int64_t> extents = {problem.steps / int64_t(llvm::product_of(problem.kernel))};
    llvm::append_range(extents, problem.kernel);
    Values position = delinearize(b, step, extents);
    Value run = add(b, affine(b, group, problem.groupStride, 0), position[0]);
    Value left = indexConstant(b, copied());
    if (problem.groupInputs % kStep != 0) {
      // Lanes past the last channel hold anything, and must not reach a sum.
      Value channel = add(b, affine(b, position[0], kStep, 0), lane);
      Value rest = arith::SubIOp::create(b, indexConstant(b, problem.groupInputs), channel);
      rest = arith::MaxSIOp::create(b, rest, indexConstant(b, 0));
      left = arith::MinSIOp::create(b, rest, left);
    }
    for (const CopiedPixel &pixel : pixels) {
      auto [offset, inside] = locate(pixel, ArrayRef(position).drop_front());
      Value index = add(b, affine(b, run, problem.inputPixels(), 0), offset);
      index = add(b, pixel.image, add(b, affine(b, index, kStep, 0), lane));
      copy(inputs, {stage, pixel.row, column}, operands.input, index, copied(),
           countWhere(emitBoth(b, exists, inside), left));
    }
  }

  /// An input that is no part of a run.
  struct SingleInput {
    Value index, inside;
  };

  SingleInput locateSingle(Value step, Value column) {
    SmallVector<int64_t> extents(problem.kernel);
    extents.push_back(problem.groupInputs);
    // The first extent takes what is left, so that it may grow past the end.
    extents.insert(extents.begin(), 2);
    const CopiedPixel &pixel = pixels.front();
    Value row = add(b, affine(b, step, kStep, 0), column);
    Values position = delinearize(b, row, extents);
    auto [offset, inside] = locate(pixel, ArrayRef(position).drop_front().drop_back());
    Value channel = add(b, affine(b, group, problem.groupStride, 0), position.back());
    Value index = add(b, affine(b, channel, problem.inputPixels(), 0), offset);
    return {add(b, pixel.image, index), emitBoth(b, isRow(row), inside)};
  }

  /// Inputs one by one: a thread copies some of a pixel's.
  void copyPlanes(Value stage, Value step) {
    int64_t count = kStep * plan.pixels / plan.threads();
    for (int64_t i = 0; i < count; ++i) {
      Value column = affine(b, part, count, i);
      SingleInput input = locateSingle(step, column);
      copy(inputs, {stage, pixels.front().row, column}, operands.input, input.index, 1,
           countWhere(input.inside, 1));
    }
  }

  /// The same in f16, of which a copy would take two: what is loaded now is stored by
  /// storePlanes.
  void loadPlanes(Value stage, Value step) {
    int64_t count = stageDepth() * plan.pixels / plan.threads();
    auto type = VectorType::get({copied()}, element);
    Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
    for (int64_t first = 0; first < count; first += copied()) {
      Values elements;
      for (int64_t i = first; i < first + copied(); ++i) {
        SingleInput input = locateSingle(step, affine(b, part, count, i));
        Value x = loadElementsOr(b, operands.input, input.index, 1, input.inside, zero);
        elements.push_back(arith::TruncFOp::create(b, element, x));
      }
      loaded.push_back({vector::FromElementsOp::create(b, type, elements),
                        {stage, pixels.front().row, affine(b, part, count, first)}});
    }
  }

  void storePlanes() {
    for (const LoadedInputs &some : loaded)
      vector::StoreOp::create(b, some.elements, inputs, some.at, /*nontemporal=*/false,
                              llvm::MaybeAlign(kCopyBytes));
    loaded.clear();
  }

  void copyFilters(Value stage, Value step) {
    int64_t copies = plan.channels / copied();
    Value tile = add(b, affine(b, group, problem.outputTiles, 0), outputTile);
    Value tileStart = affine(b, tile, problem.depth, 0);
    for (int64_t i = 0; i < stageDepth() * copies; i += plan.threads()) {
      Values position = delinearize(b, affine(b, thread, 1, i), {stageDepth(), copies});
      Value column = affine(b, position[1], copied(), 0);
      Value row = add(b, affine(b, step, kStep, 0), position[0]);
      Value index = add(b, affine(b, add(b, tileStart, row), plan.channels, 0), column);
      copy(filters, {stage, position[0], column}, operands.filter, index, copied(),
           countWhere(isRow(row), copied()));
    }
  }

  /// Starts the copies from `step` on into `stage`, as a group; past the end, of zeros.
  Value startStage(Value stage, Value step) {
    if (problem.hasRuns)
      copyRuns(stage, step);
    else if (isHalf())
      loadPlanes(stage, step);
    else
      copyPlanes(stage, step);
    copyFilters(stage, step);
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
    endRow = indexConstant(b, problem.depth);
    if (plan.splits > 1) {
      end = arith::MinSIOp::create(b, end, affine(b, begin, 1, share));
      endRow = arith::MinSIOp::create(b, endRow, affine(b, end, kStep, 0));
    }

    int64_t ahead = plan.stages - 1;
    Value token;
    for (int64_t i = 0; i < ahead; ++i) {
      token = startStage(indexConstant(b, i), affine(b, begin, 1, i * stageSteps()));
      storePlanes();
    }
    Values sums(countSums(), zeroSum());
    sums = emitLoop(b, begin, end, stageSteps(), sums, [&](Value step, ValueRange carried) {
      Value number = arith::SubIOp::create(b, step, begin);
      if (stageSteps() > 1)
        number = arith::DivUIOp::create(b, number, indexConstant(b, stageSteps()));
      auto stageOf = [&](Value number) {
        return Value(arith::RemUIOp::create(b, number, indexConstant(b, plan.stages)));
      };
      nvgpu::DeviceAsyncWaitOp::create(b, token, b.getI32IntegerAttr(ahead - 1));
      // Now all threads' copies of this stage are there, and none reads the stage that
      // the next copies overwrite.
      kernel.barrier();
      startStage(stageOf(affine(b, number, 1, ahead)),
                 affine(b, step, 1, ahead * stageSteps()));
      Value stage = stageOf(number);
      Values next = isHalf()            ? multiplyHalves(stage, carried)
                    : usesTensorCores() ? multiplyTensors(stage, carried)
                                        : multiply(stage, carried);
      // Loads are under way while the warp multiplies.
      storePlanes();
      return next;
    });
    if (usesTensorCores())
      writeTensors(sums);
    else
      write(sums);
  }

  int64_t channelQuads() const { return plan.warpChannels() / 32; }
  /// Tiles of 16 pixels and of 8 channels that a warp computes with tensor cores.
  int64_t tileRows() const { return GpuGemmPlan::kWarpPixels / 16; }
  int64_t tileColumns() const { return plan.warpChannels() / 8; }
  int64_t countSums() const {
    return usesTensorCores() ? tileRows() * tileColumns() : kThreadPixels * channelQuads();
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

  /// The products of a step's inputs with its filters: tiles of 16 pixels by 8 channels,
  /// whose parts `left` and `right` have.
  void multiplyTiles(ArrayRef<Value> left, ArrayRef<Value> right, int64_t depth,
                     MutableArrayRef<Value> sums) {
    for (size_t row = 0; row < left.size(); ++row)
      for (size_t column = 0; column < right.size(); ++column) {
        Value &sum = sums[row * right.size() + column];
        sum = nvgpu::MmaSyncOp::create(b, left[row], right[column], sum,
                                       ArrayRef<int64_t>{16, 8, depth},
                                       /*tf32Enabled=*/!isHalf());
      }
  }

  /// A fragment of `registers` tf32; `read` gives the f32 of each.
  Value makeFragment(int64_t registers, llvm::function_ref<Value(int64_t)> read) {
    auto type = VectorType::get({registers, 1}, b.getF32Type());
    Value fragment = zeroVector(b, type);
    for (int64_t i = 0; i < registers; ++i)
      fragment =
          vector::InsertOp::create(b, roundToTf32(read(i)), fragment, ArrayRef<int64_t>{i, 0});
    return fragment;
  }

  Values multiplyTensors(Value stage, ValueRange carried) {
    constexpr int64_t depth = 8;
    Values sums(carried);
    Value id = groupId(), member = groupLane();
    for (int64_t first = 0; first < kStep; first += depth) {
      Values left, right;
      for (int64_t row = 0; row < tileRows(); ++row)
        left.push_back(makeFragment(4, [&](int64_t reg) -> Value {
          Value pixel = add(b, warpPixel, affine(b, id, 1, row * 16 + (reg % 2) * 8));
          Value column = affine(b, member, 1, first + (reg / 2) * depth / 2);
          return memref::LoadOp::create(b, inputs, ValueRange{stage, pixel, column});
        }));
      for (int64_t column = 0; column < tileColumns(); ++column)
        right.push_back(makeFragment(2, [&](int64_t reg) -> Value {
          Value row = affine(b, member, 1, first + reg * depth / 2);
          Value channel = add(b, warpChannel, affine(b, id, 1, column * 8));
          return memref::LoadOp::create(b, filters, ValueRange{stage, row, channel});
        }));
      multiplyTiles(left, right, depth, sums);
    }
    return sums;
  }

  /// Four 8 x 8 matrices of f16 from a 16 x 16 part of shared memory, of which each thread
  /// says where a row of a matrix begins.
  Value loadMatrices(Value buffer, Value stage, Value row, Value column, bool transposed) {
    row = add(b, row, arith::RemUIOp::create(b, lane, indexConstant(b, 16)));
    Value half = arith::DivUIOp::create(b, lane, indexConstant(b, 16));
    column = add(b, column, affine(b, half, 8, 0));
    return nvgpu::LdMatrixOp::create(b, VectorType::get({4, 2}, element), buffer,
                                     ValueRange{stage, row, column}, transposed,
                                     /*numTiles=*/4);
  }

  Values multiplyHalves(Value stage, ValueRange carried) {
    constexpr int64_t depth = 16;
    Values sums(carried);
    for (int64_t first = 0; first < stageDepth(); first += depth) {
      Values left, right;
      for (int64_t row = 0; row < tileRows(); ++row)
        left.push_back(loadMatrices(inputs, stage, affine(b, warpPixel, 1, row * 16),
                                    indexConstant(b, first), /*transposed=*/false));
      // Two tiles of channels at a time.
      for (int64_t column = 0; column < tileColumns(); column += 2) {
        Value both = loadMatrices(filters, stage, indexConstant(b, first),
                                  affine(b, warpChannel, 1, column * 8), /*transposed=*/true);
        for (int64_t first : {0, 2})
          right.push_back(vector::ExtractStridedSliceOp::create(
              b, both, ArrayRef<int64_t>{first}, ArrayRef<int64_t>{2}, ArrayRef<int64_t>{1}));
      }
      multiplyTiles(left, right, depth, sums);
    }
    return sums;
  }

  void writeTensors(ValueRange sums) {
    Value first = add(b, warpChannel, getQuadColumn(b, lane));
    for (int64_t row = 0; row < tileRows(); ++row)
      for (int64_t upper = 0; upper < 2; ++upper) {
        Values pairs;
        for (int64_t column = 0; column < tileColumns(); ++column)
          pairs.push_back(
              vector::ExtractOp::create(b, sums[row * tileColumns() + column], upper));
        Values quads = swapToQuads(b, lane, pairs);
        writePixel(add(b, warpPixel, affine(b, groupId(), 1, row * 16 + upper * 8)),
                   [&](auto finish) {
                     for (auto [i, quad] : llvm::enumerate(quads))
                       finish(affine(b, first, 1, i * 16), quad);
                   });
      }
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
          return GemmEpilogue(kernel, problem, plan.channels, operands)
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
  GpuConvOperands operands;
  PartialSums partial;
  /// Of inputs and filters in shared memory.
  Type element;
  VectorType quadType;
  Value thread, lane, firstPixel, group, outputTile, warpChannel, warpPixel;
  Value inputs, filters;
  /// The row of the packed filter behind this block's last one.
  Value endRow;
  /// Which part of a pixel's inputs this thread copies.
  Value part;
  SmallVector<CopiedPixel> pixels;
  Values tokens;
  /// Inputs on their way through registers, and where in shared memory they go.
  struct LoadedInputs {
    Value elements;
    Values at;
  };
  SmallVector<LoadedInputs> loaded;
};

/// The kernel that adds partial sums: a thread for four channels of a pixel.
void buildReduction(GpuKernel &kernel, Value index, const GpuConvOperands &operands,
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
  GemmEpilogue(kernel, problem, plan.channels, operands)
      .finish(position[0], position[1], position[2], channel, sum);
}

struct ImplicitGemmFamily : GpuKernelFamily {
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
                           "filter's type: cnn-narrow-to-f16 comes first");
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
                       const GpuGemmPlan &plan, GpuPrecision precision,
                       llvm::function_ref<GpuConvOperands(GpuKernel &)> getOperands,
                       int64_t scratchBytes) {
  PartialSums partial(problem, plan);
  scratchBytes += countPartialBytes(plan, problem.pixels, problem.groups, problem.outputTiles);
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

void convoy::gpu::addImplicitGemmKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<ImplicitGemmFamily>());
}
