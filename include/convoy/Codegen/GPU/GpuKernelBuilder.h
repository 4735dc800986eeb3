//===- GpuKernelBuilder.h - What a GPU kernel family implements -*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A kernel family handles some kinds of operations in memref form. For an operation it makes
// one kernel, or a few that run one after another. docs/gpu.md says what a kernel may contain.
// `cnn-generate-gpu-kernels` asks the families in turn and replaces the operation by launches.
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

/// Threads of a block in kernels whose threads do not work together.
inline constexpr int64_t kGpuBlockThreads = 256;
/// Threads of a warp, and the number of f32 elements in the widest access to memory.
inline constexpr int64_t kGpuWarp = 32;
inline constexpr int64_t kGpuQuad = 4;

/// Extents of a grid of blocks or of a block of threads: x, y and z, or fewer.
using GpuExtents = llvm::SmallVector<int64_t, 3>;

/// The arguments of a cnn.tensor_map for an operand of the operation.
struct GpuTensorMap {
  /// The number of the buffer among the operation's memref operands.
  unsigned operand;
  llvm::SmallVector<int64_t, 5> sizes, box, steps;
  int64_t swizzle;
};

/// One kernel while its code is written.
struct GpuKernel {
  mlir::ImplicitLocOpBuilder &b;
  mlir::gpu::GPUFuncOp function;
  /// The operation's operands inside the kernel: arguments, and clones of constants.
  llvm::SmallVector<mlir::Value> operands;
  /// Memory of the whole grid, `memref<Nxi8>`; null unless the kernel asked for it.
  mlir::Value scratch;
  /// The number of the round that the launch belongs to (see GpuKernels), an index; null if
  /// there is only one round.
  mlir::Value round;
  /// Pointers to the tensor maps that the kernel asked for.
  llvm::SmallVector<mlir::Value> maps;

  /// This thread's and this block's index along x (0), y (1) or z (2).
  mlir::Value thread(int64_t dimension = 0);
  mlir::Value block(int64_t dimension = 0);
  /// A buffer in shared memory, aligned to 16 bytes.
  mlir::Value shared(llvm::ArrayRef<int64_t> shape, mlir::Type element);
  /// Waits for the other threads of the block; their writes are visible afterwards.
  void barrier();
  /// Emits `body` for the threads in which `condition`, an i1, is true; for all if it is null.
  void when(mlir::Value condition, llvm::function_ref<void()> body);
};

/// The kernels of one operation, in the order in which they run. If the operation's work is
/// cut into several rounds, all kernels run once in each round.
class GpuKernels {
public:
  /// One kernel with the arguments of its launch.
  struct Launch {
    mlir::gpu::GPUFuncOp kernel;
    GpuExtents grid, block;
    /// See setComputedFlops; 0 if it was not called for this kernel.
    int64_t computedFlops = 0;
    llvm::SmallVector<GpuTensorMap, 2> maps = {};
    /// Bytes of dynamic shared memory.
    int64_t dynamicBytes = 0;
  };

  GpuKernels(mlir::gpu::GPUModuleOp module, mlir::SymbolTable &symbols, mlir::Operation *op)
      : module(module), symbols(symbols), op(op) {}

  /// Sets the number of rounds. Call it before the first kernel is added.
  void setRounds(int64_t count) { rounds = count; }
  int64_t getRounds() const { return rounds; }

  /// Adds a kernel; `body` writes its code. Failure after a diagnostic. `scratchBytes` is the
  /// size of memory for the whole grid, which the operation's kernels share; its content is
  /// unspecified before the first of them.
  mlir::LogicalResult add(llvm::StringRef name, GpuExtents grid, GpuExtents block,
                          llvm::function_ref<void(GpuKernel &)> body,
                          int64_t scratchBytes = 0);
  /// The same with tensor maps, and with `dynamicBytes` of shared memory, which the kernel
  /// gets by `gpu.dynamic_shared_memory`.
  mlir::LogicalResult add(llvm::StringRef name, GpuExtents grid, GpuExtents block,
                          llvm::function_ref<void(GpuKernel &)> body, int64_t scratchBytes,
                          llvm::ArrayRef<GpuTensorMap> maps, int64_t dynamicBytes);

  /// Adds a kernel of `count` threads that do not work together; `body` gets the number of the
  /// thread.
  mlir::LogicalResult addThreads(llvm::StringRef name, int64_t count,
                                 llvm::function_ref<void(GpuKernel &, mlir::Value)> body,
                                 int64_t scratchBytes = 0);

