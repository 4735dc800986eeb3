//===- BlockedForms.cpp - Values in plain and blocked layout --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/BlockedForms.h"

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;
using namespace convoy::cnn;

using Shape = SmallVector<int64_t>;

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}
static ArrayRef<int64_t> shapeOf(Value value) { return tensorType(value).getShape(); }

/// The largest rank of plain data: batch, channels and three spatial dimensions.
static constexpr int64_t kMaxRank = 5;

/// Whether there are kernels for blocked data of this type: floats, and what quantised layers
/// read and write.
static bool isBlockable(Type element) {
  return element.isF32() || element.isInteger(8) || element.isInteger(16) ||
         element.isInteger(32);
}

bool BlockedForms::isData(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() >= 4 && type.getRank() <= kMaxRank &&
         isBlockable(type.getElementType());
}

static ElementsAttr getConstant(Value value) {
  ElementsAttr attribute;
  matchPattern(value, m_Constant(&attribute));
  return attribute;
}

bool BlockedForms::isConstant(Value value) { return bool(getConstant(value)); }

bool BlockedForms::isBroadcastConstant(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() <= kMaxRank && isBlockable(type.getElementType()) &&
         ConstantData::get(value);
}

/// `shape` with leading ones, so that it has rank `rank`, as in a NumPy broadcast.
static Shape extendShape(ArrayRef<int64_t> shape, int64_t rank) {
  Shape result(rank - shape.size(), 1);
  llvm::append_range(result, shape);
  return result;
}

static Shape blockShape(ArrayRef<int64_t> shape, int64_t block) {
  Shape result(shape);
  result[1] = llvm::divideCeil(shape[1], block);
  result.push_back(block);
  return result;
}

/// Whether the blocked form has the plain form's order of elements, so that a
/// reshape turns one into the other.
static bool isSameOrder(ArrayRef<int64_t> plain, int64_t block) {
  return llvm::all_of(plain.drop_front(2), [](int64_t extent) { return extent == 1; }) &&
         plain[1] % block == 0;
}

/// Groups of dimensions that make a matrix of data of rank `rank`: a row for each image.
static SmallVector<ReassociationIndices> getImageRows(int64_t rank) {
  return {{0}, llvm::to_vector<2>(llvm::seq<int64_t>(1, rank))};
}

RankedTensorType BlockedForms::getBlockedType(RankedTensorType type) const {
  return type.clone(blockShape(type.getShape(), block));
}

Value BlockedForms::getBlocked(Value value) {
  if (Value twin = blockedTwins.lookup(value))
    return twin;
  RankedTensorType type = tensorType(value), target = getBlockedType(type);
  Location loc = value.getLoc();
  Value twin;
  if (isBroadcastConstant(value)) {
    twin = relayConstant(value, type.getShape(), /*perChannel=*/true, target.getShape());
  } else if (isSameOrder(type.getShape(), block)) {
    Value matrix =
        tensor::CollapseShapeOp::create(builder, loc, value, getImageRows(type.getRank()));
    twin = tensor::ExpandShapeOp::create(builder, loc, target, matrix,
                                         getImageRows(target.getRank()));
  } else {
    twin = ReorderOp::create(builder, loc, target, value, block)->getResult(0);
  }
  plainTwins[value] = value;
  return blockedTwins[value] = twin;
}

Value BlockedForms::getPlain(Value value) {
  if (!hasBlocked(value))
    return value;
  Value &twin = plainTwins[value];
  if (twin)
    return twin;
  RankedTensorType type = tensorType(value);
  Value blocked = blockedTwins.lookup(value);
  Location loc = value.getLoc();
  if (isSameOrder(type.getShape(), block)) {
    Value matrix = tensor::CollapseShapeOp::create(builder, loc, blocked,
                                                   getImageRows(type.getRank() + 1));
    return twin = tensor::ExpandShapeOp::create(builder, loc, type, matrix,
                                                getImageRows(type.getRank()));
  }
  return twin = ReorderOp::create(builder, loc, type, blocked, /*block=*/0,
                                  /*channels=*/type.getDimSize(1))
                    ->getResult(0);
}

