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

/// Calls a function of the runtime that returns nothing. The module must declare it.
void callRuntime(mlir::OpBuilder &builder, mlir::Location loc, const RuntimeFunction &function,
                 mlir::ValueRange arguments);

/// Stores pointers in an array on the stack, which is allocated at the start of the function.
mlir::Value storePointers(mlir::OpBuilder &builder, mlir::Operation *op,
                          mlir::ValueRange pointers);

/// The name of the function that the runtime calls for a kernel.
std::string getEntryName(llvm::StringRef kernel);

/// Notes on each operation of a device's program which entry of `cnn.layers` it is. The start,
/// await and release of an asynchronous communication are one layer; communications end in the
/// order in which they start.
llvm::LogicalResult numberLayers(mlir::func::FuncOp main);
/// The number that `numberLayers` gave to `op`.
int32_t getLayer(mlir::Operation *op);
/// Tells the runtime that the layer of `op` is done.
void markLayerDone(mlir::OpBuilder &builder, mlir::Operation *op, mlir::Value runtime);

/// Whether a module launches GPU kernels, and whether these are emulated.
struct GpuLaunches {
  bool areThere = false, areEmulated = false;
};
/// Numbers the GPU kernels of a module, and notes on each launch the number of its kernel, for
/// the lowering. Fails if the module does not have the kernel.
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

/// Declare the functions of the runtime that lowered launches call, and those that lowered
/// communication calls.
void declareLaunches(mlir::ModuleOp module, bool hasGpuLaunches);
void declareCommunication(mlir::ModuleOp module);

/// Declares `functions` at the start of the module, in their order.
void declare(mlir::ModuleOp module, llvm::ArrayRef<RuntimeFunction> functions);

/// Makes the function that the runtime calls for a kernel. It unpacks the array of pointers,
/// and passes the thread's scratch memory to a kernel that wants it.
void makeEntry(mlir::LLVM::LLVMFuncOp kernel);
/// The same for one thread of an emulated GPU kernel: it passes the thread, its shared memory,
/// then the kernel's arguments.
void makeEmulatedEntry(mlir::LLVM::LLVMFuncOp kernel);
/// Makes `convoy_model_invoke(rt, arena, weights, inputs, outputs)`, which calls the program
/// `main` of device 0, or `convoy_model_invoke_K` for that of device K.
void makeInvoke(mlir::LLVM::LLVMFuncOp main, int64_t device, int64_t inputs, int64_t outputs);

} // namespace convoy::host

#endif // CONVOY_LIB_CODEGEN_HOST_HOSTLOWERING_H
