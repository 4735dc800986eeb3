//===- LowerIntegers.cpp - Pass cnn-lower-integers ------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNLOWERINTEGERS
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

/// The largest magnitude of an input, and the number up to which f32 represents all integers.
constexpr int64_t kLargestInput = 255, kExactLimit = 1 << 24;

/// A run of the terms of each sum. Terms are counted as in the filter: by channels of a group,
/// then by positions of the kernel.
struct TermRange {
  int64_t begin, end;
};

/// The weights of a layer of integers, one row of terms for each output channel.
class IntegerFilter {
public:
  explicit IntegerFilter(ConstantData data)
      : data(data), terms(llvm::product_of(data.getShape().drop_front())),
        positions(llvm::product_of(data.getShape().drop_front(2))) {}

  /// Cuts the terms into runs whose sums f32 adds up without an error.
  SmallVector<TermRange> cut() const {
    int64_t outputs = data.getShape().front();
    SmallVector<int64_t> sums(outputs, 0);
    SmallVector<TermRange> ranges = {{0, 0}};
    for (int64_t term = 0; term < terms; ++term) {
      int64_t largest = 0;
      for (int64_t output = 0; output < outputs; ++output) {
        sums[output] += std::abs(at(output, term)) * kLargestInput;
        largest = std::max(largest, sums[output]);
      }
      if (largest >= kExactLimit) {
        ranges.push_back({term, term});
        for (int64_t output = 0; output < outputs; ++output)
          sums[output] = std::abs(at(output, term)) * kLargestInput;
      }
      ranges.back().end = term + 1;
    }
    return ranges;
  }

  /// The weights of some terms in f32, with the input channels from `firstChannel` on; other
  /// terms of these channels are zero.
  ElementsAttr getPart(TermRange range, int64_t firstChannel, int64_t channels) const {
    SmallVector<int64_t> shape(data.getShape());
    shape[1] = channels;
    auto type = RankedTensorType::get(shape, Float32Type::get(data.getType().getContext()));
    int64_t row = channels * positions, first = firstChannel * positions;
    return fillConstant<float>(type, [&](MutableArrayRef<float> values) {
      for (int64_t output = 0; output < shape.front(); ++output)
        for (int64_t term = range.begin; term < range.end; ++term)
          values[output * row + term - first] = float(at(output, term));
    });
  }

  int64_t getPositions() const { return positions; }

private:
  int64_t at(int64_t output, int64_t term) const {
    return data.get<int16_t>(output * terms + term);
  }

  ConstantData data;
  int64_t terms, positions;
};

/// Some channels of plain data, or columns of rows.
Value sliceChannels(OpBuilder &builder, Location loc, Value data, int64_t begin,
                    int64_t count) {
  auto type = cast<RankedTensorType>(data.getType());
  if (count == type.getDimSize(1))
    return data;
  SmallVector<int64_t> offsets(type.getRank(), 0), sizes(type.getShape());
  SmallVector<int64_t> strides(type.getRank(), 1);
  offsets[1] = begin;
  sizes[1] = count;
  return tensor::ExtractSliceOp::create(builder, loc, type.clone(sizes), data, ValueRange(),
                                        ValueRange(), ValueRange(), offsets, sizes, strides);
}

struct LowerIntegers : convoy::cnn::impl::CnnLowerIntegersBase<LowerIntegers> {
  void runOnOperation() override {
    SmallVector<ScheduledOpInterface> layers;
    getOperation().walk([&](ScheduledOpInterface layer) {
      if (getElementTypeOrSelf(layer->getOperand(0).getType()).isInteger(16))
        layers.push_back(layer);
    });
    IRRewriter rewriter(&getContext());
    for (ScheduledOpInterface layer : layers)
      if (failed(lower(rewriter, layer)))
        return signalPassFailure();
  }

  LogicalResult lower(IRRewriter &rewriter, ScheduledOpInterface layer) {
    std::optional<ConstantData> data = ConstantData::get(layer.getFilter());
    if (!data)
      return layer->emitError(
          "needs a filter that is constant; compute it before the model runs");
    IntegerFilter filter(*data);
    Location loc = layer.getLoc();
    rewriter.setInsertionPoint(layer);
    Value input =
        *createChecked<CastOp>(rewriter, loc, layer->getOperand(0), rewriter.getF32Type());
    Value sum;
    for (TermRange range : filter.cut()) {
      int64_t first = 0, channels = data->getShape()[1];
      Value read = input;
      if (auto conv = dyn_cast<ConvOpInterface>(*layer); !conv || conv.getGroups() == 1) {
        first = range.begin / filter.getPositions();
        channels = llvm::divideCeil(range.end, filter.getPositions()) - first;
        read = sliceChannels(rewriter, loc, input, first, channels);
      }
      Value part = createConstant(rewriter, layer.getFilter().getLoc(),
                                  filter.getPart(range, first, channels));
      Operation *exact = rewriter.clone(*layer);
      exact->setOperand(0, read);
      exact->setOperand(1, part);
      exact->setAttr("exact", rewriter.getUnitAttr());
      auto type = cast<RankedTensorType>(layer->getResult(0).getType());
      exact->getResult(0).setType(type.clone(rewriter.getF32Type()));
      Value integers =
          *createChecked<CastOp>(rewriter, loc, exact->getResult(0), type.getElementType());
      sum = sum ? *createChecked<BinaryOp>(rewriter, loc, sum, integers, BinaryKind::add)
                : integers;
    }
    Value old = layer.getFilter();
    rewriter.replaceOp(layer, sum);
    eraseIfUnused(rewriter, old);
    return success();
  }
};

} // namespace
