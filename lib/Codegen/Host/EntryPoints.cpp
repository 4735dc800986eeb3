//===- EntryPoints.cpp - Functions that the runtime calls -----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostLowering.h"

using namespace mlir;
using namespace convoy;

static constexpr llvm::StringLiteral kInvoke = "convoy_model_invoke";

std::string host::getEntryName(StringRef kernel) { return (kernel + "_entry").str(); }

static Value loadPointer(OpBuilder &builder, Location loc, Value array, int64_t index) {
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Value slot = LLVM::GEPOp::create(builder, loc, pointer, pointer, array,
                                   ArrayRef<LLVM::GEPArg>{int32_t(index)});
  return LLVM::LoadOp::create(builder, loc, pointer, slot);
}

void host::makeEntry(LLVM::LLVMFuncOp kernel) {
  OpBuilder builder(kernel.getContext());
  Location loc = kernel.getLoc();
  builder.setInsertionPointAfter(kernel);
  auto entry = LLVM::LLVMFuncOp::create(
      builder, loc, getEntryName(kernel.getSymName()),
      getAbiFunctionType<convoy_task_body>(kernel.getContext()), LLVM::Linkage::Internal);
  Block *block = entry.addEntryBlock(builder);
  builder.setInsertionPointToStart(block);
  SmallVector<Value> arguments = {block->getArgument(0), block->getArgument(1)};
  for (unsigned i = 2; i < kernel.getNumArguments(); ++i)
    arguments.push_back(kernel.removeArgAttr(i, cnn::kScratchAttrName)
                            ? block->getArgument(3)
                            : loadPointer(builder, loc, block->getArgument(2), i - 2));
  LLVM::CallOp::create(builder, loc, kernel, arguments);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
}

void host::makeEmulatedEntry(LLVM::LLVMFuncOp kernel) {
  OpBuilder builder(kernel.getContext());
  Location loc = kernel.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  builder.setInsertionPointAfter(kernel);
  auto entry =
      LLVM::LLVMFuncOp::create(builder, loc, getEntryName(kernel.getSymName()),
                               getAbiFunctionType<convoy_emulated_kernel>(kernel.getContext()),
                               LLVM::Linkage::Internal);
  Block *block = entry.addEntryBlock(builder);
  builder.setInsertionPointToStart(block);
  Value thread = block->getArgument(0);
  Value shared = LLVM::GEPOp::create(
      builder, loc, pointer, builder.getI8Type(), thread,
      ArrayRef<LLVM::GEPArg>{int32_t(offsetof(convoy_gpu_thread, shared))});
  SmallVector<Value> arguments = {thread, LLVM::LoadOp::create(builder, loc, pointer, shared)};
  for (unsigned i = 2; i < kernel.getNumArguments(); ++i) {
    arguments.push_back(loadPointer(builder, loc, block->getArgument(1), i - 2));
    if (Type type = kernel.getArgument(i).getType(); type != pointer)
      arguments.back() = LLVM::PtrToIntOp::create(builder, loc, type, arguments.back());
  }
  LLVM::CallOp::create(builder, loc, kernel, arguments);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
}

void host::makeInvoke(LLVM::LLVMFuncOp main, int64_t device, int64_t inputs, int64_t outputs) {
  OpBuilder builder(main.getContext());
  Location loc = main.getLoc();
  std::string suffix = device ? "_" + std::to_string(device) : "";
  main.setSymName("convoy_main" + suffix);
  builder.setInsertionPointAfter(main);
  auto invoke =
      LLVM::LLVMFuncOp::create(builder, loc, (kInvoke + suffix).str(),
                               getAbiFunctionType<convoy_program>(main.getContext()));
  Block *block = invoke.addEntryBlock(builder);
  builder.setInsertionPointToStart(block);
  SmallVector<Value> arguments(block->args_begin(), block->args_begin() + 3);
  for (int64_t i = 0; i < inputs; ++i)
    arguments.push_back(loadPointer(builder, loc, block->getArgument(3), i));
  for (int64_t i = 0; i < outputs; ++i)
    arguments.push_back(loadPointer(builder, loc, block->getArgument(4), i));
  LLVM::CallOp::create(builder, loc, main, arguments);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
}
