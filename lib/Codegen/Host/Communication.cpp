//===- Communication.cpp - Communication between devices ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostLowering.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"

using namespace mlir;
using namespace convoy;

static constexpr RuntimeFunction kAllGather = CONVOY_RUNTIME_FUNCTION(convoy_rt_all_gather);
static constexpr RuntimeFunction kHaloExchange =
    CONVOY_RUNTIME_FUNCTION(convoy_rt_halo_exchange);
static constexpr RuntimeFunction kAllReduce = CONVOY_RUNTIME_FUNCTION(convoy_rt_all_reduce);
static constexpr RuntimeFunction kAwait = CONVOY_RUNTIME_FUNCTION(convoy_rt_await);
static constexpr RuntimeFunction kRelease = CONVOY_RUNTIME_FUNCTION(convoy_rt_release);

namespace {

/// An array of numbers on the stack, written at the start of the function.
Value makeArray(OpBuilder &builder, Operation *op, ArrayRef<int64_t> values) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&op->getParentRegion()->front());
  Location loc = op->getLoc();
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Type i64 = builder.getI64Type();
  Value array = LLVM::AllocaOp::create(builder, loc, pointer, i64,
                                       host::getInt(builder, loc, values.size()));
  for (auto [index, value] : llvm::enumerate(values)) {
    Value slot = LLVM::GEPOp::create(builder, loc, pointer, i64, array,
                                     ArrayRef<LLVM::GEPArg>{int32_t(index)});
    LLVM::StoreOp::create(builder, loc, host::getInt(builder, loc, value), slot);
  }
  return array;
}

/// For a tensor that devices cut along `axis`: the number of rows, which are the dimensions
/// before the axis, and the bytes of one element of the axis.
std::pair<int64_t, int64_t> getRows(MemRefType type, int64_t axis) {
  int64_t bits = type.getElementTypeBitWidth();
  ArrayRef<int64_t> shape = type.getShape();
  return {llvm::product_of(shape.take_front(axis)),
          llvm::product_of(shape.drop_front(axis + 1)) * ((bits + 7) / 8)};
}

/// Returns the runtime's function for a communication, and appends the arguments that follow
/// the buffers, such as rows, bytes of an element of the axis, and bounds.
RuntimeFunction addArguments(OpBuilder &builder, cnn::AllGatherOp op,
                             SmallVectorImpl<Value> &all) {
  auto [rows, bytes] = getRows(cast<MemRefType>(op.getInput().getType()), op.getAxis());
  all.append({host::getInt(builder, op.getLoc(), rows),
              host::getInt(builder, op.getLoc(), bytes),
              makeArray(builder, op, op.getBounds())});
  return kAllGather;
}

RuntimeFunction addArguments(OpBuilder &builder, cnn::HaloExchangeOp op,
                             SmallVectorImpl<Value> &all) {
  auto [rows, bytes] = getRows(cast<MemRefType>(op.getInput().getType()), op.getAxis());
  all.append({host::getInt(builder, op.getLoc(), rows),
              host::getInt(builder, op.getLoc(), bytes),
              makeArray(builder, op, op.getBounds()),
              host::getInt(builder, op.getLoc(), op.getBefore()),
              host::getInt(builder, op.getLoc(), op.getAfter())});
  return kHaloExchange;
}

RuntimeFunction addArguments(OpBuilder &builder, cnn::AllReduceOp op,
                             SmallVectorImpl<Value> &all) {
  all.push_back(host::getInt(builder, op.getLoc(),
                             cast<MemRefType>(op.getInput().getType()).getNumElements()));
  return kAllReduce;
}

/// Communication becomes a call of the runtime, which starts it and keeps a failure for
/// convoy_run; and, unless it is asynchronous, calls that await and release it.
template <typename OpTy> struct LowerCommunication : ConvertOpToLLVMPattern<OpTy> {
  using ConvertOpToLLVMPattern<OpTy>::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value runtime = host::getRuntime(op);
    SmallVector<Value> arguments = {
        runtime, MemRefDescriptor(adaptor.getInput()).alignedPtr(rewriter, loc),
        MemRefDescriptor(adaptor.getInit()).alignedPtr(rewriter, loc)};
    RuntimeFunction function = addArguments(rewriter, op, arguments);
    host::callRuntime(rewriter, loc, function, arguments);
    if (!op.getAsync()) {
      host::callRuntime(rewriter, loc, kAwait, runtime);
      host::callRuntime(rewriter, loc, kRelease, runtime);
    }
    host::markLayerDone(rewriter, op, runtime);
    rewriter.eraseOp(op);
    return success();
  }
};

/// Lowers cnn.await and cnn.release of an asynchronous communication to calls without buffers,
/// because the runtime knows these.
template <typename OpTy> struct LowerEnd : ConvertOpToLLVMPattern<OpTy> {
  using ConvertOpToLLVMPattern<OpTy>::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(OpTy op, typename OpTy::Adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Value runtime = host::getRuntime(op);
    host::callRuntime(rewriter, op.getLoc(), isa<cnn::AwaitOp>(op) ? kAwait : kRelease,
                      runtime);
    host::markLayerDone(rewriter, op, runtime);
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void host::populateCommunicationPatterns(const LLVMTypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerCommunication<cnn::AllGatherOp>, LowerCommunication<cnn::AllReduceOp>,
               LowerCommunication<cnn::HaloExchangeOp>, LowerEnd<cnn::AwaitOp>,
               LowerEnd<cnn::ReleaseOp>>(converter);
}

void host::declareCommunication(ModuleOp module) {
  declare(module, {kAllGather, kHaloExchange, kAllReduce, kAwait, kRelease});
}
