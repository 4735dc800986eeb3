//===- LayerSchedule.cpp - Choosing how layers are computed ---------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/LayerSchedule.h"

#include "Decisions.h"

#include "convoy/Analysis/LayerCost.h"
#include "convoy/Machine/Cpu.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace convoy;
using namespace convoy::cnn;

/// Up to this many Winograd tiles are one strip. More tiles are cut into strips of about
/// `kStripTiles`.
static constexpr int64_t kSingleStrip = 56;
static constexpr int64_t kStripTiles = 28;

/// Input channels whose filters a task transforms at a time: few enough that the transformed
/// filters stay in the L2 cache, but so many that loading and storing sums between them is a
/// small part of the work.
static constexpr int64_t kFilterChunk = 128;

/// The relative cost up to which filters are transformed in each run, if the transformed
/// filters are too large for a cache to keep them until the next run. Half of the additional
/// cost is saved again, since fewer bytes are read.
static constexpr double kCompactPrice = 1.3;

/// The cost model is wrong by less than this factor. Algorithms whose cost exceeds the lowest
/// cost by more than the factor are not tried.
static constexpr double kTopCandidates = 1.6;

/// How many times as fast as floats a CPU multiplies pairs of integers, as measured on Zen 3;
/// and pairs of bf16.
static constexpr double kPairSpeed = 1.7, kBF16Speed = 2;
/// The same for tiles of bf16, as measured on Sapphire Rapids with its copies of inputs.
static constexpr double kTileSpeed = 10;

/// Whether Winograd's algorithm computes a convolution of integers without an error: pairs are
/// multiplied, and four times the largest sum fits into 32 bits.
static bool isExactWinograd(ConvOpInterface op, Algorithm algorithm) {
  // A packed filter has been checked before it was transformed.
  bool isNarrow =
      op.isPacked() || mlir::getElementTypeOrSelf(op.getFilter().getType()).isInteger(8);
  int64_t terms =
      op.getInputChannels() / op.getGroups() * llvm::product_of(op.getWindow().getKernel());
  int64_t largest = kLargestDifference * (isNarrow ? 128 : kLargestDifference);
  return algorithm == Algorithm::winograd_2x2 && op.getDotInputs() == 2 &&
         op.getWindow().getKernel().front() == 3 && 4 * terms * largest <= INT32_MAX;
}

std::string convoy::whyNotAlgorithm(ConvOpInterface op, Algorithm algorithm,
                                    TargetAttr target) {
  if (!isWinograd(algorithm))
    return whyNotTile(op, algorithm, target);
  if (op.isExact() || (op.isInteger() && !isExactWinograd(op, algorithm)))
    return "the convolution must be exact, and Winograd rounds";
  if (target.getGpu()) {
    if (target.getPrecision() != Precision::f32)
      return "Winograd needs f32: tensor cores compute convolutions directly";
    if (algorithm == Algorithm::winograd_4x4_compact)
      return "on a GPU, Winograd's filters are transformed when the model is compiled";
  }
  if (op.isTransposed() || op.getSpatialRank() != 2)
    return "Winograd needs a convolution of two spatial dimensions";
  auto isOne = [](int64_t value) { return value == 1; };
  WindowAttr window = op.getWindow();
  if (!window.hasUnitStrides() || !llvm::all_of(window.getDilations(), isOne))
    return "Winograd needs strides and dilations of 1";
  llvm::ArrayRef<int64_t> kernel = window.getKernel();
  int64_t extent = getWinogradOutputs(algorithm) + kernel[0] - 1;
  if (kernel[0] != kernel[1] || (kernel[0] != 3 && kernel[0] != 5) || extent > 6)
    return "Winograd computes 3x3 kernels in tiles of 2x2 or 4x4 and 5x5 ones in tiles of 2x2";
  if (!op.isInputBlocked() || !op.isOutputBlocked())
    return "Winograd needs blocked data";
  int64_t groups = op.getGroups(), lanes = target.getVectorLanes();
  if (groups > 1 && (op.getInputChannels() / groups % lanes != 0 ||
                     op.getOutputChannels() / groups % lanes != 0))
    return "Winograd needs groups that fill their blocks of channels";
  return "";
}

