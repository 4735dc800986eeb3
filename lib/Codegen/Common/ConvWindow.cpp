//===- ConvWindow.cpp - Sliding windows -----------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/ConvWindow.h"

#include "convoy/Codegen/Common/LoopEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

bool ConvWindow::isPointwise() const {
  auto all = [](ArrayRef<int64_t> values, int64_t value) {
    return llvm::all_of(values, [=](int64_t v) { return v == value; });
  };
  return all(kernel, 1) && all(strides, 1) && all(padsBegin, 0) &&
         ArrayRef<int64_t>(input) == ArrayRef<int64_t>(output);
}

bool ConvWindow::hasEmptyRange(int64_t dim) const {
  return llvm::any_of(llvm::seq(output[dim]), [&](int64_t pixel) {
    return llvm::none_of(llvm::seq(kernel[dim]), [&](int64_t k) {
      int64_t at = pixel * strides[dim] - padsBegin[dim] + k * dilations[dim];
      return at >= 0 && at < input[dim];
    });
  });
}

void ConvWindow::flattenPointwise() {
  assert(isPointwise() && "needs a window of one pixel");
  int64_t pixels = 1;
  for (int64_t extent : input)
    pixels *= extent;
  input.assign(input.size(), 1);
  input.back() = pixels;
  output = input;
}

ConvWindow convoy::getConvWindow(WindowOpInterface op) {
  WindowAttr attr = op.getWindow();
  auto input = cast<ShapedType>(op.getInput().getType());
  ConvWindow window;
  window.input = SmallVector<int64_t>(input.getShape().slice(2, attr.getRank()));
  window.output = SmallVector<int64_t>(op.getOutputType().getShape().slice(2, attr.getRank()));
  window.kernel = SmallVector<int64_t>(attr.getKernel());
  window.strides = SmallVector<int64_t>(attr.getStrides());
  window.dilations = SmallVector<int64_t>(attr.getDilations());
  window.padsBegin = SmallVector<int64_t>(attr.getPadsBegin());
  return window;
}

std::pair<Value, Value> convoy::emitKernelRange(ImplicitLocOpBuilder &b,
                                                const ConvWindow &window, int64_t dim,
                                                Value position) {
  int64_t stride = window.strides[dim], dilation = window.dilations[dim];
  int64_t pad = window.padsBegin[dim], kernel = window.kernel[dim];
  int64_t last = window.lastPosition(dim);
  Value zero = indexConstant(b, 0), all = indexConstant(b, kernel);
  // Input coordinate = position * stride - pad + k * dilation, in [0, input).
  Value lower = zero, upper = all;
  if (pad > 0) {
    Value missing =
        arith::SubIOp::create(b, indexConstant(b, pad), affine(b, position, stride, 0));
    if (dilation != 1)
      missing = arith::CeilDivSIOp::create(b, missing, indexConstant(b, dilation));
    lower = arith::MaxSIOp::create(b, zero, missing);
  }
  if (last >= window.input[dim]) {
    Value room = arith::SubIOp::create(b, indexConstant(b, window.input[dim] - 1 + pad),
                                       affine(b, position, stride, 0));
    if (dilation != 1)
      room = arith::FloorDivSIOp::create(b, room, indexConstant(b, dilation));
    upper = arith::MinSIOp::create(b, all, affine(b, room, 1, 1));
  }
  return {lower, upper};
}
