//===- GpuConvCost.cpp - What a convolution costs on a GPU ----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// On a GPU, a Winograd convolution is three kernels. The first transforms the input. The
// second computes a matrix product of tiles and output channels for each of the `n * n`
// products of a tile. The third transforms the products into results. The kernels pass the
// transformed input and the products to each other in memory. If these are too large for the
// L2 cache, the tiles are cut into strips, and the three kernels run once for each strip.
//
// No GPU has confirmed these estimates.
//
//===----------------------------------------------------------------------===//

#include "Decisions.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace convoy;
using namespace convoy::cnn;
using llvm::divideCeil;

/// Estimates may be wrong. Winograd is chosen only if it is estimated to be faster by this
/// factor, and by this many seconds more.
static constexpr double kMargin = 1.2, kLeastGain = 3e-6;
/// The most bytes of a strip's transformed input and products if they exceed the L2 cache.
/// More would only enlarge the arena.
static constexpr int64_t kMaxScratch = int64_t(256) << 20;
/// The number of tiles of a strip is a multiple of the pixels of a matrix product's largest
/// tile.
static constexpr int64_t kStripGrain = 128;

/// Output channels of a group in the products, rounded up to whole blocks.
static int64_t getProductOutputs(const WinogradPlan &plan) {
  return plan.outputBlocks() * plan.channels.lanes;
}

/// Bytes of the transformed input and the products of one Winograd tile.
static int64_t getTileBytes(const WinogradPlan &plan) {
  const ConvTile &channels = plan.channels;
  return int64_t(sizeof(float)) * plan.products() * channels.groups *
         (channels.inputChunks * channels.inputChunk + getProductOutputs(plan));
}

GpuGemmPlan convoy::planGpuGemm(const WinogradPlan &plan) {
  const ConvTile &channels = plan.channels;
  return planGpuGemm(plan.stripTiles, channels.groups * plan.products(),
                     getProductOutputs(plan),
                     divideCeil(channels.groupInputs, GpuGemmPlan::kStep));
}

/// The time of a matrix product, converted from the cost of its plan.
static double getSeconds(const GpuGemmPlan &plan, const GpuDescription &gpu) {
  return 2 * plan.cost * double(describePortableGpu().multiprocessors) / gpu.f32Flops;
}

/// The rate, in bytes per second, of reading `bytes` of data soon after they are written. The
/// L2 cache keeps them if they fit into half of it; the other half is for other data.
static double getRate(double bytes, const GpuDescription &gpu) {
  return bytes <= double(gpu.l2Bytes) / 2 ? gpu.l2Bandwidth : gpu.bandwidth;
}

/// The time of the three kernels for all strips, in seconds. It does not include reading the
/// input and writing the output, which take the same time for all numbers of strips.
static double estimateStrips(const WinogradPlan &plan, const GpuDescription &gpu) {
  const ConvTile &channels = plan.channels;
  GpuGemmPlan gemm = planGpuGemm(plan);
  double bytes = double(getTileBytes(plan) * plan.stripTiles);
  double moved = bytes / getRate(bytes, gpu);
  double filters = double(int64_t(sizeof(float)) * channels.groups * channels.groupInputs *
                          getProductOutputs(plan) * plan.products());
  double multiplied = getSeconds(gemm, gpu);
  // The first strip reads the filters from memory, the other strips from the L2 cache if they
  // fit.
  double first = std::max(multiplied, moved + filters / gpu.bandwidth);
  double other = std::max(multiplied, moved + filters / getRate(filters, gpu));
  double strips = double(plan.strips), launches = gemm.splits > 1 ? 4 : 3;
  return first + (strips - 1) * other + strips * (moved + launches * gpu.launchSeconds);
}

void convoy::cutForGpu(WinogradPlan &plan, const GpuDescription &gpu) {
  double best = 0;
  WinogradPlan cut = plan;
  for (int64_t bytes : {kMaxScratch, gpu.l2Bytes / 2}) {
    cut.strips = divideCeil(plan.tiles * getTileBytes(plan), bytes);
    cut.stripTiles = divideCeil(plan.tiles, cut.strips);
    if (cut.strips > 1)
      cut.stripTiles = llvm::alignTo(cut.stripTiles, kStripGrain);
    cut.strips = divideCeil(plan.tiles, cut.stripTiles);
    double seconds = estimateStrips(cut, gpu);
    if (best == 0 || seconds < best) {
      best = seconds;
      plan.strips = cut.strips;
      plan.stripTiles = cut.stripTiles;
    }
  }
  GpuGemmPlan gemm = planGpuGemm(plan);
  plan.channels.blocks = gemm.channels / plan.channels.lanes;
  plan.channels.pixels = gemm.pixels;
  plan.channels.outputTiles = divideCeil(plan.channels.groupOutputs, gemm.channels);
}

double convoy::estimateGpuConvCost(ConvOpInterface op, Algorithm algorithm,
                                   TargetAttr target) {
  const GpuDescription &gpu = describeGpu(target.getGpu());
  double inputs = double(op.getInputType().getNumElements() * int64_t(sizeof(float)));
  double outputs = double(op.getOutputType().getNumElements() * int64_t(sizeof(float)));
  double activations = inputs / getRate(inputs, gpu) + outputs / getRate(outputs, gpu);
  if (isWinograd(algorithm))
    return gpu.f32Flops *
           (kMargin *
                (estimateStrips(planWinograd(op, algorithm, target), gpu) + activations) +
            kLeastGain);
  GpuGemmPlan gemm = planGpuGemm(op);
  double filters =
      double(llvm::product_of(op.getLogicalFilterShape()) * int64_t(sizeof(float)));
  double launches = gemm.splits > 1 ? 2 : 1;
  return gpu.f32Flops *
         (std::max(getSeconds(gemm, gpu), filters / gpu.bandwidth + activations) +
          launches * gpu.launchSeconds);
}
