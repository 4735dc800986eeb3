//===- GenerateCpuKernels.cpp - Operations of @main to CPU kernels --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/CpuKernelBuilder.h"
#include "convoy/Codegen/Common/KernelGenerator.h"
#include "convoy/Codegen/Passes.h"
#include "convoy/Dialect/Cnn/Utils/Locations.h"

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

/// The buffers among an operation's operands, each once: the arguments of its kernel.
llvm::SmallSetVector<Value, 8> getBuffers(Operation *op) {
  auto buffers = llvm::make_filter_range(op->getOperands(), isMemRef);
  return {buffers.begin(), buffers.end()};
}

KernelFamilies listFamilies() {
  KernelFamilies families;
  addWinogradConvKernels(families);
  addPixelwiseConvKernels(families);
  addDirectConvKernels(families);
  addTileProductConvKernels(families);
  addTileProductDenseKernels(families);
  addChannelwiseConvKernels(families);
  addTransposedConvKernels(families);
  addDenseKernels(families);
  addMatmulKernels(families);
  addPoolKernels(families);
  addGlobalPoolKernels(families);
  addLrnKernels(families);
  addSoftmaxKernels(families);
  addRecurrenceKernels(families);
  addDataMovementKernels(families);
  addResamplingKernels(families);
  addComputeKernels(families);
  addGenericKernels(families);
  return families;
}

/// A kernel is a function that runs some of an operation's tasks.
class CpuKernelGenerator : public KernelGenerator {
public:
  explicit CpuKernelGenerator(ModuleOp module) : KernelGenerator(module), symbols(module) {}

protected:
  LogicalResult begin(func::FuncOp) override { return success(); }

  void end(func::FuncOp) override {
    module->setAttr("cnn.scratch_size", Builder(module).getI64IntegerAttr(scratchSize));
  }

  LogicalResult build(Operation *op) override {
    const KernelFamily *family = findFamily<KernelFamily>(families, op, target);
    func::FuncOp kernel = family ? buildKernel(*family, op) : nullptr;
    if (!kernel)
      return failure();
    kernels.push_back({kernel, family->countTasks(op, target)});
    return success();
  }

  void launch(Operation *op, unsigned number) override {
    auto [kernel, tasks] = kernels[number];
    OpBuilder builder(op);
    cnn::LaunchOp::create(builder, op->getLoc(), kernel.getSymName(), tasks,
                          getBuffers(op).getArrayRef());
    StringRef name = cnn::getNodeName(op->getLoc());
    addLayer(name.empty() ? kernel.getSymName() : name);
  }

private:
  func::FuncOp buildKernel(const KernelFamily &family, Operation *op) {
    ImplicitLocOpBuilder b(op->getLoc(), op->getContext());
    SmallVector<Type> types = {b.getIndexType(), b.getIndexType()};
    llvm::SmallSetVector<Value, 8> buffers = getBuffers(op);
    llvm::append_range(types, ValueRange(buffers.getArrayRef()).getTypes());
    int64_t scratchBytes = family.countScratch(op, target);
    scratchSize = std::max(scratchSize, scratchBytes);
    if (scratchBytes > 0)
      types.push_back(MemRefType::get({scratchBytes}, b.getI8Type()));
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
    if (scratchBytes > 0) {
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

  struct Kernel {
    func::FuncOp function;
    int64_t tasks;
  };

  SymbolTable symbols;
  KernelFamilies families = listFamilies();
  SmallVector<Kernel> kernels;
  int64_t scratchSize = 0;
};

struct GenerateCPUKernels : convoy::impl::CnnGenerateCPUKernelsBase<GenerateCPUKernels> {
  using CnnGenerateCPUKernelsBase::CnnGenerateCPUKernelsBase;

  void runOnOperation() override {
    if (failed(CpuKernelGenerator(getOperation()).run()))
      signalPassFailure();
  }
};

} // namespace
