//===- Softmax.cpp - Softmax along one dimension on a GPU -----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Three steps: the largest value, the exponentials of the differences to it with their sum,
// and the division. A block of threads does this for one sum. It keeps the elements in
// registers if they are few, otherwise it reads them again and computes the exponentials anew.
// One thread alone computes a sum if the sum is short, or if there are many sums and their
// elements alternate in memory.
//
//===----------------------------------------------------------------------===//

#include "BlockReduction.h"

#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"
#include "convoy/Dialect/Cnn/Utils/AxisExtents.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

/// Elements that a thread keeps in registers, at most.
constexpr int64_t kKept = 32;
/// Elements that a thread loads at once if it does not keep them.
constexpr int64_t kUnroll = 4;
/// From so many sums on, alternating in memory, each is computed by one thread.
constexpr int64_t kManySums = 8192;

/// Writes the code of one thread; `thread` is its number among the `threads` threads that
/// share a sum.
class Softmax {
public:
  Softmax(GpuKernel &kernel, const AxisExtents &extents, Value sum, Value thread,
          int64_t threads)
      : kernel(kernel), b(kernel.b), extents(extents), thread(thread), threads(threads),
        input(flatten(b, kernel.operands[0])), output(flatten(b, kernel.operands[1])) {
    Values at = delinearize(b, sum, {extents.outer, extents.inner});
    first = add(b, affine(b, at[0], extents.extent * extents.inner, 0), at[1]);
    lowest = constant(-std::numeric_limits<double>::infinity());
    zero = constant(0.0);
  }

  void build() {
    int64_t share = llvm::divideCeil(extents.extent, threads);
    keeps = share <= kKept;
    int64_t unroll = keeps ? share : kUnroll;
    Values kept(unroll);

    Values largest =
        walk(unroll, lowest,
             [&](Value number, Value inside, int64_t slot, MutableArrayRef<Value> state) {
               Value x = kept[slot] = load(number, inside);
               state[slot] = max(state[slot], x);
             });
    Value top = combine(largest, [&](Value x, Value y) { return max(x, y); });
    Values sums = walk(
        unroll, zero,
        [&](Value number, Value inside, int64_t slot, MutableArrayRef<Value> state) {
          Value x = keeps ? kept[slot] : load(number, inside);
          x = kept[slot] = exponential(x, top);
          // Only elements inside of the row count. If all of them are -infinity, the sum
          // is NaN, as on a CPU.
          if (inside)
            x = arith::SelectOp::create(b, inside, x, zero);
          state[slot] = addUp(state[slot], x);
        },
        BlockSums(Values(unroll, zero), [&](Value x, Value y) { return addUp(x, y); }));
    Value sum = combine(sums, [&](Value x, Value y) { return addUp(x, y); });
    Value factor = arith::DivFOp::create(b, constant(1.0), sum);
    walk(unroll, Value(),
         [&](Value number, Value inside, int64_t slot, MutableArrayRef<Value>) {
           Value x = keeps ? kept[slot] : exponential(load(number, inside), top);
           store(arith::MulFOp::create(b, x, factor), number, inside);
         });
  }

private:
  Value constant(double value) { return emitConstant(b, b.getLoc(), b.getF32Type(), value); }
  Value addUp(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value max(Value x, Value y) { return emitMax(b, b.getLoc(), x, y); }
  Value at(Value number) { return add(b, first, affine(b, number, extents.inner, 0)); }

  Value load(Value number, Value inside) {
    return loadElementsOr(b, input, at(number), 1, inside, lowest);
  }
  Value exponential(Value x, Value top) {
    return math::ExpOp::create(b, arith::SubFOp::create(b, x, top));
  }

  void store(Value x, Value number, Value inside) {
    kernel.when(inside, [&] { storeElements(b, x, output, at(number)); });
  }

  Values walk(int64_t unroll, Value init,
              llvm::function_ref<void(Value, Value, int64_t, MutableArrayRef<Value>)> body,
              const BlockSums &sums = {}) {
    return forEachOfThread(b, thread, threads, extents.extent, unroll,
                           init ? Values(unroll, init) : Values(), body, sums);
  }

  Value combine(ArrayRef<Value> values, Combine with) {
    Value result = combineInOrder(values, with);
    return threads == 1 ? result : combineThreads(kernel, result, threads, 1, with).front();
  }

  GpuKernel &kernel;
  ImplicitLocOpBuilder &b;
  const AxisExtents &extents;
  Value thread;
  int64_t threads;
  bool keeps;
  Value input, output, first, lowest, zero;
};

struct SoftmaxFamily : GpuKernelFamily {
  bool matches(Operation *op, TargetAttr) const override {
    auto softmax = dyn_cast<SoftmaxOp>(op);
    return softmax && isGpuFloat(getElementTypeOrSelf(softmax.getInput()));
  }

  LogicalResult build(GpuKernels &kernels, Operation *op, TargetAttr) const override {
    auto softmax = cast<SoftmaxOp>(op);
    // Sums run along the middle extent.
    AxisExtents extents(cast<ShapedType>(softmax.getInput().getType()).getShape(),
                        softmax.getAxis());
    int64_t sums = extents.outer * extents.inner;
    bool isAlone = extents.extent < kGpuWarp || (extents.inner > 1 && sums >= kManySums);
    if (isAlone)
      return kernels.addThreads("softmax", sums, [&](GpuKernel &kernel, Value index) {
        Softmax(kernel, extents, index, indexConstant(kernel.b, 0), 1).build();
      });
    int64_t threads =
        std::min<int64_t>(kGpuBlockThreads, llvm::bit_floor(uint64_t(extents.extent)));
    return kernels.add("softmax", {sums}, {threads}, [&](GpuKernel &kernel) {
      Softmax(kernel, extents, kernel.block(), kernel.thread(), threads).build();
    });
  }
};

} // namespace

void convoy::gpu::addSoftmaxKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<SoftmaxFamily>());
}
