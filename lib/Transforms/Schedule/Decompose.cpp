//===- Decompose.cpp - Pass cnn-decompose ---------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decompose.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Schedule/DecomposeOpInterfaceImpl.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNDECOMPOSE
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

void convoy::cnn::registerDecomposeOpInterfaceExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, CnnDialect *, tensor::TensorDialect *) {
    attachElementwiseDecompositions(context);
    attachNormalizationDecompositions(context);
    attachReductionDecompositions(context);
  });
}

SmallVector<int64_t> convoy::cnn::getOtherDims(int64_t rank, ArrayRef<int64_t> axes) {
  SmallVector<int64_t> dims;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (!llvm::is_contained(axes, dim))
      dims.push_back(dim);
  return dims;
}

//===----------------------------------------------------------------------===//
// Building blocks
//===----------------------------------------------------------------------===//

/// The value of a constant whose elements are all equal, or null.
static TypedAttr getSplat(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (auto data = ConstantData::get(value);
      data && (data->isSplat() || type.getNumElements() == 1)) {
    if (isa<FloatType>(type.getElementType()))
      return FloatAttr::get(type.getElementType(), data->getDouble(0));
    return IntegerAttr::get(type.getElementType(), APInt(type.getElementTypeBitWidth(),
                                                         data->getInt(0), /*isSigned=*/true,
                                                         /*implicitTrunc=*/true));
  }
  return {};
}

FailureOr<Value> Decomposer::map(ArrayRef<int64_t> shape, Type element, ArrayRef<Input> inputs,
                                 Body body) {
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  SmallVector<TypedAttr> splats;
  for (const Input &input : inputs) {
    splats.push_back(getSplat(input.value));
    if (splats.back())
      continue;
    operands.push_back(input.value);
    maps.push_back(input.map);
  }
  maps.push_back(builder.getMultiDimIdentityMap(shape.size()));
  Value empty = tensor::EmptyOp::create(builder, loc(), shape, element);
  SmallVector<utils::IteratorType> iterators(shape.size(), utils::IteratorType::parallel);
  bool known = true;
  auto generic = linalg::GenericOp::create(
      builder, loc(), TypeRange(empty.getType()), operands, ValueRange(empty), maps, iterators,
      [&](OpBuilder &b, Location at, ValueRange elements) {
        SmallVector<Value> arguments;
        for (TypedAttr splat : splats) {
          if (splat) {
            arguments.push_back(emitConstant(b, at, splat));
          } else {
            arguments.push_back(elements.front());
            elements = elements.drop_front();
          }
        }
        Value result = body(b, at, arguments);
        known = result && result.getType() == element;
        linalg::YieldOp::create(b, at, known ? result : elements.front());
      });
  if (!known) {
    generic.erase();
    return op->emitError("is not defined on elements of type ")
           << tensorType(op->getOperand(0)).getElementType();
  }
  return generic.getResult(0);
}

Value Decomposer::fill(ArrayRef<int64_t> shape, Value scalar) {
  Value empty = tensor::EmptyOp::create(builder, loc(), shape, scalar.getType());
  return linalg::FillOp::create(builder, loc(), scalar, empty).getResult(0);
}

Value Decomposer::reshape(Value value, ArrayRef<int64_t> shape) {
  RankedTensorType type = tensorType(value);
  if (type.getShape() == shape)
    return value;
  ElementsAttr constant;
  if (matchPattern(value, m_Constant(&constant)))
    return createConstant(builder, loc(), reshapeConstant(constant, type.clone(shape)));
  auto allDims = [](int64_t rank) {
    return rank == 0 ? SmallVector<ReassociationIndices>()
                     : SmallVector<ReassociationIndices>{
                           llvm::to_vector<2>(llvm::seq<int64_t>(0, rank))};
  };
  // Collapses the value to one dimension, then expands it. A collapse to rank 0 and an
  // expansion from rank 0 have no reassociated dimensions.
  if (type.getRank() > 1)
    value = tensor::CollapseShapeOp::create(builder, loc(), value,
                                            allDims(shape.empty() ? 0 : type.getRank()));
  if (shape.size() == 1 || (shape.empty() && type.getRank() > 1))
    return tensorType(value).getRank() == int64_t(shape.size())
               ? value
               : Value(tensor::ExpandShapeOp::create(builder, loc(), type.clone(shape), value,
                                                     allDims(0)));
  if (shape.empty())
    return tensor::CollapseShapeOp::create(builder, loc(), value, allDims(0));
  return tensor::ExpandShapeOp::create(builder, loc(), type.clone(shape), value,
                                       allDims(type.getRank() ? shape.size() : 0));
}

Decomposer::Input Decomposer::broadcast(Value value, ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> from = shapeOf(value);
  SmallVector<AffineExpr> exprs;
  int64_t shift = shape.size() - from.size();
  for (auto [dim, extent] : llvm::enumerate(from))
    exprs.push_back(extent == shape[dim + shift] ? builder.getAffineDimExpr(dim + shift)
                                                 : builder.getAffineConstantExpr(0));
  return {value, AffineMap::get(shape.size(), 0, exprs, builder.getContext())};
}

Decomposer::Input Decomposer::project(Value value, int64_t rank, ArrayRef<int64_t> dims) {
  SmallVector<AffineExpr> exprs;
  for (int64_t dim : dims)
    exprs.push_back(builder.getAffineDimExpr(dim));
  return {value, AffineMap::get(rank, 0, exprs, builder.getContext())};
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

bool isForCpu(Operation *op) {
  TargetAttr target = getTarget(op);
  return target && !target.getGpu();
}

struct Decompose : convoy::cnn::impl::CnnDecomposeBase<Decompose> {
  void runOnOperation() override {
    SmallVector<Operation *> targets;
    getOperation().walk([&](Operation *op) {
      // On CPUs, cnn-sink-branches makes branches of a cnn.choose.
      if ((isa<ChooseOp>(op) || op->hasTrait<RunsOnHost>()) && isForCpu(op))
        return;
      bool computes = isa<DestinationOpInterface>(op);
      if (isa<DecomposeOpInterface>(op) || (computes && !op->hasTrait<HasKernel>()))
        targets.push_back(op);
    });
    for (Operation *op : targets) {
      FailureOr<Value> result = failure();
      if (auto decomposable = dyn_cast<DecomposeOpInterface>(op))
        result = decomposable.decompose();
      else
        op->emitError("has no kernel and no decomposition");
      if (failed(result))
        return signalPassFailure();
      op->getResult(0).replaceAllUsesWith(*result);
      op->erase();
    }
  }
};

} // namespace
