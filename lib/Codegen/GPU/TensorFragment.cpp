//===- TensorFragment.cpp - Sums of tensor cores --------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorFragment.h"

#include "BlockReduction.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;

Value convoy::gpu::getQuadColumn(ImplicitLocOpBuilder &b, Value lane) {
  Value member = arith::RemUIOp::create(b, lane, indexConstant(b, 4));
  Value pair = arith::DivUIOp::create(b, member, indexConstant(b, 2));
  Value odd = arith::RemUIOp::create(b, member, indexConstant(b, 2));
  return add(b, affine(b, pair, kGpuQuad, 0), affine(b, odd, 8, 0));
}

SmallVector<Value> convoy::gpu::swapToQuads(ImplicitLocOpBuilder &b, Value lane,
                                            ValueRange pairs) {
  Value odd = arith::RemUIOp::create(b, lane, indexConstant(b, 2));
  Value isOdd = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, odd, indexConstant(b, 0));
  auto choose = [&](Value ifOdd, Value ifEven) -> Value {
    return arith::SelectOp::create(b, isOdd, ifOdd, ifEven);
  };
  SmallVector<Value> quads;
  for (size_t i = 0; i < pairs.size(); i += 2) {
    Value other = exchangeLanes(b, choose(pairs[i], pairs[i + 1]), 1);
    Value kept = choose(pairs[i + 1], pairs[i]);
    quads.push_back(vector::ShuffleOp::create(b, choose(other, kept), choose(kept, other),
                                              ArrayRef<int64_t>{0, 1, 2, 3}));
  }
  return quads;
}
