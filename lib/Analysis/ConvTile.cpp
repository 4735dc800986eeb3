//===- ConvTile.cpp - Choosing register tiles -----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decisions.h"

#include "convoy/Analysis/LayerSchedule.h"
#include "convoy/Machine/Cpu.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace convoy;
using namespace convoy::cnn;

/// Whether groups of channels are whole blocks.
static bool fillsBlocks(ConvOpInterface op, int64_t lanes) {
  int64_t groups = op.getGroups();
  return groups == 1 || (op.getInputChannels() / groups % lanes == 0 &&
                         op.getOutputChannels() / groups % lanes == 0);
}

/// Whether the inputs of `op`, of floats, could be multiplied in pairs.
static bool readsPairs(ScheduledOpInterface op, TargetAttr target) {
  auto conv = llvm::dyn_cast<ConvOpInterface>(op.getOperation());
  return target.getPrecision() == Precision::bf16 && !op.isExact() &&
         op.getLogicalFilterShape()[1] % 2 == 0 &&
         (!conv || (!conv.isTransposed() && conv.isInputBlocked() &&
                    fillsBlocks(conv, target.getVectorLanes())));
}

/// Whether an instruction for pairs of bf16 is slower than two for f32: on the CPUs with
/// tiles, as measured on Sapphire Rapids. A single row waits for the weights, whatever
/// multiplies.
static bool hasSlowPairs(ScheduledOpInterface op, TargetAttr target) {
  auto conv = llvm::dyn_cast<ConvOpInterface>(op.getOperation());
  if (!findTileInstruction(target, DotType::bf16))
    return false;
  if (conv)
    return conv.getSpatialRank() != 2 || !conv.isOutputBlocked();
  return llvm::cast<mlir::ShapedType>(op->getOperand(0).getType()).getDimSize(0) > 1;
}

const DotInstruction *convoy::findDot(ScheduledOpInterface op, TargetAttr target) {
  if (op.isInteger())
    return findDotInstruction(target, op.getDotInputs());
  return readsPairs(op, target) && !hasSlowPairs(op, target) ? findBF16Dot(target) : nullptr;
}

/// Up to this many channels of a plain input are copied for tiles. They become as many.
static constexpr int64_t kPlainChannels = 4;

/// Whether tiles of factors of `bytes` could multiply the rows of the kernel of `op`, which
/// reads few channels of plain data, whatever its output is.
static bool isPlainProduct(ConvOpInterface op, int64_t bytes) {
  WindowAttr window = op.getWindow();
  return !op.isTransposed() && op.getSpatialRank() == 2 && op.getGroups() == 1 &&
         op.getInputChannels() <= kPlainChannels && window.getDilations()[1] == 1 &&
         window.getKernel()[1] * kPlainChannels * bytes <= kTileRowBytes;
}

/// The instruction for tiles of the factors of `op`.
static const TileInstruction *findTiles(ScheduledOpInterface op, TargetAttr target) {
  if (op.isInteger())
    return op.getDotInputs() == 4 ? findTileInstruction(target, DotType::u8) : nullptr;
  return target.getPrecision() == Precision::bf16 && !op.isExact()
             ? findTileInstruction(target, DotType::bf16)
             : nullptr;
}

const TileInstruction *convoy::findTileProduct(ConvOpInterface op, TargetAttr target) {
  if (!op.isOutputBlocked() || op.getInputScale() || op.getSpatialRank() != 2)
    return nullptr;
  bool fits = op.isInputBlocked() ? findDot(op, target) && !op.isTransposed() &&
                                        fillsBlocks(op, target.getVectorLanes())
                                  : isPlainProduct(op, op.isInteger() ? 1 : 2);
  return fits ? findTiles(op, target) : nullptr;
}

const TileInstruction *convoy::findTileProduct(DenseOp op, TargetAttr target) {
  auto layer = llvm::cast<ScheduledOpInterface>(op.getOperation());
  int64_t rows = llvm::cast<mlir::ShapedType>(op.getInput().getType()).getDimSize(0);
  int64_t step = kTileRowBytes / (layer.isInteger() ? 1 : 2);
  bool fits =
      rows >= 2 * kTileRows && layer.getLogicalFilterShape()[1] % step == 0 && !op.getRows();
  return fits ? findTiles(layer, target) : nullptr;
}

