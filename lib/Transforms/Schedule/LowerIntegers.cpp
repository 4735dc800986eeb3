//===- LowerIntegers.cpp - Pass cnn-lower-integers ------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/LayerSchedule.h"
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

  ArrayRef<int64_t> getShape() const { return data.getShape(); }
  int64_t getPositions() const { return positions; }

private:
  int64_t at(int64_t output, int64_t term) const { return data.getInt(output * terms + term); }

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
      if (layer.isInteger())
        layers.push_back(layer);
    });
    if (layers.empty())
      return;
    FailureOr<TargetAttr> target = requireTarget(getOperation());
    if (failed(target))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    for (ScheduledOpInterface layer : layers) {
      std::optional<ConstantData> data = ConstantData::get(layer.getFilter());
      if (!data) {
        layer->emitError("needs a filter that is constant; compute it before the model runs");
        return signalPassFailure();
      }
      if (hasIntegerKernel(layer, *target))
        narrowFilter(rewriter, layer, *data);
      else
        lower(rewriter, layer, IntegerFilter(*data));
    }
  }

  /// Stores weights as i8 if all of them are such numbers, as they are without a zero point.
  void narrowFilter(IRRewriter &rewriter, ScheduledOpInterface layer,
                    const ConstantData &data) {
    if (!data.holds<int16_t>() || !llvm::all_of(data.getValues<int16_t>(), [](int16_t value) {
          return llvm::isInt<8>(value);
        }))
      return;
    ArrayRef<int16_t> values = data.getValues<int16_t>();
    std::vector<int8_t> narrow(values.begin(), values.end());
    rewriter.setInsertionPoint(layer);
    Value old = layer.getFilter();
    Value filter = createConstant(
        rewriter, old.getLoc(),
        makeConstant<int8_t>(data.getType().clone(rewriter.getI8Type()), std::move(narrow)));
    rewriter.modifyOpInPlace(layer, [&] { layer.getFilterMutable().assign(filter); });
    eraseIfUnused(rewriter, old);
  }

  /// Casts of the sums to f32 are what f32 has computed.
  static void replaceCasts(IRRewriter &rewriter, Value sums, Value floats) {
    for (Operation *reader : llvm::make_early_inc_range(sums.getUsers()))
      if (auto cast = dyn_cast<CastOp>(reader); cast && cast.getTo().isF32())
        rewriter.replaceOp(cast, floats);
  }

  void lower(IRRewriter &rewriter, ScheduledOpInterface layer, const IntegerFilter &filter) {
    Location loc = layer.getLoc();
    rewriter.setInsertionPoint(layer);
    Value input =
        *createChecked<CastOp>(rewriter, loc, layer->getOperand(0), rewriter.getF32Type());
    Value sum;
    SmallVector<TermRange> ranges = filter.cut();
    for (TermRange range : ranges) {
      int64_t first = 0, channels = filter.getShape()[1];
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
      if (ranges.size() == 1)
        replaceCasts(rewriter, layer->getResult(0), exact->getResult(0));
      if (layer->getResult(0).use_empty())
        break;
      Value integers =
          *createChecked<CastOp>(rewriter, loc, exact->getResult(0), type.getElementType());
      sum = sum ? *createChecked<BinaryOp>(rewriter, loc, sum, integers, BinaryKind::add)
                : integers;
    }
    Value old = layer.getFilter();
    if (sum)
      rewriter.replaceOp(layer, sum);
    else
      rewriter.eraseOp(layer);
    eraseIfUnused(rewriter, old);
  }
};

} // namespace
