//===- ShapeInference.cpp - Result types and operand checks of cnn ops ----===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Each operation states its shape rule once, here. The rule is used to build an
// operation, and MLIR runs it again to verify one in any of its three forms.
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy::cnn;

namespace {

using Shape = SmallVector<int64_t>;

/// What a rule works with: where to complain, and in whose name.
struct Rule {
  std::optional<Location> loc;
  StringRef opName;

  template <typename... Args> LogicalResult error(Args &&...args) const {
    return emitOptionalError(loc, opName, ": ", std::forward<Args>(args)...);
  }
};

ShapedType shaped(Value value) { return cast<ShapedType>(value.getType()); }

/// Batch, channels (or channel blocks) and spatial dimensions of a data tensor.
struct Data {
  int64_t batch = 0, channels = 0, block = 0;
  Shape spatial;

  /// Channels that storage has room for.
  int64_t capacity() const { return block ? channels * block : channels; }
  Shape shape() const {
    Shape result = {batch, channels};
    llvm::append_range(result, spatial);
    if (block)
      result.push_back(block);
    return result;
  }
};

LogicalResult readData(Rule rule, Value value, int64_t spatialRank, Data &data) {
  ArrayRef<int64_t> shape = shaped(value).getShape();
  int64_t rank = shape.size();
  if (rank != spatialRank + 2 && rank != spatialRank + 3)
    return rule.error("input has rank ", rank, ", expected ", spatialRank + 2, " for ",
                      spatialRank, " spatial dimensions");
  data.batch = shape[0];
  data.channels = shape[1];
  data.spatial.assign(shape.begin() + 2, shape.begin() + 2 + spatialRank);
  data.block = rank == spatialRank + 3 ? shape.back() : 0;
  return success();
}

/// Reads a data tensor whose op says itself whether it is blocked.
LogicalResult readData(Rule rule, Value value, bool blocked, Data &data) {
  int64_t spatialRank = shaped(value).getRank() - (blocked ? 3 : 2);
  if (spatialRank < 0)
    return rule.error("input has rank ", shaped(value).getRank(), ", expected at least ",
                      blocked ? 3 : 2);
  return readData(rule, value, spatialRank, data);
}

LogicalResult checkLength(Rule rule, StringRef what, ArrayRef<int64_t> values,
                          int64_t length) {
  if (int64_t(values.size()) != length)
    return rule.error(what, " has ", values.size(), " entries, expected ", length);
  return success();
}

/// A per-channel parameter: `C`, `C/c x c` when blocked, or 1-D with as many
/// entries as the blocked storage.
LogicalResult checkPerChannel(Rule rule, StringRef what, Value value, int64_t channels,
                              int64_t capacity) {
  int64_t count = shaped(value).getNumElements();
  if (count != channels && count != capacity)
    return rule.error(what, " has ", count, " elements, expected one for each of the ",
                      channels, " channels (dimension 1)");
  return success();
}

/// Extents of a window sliding over the input.
LogicalResult slide(Rule rule, ArrayRef<int64_t> input, WindowAttr window, bool ceilMode,
                    Shape &output) {
  ArrayRef<int64_t> strides = window.getStrides(), padsBegin = window.getPadsBegin();
  for (int64_t i = 0; i < window.getRank(); ++i) {
    int64_t padded = input[i] + padsBegin[i] + window.getPadsEnd()[i];
    int64_t reach = window.getReach(i);
    if (padded < reach)
      return rule.error("kernel reaches over ", reach, " elements in spatial dimension ", i,
                        ", the padded input has only ", padded);
    int64_t extent = (padded - reach) / strides[i] + 1;
    if (ceilMode) {
      extent = llvm::divideCeil(padded - reach, strides[i]) + 1;
      // A window must start inside the input or its left padding.
      if ((extent - 1) * strides[i] >= input[i] + padsBegin[i])
        --extent;
    }
    output.push_back(extent);
  }
  return success();
}

LogicalResult broadcastShapes(Rule rule, ArrayRef<int64_t> a, ArrayRef<int64_t> b,
                              Shape &result) {
  int64_t rank = std::max(a.size(), b.size());
  result.assign(rank, 1);
  for (int64_t i = 0; i < rank; ++i) {
    int64_t ia = i - (rank - int64_t(a.size())), ib = i - (rank - int64_t(b.size()));
    int64_t da = ia < 0 ? 1 : a[ia], db = ib < 0 ? 1 : b[ib];
    if (da != db && da != 1 && db != 1)
      return rule.error("dimension ", i, " does not broadcast: ", da, " against ", db);
    result[i] = da == 1 ? db : da;
  }
  return success();
}

LogicalResult normalizeAxis(Rule rule, int64_t axis, int64_t rank) {
  if (axis < 0 || axis >= rank)
    return rule.error("axis ", axis, " is outside of [0, ", rank, ")");
  return success();
}

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

/// Shape and element type of a result.
struct Inferred {
  Shape shape;
  Type element;
};

template <typename Adaptor>
LogicalResult inferConvLike(Rule rule, Adaptor op, int64_t groups, bool transposed,
                            ArrayRef<int64_t> outputPadding, Inferred &out) {
  WindowAttr window = op.getWindow();
  int64_t rank = window.getRank();
  Data in;
  if (failed(readData(rule, op.getInput(), rank, in)))
    return failure();
  Shape filter;
  if (op.getFilterShape())
    llvm::append_range(filter, *op.getFilterShape());
  else
    llvm::append_range(filter, shaped(op.getFilter()).getShape());
  if (int64_t(filter.size()) != rank + 2)
    return rule.error("filter has rank ", filter.size(), ", expected ", rank + 2);
  for (auto [i, extent] : llvm::enumerate(window.getKernel()))
    if (filter[2 + i] != extent)
      return rule.error("filter has extent ", filter[2 + i], " in spatial dimension ", i,
                        ", the window ", extent);
  if (groups < 1)
    return rule.error("group is ", groups);
  int64_t inputChannels = transposed ? filter[0] : filter[1] * groups;
  int64_t outputChannels = transposed ? filter[1] * groups : filter[0];
  bool fits = in.block ? int64_t(llvm::divideCeil(inputChannels, in.block)) == in.channels
                       : inputChannels == in.channels;
  if (!fits)
    return rule.error("input has ", in.capacity(), " channels (dimension 1), filter wants ",
                      inputChannels);
  if (inputChannels % groups || outputChannels % groups)
    return rule.error("channels ", inputChannels, " and ", outputChannels,
                      " do not divide into ", groups, " groups");

  Data result;
  result.batch = in.batch;
  result.block = op.getOutputBlock();
  result.channels =
      result.block ? llvm::divideCeil(outputChannels, result.block) : outputChannels;
  if (transposed) {
    if (failed(checkLength(rule, "output_padding", outputPadding, rank)))
      return failure();
    for (int64_t i = 0; i < rank; ++i) {
      int64_t extent = (in.spatial[i] - 1) * window.getStrides()[i] + window.getReach(i) -
                       window.getPadsBegin()[i] - window.getPadsEnd()[i] + outputPadding[i];
      if (extent < 1)
        return rule.error("result has extent ", extent, " in spatial dimension ", i);
      result.spatial.push_back(extent);
    }
  } else if (failed(slide(rule, in.spatial, window, /*ceilMode=*/false, result.spatial))) {
    return failure();
  }
  // A packed bias is padded to whole register tiles of each group.
  if (op.getBias() &&
      !(op.getFilterShape() && shaped(op.getBias()).getNumElements() >= outputChannels) &&
      failed(checkPerChannel(rule, "bias", op.getBias(), outputChannels, result.capacity())))
    return failure();
  out.shape = result.shape();
  if (op.getResidual() && shaped(op.getResidual()).getShape() != ArrayRef<int64_t>(out.shape))
    return rule.error("residual has another shape than the result");
  return success();
}

/// Kernels normalise what they read where it is one blocked pixel for each of the result's.
LogicalResult checkPrologue(Rule rule, ConvOp::Adaptor op, ArrayRef<int64_t> result) {
  if (!op.getInputScale() && !op.getInputOffset())
    return op.getInputActivation().isIdentity()
               ? success()
               : rule.error("an input activation needs an input scale and offset");
  if (!op.getInputScale() || !op.getInputOffset())
    return rule.error("an input scale and offset need each other");
  WindowAttr window = op.getWindow();
  Data in;
  if (failed(readData(rule, op.getInput(), window.getRank(), in)))
    return failure();
  bool isOneToOne = window.hasUnitStrides() && !window.hasPads() &&
                    ArrayRef<int64_t>(in.spatial) == result.slice(2, window.getRank());
  if (!in.block || !shaped(op.getInput()).getElementType().isF32() || !isOneToOne ||
      (op.getScheduleAttr() && op.getScheduleAttr().getAlgorithm() != Algorithm::direct))
    return rule.error("a prologue needs a direct 1x1 convolution of blocked f32 data with "
                      "strides of 1 and no pads");
  for (auto [name, value] : {std::pair("input scale", op.getInputScale()),
                             std::pair("input offset", op.getInputOffset())})
    if (shaped(value).getShape() != ArrayRef<int64_t>({in.channels, in.block}) ||
        !shaped(value).getElementType().isF32())
      return rule.error(name, " has type ", value.getType(), ", expected f32 of shape ",
                        in.channels, "x", in.block);
  return success();
}

LogicalResult infer(Rule rule, ConvOp::Adaptor op, Inferred &out) {
  if (failed(inferConvLike(rule, op, 1, false, {}, out)))
    return failure();
  return checkPrologue(rule, op, out.shape);
}
LogicalResult infer(Rule rule, GroupConvOp::Adaptor op, Inferred &out) {
  if (op.getGroup() < 2)
    return rule.error("group is ", op.getGroup(), ", expected at least 2 (use cnn.conv)");
  return inferConvLike(rule, op, op.getGroup(), false, {}, out);
}
LogicalResult infer(Rule rule, ConvTransposeOp::Adaptor op, Inferred &out) {
  return inferConvLike(rule, op, op.getGroup(), true, op.getOutputPadding(), out);
}

LogicalResult infer(Rule rule, BatchNormOp::Adaptor op, Inferred &out) {
  Data in;
  if (failed(readData(rule, op.getInput(), /*blocked=*/false, in)))
    return failure();
  for (auto [name, value] :
       {std::pair("scale", op.getScale()), std::pair("offset", op.getOffset()),
        std::pair("mean", op.getMean()), std::pair("variance", op.getVariance())})
    if (failed(checkPerChannel(rule, name, value, in.channels, in.channels)))
      return failure();
  out.shape = in.shape();
  return success();
}

LogicalResult infer(Rule rule, ScaleShiftOp::Adaptor op, Inferred &out) {
  Data in;
  if (failed(readData(rule, op.getInput(), bool(op.getBlocked()), in)) ||
      failed(checkPerChannel(rule, "scale", op.getScale(), in.capacity(), in.capacity())) ||
      failed(checkPerChannel(rule, "offset", op.getOffset(), in.capacity(), in.capacity())))
    return failure();
  out.shape = in.shape();
  return success();
}

LogicalResult infer(Rule rule, LayerNormOp::Adaptor op, Inferred &out) {
  out.shape = Shape(shaped(op.getInput()).getShape());
  if (failed(normalizeAxis(rule, op.getAxis(), out.shape.size())))
    return failure();
  for (Value value : {op.getScale(), op.getBias()}) {
    Shape joined;
    if (!value)
      continue;
    if (failed(broadcastShapes(rule, out.shape, shaped(value).getShape(), joined)))
      return failure();
    if (joined != out.shape)
      return rule.error("scale or bias is larger than the input");
  }
  return success();
}

template <typename Adaptor>
LogicalResult inferChannelNorm(Rule rule, Adaptor op, Inferred &out) {
  Data in;
  if (failed(readData(rule, op.getInput(), /*blocked=*/false, in)) ||
      failed(checkPerChannel(rule, "scale", op.getScale(), in.channels, in.channels)) ||
      failed(checkPerChannel(rule, "bias", op.getBias(), in.channels, in.channels)))
    return failure();
  out.shape = in.shape();
  return success();
}
LogicalResult infer(Rule rule, InstanceNormOp::Adaptor op, Inferred &out) {
  return inferChannelNorm(rule, op, out);
}
LogicalResult infer(Rule rule, GroupNormOp::Adaptor op, Inferred &out) {
  if (failed(inferChannelNorm(rule, op, out)))
    return failure();
  if (op.getNumGroups() < 1 || out.shape[1] % int64_t(op.getNumGroups()))
    return rule.error("dimension 1 has ", out.shape[1], " channels, not a multiple of ",
                      op.getNumGroups(), " groups");
  return success();
}

LogicalResult infer(Rule rule, LrnOp::Adaptor op, Inferred &out) {
  Data in;
  if (failed(readData(rule, op.getInput(), bool(op.getBlocked()), in)))
    return failure();
  if (op.getSize() < 1)
    return rule.error("size is ", op.getSize());
  out.shape = in.shape();
  return success();
}

template <typename Adaptor> LogicalResult inferPool(Rule rule, Adaptor op, Inferred &out) {
  Data in;
  if (failed(readData(rule, op.getInput(), op.getWindow().getRank(), in)))
    return failure();
  Data result = in;
  result.spatial.clear();
  if (failed(slide(rule, in.spatial, op.getWindow(), bool(op.getCeilMode()), result.spatial)))
    return failure();
  out.shape = result.shape();
  return success();
}
LogicalResult infer(Rule rule, MaxPoolOp::Adaptor op, Inferred &out) {
  return inferPool(rule, op, out);
}
LogicalResult infer(Rule rule, AvgPoolOp::Adaptor op, Inferred &out) {
  return inferPool(rule, op, out);
}

LogicalResult infer(Rule rule, GlobalPoolOp::Adaptor op, Inferred &out) {
  Data in;
  if (failed(readData(rule, op.getInput(), bool(op.getBlocked()), in)))
    return failure();
  in.spatial.assign(in.spatial.size(), 1);
  out.shape = in.shape();
  return success();
}

LogicalResult infer(Rule rule, DenseOp::Adaptor op, Inferred &out) {
  ArrayRef<int64_t> input = shaped(op.getInput()).getShape();
  Shape filter;
  if (op.getFilterShape())
    llvm::append_range(filter, *op.getFilterShape());
  else
    llvm::append_range(filter, shaped(op.getFilter()).getShape());
  if (input.size() != 2 || filter.size() != 2)
    return rule.error("input and filter have ranks ", input.size(), " and ", filter.size(),
                      ", expected 2");
  if (input[1] != filter[1])
    return rule.error("input has ", input[1], " elements in dimension 1, filter wants ",
                      filter[1]);
  if (op.getBias() && shaped(op.getBias()).getNumElements() < filter[0])
    return rule.error("bias has ", shaped(op.getBias()).getNumElements(),
                      " elements, expected ", filter[0]);
  out.shape = {input[0], filter[0]};
  return success();
}

LogicalResult infer(Rule rule, MatmulOp::Adaptor op, Inferred &out) {
  ArrayRef<int64_t> lhs = shaped(op.getLhs()).getShape();
  ArrayRef<int64_t> rhs = shaped(op.getRhs()).getShape();
  if (lhs.size() < 2 || rhs.size() < 2)
    return rule.error("operands have ranks ", lhs.size(), " and ", rhs.size(),
                      ", expected 2 or more");
  if (lhs.back() != rhs[rhs.size() - 2])
    return rule.error("lhs has ", lhs.back(), " columns, rhs ", rhs[rhs.size() - 2], " rows");
  if (failed(broadcastShapes(rule, lhs.drop_back(2), rhs.drop_back(2), out.shape)))
    return failure();
  out.shape.push_back(lhs[lhs.size() - 2]);
  out.shape.push_back(rhs.back());
  return success();
}

LogicalResult infer(Rule rule, UnaryOp::Adaptor op, Inferred &out) {
  out.shape = Shape(shaped(op.getInput()).getShape());
  return success();
}

LogicalResult infer(Rule rule, BinaryOp::Adaptor op, Inferred &out) {
  ShapedType lhs = shaped(op.getLhs()), rhs = shaped(op.getRhs());
  if (lhs.getElementType() != rhs.getElementType())
    return rule.error("element types differ: ", lhs.getElementType(), " and ",
                      rhs.getElementType());
  switch (op.getKind()) {
  case BinaryKind::equal:
  case BinaryKind::less:
  case BinaryKind::less_equal:
  case BinaryKind::greater:
  case BinaryKind::greater_equal:
    out.element = IntegerType::get(lhs.getContext(), 1);
    break;
  default:
    break;
  }
  return broadcastShapes(rule, lhs.getShape(), rhs.getShape(), out.shape);
}

LogicalResult infer(Rule rule, SelectOp::Adaptor op, Inferred &out) {
  ShapedType lhs = shaped(op.getLhs()), rhs = shaped(op.getRhs());
  if (lhs.getElementType() != rhs.getElementType())
    return rule.error("element types differ: ", lhs.getElementType(), " and ",
                      rhs.getElementType());
  if (!shaped(op.getCondition()).getElementType().isInteger(1))
    return rule.error("condition is not i1");
  out.element = lhs.getElementType();
  Shape joined;
  if (failed(broadcastShapes(rule, lhs.getShape(), rhs.getShape(), joined)))
    return failure();
  return broadcastShapes(rule, joined, shaped(op.getCondition()).getShape(), out.shape);
}

LogicalResult infer(Rule rule, CastOp::Adaptor op, Inferred &out) {
  out.shape = Shape(shaped(op.getInput()).getShape());
  out.element = op.getTo();
  return success();
}

LogicalResult infer(Rule rule, ReduceOp::Adaptor op, Inferred &out) {
  ArrayRef<int64_t> input = shaped(op.getInput()).getShape();
  SmallVector<bool> reduced(input.size(), false);
  for (int64_t axis : op.getAxes()) {
    if (failed(normalizeAxis(rule, axis, input.size())))
      return failure();
    if (reduced[axis])
      return rule.error("axis ", axis, " is named twice");
    reduced[axis] = true;
  }
  for (auto [extent, gone] : llvm::zip(input, reduced)) {
    if (!gone)
      out.shape.push_back(extent);
    else if (op.getKeepDims())
      out.shape.push_back(1);
  }
  return success();
}

template <typename Adaptor> LogicalResult inferSoftmax(Rule rule, Adaptor op, Inferred &out) {
  out.shape = Shape(shaped(op.getInput()).getShape());
  return normalizeAxis(rule, op.getAxis(), out.shape.size());
}
LogicalResult infer(Rule rule, SoftmaxOp::Adaptor op, Inferred &out) {
  return inferSoftmax(rule, op, out);
}
LogicalResult infer(Rule rule, LogSoftmaxOp::Adaptor op, Inferred &out) {
  return inferSoftmax(rule, op, out);
}

LogicalResult infer(Rule rule, ConcatOp::Adaptor op, Inferred &out) {
  if (op.getInputs().empty())
    return rule.error("has no inputs");
  out.shape = Shape(shaped(op.getInputs().front()).getShape());
  if (failed(normalizeAxis(rule, op.getAxis(), out.shape.size())))
    return failure();
  for (auto [index, value] : llvm::enumerate(op.getInputs().drop_front())) {
    ArrayRef<int64_t> shape = shaped(value).getShape();
    if (shape.size() != out.shape.size())
      return rule.error("input ", index + 1, " has rank ", shape.size(), ", expected ",
                        out.shape.size());
    for (size_t i = 0; i < shape.size(); ++i)
      if (i != op.getAxis() && shape[i] != out.shape[i])
        return rule.error("input ", index + 1, " has extent ", shape[i], " in dimension ", i,
                          ", expected ", out.shape[i]);
    if (shaped(value).getElementType() != shaped(op.getInputs().front()).getElementType())
      return rule.error("input ", index + 1, " has another element type");
    out.shape[op.getAxis()] += shape[op.getAxis()];
  }
  return success();
}

LogicalResult infer(Rule rule, GatherOp::Adaptor op, Inferred &out) {
  ArrayRef<int64_t> input = shaped(op.getInput()).getShape();
  if (failed(normalizeAxis(rule, op.getAxis(), input.size())))
    return failure();
  int64_t axis = op.getAxis();
  llvm::append_range(out.shape, input.take_front(axis));
  llvm::append_range(out.shape, shaped(op.getIndices()).getShape());
  llvm::append_range(out.shape, input.drop_front(axis + 1));
  return success();
}

LogicalResult infer(Rule rule, BroadcastOp::Adaptor op, Inferred &out) {
  return broadcastShapes(rule, shaped(op.getInput()).getShape(), op.getShape(), out.shape);
}

LogicalResult infer(Rule rule, ResizeOp::Adaptor op, Inferred &out) {
  int64_t rank = shaped(op.getInput()).getRank();
  if (failed(checkLength(rule, "shape", op.getShape(), rank)))
    return failure();
  if (int64_t(op.getScales().size()) != rank)
    return rule.error("scales has ", op.getScales().size(), " entries, expected ", rank);
  for (auto [index, extent] : llvm::enumerate(op.getShape()))
    if (extent < 1)
      return rule.error("shape is ", extent, " in dimension ", index);
  out.shape = Shape(op.getShape());
  return success();
}

LogicalResult infer(Rule rule, ReorderOp::Adaptor op, Inferred &out) {
  out.shape = Shape(shaped(op.getInput()).getShape());
  int64_t block = op.getBlock();
  if (out.shape.size() < 3)
    return rule.error("input has rank ", out.shape.size(), ", expected at least 3");
  int64_t shuffle = op.getShuffle();
  if (shuffle != 1 && (block <= 0 || shuffle < 1 || out.shape[1] % shuffle != 0))
    return rule.error("shuffle is ", shuffle, ", expected a divisor of the ", out.shape[1],
                      " channels of plain data");
  if (block > 0) {
    out.shape[1] = llvm::divideCeil(out.shape[1], block);
    out.shape.push_back(block);
    return success();
  }
  int64_t lanes = out.shape.pop_back_val(), channels = op.getChannels();
  if (int64_t(llvm::divideCeil(channels, lanes)) != out.shape[1])
    return rule.error("dimension 1 has ", out.shape[1], " blocks of ", lanes, ", not the ",
                      channels, " channels asked for");
  out.shape[1] = channels;
  return success();
}

/// Checks that `bounds` cut a dimension between devices, of which `device` holds `extent`.
LogicalResult checkSlice(Rule rule, ArrayRef<int64_t> bounds, int64_t device, int64_t extent) {
  int64_t devices = int64_t(bounds.size()) - 1;
  if (devices < 1 || bounds.front() != 0 || !llvm::is_sorted(bounds))
    return rule.error("bounds do not grow from 0");
  if (device < 0 || device >= devices)
    return rule.error("device is ", device, " of ", devices);
  if (bounds[device + 1] - bounds[device] != extent)
    return rule.error("device ", device, " holds ", extent, " elements, not the ",
                      bounds[device + 1] - bounds[device], " of bounds");
  return success();
}

/// The common part of gathers and halos: checks, and the input's shape.
template <typename Adaptor> LogicalResult inferSlice(Rule rule, Adaptor op, Inferred &out) {
  out.shape = Shape(shaped(op.getInput()).getShape());
  int64_t axis = op.getAxis(), rank = out.shape.size();
  if (axis < 0 || axis >= rank)
    return rule.error("axis is ", axis, " for rank ", rank);
  return checkSlice(rule, op.getBounds(), op.getDevice(), out.shape[axis]);
}

LogicalResult infer(Rule rule, AllGatherOp::Adaptor op, Inferred &out) {
  if (failed(inferSlice(rule, op, out)))
    return failure();
  out.shape[op.getAxis()] = op.getBounds().back();
  return success();
}

LogicalResult infer(Rule rule, HaloExchangeOp::Adaptor op, Inferred &out) {
  if (failed(inferSlice(rule, op, out)))
    return failure();
  ArrayRef<int64_t> bounds = op.getBounds();
  int64_t before = op.getBefore(), after = op.getAfter();
  // Only next neighbours talk.
  for (size_t i = 0; i + 1 < bounds.size(); ++i)
    if (before < 0 || after < 0 || bounds[i + 1] - bounds[i] < std::max(before, after))
      return rule.error("halo of ", before, " and ", after, " elements, device ", i, " holds ",
                        bounds[i + 1] - bounds[i]);
  if (op.getDevice() > 0)
    out.shape[op.getAxis()] += before;
  if (op.getDevice() + 2 < bounds.size())
    out.shape[op.getAxis()] += after;
  return success();
}

LogicalResult infer(Rule rule, AllReduceOp::Adaptor op, Inferred &out) {
  if (int64_t(op.getDevice()) >= int64_t(op.getDevices()))
    return rule.error("device is ", op.getDevice(), " of ", op.getDevices());
  if (!shaped(op.getInput()).getElementType().isF32())
    return rule.error("adds f32 only");
  out.shape = Shape(shaped(op.getInput()).getShape());
  return success();
}

/// Runs an op's rule. A memref-form op is checked the same way and has no result.
template <typename OpTy>
LogicalResult inferTypes(std::optional<Location> loc, ValueRange operands,
                         DictionaryAttr attributes, OpaqueProperties properties,
                         RegionRange regions, SmallVectorImpl<Type> &types) {
  typename OpTy::Adaptor adaptor(operands, attributes, properties, regions);
  Inferred out;
  if (operands.empty())
    return emitOptionalError(loc, OpTy::getOperationName(), ": has no operands");
  if (failed(infer(Rule{loc, OpTy::getOperationName()}, adaptor, out)))
    return failure();
  auto input = cast<ShapedType>(operands.front().getType());
  if (isa<MemRefType>(input))
    return success();
  types.push_back(
      RankedTensorType::get(out.shape, out.element ? out.element : input.getElementType()));
  return success();
}

/// Whether a result may have type `actual` where `inferred` was expected: kernels of a GPU
/// may round what they store.
bool isCompatible(Type inferred, Type actual) {
  auto expected = cast<ShapedType>(inferred), other = cast<ShapedType>(actual);
  auto isNarrowable = [](Type element) { return element.isF32() || element.isF16(); };
  return expected == other ||
         (expected.getShape() == other.getShape() && isNarrowable(expected.getElementType()) &&
          isNarrowable(other.getElementType()));
}

} // namespace

