//===- Launches.cpp - Launches of kernels on the CPU ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostLowering.h"

#include "convoy/Dialect/Cnn/Utils/Locations.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"

using namespace mlir;
using namespace convoy;

static constexpr RuntimeFunction kParallelFor =
    CONVOY_RUNTIME_FUNCTION(convoy_rt_parallel_for);
static constexpr RuntimeFunction kLimitLoop = CONVOY_RUNTIME_FUNCTION(convoy_rt_limit_loop);
static constexpr RuntimeFunction kCheckRange = CONVOY_RUNTIME_FUNCTION(convoy_rt_check_range);

/// The name of the model's node that an operation comes from, as a string of C.
static Value makeNodeName(OpBuilder &builder, Operation *op) {
  std::string name = cnn::makePrintable(cnn::getNodeName(op->getLoc()));
  std::string symbol = "convoy_node." + name;
  auto module = op->getParentOfType<ModuleOp>();
  if (auto global = module.lookupSymbol<LLVM::GlobalOp>(symbol))
    return LLVM::AddressOfOp::create(builder, op->getLoc(), global);
  return LLVM::createGlobalString(op->getLoc(), builder, symbol,
                                  (Twine(name) + Twine('\0')).str(), LLVM::Linkage::Internal);
}

namespace {

/// A launch becomes an array of pointers and a call of the runtime.
struct LowerLaunch : ConvertOpToLLVMPattern<cnn::LaunchOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(cnn::LaunchOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    Value runtime = host::getRuntime(op);
    SmallVector<Value> buffers;
    for (Value buffer : adaptor.getBuffers())
      buffers.push_back(MemRefDescriptor(buffer).alignedPtr(rewriter, loc));
    Value arguments = host::storePointers(rewriter, op, buffers);
    Value entry =
        LLVM::AddressOfOp::create(rewriter, loc, pointer, host::getEntryName(op.getKernel()));
    Value tasks = host::getInt(rewriter, loc, op.getTasks());
    host::callRuntime(rewriter, loc, kParallelFor, {runtime, entry, arguments, tasks});
    host::markLayerDone(rewriter, op, runtime);
    rewriter.eraseOp(op);
    return success();
  }
};

/// The runtime decides, since only it can make the run fail.
struct LowerLimit : ConvertOpToLLVMPattern<cnn::LimitLoopOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(cnn::LimitLoopOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value iteration = LLVM::LoadOp::create(
        rewriter, loc, rewriter.getI64Type(),
        MemRefDescriptor(adaptor.getIteration()).alignedPtr(rewriter, loc));
    Value goesOn = MemRefDescriptor(adaptor.getInit()).alignedPtr(rewriter, loc);
    host::callRuntime(rewriter, loc, kLimitLoop,
                      {host::getRuntime(op), makeNodeName(rewriter, op), goesOn, iteration,
                       host::getInt(rewriter, loc, op.getLimit())});
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerCheck : ConvertOpToLLVMPattern<cnn::CheckRangeOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(cnn::CheckRangeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<MemRefType>(op.getInput().getType());
    auto number = [&](int64_t value) { return host::getInt(rewriter, loc, value); };
    auto pointer = [&](Value buffer) {
      return MemRefDescriptor(buffer).alignedPtr(rewriter, loc);
    };
    host::callRuntime(rewriter, loc, kCheckRange,
                      {host::getRuntime(op), makeNodeName(rewriter, op),
                       pointer(adaptor.getInput()), pointer(adaptor.getInit()),
                       number(type.getNumElements()),
                       number(type.getElementTypeBitWidth() / 8), number(op.getMinimum()),
                       number(op.getMaximum())});
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void host::populateLaunchPatterns(const LLVMTypeConverter &converter,
                                  RewritePatternSet &patterns) {
  patterns.add<LowerLaunch, LowerLimit, LowerCheck>(converter);
}
