//===- Softmax.cpp - Softmax along one dimension on a GPU -----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The largest value, the exponentials of the differences to it with their sum, and the
// division. A block of threads does this for one sum and keeps its elements in registers
// where they are few, otherwise it reads them again and computes them anew; a thread alone
// does where sums are many and their elements lie side by side with those of other sums.
//
//===----------------------------------------------------------------------===//

#include "BlockReduction.h"

#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

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
/// Elements that a thread has under way at once.
constexpr int64_t kUnroll = 4;
/// Sums from which on each is one thread's.
constexpr int64_t kManySums = 8192;

/// The data seen as outer x extent x inner, with the sums along the middle.
struct Extents {
  explicit Extents(SoftmaxOp op) {
    ArrayRef<int64_t> shape = cast<ShapedType>(op.getInput().getType()).getShape();
    outer = llvm::product_of(shape.take_front(op.getAxis()));
    extent = shape[op.getAxis()];
    inner = llvm::product_of(shape.drop_front(op.getAxis() + 1));
  }
  int64_t outer, extent, inner;
};

/// Writes the code of one thread; `thread` is its number among the `threads` that share a
/// sum.
class Softmax {
public:
  Softmax(GpuKernel &kernel, const Extents &extents, Value sum, Value thread, int64_t threads)
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
    Values sums =
        walk(unroll, zero,
             [&](Value number, Value inside, int64_t slot, MutableArrayRef<Value> state) {
               Value x = keeps ? kept[slot] : load(number, inside);
               x = kept[slot] = exponential(x, top);
               // A row of infinities has no number as its sum, here as everywhere.
               if (inside)
                 x = arith::SelectOp::create(b, inside, x, zero);
               state[slot] = arith::AddFOp::create(b, state[slot], x);
             });
    Value sum =
        combine(sums, [&](Value x, Value y) { return arith::AddFOp::create(b, x, y); });
    Value factor = arith::DivFOp::create(b, constant(1.0), sum);
    walk(unroll, Value(),
         [&](Value number, Value inside, int64_t slot, MutableArrayRef<Value>) {
           Value x = keeps ? kept[slot] : exponential(load(number, inside), top);
           store(arith::MulFOp::create(b, x, factor), number, inside);
         });
  }

private:
  Value constant(double value) { return emitConstant(b, b.getLoc(), b.getF32Type(), value); }
  Value max(Value x, Value y) { return emitMax(b, b.getLoc(), x, y); }
  Value at(Value number) { return add(b, first, affine(b, number, extents.inner, 0)); }

  Value load(Value number, Value inside) {
    return loadElementsOr(b, input, at(number), 1, inside, lowest);
  }
  Value exponential(Value x, Value top) {
    return math::ExpOp::create(b, arith::SubFOp::create(b, x, top));
  }

  void store(Value x, Value number, Value inside) {
    if (!inside)
      return storeElements(b, x, output, at(number));
    kernel.when(inside, [&] { storeElements(b, x, output, at(number)); });
  }

  Values walk(int64_t unroll, Value init,
              llvm::function_ref<void(Value, Value, int64_t, MutableArrayRef<Value>)> body) {
    return forEachOfThread(b, thread, threads, extents.extent, unroll,
                           init ? Values(unroll, init) : Values(), body);
  }

  Value combine(ArrayRef<Value> values, Combine with) {
    Value result = combineInOrder(values, with);
    return threads == 1 ? result : combineThreads(kernel, result, threads, 1, with).front();
  }

  GpuKernel &kernel;
  ImplicitLocOpBuilder &b;
  const Extents &extents;
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
    Extents extents(cast<SoftmaxOp>(op));
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
