//===- GlobalPool.cpp - Mean or largest value of a channel on a GPU -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A block of threads computes one block of channels, of which each thread combines four
// channels of some pixels; or it computes one channel of plain data.
//
//===----------------------------------------------------------------------===//

#include "BlockReduction.h"

#include "convoy/Codegen/Common/Pooling.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

/// Pixels that a thread loads at once.
constexpr int64_t kUnroll = 4;

struct GlobalPoolFamily : GpuKernelFamily {
  bool matches(Operation *op, TargetAttr) const override {
    auto pool = dyn_cast<GlobalPoolOp>(op);
    return pool && isGpuFloat(getElementTypeOrSelf(pool.getInput()));
  }

  LogicalResult build(GpuKernels &kernels, Operation *operation, TargetAttr) const override {
    auto op = cast<GlobalPoolOp>(operation);
    ArrayRef<int64_t> shape = cast<ShapedType>(op.getInput().getType()).getShape();
    int64_t block = op.getBlocked() ? shape.back() : 1;
    int64_t lanes = op.getBlocked() ? kGpuQuad : 1, columns = block / lanes;
    int64_t planes = shape[0] * shape[1];
    int64_t pixels = llvm::product_of(shape.drop_front(2)) / block;
    int64_t threads = std::clamp<int64_t>(
        llvm::bit_floor(uint64_t(pixels * columns / kUnroll)), kGpuWarp, kGpuBlockThreads);
    return kernels.add("global_pool", {planes}, {threads}, [&](GpuKernel &kernel) {
      ImplicitLocOpBuilder &b = kernel.b;
      Type type = b.getF32Type();
      if (op.getBlocked())
        type = VectorType::get({lanes}, type);
      PoolCombiner combine(b, op.getKind());
      Value start = combine.emitStart(type);
      Value input = flatten(b, kernel.operands[0]), output = flatten(b, kernel.operands[1]);
      Value thread = kernel.thread();
      Values at = delinearize(b, kernel.block(), {shape[0], shape[1]});
      auto locate = [&](Value buffer, int64_t row, Value number) {
        Value image = affine(b, at[0], getImageStride(buffer), 0);
        Value place = add(b, affine(b, at[1], row, 0), number);
        return add(b, image, affine(b, place, lanes, 0));
      };
      // The count is in accesses; all accesses of a thread are to the same channels.
      int64_t count = pixels * columns;
      Values sums = forEachOfThread(
          b, thread, threads, count, kUnroll, Values(kUnroll, start),
          [&](Value number, Value inside, int64_t slot, MutableArrayRef<Value> state) {
            Value from = locate(kernel.operands[0], count, number);
            Value value = loadElementsOr(b, input, from, lanes, inside, start);
            state[slot] = combine(state[slot], value);
          },
          combine.getBlockSums(Values(kUnroll, start)));
      Value result = combineInOrder(sums, combine);
      result = combineThreads(kernel, result, threads, columns, combine).front();
      if (op.getKind() == PoolKind::average)
        result = arith::DivFOp::create(b, result,
                                       emitConstant(b, b.getLoc(), type, double(pixels)));
      kernel.when(emitIsInside(b, thread, columns), [&] {
        storeElements(b, result, output, locate(kernel.operands[1], columns, thread));
      });
    });
  }
};

} // namespace

void convoy::gpu::addGlobalPoolKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<GlobalPoolFamily>());
}
