//===- GpuKernelBuilder.h - What a GPU kernel family implements -*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A kernel family knows some operations in memref form and makes the kernels that
// compute one: usually one, or a few that run one after another. See docs/gpu.md for
// what a kernel may do. `cnn-generate-gpu-kernels` asks the families in turn and
// replaces the operation by launches.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_GPU_GPUKERNELBUILDER_H
#define CONVOY_CODEGEN_GPU_GPUKERNELBUILDER_H

#include "convoy/Codegen/Common/LoopEmitter.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <memory>
#include <vector>

namespace convoy::gpu {

/// Threads of a block for kernels whose threads work alone.
inline constexpr int64_t kGpuBlockThreads = 256;
/// Threads of a warp, and f32 elements of the widest access to memory.
inline constexpr int64_t kGpuWarp = 32;
inline constexpr int64_t kGpuQuad = 4;

/// Extents of a grid of blocks or of a block of threads: x, y and z, or fewer.
using GpuExtents = llvm::SmallVector<int64_t, 3>;

/// A buffer as copies of boxes see it, the arguments of cnn.tensor_map, and which of the
/// operation's operands it is.
struct GpuTensorMap {
  unsigned operand;
  llvm::SmallVector<int64_t, 5> sizes, box, steps;
  int64_t swizzle;
};

/// The inside of one kernel while it is built.
struct GpuKernel {
  mlir::ImplicitLocOpBuilder &b;
  mlir::gpu::GPUFuncOp function;
  /// Stand for the operation's operands: arguments, and clones of constants.
  llvm::SmallVector<mlir::Value> operands;
  /// Memory of the whole grid, `memref<Nxi8>`; null unless the kernel asked for it.
  mlir::Value scratch;
  /// Which round this launch belongs to, an index; null if there is only one.
  mlir::Value round;
  /// Pointers to the tensor maps that the kernel asked for.
  llvm::SmallVector<mlir::Value> maps;

  /// This thread's and this block's index along x (0), y (1) or z (2).
  mlir::Value thread(int64_t dimension = 0);
  mlir::Value block(int64_t dimension = 0);
  /// A buffer in shared memory, aligned to 16 bytes.
  mlir::Value shared(llvm::ArrayRef<int64_t> shape, mlir::Type element);
  /// Waits for the block's other threads, whose writes are visible then.
  void barrier();
  /// Emits `body` where `condition`, an i1, holds.
  void when(mlir::Value condition, llvm::function_ref<void()> body);
};

/// The kernels of one operation, in the order in which they run; all of them once more for
/// each further round, if the operation's work is cut into several.
class GpuKernels {
public:
  struct Launch {
    mlir::gpu::GPUFuncOp kernel;
    GpuExtents grid, block;
    /// The floating-point operations that it computes instead of the operation's; 0 for
    /// those.
    int64_t computedFlops = 0;
    llvm::SmallVector<GpuTensorMap, 2> maps = {};
    int64_t dynamicBytes = 0;
  };

  GpuKernels(mlir::gpu::GPUModuleOp module, mlir::SymbolTable &symbols, mlir::Operation *op)
      : module(module), symbols(symbols), op(op) {}

  /// Says how many rounds there are; before the first kernel.
  void setRounds(int64_t count) { rounds = count; }
  int64_t getRounds() const { return rounds; }

  /// Adds a kernel; `body` writes its code. `scratchBytes` of memory, if any, belong to
  /// the whole grid, are shared with the operation's other kernels and of unspecified
  /// content before the first.
  mlir::LogicalResult add(llvm::StringRef name, GpuExtents grid, GpuExtents block,
                          llvm::function_ref<void(GpuKernel &)> body,
                          int64_t scratchBytes = 0);
  /// The same with tensor maps, and `dynamicBytes` that `gpu.dynamic_shared_memory` gives.
  mlir::LogicalResult add(llvm::StringRef name, GpuExtents grid, GpuExtents block,
                          llvm::function_ref<void(GpuKernel &)> body, int64_t scratchBytes,
                          llvm::ArrayRef<GpuTensorMap> maps, int64_t dynamicBytes);

  /// A kernel of `count` threads that work alone; `body` gets the thread's number.
  mlir::LogicalResult addThreads(llvm::StringRef name, int64_t count,
                                 llvm::function_ref<void(GpuKernel &, mlir::Value)> body,
                                 int64_t scratchBytes = 0);

  /// The next kernel computes what the operation is there for, in `flops` floating-point
  /// operations a round that are not the operation's own.
  void setComputedFlops(int64_t flops) { computedFlops = flops; }