WinogradPlan convoy::planWinograd(ConvOpInterface op, Algorithm algorithm, TargetAttr target,
                                  std::optional<int64_t> blocks) {
  WinogradPlan plan;
  plan.outputs = getWinogradOutputs(algorithm);
  plan.taps = op.getWindow().getKernel().front();
  plan.extent = plan.outputs + plan.taps - 1;
  auto output = op.getOutputType().getShape();
  plan.tileRows = llvm::divideCeil(output[2], plan.outputs);
  plan.tileColumns = llvm::divideCeil(output[3], plan.outputs);
  plan.tiles = output[0] * plan.tileRows * plan.tileColumns;
  plan.channels = chooseVectorTile(op, target, blocks).tile;
  plan.compact = algorithm == Algorithm::winograd_4x4_compact;
  int64_t chunks = llvm::divideCeil(plan.channels.groupInputs, kFilterChunk);
  plan.filterChunk =
      plan.compact ? int64_t(llvm::divideCeil(plan.channels.inputChunks, chunks)) : 0;
  if (GpuAttr gpu = target.getGpu()) {
    cutForGpu(plan, describeGpu(gpu));
    return plan;
  }
  plan.strips =
      plan.tiles <= kSingleStrip ? 1 : int64_t(llvm::divideCeil(plan.tiles, kStripTiles));
  plan.stripTiles = llvm::divideCeil(plan.tiles, plan.strips);
  plan.strips = llvm::divideCeil(plan.tiles, plan.stripTiles);
  return plan;
}

double convoy::estimateConvCost(ConvOpInterface op, Algorithm algorithm, TargetAttr target) {
  if (target.getGpu())
    return estimateGpuConvCost(op, algorithm, target);
  CpuDescription cpu = getCpu(target);
  ConvTile tile =
      (isWinograd(algorithm) ? chooseVectorTile(op, target) : chooseTile(op, target)).tile;
  double groups = tile.groups, inputs = tile.groupInputs;
  double outputs = tile.outputTiles * tile.tileLanes();
  double filters = groups * inputs * outputs;
  double positions = double(llvm::product_of(op.getWindow().getKernel()));
  // The unit of the cost is the time of an operation of the layer's products. Winograd's
  // transformed integers have 16 bits.
  double speed = op.isInteger() ? kPairSpeed : 1;
  double weightBytes = !op.isInteger() ? sizeof(float) : isWinograd(algorithm) ? 2 : 1;
  double flopsPerByte = cpu.flopsPerByte * speed;
  if (!isWinograd(algorithm)) {
    auto output = op.getOutputType().getShape();
    double pixels = double(output[0] * llvm::product_of(output.slice(2, op.getSpatialRank())));
    // Winograd multiplies f32 where direct code multiplies bf16.
    const DotInstruction *dot = op.isInteger() ? nullptr : findDot(op, target);
    bool hasTiles = findTileProduct(op, target) != nullptr;
    double gain = hasTiles ? kTileSpeed : dot ? kBF16Speed : 1;
    return std::max(2.0 * filters * positions * pixels / gain,
                    flopsPerByte * (dot ? 2 : weightBytes) * filters * positions);
  }
  WinogradPlan plan = planWinograd(op, algorithm, target);
  double products = double(plan.products());
  double product = 2.0 * filters * products * double(plan.tiles);
  double weights =
      flopsPerByte * weightBytes * filters * (plan.compact ? positions : products);
  if (plan.compact)
    product += cpu.flopsPerFilterValue * filters * products * double(plan.strips);
  // Each of the two dimensions takes about 2.3 operations per vector. A load and a store are
  // added.
  double vectors = 6.6 * products * double(plan.tiles) * groups *
                   double(tile.inputChunks + tile.outputBlocks());
  return std::max(product, weights) + vectors * 2.0 * double(tile.lanes) * speed;
}

