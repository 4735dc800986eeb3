//===- WinogradConv.cpp - Convolution by minimal filtering on a GPU -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Three kernels, which pass data in memory of the whole grid:
//
//   V [group][product][I block][tile][lane]     the transformed input of a strip of tiles
//   M [group][product][O block][tile][lane]     the products
//
// V times the filters is a 1x1 convolution whose pixels are tiles, with one group for each
// product of each group: the matrix product kernel computes it. In the transforms, a thread
// has some channels of a tile, few enough that the tile stays in registers. If there are
// several strips, each is a round of the three kernels. The last strip may have fewer tiles:
// products of the missing tiles are computed all the same, and never read.
//
//===----------------------------------------------------------------------===//

#include "ConvEpilogue.h"
#include "GemmKernel.h"

#include "convoy/Analysis/WinogradPlan.h"
#include "convoy/Analysis/WinogradTransform.h"
#include "convoy/Codegen/Common/TileTransform.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

class WinogradConv {
public:
  explicit WinogradConv(ConvOpInterface op)
      : op(op), plan(getWinogradPlan(op)), channels(plan.channels),
        transform(getWinogradTransform(plan.outputs, plan.taps)),
        gemm(getGpuGemmPlan(op.getScheduleAttr())), outputBlocks(plan.outputBlocks()),
        lanes(plan.extent > 4 ? kGpuQuad / 2 : kGpuQuad), problem(describeProducts()),
        scratch(plan, gemm) {}

  LogicalResult build(GpuKernels &kernels) {
    kernels.setRounds(plan.strips);
    auto addTransform = [&](StringRef name, int64_t elements, auto body) {
      return kernels.addThreads(name, elements / plan.products() / lanes, body,
                                scratch.bytes());
    };
    if (failed(addTransform(
            "winograd_input", scratch.inputElements,
            [&](GpuKernel &kernel, Value index) { transformInput(kernel, index); })))
      return failure();
    kernels.setComputedFlops(2 * channels.groups * channels.groupInputs *
                             channels.groupOutputs * plan.products() * plan.stripTiles);
    auto getOperands = [&](GpuKernel &kernel) {
      return GpuConvOperands(viewInput(kernel), flatten(kernel.b, kernel.operands[1]),
                             viewProducts(kernel));
    };
    // V and M follow the partial sums, if there are any.
    if (failed(buildGemm(kernels, "winograd_products", problem, gemm, Precision::f32,
                         getOperands, scratch.bytes() - scratch.sumBytes)))
      return failure();
    return addTransform(
        "winograd_output", scratch.productElements,
        [&](GpuKernel &kernel, Value index) { transformOutput(kernel, index); });
  }

private:
  /// The products of a strip as a convolution of V, whose pixels are tiles.
  GemmProblem describeProducts() {
    GemmProblem products;
    products.results = {1, plan.stripTiles};
    products.pixels = plan.stripTiles;
    products.groups = channels.groups * plan.products();
    products.groupInputs = products.depth = channels.groupInputs;
    products.groupOutputs = outputBlocks * channels.lanes;
    products.outputTiles = channels.outputTiles;
    products.input = {plan.stripTiles};
    products.kernel = products.strides = products.dilations = {1};
    products.padsBegin = {0};
    products.hasChunks = true;
    products.imageStride = 0;
    products.groupStride = products.steps = channels.inputChunks;
    products.output = GemmProblem::Output::Blocked;
    products.outputChannels = products.groups * products.groupOutputs;
    return products;
  }

  Value view(GpuKernel &kernel, int64_t begin, int64_t elements) const {
    auto type = MemRefType::get({elements}, kernel.b.getF32Type());
    return memref::ViewOp::create(kernel.b, type, kernel.scratch,
                                  indexConstant(kernel.b, begin), ValueRange());
  }
  Value viewInput(GpuKernel &kernel) const {
    return view(kernel, scratch.partialBytes, scratch.inputElements);
  }
  Value viewProducts(GpuKernel &kernel) const {
    return view(kernel, scratch.partialBytes + scratch.inputBytes, scratch.productElements);
  }

