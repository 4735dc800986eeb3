//===- ConvAlgorithm.cpp - Which way a convolution is computed ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvAlgorithm.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace convoy;
using namespace convoy::cnn;

/// Floating-point operations of one core in the time of one byte from memory: 4.5 to 6.6
/// on Zen 3, 4 and 5.
static constexpr double kFlopsPerByte = 5.5;

/// Tiles that are one strip; above, strips of about `kStripTiles`.
static constexpr int64_t kSingleStrip = 56;
static constexpr int64_t kStripTiles = 28;

static int64_t getOutputs(ConvAlgorithm algorithm) {
  return algorithm == ConvAlgorithm::winograd_4x4 ? 4 : 2;
}

std::string convoy::whyNotAlgorithm(ConvOpInterface op, ConvAlgorithm algorithm,
                                    TargetAttr target) {
  if (algorithm == ConvAlgorithm::direct)
    return "";
  if (op.isTransposed() || op.getSpatialRank() != 2)
    return "Winograd needs a convolution of two spatial dimensions";
  auto isOne = [](int64_t value) { return value == 1; };
  if (!llvm::all_of(op.getStrides(), isOne) || !llvm::all_of(op.getDilations(), isOne))
    return "Winograd needs strides and dilations of 1";
  auto kernel = op.getKernelShape();
  int64_t extent = getOutputs(algorithm) + kernel[0] - 1;
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

WinogradPlan convoy::planWinograd(ConvOpInterface op, ConvAlgorithm algorithm,
                                  TargetAttr target) {
  WinogradPlan plan;
  plan.outputs = getOutputs(algorithm);
  plan.taps = op.getKernelShape().front();
  plan.extent = plan.outputs + plan.taps - 1;
  auto output = op.getOutputType().getShape();
  plan.tileRows = llvm::divideCeil(output[2], plan.outputs);
  plan.tileColumns = llvm::divideCeil(output[3], plan.outputs);
  plan.tiles = output[0] * plan.tileRows * plan.tileColumns;
  plan.channels = selectConvTile(op, target);
  plan.strips =
      plan.tiles <= kSingleStrip ? 1 : int64_t(llvm::divideCeil(plan.tiles, kStripTiles));
  plan.stripTiles = llvm::divideCeil(plan.tiles, plan.strips);
  plan.strips = llvm::divideCeil(plan.tiles, plan.stripTiles);
  return plan;
}

double convoy::estimateConvCost(ConvOpInterface op, ConvAlgorithm algorithm,
                                TargetAttr target) {
  ConvTile tile = selectConvTile(op, target);
  double groups = tile.groups, inputs = tile.groupInputs;
  double outputs = tile.outputTiles * tile.tileLanes();
  double filters = groups * inputs * outputs;
  double positions = double(llvm::product_of(op.getKernelShape()));
  if (algorithm == ConvAlgorithm::direct) {
    auto output = op.getOutputType().getShape();
    double pixels = double(output[0] * llvm::product_of(output.slice(2, op.getSpatialRank())));
    return std::max(2.0 * filters * positions * pixels,
                    kFlopsPerByte * sizeof(float) * filters * positions);
  }
  WinogradPlan plan = planWinograd(op, algorithm, target);
  double products = double(plan.products());
  double product = 2.0 * filters * products * double(plan.tiles);
  double weights = kFlopsPerByte * sizeof(float) * filters * products;
  // Each dimension takes about 2.3 operations a vector; a load and a store besides.
  double vectors = 6.6 * products * double(plan.tiles) * groups *
                   double(tile.inputChunks + tile.outputBlocks());
  return std::max(product, weights) + vectors * 2.0 * double(tile.lanes);
}

ConvAlgorithm convoy::selectConvAlgorithm(ConvOpInterface op, TargetAttr target) {
  ConvAlgorithm best = ConvAlgorithm::direct;
  double cost = 0.0;
  for (ConvAlgorithm candidate : {ConvAlgorithm::winograd_2x2, ConvAlgorithm::winograd_4x4}) {
    if (!whyNotAlgorithm(op, candidate, target).empty())
      continue;
    if (cost == 0.0)
      cost = estimateConvCost(op, ConvAlgorithm::direct, target);
    if (double own = estimateConvCost(op, candidate, target); own < cost) {
      best = candidate;
      cost = own;
    }
  }
  return best;
}

llvm::SmallVector<int64_t> convoy::getWinogradFilterShape(const WinogradPlan &plan) {
  return {plan.channels.groups, plan.channels.outputTiles, plan.products(),
          plan.channels.groupInputs, plan.channels.tileLanes()};
}
