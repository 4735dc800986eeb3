//===- GenericKernel.cpp - Linalg operations and copies on a GPU ----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// An operation that has no kernel of its own arrives here as a linalg operation or a copy. A
// thread computes an output element, or some neighbouring ones, with all reduction loops. If
// outputs are few and reductions long, several threads of a block share an output: each
// combines some of the elements, then a tree in shared memory combines the results of the
// threads.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/GenericBody.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"

#include "BlockReduction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;

namespace {

using Values = SmallVector<Value>;

/// Threads share a reduction from this length on, if there are at most so many outputs.
constexpr int64_t kLongReduction = 32;
constexpr int64_t kFewOutputs = 1 << 15;
/// Elements of a shared reduction that a thread loads at once.
constexpr int64_t kUnroll = 4;

/// How a GPU runs the loops.
struct Plan {
  Plan(Operation *op, const GenericLoops &loops)
      : outputs(llvm::product_of(ArrayRef(loops.extents).take_front(loops.numParallel))),
        reduction(llvm::product_of(ArrayRef(loops.extents).drop_front(loops.numParallel))) {
    shares = findCombiners(op) && reduction >= kLongReduction && outputs <= kFewOutputs;
    if (shares)
      selectThreads(loops);
    else
      selectLanes(op, loops);
  }

  int64_t outputs, reduction;
  /// Elements side by side that a thread computes.
  int64_t lanes = 1;

  /// Whether `threads` threads share each of the `columns` outputs of a block.
  bool shares;
  int64_t threads = 1, columns = 1;
  /// Whether a block's neighbouring threads have different outputs.
  bool outputsFirst = false;

private:
  void selectThreads(const GenericLoops &loops) {
    int64_t last = loops.numParallel - 1, innermost = loops.numLoops() - 1;
    auto reads = [&](int64_t loop) {
      return loop >= 0 && llvm::any_of(loops.accesses, [&](const Access &access) {
               return !access.isOutput && access.stride(loop) == 1;
             });
    };
    // Neighbouring threads should read neighbouring elements.
    outputsFirst = reads(last) && !reads(innermost);
    if (outputsFirst) {
      columns = std::min<int64_t>(kGpuWarp, llvm::bit_ceil(uint64_t(outputs)));
      threads = kGpuBlockThreads / columns;
      return;
    }
    threads = std::min<int64_t>(kGpuBlockThreads, llvm::bit_floor(uint64_t(reduction)));
    columns = std::min<int64_t>(kGpuBlockThreads / threads, llvm::bit_ceil(uint64_t(outputs)));
  }

  /// Chooses several lanes along the last parallel loop, if all accesses along it are whole
  /// aligned vectors, or one element.
  void selectLanes(Operation *op, const GenericLoops &loops) {
    int64_t last = loops.numParallel - 1;
    if (last < 0 || !hasVectorBody(op))
      return;
    SmallVector<Type> elements;
    for (const Access &access : loops.accesses)
      if (!access.isScalar)
        elements.push_back(access.elementType);
    lanes = getAccessLanes(elements, outputs,
                           [&](int64_t count) { return isWhole(op, loops, last, count); });
  }

  /// Whether `lanes` iterations of loop `last` access one aligned vector of each operand, or
  /// one element of an input.
  static bool isWhole(Operation *op, const GenericLoops &loops, int64_t last, int64_t lanes) {
    bool whole = loops.extents[last] % lanes == 0;
    for (auto [i, access] : llvm::enumerate(loops.accesses)) {
      if (access.isScalar || (access.stride(last) == 0 && !access.isOutput))
        continue;
      auto type = cast<MemRefType>(op->getOperand(i).getType());
      int64_t offset = std::get<1>(type.getStridesAndOffset()) + access.offset;
      whole &= access.stride(last) == 1 && isAligned(op, i) && offset % lanes == 0;
      for (int64_t loop = 0; loop < loops.numLoops(); ++loop)
        whole &= loop == last || access.stride(loop) % lanes == 0;
    }
    return whole;
  }
};

/// Writes the code of one thread.
class GenericEmitter : GenericBody {
public:
  GenericEmitter(GpuKernel &kernel, Operation *op, const GenericLoops &loops, const Plan &plan)
      : GenericBody(kernel.b, op, loops, kernel.operands, /*alignsVectors=*/true),
        kernel(kernel), plan(plan) {}