/// The number of registers for sums of `op`. It leaves room for a tile's weights and one
/// broadcast, and for products of bytes and the ones that they are multiplied by.
static int64_t getAccumulators(ScheduledOpInterface op, TargetAttr target) {
  const DotInstruction *dot = findDot(op, target);
  bool hasByteProduct = dot && !dot->byteProduct.empty();
  return getCpu(target).vectors->convSums - (hasByteProduct ? 2 : 0);
}

/// The numbers of vectors of output channels that a tile may have, the best first: two or
/// three if that divides the vectors of a group, since each broadcast then feeds as many
/// multiply-adds. Otherwise the last of the tiles of two is partly filled, which costs at most
/// a fifth more multiply-adds; tiles of one vector take half more time. Winograd's tiles are
/// filled.
static llvm::SmallVector<int64_t> listBlocks(ConvOpInterface op, int64_t vectors) {
  llvm::SmallVector<int64_t> list;
  for (int64_t candidate : {2, 3, 1})
    if (vectors % candidate == 0)
      list.push_back(candidate);
  bool mayOverhang = !op.isOutputBlocked() || op.isPointwise();
  if (list.size() == 1 && vectors > 3 && mayOverhang)
    list.insert(list.begin(), 2);
  return list;
}

/// Up to this many input channels of a convolution of integers, f32 is as fast as dots.
static constexpr int64_t kFewInputs = 4;

/// The most multiply-adds of a kernel that has no loops over pixels and kernel positions, so
/// that its code stays in the instruction cache.
static constexpr int64_t kUnrolledMultiplyAdds = 1200;

/// The most output channels of a group for which, on a GPU, a thread for each element is
/// better than a matrix product.
static constexpr int64_t kFewOutputs = 8;

/// The numbers of threads that fill a GPU, for channel-wise and transposed convolutions. If
/// there would be more, each thread computes several pixels.
static constexpr int64_t kManyThreads = 1 << 18, kManyTransposedThreads = 1 << 17;
/// Channels that such a thread computes, and the most pixels.
static constexpr int64_t kThreadChannels = 4, kMaxThreadPixels = 4;

static llvm::ArrayRef<int64_t> getOutputExtents(ConvOpInterface op) {
  return op.getOutputType().getShape().slice(2, op.getSpatialRank());
}

/// Whether vectors may contain pixels instead of channels: in a 1x1 convolution on plain data.
static bool allowsPixels(ConvOpInterface op) {
  return !op.isInputBlocked() && !op.isOutputBlocked() && op.isPointwise();
}

/// Whether pixels fill vectors at least as well as the output channels of a group do.
static bool prefersPixels(ConvOpInterface op, int64_t groupOutputs, int64_t lanes) {
  int64_t pixels = llvm::product_of(op.getOutputType().getShape().drop_front(2));
  auto filled = [&](int64_t extent) {
    return double(extent) / double(llvm::alignTo(extent, lanes));
  };
  return filled(pixels) >= filled(groupOutputs);
}

/// Whether each vector of channels contains several whole groups, side by side.
static bool isChannelwise(ConvOpInterface op, int64_t lanes) {
  int64_t inputs = op.getInputChannels() / op.getGroups();
  return op.isInputBlocked() && op.isOutputBlocked() && !op.isTransposed() &&
         op.getGroups() > 1 && op.getInputChannels() == op.getOutputChannels() &&
         inputs < lanes && lanes % inputs == 0;
}

/// Whether groups have so few output channels that each thread of a GPU computes one element.
static bool isSmallGroups(ConvOpInterface op) {
  return !op.isTransposed() && !op.isInputBlocked() && !op.isOutputBlocked() &&
         op.getGroups() > 1 && op.getOutputChannels() / op.getGroups() <= kFewOutputs;
}

