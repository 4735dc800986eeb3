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

/// The number up to which f32 represents all integers.
constexpr int64_t kExactLimit = 1 << 24;

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
        sums[output] += std::abs(at(output, term)) * kLargestDifference;
        largest = std::max(largest, sums[output]);
      }
      if (largest >= kExactLimit) {
        ranges.push_back({term, term});
        for (int64_t output = 0; output < outputs; ++output)
          sums[output] = std::abs(at(output, term)) * kLargestDifference;
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

/// The input of a layer: integers of 8 bits, widened to i16, less their zero point.
struct Differences {
  CastOp widening;
  /// What makes the differences: `widening` if the zero point is 0, otherwise a subtraction.
  Operation *last;
  int64_t zeroPoint;

  static std::optional<Differences> get(Value value);
  Value getNumbers() const { return CastOp(widening).getInput(); }
};

std::optional<Differences> Differences::get(Value value) {
  Differences result = {value.getDefiningOp<CastOp>(), value.getDefiningOp(), 0};
  if (auto sub = value.getDefiningOp<BinaryOp>()) {
    std::optional<ConstantData> zero = ConstantData::get(sub.getRhs());
    if (sub.getKind() != BinaryKind::sub || !sub.getActivation().isIdentity() || !zero ||
        zero->getNumElements() != 1)
      return std::nullopt;
    result.widening = sub.getLhs().getDefiningOp<CastOp>();
    result.zeroPoint = zero->getInt(0);
  }
  if (!result.widening ||
      !cast<ShapedType>(result.getNumbers().getType()).getElementType().isInteger(8))
    return std::nullopt;
  return result;
}

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
      if (hasIntegerKernel(layer, *target)) {
        narrowFilter(rewriter, layer, *data);
        if (std::optional<Differences> input = Differences::get(layer->getOperand(0))) {
          shareDifferences(rewriter, *input);
          takeFromParts(rewriter, *input);
        }
      } else {
        lower(rewriter, layer, IntegerFilter(*data));
      }
    }
  }

  /// If a layer reads differences of quantised numbers and their zero point, lets
  /// `cnn.dequantize` of the same numbers read them, too. Otherwise the numbers would be in
  /// memory twice.
  static void shareDifferences(IRRewriter &rewriter, const Differences &input) {
    Operation *quantize = input.getNumbers().getDefiningOp(), *last = input.last;
    if (!quantize)
      return;
    for (Operation *reader : llvm::make_early_inc_range(input.getNumbers().getUsers())) {
      auto op = dyn_cast<DequantizeOp>(reader);
      std::optional<ConstantData> zero =
          op ? ConstantData::get(op.getZeroPoint()) : std::nullopt;
      if (!zero || zero->getNumElements() != 1 || zero->getInt(0) != input.zeroPoint ||
          op->getBlock() != last->getBlock())
        continue;
      // The differences must be there before the reader.
      if (op->isBeforeInBlock(last)) {
        Operation *constant =
            last == input.widening ? nullptr : last->getOperand(1).getDefiningOp();
        if (quantize->getBlock() != op->getBlock() ||
            (constant && constant->getBlock() == op->getBlock() &&
             !constant->isBeforeInBlock(quantize)))
          continue;
        rewriter.moveOpAfter(input.widening, quantize);
        if (last != input.widening)
          rewriter.moveOpAfter(last, input.widening);
      }
      rewriter.setInsertionPoint(op);
      Location loc = op.getLoc();
      Value numbers =
          *createChecked<CastOp>(rewriter, loc, last->getResult(0), rewriter.getF32Type());
      rewriter.replaceOp(op, *createChecked<BinaryOp>(rewriter, loc, numbers, op.getScale(),
                                                      BinaryKind::mul));
    }
  }

  /// If a layer reads differences of a concatenation that has no other reader, concatenates
  /// the differences of its parts: those who compute the parts can store them.
  static void takeFromParts(IRRewriter &rewriter, const Differences &input) {
    auto concat = input.getNumbers().getDefiningOp<ConcatOp>();
    if (!concat || concat.getInit() || !concat->hasOneUse())
      return;
    rewriter.setInsertionPoint(input.last);
    SmallVector<Value> parts;
    for (Value part : concat.getInputs()) {
      Value difference = *createChecked<CastOp>(rewriter, input.widening->getLoc(), part,
                                                rewriter.getI16Type());
      if (input.last != input.widening)
        difference = *createChecked<BinaryOp>(rewriter, input.last->getLoc(), difference,
                                              input.last->getOperand(1), BinaryKind::sub);
      parts.push_back(difference);
    }
    rewriter.replaceOp(input.last, *createChecked<ConcatOp>(rewriter, concat.getLoc(), parts,
                                                            concat.getAxis()));
    // The subtraction and the concatenation are gone, or have no reader.
    if (input.widening != input.last && input.widening->use_empty())
      rewriter.eraseOp(input.widening);
    if (concat->use_empty())
      rewriter.eraseOp(concat);
  }

  /// Stores weights as i8 if all of them are such numbers, as they are without a zero point.
  void narrowFilter(IRRewriter &rewriter, ScheduledOpInterface layer,
                    const ConstantData &data) {
    ElementsAttr narrow = data.holds<int16_t>() ? narrowToI8(data) : ElementsAttr();
    if (!narrow)
      return;
    Value old = layer.getFilter();
    rewriter.setInsertionPoint(layer);
    Value filter = createConstant(rewriter, old.getLoc(), narrow);
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
