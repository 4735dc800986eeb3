//===- TensorMap.cpp - Tensor maps of GPU kernels -------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostLowering.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"

using namespace mlir;
using namespace convoy;

// The range of the fields that follow the address.
static constexpr size_t kBegin = offsetof(convoy_tensor_map, element_bytes);
static constexpr size_t kEnd = offsetof(convoy_tensor_map, outer_stride) + sizeof(int32_t);

static_assert(cnn::TensorMapOp::kMaxRank == CONVOY_MAX_MAP_RANK,
              "the dialect's limit is the runtime's");

namespace {

/// A tensor map becomes a convoy_tensor_map on the stack, allocated at the start of the
/// function.
struct LowerTensorMap : ConvertOpToLLVMPattern<cnn::TensorMapOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(cnn::TensorMapOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    convoy_tensor_map fields = {};
    fields.element_bytes =
        cast<MemRefType>(op.getBuffer().getType()).getElementTypeBitWidth() / 8;
    fields.rank = int32_t(op.getSizes().size());
    fields.swizzle = int32_t(op.getSwizzle());
    for (auto [list, field] :
         {std::pair(op.getSizes(), fields.sizes), std::pair(op.getBox(), fields.box),
          std::pair(op.getSteps(), fields.steps)}) {
      std::fill_n(field, CONVOY_MAX_MAP_RANK, 1);
      llvm::copy(list, field);
    }
    fields.outer_stride = int32_t(op.getOuterStride());
    // All fields but the address, as the 32-bit numbers that follow it.
    int32_t numbers[(kEnd - kBegin) / sizeof(int32_t)];
    std::memcpy(numbers, reinterpret_cast<const char *>(&fields) + kBegin, sizeof numbers);
    auto type = VectorType::get({int64_t(std::size(numbers))}, rewriter.getI32Type());
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    Value map;
    {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(&op->getParentRegion()->front());
      map = LLVM::AllocaOp::create(rewriter, loc, pointer, rewriter.getI8Type(),
                                   host::getInt(rewriter, loc, sizeof(convoy_tensor_map)),
                                   alignof(convoy_tensor_map));
    }
    LLVM::StoreOp::create(
        rewriter, loc, MemRefDescriptor(adaptor.getBuffer()).alignedPtr(rewriter, loc), map);
    Value rest = LLVM::GEPOp::create(rewriter, loc, pointer, rewriter.getI8Type(), map,
                                     ArrayRef<LLVM::GEPArg>{int32_t(kBegin)});
    Value values = LLVM::ConstantOp::create(
        rewriter, loc, type, DenseElementsAttr::get(type, ArrayRef<int32_t>(numbers)));
    LLVM::StoreOp::create(rewriter, loc, values, rest, /*alignment=*/4);
    rewriter.replaceOp(op, map);
    return success();
  }
};

} // namespace

void host::populateTensorMapPatterns(const LLVMTypeConverter &converter,
                                     RewritePatternSet &patterns) {
  patterns.add<LowerTensorMap>(converter);
}
