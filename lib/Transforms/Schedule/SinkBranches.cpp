//===- SinkBranches.cpp - Pass cnn-sink-branches --------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNSINKBRANCHES
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

/// The operands of a cnn.choose that its two branches compute.
enum Side : unsigned { kThen = 1, kElse = 2 };

/// Whether an operation may be computed in a branch alone. Constants are not computed.
bool isSinkable(Operation *op) {
  return isMemoryEffectFree(op) && !op->hasTrait<OpTrait::ConstantLike>() &&
         !op->hasTrait<OpTrait::IsTerminator>() && !isa<CommunicationOpInterface>(op);
}

/// Operations of one block with the same condition, which share an scf.if.
class Branches {
public:
  explicit Branches(ChooseOp first) : chooses({first}) {}

  Value getCondition() { return chooses.front().getCondition(); }
  Block *getBlock() { return chooses.front()->getBlock(); }
  /// Whether the scf.if may stand at `choose`: nothing before it reads a result.
  bool accepts(ChooseOp choose);
  void add(ChooseOp choose) { chooses.push_back(choose); }
  void replace();

private:
  bool isOperand(OpOperand &use, Side side);
  /// The operations that only one side needs, in reverse order.
  SmallVector<Operation *> findExclusive(Side side);
  void fill(Block *block, Side side);

  SmallVector<ChooseOp> chooses;
};

bool Branches::accepts(ChooseOp choose) {
  if (choose.getCondition() != getCondition() || choose->getBlock() != getBlock())
    return false;
  return llvm::all_of(chooses, [&](ChooseOp other) {
    return llvm::all_of(other->getUsers(), [&](Operation *user) {
      return choose->isBeforeInBlock(getBlock()->findAncestorOpInBlock(*user));
    });
  });
}

bool Branches::isOperand(OpOperand &use, Side side) {
  return use.getOperandNumber() == side && llvm::is_contained(chooses, use.getOwner());
}

SmallVector<Operation *> Branches::findExclusive(Side side) {
  llvm::SetVector<Operation *> found;
  for (Operation *op = chooses.back(); op; op = op->getPrevNode()) {
    bool isExclusive =
        isSinkable(op) && !op->use_empty() && llvm::all_of(op->getUses(), [&](OpOperand &use) {
          return isOperand(use, side) ||
                 found.contains(getBlock()->findAncestorOpInBlock(*use.getOwner()));
        });
    if (isExclusive)
      found.insert(op);
  }
  return found.takeVector();
}

void Branches::fill(Block *block, Side side) {
  SmallVector<Operation *> exclusive = findExclusive(side);
  for (Operation *op : llvm::reverse(exclusive))
    op->moveBefore(block, block->end());
  SmallVector<Value> results;
  OpBuilder builder = OpBuilder::atBlockEnd(block);
  for (ChooseOp choose : chooses) {
    Value value = choose->getOperand(side);
    results.push_back(bufferization::MaterializeInDestinationOp::create(
                          builder, choose.getLoc(), value.getType(), value, choose.getInit())
                          ->getResult(0));
  }
  scf::YieldOp::create(builder, chooses.back().getLoc(), results);
}

void Branches::replace() {
  ChooseOp last = chooses.back();
  OpBuilder builder(last);
  Value condition =
      tensor::ExtractOp::create(builder, last.getLoc(), getCondition(), ValueRange());
  SmallVector<Type> types;
  for (ChooseOp choose : chooses)
    types.push_back(choose->getResult(0).getType());
  auto branches = scf::IfOp::create(builder, last.getLoc(), types, condition,
                                    /*addThenBlock=*/true, /*addElseBlock=*/true);
  fill(branches.thenBlock(), kThen);
  fill(branches.elseBlock(), kElse);
  for (auto [choose, result] : llvm::zip_equal(chooses, branches.getResults())) {
    choose->getResult(0).replaceAllUsesWith(result);
    choose.erase();
  }
}

struct SinkBranches : convoy::cnn::impl::CnnSinkBranchesBase<SinkBranches> {
  void runOnOperation() override {
    // In program order, so that the branches of an `If` in a branch move with it.
    SmallVector<ChooseOp> chooses;
    getOperation().walk([&](ChooseOp choose) { chooses.push_back(choose); });
    SmallVector<Branches> all;
    for (ChooseOp choose : chooses) {
      if (!choose.getInit()) {
        choose.emitOpError("has no destination; run cnn-to-destination-style first");
        return signalPassFailure();
      }
      if (!all.empty() && all.back().accepts(choose))
        all.back().add(choose);
      else
        all.emplace_back(choose);
    }
    for (Branches &branches : all)
      branches.replace();
  }
};

} // namespace
