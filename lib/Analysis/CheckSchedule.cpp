//===- CheckSchedule.cpp - Can a kernel follow a schedule? ----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/LayerSchedule.h"

#include "Decisions.h"

#include "llvm/Support/MathExtras.h"

using namespace convoy;
using namespace convoy::cnn;

/// Why kernels cannot read inputs in the chunks of the filter; empty if they can. Blocked data
/// are read one vector of channels at a time, plain data all channels of a group together.
static std::string whyNotChunks(ConvOpInterface op, ScheduleAttr schedule, bool isGpu) {
  FilterLayoutAttr filter = schedule.getFilter();
  if (filter.getKind() != FilterLayout::tiles && filter.getKind() != FilterLayout::dots)
    return "";
  int64_t expected = op.getInputChannels() / op.getGroups();
  if (schedule.getAlgorithm() == Algorithm::tile_product)
    expected = getTileChunk(op, schedule.getLanes());
  else if (op.isInputBlocked())
    expected = isGpu || filter.hasDots() ? schedule.getLanes()
                                         : std::min(schedule.getLanes(), expected);
  if (filter.getChunkInputs() == expected)
    return "";
  return "inputs are read in chunks of " + std::to_string(expected);
}

/// Why the target cannot multiply the dots of `op`; empty if it can, or if there are none.
static std::string whyNotDots(ScheduledOpInterface op, ScheduleAttr schedule,
                              TargetAttr target) {
  int64_t lanes = schedule.getLanes();
  FilterLayoutAttr filter = schedule.getFilter();
  if (!filter.hasDots() ||
      (lanes == target.getVectorLanes() && findDot(op, schedule.getAlgorithm(), target)))
    return "";
  return "there is no instruction for dots of " +
         std::to_string(filter.getExtent(FilterDim::input)) + " inputs in " +
         std::to_string(lanes) + " lanes";
}

/// Why no kernel of a CPU can compute the schedule's tile; empty if one can.
static std::string whyNotCpuTile(ConvOpInterface op, ScheduleAttr schedule,
                                 TargetAttr target) {
  Algorithm algorithm = schedule.getAlgorithm();
  int64_t lanes = target.getVectorLanes(), vectors = schedule.getVectors();
  if (algorithm == Algorithm::pixelwise)
    return schedule.getLanes() == 1 && schedule.getPixels() % lanes == 0
               ? ""
               : "vectors of pixels have " + std::to_string(lanes) + " lanes, channels one";
  bool isHalf = algorithm == Algorithm::direct && 2 * schedule.getLanes() == lanes;
  if (schedule.getLanes() != lanes && !isHalf)
    return "vectors have " + std::to_string(lanes) + " lanes";
  int64_t outputs = op.getOutputChannels() / op.getGroups();
  int64_t all = llvm::divideCeil(outputs, schedule.getLanes());
  if (algorithm == Algorithm::tile_product)
    return vectors == std::min<int64_t>(2, all) && schedule.getPixels() == 2 * kTileRows &&
                   schedule.getStrip() <= op.getOutputType().getDimSize(2)
               ? ""
               : "its tile must be 32 pixels and up to two vectors, its strip rows of the "
                 "output";
  bool isChannelwise = algorithm == Algorithm::channelwise;
  if (isChannelwise ? vectors != 1 : vectors > 3 || all % vectors != 0)
    return "a register tile cannot hold " + std::to_string(vectors) +
           " vectors of output channels: take a divisor of their number up to 3";
  if (schedule.getSpan() == PixelSpan::plane && !op.isPointwise())
    return "span = plane needs a 1x1 kernel";
  if (schedule.getFilter().hasDots() && !op.isInputBlocked())
    return "the input channels of a dot are neighbours in blocked data alone";
  if (op.getInputScale() &&
      (schedule.getSpan() != PixelSpan::plane || schedule.getOrder() != LoopOrder::pixels))
    return "a prologue needs span = plane, order = pixels";
  return "";
}

