//===- PackWeights.cpp - Lay filters out as the kernels read them ---------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/RecurrenceTile.h"
#include "convoy/Analysis/WinogradPlan.h"
#include "convoy/Analysis/WinogradTransform.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"

#include <cmath>

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNPACKWEIGHTS
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

/// Reads elements of a filter by their logical index. A splat has only one value.
struct FilterReader {
  ArrayRef<float> values;
  bool splat;
  float operator[](int64_t index) const { return values[splat ? 0 : index]; }
};

/// The shape of a filter `O x I/group x kernel` (transposed: `I x O/group x kernel`), and the
/// index of its elements. `inputs` and `outputs` are the channels of one group; `positions`
/// is the number of elements of the kernel.
struct FilterShape {
  explicit FilterShape(ConvOpInterface op)
      : groups(op.getGroups()), inputs(op.getInputChannels() / groups),
        outputs(op.getOutputChannels() / groups),
        positions(llvm::product_of(op.getWindow().getKernel())),
        isTransposed(op.isTransposed()) {}
  /// The filter `outputs x inputs` of a dense layer.
  explicit FilterShape(DenseOp op)
      : groups(1), inputs(op.getLogicalFilterShape()[1]),
        outputs(op.getLogicalFilterShape()[0]), positions(1), isTransposed(false) {}

  int64_t index(int64_t group, int64_t output, int64_t input, int64_t position) const {
    int64_t pair = isTransposed ? (group * inputs + input) * outputs + output
                                : (group * outputs + output) * inputs + input;
    return pair * positions + position;
  }
  /// The distance from an element to the same element of the next output channel.
  int64_t outputStep() const { return isTransposed ? positions : inputs * positions; }

  int64_t groups, inputs, outputs, positions;
  bool isTransposed;
};

/// Packs a filter in the layout FilterLayout::channelwise.
void packChannelwise(const FilterShape &shape, FilterLayoutAttr layout, FilterReader source,
                     MutableArrayRef<float> packed) {
  int64_t lanes = layout.getExtent(FilterDim::lane);
  for (int64_t channel = 0; channel < shape.groups * shape.outputs; ++channel)
    for (int64_t position = 0; position < shape.positions; ++position)
      for (int64_t input = 0; input < shape.inputs; ++input)
        packed[((channel / lanes * shape.positions + position) * shape.inputs + input) *
                   lanes +
               channel % lanes] =
            source[shape.index(channel / shape.outputs, channel % shape.outputs, input,
                               position)];
}

/// Packs a filter in the layout FilterLayout::input_rows. Writes the elements in the order of
/// their addresses.
void packInputRows(const FilterShape &shape, FilterLayoutAttr layout, FilterReader source,
                   MutableArrayRef<float> packed) {
  int64_t tiles = layout.getExtent(FilterDim::output_tile);
  int64_t lanes = layout.getExtent(FilterDim::lane);
  int64_t steps = layout.getExtent(FilterDim::step);
  int64_t stepChunks = layout.getExtent(FilterDim::step_chunk);
  int64_t inputs = layout.getExtent(FilterDim::input);
  float *to = packed.data();
  for (int64_t group = 0; group < shape.groups; ++group)
    for (int64_t tile = 0; tile < tiles; ++tile)
      for (int64_t step = 0; step < steps; ++step)
        for (int64_t position = 0; position < shape.positions; ++position)
          for (int64_t chunk = step * stepChunks; chunk < (step + 1) * stepChunks; ++chunk)
            for (int64_t lane = 0; lane < lanes; ++lane, to += inputs) {
              int64_t output = tile * lanes + lane;
              for (int64_t i = 0; output < shape.outputs && i < inputs; ++i)
                to[i] = source[shape.index(group, output, chunk * inputs + i, position)];
            }
}

/// Visits the tiles of output channels, chunks of input channels and positions of each group
/// in the order of a packed filter's dimensions.
void forEachChunk(
    const FilterShape &shape, FilterLayoutAttr layout,
    llvm::function_ref<void(int64_t group, int64_t tile, int64_t chunk, int64_t position)>
        visit) {
  int64_t tiles = layout.getExtent(FilterDim::output_tile);
  int64_t chunks = layout.getExtent(FilterDim::input_chunk);
  for (int64_t group = 0; group < shape.groups; ++group)
    for (int64_t tile = 0; tile < tiles; ++tile)
      for (int64_t chunk = 0; chunk < chunks; ++chunk)
        for (int64_t position = 0; position < shape.positions; ++position)
          visit(group, tile, chunk, position);
}