/// Whether the transformed filters of `op` are so large that it may be worth the time to store
/// the filters untransformed, and to transform them in each run.
static bool hasLargeFilters(ConvOpInterface op, TargetAttr target) {
  WinogradPlan plan = planWinograd(op, Algorithm::winograd_4x4, target);
  const ConvTile &channels = plan.channels;
  return channels.groups * channels.outputTiles * plan.products() * channels.groupInputs *
             channels.tileLanes() * int64_t(sizeof(float)) >=
         getCpu(target).keptBytes;
}

/// The numbers of vectors of output channels that a tile may have for an algorithm, presumably
/// the best first.
static llvm::SmallVector<int64_t> orderTileBlocks(ConvOpInterface op, Algorithm algorithm,
                                                  TargetAttr target) {
  if (!isWinograd(algorithm) && findTileProduct(op, target))
    return {chooseTile(op, target).tile.blocks};
  llvm::SmallVector<int64_t> blocks = listTileBlocks(op, target);
  if (!isWinograd(algorithm))
    return blocks;
  // If a layer has few Winograd tiles, a register tile with one vector of output channels may
  // contain all of them. Then each weight is read once.
  WinogradPlan plan = planWinograd(op, algorithm, target);
  int64_t single = plan.channels.pixels * plan.channels.blocks;
  if (plan.stripTiles == plan.tiles && plan.tiles > plan.channels.pixels &&
      plan.tiles <= single)
    llvm::stable_sort(blocks,
                      [](int64_t left, int64_t right) { return left == 1 && right != 1; });
  return blocks;
}

//===----------------------------------------------------------------------===//
// Making schedules
//===----------------------------------------------------------------------===//

const DotInstruction *convoy::findDot(ScheduledOpInterface op, Algorithm algorithm,
                                      TargetAttr target) {
  // Tiles have the layouts of dots.
  if (algorithm == Algorithm::tile_product)
    return op.isInteger() ? findDotInstruction(target, op.getDotInputs())
                          : findBF16Dot(target);
  bool isPossible =
      op.isInteger() || algorithm == Algorithm::direct || algorithm == Algorithm::dense;
  return isPossible ? findDot(op, target) : nullptr;
}

static FilterLayout getLayout(ScheduledOpInterface op, Algorithm algorithm, bool hasDots,
                              bool isGpu) {
  bool isDense = llvm::isa<DenseOp>(op.getOperation());
  if (hasDots)
    return isDense                 ? FilterLayout::dense_dots
           : isWinograd(algorithm) ? FilterLayout::winograd_dots
                                   : FilterLayout::dots;
  switch (algorithm) {
  case Algorithm::channelwise:
    return FilterLayout::channelwise;
  case Algorithm::winograd_2x2:
  case Algorithm::winograd_4x4:
    return isGpu ? FilterLayout::winograd_products : FilterLayout::winograd;
  case Algorithm::winograd_4x4_compact:
    return FilterLayout::winograd_compact;
  case Algorithm::warpgroup_product:
    return FilterLayout::input_rows;
  default:
    return isDense ? FilterLayout::dense : FilterLayout::tiles;
  }
}

