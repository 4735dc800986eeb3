//===- GenerateCpuKernels.cpp - Operations of @main to CPU kernels --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/LayerSchedule.h"
#include "convoy/Codegen/CPU/CpuKernelBuilder.h"
#include "convoy/Codegen/Common/Layers.h"
#include "convoy/Codegen/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SetVector.h"

namespace convoy {
#define GEN_PASS_DEF_CNNGENERATECPUKERNELS
#include "convoy/Codegen/Passes.h.inc"
} // namespace convoy

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;

namespace {

bool isMemRef(Value value) { return isa<MemRefType>(value.getType()); }

/// The buffers among an operation's operands, each once: what its kernel takes.
llvm::SmallSetVector<Value, 8> getBuffers(Operation *op) {
  auto buffers = llvm::make_filter_range(op->getOperands(), isMemRef);
  return {buffers.begin(), buffers.end()};
}

/// Bytes of scratch memory that a thread needs; more than belongs on a stack.
int64_t getScratchSize(Operation *op) {
  auto layer = dyn_cast<cnn::ScheduledOpInterface>(op);
  return layer ? layer.getScheduleAttr().getScratch() : 0;
}

struct GenerateCPUKernels : convoy::impl::CnnGenerateCPUKernelsBase<GenerateCPUKernels> {
  using CnnGenerateCPUKernelsBase::CnnGenerateCPUKernelsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp main = findMain(module);
    FailureOr<cnn::TargetAttr> required = cnn::requireTarget(module);
    if (!main || failed(required))
      return signalPassFailure();
    cnn::TargetAttr target = *required;
    KernelFamilies families;
    addWinogradConvKernels(families);
    addPixelwiseConvKernels(families);
    addDirectConvKernels(families);
    addChannelwiseConvKernels(families);
    addTransposedConvKernels(families);
    addDenseKernels(families);
    addMatmulKernels(families);
    addPoolKernels(families);
    addGlobalPoolKernels(families);
    addLrnKernels(families);
    addSoftmaxKernels(families);
    addDataMovementKernels(families);
    addResamplingKernels(families);
    addGenericKernels(families);

    SymbolTable symbols(module);
    SmallVector<Attribute> layers;
    SharedKernels<func::FuncOp> made;
    int64_t scratchSize = 0;

    for (Operation &op : llvm::make_early_inc_range(main.front())) {
      if (!isLayer(&op))
        continue;
      // The runtime does what devices do together; profiles show it as a layer.
      if (isa<cnn::CommunicationOpInterface>(op)) {
        layers.push_back(StringAttr::get(&getContext(), getLayerName(op.getLoc())));
        continue;
      }
      if (isa<cnn::AwaitOp, cnn::ReleaseOp>(op))
        continue;
      if (std::string reason = whyNotScheduled(&op); !reason.empty()) {
        op.emitError("has no CPU kernel: ") << reason;
        return signalPassFailure();
      }
      const KernelFamily *family = nullptr;
      for (const auto &candidate : families)
        if (candidate->matches(&op, target)) {
          family = candidate.get();
          break;
        }
      if (!family) {
        op.emitError("has no CPU kernel");
        return signalPassFailure();
      }
      func::FuncOp *kernel = made.find(&op);
      if (!kernel) {
        func::FuncOp built = buildKernel(symbols, *family, &op, target);
        if (!built)
          return signalPassFailure();
        kernel = &made.add(&op, built);
      }
      scratchSize = std::max(scratchSize, getScratchSize(&op));
      OpBuilder builder(&op);
      cnn::LaunchOp::create(builder, op.getLoc(), kernel->getSymName(),
                            family->countTasks(&op, target), getBuffers(&op).getArrayRef());
      StringRef name = getLayerName(op.getLoc());
      layers.push_back(builder.getStringAttr(name.empty() ? kernel->getSymName() : name));
    }
    made.eraseOperations();
    module->setAttr("cnn.layers", ArrayAttr::get(&getContext(), layers));
    module->setAttr("cnn.scratch_size",
                    IntegerAttr::get(IntegerType::get(&getContext(), 64), scratchSize));
  }

  func::FuncOp buildKernel(SymbolTable &symbols, const KernelFamily &family, Operation *op,
                           cnn::TargetAttr target) {
    ImplicitLocOpBuilder b(op->getLoc(), &getContext());
    SmallVector<Type> types = {b.getIndexType(), b.getIndexType()};
    llvm::SmallSetVector<Value, 8> buffers = getBuffers(op);
    llvm::append_range(types, ValueRange(buffers.getArrayRef()).getTypes());
    int64_t scratchSize = getScratchSize(op);
    if (scratchSize > 0)
      types.push_back(MemRefType::get({scratchSize}, b.getI8Type()));
    auto kernel = func::FuncOp::create(b, family.getName(), b.getFunctionType(types, {}));
    kernel.setPrivate();
    symbols.insert(kernel);
    Block *entry = kernel.addEntryBlock();
    b.setInsertionPointToStart(entry);
    IRMapping arguments;
    arguments.map(ValueRange(buffers.getArrayRef()),
                  entry->getArguments().slice(2, buffers.size()));
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (isMemRef(operand)) {
        operands.push_back(arguments.lookup(operand));
        continue;
      }
      Operation *constant = operand.getDefiningOp();
      if (!constant || !constant->hasTrait<OpTrait::ConstantLike>()) {
        op->emitError("has an operand that is neither a buffer nor a constant");
        return nullptr;
      }
      operands.push_back(b.clone(*constant)->getResult(0));
    }
    if (scratchSize > 0) {
      unsigned scratch = entry->getNumArguments() - 1;
      kernel.setArgAttr(scratch, cnn::kScratchAttrName, b.getUnitAttr());
      operands.push_back(entry->getArgument(scratch));
    }
    auto loop = scf::ForOp::create(b, entry->getArgument(0), entry->getArgument(1),
                                   indexConstant(b, 1));
    func::ReturnOp::create(b);
    b.setInsertionPointToStart(loop.getBody());
    if (failed(family.buildTask(b, op, operands, loop.getInductionVar(), target)))
      return nullptr;
    return kernel;
  }
};

} // namespace