/// How many neighbouring pixels of a row of `width` a thread computes: up to four, but only so
/// many that at least `enough` threads remain. With one pixel each there are `threads`.
static int64_t choosePixels(int64_t threads, int64_t enough, int64_t width) {
  int64_t pixels = 1;
  while (pixels < kMaxThreadPixels && threads / (2 * pixels) >= enough && 2 * pixels <= width)
    pixels *= 2;
  return pixels;
}

/// The channels of `op`, in tiles of one vector and one pixel.
static ConvTile describeChannels(ConvOpInterface op, TargetAttr target) {
  ConvTile tile;
  tile.lanes = target.getVectorLanes();
  tile.groups = op.getGroups();
  tile.groupInputs = op.getInputChannels() / tile.groups;
  tile.groupOutputs = op.getOutputChannels() / tile.groups;
  tile.inputChunk = tile.groupInputs;
  tile.inputChunks = tile.blocks = tile.pixels = 1;
  tile.outputTiles = llvm::divideCeil(op.getOutputChannels(), tile.lanes);
  return tile;
}

/// Completes the schedule of a choice with its algorithm and its tile.
static TileChoice finish(TileChoice choice, Algorithm algorithm) {
  choice.schedule.algorithm = algorithm;
  choice.schedule.tile = {choice.tile.pixels, choice.tile.blocks, choice.tile.lanes};
  return choice;
}

/// Cuts channels for a matrix product. Blocked inputs are cut into blocks of 16; plain inputs
/// of a group are not cut.
static void cutForProducts(ConvOpInterface op, ConvTile &tile) {
  if (op.isInputBlocked()) {
    tile.inputChunk = tile.lanes;
    tile.inputChunks = llvm::divideCeil(tile.groupInputs, tile.inputChunk);
  }
  tile.outputTiles = llvm::divideCeil(tile.groupOutputs, tile.tileLanes());
}

/// The choice for a GPU. It decides the layout of the filter: tiles of output channels as the
/// kernel computes them, and whole steps of blocked input channels.
static TileChoice chooseGpuTile(ConvOpInterface op, TargetAttr target) {
  TileChoice choice;
  choice.schedule.precision = target.getPrecision();
  ConvTile &tile = choice.tile = describeChannels(op, target);
  llvm::ArrayRef<int64_t> output = getOutputExtents(op);
  int64_t batch = op.getOutputType().getDimSize(0);
  int64_t threads = batch * llvm::product_of(output);
  if (isChannelwise(op, tile.lanes)) {
    threads *= tile.outputTiles * tile.lanes / kThreadChannels;
    tile.pixels = choosePixels(threads, kManyThreads, output.back());
    return finish(choice, Algorithm::channelwise);
  }
  if (op.isTransposed()) {
    cutForProducts(op, tile);
    threads *= tile.groups * tile.outputTiles * tile.tileLanes() / kThreadChannels;
    tile.pixels =
        choosePixels(threads, kManyTransposedThreads,
                     llvm::divideCeil(output.back(), op.getWindow().getStrides().back()));
    return finish(choice, Algorithm::transposed);
  }
  if (auto plan = planWarpgroupGemm(op, target)) {
    tile.blocks = plan->channels / tile.lanes;
    tile.pixels = plan->tilePixels();
    cutForProducts(op, tile);
    choice.stepChunks = plan->stepBlocks;
    choice.schedule.box.assign(plan->tile.begin(), plan->tile.end());
    choice.schedule.stages = plan->stages;
    choice.schedule.warpgroups = plan->warpgroups;
    return finish(choice, Algorithm::warpgroup_product);
  }
  GpuGemmPlan plan = planGpuGemm(op);
  tile.blocks = plan.channels / tile.lanes;
  cutForProducts(op, tile);
  if (isSmallGroups(op))
    return finish(choice, Algorithm::small_groups);
  tile.pixels = plan.pixels;
  choice.schedule.splits = plan.splits;
  choice.schedule.stages = plan.stages;
  return finish(choice, Algorithm::matrix_product);
}

/// Up to this share of the L2 cache is for the copy of a strip's input.
static constexpr int64_t kCopyShare = 4;