  VectorType getType(ImplicitLocOpBuilder &b) const {
    return VectorType::get({lanes}, b.getF32Type());
  }

  /// The part of a thread in a transform: `lanes` channels of a block, in a tile.
  struct Place {
    Value group, block, stripTile, lane;
    /// The tile's image, and its first row and column of the output.
    Value image, row, column;
  };

  /// Emits `body` for the thread's place among `blocks` blocks of channels per group, if its
  /// tile exists.
  void locate(GpuKernel &kernel, Value index, int64_t blocks,
              llvm::function_ref<void(const Place &)> body) const {
    ImplicitLocOpBuilder &b = kernel.b;
    Values at = delinearize(
        b, index, {channels.groups, blocks, plan.stripTiles, channels.lanes / lanes});
    Value tile = at[2];
    if (kernel.round)
      tile = add(b, affine(b, kernel.round, plan.stripTiles, 0), tile);
    Value exists;
    if (plan.strips * plan.stripTiles != plan.tiles)
      exists = emitIsInside(b, tile, plan.tiles);
    kernel.when(exists, [&] {
      Values position = delinearize(
          b, tile,
          {plan.tiles / (plan.tileRows * plan.tileColumns), plan.tileRows, plan.tileColumns});
      body({at[0], at[1], at[2], affine(b, at[3], lanes, 0), position[0],
            affine(b, position[1], plan.outputs, 0), affine(b, position[2], plan.outputs, 0)});
    });
  }

  /// The index, in V or M with `blocks` blocks per group, of the place's element of product 0.
  Value indexProducts(ImplicitLocOpBuilder &b, const Place &place, int64_t blocks) const {
    Value index = add(b, affine(b, place.group, plan.products() * blocks, 0), place.block);
    index = add(b, affine(b, index, plan.stripTiles, 0), place.stripTile);
    return add(b, affine(b, index, channels.lanes, 0), place.lane);
  }

  /// Elements from one product to the next in V or M.
  int64_t productStride(int64_t blocks) const {
    return blocks * plan.stripTiles * channels.lanes;
  }

  /// The number of rows before the place's plane in an image of blocked data of `type`, with
  /// `blocks` blocks per group.
  Value indexPlane(ImplicitLocOpBuilder &b, const Place &place, MemRefType type,
                   int64_t blocks) const {
    Value block = add(b, affine(b, place.group, blocks, 0), place.block);
    return affine(b, block, type.getDimSize(2), 0);
  }

  void transformInput(GpuKernel &kernel, Value index) {
    ImplicitLocOpBuilder &b = kernel.b;
    locate(kernel, index, channels.inputChunks, [&](const Place &place) {
      auto type = cast<MemRefType>(kernel.operands[0].getType());
      Value input = flatten(b, kernel.operands[0]), transformed = viewInput(kernel);
      Value image = affine(b, place.image, getImageStride(kernel.operands[0]), 0);
      Value plane = indexPlane(b, place, type, channels.inputChunks);
      int64_t height = type.getDimSize(2), width = type.getDimSize(3);
      // Coordinates of the tile's rows and columns in the input, and whether they are inside;
      // null if they always are.
      struct Coordinate {
        Value value, inside;
      };
      auto list = [&](Value first, int64_t pad, int64_t tiles, int64_t extent) {
        SmallVector<Coordinate> coordinates;
        for (int64_t i = 0; i < plan.extent; ++i) {
          Value value = affine(b, first, 1, i - pad);
          bool always = i >= pad && (tiles - 1) * plan.outputs + i - pad < extent;
          coordinates.push_back({value, always ? Value() : emitIsInside(b, value, extent)});
        }
        return coordinates;
      };
      auto rows = list(place.row, op.getWindow().getPadsBegin()[0], plan.tileRows, height);
      auto columns =
          list(place.column, op.getWindow().getPadsBegin()[1], plan.tileColumns, width);
      Value zero = zeroVector(b, getType(b));
      Value to = indexProducts(b, place, channels.inputChunks);
      emitTileTransform(
          b, getType(b), transform.input,
          [&](int64_t i, int64_t j) {
            Value from = affine(b, add(b, plane, rows[i].value), width, 0);
            from = affine(b, add(b, from, columns[j].value), channels.lanes, 0);
            from = add(b, image, add(b, from, place.lane));
            return loadElementsOr(b, input, from, lanes,
                                  emitBoth(b, rows[i].inside, columns[j].inside), zero);
          },
          [&](int64_t i, int64_t j, Value value) {
            int64_t product = i * plan.extent + j;
            storeLanes(b, value, transformed,
                       affine(b, to, 1, product * productStride(channels.inputChunks)));
          });
    });
  }

