//===- SimplifyCommunication.cpp - Pass cnn-simplify-communication --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Transforms/Utils/Slice.h"

#include "convoy/Analysis/Partition.h"
#include "convoy/Machine/Cpu.h"
#include "convoy/Transforms/Partition/Passes.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNSIMPLIFYCOMMUNICATION
#include "convoy/Transforms/Partition/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

/// One exchange: its operation on each device.
using Exchange = SmallVector<Operation *>;

bool isBefore(Value value, Operation *op) {
  Operation *definition = value.getDefiningOp();
  return !definition || definition->isBeforeInBlock(op);
}

/// Takes slices of the gathered value from the gather's input instead, if they lie within
/// this device's part.
void sliceOwnParts(AllGatherOp gather) {
  int64_t axis = gather.getAxis(), device = gather.getDevice();
  int64_t begin = gather.getBounds()[device], end = gather.getBounds()[device + 1];
  for (Operation *user : llvm::make_early_inc_range(gather->getResult(0).getUsers())) {
    auto cut = dyn_cast<tensor::ExtractSliceOp>(user);
    if (!cut || !cut.getOffsets().empty() || !cut.getSizes().empty() ||
        !cut.getStrides().empty())
      continue;
    SmallVector<int64_t> offsets(cut.getStaticOffsets());
    int64_t last =
        offsets[axis] + (cut.getStaticSizes()[axis] - 1) * cut.getStaticStrides()[axis];
    if (offsets[axis] < begin || last >= end)
      continue;
    offsets[axis] -= begin;
    cut.getSourceMutable().assign(gather.getInput());
    cut.setStaticOffsets(offsets);
  }
}

bool isRepeated(const Exchange &first, const Exchange &second) {
  return llvm::all_of(llvm::zip(first, second), [](auto pair) {
    auto [a, b] = pair;
    return OperationEquivalence::isEquivalentTo(a, b, OperationEquivalence::IgnoreLocations);
  });
}

bool isUnread(const Exchange &exchange) {
  return llvm::all_of(exchange, [](Operation *op) { return op->use_empty(); });
}

/// Whether all devices can do both gathers as one at the place of the first, and whether that
/// saves time: copies must cost less than the latency of an exchange.
bool canMerge(const Exchange &first, const Exchange &second, TargetAttr target,
              double latency) {
  int64_t lanes = target.getVectorLanes();
  auto isWhole = [&](int64_t bound) { return bound % lanes == 0; };
  for (auto [x, y] : llvm::zip(first, second)) {
    auto a = dyn_cast<AllGatherOp>(x), b = dyn_cast<AllGatherOp>(y);
    if (!a || !b || a.getAxis() != 1 || b.getAxis() != 1 || !isBefore(b.getInput(), a))
      return false;
    auto from = cast<RankedTensorType>(a->getResult(0).getType());
    auto to = cast<RankedTensorType>(b->getResult(0).getType());
    if (from.getElementType() != to.getElementType() || from.getRank() != to.getRank() ||
        !from.getElementType().isF32() || from.getDimSize(0) != 1 ||
        from.getShape().drop_front(2) != to.getShape().drop_front(2))
      return false;
    // Only whole blocks, so that the data can stay blocked.
    if (!llvm::all_of(a.getBounds(), isWhole) || !llvm::all_of(b.getBounds(), isWhole))
      return false;
    double bytes = 4.0 * double(from.getNumElements() + to.getNumElements());
    if (2 * bytes / getCpu(target).copyBandwidth > latency)
      return false;
  }
  return true;
}

/// Replaces both gathers by one, and returns it. The result of each is put together from the
/// devices' parts.
Operation *merge(AllGatherOp first, AllGatherOp second) {
  OpBuilder builder(first);
  SmallVector<AllGatherOp> both = {first, second};
  SmallVector<Value> inputs = {first.getInput(), second.getInput()};
  Location loc = first.getLoc();
  Value packed = *createChecked<ConcatOp>(builder, loc, inputs, 1);
  SmallVector<int64_t> bounds;
  for (auto [a, b] : llvm::zip(first.getBounds(), second.getBounds()))
    bounds.push_back(a + b);
  int64_t device = first.getDevice(), devices = bounds.size() - 1;
  Value gathered =
      *createChecked<AllGatherOp>(builder, loc, packed, device, int64_t(1), bounds);
  // Where the next part of each device begins: first its part for `first`, then its part for
  // `second`.
  SmallVector<int64_t> offsets(bounds);
  for (AllGatherOp gather : both) {
    SmallVector<Value> parts;
    for (int64_t i = 0; i < devices; ++i) {
      int64_t size = gather.getBounds()[i + 1] - gather.getBounds()[i];
      parts.push_back(createSlice(builder, loc, gathered, 1, offsets[i], size));
      offsets[i] += size;
    }
    Value whole = *createChecked<ConcatOp>(builder, gather.getLoc(), parts, 1);
    gather->getResult(0).replaceAllUsesWith(whole);
  }
  for (AllGatherOp gather : both)
    gather.erase();
  return gathered.getDefiningOp();
}

//===----------------------------------------------------------------------===//
// Hiding
//===----------------------------------------------------------------------===//

/// The seconds that an exchange takes, in which the device could compute something else.
double getSeconds(Operation *exchange, const Link &link, TargetAttr target) {
  auto result = cast<ShapedType>(exchange->getResult(0).getType());
  Traffic traffic;
  if (auto sum = dyn_cast<AllReduceOp>(exchange))
    traffic = getReduceTraffic(result, sum.getDevices());
  else
    traffic = {
        0,
        getCrossingBytes(result, target) -
            getCrossingBytes(cast<ShapedType>(exchange->getOperand(0).getType()), target),
        1};
  return traffic.getSeconds(link);
}