/// Packs a filter in the layout FilterLayout::tiles. Writes the elements in the order of
/// their addresses.
void packTiles(const FilterShape &shape, FilterLayoutAttr layout, FilterReader source,
               MutableArrayRef<float> packed) {
  int64_t lanes = layout.getExtent(FilterDim::lane);
  int64_t inputs = layout.getExtent(FilterDim::input);
  float *to = packed.data();
  forEachChunk(
      shape, layout, [&](int64_t group, int64_t tile, int64_t chunk, int64_t position) {
        for (int64_t i = 0; i < inputs; ++i, to += lanes) {
          int64_t input = chunk * inputs + i;
          if (input >= shape.inputs)
            continue;
          int64_t first = tile * lanes, count = std::min(lanes, shape.outputs - first);
          int64_t from = shape.index(group, first, input, position);
          for (int64_t lane = 0; lane < count; ++lane)
            to[lane] = source[from + lane * shape.outputStep()];
        }
      });
}

/// Packs a filter in one of Winograd's layouts: transforms each `r x r` filter in f64, or
/// copies it if the kernel transforms it (FilterLayout::winograd_compact).
void packWinograd(const FilterShape &shape, const WinogradPlan &plan, FilterLayoutAttr layout,
                  FilterReader source, MutableArrayRef<float> packed) {
  WinogradTransform transform = getWinogradTransform(plan.outputs, plan.taps);
  int64_t tiles = layout.getExtent(FilterDim::output_tile);
  int64_t lanes = layout.getExtent(FilterDim::lane);
  bool isProductMajor = layout.getKind() == FilterLayout::winograd_products;
  Matrix filter(plan.taps, SmallVector<double>(plan.taps));
  for (int64_t group = 0; group < shape.groups; ++group)
    for (int64_t output = 0; output < shape.outputs; ++output)
      for (int64_t input = 0; input < shape.inputs; ++input) {
        int64_t from = shape.index(group, output, input, 0);
        int64_t tile = group * tiles + output / lanes;
        if (layout.getKind() == FilterLayout::winograd_compact) {
          for (int64_t i = 0; i < shape.positions; ++i)
            packed[((tile * shape.inputs + input) * shape.positions + i) * lanes +
                   output % lanes] = source[from + i];
          continue;
        }
        for (int64_t i = 0; i < shape.positions; ++i)
          filter[i / plan.taps][i % plan.taps] = source[from + i];
        Matrix products = transformBoth(transform.filter, filter);
        for (int64_t i = 0; i < plan.products(); ++i) {
          int64_t matrix = isProductMajor
                               ? (group * plan.products() + i) * tiles + output / lanes
                               : tile * plan.products() + i;
          packed[(matrix * shape.inputs + input) * lanes + output % lanes] =
              float(products[i / plan.extent][i % plan.extent]);
        }
      }
}

/// Packs a filter `outputs x depth` in the layout FilterLayout::dense.
void packDense(int64_t outputs, FilterLayoutAttr layout, FilterReader source,
               MutableArrayRef<float> packed) {
  int64_t tiles = layout.getExtent(FilterDim::output_tile);
  int64_t lanes = layout.getExtent(FilterDim::lane);
  int64_t depth = layout.getExtent(FilterDim::input);
  // Reads `strip` elements of each of a tile's rows at a time, so that source and destination
  // stay in the cache.
  constexpr int64_t strip = 64;
  for (int64_t t = 0; t < tiles; ++t)
    for (int64_t k0 = 0; k0 < depth; k0 += strip)
      for (int64_t lane = 0; lane < std::min(lanes, outputs - t * lanes); ++lane)
        for (int64_t k = k0; k < std::min(depth, k0 + strip); ++k)
          packed[(t * depth + k) * lanes + lane] = source[(t * lanes + lane) * depth + k];
}

