//===- FoldBatchNorm.cpp - Batch norms into convolutions ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// First the pass finds all chains of per-channel steps, and for each the layer
// that it can be folded into. Then it rewrites the layers. So the weights of a
// layer with a chain before it and a chain after it are rounded only once.
//
//===----------------------------------------------------------------------===//

#include "PerChannelChain.h"

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Simplify/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/MapVector.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNFOLDBATCHNORM
#include "convoy/Transforms/Simplify/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

/// A convolution or dense layer: `result[o] = bias[o] + sum of filter[o][i] * input[i]`.
struct Layer {
  Operation *op;
  bool transposed = false;
  int64_t groups = 1;
  bool padded = false;
  bool plain = true; // no residual, activation, blocked result or destination
  bool packed = false;
  OpOperand *input, *filter;
  MutableOperandRange bias;

  Layer(Operation *op, OpOperand &input, OpOperand &filter, MutableOperandRange bias)
      : op(op), input(&input), filter(&filter), bias(bias) {}

  static std::optional<Layer> get(Operation *op) {
    if (!op || op->getNumResults() == 0)
      return std::nullopt;
    if (auto conv = dyn_cast<ConvOpInterface>(op)) {
      Layer layer(op, op->getOpOperand(0), op->getOpOperand(1), conv.getBiasMutable());
      layer.transposed = conv.isTransposed();
      layer.groups = conv.getGroups();
      layer.padded = conv.getWindow().hasPads();
      layer.plain = !conv.getResidual() && conv.getActivation().isIdentity() &&
                    !conv.isOutputBlocked() && !conv.getDestination();
      layer.packed = op->hasAttr("filter_shape") || conv.isInputBlocked();
      return layer;
    }
    if (auto dense = dyn_cast<DenseOp>(op)) {
      Layer layer(op, dense.getInputMutable(), dense.getFilterMutable(),
                  dense.getBiasMutable());
      layer.plain = dense.getActivation().isIdentity() && !dense.getInit();
      layer.packed = bool(dense.getFilterShape());
      return layer;
    }
    return std::nullopt;
  }

  StringRef name() const { return isa<DenseOp>(op) ? "dense layer" : "convolution"; }

  /// Why the weights cannot be rewritten; empty if they can.
  std::string whyFixed() const {
    auto isFloats = [](Value value) {
      std::optional<ConstantData> data = ConstantData::get(value);
      return data && data->holds<float>();
    };
    if (packed)
      return "is already packed";
    if (!isFloats(filter->get()))
      return "has a filter that is not a constant of f32";
    if (!bias.empty() && !isFloats(bias[0].get()))
      return "has a bias that is not a constant of f32";
    return "";
  }
};

/// The functions to fold into a layer's weights: `before` is applied to the layer's input,
/// `after` to its result.
struct LayerFold {
  std::optional<PerChannel> before, after;
};

/// Folds `fold` into the layer's filter and bias. A bias is added if it is needed.
void rewrite(IRRewriter &rewriter, const Layer &layer, const LayerFold &fold) {
  ConstantData filter = *ConstantData::get(layer.filter->get());
  ArrayRef<float> weights = filter.getValues<float>();
  auto weight = [&](int64_t index) { return double(weights[filter.isSplat() ? 0 : index]); };
  RankedTensorType type = filter.getType();
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  int64_t taps = type.getNumElements() / std::max<int64_t>(rows * columns, 1);
  int64_t groups = layer.groups;
  int64_t outputs = layer.transposed ? columns * groups : rows;
  int64_t inputs = layer.transposed ? rows : columns * groups;
  PerChannel before = fold.before ? *fold.before : PerChannel::identity(inputs);
  PerChannel after = fold.after ? *fold.after : PerChannel::identity(outputs);

  // The channels that a filter element reads and writes.
  auto outputOf = [&](int64_t row, int64_t column) {
    return layer.transposed ? row / (inputs / groups) * columns + column : row;
  };
  auto inputOf = [&](int64_t row, int64_t column) {
    return layer.transposed ? row : row / (outputs / groups) * columns + column;
  };

  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(layer.op);
  std::vector<double> sums(outputs, 0.0);
  if (!layer.bias.empty()) {
    ConstantData bias = *ConstantData::get(layer.bias[0].get());
    for (int64_t o = 0; o < outputs; ++o)
      sums[o] = bias.getDouble(o);
  }
  if (before.hasOffset())
    for (int64_t row = 0, index = 0; row < rows; ++row)
      for (int64_t column = 0; column < columns; ++column)
        for (int64_t tap = 0; tap < taps; ++tap)
          sums[outputOf(row, column)] += weight(index++) * before.offset[inputOf(row, column)];
  bool hasBias = !layer.bias.empty() || before.hasOffset() || after.hasOffset();
  std::vector<float> bias(outputs);
  for (int64_t o = 0; o < outputs; ++o)
    bias[o] = float(sums[o] * after.scale[o] + after.offset[o]);

  if (before.hasScale() || after.hasScale()) {
    auto isUniform = [](ArrayRef<double> values) { return llvm::all_equal(values); };
    ElementsAttr scaled;
    if (filter.isSplat() && isUniform(before.scale) && isUniform(after.scale)) {
      double value = weight(0) * before.scale.front() * after.scale.front();
      scaled = makeConstant(type, std::vector<float>{float(value)});
    } else {
      scaled = fillConstant<float>(type, [&](MutableArrayRef<float> values) {
        for (int64_t row = 0, index = 0; row < rows; ++row)
          for (int64_t column = 0; column < columns; ++column) {
            double scale =
                before.scale[inputOf(row, column)] * after.scale[outputOf(row, column)];
            for (int64_t tap = 0; tap < taps; ++tap, ++index)
              values[index] = float(weight(index) * scale);
          }
      });
    }
    Value old = layer.filter->get();
    Value fresh = createConstant(rewriter, old.getLoc(), scaled);
    rewriter.modifyOpInPlace(layer.op, [&] { layer.filter->set(fresh); });
    eraseIfUnused(rewriter, old);
  }
  if (hasBias) {
    Value old = layer.bias.empty() ? Value() : layer.bias[0].get();
    Value fresh =
        createConstant(rewriter, layer.op->getLoc(),
                       makeFloats(rewriter.getContext(), {outputs}, std::move(bias)));
    rewriter.modifyOpInPlace(layer.op, [&] { MutableOperandRange(layer.bias).assign(fresh); });
    eraseIfUnused(rewriter, old);
  }
}

