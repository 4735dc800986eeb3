//===- ConvEpilogue.cpp - From sums to a convolution's output -------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConvEpilogue.h"

#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

GpuConvOperands::GpuConvOperands(GpuKernel &kernel, Operation *op) {
  bool hasBias, hasRows = false, hasResidual = false;
  if (auto conv = dyn_cast<ConvOpInterface>(op)) {
    activation = conv.getActivation();
    hasBias = bool(conv.getBias());
    hasResidual = bool(conv.getResidual());
  } else {
    auto dense = cast<DenseOp>(op);
    activation = dense.getActivation();
    hasBias = bool(dense.getBias());
    hasRows = bool(dense.getRows());
  }
  size_t next = 0;
  auto take = [&] { return flatten(kernel.b, kernel.operands[next++]); };
  input = take();
  filter = take();
  if (hasBias)
    bias = take();
  if (hasRows) // All rows are computed.
    ++next;
  auto getNextStride = [&] { return getImageStride(kernel.operands[next]); };
  if (hasResidual) {
    residualStride = getNextStride();
    residual = take();
  }
  outputStride = getNextStride();
  output = take();
}

GpuConvOperands::GpuConvOperands(Value input, Value filter, Value output)
    : input(input), filter(filter), output(output),
      activation(FunctionAttr::get(input.getContext(), UnaryKind::identity)) {}

Value GpuConvOperands::startSum(ImplicitLocOpBuilder &b, Value index, int64_t lanes) const {
  if (bias)
    return loadElements(b, bias, index, lanes);
  if (lanes == 1)
    return emitConstant(b, b.getLoc(), b.getF32Type(), 0.0);
  return zeroVector(b, VectorType::get({lanes}, b.getF32Type()));
}

void GpuConvOperands::store(ImplicitLocOpBuilder &b, Value sum, Value image,
                            Value index) const {
  auto type = dyn_cast<VectorType>(sum.getType());
  if (residual) {
    Value from = add(b, affine(b, image, residualStride, 0), index);
    sum = arith::AddFOp::create(
        b, sum, loadElements(b, residual, from, type ? type.getNumElements() : 1));
  }
  Value to = add(b, affine(b, image, outputStride, 0), index);
  storeElements(b, emitUnary(b, b.getLoc(), activation, sum), output, to);
}
