//===- LowerIntegers.cpp - Pass cnn-lower-integers ------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/LayerSchedule.h"
#include "convoy/Dialect/Cnn/IR/Differences.h"
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

std::optional<ConstantData> readConstant(Value value) { return ConstantData::get(value); }

/// The number up to which f32 represents all integers.
constexpr int64_t kExactLimit = 1 << 24;

/// From so many input channels on, Winograd's algorithm for pairs is at least as fast as
/// products of bytes that take two instructions (AVX2 on Zen 3).
constexpr int64_t kWinogradChannels = 16;

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

//===----------------------------------------------------------------------===//
// Numbers of 8 bits
//===----------------------------------------------------------------------===//

/// Adds a number to integers, unless it is 0.
Value addNumber(IRRewriter &rewriter, Location loc, Value integers, int64_t number) {
  if (number == 0)
    return integers;
  auto type = RankedTensorType::get({}, getElementTypeOrSelf(integers.getType()));
  Value constant = createConstant(
      rewriter, loc, makeConstant<int16_t>(type, std::vector<int16_t>{int16_t(number)}));
  return *createChecked<BinaryOp>(rewriter, loc, integers, constant, BinaryKind::add);
}

/// If `numbers` are a concatenation that has no other reader, concatenates what `change` makes
/// of its parts: those who compute the parts can store that. Otherwise null.
Value changeParts(IRRewriter &rewriter, Value numbers,
                  llvm::function_ref<Value(Value part)> change) {
  auto concat = numbers.getDefiningOp<ConcatOp>();
  if (!concat || concat.getInit() || !concat->hasOneUse())
    return {};
  SmallVector<Value> parts = llvm::map_to_vector(concat.getInputs(), change);
  return *createChecked<ConcatOp>(rewriter, concat.getLoc(), parts, concat.getAxis());
}

/// The numbers that a layer reads in place of their differences.
class ByteInput {
public:
  /// `input` is the layer's input. The numbers will be u8 or i8.
  ByteInput(IRRewriter &rewriter, Value input, const Differences &differences, bool isUnsigned)
      : rewriter(rewriter), input(input), differences(differences),
        element(IntegerType::get(rewriter.getContext(), 8,
                                 isUnsigned ? IntegerType::Unsigned : IntegerType::Signless)) {
    bool isSame = differences.getElementType() == element;
    shift = isSame ? 0 : isUnsigned ? 128 : -128;
  }

  /// A number is a difference plus the zero point.
  int64_t getZeroPoint() const { return differences.zeroPoint + shift; }

  /// The numbers.
  Value create(Location loc) const {
    if (input == differences.last->getResult(0))
      return shiftNumbers(loc, differences.getNumbers());
    // The largest differences, which a pool has computed, become numbers again.
    Value numbers = addNumber(rewriter, loc, input, getZeroPoint());
    return *createChecked<CastOp>(rewriter, loc, numbers, element);
  }

private:
  /// Makes u8 of i8 numbers, or i8 of u8 ones.
  Value shiftNumbers(Location loc, Value numbers) const {
    if (shift == 0)
      return numbers;
    auto shiftPart = [&](Value part) { return shiftNumbers(loc, part); };
    if (Value concat = changeParts(rewriter, numbers, shiftPart))
      return concat;
    Value wide = *createChecked<CastOp>(rewriter, loc, numbers, rewriter.getI16Type());
    wide = addNumber(rewriter, loc, wide, shift);
    return *createChecked<CastOp>(rewriter, loc, wide, element);
  }

  IRRewriter &rewriter;
  Value input;
  Differences differences;
  IntegerType element;
  int64_t shift;
};