  /// Says that the next kernel does the main work of the operation, in `flops` floating-point
  /// operations per round, which is another number than the operation's own (as with
  /// Winograd).
  void setComputedFlops(int64_t flops) { computedFlops = flops; }

  llvm::ArrayRef<Launch> getLaunches() const { return launches; }
  /// Bytes of the memory that the kernels share.
  int64_t getScratchSize() const { return scratchSize; }

private:
  mlir::gpu::GPUModuleOp module;
  mlir::SymbolTable &symbols;
  mlir::Operation *op;
  llvm::SmallVector<Launch, 1> launches;
  int64_t scratchSize = 0, rounds = 1, computedFlops = 0;
};

/// One family of kernels. Families have no state.
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

/// These functions add the families, the most specialised first. Each is defined in a file of
/// its own in lib/Codegen/GPU.
void addChannelwiseConvKernels(GpuKernelFamilies &families);
void addSmallGroupConvKernels(GpuKernelFamilies &families);
void addWinogradConvKernels(GpuKernelFamilies &families);
void addWarpgroupGemmKernels(GpuKernelFamilies &families);
void addGemmKernels(GpuKernelFamilies &families);
void addTransposedConvKernels(GpuKernelFamilies &families);
void addDenseKernels(GpuKernelFamilies &families);
void addMatmulKernels(GpuKernelFamilies &families);
void addPoolKernels(GpuKernelFamilies &families);
void addGlobalPoolKernels(GpuKernelFamilies &families);
void addLrnKernels(GpuKernelFamilies &families);
void addSoftmaxKernels(GpuKernelFamilies &families);
void addDataMovementKernels(GpuKernelFamilies &families);
void addResamplingKernels(GpuKernelFamilies &families);
void addComputeKernels(GpuKernelFamilies &families);
void addGenericKernels(GpuKernelFamilies &families);

/// Whether operand `operand` of an operation is known to begin at a multiple of 16 bytes, in
/// every launch of its kernel.
bool isAligned(mlir::Operation *op, unsigned operand);
/// Finds out which operands are aligned, and notes it as an attribute that isAligned reads. So
/// only operations with the same alignment share a kernel.
void markAligned(mlir::Operation *op);

/// Whether `value`, an index that may be negative, is in `[0, extent)`, as i1.
mlir::Value emitIsInside(mlir::ImplicitLocOpBuilder &builder, mlir::Value value,
                         int64_t extent);
/// `lhs` and `rhs`, both i1; either may be null for "true".
mlir::Value emitBoth(mlir::ImplicitLocOpBuilder &builder, mlir::Value lhs, mlir::Value rhs);

/// Elements from the start of an image to the start of the next in a buffer.
int64_t getImageStride(mlir::Value buffer);

/// Whether kernels compute floats of this type: f32, or f16, which the loads below convert to
/// f32 and the stores round.
bool isGpuFloat(mlir::Type element);

/// How many neighbouring elements a thread should move at once, out of `count` elements in
/// buffers of these element types: 8 if elements have up to 2 bytes and there are so many that
/// all threads are busy, or else 4, if that divides `count` and `fit` says that the accesses
/// are aligned. Otherwise, and for types that vectors in memory cannot have, 1.
int64_t getAccessLanes(llvm::ArrayRef<mlir::Type> elements, int64_t count,
                       llvm::function_ref<bool(int64_t lanes)> fit);

/// Loads (stores) `lanes` elements of a flat buffer from `index` on, in one access. `index`
/// must be a multiple of `lanes`, and the buffer must begin at a multiple of 16 bytes. In the
/// kernel, f16 elements are f32.
mlir::Value loadLanes(mlir::ImplicitLocOpBuilder &builder, mlir::Value flat, mlir::Value index,
                      int64_t lanes);
void storeLanes(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::Value flat,
                mlir::Value index);

/// The same, but if `lanes` is 1, the value is a scalar that needs no more than the alignment
/// of its type.
mlir::Value loadElements(mlir::ImplicitLocOpBuilder &builder, mlir::Value flat,
                         mlir::Value index, int64_t lanes);
void storeElements(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::Value flat,
                   mlir::Value index);
/// The loaded elements if `inside` is true or null; otherwise `otherwise`, and the access is
/// moved to the start of the buffer.
mlir::Value loadElementsOr(mlir::ImplicitLocOpBuilder &builder, mlir::Value flat,
                           mlir::Value index, int64_t lanes, mlir::Value inside,
                           mlir::Value otherwise);

} // namespace convoy::gpu

#endif // CONVOY_CODEGEN_GPU_GPUKERNELBUILDER_H