int64_t convoy::getTileChunk(ConvOpInterface op, int64_t lanes) {
  if (!op.isInputBlocked())
    return kPlainChannels;
  int64_t inputs = op.getInputChannels() / op.getGroups();
  return std::min<int64_t>(kTileRowBytes / (op.isInteger() ? 1 : 2),
                           llvm::alignTo(inputs, lanes));
}

/// The choice of a product of tiles: 32 pixels by 32 output channels, in four tiles
/// of sums, so that each tile of inputs or of weights is multiplied twice.
static TileChoice chooseTileProduct(ConvOpInterface op, TargetAttr target) {
  TileChoice choice;
  ConvTile &tile = choice.tile = describeChannels(op, target);
  int64_t bytes = op.isInteger() ? 1 : 2;
  tile.blocks = std::min<int64_t>(2, llvm::divideCeil(tile.groupOutputs, tile.lanes));
  tile.pixels = 2 * kTileRows;
  tile.outputTiles = llvm::divideCeil(tile.groupOutputs, tile.tileLanes());
  tile.inputChunk = getTileChunk(op, tile.lanes);
  tile.inputChunks = llvm::divideCeil(tile.groupInputs, tile.inputChunk);
  WindowAttr window = op.getWindow();
  llvm::ArrayRef<int64_t> output = getOutputExtents(op), kernel = window.getKernel();
  bool isPlain = !op.isInputBlocked();
  int64_t copies = isPlain                   ? llvm::product_of(window.getStrides())
                   : window.hasUnitStrides() ? 1
                                             : llvm::product_of(kernel);
  int64_t row =
      (output.back() + kernel.back()) * tile.inputChunk * tile.inputChunks * bytes * copies;
  int64_t rows = std::clamp<int64_t>(target.getL2() / kCopyShare / row, 1, output.front());
  int64_t strips = llvm::divideCeil(output.front(), rows);
  choice.schedule.strip = llvm::divideCeil(output.front(), strips);
  return finish(choice, Algorithm::tile_product);
}

/// Which pixels share a tile of direct code: usually pixels of one row. If rows do not fill
/// tiles well, a 1x1 convolution treats all pixels of a map as one row (`plane`), and a small
/// map may be cut anywhere (`map`).
static PixelSpan chooseSpan(ConvOpInterface op, const ConvTile &tile) {
  llvm::ArrayRef<int64_t> output = getOutputExtents(op);
  if (op.getInputScale())
    return PixelSpan::plane;
  int64_t pixels = llvm::product_of(output);
  int64_t inRows = llvm::product_of(output.drop_back()) *
                   int64_t(llvm::divideCeil(output.back(), tile.pixels));
  int64_t any = llvm::divideCeil(pixels, tile.pixels);
  int64_t multiplyAdds = pixels * tile.blocks * llvm::product_of(op.getWindow().getKernel());
  if (multiplyAdds <= kUnrolledMultiplyAdds && any * 5 <= inRows * 4)
    return PixelSpan::map;
  bool isShort = output.size() > 1 && output.back() < tile.pixels;
  return op.isPointwise() && isShort ? PixelSpan::plane : PixelSpan::row;
}

TileChoice convoy::chooseTile(ConvOpInterface op, TargetAttr target,
                              std::optional<int64_t> blocks) {
  return findTileProduct(op, target) ? chooseTileProduct(op, target)
                                     : chooseVectorTile(op, target, blocks);
}

