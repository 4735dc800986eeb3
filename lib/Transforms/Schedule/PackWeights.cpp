//===- PackWeights.cpp - Lay filters out as the kernels read them ---------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvAlgorithm.h"
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

RankedTensorType getFloatTensor(MLIRContext *context, ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, Float32Type::get(context));
}

/// A filter element by its logical index, splat or not.
struct FilterReader {
  ArrayRef<float> values;
  bool splat;
  float operator[](int64_t index) const { return values[splat ? 0 : index]; }
};

/// Copies `O x I/group x kernel` (transposed: `I x O/group x kernel`) into the
/// layout that ConvTile describes.
void packConvFilter(ConvOpInterface op, const ConvTile &tile, FilterReader source,
                    MutableArrayRef<float> packed) {
  int64_t kernel = 1;
  for (int64_t extent : op.getWindow().getKernel())
    kernel *= extent;
  auto sourceIndex = [&](int64_t group, int64_t output, int64_t input, int64_t position) {
    if (op.isTransposed())
      return ((group * tile.groupInputs + input) * tile.groupOutputs + output) * kernel +
             position;
    return ((group * tile.groupOutputs + output) * tile.groupInputs + input) * kernel +
           position;
  };
  int64_t lanes = tile.tileLanes();
  if (tile.channelwise) {
    int64_t channels = op.getOutputChannels();
    for (int64_t channel = 0; channel < channels; ++channel)
      for (int64_t position = 0; position < kernel; ++position)
        for (int64_t input = 0; input < tile.groupInputs; ++input)
          packed[((channel / lanes * kernel + position) * tile.groupInputs + input) * lanes +
                 channel % lanes] =
              source[sourceIndex(channel / tile.groupOutputs, channel % tile.groupOutputs,
                                 input, position)];
    return;
  }
  // Destination order outside, so that writes stream.
  float *to = packed.data();
  if (tile.stepChunks) {
    for (int64_t group = 0; group < tile.groups; ++group)
      for (int64_t outputTile = 0; outputTile < tile.outputTiles; ++outputTile)
        for (int64_t step = 0; step < tile.inputChunks; step += tile.stepChunks)
          for (int64_t position = 0; position < kernel; ++position)
            for (int64_t chunk = step; chunk < step + tile.stepChunks; ++chunk)
              for (int64_t lane = 0; lane < lanes; ++lane, to += tile.inputChunk) {
                int64_t output = outputTile * lanes + lane;
                for (int64_t i = 0; output < tile.groupOutputs && i < tile.inputChunk; ++i)
                  to[i] = source[sourceIndex(group, output, chunk * tile.inputChunk + i,
                                             position)];
              }
    return;
  }
  for (int64_t group = 0; group < tile.groups; ++group)
    for (int64_t outputTile = 0; outputTile < tile.outputTiles; ++outputTile)
      for (int64_t chunk = 0; chunk < tile.inputChunks; ++chunk)
        for (int64_t position = 0; position < kernel; ++position)
          for (int64_t i = 0; i < tile.inputChunk; ++i, to += lanes) {
            int64_t input = chunk * tile.inputChunk + i;
            if (input >= tile.groupInputs)
              continue;
            int64_t first = outputTile * lanes;
            int64_t count = std::min(lanes, tile.groupOutputs - first);
            int64_t from = sourceIndex(group, first, input, position);
            int64_t step = op.isTransposed() ? kernel : tile.groupInputs * kernel;
            for (int64_t lane = 0; lane < count; ++lane)
              to[lane] = source[from + lane * step];
          }
}

/// Transforms each `r x r` filter in f64 and lays its products out as
/// `getWinogradFilterShape` says.
void packWinogradFilter(const WinogradPlan &plan, FilterReader source,
                        MutableArrayRef<float> packed) {
  const ConvTile &tile = plan.channels;
  WinogradTransform transform = getWinogradTransform(plan.outputs, plan.taps);
  int64_t lanes = tile.tileLanes(), positions = plan.taps * plan.taps;
  Matrix filter(plan.taps, SmallVector<double>(plan.taps));
  for (int64_t group = 0; group < tile.groups; ++group)
    for (int64_t output = 0; output < tile.groupOutputs; ++output)
      for (int64_t input = 0; input < tile.groupInputs; ++input) {
        int64_t from =
            ((group * tile.groupOutputs + output) * tile.groupInputs + input) * positions;
        for (int64_t i = 0; i < positions; ++i)
          filter[i / plan.taps][i % plan.taps] = source[from + i];
        int64_t outputTile = group * tile.outputTiles + output / lanes;
        if (plan.compact) {
          for (int64_t i = 0; i < positions; ++i)
            packed[((outputTile * tile.groupInputs + input) * positions + i) * lanes +
                   output % lanes] = source[from + i];
          continue;
        }
        Matrix products = transformBoth(transform.filter, filter);
        for (int64_t i = 0; i < plan.products(); ++i) {
          int64_t matrix =
              plan.productMajor
                  ? (group * plan.products() + i) * tile.outputTiles + output / lanes
                  : outputTile * plan.products() + i;
          packed[(matrix * tile.groupInputs + input) * lanes + output % lanes] =
              float(products[i / plan.extent][i % plan.extent]);
        }
      }
}

struct PackWeights : convoy::cnn::impl::CnnPackWeightsBase<PackWeights> {
  using CnnPackWeightsBase::CnnPackWeightsBase;