//===----------------------------------------------------------------------===//
// The layer that a chain is folded into
//===----------------------------------------------------------------------===//

/// The layer that computes `raw`, if a function of its result can be folded into it.
/// Otherwise nothing, and `why` gets the reason.
std::optional<Layer> findProducer(Value raw, std::string &why) {
  Operation *op = raw.getDefiningOp();
  std::optional<Layer> layer = Layer::get(op);
  if (!op)
    why = "it reads an argument of the function";
  else if (!layer)
    why = "it reads the result of " + op->getName().getStringRef().str();
  else if (!raw.hasOneUse())
    why = ("the raw result of the " + layer->name() + " before it has other readers").str();
  else if (!layer->plain)
    why = ("the " + layer->name() +
           " before it has an activation, a residual or a blocked result")
              .str();
  else if (std::string fixed = layer->whyFixed(); !fixed.empty())
    why = ("the " + layer->name() + " before it " + fixed).str();
  else
    return layer;
  return std::nullopt;
}

/// The layer that reads the chain's result, if the chain can be folded into it. Otherwise
/// nothing, and `why` gets the reason.
std::optional<Layer> findReader(const PerChannelChain &chain, std::string &why) {
  Value result = chain.getResult();
  if (!result.hasOneUse()) {
    why = "its result has " +
          std::to_string(std::distance(result.use_begin(), result.use_end())) + " readers";
    return std::nullopt;
  }
  OpOperand &use = *result.use_begin();
  std::optional<Layer> layer = Layer::get(use.getOwner());
  if (!layer || layer->input != &use)
    why = "its result goes to " + use.getOwner()->getName().getStringRef().str();
  else if (layer->transposed && chain.function.hasOffset())
    why = "the convolution after it is transposed, and its borders would miss the offset";
  else if (layer->padded && chain.function.hasOffset())
    why = "the convolution after it pads with zeros, which the offset must not reach";
  else if (std::string fixed = layer->whyFixed(); !fixed.empty())
    why = ("the " + layer->name() + " after it " + fixed).str();
  else
    return layer;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

struct FoldBatchNorm : convoy::cnn::impl::CnnFoldBatchNormBase<FoldBatchNorm> {
  using CnnFoldBatchNormBase::CnnFoldBatchNormBase;

  void runOnOperation() override {
    if (failed(refuseTraining()))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());

    SmallVector<PerChannelChain> chains, leftovers;
    llvm::MapVector<Operation *, LayerFold> layers;
    llvm::DenseSet<Operation *> seen;
    SmallVector<BatchNormOp> computed;
    getOperation().walk([&](Operation *op) {
      if (seen.contains(op))
        return;
      std::optional<PerChannelChain> chain = readPerChannelChain(op);
      if (!chain) {
        auto batchNorm = dyn_cast<BatchNormOp>(op);
        if (batchNorm && canExpand(batchNorm))
          computed.push_back(batchNorm);
        return;
      }
      seen.insert(chain->ops.begin(), chain->ops.end());
      std::string producerWhy, readerWhy;
      if (auto producer = findProducer(chain->input->get(), producerWhy)) {
        layers[producer->op].after = chain->function;
        chains.push_back(std::move(*chain));
      } else if (auto reader = findReader(*chain, readerWhy)) {
        layers[reader->op].before = chain->function;
        chains.push_back(std::move(*chain));
      } else if (chain->ops.size() > 1 || isa<BatchNormOp>(op)) {
        op->emitRemark() << "becomes one multiply-add per channel: " << producerWhy << ", and "
                         << readerWhy;
        leftovers.push_back(std::move(*chain));
      }
    });

    for (auto &[op, fold] : layers)
      rewrite(rewriter, *Layer::get(op), fold);
    for (PerChannelChain &chain : chains)
      replace(rewriter, chain, chain.input->get());
    for (PerChannelChain &chain : leftovers)
      replace(rewriter, chain, createScaleShift(rewriter, chain));
    for (BatchNormOp op : computed)
      expandComputed(rewriter, op);
  }

  LogicalResult refuseTraining() {
    LogicalResult result = success();
    getOperation().walk([&](BatchNormOp op) {
      if (op.getMode() != BatchNormMode::training)
        return;
      op->emitError("is in training mode: it would normalise with the statistics of the "
                    "batch it is given. Export the model for inference (PyTorch: "
                    "model.eval() before the export; ONNX: training_mode=0, one output)");
      result = failure();
    });
    return result;
  }

  static Value createScaleShift(IRRewriter &rewriter, const PerChannelChain &chain) {
    auto type = cast<RankedTensorType>(chain.getResult().getType());
    rewriter.setInsertionPoint(chain.ops.back());
    auto constant = [&](ArrayRef<double> values) {
      std::vector<float> rounded(values.begin(), values.end());
      return createConstant(
          rewriter, chain.ops.front()->getLoc(),
          makeFloats(type.getContext(), {type.getDimSize(1)}, std::move(rounded)));
    };
    Value scale = constant(chain.function.scale), offset = constant(chain.function.offset);
    auto result = ScaleShiftOp::create(rewriter, chain.ops.front()->getLoc(), TypeRange(type),
                                       chain.input->get(), scale, offset);
    // The sharding that the model gives for the batch norm applies to its replacement.
    if (Attribute sharding = chain.ops.back()->getAttr(kShardingAttrName))
      result->setAttr(kShardingAttrName, sharding);
    return result->getResult(0);
  }

  /// Replaces the chain's result by `value` and erases the chain.
  static void replace(IRRewriter &rewriter, const PerChannelChain &chain, Value value) {
    rewriter.replaceAllUsesWith(chain.getResult(), value);
    for (Operation *op : llvm::reverse(chain.ops)) {
      SmallVector<Value> operands(op->getOperands());
      rewriter.eraseOp(op);
      for (Value operand : llvm::SetVector<Value>(operands.begin(), operands.end()))
        eraseIfUnused(rewriter, operand);
    }
  }

  static bool canExpand(BatchNormOp op) {
    return op->getNumResults() && !op.getInit() &&
           llvm::all_of(op->getOperandTypes(), [](Type type) {
             return cast<ShapedType>(type).getElementType().isF32();
           });
  }

  /// Replaces a batch norm whose parameters are not constants by the same multiply-add, with
  /// scale and offset computed at run time.
  static void expandComputed(IRRewriter &rewriter, BatchNormOp op) {
    op->emitRemark() << "becomes one multiply-add per channel: its parameters are computed at "
                        "run time";
    rewriter.setInsertionPoint(op);
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getVariance().getType());
    auto binary = [&](BinaryKind kind, Value lhs, Value rhs) {
      return BinaryOp::create(rewriter, loc, TypeRange(type), lhs, rhs, kind)->getResult(0);
    };
    Value epsilon = arith::ConstantOp::create(
        rewriter, loc, DenseElementsAttr::get(type, op.getEpsilon().convertToFloat()));
    Value variance = binary(BinaryKind::add, op.getVariance(), epsilon);
    Value deviation = UnaryOp::create(rewriter, loc, TypeRange(type), variance,
                                      FunctionAttr::get(op.getContext(), UnaryKind::sqrt))
                          ->getResult(0);
    Value scale = binary(BinaryKind::div, op.getScale(), deviation);
    Value shift = binary(BinaryKind::mul, op.getMean(), scale);
    Value offset = binary(BinaryKind::sub, op.getOffset(), shift);
    rewriter.replaceOpWithNewOp<ScaleShiftOp>(op, op->getResultTypes(), op.getInput(), scale,
                                              offset);
  }
};

} // namespace