  /// Writes one thread of general loops: one iteration of the parallel loops, which may be
  /// anywhere in the nest, and all iterations of the others.
  LogicalResult buildGeneral(Value index) {
    if (failed(captureConstants()))
      return failure();
    SmallVector<int64_t> extents;
    for (auto [extent, isParallel] : llvm::zip(loops.extents, loops.isParallel))
      extents.push_back(isParallel ? extent : 1);
    Values ivs = delinearize(b, index, extents);
    std::function<void(int64_t)> nest = [&](int64_t loop) {
      if (loop == loops.numLoops())
        return emitIteration(ivs);
      if (loops.isParallel[loop])
        return nest(loop + 1);
      emitLoop(b, loops.extents[loop], {}, [&](Value iv, ValueRange) {
        ivs[loop] = iv;
        nest(loop + 1);
        return Values();
      });
    };
    nest(0);
    return success();
  }

  /// Writes one thread that computes an output element, or `lanes` neighbouring ones.
  LogicalResult buildElement(Value index) {
    if (failed(captureConstants()))
      return failure();
    flatten();
    SmallVector<int64_t> extents(ArrayRef(loops.extents).take_front(loops.numParallel));
    if (plan.lanes > 1)
      extents.back() /= plan.lanes;
    Values ivs = delinearize(b, index, extents);
    if (plan.lanes > 1)
      ivs.back() = convoy::affine(b, ivs.back(), plan.lanes, 0);
    emitPoint(advanceAll(0, ivs), plan.lanes);
    return success();
  }

  /// Writes one of the threads that share an output.
  LogicalResult buildShared() {
    if (failed(captureConstants()))
      return failure();
    flatten();
    int64_t threads = plan.threads, columns = plan.columns;
    Value thread = kernel.thread();
    Values at = plan.outputsFirst ? delinearize(b, thread, {threads, columns})
                                  : delinearize(b, thread, {columns, threads});
    Value part = plan.outputsFirst ? at[0] : at[1], column = plan.outputsFirst ? at[1] : at[0];
    Value output = add(b, convoy::affine(b, kernel.block(), columns, 0), column), exists;
    if (plan.outputs % columns != 0) {
      // All threads must reach the barriers: threads without an output compute the last one,
      // too, and do not store it.
      exists = emitIsInside(b, output, plan.outputs);
      output = arith::MinUIOp::create(b, output, indexConstant(b, plan.outputs - 1));
    }
    Values offsets = advanceAll(
        0, delinearize(b, output, ArrayRef(loops.extents).take_front(loops.numParallel)));

    Values results = reduceShare(part, offsets);
    results = reduceThreads(part, results);
    Value isFirst =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, part, indexConstant(b, 0));
    kernel.when(emitBoth(b, isFirst, exists), [&] {
      for (auto [i, result] : llvm::enumerate(results)) {
        int64_t operand = firstOutput() + i;
        Value before = load(operand, offsets[operand], 0, 1);
        store(operand, combine(i, before, result), offsets[operand], 1);
      }
    });
    return success();
  }

private:
  /// The offsets `from`, or zeros, moved along the loops from `first` on by their indices
  /// `ivs`.
  Values advanceAll(int64_t first, ValueRange ivs, ValueRange from = {}) {
    Values offsets(from);
    if (from.empty())
      offsets.assign(loops.accesses.size(), indexConstant(b, 0));
    for (auto [i, iv] : llvm::enumerate(ivs))
      offsets = advance(offsets, first + i, iv);
    return offsets;
  }