/// Whether `op` takes no time of its own. Such an operation moves along with its readers.
bool followsReaders(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() ||
         isa<tensor::EmptyOp, tensor::ExtractSliceOp, tensor::CollapseShapeOp,
             tensor::ExpandShapeOp>(op);
}

/// Moves an exchange to its first reader, but not past another exchange. An exchange whose
/// result only other devices read stays in its place: they may need this device to take part
/// in the transport.
void sinkToReader(Operation *exchange) {
  if (exchange->use_empty())
    return;
  Operation *place = exchange->getNextNode();
  while (!place->hasTrait<OpTrait::IsTerminator>() && !isa<CommunicationOpInterface>(place) &&
         !llvm::is_contained(place->getOperands(), exchange->getResult(0)))
    place = place->getNextNode();
  exchange->moveBefore(place);
}

/// Moves `op` before `place`, together with the operations that compute its operands.
void moveBefore(Operation *op, Operation *place) {
  for (Value operand : op->getOperands())
    if (!isBefore(operand, place))
      moveBefore(operand.getDefiningOp(), place);
  op->moveBefore(place);
}

/// Moves operations that do not need the exchange before it, until they take as much time as
/// the exchange.
void hide(Operation *exchange, const Link &link, TargetAttr target) {
  auto getWork = [&](Operation *op) { return getDeviceWork(op, OpSplit(), target).seconds; };
  double left = getSeconds(exchange, link, target);
  // Operations between the exchange and the operation that computes its input hide it already.
  Operation *source = exchange->getOperand(0).getDefiningOp();
  for (Operation *op = exchange->getPrevNode(); op && op != source; op = op->getPrevNode())
    if (!followsReaders(op) && !isa<CommunicationOpInterface>(op))
      left -= getWork(op);
  // Operations that stay after the exchange: other exchanges, and all that depend on one.
  DenseSet<Operation *> waiting = {exchange};
  for (Operation *op = exchange->getNextNode(), *next;
       left > 0 && !op->hasTrait<OpTrait::IsTerminator>(); op = next) {
    next = op->getNextNode();
    if (isa<CommunicationOpInterface>(op) || llvm::any_of(op->getOperands(), [&](Value value) {
          return waiting.contains(value.getDefiningOp());
        })) {
      waiting.insert(op);
    } else if (!followsReaders(op)) {
      left -= getWork(op);
      moveBefore(op, exchange);
    }
  }
}

struct SimplifyCommunication
    : convoy::cnn::impl::CnnSimplifyCommunicationBase<SimplifyCommunication> {
  using CnnSimplifyCommunicationBase::CnnSimplifyCommunicationBase;

  void runOnOperation() override {
    FailureOr<TargetAttr> target = requireTarget(getOperation());
    if (failed(target))
      return signalPassFailure();
    Link link = getLink(*target, bandwidth, latency);
    std::vector<Exchange> exchanges;
    if (failed(collect(exchanges)))
      return signalPassFailure();
    auto remove = [&](size_t index, const Exchange *instead) {
      for (auto [device, op] : llvm::enumerate(exchanges[index])) {
        if (instead)
          op->replaceAllUsesWith((*instead)[device]);
        op->erase();
      }
      exchanges.erase(exchanges.begin() + index);
    };
    for (const Exchange &exchange : exchanges)
      for (Operation *op : exchange)
        if (auto gather = dyn_cast<AllGatherOp>(op))
          sliceOwnParts(gather);
    for (size_t i = 0; i < exchanges.size(); ++i)
      for (size_t j = exchanges.size(); j-- > i + 1;)
        if (isRepeated(exchanges[i], exchanges[j]))
          remove(j, &exchanges[i]);
    for (size_t i = exchanges.size(); i-- > 0;)
      if (isUnread(exchanges[i]))
        remove(i, nullptr);
    for (size_t i = 0; i + 1 < exchanges.size();) {
      if (!canMerge(exchanges[i], exchanges[i + 1], *target, link.latency)) {
        ++i;
        continue;
      }
      for (auto [first, second] : llvm::zip(exchanges[i], exchanges[i + 1]))
        first = merge(cast<AllGatherOp>(first), cast<AllGatherOp>(second));
      exchanges.erase(exchanges.begin() + i + 1);
    }
    for (const Exchange &exchange : llvm::reverse(exchanges))
      llvm::for_each(exchange, sinkToReader);
    for (const Exchange &exchange : exchanges)
      for (Operation *op : exchange)
        hide(op, link, *target);
  }

  /// Collects the exchanges. Each device must have the same sequence of operations.
  LogicalResult collect(std::vector<Exchange> &exchanges) {
    int64_t devices = 0;
    for (auto device : getOperation().getOps<ModuleOp>()) {
      size_t next = 0;
      WalkResult result = device.walk([&](CommunicationOpInterface op) -> WalkResult {
        if (devices == 0)
          exchanges.emplace_back();
        else if (next >= exchanges.size() ||
                 exchanges[next].front()->getName() != op->getName())
          return op.emitError("has no counterpart on device 0");
        exchanges[next++].push_back(op);
        return WalkResult::advance();
      });
      if (result.wasInterrupted())
        return failure();
      if (next != exchanges.size())
        return device.emitError("communicates ")
               << next << " times, device 0 " << exchanges.size() << " times";
      ++devices;
    }
    return success();
  }
};

} // namespace