/// The shape of the packed filter of `op`. `products` is the number of Winograd's products of
/// a tile, `stepChunks` is TileChoice::stepChunks, and `dot` the number of inputs in a dot.
static llvm::SmallVector<int64_t> getPackedShape(ScheduledOpInterface op, FilterLayout kind,
                                                 const ConvTile &tile, int64_t products,
                                                 int64_t stepChunks, int64_t dot) {
  llvm::ArrayRef<int64_t> kernel;
  if (auto conv = llvm::dyn_cast<ConvOpInterface>(op.getOperation()))
    kernel = conv.getWindow().getKernel();
  llvm::SmallVector<int64_t> shape;
  int64_t lanes = tile.tileLanes(), inputs = tile.groupInputs;
  switch (kind) {
  case FilterLayout::tiles:
    shape = {tile.groups, tile.outputTiles, tile.inputChunks};
    llvm::append_range(shape, kernel);
    shape.append({tile.inputChunk, lanes});
    return shape;
  case FilterLayout::channelwise:
    shape = {tile.outputTiles};
    llvm::append_range(shape, kernel);
    shape.append({inputs, lanes});
    return shape;
  case FilterLayout::input_rows:
    shape = {tile.groups, tile.outputTiles, tile.inputChunks / stepChunks};
    llvm::append_range(shape, kernel);
    shape.append({stepChunks, lanes, tile.inputChunk});
    return shape;
  case FilterLayout::winograd:
    return {tile.groups, tile.outputTiles, products, inputs, lanes};
  case FilterLayout::winograd_products:
    return {tile.groups, products, tile.outputTiles, inputs, lanes};
  case FilterLayout::winograd_compact:
    return {tile.groups, tile.outputTiles, inputs, llvm::product_of(kernel), lanes};
  case FilterLayout::dense:
    return {tile.outputTiles, inputs, lanes};
  case FilterLayout::dots:
    shape = {tile.groups, tile.outputTiles, tile.inputChunks};
    llvm::append_range(shape, kernel);
    shape.append({tile.inputChunk / dot, lanes, dot});
    return shape;
  case FilterLayout::winograd_dots:
    return {tile.groups, tile.outputTiles,
            products,    int64_t(llvm::divideCeil(inputs, dot)),
            lanes,       dot};
  case FilterLayout::dense_dots:
    return {tile.outputTiles, inputs / dot, lanes, dot};
  }
  llvm_unreachable("every kind has a shape");
}

/// The type that weights are stored in. Integers keep theirs.
static mlir::Type getStoredType(ScheduledOpInterface op, TargetAttr target,
                                const SchedulePreferences &preferences) {
  mlir::MLIRContext *context = op->getContext();
  if (op.isInteger())
    return mlir::getElementTypeOrSelf(op.getFilter().getType());
  if (target.getGpu() && target.getPrecision() == Precision::f16)
    return mlir::Float16Type::get(context);
  return preferences.weights ? preferences.weights : mlir::Float32Type::get(context);
}

/// Whether all tiles of output channels are computed for one row before the next row: with a
/// prologue, or if the input does not fit into the cache, but all filters do.
static bool keepsRows(ConvOpInterface op, FilterLayoutAttr filter, int64_t cache) {
  return op.getInputScale() || (getDenseBytes(op.getInputType()) > cache &&
                                getDenseBytes(filter.getType()) <= cache / 2);
}

/// A schedule of `op` by one algorithm, with `blocks` vectors of output channels in a tile.
static ScheduleAttr makeSchedule(ConvOpInterface op, Algorithm algorithm, int64_t blocks,
                                 TargetAttr target, mlir::Type stored) {
  bool isGpu = bool(target.getGpu());
  TileChoice choice = chooseTile(op, target, blocks);
  Schedule &schedule = choice.schedule;
  int64_t products = 0;
  if (isWinograd(algorithm)) {
    WinogradPlan plan = planWinograd(op, algorithm, target, blocks);
    products = plan.products();
    choice.tile = plan.channels;
    schedule = Schedule();
    schedule.algorithm = algorithm;
    schedule.tile = {choice.tile.pixels, choice.tile.blocks, choice.tile.lanes};
    schedule.strip = plan.stripTiles;
    schedule.chunk = plan.filterChunk;
    if (isGpu) {
      GpuGemmPlan gemm = planGpuGemm(plan);
      schedule.splits = gemm.splits;
      schedule.stages = gemm.stages;
    }
  }
  const DotInstruction *dot = findDot(op, schedule.algorithm, target);
  FilterLayout kind = getLayout(op, schedule.algorithm, dot, isGpu);
  if (kind == FilterLayout::winograd_dots)
    stored = mlir::IntegerType::get(op->getContext(), 16);
  else if (dot && !op.isInteger())
    stored = target.getDataType();
  llvm::SmallVector<int64_t> shape = getPackedShape(
      op, kind, choice.tile, products, choice.stepChunks, dot ? dot->getInputs() : 1);
  schedule.filter = FilterLayoutAttr::get(kind, mlir::RankedTensorType::get(shape, stored));
  bool hasOrder = !isGpu && (schedule.algorithm == Algorithm::direct ||
                             schedule.algorithm == Algorithm::transposed);
  if (hasOrder && keepsRows(op, schedule.filter, getCpu(target).l2Bytes))
    schedule.order = LoopOrder::pixels;
  schedule.scratch = countScratch(op, schedule.getAttr());
  return schedule.getAttr();
}