/// Whether there is one element, which broadcasts to a larger result in any layout.
static bool isScalar(Value value, ArrayRef<int64_t> result) {
  return tensorType(value).getNumElements() == 1 && tensorType(value).getRank() <= kMaxRank &&
         llvm::product_of(result) != 1;
}

bool BlockedForms::hasBlockedOperand(Value value, ArrayRef<int64_t> result) const {
  if (isBroadcastConstant(value) || isScalar(value, result))
    return true;
  return isData(value) && shapeOf(value).size() == result.size() &&
         (shapeOf(value)[1] == result[1] || shapeOf(value)[1] == 1);
}

Value BlockedForms::getBlockedOperand(Value value, ArrayRef<int64_t> result) {
  if (isBroadcastConstant(value)) {
    Shape shape = extendShape(shapeOf(value), result.size());
    bool perChannel = shape[1] != 1;
    return relayConstant(value, shape, perChannel, blockShape(shape, perChannel ? block : 1));
  }
  if (isScalar(value, result))
    return getPlain(value);
  if (shapeOf(value)[1] == result[1])
    return getBlocked(value);
  // One channel for all lanes: N x 1 x H x W becomes N x 1 x H x W x 1.
  Value plain = getPlain(value);
  Shape shape(shapeOf(plain));
  SmallVector<ReassociationIndices> groups;
  for (int64_t dim = 0, rank = shape.size(); dim < rank; ++dim)
    groups.push_back({dim});
  groups.back().push_back(shape.size());
  shape.push_back(1);
  return tensor::ExpandShapeOp::create(builder, value.getLoc(), tensorType(plain).clone(shape),
                                       plain, groups);
}

Value BlockedForms::relayConstant(Value value, ArrayRef<int64_t> shape, bool perChannel,
                                  ArrayRef<int64_t> target) {
  auto type = RankedTensorType::get(target, tensorType(value).getElementType());
  ConstantData source = *ConstantData::get(value);
  ElementsAttr result;
  if (source.isSplat()) {
    result = makeConstantFromBytes(type, source.getBytes());
  } else if (!perChannel) {
    result = reshapeConstant(getConstant(value), type);
  } else {
    int64_t channels = shape[1], blocks = llvm::divideCeil(channels, block);
    int64_t points = llvm::product_of(shape.drop_front(2)), size = source.getElementBytes();
    std::vector<char> bytes(type.getNumElements() * size, 0);
    for (int64_t n = 0; n < shape[0]; ++n)
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t p = 0; p < points; ++p) {
          int64_t to = ((n * blocks + c / block) * points + p) * block + c % block;
          int64_t from = (n * channels + c) * points + p;
          std::memcpy(&bytes[to * size], source.getBytes().data() + from * size, size);
        }
    result = makeConstantFromBytes(type, bytes);
  }
  return createConstant(builder, value.getLoc(), result);
}

Operation *BlockedForms::replace(Operation *op, ValueRange operands) {
  Operation *twin = builder.clone(*op);
  twin->setOperands(operands);
  Value result = op->getResult(0);
  twin->getResult(0).setType(getBlockedType(tensorType(result)));
  replaceWith(op, twin->getResult(0));
  return twin;
}

void BlockedForms::replaceWith(Operation *op, Value twin) {
  blockedTwins[op->getResult(0)] = twin;
  replaced.push_back(op);
}

Operation *BlockedForms::follow(Operation *op) {
  Value input = op->getOperand(0);
  if (!isData(input) || !isData(op->getResult(0)) || !hasBlocked(input))
    return nullptr;
  SmallVector<Value> operands(op->getOperands());
  operands[0] = getBlocked(input);
  return replace(op, operands);
}

bool convoy::cnn::detail::followInput(Operation *op, BlockedForms &forms) {
  return forms.follow(op) != nullptr;
}

void BlockedForms::eraseReplaced() {
  for (Operation *op : llvm::reverse(replaced))
    op->erase();
  replaced.clear();
}