/// Adds a border of `number` around pictures of 8 bits, as wide as the pads of a window.
Value padNumbers(IRRewriter &rewriter, Location loc, Value numbers, WindowAttr window,
                 int64_t number) {
  auto type = cast<RankedTensorType>(numbers.getType());
  SmallVector<int64_t> low = {0, 0}, high = {0, 0}, shape(type.getShape());
  llvm::append_range(low, window.getPadsBegin());
  llvm::append_range(high, window.getPadsEnd());
  for (auto [extent, before, after] : llvm::zip_equal(shape, low, high))
    extent += before + after;
  Type element = type.getElementType();
  Value border = arith::ConstantOp::create(
      rewriter, loc, rewriter.getIntegerAttr(rewriter.getI8Type(), int8_t(number)));
  // Constants of arith have no unsigned numbers.
  if (border.getType() != element)
    border = UnrealizedConversionCastOp::create(rewriter, loc, element, border).getResult(0);
  return tensor::PadOp::create(rewriter, loc, type.clone(shape), numbers,
                               getAsIndexOpFoldResult(rewriter.getContext(), low),
                               getAsIndexOpFoldResult(rewriter.getContext(), high), border);
}

/// For each output channel, the sum of its weights times a number.
Value sumWeights(IRRewriter &rewriter, Location loc, const ConstantData &filter,
                 int64_t factor) {
  int64_t outputs = filter.getShape().front(), terms = filter.getNumElements() / outputs;
  auto type = RankedTensorType::get({outputs}, rewriter.getI32Type());
  return createConstant(
      rewriter, loc, fillConstant<int32_t>(type, [&](MutableArrayRef<int32_t> values) {
        for (int64_t output = 0; output < outputs; ++output) {
          int64_t sum = 0;
          for (int64_t term = output * terms; term < (output + 1) * terms; ++term)
            sum += filter.getInt(term);
          values[output] = int32_t(sum * factor);
        }
      }));
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

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
      ElementsAttr narrow = data->holds<int16_t>() ? narrowToI8(*data) : ElementsAttr();
      if (narrow && readBytes(rewriter, layer, *data, narrow, *target))
        continue;
      if (findIntegerKernel(layer, *target, 2)) {
        if (narrow)
          replaceFilter(rewriter, layer, narrow);
        if (std::optional<Differences> input =
                Differences::get(layer->getOperand(0), readConstant)) {
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
  /// the differences of its parts.
  static void takeFromParts(IRRewriter &rewriter, const Differences &input) {
    Operation *concat = input.getNumbers().getDefiningOp();
    rewriter.setInsertionPoint(input.last);
    Value differences = changeParts(rewriter, input.getNumbers(), [&](Value part) {
      Value difference = *createChecked<CastOp>(rewriter, input.widening->getLoc(), part,
                                                rewriter.getI16Type());
      if (input.last != input.widening)
        difference = *createChecked<BinaryOp>(rewriter, input.last->getLoc(), difference,
                                              input.last->getOperand(1), BinaryKind::sub);
      return difference;
    });
    if (!differences)
      return;
    rewriter.replaceOp(input.last, differences);
    // The subtraction and the concatenation are gone, or have no reader.
    if (input.widening != input.last && input.widening->use_empty())
      rewriter.eraseOp(input.widening);
    if (concat->use_empty())
      rewriter.eraseOp(concat);
  }

  static void eraseUnusedDifferences(IRRewriter &rewriter, const Differences &differences) {
    if (!differences.last->use_empty())
      return;
    bool hasZeroPoint = differences.last != differences.widening;
    rewriter.eraseOp(differences.last);
    if (hasZeroPoint && differences.widening->use_empty())
      rewriter.eraseOp(differences.widening);
  }

  static void replaceFilter(IRRewriter &rewriter, ScheduledOpInterface layer,
                            ElementsAttr value) {
    Value old = layer.getFilter();
    rewriter.setInsertionPoint(layer);
    Value filter = createConstant(rewriter, old.getLoc(), value);
    rewriter.modifyOpInPlace(layer, [&] { layer.getFilterMutable().assign(filter); });
    eraseIfUnused(rewriter, old);
  }

  /// Whether the products of two neighbouring weights and any numbers of 8 bits add up to 16
  /// bits, for an instruction that saturates there.
  static bool fitsByteProduct(const ConstantData &filter) {
    ArrayRef<int64_t> shape = filter.getShape();
    int64_t positions = llvm::product_of(shape.drop_front(2)), inputs = shape[1];
    for (int64_t output = 0; output < shape[0]; ++output)
      for (int64_t input = 0; input < inputs; input += 2)
        for (int64_t position = 0; position < positions; ++position) {
          int64_t negative = 0, positive = 0;
          for (int64_t i = input; i < std::min(input + 2, inputs); ++i) {
            int64_t weight = filter.getInt((output * inputs + i) * positions + position);
            (weight < 0 ? negative : positive) += weight * UINT8_MAX;
          }
          if (negative < INT16_MIN || positive > INT16_MAX)
            return false;
        }
    return true;
  }

  /// Whether Winograd's algorithm would save products if the layer reads differences.
  static bool mayUseWinograd(ScheduledOpInterface layer) {
    auto conv = dyn_cast<ConvOpInterface>(*layer);
    auto isThree = [](int64_t extent) { return extent == 3; };
    auto isOne = [](int64_t value) { return value == 1; };
    return conv && conv.getSpatialRank() == 2 && conv.getWindow().hasUnitStrides() &&
           llvm::all_of(conv.getWindow().getKernel(), isThree) &&
           llvm::all_of(conv.getWindow().getDilations(), isOne) &&
           conv.getInputChannels() / conv.getGroups() >= kWinogradChannels;
  }

  /// Whether a layer should read numbers of 8 bits, which the target can multiply by `dot`.
  static bool prefersBytes(ScheduledOpInterface layer, const DotInstruction &dot) {
    if (dot.byteProduct.empty())
      return true;
    std::optional<ConstantData> filter = ConstantData::get(layer.getFilter());
    return filter && !mayUseWinograd(layer) && fitsByteProduct(*filter);
  }

  /// The same for all layers that read `input`: otherwise it would be in memory twice.
  static bool allPreferBytes(Value input, const DotInstruction &dot) {
    return llvm::all_of(input.getUsers(), [&](Operation *reader) {
      auto layer = dyn_cast<ScheduledOpInterface>(reader);
      return !layer || !layer.isInteger() || layer->getOperand(0) != input ||
             prefersBytes(layer, dot);
    });
  }

  /// Lets a layer multiply the numbers of 8 bits in place of their differences, if there is a
  /// kernel for that. `narrow` are the weights as i8. The bias makes up for the zero point,
  /// and a border for the pads, where differences are 0. Returns whether the layer does so.
  static bool readBytes(IRRewriter &rewriter, ScheduledOpInterface layer,
                        const ConstantData &data, ElementsAttr narrow, TargetAttr target) {
    const DotInstruction *dot = findIntegerKernel(layer, target, 4);
    Value input = layer->getOperand(0);
    std::optional<Differences> differences =
        dot ? Differences::getPooled(input, readConstant) : std::nullopt;
    if (!differences || !allPreferBytes(input, *dot))
      return false;
    ByteInput bytes(rewriter, input, *differences, dot->type == DotType::u8);
    int64_t zero = bytes.getZeroPoint();
    rewriter.setInsertionPoint(layer);
    Value numbers = bytes.create(layer.getLoc());
    auto conv = dyn_cast<ConvOpInterface>(*layer);
    if (zero != 0 && conv && conv.getWindow().hasPads()) {
      WindowAttr window = conv.getWindow();
      numbers = padNumbers(rewriter, layer.getLoc(), numbers, window, zero);
      SmallVector<int64_t> none(window.getPads().size(), 0);
      conv.setWindow(window.withPads(none));
    }
    if (zero != 0) {
      Value bias = sumWeights(rewriter, layer.getLoc(), data, -zero);
      layer.getBiasMutable().assign(bias);
    }
    rewriter.modifyOpInPlace(layer, [&] { layer->setOperand(0, numbers); });
    replaceFilter(rewriter, layer, narrow);
    eraseUnusedDifferences(rewriter, *differences);
    return true;
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