TileChoice convoy::chooseVectorTile(ConvOpInterface op, TargetAttr target,
                                    std::optional<int64_t> blocks) {
  if (target.getGpu())
    return chooseGpuTile(op, target);
  TileChoice choice;
  ConvTile &tile = choice.tile = describeChannels(op, target);
  bool blocked = op.isInputBlocked() && op.isOutputBlocked(), isInteger = op.isInteger();
  bool hasDots = findDot(op, target) != nullptr;
  // With strides, groups of 8 channels, half a 512-bit vector, are computed one by one in
  // 256-bit vectors: channel-wise code would shuffle almost as often as it multiplies.
  if (blocked && !op.isTransposed() && tile.groups > 1 && tile.lanes == 16 &&
      tile.groupInputs == 8 && tile.groupOutputs == 8 &&
      op.getWindow().getStrides().back() > 1)
    tile.lanes = 8;
  if (!isInteger && allowsPixels(op) && prefersPixels(op, tile.groupOutputs, tile.lanes)) {
    // Two vectors of pixels for each output channel.
    tile.lanes = 1;
    tile.pixels = 2 * target.getVectorLanes();
    tile.outputTiles = llvm::divideCeil(tile.groupOutputs, getAccumulators(op, target) / 2);
    tile.blocks = llvm::divideCeil(tile.groupOutputs, tile.outputTiles);
    tile.outputTiles = llvm::divideCeil(tile.groupOutputs, tile.blocks);
    return finish(choice, Algorithm::pixelwise);
  }
  if (!isInteger && isChannelwise(op, tile.lanes)) {
    const VectorUnit &vectors = *getCpu(target).vectors;
    tile.pixels = tile.groupInputs > 1 ? vectors.groupPixels : vectors.depthwisePixels;
    return finish(choice, Algorithm::channelwise);
  }
  int64_t vectors = llvm::divideCeil(tile.groupOutputs, tile.lanes);
  tile.blocks = blocks.value_or(listBlocks(op, vectors).front());
  tile.outputTiles = llvm::divideCeil(vectors, tile.blocks);
  tile.pixels = getAccumulators(op, target) / tile.blocks;
  // A blocked input is read one block of channels at a time, a plain input all channels at
  // once. Dots of channels always fill a block.
  if (op.isInputBlocked())
    tile.inputChunk = hasDots ? tile.lanes : std::min(tile.lanes, tile.groupInputs);
  tile.inputChunks = llvm::divideCeil(tile.groupInputs, tile.inputChunk);
  if (op.isTransposed())
    return finish(choice, Algorithm::transposed);
  choice.schedule.span = chooseSpan(op, tile);
  return finish(choice, Algorithm::direct);
}

llvm::SmallVector<int64_t> convoy::listTileBlocks(ConvOpInterface op, TargetAttr target) {
  TileChoice choice = chooseVectorTile(op, target);
  Algorithm algorithm = choice.schedule.algorithm;
  if (target.getGpu() ||
      (algorithm != Algorithm::direct && algorithm != Algorithm::transposed))
    return {choice.tile.blocks};
  return listBlocks(op, llvm::divideCeil(choice.tile.groupOutputs, choice.tile.lanes));
}

std::string convoy::whyNotTile(ConvOpInterface op, Algorithm algorithm, TargetAttr target) {
  bool isGpu = bool(target.getGpu());
  int64_t lanes = target.getVectorLanes(), groups = op.getGroups();
  // The algorithm that the cost model chooses is always possible.
  if (chooseTile(op, target).schedule.algorithm == algorithm)
    return "";
  auto fillsBlocks = [&](bool isBlocked, int64_t channels) {
    return !isBlocked || groups == 1 || channels / groups % lanes == 0;
  };
  if (op.isInteger() && algorithm != Algorithm::direct && algorithm != Algorithm::tile_product)
    return "it has no kernel for integers";
  switch (algorithm) {
  case Algorithm::direct:
  case Algorithm::matrix_product:
    if (isGpu != (algorithm == Algorithm::matrix_product))
      return isGpu ? "it is for CPUs" : "it is for GPUs";
    if (op.isTransposed())
      return "the convolution is transposed";
    if (!fillsBlocks(op.isInputBlocked(), op.getInputChannels()) ||
        !fillsBlocks(op.isOutputBlocked(), op.getOutputChannels()))
      return "groups do not fill blocks of channels";
    return "";
  case Algorithm::pixelwise:
    return !isGpu && allowsPixels(op) ? "" : "it is for 1x1 kernels on plain data, on CPUs";
  case Algorithm::channelwise:
    return isChannelwise(op, lanes) ? "" : "groups do not divide vectors of blocked data";
  case Algorithm::small_groups:
    return isGpu && isSmallGroups(op) ? "" : "it is for small groups of plain data, on GPUs";
  case Algorithm::warpgroup_product:
    return "the target or the shapes do not suit products of warp groups";
  case Algorithm::transposed:
    return "the convolution is not transposed";
  case Algorithm::tile_product:
    return "it is for blocked data of 8-bit integers or bf16, on CPUs with matrix tiles";
  default:
    return "it computes no convolution";
  }
}