/// The same for a GPU, for a convolution or a dense layer.
static std::string whyNotGpuTile(ScheduledOpInterface op, ScheduleAttr schedule,
                                 TargetAttr target) {
  int64_t lanes = target.getVectorLanes();
  if (schedule.getLanes() != lanes)
    return "vectors have " + std::to_string(lanes) + " lanes";
  GpuGemmPlan plan = getGpuGemmPlan(schedule);
  int64_t rows = llvm::cast<mlir::ShapedType>(op->getOperand(0).getType()).getDimSize(0);
  switch (schedule.getAlgorithm()) {
  case Algorithm::warpgroup_product:
    return whyNotPlan(getWarpgroupGemmPlan(llvm::cast<ConvOpInterface>(op.getOperation())),
                      describeGpu(target.getGpu()));
  case Algorithm::dense:
    return schedule.getVectors() == 1 && schedule.getPixels() == rows
               ? ""
               : "its tile must be one vector and all " + std::to_string(rows) + " rows";
  case Algorithm::channelwise:
  case Algorithm::transposed:
    return schedule.getVectors() == 1 ? "" : "its tile must have one vector of channels";
  case Algorithm::small_groups:
    return "";
  default:
    if (isGpuGemmTile(plan.pixels, plan.channels) && plan.stages >= 2 && plan.stages <= 3)
      return "";
    return "no matrix product has a tile of " + std::to_string(plan.pixels) + "x" +
           std::to_string(plan.channels) + " in " + std::to_string(plan.stages) + " stages";
  }
}

std::string convoy::whyNotSchedule(ScheduledOpInterface op, TargetAttr target) {
  ScheduleAttr schedule = op.getScheduleAttr();
  auto conv = llvm::dyn_cast<ConvOpInterface>(op.getOperation());
  std::string reason;
  if (conv)
    reason = whyNotAlgorithm(conv, schedule.getAlgorithm(), target);
  if (!reason.empty())
    return ("cannot be computed by " + stringifyAlgorithm(schedule.getAlgorithm()) + ": " +
            reason)
        .str();
  if (target.getGpu())
    reason = whyNotGpuTile(op, schedule, target);
  else if (conv)
    reason = whyNotCpuTile(conv, schedule, target);
  else if (schedule.getLanes() != target.getVectorLanes())
    reason = "vectors have " + std::to_string(target.getVectorLanes()) + " lanes";
  if (reason.empty())
    reason = whyNotDots(op, schedule, target);
  auto dense = llvm::dyn_cast<DenseOp>(op.getOperation());
  if (reason.empty() && dense && schedule.getAlgorithm() == Algorithm::tile_product &&
      (!findTileProduct(dense, target) || schedule.getPixels() != 2 * kTileRows))
    reason = "tiles need 32 rows or more, and inputs that fill them";
  if (reason.empty() && dense && schedule.getChunk() > 0 && !mayCutInputs(dense, target))
    reason = "sums between chunks of inputs do not fit into bf16";
  if (reason.empty() && conv)
    reason = whyNotChunks(conv, schedule, bool(target.getGpu()));
  int64_t scratch = reason.empty() ? countScratch(op, schedule) : 0;
  if (reason.empty() && schedule.getScratch() != scratch)
    reason = "its kernel needs " + std::to_string(scratch) + " bytes of scratch memory";
  return reason.empty() ? "" : "has a schedule that no kernel follows: " + reason;
}

std::string convoy::whyNotScheduled(mlir::Operation *op) {
  auto layer = llvm::dyn_cast<ScheduledOpInterface>(op);
  if (!layer)
    return "";
  if (std::string reason = whyNotPacked(op); !reason.empty())
    return reason;
  int64_t scratch = countScratch(layer, layer.getScheduleAttr());
  if (scratch == layer.getScheduleAttr().getScratch())
    return "";
  return "its schedule has " + std::to_string(layer.getScheduleAttr().getScratch()) +
         " bytes of scratch memory, but its kernel needs " + std::to_string(scratch);
}