  void transformOutput(GpuKernel &kernel, Value index) {
    ImplicitLocOpBuilder &b = kernel.b;
    locate(kernel, index, outputBlocks, [&](const Place &place) {
      GpuConvOperands operands(kernel, op);
      auto type = cast<MemRefType>(op.getOutputType());
      Value products = viewProducts(kernel);
      Value plane = indexPlane(b, place, type, outputBlocks);
      Value from = indexProducts(b, place, outputBlocks);
      Value bias;
      if (operands.bias) {
        Value first = affine(b, place.group, channels.outputTiles * channels.tileLanes(), 0);
        Value block = affine(b, place.block, channels.lanes, 0);
        bias = loadLanes(b, operands.bias, add(b, add(b, first, block), place.lane), lanes);
      }
      SmallVector<Values> results(plan.outputs, Values(plan.outputs));
      emitTileTransform(
          b, getType(b), transform.output,
          [&](int64_t i, int64_t j) {
            int64_t product = i * plan.extent + j;
            return loadLanes(b, products,
                             affine(b, from, 1, product * productStride(outputBlocks)), lanes);
          },
          [&](int64_t i, int64_t j, Value value) { results[i][j] = value; });
      for (int64_t i = 0; i < plan.outputs; ++i) {
        Value row = affine(b, place.row, 1, i);
        whereInside(kernel, row, i, type.getDimSize(2), [&] {
          Value start = affine(b, add(b, plane, row), type.getDimSize(3), 0);
          for (int64_t j = 0; j < plan.outputs; ++j) {
            Value column = affine(b, place.column, 1, j);
            whereInside(kernel, column, j, type.getDimSize(3), [&] {
              Value to = affine(b, add(b, start, column), channels.lanes, 0);
              Value sum = results[i][j];
              if (bias)
                sum = arith::AddFOp::create(b, sum, bias);
              operands.store(b, sum, place.image, add(b, to, place.lane));
            });
          }
        });
      }
    });
  }

  /// Emits `body` for the case that row or column `i` of a tile, which is `coordinate` of the
  /// output, is inside of the output's `extent`.
  void whereInside(GpuKernel &kernel, Value coordinate, int64_t i, int64_t extent,
                   llvm::function_ref<void()> body) const {
    int64_t last = extent % plan.outputs;
    bool always = last == 0 || i < last;
    kernel.when(always ? Value() : emitIsInside(kernel.b, coordinate, extent), body);
  }

  ConvOpInterface op;
  WinogradPlan plan;
  const ConvTile &channels;
  WinogradTransform transform;
  GpuGemmPlan gemm;
  /// Blocks of output channels per group.
  int64_t outputBlocks;
  /// Channels per thread in the transforms.
  int64_t lanes;
  GemmProblem problem;
  GpuWinogradScratch scratch;
};

struct WinogradConvFamily : GpuKernelFamily {
  bool matches(Operation *op, TargetAttr) const override {
    return isScheduledAs(op, Algorithm::winograd_2x2) ||
           isScheduledAs(op, Algorithm::winograd_4x4);
  }

  LogicalResult build(GpuKernels &kernels, Operation *op, TargetAttr) const override {
    return WinogradConv(cast<ConvOpInterface>(op)).build(kernels);
  }
};

} // namespace

void convoy::gpu::addWinogradConvKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<WinogradConvFamily>());
}