#define CNN_INFER(OP)                                                                         \
  LogicalResult OP::inferReturnTypes(MLIRContext *, std::optional<Location> loc,              \
                                     ValueRange operands, DictionaryAttr attributes,          \
                                     OpaqueProperties properties, RegionRange regions,        \
                                     SmallVectorImpl<Type> &types) {                          \
    return inferTypes<OP>(loc, operands, attributes, properties, regions, types);             \
  }                                                                                           \
  bool OP::isCompatibleReturnTypes(TypeRange inferred, TypeRange actual) {                    \
    return llvm::equal(inferred, actual, isCompatible);                                       \
  }
CNN_INFER(ConvOp)
CNN_INFER(GroupConvOp)
CNN_INFER(ConvTransposeOp)
CNN_INFER(BatchNormOp)
CNN_INFER(ScaleShiftOp)
CNN_INFER(LayerNormOp)
CNN_INFER(InstanceNormOp)
CNN_INFER(GroupNormOp)
CNN_INFER(LrnOp)
CNN_INFER(MaxPoolOp)
CNN_INFER(AvgPoolOp)
CNN_INFER(GlobalPoolOp)
CNN_INFER(DenseOp)
CNN_INFER(MatmulOp)
CNN_INFER(UnaryOp)
CNN_INFER(BinaryOp)
CNN_INFER(SelectOp)
CNN_INFER(CastOp)
CNN_INFER(ReduceOp)
CNN_INFER(SoftmaxOp)
CNN_INFER(LogSoftmaxOp)
CNN_INFER(ConcatOp)
CNN_INFER(GatherOp)
CNN_INFER(BroadcastOp)
CNN_INFER(ResizeOp)
CNN_INFER(ReorderOp)
CNN_INFER(AllGatherOp)
CNN_INFER(AllReduceOp)
CNN_INFER(HaloExchangeOp)
#undef CNN_INFER