/// Packs a filter in the layout FilterLayout::dots, or that of a dense layer `outputs x
/// inputs` in FilterLayout::dense_dots, which has one group, chunk and position. `read` gives
/// the elements of the filter. Writes the elements in the order of their addresses.
template <typename T, typename Read>
void packDots(const FilterShape &shape, FilterLayoutAttr layout, Read read,
              MutableArrayRef<T> packed) {
  int64_t lanes = layout.getExtent(FilterDim::lane);
  int64_t dots = layout.getExtent(FilterDim::dot);
  int64_t inputs = layout.getExtent(FilterDim::input);
  T *to = packed.data();
  forEachChunk(
      shape, layout, [&](int64_t group, int64_t tile, int64_t chunk, int64_t position) {
        for (int64_t dot = 0; dot < dots; ++dot)
          for (int64_t lane = 0; lane < lanes; ++lane)
            for (int64_t i = 0; i < inputs; ++i, ++to) {
              int64_t input = (chunk * dots + dot) * inputs + i, output = tile * lanes + lane;
              if (input < shape.inputs && output < shape.outputs)
                *to = read(shape.index(group, output, input, position));
            }
      });
}

/// Packs a filter of integers in the layout FilterLayout::winograd_dots: transforms it, which
/// has no error.
void packWinogradDots(const FilterShape &shape, FilterLayoutAttr layout,
                      const ConstantData &source, MutableArrayRef<int16_t> packed) {
  WinogradTransform transform = getIntegerWinogradTransform();
  int64_t lanes = layout.getExtent(FilterDim::lane), dots = layout.getExtent(FilterDim::dot);
  int64_t tiles = layout.getExtent(FilterDim::output_tile);
  int64_t products = layout.getExtent(FilterDim::product), taps = transform.taps;
  int64_t inputs = layout.getExtent(FilterDim::input);
  Matrix filter(taps, SmallVector<double>(taps));
  for (int64_t group = 0; group < shape.groups; ++group)
    for (int64_t output = 0; output < shape.outputs; ++output)
      for (int64_t input = 0; input < shape.inputs; ++input) {
        for (int64_t i = 0; i < shape.positions; ++i)
          filter[i / taps][i % taps] =
              double(source.getInt(shape.index(group, output, input, i)));
        Matrix transformed = transformBoth(transform.filter, filter);
        int64_t tile = group * tiles + output / lanes;
        for (int64_t i = 0; i < products; ++i) {
          int64_t row = (tile * products + i) * dots + input / inputs;
          packed[(row * lanes + output % lanes) * inputs + input % inputs] =
              int16_t(transformed[i / transform.extent][i % transform.extent]);
        }
      }
}

/// Packs weights `D x H x gates*H` of a recurrence in blocks of hidden units:
/// `D x blocks x H x gates x units`.
void packRecurrent(ArrayRef<int64_t> shape, FilterReader source,
                   MutableArrayRef<float> packed) {
  int64_t blocks = shape[1], hidden = shape[2], gates = shape[3], units = shape[4];
  float *to = packed.data();
  for (int64_t direction = 0; direction < shape[0]; ++direction)
    for (int64_t block = 0; block < blocks; ++block)
      for (int64_t k = 0; k < hidden; ++k)
        for (int64_t gate = 0; gate < gates; ++gate, to += units) {
          int64_t from = ((direction * hidden + k) * gates + gate) * hidden + block * units;
          int64_t count = std::min(units, hidden - block * units);
          for (int64_t unit = 0; unit < count; ++unit)
            to[unit] = source[from + unit];
        }
}

/// Packs the filter of `op` in the layout of its schedule. `packed` is zero before.
void packFilter(Operation *op, FilterLayoutAttr layout, FilterReader source,
                MutableArrayRef<float> packed) {
  auto readSource = [&](int64_t index) { return source[index]; };
  if (auto dense = dyn_cast<DenseOp>(op)) {
    if (layout.hasDots())
      return packDots(FilterShape(dense), layout, readSource, packed);
    return packDense(dense.getLogicalFilterShape()[0], layout, source, packed);
  }
  auto conv = cast<ConvOpInterface>(op);
  FilterShape shape(conv);
  switch (layout.getKind()) {
  case FilterLayout::tiles:
    return packTiles(shape, layout, source, packed);
  case FilterLayout::channelwise:
    return packChannelwise(shape, layout, source, packed);
  case FilterLayout::input_rows:
    return packInputRows(shape, layout, source, packed);
  case FilterLayout::winograd:
  case FilterLayout::winograd_products:
  case FilterLayout::winograd_compact:
    return packWinograd(shape, getWinogradPlan(conv), layout, source, packed);
  case FilterLayout::dots:
    return packDots(shape, layout, readSource, packed);
  case FilterLayout::dense:
  case FilterLayout::winograd_dots:
  case FilterLayout::dense_dots:
    llvm_unreachable("dense layers and Winograd's integers have functions of their own");
  }
}

