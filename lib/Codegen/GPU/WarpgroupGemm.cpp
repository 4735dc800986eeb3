//===- WarpgroupGemm.cpp - Convolutions by wgmma on Hopper ----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A block of threads computes a box of pixels times output channels: one or two groups of four
// warps multiply, 64 pixels each, and a thread of one more warp copies. A step of the sum is
// one position of the kernel and a few blocks of input channels. For each block of channels,
// the tensor memory accelerator brings the box of inputs (zeros outside of the picture) and
// the filters:
//
//   inputs  [stage][block of channels][pixel][16]
//   filters [stage][block of channels][output channel][16]
//   barriers: a full one and an empty one for each stage
//
// A row is 16 channels: both operands have the sum's dimension innermost. The pieces of 16
// bytes of rows are permuted (a swizzle as wide as a row), in the same way by the copies that
// write them and the products that read them, so that products read without bank conflicts.
//
// The copying thread waits until a stage is empty, tells the full barrier how many bytes will
// come, and starts the copies, which complete that barrier. Each warp that multiplies waits
// for the full barrier and starts the products. When the products of the previous stage are
// done, it arrives at that stage's empty barrier: one group of products is always under way.
//
//===----------------------------------------------------------------------===//

#include "GemmEpilogue.h"
#include "TensorFragment.h"

#include "convoy/Analysis/WarpgroupGemmPlan.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

/// The alignment of the stages in shared memory, in bytes: the pattern of every swizzle
/// repeats within it.
constexpr int64_t kAlignment = 1024;
constexpr int64_t kBarrierBytes = 8;
/// Threads of a group of warps.
constexpr int64_t kWarpgroup = 128;
/// Nanoseconds after which the hardware looks at a barrier again.
constexpr int64_t kWaitNanoseconds = 10000000;

/// Rows of filters that one copy brings: those of a step or, if these are more than a copy may
/// have, those of one block of input channels.
int64_t getFilterRows(const WarpgroupGemmPlan &plan) {
  constexpr int64_t maxRows = 256;
  int64_t rows = plan.stepBlocks * plan.channels;
  return rows <= maxRows ? rows : plan.channels;
}

class WarpgroupGemm {
public:
  WarpgroupGemm(GpuKernel &kernel, ConvOpInterface op, const GemmProblem &problem,
                const WarpgroupGemmPlan &plan)
      : kernel(kernel), b(kernel.b), op(op), problem(problem), plan(plan),
        sumType(LLVM::LLVMStructType::getLiteral(
            b.getContext(), SmallVector<Type>(plan.channels / 2, b.getF32Type()))) {}

  static GpuExtents getGrid(const GemmProblem &problem, const WarpgroupGemmPlan &plan) {
    return {llvm::product_of(countTiles(plan)), problem.groups * problem.outputTiles};
  }

  static int64_t countSharedBytes(const WarpgroupGemmPlan &plan) {
    return kAlignment + plan.stages * (plan.stageBytes() + 2 * kBarrierBytes);
  }

  static GpuTensorMap mapInputs(const WarpgroupGemmPlan &plan, int64_t blocks) {
    auto [images, height, width] = plan.tile;
    return {0,
            {plan.kRow, plan.input[1], plan.input[0], blocks, plan.results[0]},
            {plan.kRow, width, height, 1, images},
            {1, plan.strides[1], plan.strides[0], 1, 1},
            plan.rowBytes()};
  }

  static GpuTensorMap mapFilters(const WarpgroupGemmPlan &plan, int64_t rows) {
    return {1, {plan.kRow, rows}, {plan.kRow, getFilterRows(plan)}, {1, 1}, plan.rowBytes()};
  }

  void build() {
    thread = kernel.thread();
    Values tile = delinearize(b, kernel.block(0), countTiles(plan));
    for (size_t i = 0; i < first.size(); ++i)
      first[i] = affine(b, tile[i], plan.tile[i], 0);
    Values channels = delinearize(b, kernel.block(1), {problem.groups, problem.outputTiles});
    group = channels[0];
    outputTile = channels[1];
    findShared();
    initBarriers();
    int64_t copier = plan.warpgroups * kWarpgroup;
    auto isCopier = [&](arith::CmpIPredicate predicate) {
      return arith::CmpIOp::create(b, predicate, thread, indexConstant(b, copier));
    };
    kernel.when(isCopier(arith::CmpIPredicate::ult), [&] { multiply(); });
    kernel.when(isCopier(arith::CmpIPredicate::eq), [&] { copy(); });
  }

private:
  static SmallVector<int64_t> countTiles(const WarpgroupGemmPlan &plan) {
    SmallVector<int64_t> tiles;
    for (auto [extent, tile] : llvm::zip_equal(plan.results, plan.tile))
      tiles.push_back(llvm::divideCeil(extent, tile));
    return tiles;
  }

