//===- ConvertToLLVM.cpp - Pass cnn-convert-to-llvm -----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostLowering.h"

#include "convoy/Codegen/GPU/Emulation.h"
#include "convoy/Codegen/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Transforms/DialectConversion.h"

namespace convoy {
#define GEN_PASS_DEF_CNNCONVERTTOLLVM
#include "convoy/Codegen/Passes.h.inc"
} // namespace convoy

using namespace mlir;
using namespace convoy;

namespace {

/// Rounds to an i32 at once: a CPU has one instruction for that, and needs two, and on x86
/// four micro-operations, for roundeven and a conversion.
struct RoundToInteger : OpConversionPattern<arith::FPToSIOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(arith::FPToSIOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto rounding = op.getIn().getDefiningOp<math::RoundEvenOp>();
    auto vector = dyn_cast<VectorType>(op.getType());
    if (!rounding || (vector && vector.getRank() != 1) ||
        !getElementTypeOrSelf(op.getIn().getType()).isF32() ||
        !getElementTypeOrSelf(op.getType()).isInteger(32))
      return failure();
    // The current rounding mode is to the nearest even number.
    rewriter.replaceOpWithNewOp<LLVM::LrintOp>(
        op, op.getType(), rewriter.getRemappedValue(rounding.getOperand()));
    return success();
  }
};