struct PackWeights : convoy::cnn::impl::CnnPackWeightsBase<PackWeights> {
  using CnnPackWeightsBase::CnnPackWeightsBase;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<ScheduledOpInterface> layers;
    getOperation().walk([&](ScheduledOpInterface layer) { layers.push_back(layer); });
    for (ScheduledOpInterface layer : layers)
      if (failed(pack(rewriter, layer)))
        return signalPassFailure();
    SmallVector<RecurrenceOp> recurrences;
    getOperation().walk([&](RecurrenceOp op) { recurrences.push_back(op); });
    for (RecurrenceOp op : recurrences)
      if (TargetAttr target = getTarget(op); target && !target.getGpu()) {
        packRecurrent(rewriter, op, op.getWeightsMutable(), getRecurrenceTile(op, target));
        if (op.getCandidate())
          packRecurrent(rewriter, op, op.getCandidateMutable()[0],
                        getCandidateTile(op, target));
      }
  }

  /// The packed filter with elements of `type`. Null, with a diagnostic, if a weight is too
  /// large for that.
  ElementsAttr store(Operation *op, ElementsAttr filter, Type type) {
    if (type.isF32())
      return filter;
    TargetAttr target = getTarget(op);
    // The smallest number that is rounded to an infinite f16.
    constexpr float tooLarge = 65520;
    if (type.isF16())
      for (float value : ConstantData::get(filter)->getValues<float>())
        if (std::isfinite(value) && std::abs(value) >= tooLarge) {
          op->emitError("has a weight of ")
              << value << ", too large for f16: use "
              << (target && target.getGpu() ? "--precision=tf32" : "--weights=bf16")
              << " or f32";
          return {};
        }
    return roundConstant(filter, type);
  }

  /// Reads a filter or a bias, which must be a constant of f32, into `data`.
  std::optional<FilterReader> read(Operation *op, Value value, ConstantData &data) {
    std::optional<ConstantData> constant = ConstantData::get(value);
    if (!constant || !constant->holds<float>()) {
      op->emitError("needs a filter and a bias that are f32 constants; compute them before "
                    "the model runs");
      return std::nullopt;
    }
    data = *constant;
    return FilterReader{data.getValues<float>(), data.isSplat()};
  }

  /// Replaces an operand by a constant, and erases the old constant if it is unused then.
  void replaceOperand(IRRewriter &rewriter, OpOperand &operand, ElementsAttr value) {
    Operation *op = operand.getOwner();
    Value old = operand.get();
    rewriter.setInsertionPoint(op);
    Value constant = createConstant(rewriter, op->getLoc(), value);
    rewriter.modifyOpInPlace(op, [&] { operand.set(constant); });
    eraseIfUnused(rewriter, old);
  }

  /// Packs weights of a recurrence. The kernel reads computed ones as they are.
  void packRecurrent(IRRewriter &rewriter, RecurrenceOp op, OpOperand &operand,
                     const RecurrenceTile &tile) {
    std::optional<ConstantData> data = ConstantData::get(operand.get());
    if (!data || !data->holds<float>() || RecurrenceOp::isPacked(operand.get()))
      return;
    int64_t gates = data->getShape()[2] / op.getHidden();
    auto type = RankedTensorType::get(
        {op.getDirections(), tile.blocks, op.getHidden(), gates, tile.units()},
        rewriter.getF32Type());
    FilterReader source{data->getValues<float>(), data->isSplat()};
    ElementsAttr packed = fillConstant<float>(type, [&](MutableArrayRef<float> values) {
      ::packRecurrent(type.getShape(), source, values);
    });
    // A step reads all weights, which takes longer than to multiply them.
    ElementsAttr narrow =
        op.getScales() ? narrowToI8(*ConstantData::get(packed)) : ElementsAttr();
    replaceOperand(rewriter, operand, narrow ? narrow : packed);
  }

  /// Packs a bias: each group's part fills the lanes of the group's tiles, with zeros at the
  /// end. The tiles of a channel-wise layout ignore groups, as if there were only one.
  LogicalResult packBias(IRRewriter &rewriter, ScheduledOpInterface layer, int64_t outputs) {
    MutableOperandRange bias = layer.getBiasMutable();
    if (bias.empty())
      return success();
    FilterLayoutAttr layout = layer.getScheduleAttr().getFilter();
    int64_t groups = layout.getExtent(FilterDim::group), size = layout.getBiasSize();
    int64_t groupOutputs = outputs / groups;
    auto pack = [&](Type element, auto at) {
      using T = decltype(at(0));
      auto type = RankedTensorType::get({size}, element);
      return fillConstant<T>(type, [&](MutableArrayRef<T> packed) {
        for (int64_t channel = 0; channel < outputs; ++channel)
          packed[channel / groupOutputs * (size / groups) + channel % groupOutputs] =
              at(channel);
      });
    };
    if (layer.isInteger()) {
      std::optional<ConstantData> data = ConstantData::get(bias[0].get());
      if (!data || !data->holds<int32_t>())
        return layer->emitError("needs a bias that is a constant of i32");
      replaceOperand(rewriter, bias[0], pack(rewriter.getI32Type(), [&](int64_t channel) {
                       return data->get<int32_t>(channel);
                     }));
      return success();
    }
    ConstantData data;
    std::optional<FilterReader> source = read(layer, bias[0].get(), data);
    if (!source)
      return failure();
    replaceOperand(rewriter, bias[0], pack(rewriter.getF32Type(), [&](int64_t channel) {
                     return (*source)[channel];
                   }));
    return success();
  }

  /// The packed filter of a layer of integers; null, with a diagnostic, if there is none.
  ElementsAttr packIntegers(ScheduledOpInterface layer, FilterLayoutAttr layout) {
    std::optional<ConstantData> source = ConstantData::get(layer.getFilter());
    bool isWinograd = layout.getKind() == FilterLayout::winograd_dots;
    if (!source || (source->getElementType() != layout.getType().getElementType() &&
                    !(isWinograd && source->holds<int8_t>()))) {
      layer->emitError("needs a constant filter of ") << layout.getType().getElementType();
      return {};
    }
    auto conv = dyn_cast<ConvOpInterface>(layer.getOperation());
    FilterShape shape = conv ? FilterShape(conv) : FilterShape(cast<DenseOp>(layer));
    if (isWinograd)
      return fillConstant<int16_t>(layout.getType(), [&](MutableArrayRef<int16_t> values) {
        packWinogradDots(shape, layout, *source, values);
      });
    auto pack = [&](auto zero) {
      using T = decltype(zero);
      return fillConstant<T>(layout.getType(), [&](MutableArrayRef<T> values) {
        packDots(shape, layout, [&](int64_t index) { return source->get<T>(index); }, values);
      });
    };
    return source->holds<int8_t>() ? pack(int8_t()) : pack(int16_t());
  }

  /// The packed filter of `layer`; null, with a diagnostic, if there is none.
  ElementsAttr packFloats(ScheduledOpInterface layer, FilterLayoutAttr layout) {
    ConstantData data;
    std::optional<FilterReader> source = read(layer, layer.getFilter(), data);
    if (!source)
      return {};
    ElementsAttr packed = fillConstant<float>(
        layout.getType().clone(Float32Type::get(&getContext())),
        [&](MutableArrayRef<float> values) { packFilter(layer, layout, *source, values); });
    return store(layer, packed, layout.getType().getElementType());
  }

  /// Replaces the filter and the bias of `layer` by their packed forms.
  LogicalResult pack(IRRewriter &rewriter, ScheduledOpInterface layer) {
    if (layer.isPacked())
      return success();
    ScheduleAttr schedule = layer.getScheduleAttr();
    if (!schedule)
      return layer->emitError(
          "has no schedule to pack its filter for: run cnn-select-algorithm first");
    FilterLayoutAttr layout = schedule.getFilter();
    ElementsAttr packed =
        layer.isInteger() ? packIntegers(layer, layout) : packFloats(layer, layout);
    if (!packed)
      return failure();
    SmallVector<int64_t> logical = layer.getLogicalFilterShape();
    auto conv = dyn_cast<ConvOpInterface>(layer.getOperation());
    if (failed(packBias(rewriter, layer, conv ? conv.getOutputChannels() : logical[0])))
      return failure();
    replaceOperand(rewriter, layer.getFilterMutable()[0], packed);
    layer.setLogicalFilterShape(logical);
    return success();
  }
};

} // namespace