  void runOnOperation() override {
    if (!llvm::is_contained({"f32", "f16", "bf16"}, weights)) {
      getOperation().emitError("weights cannot be stored as '") << weights << "'";
      return signalPassFailure();
    }
    FailureOr<TargetAttr> target = requireTarget(getOperation());
    if (failed(target))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<ConvOpInterface, DenseOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      LogicalResult done = success();
      if (auto conv = dyn_cast<ConvOpInterface>(op))
        done = pack(rewriter, conv, *target);
      else
        done = pack(rewriter, cast<DenseOp>(op), *target);
      if (failed(done))
        return signalPassFailure();
    }
  }

  /// The packed filter in the type that `weights` asks for, null with a diagnostic where
  /// a weight is too large for it.
  ElementsAttr store(Operation *op, ElementsAttr filter) {
    GpuAttr gpu = getTarget(op).getGpu();
    bool half = gpu ? gpu.getPrecision() == GpuPrecision::f16 : weights == "f16";
    if (!half && weights == "f32")
      return filter;
    if (!half)
      return roundConstant(filter, BFloat16Type::get(&getContext()));
    // From here on the nearest f16 is infinite.
    constexpr float tooLarge = 65520;
    for (float value : ConstantData::get(filter)->getValues<float>())
      if (std::isfinite(value) && std::abs(value) >= tooLarge) {
        op->emitError("has a weight of ")
            << value << ", too large for f16: use "
            << (gpu ? "--precision=tf32" : "--weights=bf16") << " or f32";
        return {};
      }
    return roundConstant(filter, Float16Type::get(&getContext()));
  }

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

  /// Puts a constant in the place of an operand; the old one goes when unused.
  void replaceOperand(IRRewriter &rewriter, OpOperand &operand, ElementsAttr value) {
    Operation *op = operand.getOwner();
    Value old = operand.get();
    rewriter.setInsertionPoint(op);
    Value constant = createConstant(rewriter, op->getLoc(), value);
    rewriter.modifyOpInPlace(op, [&] { operand.set(constant); });
    eraseIfUnused(rewriter, old);
  }

  LogicalResult packBias(IRRewriter &rewriter, Operation *op, MutableOperandRange bias,
                         int64_t groups, int64_t groupOutputs, int64_t packedSize) {
    if (bias.empty())
      return success();
    ConstantData data;
    std::optional<FilterReader> source = read(op, bias[0].get(), data);
    if (!source)
      return failure();
    std::vector<float> packed(packedSize, 0.0f);
    for (int64_t channel = 0; channel < groups * groupOutputs; ++channel)
      packed[channel / groupOutputs * (packedSize / groups) + channel % groupOutputs] =
          (*source)[channel];
    replaceOperand(rewriter, bias[0],
                   makeFloats(&getContext(), {packedSize}, std::move(packed)));
    return success();
  }

  LogicalResult pack(IRRewriter &rewriter, ConvOpInterface op, TargetAttr target) {
    SmallVector<int64_t> logical = op.getLogicalFilterShape();
    if (op->hasAttr("filter_shape"))
      return success();
    ConvTile tile = selectConvTile(op, target);
    ConstantData data;
    std::optional<FilterReader> source = read(op, op.getFilter(), data);
    if (!source)
      return failure();
    ElementsAttr packed;
    if (op.getConvAlgorithm() == ConvAlgorithm::direct) {
      packed = fillConstant<float>(
          getFloatTensor(&getContext(), getPackedFilterShape(op, tile)),
          [&](MutableArrayRef<float> values) { packConvFilter(op, tile, *source, values); });
    } else {
      WinogradPlan plan = planWinograd(op, op.getConvAlgorithm(), target);
      tile = plan.channels;
      packed = fillConstant<float>(
          getFloatTensor(&getContext(), getWinogradFilterShape(plan)),
          [&](MutableArrayRef<float> values) { packWinogradFilter(plan, *source, values); });
    }
    packed = store(op, packed);
    if (!packed)
      return failure();
    // Channel-wise biases run through all channels, others through a group's.
    int64_t groups = tile.channelwise ? 1 : tile.groups;
    if (failed(packBias(rewriter, op, op.getBiasMutable(), groups,
                        op.getOutputChannels() / groups, getPackedBiasSize(tile))))
      return failure();
    replaceOperand(rewriter, op.getFilterMutable()[0], packed);
    op->setAttr("filter_shape", rewriter.getDenseI64ArrayAttr(logical));
    return success();
  }

  LogicalResult pack(IRRewriter &rewriter, DenseOp op, TargetAttr target) {
    if (op.getFilterShape())
      return success();
    DenseTile tile = selectDenseTile(op, target);
    SmallVector<int64_t> logical = op.getLogicalFilterShape();
    int64_t outputs = logical[0], depth = logical[1], lanes = tile.tileLanes();
    ConstantData data;
    std::optional<FilterReader> source = read(op, op.getFilter(), data);
    if (!source)
      return failure();
    ElementsAttr packed = fillConstant<float>(
        getFloatTensor(&getContext(), {tile.outputTiles, depth, lanes}),
        [&](MutableArrayRef<float> values) {
          // A tile's rows are read in strips, which keeps both sides in cache.
          constexpr int64_t strip = 64;
          for (int64_t t = 0; t < tile.outputTiles; ++t)
            for (int64_t k0 = 0; k0 < depth; k0 += strip)
              for (int64_t lane = 0; lane < std::min(lanes, outputs - t * lanes); ++lane)
                for (int64_t k = k0; k < std::min(depth, k0 + strip); ++k)
                  values[(t * depth + k) * lanes + lane] =
                      (*source)[(t * lanes + lane) * depth + k];
        });
    packed = store(op, packed);
    if (!packed)
      return failure();
    if (failed(
            packBias(rewriter, op, op.getBiasMutable(), 1, outputs, tile.outputTiles * lanes)))
      return failure();
    replaceOperand(rewriter, op.getFilterMutable(), packed);
    op.setFilterShape(logical);
    return success();
  }
};

} // namespace
