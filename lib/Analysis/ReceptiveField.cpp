//===- ReceptiveField.cpp - What of the input an element sees -------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ReceptiveField.h"

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;

static ArrayRef<int64_t> getShape(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getShape() : ArrayRef<int64_t>();
}

ReceptiveFields::ReceptiveFields(func::FuncOp function) {
  for (Value argument : function.getArguments()) {
    ArrayRef<int64_t> shape = getShape(argument);
    if (shape.size() < 3)
      continue;
    Field field;
    field.dims.resize(shape.size() - 2);
    setResult(argument, std::move(field));
  }
  function.walk([&](Operation *op) {
    if (op->getParentOp() == function)
      visit(*op);
  });
}

ArrayRef<FieldExtent> ReceptiveFields::get(Value value) const {
  auto found = fields.find(value);
  return found == fields.end() ? ArrayRef<FieldExtent>() : found->second.dims;
}

/// Stores the field of `result`, whose shape says the extents.
void ReceptiveFields::setResult(Value result, Field field) {
  ArrayRef<int64_t> shape = getShape(result);
  if (field.isSpatial && shape.size() >= field.dims.size())
    for (auto [dim, extent] : llvm::zip(field.dims, shape.take_back(field.dims.size())))
      dim.extent = extent;
  else
    field.isSpatial = false;
  fields[result] = std::move(field);
}

/// The widest fields of the operands. The stride is that of the operands which
/// have the most elements: the others are broadcast.
ReceptiveFields::Field ReceptiveFields::merge(Operation &op) const {
  Field merged;
  for (Value operand : op.getOperands()) {
    auto found = fields.find(operand);
    if (found == fields.end() || found->second.dims.empty())
      continue;
    const Field &field = found->second;
    if (merged.dims.empty()) {
      merged = field;
      continue;
    }
    merged.isSpatial &= field.isSpatial && field.dims.size() == merged.dims.size();
    for (auto [to, from] : llvm::zip(merged.dims, field.dims)) {
      to.size = std::max(to.size, from.size);
      if (from.extent == to.extent)
        to.stride = std::max(to.stride, from.stride);
      else if (from.extent > to.extent)
        to.stride = from.stride;
      to.extent = std::max(to.extent, from.extent);
    }
  }
  return merged;
}

static void slide(MutableArrayRef<FieldExtent> dims, cnn::WindowAttr window,
                  bool isTransposed) {
  for (auto [i, dim] : llvm::enumerate(dims)) {
    int64_t reach = window.getReach(i), stride = window.getStrides()[i];
    if (isTransposed) {
      dim.size += double(llvm::divideCeil(reach, stride) - 1) * dim.stride;
      dim.stride /= double(stride);
    } else {
      dim.size += double(reach - 1) * dim.stride;
      dim.stride *= double(stride);
    }
  }
}

/// Lets every element depend on the whole along `dim`.
static void widen(FieldExtent &dim) { dim.size = dim.getWholeSize(); }

void ReceptiveFields::visit(Operation &op) {
  if (op.getNumResults() != 1 || !isa<RankedTensorType>(op.getResult(0).getType()))
    return;
  Field field = merge(op);
  if (field.dims.empty())
    return;
  Value result = op.getResult(0);
  int64_t rank = getShape(result).size(), spatialRank = field.dims.size();
  auto widenAll = [&] { llvm::for_each(field.dims, widen); };
  auto isSpatialAxis = [&](int64_t axis, int64_t inputRank) {
    return axis >= inputRank - spatialRank;
  };
  // Windows over what was flattened and cut anew see all of it.
  auto windowed = [&](int64_t windowRank) {
    if (field.isSpatial && windowRank == spatialRank)
      return true;
    widenAll();
    field.dims.assign(windowRank, FieldExtent(field.dims.front()));
    field.isSpatial = true;
    return false;
  };

  llvm::TypeSwitch<Operation *>(&op)
      .Case([&](cnn::WindowOpInterface windowOp) {
        auto conv = dyn_cast<cnn::ConvOpInterface>(windowOp.getOperation());
        cnn::WindowAttr window = windowOp.getWindow();
        if (windowed(window.getRank()))
          slide(field.dims, window, conv && conv.isTransposed());
      })
      .Case<cnn::GlobalPoolOp, cnn::InstanceNormOp, cnn::GroupNormOp>(
          [&](auto) { widenAll(); })
      .Case([&](cnn::ReduceOp reduce) {
        if (!field.isSpatial)
          return widenAll();
        int64_t inputRank = getShape(reduce.getInput()).size();
        for (int64_t axis : reduce.getAxes())
          if (isSpatialAxis(axis, inputRank)) {
            widen(field.dims[axis - (inputRank - spatialRank)]);
            field.isSpatial &= reduce.getKeepDims();
          }
      })
      .Case<cnn::SoftmaxOp, cnn::LogSoftmaxOp>([&](auto softmax) {
        if (!field.isSpatial)
          widenAll();
        else if (isSpatialAxis(softmax.getAxis(), rank))
          widen(field.dims[softmax.getAxis() - (rank - spatialRank)]);
      })
      .Case([&](cnn::LayerNormOp norm) {
        for (auto [i, dim] : llvm::enumerate(field.dims))
          if (!field.isSpatial || rank - spatialRank + int64_t(i) >= int64_t(norm.getAxis()))
            widen(dim);
      })
      .Case<cnn::DenseOp, cnn::MatmulOp>([&](auto) {
        widenAll();
        // What follows has one element to look at.
        for (FieldExtent &dim : field.dims)
          dim.extent = 1;
        field.isSpatial = false;
      })
      .Case([&](cnn::ResizeOp resize) {
        if (!field.isSpatial)
          return widenAll();
        for (auto [dim, scale] :
             llvm::zip(field.dims, resize.getScales().take_back(spatialRank))) {
          if (resize.getMode() == cnn::ResizeMode::linear && scale != 1)
            dim.size += dim.stride;
          if (scale > 0)
            dim.stride /= double(scale);
        }
      })
      .Case([&](tensor::ExtractSliceOp slice) {
        if (field.isSpatial && getShape(slice.getSource()).size() == size_t(rank))
          for (auto [dim, step] :
               llvm::zip(field.dims, slice.getStaticStrides().take_back(spatialRank)))
            dim.stride *= step > 0 ? double(step) : 1;
      })
      .Case([&](linalg::TransposeOp transpose) {
        ArrayRef<int64_t> permutation = transpose.getPermutation();
        for (int64_t i = std::max<int64_t>(0, rank - spatialRank); i < rank; ++i)
          field.isSpatial &= permutation[i] == i;
      })
      .Case<cnn::UnaryOp, cnn::BinaryOp, cnn::SelectOp, cnn::CastOp, cnn::BatchNormOp,
            cnn::ScaleShiftOp, cnn::LrnOp, cnn::ConcatOp, cnn::BroadcastOp, tensor::PadOp>(
          [](auto) {})
      .Default([&](Operation *) {
        // A reshape keeps the image where it keeps the last dimensions.
        ArrayRef<int64_t> shape = getShape(result);
        field.isSpatial &= rank >= spatialRank;
        if (field.isSpatial)
          for (auto [dim, extent] : llvm::zip(field.dims, shape.take_back(spatialRank)))
            field.isSpatial &= dim.extent == extent;
      });
  setResult(result, std::move(field));
}
