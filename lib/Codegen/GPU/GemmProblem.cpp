//===- GemmProblem.cpp - Layers as matrix products ------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmProblem.h"

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Analysis/GpuGemmPlan.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

GemmProblem convoy::gpu::describeGemm(ConvOpInterface op) {
  ConvTile tile = getConvTile(op);
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
  WindowAttr window = op.getWindow();
  problem.kernel = SmallVector<int64_t>(window.getKernel());
  problem.strides = SmallVector<int64_t>(window.getStrides());
  problem.dilations = SmallVector<int64_t>(window.getDilations());
  problem.padsBegin = SmallVector<int64_t>(window.getPadsBegin());
  problem.hasChunks = op.isInputBlocked();
  problem.imageStride = cnn::getImageStride(cast<MemRefType>(op.getInputType()));
  problem.groupStride = problem.hasChunks ? tile.inputChunks : tile.groupInputs;
  problem.depth = tile.inputChunks * tile.inputChunk * llvm::product_of(problem.kernel);
  problem.steps = llvm::divideCeil(problem.depth, GpuGemmPlan::kStep);
  problem.output =
      op.isOutputBlocked() ? GemmProblem::Output::Blocked : GemmProblem::Output::Planes;
  problem.outputChannels = op.getOutputChannels();
  return problem;
}

GemmProblem convoy::gpu::describeGemm(DenseOp op) {
  auto shape = op.getLogicalFilterShape();
  GemmProblem problem;
  problem.pixels = cast<ShapedType>(op.getInput().getType()).getDimSize(0);
  problem.results = {problem.pixels};
  problem.groups = 1;
  problem.groupInputs = problem.imageStride = problem.depth = shape[1];
  problem.groupOutputs = problem.outputChannels = shape[0];
  problem.outputTiles = getDenseTile(op).outputTiles;
  // Chunks are copied 16 bytes at a time.
  Type element = getElementTypeOrSelf(op.getInput());
  problem.hasChunks = isAligned(op, 0) && element == getElementTypeOrSelf(op.getFilter()) &&
                      shape[1] % (kCopyBytes / (element.getIntOrFloatBitWidth() / 8)) == 0;
  problem.groupStride = 0;
  problem.steps = llvm::divideCeil(problem.depth, GpuGemmPlan::kStep);
  problem.output = isAligned(op, op->getNumOperands() - 1) ? GemmProblem::Output::AlignedRows
                                                           : GemmProblem::Output::Rows;
  return problem;
}