  //===--------------------------------------------------------------------===//
  // Shared memory, by address: descriptors and barriers take nothing else
  //===--------------------------------------------------------------------===//

  Value int32(int64_t value) { return arith::ConstantIntOp::create(b, b.getI32Type(), value); }
  Value int64(int64_t value) { return arith::ConstantIntOp::create(b, b.getI64Type(), value); }
  Value toInt32(Value index) { return arith::IndexCastOp::create(b, b.getI32Type(), index); }
  Value toInt64(Value index) { return arith::IndexCastOp::create(b, b.getI64Type(), index); }
  Value addBytes(Value address, Value bytes) {
    return arith::AddIOp::create(b, address, bytes);
  }
  Value addBytes(Value address, int64_t bytes) {
    return bytes ? addBytes(address, int64(bytes)) : address;
  }

  void findShared() {
    auto space =
        mlir::gpu::AddressSpaceAttr::get(b.getContext(), mlir::gpu::AddressSpace::Workgroup);
    auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type(),
                                MemRefLayoutAttrInterface(), space);
    Value memory = mlir::gpu::DynamicSharedMemoryOp::create(b, type);
    Value start = toInt64(memref::ExtractAlignedPointerAsIndexOp::create(b, memory));
    shared = arith::AndIOp::create(b, addBytes(start, kAlignment - 1), int64(-kAlignment));
  }

  Value addressOfStage(Value stage) {
    return addBytes(shared, toInt64(affine(b, stage, plan.stageBytes(), 0)));
  }

  Value toPointer(Value address, NVVM::NVVMMemorySpace space) {
    auto type = LLVM::LLVMPointerType::get(b.getContext(), unsigned(space));
    return LLVM::IntToPtrOp::create(b, type, address);
  }
  /// The full barrier of a stage, or the empty one.
  Value barrierOf(Value stage, bool isFull) {
    int64_t begin = plan.stages * (plan.stageBytes() + (isFull ? 0 : kBarrierBytes));
    Value offset = affine(b, stage, kBarrierBytes, begin);
    return toPointer(addBytes(shared, toInt64(offset)), NVVM::NVVMMemorySpace::Shared);
  }

  void initBarriers() {
    Value isFirst =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, thread, indexConstant(b, 0));
    kernel.when(isFirst, [&] {
      for (int64_t stage = 0; stage < plan.stages; ++stage) {
        Value number = indexConstant(b, stage);
        // The copying thread arrives at the full barrier, each warp that multiplies at the
        // empty one.
        NVVM::MBarrierInitOp::create(b, barrierOf(number, /*isFull=*/true), int32(1), Value());
        NVVM::MBarrierInitOp::create(b, barrierOf(number, /*isFull=*/false),
                                     int32(plan.warpgroups * kWarpgroup / kGpuWarp), Value());
      }
      // Copies, which are not accesses of this thread, must see the barriers, too.
      NVVM::FenceMbarrierInitOp::create(b);
      NVVM::FenceProxyOp::create(
          b, NVVM::ProxyKindAttr::get(b.getContext(), NVVM::ProxyKind::async_shared),
          NVVM::SharedSpaceAttr::get(b.getContext(), NVVM::SharedSpace::shared_cta));
    });
    kernel.barrier();
  }

  void waitFor(Value barrier, Value parity) {
    NVVM::MBarrierTryWaitParityOp::create(b, barrier, parity, int32(kWaitNanoseconds));
  }

  NVVM::MemScopeKindAttr blockScope() {
    return NVVM::MemScopeKindAttr::get(b.getContext(), NVVM::MemScopeKind::CTA);
  }

  /// A loop over the steps from `begin`, 0 or 1, on. `body` gets a step, its stage, a parity
  /// and the carried values, and gives their next ones. The parity is that of the phase of the
  /// stage's full barrier that ends when the step's data have arrived.
  Values emitSteps(int64_t begin, ValueRange inits,
                   llvm::function_ref<Values(Value, Value, Value, ValueRange)> body) {
    Values carried = {indexConstant(b, begin), int32(0)};
    llvm::append_range(carried, inits);
    auto emitStep = [&](Value step, ValueRange values) {
      Value stage = values[0], parity = values[1];
      Values rest = body(step, stage, parity, values.drop_front(2));
      Value following = affine(b, stage, 1, 1);
      Value wraps = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, following,
                                          indexConstant(b, plan.stages));
      Values next = {arith::SelectOp::create(b, wraps, indexConstant(b, 0), following),
                     arith::SelectOp::create(
                         b, wraps, arith::XOrIOp::create(b, parity, int32(1)), parity)};
      llvm::append_range(next, rest);
      return next;
    };
    Values results = emitLoop(b, indexConstant(b, begin), indexConstant(b, plan.steps), 1,
                              carried, emitStep);
    return Values(ArrayRef(results).drop_front(2));
  }

  //===--------------------------------------------------------------------===//
  // The thread that copies
  //===--------------------------------------------------------------------===//

  void startCopy(Value map, ValueRange position, Value address, Value barrier) {
    // The block is a cluster of its own: an address is the same in the block and in the
    // cluster.
    Value to = toPointer(address, NVVM::NVVMMemorySpace::SharedCluster);
    NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
        b, to, map, position, barrier, /*im2colOffsets=*/ValueRange(),
        /*multicastMask=*/Value(), /*l2CacheHint=*/Value(),
        NVVM::TMALoadModeAttr::get(b.getContext(), NVVM::TMALoadMode::TILE),
        b.getBoolAttr(false), NVVM::CTAGroupKindAttr(), /*predicate=*/Value());
  }

  void copy() {
    int64_t bytes = plan.stepBlocks * (plan.tilePixels() + plan.channels) * plan.rowBytes();
    SmallVector<int64_t> extents = {plan.steps / int64_t(llvm::product_of(plan.kernel))};
    llvm::append_range(extents, plan.kernel);
    Value zero = int32(0);
    Value tile = add(b, affine(b, group, problem.outputTiles, 0), outputTile);
    Value firstRow = affine(b, tile, plan.steps * plan.stepBlocks * plan.channels, 0);
    Value groupBlock = affine(b, group, problem.groupInputs / plan.kRow, 0);
    Values start;
    for (int i = 0; i < 2; ++i)
      start.push_back(affine(b, first[i + 1], plan.strides[i], -plan.padsBegin[i]));

    emitSteps(0, {}, [&](Value step, Value stage, Value parity, ValueRange) -> Values {
      // In the first round all stages are empty: the wait is for the phase before the first,
      // which counts as ended.
      waitFor(barrierOf(stage, /*isFull=*/false), arith::XOrIOp::create(b, parity, int32(1)));
      Value barrier = barrierOf(stage, /*isFull=*/true);
      NVVM::MBarrierArriveExpectTxOp::create(b, Type(), barrier, int32(bytes), blockScope(),
                                             b.getBoolAttr(false), /*predicate=*/Value());
      Values position = delinearize(b, step, extents);
      Values at;
      for (int i = 0; i < 2; ++i)
        at.push_back(
            toInt32(add(b, start[i], affine(b, position[i + 1], plan.dilations[i], 0))));
      Value firstBlock = add(b, groupBlock, affine(b, position[0], plan.stepBlocks, 0));
      Value address = addressOfStage(stage);
      for (int64_t block = 0; block < plan.stepBlocks; ++block)
        startCopy(
            kernel.maps[0],
            {zero, at[1], at[0], toInt32(affine(b, firstBlock, 1, block)), toInt32(first[0])},
            addBytes(address, block * plan.rows() * plan.rowBytes()), barrier);
      Value row = add(b, firstRow, affine(b, step, plan.stepBlocks * plan.channels, 0));
      for (int64_t next = 0; next < plan.stepBlocks * plan.channels;
           next += getFilterRows(plan))
        startCopy(kernel.maps[1], {zero, toInt32(affine(b, row, 1, next))},
                  addBytes(address, (plan.stepBlocks * plan.rows() + next) * plan.rowBytes()),
                  barrier);
      return {};
    });
  }

  //===--------------------------------------------------------------------===//
  // The warps that multiply
  //===--------------------------------------------------------------------===//

  /// A matrix descriptor for wgmma, in the fields that the PTX manual draws: rows of one
  /// swizzle's width, eight of them contiguous, at `address`.
  Value makeDescriptor(Value address) {
    constexpr int leadingShift = 16, strideShift = 32, modeShift = 62, dropped = 4;
    uint64_t mode = plan.rowBytes() == 32 ? 3 : 2;
    uint64_t stride = uint64_t(8 * plan.rowBytes()) >> dropped;
    // Rows as wide as the swizzle have no leading offset; the manual assumes 1.
    uint64_t fields = uint64_t(1) << leadingShift | stride << strideShift | mode << modeShift;
    Value start = arith::AndIOp::create(b, address, int64(0x3ffff));
    start = arith::ShRUIOp::create(b, start, int64(dropped));
    return arith::OrIOp::create(b, start, int64(int64_t(fields)));
  }

  Value startProduct(Value sums, Value inputs, Value filters, bool isFirst) {
    bool half = plan.elementBytes == 2;
    NVVM::WGMMATypes type = half ? NVVM::WGMMATypes::f16 : NVVM::WGMMATypes::tf32;
    auto shape = NVVM::MMAShapeAttr::get(b.getContext(), plan.kGroupPixels, plan.channels,
                                         kProductBytes / plan.elementBytes);
    return NVVM::WgmmaMmaAsyncOp::create(
        b, sumType, sums, inputs, filters, shape, type, type, NVVM::WGMMATypes::f32,
        isFirst ? NVVM::WGMMAScaleOut::zero : NVVM::WGMMAScaleOut::one,
        NVVM::WGMMAScaleIn::one, NVVM::WGMMAScaleIn::one, NVVM::MMALayout::row,
        NVVM::MMALayout::col, NVVM::MMAIntOverflowAttr());
  }

  /// Waits for the data of a step, then starts its products, as a group.
  Value startStep(Value stage, Value parity, Value sums, bool isFirst) {
    waitFor(barrierOf(stage, /*isFull=*/true), parity);
    NVVM::WgmmaFenceAlignedOp::create(b);
    Value address = addressOfStage(stage);
    Value inputs = addBytes(address, ownRows);
    Value filters = addBytes(address, plan.stepBlocks * plan.rows() * plan.rowBytes());
    for (int64_t block = 0; block < plan.stepBlocks; ++block)
      for (int64_t part = 0; part < plan.rowBytes(); part += kProductBytes) {
        auto at = [&](int64_t rows) { return block * rows * plan.rowBytes() + part; };
        sums = startProduct(sums, makeDescriptor(addBytes(inputs, at(plan.rows()))),
                            makeDescriptor(addBytes(filters, at(plan.channels))),
                            isFirst && block == 0 && part == 0);
      }
    NVVM::WgmmaGroupSyncAlignedOp::create(b);
    return sums;
  }

  void multiply() {
    Value warpgroup = arith::DivUIOp::create(b, thread, indexConstant(b, kWarpgroup));
    ownRows = toInt64(affine(b, warpgroup, plan.kGroupPixels * plan.rowBytes(), 0));
    Value lane = arith::RemUIOp::create(b, thread, indexConstant(b, kGpuWarp));
    Value isFirstLane =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, indexConstant(b, 0));
    // The first product ignores its sums instead of adding to zeros, which would be written to
    // registers that must not change after the fence.
    Value firstStage = indexConstant(b, 0);
    Value sums = startStep(firstStage, int32(0), LLVM::UndefOp::create(b, sumType),
                           /*isFirst=*/true);
    Values results = emitSteps(
        1, {sums, firstStage},
        [&](Value, Value stage, Value parity, ValueRange carried) -> Values {
          Value next = startStep(stage, parity, carried[0], /*isFirst=*/false);
          NVVM::WgmmaWaitGroupSyncOp::create(b, b.getI64IntegerAttr(1));
          kernel.when(isFirstLane, [&] {
            NVVM::MBarrierArriveOp::create(b, Type(), barrierOf(carried[1], /*isFull=*/false),
                                           Value(), blockScope(), b.getBoolAttr(false));
          });
          return {next, stage};
        });
    write(WgmmaWaitOp::create(b, sumType, results[0], b.getI64IntegerAttr(0)));
  }

  /// Writes the outputs. A thread has sums of two rows, eight apart, as in the products of a
  /// single warp.
  void write(Value sums) {
    Value warp = arith::DivUIOp::create(b, thread, indexConstant(b, kGpuWarp));
    Value lane = arith::RemUIOp::create(b, thread, indexConstant(b, kGpuWarp));
    Value row =
        add(b, affine(b, warp, 16, 0), arith::DivUIOp::create(b, lane, indexConstant(b, 4)));
    Value column = getQuadColumn(b, lane);
    GpuConvOperands operands(kernel, op);
    GemmEpilogue epilogue(kernel, problem, plan.channels, operands);
    auto pairType = VectorType::get({2}, b.getF32Type());
    for (int64_t upper = 0; upper < 2; ++upper) {
      Values pairs;
      for (int64_t i = upper * 2; i < plan.channels / 2; i += 4)
        pairs.push_back(vector::FromElementsOp::create(
            b, pairType,
            ValueRange{LLVM::ExtractValueOp::create(b, sums, i),
                       LLVM::ExtractValueOp::create(b, sums, i + 1)}));
      Values quads = swapToQuads(b, lane, pairs);
      writePixel(affine(b, row, 1, upper * 8), [&](Value pixel) {
        for (auto [i, quad] : llvm::enumerate(quads))
          epilogue.finish(pixel, group, outputTile, affine(b, column, 1, i * 16), quad);
      });
    }
  }

  void writePixel(Value row, llvm::function_ref<void(Value)> body) {
    auto [images, height, width] = plan.tile;
    Values position = delinearize(b, row, {images, height, width});
    Value inside, pixel = indexConstant(b, 0);
    if (plan.tilePixels() < plan.rows())
      inside = emitIsInside(b, row, plan.tilePixels());
    for (int i = 0; i < 3; ++i) {
      Value at = add(b, first[i], position[i]);
      if (plan.results[i] % plan.tile[i] != 0)
        inside = emitBoth(b, inside, emitIsInside(b, at, plan.results[i]));
      pixel = add(b, affine(b, pixel, plan.results[i], 0), at);
    }
    kernel.when(inside, [&] { body(pixel); });
  }

  /// Bytes of a row that one product reads: 8 tf32 or 16 f16.
  static constexpr int64_t kProductBytes = 32;

  GpuKernel &kernel;
  ImplicitLocOpBuilder &b;
  ConvOpInterface op;
  const GemmProblem &problem;
  const WarpgroupGemmPlan &plan;
  LLVM::LLVMStructType sumType;
  Value thread, group, outputTile, shared;
  /// The offset, in bytes, of the warp group's pixels among the inputs of a stage.
  Value ownRows;
  /// The tile's first image, row and column.
  std::array<Value, 3> first;
};

