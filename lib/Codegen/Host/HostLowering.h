//===- HostLowering.h - What the parts of cnn-convert-to-llvm share *- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_HOST_HOSTLOWERING_H
#define CONVOY_LIB_CODEGEN_HOST_HOSTLOWERING_H

#include "convoy/Codegen/Common/RuntimeFunction.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace convoy::host {

/// A constant integer of `width` bits.
mlir::Value getInt(mlir::OpBuilder &builder, mlir::Location loc, int64_t value,
                   int width = 64);

/// The runtime's context: the first argument of the function around `op`.
mlir::Value getRuntime(mlir::Operation *op);

/// Calls a function of the runtime that returns nothing, which its module declares.
void callRuntime(mlir::OpBuilder &builder, mlir::Location loc, const RuntimeFunction &function,
                 mlir::ValueRange arguments);

/// An array of pointers on the stack, which is there once and not once for each launch.
mlir::Value storePointers(mlir::OpBuilder &builder, mlir::Operation *op,
                          mlir::ValueRange pointers);

/// The name of the function that the runtime calls for a kernel.
std::string getEntryName(llvm::StringRef kernel);

/// Tells each operation of a device's program which entry of `cnn.layers` it is. The parts
/// of an asynchronous communication, which end in the order in which they start, are one
/// layer.
llvm::LogicalResult numberLayers(mlir::func::FuncOp main);
/// The number that `numberLayers` gave to `op`.
int32_t getLayer(mlir::Operation *op);
/// Tells the runtime that the layer of `op` is done.
void markLayerDone(mlir::OpBuilder &builder, mlir::Operation *op, mlir::Value runtime);

/// What a module launches on GPUs.
struct GpuLaunches {
  bool areThere = false, areEmulated = false;
};
/// Leaves on each launch of a GPU kernel what its lowering needs to know of the kernel.
llvm::FailureOr<GpuLaunches> numberGpuKernels(mlir::ModuleOp module);

/// Patterns for cnn.launch; for gpu.launch_func; for cnn.tensor_map; for communication.
void populateLaunchPatterns(const mlir::LLVMTypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
void populateGpuLaunchPatterns(const mlir::LLVMTypeConverter &converter,
                               mlir::RewritePatternSet &patterns);
void populateTensorMapPatterns(const mlir::LLVMTypeConverter &converter,
                               mlir::RewritePatternSet &patterns);
void populateCommunicationPatterns(const mlir::LLVMTypeConverter &converter,
                                   mlir::RewritePatternSet &patterns);

/// Declares the functions that lowered launches call; those of communication.
void declareLaunches(mlir::ModuleOp module, bool hasGpuLaunches);
void declareCommunication(mlir::ModuleOp module);

/// Declares `functions` in front of all others, in their order.
void declare(mlir::ModuleOp module, llvm::ArrayRef<RuntimeFunction> functions);

/// The function that the runtime calls: unpacks the array of pointers, and hands on
/// the thread's scratch memory to a kernel that wants it.
void makeEntry(mlir::LLVM::LLVMFuncOp kernel);
/// The same for a kernel's thread: its shared memory, then the kernel's arguments.
void makeEmulatedEntry(mlir::LLVM::LLVMFuncOp kernel);
/// `convoy_model_invoke(rt, arena, weights, inputs, outputs)` around the @main of the
/// first device, `convoy_model_invoke_K` around that of another one.
void makeInvoke(mlir::LLVM::LLVMFuncOp main, int64_t device, int64_t inputs, int64_t outputs);

} // namespace convoy::host

#endif // CONVOY_LIB_CODEGEN_HOST_HOSTLOWERING_H