static ScheduleAttr makeSchedule(DenseOp op, TargetAttr target, mlir::Type stored) {
  TileChoice choice = chooseTile(op, target);
  Schedule &schedule = choice.schedule;
  const DotInstruction *dot = findDot(op, schedule.algorithm, target);
  FilterLayout kind = getLayout(op, schedule.algorithm, dot, bool(target.getGpu()));
  // Reading the weights often takes longer than multiplying them.
  if (!op.isInteger() && !op.getExact() && target.getPrecision() == Precision::bf16)
    stored = target.getDataType();
  llvm::SmallVector<int64_t> shape =
      getPackedShape(op, kind, choice.tile, 0, 0, dot ? dot->getInputs() : 1);
  schedule.filter = FilterLayoutAttr::get(kind, mlir::RankedTensorType::get(shape, stored));
  schedule.scratch = countScratch(op, schedule.getAttr());
  return schedule.getAttr();
}

int64_t convoy::countScratch(ScheduledOpInterface op, ScheduleAttr schedule) {
  Algorithm algorithm = schedule.getAlgorithm();
  auto conv = llvm::dyn_cast<ConvOpInterface>(op.getOperation());
  if (isWinograd(algorithm)) {
    WinogradPlan plan = getWinogradPlan(conv, schedule);
    bool isGpu = schedule.getFilter().getKind() == FilterLayout::winograd_products;
    return isGpu ? GpuWinogradScratch(plan, getGpuGemmPlan(schedule)).bytes()
                 : WinogradScratch(plan).bytes();
  }
  if (algorithm == Algorithm::tile_product)
    return conv ? TileProductPlan(conv, schedule).bytes()
                : schedule.getPixels() * schedule.getVectors() * schedule.getLanes() *
                      int64_t(sizeof(float));
  if (algorithm == Algorithm::direct && conv.getInputScale())
    return PrologueRuns(conv, getConvTile(conv, schedule)).bytes;
  if (algorithm != Algorithm::matrix_product)
    return 0;
  // Pixels, or rows of a dense layer.
  auto output = llvm::cast<DestinationOpInterface>(op.getOperation()).getOutputType();
  int64_t pixels = output.getDimSize(0);
  if (conv)
    pixels *= llvm::product_of(output.getShape().slice(2, conv.getSpatialRank()));
  FilterLayoutAttr filter = schedule.getFilter();
  return countPartialBytes(getGpuGemmPlan(schedule), pixels,
                           filter.getExtent(FilterDim::group),
                           filter.getExtent(FilterDim::output_tile));
}

ScheduleAttr convoy::addPrologue(ConvOpInterface op) {
  Schedule schedule(op.getScheduleAttr());
  schedule.span = PixelSpan::plane;
  schedule.order = LoopOrder::pixels;
  schedule.scratch = countScratch(op, op.getScheduleAttr());
  return schedule.getAttr();
}

//===----------------------------------------------------------------------===//
// Choosing schedules
//===----------------------------------------------------------------------===//

std::optional<Algorithm> convoy::parsePreferredAlgorithm(llvm::StringRef name) {
  std::optional<Algorithm> algorithm = symbolizeAlgorithm(name);
  if (algorithm && (*algorithm == Algorithm::direct || isWinograd(*algorithm)))
    return algorithm;
  return std::nullopt;
}