struct WarpgroupGemmFamily : GpuKernelFamily {
  bool matches(Operation *op, TargetAttr) const override {
    return isScheduledAs(op, Algorithm::warpgroup_product);
  }

  LogicalResult build(GpuKernels &kernels, Operation *op, TargetAttr) const override {
    auto conv = cast<ConvOpInterface>(op);
    WarpgroupGemmPlan plan = getWarpgroupGemmPlan(conv);
    auto input = cast<ShapedType>(conv.getInputType());
    if (input.getElementTypeBitWidth() != 8 * plan.elementBytes)
      return op->emitError("has an input of ") << input.getElementType()
                                               << ", which products of warp groups cannot "
                                                  "read";
    GemmProblem problem = describeGemm(conv);
    int64_t filterRows =
        problem.groups * problem.outputTiles * plan.steps * plan.stepBlocks * plan.channels;
    return kernels.add(
        "conv_wgmma", WarpgroupGemm::getGrid(problem, plan), {plan.threads()},
        [&](GpuKernel &kernel) { WarpgroupGemm(kernel, conv, problem, plan).build(); },
        /*scratchBytes=*/0,
        {WarpgroupGemm::mapInputs(plan, conv.getInputChannels() / plan.kRow),
         WarpgroupGemm::mapFilters(plan, filterRows)},
        WarpgroupGemm::countSharedBytes(plan));
  }
};

} // namespace

void convoy::gpu::addWarpgroupGemmKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<WarpgroupGemmFamily>());
}