  /// The combination of this thread's part of a reduction, for each output.
  Values reduceShare(Value part, ValueRange offsets) {
    int64_t outputs = numOutputs();
    Values state;
    for (int64_t slot = 0; slot < kUnroll; ++slot)
      for (int64_t i = 0; i < outputs; ++i)
        state.push_back(emitNeutral(i, 1));
    state = forEachOfThread(
        b, part, plan.threads, plan.reduction, kUnroll, state,
        [&](Value number, Value inside, int64_t slot, MutableArrayRef<Value> values) {
          if (inside)
            number = arith::SelectOp::create(b, inside, number, indexConstant(b, 0));
          Values ivs =
              delinearize(b, number, ArrayRef(loops.extents).drop_front(loops.numParallel));
          Values inner = advanceAll(loops.numParallel, ivs, offsets), arguments;
          for (int64_t i = 0; i < firstOutput(); ++i)
            arguments.push_back(isRead(i) ? load(i, inner[i], 0, 1) : Value());
          MutableArrayRef<Value> mine = values.slice(slot * outputs, outputs);
          llvm::append_range(arguments, mine);
          for (auto [value, result] : llvm::zip(mine, emitBody(arguments, {}, 1)))
            value = inside ? Value(arith::SelectOp::create(b, inside, result, value)) : result;
        },
        getSlotSums(state));
    Values results(ArrayRef(state).take_front(outputs));
    for (int64_t slot = 1; slot < kUnroll; ++slot)
      for (int64_t i = 0; i < outputs; ++i)
        results[i] = combine(i, results[i], state[slot * outputs + i]);
    return results;
  }

  /// How to combine states whose values are those of all outputs, slot by slot.
  BlockSums getSlotSums(ValueRange state) {
    int64_t outputs = numOutputs();
    BlockSums sums = getBlockSums(state.take_front(outputs));
    if (!sums.combine)
      return sums;
    sums.starts.assign(state.begin(), state.end());
    sums.combine = [this, outputs](ValueRange before, ValueRange block) {
      Values results;
      for (auto [i, pair] : llvm::enumerate(llvm::zip_equal(before, block)))
        results.push_back(combine(i % outputs, std::get<0>(pair), std::get<1>(pair)));
      return results;
    };
    return sums;
  }

  /// Combines the values of the threads that share an output; the first of these threads gets
  /// the result.
  Values reduceThreads(Value part, ArrayRef<Value> values) {
    int64_t all = plan.threads * plan.columns;
    Value thread = kernel.thread();
    Values buffers, results;
    for (Value value : values) {
      buffers.push_back(kernel.shared({all}, value.getType()));
      memref::StoreOp::create(b, value, buffers.back(), thread);
    }
    kernel.barrier();
    for (int64_t half = plan.threads / 2; half > 0; half /= 2) {
      kernel.when(emitIsInside(b, part, half), [&] {
        Value other =
            convoy::affine(b, thread, 1, half * (plan.outputsFirst ? plan.columns : 1));
        for (auto [i, buffer] : llvm::enumerate(buffers)) {
          Value sum = combine(i, memref::LoadOp::create(b, buffer, thread),
                              memref::LoadOp::create(b, buffer, other));
          memref::StoreOp::create(b, sum, buffer, thread);
        }
      });
      kernel.barrier();
    }
    for (Value buffer : buffers)
      results.push_back(memref::LoadOp::create(b, buffer, thread));
    return results;
  }

  GpuKernel &kernel;
  const Plan &plan;
};

struct GenericFamily : GpuKernelFamily {
  bool matches(Operation *op, cnn::TargetAttr) const override {
    return succeeded(GenericLoops::create(op));
  }

  LogicalResult build(GpuKernels &kernels, Operation *op, cnn::TargetAttr) const override {
    FailureOr<GenericLoops> loops = GenericLoops::create(op);
    LogicalResult built = success();
    auto buildThreads = [&](int64_t count, const Plan &plan) {
      return kernels.addThreads("generic", count, [&](GpuKernel &kernel, Value index) {
        GenericEmitter emitter(kernel, op, *loops, plan);
        built = loops->isGeneral ? emitter.buildGeneral(index) : emitter.buildElement(index);
      });
    };
    Plan plan(op, *loops);
    LogicalResult added = success();
    if (loops->isGeneral) {
      int64_t count = 1;
      for (auto [extent, isParallel] : llvm::zip(loops->extents, loops->isParallel))
        count *= isParallel ? extent : 1;
      added = buildThreads(count, plan);
    } else if (!plan.shares) {
      added = buildThreads(plan.outputs / plan.lanes, plan);
    } else {
      int64_t blocks = llvm::divideCeil(plan.outputs, plan.columns);
      added = kernels.add("generic", {blocks}, {plan.threads * plan.columns},
                          [&](GpuKernel &kernel) {
                            built = GenericEmitter(kernel, op, *loops, plan).buildShared();
                          });
    }
    return success(succeeded(added) && succeeded(built));
  }
};

} // namespace

void convoy::gpu::addGenericKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<GenericFamily>());
}