/// Whether a kernel could read the inputs of `op`, which is plain, in dots of `inputs`.
static bool readsDots(ScheduledOpInterface op, TargetAttr target, int64_t inputs) {
  auto conv = llvm::dyn_cast<ConvOpInterface>(op.getOperation());
  // Otherwise a row of inputs would end in part of a dot.
  if (!conv)
    return op.getLogicalFilterShape()[1] % inputs == 0;
  // The channels of a dot are neighbours in memory if the input is blocked, which needs two
  // spatial dimensions or three. For a few channels it would be no gain,
  // but for tiles.
  if (conv.isTransposed() || conv.getSpatialRank() == 1)
    return false;
  if (conv.getInputChannels() <= kFewInputs)
    return inputs == 4 && isPlainProduct(conv, 1) && findTileInstruction(target, DotType::u8);
  return fillsBlocks(conv, target.getVectorLanes());
}

const DotInstruction *convoy::findIntegerKernel(ScheduledOpInterface op, TargetAttr target,
                                                int64_t inputs) {
  const DotInstruction *dot = findDotInstruction(target, inputs);
  return dot && readsDots(op, target, inputs) ? dot : nullptr;
}

/// The most inputs of a dense layer that are added up at a time.
static constexpr int64_t kDenseChunk = 512;

bool convoy::mayCutInputs(DenseOp op, TargetAttr target) {
  return op.isInteger() || op.getExact() || target.getPrecision() != Precision::bf16;
}

TileChoice convoy::chooseTile(DenseOp op, TargetAttr target) {
  TileChoice choice;
  ConvTile &tile = choice.tile;
  auto shape = op.getLogicalFilterShape();
  tile.lanes = target.getVectorLanes();
  tile.groups = 1;
  tile.groupOutputs = shape[0];
  tile.groupInputs = tile.inputChunk = shape[1];
  tile.inputChunks = 1;
  int64_t rows = llvm::cast<mlir::ShapedType>(op.getInput().getType()).getDimSize(0);
  int64_t blocks = llvm::divideCeil(shape[0], tile.lanes);
  if (target.getGpu()) {
    choice.schedule.precision = target.getPrecision();
    tile.blocks = 1;
    tile.pixels = rows;
    bool isProduct = rows > kGpuDenseRows;
    if (isProduct) {
      GpuGemmPlan plan = planGpuGemm(op);
      tile.blocks = plan.channels / tile.lanes;
      tile.pixels = plan.pixels;
      choice.schedule.splits = plan.splits;
      choice.schedule.stages = plan.stages;
    }
    tile.outputTiles = llvm::divideCeil(blocks, tile.blocks);
    return finish(choice, isProduct ? Algorithm::matrix_product : Algorithm::dense);
  }
  if (findTileProduct(op, target)) {
    tile.blocks = std::min<int64_t>(2, blocks);
    tile.pixels = 2 * kTileRows;
    tile.outputTiles = llvm::divideCeil(blocks, tile.blocks);
    return finish(choice, Algorithm::tile_product);
  }
  // A single row is bound by memory bandwidth: it reads four streams of weights at a time.
  tile.blocks = rows == 1 ? std::min<int64_t>(4, blocks) : std::min<int64_t>(2, blocks);
  tile.pixels = std::min(rows, getAccumulators(op, target) / tile.blocks);
  tile.outputTiles = llvm::divideCeil(blocks, tile.blocks);
  // Several tiles of rows read the filters again and again, from the cache if they fit.
  if (rows > tile.pixels && shape[1] > kDenseChunk && mayCutInputs(op, target)) {
    int64_t chunk = llvm::divideCeil(shape[1], llvm::divideCeil(shape[1], kDenseChunk));
    choice.schedule.chunk =
        op.isInteger() ? int64_t(llvm::alignTo(chunk, op.getDotInputs())) : chunk;
  }
  return finish(choice, Algorithm::dense);
}
