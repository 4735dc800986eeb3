//===- FormLoops.cpp - Pass cnn-form-loops --------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/ComputeBody.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNFORMLOOPS
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

/// Makes an scf.while of one loop.
class Loop {
public:
  explicit Loop(LoopEndOp end)
      : begin(end.getBegin()), end(end), body(end.findBody()), builder(end) {}

  LogicalResult replace();

private:
  LogicalResult checkUses();
  void createLoop();
  void moveBody();
  bool isVariable(Value value);
  Value createEmpty(Value like);
  Value copy(Value value, Value destination);
  Value collect(Value row, Value all);
  void yield();

  LoopBeginOp begin;
  LoopEndOp end;
  SmallVector<Operation *> body;
  OpBuilder builder;
  scf::WhileOp loop;
};

/// Outside of the body, values of an iteration do not exist.
LogicalResult Loop::checkUses() {
  llvm::SetVector<Operation *> inside(body.begin(), body.end());
  inside.insert(end);
  Block *block = end->getBlock();
  SmallVector<Operation *> makers(body);
  makers.push_back(begin);
  for (Operation *maker : makers)
    for (Operation *user : maker->getUsers())
      if (!inside.contains(block->findAncestorOpInBlock(*user)))
        return user->emitOpError("uses a value of an iteration outside of the loop");
  return success();
}

Value Loop::createEmpty(Value like) {
  auto type = cast<RankedTensorType>(like.getType());
  return tensor::EmptyOp::create(builder, end.getLoc(), type.getShape(),
                                 type.getElementType());
}

void Loop::createLoop() {
  SmallVector<Value> inits(begin.getInits());
  for (Value all : end.getCollected())
    inits.push_back(createEmpty(all));
  TypeRange types = end.getResultTypes();
  SmallVector<Location> locs(types.size(), end.getLoc());
  loop = scf::WhileOp::create(builder, end.getLoc(), types, inits);
  Block *before = builder.createBlock(&loop.getBefore(), {}, types, locs);
  Value goesOn =
      tensor::ExtractOp::create(builder, end.getLoc(), before->getArgument(0), ValueRange());
  scf::ConditionOp::create(builder, end.getLoc(), goesOn, before->getArguments());
  builder.createBlock(&loop.getAfter(), {}, types, locs);
}

/// Moves the body into the loop, with the destinations that it alone fills: each iteration
/// needs them anew.
void Loop::moveBody() {
  Block *after = &loop.getAfter().front();
  for (auto [variable, argument] : llvm::zip(begin.getVariables(), after->getArguments()))
    variable.replaceAllUsesWith(argument);
  for (Operation *op : body) {
    op->moveBefore(after, after->end());
    SmallVector<Operation *> later = {op};
    while (!later.empty()) {
      Operation *reader = later.pop_back_val();
      for (Value operand : reader->getOperands()) {
        Operation *source = operand.getDefiningOp();
        if (!isa_and_nonnull<tensor::EmptyOp, linalg::FillOp>(source) ||
            !source->hasOneUse() || source->getBlock() == after)
          continue;
        source->moveBefore(reader);
        later.push_back(source);
      }
    }
  }
}

/// Whether a value is a variable, or a view of one.
bool Loop::isVariable(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ExtractSliceOp>(op))
      return false;
    value = op->getOperand(0);
  }
  return cast<BlockArgument>(value).getOwner() == &loop.getAfter().front();
}

Value Loop::copy(Value value, Value destination) {
  return bufferization::MaterializeInDestinationOp::create(builder, end.getLoc(),
                                                           value.getType(), value, destination)
      ->getResult(0);
}

/// `all` with the row of this iteration.
Value Loop::collect(Value row, Value all) {
  auto type = cast<RankedTensorType>(all.getType());
  SmallVector<int64_t> points(type.getShape().drop_front());
  if (points.empty())
    points.push_back(1);
  Value iteration = loop.getAfter().front().getArgument(1);
  ComputeOp op = createCompute(builder, end.getLoc(), "collect", points, {row, iteration},
                               type, [&](ComputeBody &body) {
                                 Scalars place;
                                 for (int64_t dim = 0; dim + 1 < type.getRank(); ++dim)
                                   place.push_back(body.at(dim));
                                 Scalar value = body.input(0).load(place);
                                 place.insert(place.begin(), body.input(1).load({}).toIndex());
                                 body.output().store(value, place);
                               });
  op.getInitMutable().assign(all);
  op.setKeeps(true);
  return op->getResult(0);
}

/// Writes the next values into the memory of the variables, after everything has been read.
void Loop::yield() {
  Block *after = &loop.getAfter().front();
  builder.setInsertionPointToEnd(after);
  SmallVector<Value> results, nexts, collected;
  // Another variable may be written before this one is.
  for (auto [next, argument] : llvm::zip(end.getNexts(), after->getArguments()))
    nexts.push_back(next != argument && isVariable(next) ? copy(next, createEmpty(next))
                                                         : next);
  for (auto [row, all] :
       llvm::zip(end.getRows(), after->getArguments().drop_front(nexts.size())))
    collected.push_back(collect(row, all));
  for (auto [next, argument] : llvm::zip(nexts, after->getArguments()))
    results.push_back(next == argument ? next : copy(next, argument));
  if (std::optional<int64_t> most = end.getLimit())
    results[0] = LimitLoopOp::create(builder, end.getLoc(), TypeRange(results[0].getType()),
                                     results[1], results[0], *most)
                     ->getResult(0);
  results.append(collected);
  scf::YieldOp::create(builder, end.getLoc(), results);
}

LogicalResult Loop::replace() {
  if (failed(checkUses()))
    return failure();
  createLoop();
  moveBody();
  yield();
  end->replaceAllUsesWith(loop.getResults());
  end.erase();
  begin.erase();
  return success();
}

struct FormLoops : convoy::cnn::impl::CnnFormLoopsBase<FormLoops> {
  void runOnOperation() override {
    // In program order, so that a loop in the body of another one is formed first.
    SmallVector<LoopEndOp> ends;
    getOperation().walk([&](LoopEndOp end) { ends.push_back(end); });
    for (LoopEndOp end : ends) {
      TargetAttr target = getTarget(end);
      if (target && target.getGpu()) {
        end.emitError(
            "is a loop, which runs on CPUs only: kernels of a GPU cannot decide when it ends");
        return signalPassFailure();
      }
      if (failed(Loop(end).replace()))
        return signalPassFailure();
    }
  }
};

} // namespace
