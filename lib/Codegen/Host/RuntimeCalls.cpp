//===- RuntimeCalls.cpp - Calls of the runtime ----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostLowering.h"

using namespace mlir;
using namespace convoy;

Value host::getInt(OpBuilder &builder, Location loc, int64_t value, int width) {
  return LLVM::ConstantOp::create(builder, loc, builder.getIntegerType(width), value);
}

Value host::getRuntime(Operation *op) { return op->getParentRegion()->front().getArgument(0); }

void host::declare(ModuleOp module, ArrayRef<RuntimeFunction> functions) {
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  for (const RuntimeFunction &function : functions)
    LLVM::LLVMFuncOp::create(builder, module.getLoc(), function.name,
                             function.getType(module.getContext()));
}

void host::callRuntime(OpBuilder &builder, Location loc, const RuntimeFunction &function,
                       ValueRange arguments) {
  LLVM::CallOp::create(builder, loc, function.getType(builder.getContext()), function.name,
                       arguments);
}

Value host::storePointers(OpBuilder &builder, Operation *op, ValueRange pointers) {
  Location loc = op->getLoc();
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Value array;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&op->getParentRegion()->front());
    Value count = getInt(builder, loc, std::max<int64_t>(1, pointers.size()));
    array = LLVM::AllocaOp::create(builder, loc, pointer, pointer, count);
  }
  for (auto [index, value] : llvm::enumerate(pointers)) {
    Value slot = LLVM::GEPOp::create(builder, loc, pointer, pointer, array,
                                     ArrayRef<LLVM::GEPArg>{int32_t(index)});
    LLVM::StoreOp::create(builder, loc, value, slot);
  }
  return array;
}
