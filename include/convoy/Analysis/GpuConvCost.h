//===- GpuConvCost.h - What a convolution costs on a GPU --------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A Winograd convolution is three kernels on a GPU: the first transforms the input, the
// second multiplies, a matrix product of tiles and output channels for each of the `n * n`
// products of a tile, and the third transforms the results. Between them lie the transformed
// input and the products, in memory. Where they are too large for the L2 cache, the tiles
// are cut into strips, and the kernels run once for each.
//
// No GPU has confirmed these estimates.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_GPUCONVCOST_H
#define CONVOY_ANALYSIS_GPUCONVCOST_H

#include "convoy/Analysis/ConvAlgorithm.h"
#include "convoy/Analysis/GpuGemmPlan.h"
#include "convoy/Machine/Gpu.h"

namespace convoy {

/// Cuts `plan`, whose tiles and channels are counted, into strips and tiles of channels.
void cutForGpu(WinogradPlan &plan, const GpuDescription &gpu);

/// The plan of the products of a strip.
GpuGemmPlan planGpuGemm(const WinogradPlan &plan);

/// The time of `op` in floating-point operations at the GPU's peak. Winograd's is a little
/// more than the estimate, so that it must promise some gain to be chosen.
double estimateGpuConvCost(cnn::ConvOpInterface op, cnn::ConvAlgorithm algorithm,
                           cnn::TargetAttr target);

} // namespace convoy

#endif // CONVOY_ANALYSIS_GPUCONVCOST_H