std::string convoy::getScheduleName(ScheduleAttr schedule) {
  return (stringifyAlgorithm(schedule.getAlgorithm()) + "/" +
          llvm::Twine(schedule.getVectors()))
      .str();
}

bool convoy::isScheduleName(llvm::StringRef name) {
  auto [algorithm, digits] = name.split('/');
  int64_t vectors;
  return symbolizeAlgorithm(algorithm) && !digits.getAsInteger(10, vectors) && vectors > 0;
}

namespace {
struct Candidate {
  Algorithm algorithm;
  double cost;
};
} // namespace

/// Whether an algorithm rounds transformed filters to a type shorter than f32 and magnifies
/// this error: with six products a side, an output adds them with large factors. With four
/// products the error stays small.
static bool magnifiesRounding(ConvOpInterface op, Algorithm algorithm, TargetAttr target,
                              mlir::Type stored) {
  if (target.getGpu() || stored.isF32() || !isWinograd(algorithm))
    return false;
  WinogradPlan plan = planWinograd(op, algorithm, target);
  return !plan.compact && plan.extent > 4;
}

/// The algorithms that can compute `op`, the best first. `direct` stands for all algorithms
/// except Winograd's.
static llvm::SmallVector<Candidate> listCandidates(ConvOpInterface op, TargetAttr target,
                                                   std::optional<Algorithm> preferred,
                                                   mlir::Type stored) {
  auto isAllowed = [&](Algorithm algorithm) {
    return !isWinograd(algorithm) || whyNotAlgorithm(op, algorithm, target).empty();
  };
  if (preferred && !isAllowed(*preferred))
    preferred = std::nullopt;
  llvm::SmallVector<Candidate> candidates;
  for (Algorithm algorithm : {Algorithm::direct, Algorithm::winograd_2x2,
                              Algorithm::winograd_4x4, Algorithm::winograd_4x4_compact}) {
    if (preferred ? algorithm != *preferred : !isAllowed(algorithm))
      continue;
    if (!preferred && magnifiesRounding(op, algorithm, target, stored))
      continue;
    if (!preferred && algorithm == Algorithm::winograd_4x4_compact && stored.isF32() &&
        !hasLargeFilters(op, target))
      continue;
    candidates.push_back({algorithm, estimateConvCost(op, algorithm, target)});
  }
  llvm::stable_sort(candidates, [](const Candidate &left, const Candidate &right) {
    return left.cost < right.cost;
  });
  // Smaller filters are worth some time.
  auto compact = llvm::find_if(candidates, [](const Candidate &candidate) {
    return candidate.algorithm == Algorithm::winograd_4x4_compact;
  });
  if (candidates.front().algorithm == Algorithm::winograd_4x4 && compact != candidates.end() &&
      compact->cost <= kCompactPrice * candidates.front().cost)
    std::rotate(candidates.begin(), compact, compact + 1);
  return candidates;
}

llvm::SmallVector<ScheduleAttr> convoy::listSchedules(ScheduledOpInterface op,
                                                      TargetAttr target,
                                                      const SchedulePreferences &preferences) {
  mlir::Type stored = getStoredType(op, target, preferences);
  auto conv = llvm::dyn_cast<ConvOpInterface>(op.getOperation());
  if (!conv)
    return {makeSchedule(llvm::cast<DenseOp>(op.getOperation()), target, stored)};
  llvm::SmallVector<Candidate> candidates =
      listCandidates(conv, target, preferences.algorithm, stored);
  double cheapest = llvm::min_element(candidates, [](const auto &left, const auto &right) {
                      return left.cost < right.cost;
                    })->cost;
  llvm::SmallVector<ScheduleAttr> schedules;
  for (const Candidate &candidate : candidates) {
    if (candidate.cost > kTopCandidates * cheapest)
      continue;
    for (int64_t blocks : orderTileBlocks(conv, candidate.algorithm, target))
      schedules.push_back(makeSchedule(conv, candidate.algorithm, blocks, target, stored));
  }
  return schedules;
}