  llvm::ArrayRef<Launch> getLaunches() const { return launches; }
  int64_t getScratchSize() const { return scratchSize; }

private:
  mlir::gpu::GPUModuleOp module;
  mlir::SymbolTable &symbols;
  mlir::Operation *op;
  llvm::SmallVector<Launch, 1> launches;
  int64_t scratchSize = 0, rounds = 1, computedFlops = 0;
};

/// One family of kernels. Families hold no state.
class GpuKernelFamily {
public:
  virtual ~GpuKernelFamily() = default;

  /// Whether this family builds `op`, which is in memref form.
  virtual bool matches(mlir::Operation *op, cnn::TargetAttr target) const = 0;

  /// Makes the kernels of `op`; failure after a diagnostic.
  virtual mlir::LogicalResult build(GpuKernels &kernels, mlir::Operation *op,
                                    cnn::TargetAttr target) const = 0;
};

using GpuKernelFamilies = std::vector<std::unique_ptr<GpuKernelFamily>>;

/// Every family, the most special first; one function a file in lib/Codegen/GPU.
void addChannelwiseConvKernels(GpuKernelFamilies &families);
void addSmallGroupConvKernels(GpuKernelFamilies &families);
void addWinogradConvKernels(GpuKernelFamilies &families);
void addWarpgroupGemmKernels(GpuKernelFamilies &families);
void addImplicitGemmKernels(GpuKernelFamilies &families);
void addTransposedConvKernels(GpuKernelFamilies &families);
void addDenseKernels(GpuKernelFamilies &families);
void addMatmulKernels(GpuKernelFamilies &families);
void addPoolKernels(GpuKernelFamilies &families);
void addGlobalPoolKernels(GpuKernelFamilies &families);
void addLrnKernels(GpuKernelFamilies &families);
void addSoftmaxKernels(GpuKernelFamilies &families);
void addDataMovementKernels(GpuKernelFamilies &families);
void addResamplingKernels(GpuKernelFamilies &families);
void addGenericKernels(GpuKernelFamilies &families);

/// Whether operand `operand` of a layer is known to begin at a multiple of 16 bytes.
/// Blocked data and weights always do; of plain data only what is so in every launch of
/// the kernel counts.
bool isAligned(mlir::Operation *op, unsigned operand);
/// Notes on a layer what isAligned tells, so that only equal ones share a kernel.
void markAligned(mlir::Operation *op);

/// Whether `value` lies in `[0, extent)`, as i1; `value` may be negative.
mlir::Value emitIsInside(mlir::ImplicitLocOpBuilder &builder, mlir::Value value,
                         int64_t extent);
/// `lhs` and `rhs`, both i1; either may be null for "true".
mlir::Value emitBoth(mlir::ImplicitLocOpBuilder &builder, mlir::Value lhs, mlir::Value rhs);

/// Elements from an image to the next in a buffer.
int64_t getImageStride(mlir::Value buffer);

/// Whether kernels compute with elements of this type: f32, or f16, which loads turn into
/// f32 and stores round.
bool isGpuFloat(mlir::Type element);

/// How many of `count` elements side by side a thread moves at once, in buffers of these
/// element types: 4, or 8 of up to 2 bytes where there are enough for many threads, if so
/// many `fit` the accesses, which begin on 16 bytes; 1 of types without vectors in memory.
int64_t getAccessLanes(llvm::ArrayRef<mlir::Type> elements, int64_t count,
                       llvm::function_ref<bool(int64_t lanes)> fit);

/// `lanes` elements of a flat buffer from `index` on, as one access: `index` must be a
/// multiple of `lanes`, and the buffer begin on 16 bytes. Of f16 these are f32.
mlir::Value loadLanes(mlir::ImplicitLocOpBuilder &builder, mlir::Value flat, mlir::Value index,
                      int64_t lanes);
void storeLanes(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::Value flat,
                mlir::Value index);

/// The same; one lane is a scalar, and not aligned to more than itself.
mlir::Value loadElements(mlir::ImplicitLocOpBuilder &builder, mlir::Value flat,
                         mlir::Value index, int64_t lanes);
void storeElements(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::Value flat,
                   mlir::Value index);
/// The same where `inside` holds or is null; `otherwise` elsewhere, and nothing is read.
mlir::Value loadElementsOr(mlir::ImplicitLocOpBuilder &builder, mlir::Value flat,
                           mlir::Value index, int64_t lanes, mlir::Value inside,
                           mlir::Value otherwise);

} // namespace convoy::gpu

#endif // CONVOY_CODEGEN_GPU_GPUKERNELBUILDER_H
