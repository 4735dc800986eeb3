//===- Communication.cpp - Data between devices ---------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ShapeRule.h"
#include "convoy/Dialect/Cnn/IR/BlockedForms.h"
#include "convoy/Dialect/Cnn/IR/Narrowing.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy::cnn;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// Checks that `bounds` cut a dimension between devices, and that `device` has `extent` of its
/// elements.
static LogicalResult checkSlice(const ShapeRule &rule, ArrayRef<int64_t> bounds,
                                int64_t device, int64_t extent) {
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

/// The common part of gathers and halo exchanges: checks the slice, and gives the result the
/// input's shape.
template <typename Adaptor>
static LogicalResult inferSlice(const ShapeRule &rule, Adaptor op, InferredType &result) {
  result.shape = Shape(shapeOf(op.getInput()));
  int64_t axis = op.getAxis(), rank = result.shape.size();
  if (axis < 0 || axis >= rank)
    return rule.error("axis is ", axis, " for rank ", rank);
  return checkSlice(rule, op.getBounds(), op.getDevice(), result.shape[axis]);
}

LogicalResult AllGatherOp::inferShape(const ShapeRule &rule, Adaptor op,
                                      InferredType &result) {
  if (failed(inferSlice(rule, op, result)))
    return failure();
  result.shape[op.getAxis()] = op.getBounds().back();
  return success();
}

LogicalResult HaloExchangeOp::inferShape(const ShapeRule &rule, Adaptor op,
                                         InferredType &result) {
  if (failed(inferSlice(rule, op, result)))
    return failure();
  ArrayRef<int64_t> bounds = op.getBounds();
  int64_t before = op.getBefore(), after = op.getAfter();
  // A halo comes from the next neighbours only, so each device must have enough elements.
  for (size_t i = 0; i + 1 < bounds.size(); ++i)
    if (before < 0 || after < 0 || bounds[i + 1] - bounds[i] < std::max(before, after))
      return rule.error("halo of ", before, " and ", after, " elements, device ", i, " holds ",
                        bounds[i + 1] - bounds[i]);
  if (op.getDevice() > 0)
    result.shape[op.getAxis()] += before;
  if (op.getDevice() + 2 < bounds.size())
    result.shape[op.getAxis()] += after;
  return success();
}

LogicalResult AllReduceOp::inferShape(const ShapeRule &rule, Adaptor op,
                                      InferredType &result) {
  if (int64_t(op.getDevice()) >= int64_t(op.getDevices()))
    return rule.error("device is ", op.getDevice(), " of ", op.getDevices());
  if (!shaped(op.getInput()).getElementType().isF32())
    return rule.error("adds f32 only");
  result.shape = Shape(shapeOf(op.getInput()));
  return success();
}

//===----------------------------------------------------------------------===//
// Layout and precision
//===----------------------------------------------------------------------===//

// All devices must send the same layout, whatever layout their own programs prefer. So the
// choice depends only on facts that are the same for all devices.

bool AllGatherOp::assignBlocked(BlockedForms &forms) {
  auto isWhole = [&](int64_t bound) { return bound % forms.getBlock() == 0; };
  // Along rows or columns, each device has all channels. Along channels, each device except
  // the last must have whole blocks.
  bool alongChannels = getAxis() == 1;
  if (!forms.isData(getInput()) || getAxis() == 0 ||
      (alongChannels && !llvm::all_of(getBounds().drop_back(), isWhole)))
    return false;
  SmallVector<int64_t> bounds(getBounds());
  for (int64_t &bound : bounds)
    bound = alongChannels ? llvm::divideCeil(bound, forms.getBlock()) : bound;
  cast<AllGatherOp>(forms.replace(*this, forms.getBlocked(getInput()))).setBounds(bounds);
  return true;
}

bool HaloExchangeOp::assignBlocked(BlockedForms &forms) {
  if (!forms.isData(getInput()) || getAxis() < 2)
    return false;
  forms.replace(*this, forms.getBlocked(getInput()));
  return true;
}

bool AllReduceOp::assignBlocked(BlockedForms &forms) {
  if (!forms.isData(getInput()) || shapeOf(getInput())[1] % forms.getBlock() != 0)
    return false;
  forms.replace(*this, forms.getBlocked(getInput()));
  return true;
}

/// Sends the narrow type, in which devices compute.
static void narrowSlice(Operation *op, Narrowing &narrowing) {
  if (shaped(op->getOperand(0)).getElementType().isF32())
    narrowing.convertOperand(op->getOpOperand(0), narrowing.getNarrow());
  narrowing.follow(op->getResult(0), op->getOperand(0));
}
void AllGatherOp::narrow(Narrowing &narrowing) { narrowSlice(*this, narrowing); }
void HaloExchangeOp::narrow(Narrowing &narrowing) { narrowSlice(*this, narrowing); }

/// Devices add in f32.
void AllReduceOp::narrow(Narrowing &narrowing) {
  narrowing.convertOperand((*this)->getOpOperand(0), narrowing.getF32());
  narrowing.addData((*this)->getResult(0));
}