struct ConvertToLLVM : convoy::impl::CnnConvertToLLVMBase<ConvertToLLVM> {
  using CnnConvertToLLVMBase::CnnConvertToLLVMBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<std::string> programs = getPrograms();
    for (const std::string &name : programs)
      if (failed(prepareProgram(name)))
        return signalPassFailure();
    FailureOr<host::GpuLaunches> launches = host::numberGpuKernels(module);
    if (failed(launches))
      return signalPassFailure();
    if (countEntries("cnn.devices"))
      host::declareCommunication(module);
    host::declareLaunches(module, launches->areThere);
    if (failed(convert()))
      return signalPassFailure();
    moveBF16AsIntegers();
    if (launches->areEmulated) {
      for (auto kernels : llvm::make_early_inc_range(module.getOps<mlir::gpu::GPUModuleOp>()))
        kernels.erase();
      module->removeAttr(mlir::gpu::GPUDialect::getContainerModuleAttrName());
    }
    for (auto function : llvm::make_early_inc_range(module.getOps<LLVM::LLVMFuncOp>()))
      if (!function.isExternal())
        finishFunction(function, programs);
  }

  int64_t countEntries(StringRef attribute) {
    auto array = getOperation()->getAttrOfType<ArrayAttr>(attribute);
    return array ? array.size() : 0;
  }

  /// The names of the devices' programs: `main` or, after cnn-link-devices, `main_K` for
  /// device K.
  SmallVector<std::string> getPrograms() {
    int64_t devices = countEntries("cnn.devices");
    if (devices == 0)
      return {"main"};
    SmallVector<std::string> names;
    for (int64_t device = 0; device < devices; ++device)
      names.push_back("main_" + std::to_string(device));
    return names;
  }

  /// Gives a program the runtime's context as its first argument, and numbers its layers.
  LogicalResult prepareProgram(StringRef name) {
    ModuleOp module = getOperation();
    int64_t inputs = countEntries("cnn.inputs"), outputs = countEntries("cnn.outputs");
    auto main = module.lookupSymbol<func::FuncOp>(name);
    if (!main)
      return module.emitError("has no function @") << name;
    if (int64_t(main.getNumArguments()) != 2 + inputs + outputs)
      return main.emitError("has ")
             << main.getNumArguments() << " arguments, expected arena, weights, " << inputs
             << " inputs and " << outputs << " outputs";
    // MLIR converts an empty memref to a pointer only if it has one dimension.
    for (BlockArgument argument : main.getArguments())
      if (auto type = dyn_cast<MemRefType>(argument.getType());
          type && argument.use_empty() && type.getNumElements() == 0)
        argument.setType(MemRefType::get({0}, type.getElementType()));
    main.setFunctionType(
        FunctionType::get(&getContext(), main.getBody().getArgumentTypes(), TypeRange()));
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    if (failed(main.insertArgument(0, pointer, {}, main.getLoc())))
      return failure();
    return host::numberLayers(main);
  }

  LogicalResult convert() {
    MLIRContext *context = &getContext();
    LowerToLLVMOptions options(context);
    options.useBarePtrCallConv = true;
    LLVMTypeConverter converter(context, options);
    RewritePatternSet patterns(context);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    patterns.add<RoundToInteger>(converter, context, /*benefit=*/2);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    index::populateIndexToLLVMConversionPatterns(converter, patterns);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
    populateFuncToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);
    host::populateLaunchPatterns(converter, patterns);
    host::populateTensorMapPatterns(converter, patterns);
    host::populateGpuLaunchPatterns(converter, patterns);
    host::populateCommunicationPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp, mlir::gpu::GPUModuleOp>();
    target.markOpRecursivelyLegal<mlir::gpu::GPUModuleOp>();
    target.addIllegalOp<mlir::gpu::LaunchFuncOp>();
    return applyPartialConversion(getOperation(), target, std::move(patterns));
  }

  /// Moves bf16 as i16. Where a bf16 goes from one basic block to another, LLVM would widen it
  /// to f32, and round it by a function of a runtime library.
  void moveBF16AsIntegers() {
    auto toInteger = [](Type type) -> Type {
      Type i16 = IntegerType::get(type.getContext(), 16);
      auto vector = dyn_cast<VectorType>(type);
      return vector ? vector.clone(i16) : i16;
    };
    auto isMove = [](Operation *op) {
      return isa<LLVM::LoadOp, LLVM::StoreOp, LLVM::MaskedLoadOp, LLVM::MaskedStoreOp,
                 LLVM::InsertElementOp, LLVM::ExtractElementOp, LLVM::ShuffleVectorOp,
                 LLVM::SelectOp, LLVM::BitcastOp, LLVM::PoisonOp, LLVM::UndefOp, LLVM::ZeroOp,
                 LLVM::BrOp, LLVM::CondBrOp>(op);
    };
    SmallVector<Value> values;
    getOperation().walk([&](LLVM::LLVMFuncOp function) {
      for (Block &block : function.getBody()) {
        if (!block.isEntryBlock())
          llvm::append_range(values, block.getArguments());
        for (Operation &op : block)
          llvm::append_range(values, op.getResults());
      }
    });
    for (Value value : values) {
      Type type = value.getType();
      if (!isa<FloatType, VectorType>(type) || !getElementTypeOrSelf(type).isBF16())
        continue;
      Operation *op = value.getDefiningOp();
      OpBuilder builder(&getContext());
      Value moved = value;
      SmallVector<OpOperand *> uses = llvm::map_to_vector(
          value.getUses(), [](OpOperand &use) -> OpOperand * { return &use; });
      if (!op || isMove(op)) {
        value.setType(toInteger(type));
      } else {
        builder.setInsertionPointAfter(op);
        moved = LLVM::BitcastOp::create(builder, op->getLoc(), toInteger(type), value);
      }
      for (OpOperand *use : uses) {
        Operation *user = use->getOwner();
        builder.setInsertionPoint(user);
        use->set(
            isMove(user)
                ? moved
                : LLVM::BitcastOp::create(builder, user->getLoc(), type, moved).getResult());
      }
    }
  }

  /// Makes the function that the runtime calls, which calls `function`.
  void finishFunction(LLVM::LLVMFuncOp function, ArrayRef<std::string> programs) {
    function.setLinkage(LLVM::Linkage::Internal);
    // No `noalias` here: other threads change the memory that this one sees.
    if (function->removeAttr(convoy::gpu::kEmulatedAttrName))
      return host::makeEmulatedEntry(function);
    // Buffers never overlap: the memory plan keeps an operation's operands apart.
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (isa<LLVM::LLVMPointerType>(function.getArgument(i).getType()))
        function.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(),
                            UnitAttr::get(&getContext()));
    if (const std::string *name = llvm::find(programs, function.getSymName());
        name != programs.end())
      host::makeInvoke(function, name - programs.begin(), countEntries("cnn.inputs"),
                       countEntries("cnn.outputs"));
    else
      host::makeEntry(function);
  }
};

} // namespace
