//===- GemmEpilogue.cpp - From a product's sums to the output -------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmEpilogue.h"

#include "convoy/Analysis/GpuGemmPlan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;

void GemmEpilogue::finish(Value pixel, Value group, Value tile, Value channel, Value sums) {
  constexpr int64_t kStep = GpuGemmPlan::kStep;
  int64_t lanes = cast<VectorType>(sums.getType()).getNumElements();
  Value inGroup = add(b, affine(b, tile, tileChannels, 0), channel);
  if (operands.bias) {
    Value index = add(b, affine(b, group, problem.outputTiles * tileChannels, 0), inGroup);
    sums = arith::AddFOp::create(b, sums, loadLanes(b, operands.bias, index, lanes));
  }
  SmallVector<Value> position =
      delinearize(b, pixel, {problem.results[0], problem.outputPixels()});
  switch (problem.output) {
  case GemmProblem::Output::Blocked: {
    // Lanes past the last channel may be written, blocks past the last must not.
    int64_t blocks = llvm::divideCeil(problem.outputChannels, kStep);
    Value all = add(b, affine(b, group, problem.groupOutputs, 0), inGroup);
    SmallVector<Value> parts = delinearize(b, all, {blocks, kStep});
    Value index = add(b, affine(b, parts[0], problem.outputPixels(), 0), position[1]);
    index = add(b, affine(b, index, kStep, 0), parts[1]);
    int64_t written = llvm::alignTo(problem.groupOutputs, kStep);
    return whereChannel(inGroup, written,
                        [&] { operands.store(b, sums, position[0], index); });
  }
  case GemmProblem::Output::AlignedRows:
    if (problem.outputChannels % lanes == 0) {
      return whereChannel(inGroup, problem.groupOutputs,
                          [&] { operands.store(b, sums, pixel, inGroup); });
    }
    [[fallthrough]];
  case GemmProblem::Output::Rows:
    return storeEach(sums, inGroup, pixel, indexConstant(b, 0), 1);
  case GemmProblem::Output::Planes: {
    Value plane = affine(b, group, problem.groupOutputs, 0);
    Value first = add(b, affine(b, plane, problem.outputPixels(), 0), position[1]);
    return storeEach(sums, inGroup, position[0], first, problem.outputPixels());
  }
  }
}

void GemmEpilogue::whereChannel(Value channel, int64_t end, llvm::function_ref<void()> body) {
  if (end % tileChannels == 0)
    return body();
  kernel.when(emitIsInside(b, channel, end), body);
}

void GemmEpilogue::storeEach(Value sums, Value channel, Value image, Value first,
                             int64_t stride) {
  int64_t lanes = cast<VectorType>(sums.getType()).getNumElements();
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value at = affine(b, channel, 1, lane);
    whereChannel(at, problem.groupOutputs, [&] {
      Value index = add(b, first, affine(b, at, stride, 0));
      operands.store(b, vector::ExtractOp::create(b, sums, lane), image, index);
    });
  }
}
