//===- PlanMemory.cpp - Pass cnn-plan-memory ------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/BufferPlan.h"
#include "convoy/Dialect/Cnn/Utils/Program.h"
#include "convoy/Transforms/Bufferize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNPLANMEMORY
#include "convoy/Transforms/Bufferize/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

/// The weight section: constants in order of first use. Equal constants are stored once.
class WeightSection {
public:
  int64_t getOffset(ElementsAttr value) {
    auto [entry, isNew] = offsets.try_emplace(value, size);
    if (isNew) {
      Builder builder(value.getContext());
      entries.push_back(builder.getDictionaryAttr(
          {builder.getNamedAttr("offset", builder.getI64IntegerAttr(size)),
           builder.getNamedAttr("value", value)}));
      size += llvm::alignTo(getByteSize(value.getShapedType()), kBufferAlignment);
    }
    return entry->second;
  }
  int64_t getSize() const { return size; }
  ArrayRef<Attribute> getEntries() const { return entries; }

private:
  DenseMap<Attribute, int64_t> offsets;
  SmallVector<Attribute> entries;
  int64_t size = 0;
};

/// Rewrites the function so that it uses views of the arena and the weights.
class Rewriter {
public:
  Rewriter(func::FuncOp function, const BufferPlan &plan)
      : function(function), plan(plan), builder(function.getContext()), symbols(getModule()) {}

  LogicalResult run();

private:
  ModuleOp getModule() { return function->getParentOfType<ModuleOp>(); }
  void addArguments();
  LogicalResult collectWeights();
  LogicalResult rewrite(Operation *op);
  LogicalResult rewriteOperands(Operation *op);
  bool isJoined(ConcatOp op);
  void finishConcat(ConcatOp op);
  Value createView(Location loc, BufferRange range);
  Value createByteView(Location loc, Value base, int64_t offset, const BufferRange &range);
  void eraseDead();

  func::FuncOp function;
  const BufferPlan &plan;
  OpBuilder builder;
  SymbolTable symbols;
  WeightSection section;
  Value arena, weights;
  DenseMap<Value, int64_t> weightOffsets;
  /// The views that exist already, by base, offset and type.
  DenseMap<std::tuple<Value, int64_t, Type>, Value> views;
  /// The constants that exist already for byte offsets of views.
  DenseMap<int64_t, Value> shifts;
};

/// Places the weights in the order in which they are read, so that a run goes through the
/// section from front to back.
LogicalResult Rewriter::collectWeights() {
  WalkResult result = function.walk([&](Operation *op) -> WalkResult {
    if (isView(op))
      return WalkResult::advance();
    for (Value operand : op->getOperands()) {
      if (!isa<MemRefType>(operand.getType()))
        continue;
      Value root = locate(operand)->root;
      auto global = root.getDefiningOp<memref::GetGlobalOp>();
      if (!global)
        continue;
      auto definition = symbols.lookup<memref::GlobalOp>(global.getName());
      auto value = definition ? dyn_cast_or_null<ElementsAttr>(
                                    definition.getInitialValue().value_or(Attribute()))
                              : ElementsAttr();
      if (!value)
        return global.emitError("names no constant: @") << global.getName();
      weightOffsets[root] = section.getOffset(value);
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

void Rewriter::addArguments() {
  auto bytes = [&](int64_t size) { return MemRefType::get({size}, builder.getI8Type()); };
  Location loc = function.getLoc();
  (void)function.insertArgument(0, bytes(plan.getArenaSize()), {}, loc);
  (void)function.insertArgument(1, bytes(section.getSize()), {}, loc);
  arena = function.getArgument(0);
  weights = function.getArgument(1);
}

/// A view of `range` in the arena or the weights (`base`), `offset` bytes from the start. It
/// has the identity layout if the range is contiguous, otherwise a strided layout with
/// offset 0.
Value Rewriter::createByteView(Location loc, Value base, int64_t offset,
                               const BufferRange &range) {
  bool contiguous = range.isContiguous();
  SmallVector<int64_t> shape = range.shape;
  if (!contiguous) {
    int64_t extent = 1;
    for (auto [size, stride] : llvm::zip_equal(range.shape, range.strides))
      extent += (size - 1) * stride;
    shape = {extent};
  }
  auto type = MemRefType::get(shape, range.element);
  Value &view = views[{base, offset, type}];
  if (!view) {
    Value &shift = shifts[offset];
    if (!shift)
      shift = arith::ConstantIndexOp::create(builder, loc, offset);
    view = memref::ViewOp::create(builder, loc, type, base, shift, ValueRange());
  }
  if (contiguous)
    return view;
  auto strided = MemRefType::get(
      range.shape, range.element,
      StridedLayoutAttr::get(builder.getContext(), /*offset=*/0, range.strides));
  Value source = view;
  Value &cast = views[{source, 0, strided}];
  if (!cast)
    cast = memref::ReinterpretCastOp::create(builder, loc, strided, source, /*offset=*/0,
                                             range.shape, range.strides);
  return cast;
}

/// A view of `range` in the weights, the arena, or the argument that contains it. Views that
/// are used in a branch or a loop stand before it, since other operations may share them.
Value Rewriter::createView(Location loc, BufferRange range) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(
      function.front().findAncestorOpInBlock(*builder.getInsertionPoint()));
  int64_t elementBytes = *getElementBytes(range.element);
  if (auto it = weightOffsets.find(range.root); it != weightOffsets.end())
    return createByteView(loc, weights, it->second + range.offset * elementBytes, range);
  auto [root, offset, imageStride] = plan.resolve(range.root);
  if (imageStride)
    range.strides[0] = imageStride / elementBytes;
  if (!isa<BlockArgument>(root))
    return createByteView(
        loc, arena, plan.getArenaOffset(root) + offset + range.offset * elementBytes, range);

  range.offset += offset / elementBytes;
  auto type = cast<MemRefType>(root.getType());
  if (range.offset == 0 && range.isContiguous()) {
    if (type.getShape() == ArrayRef<int64_t>(range.shape))
      return root;
    type = MemRefType::get(range.shape, range.element);
    // Strides of dimensions of size 1 are arbitrary; the type has the canonical strides.
    range.strides = std::get<0>(type.getStridesAndOffset());
  } else {
    type = MemRefType::get(
        range.shape, range.element,
        StridedLayoutAttr::get(builder.getContext(), range.offset, range.strides));
  }
  Value &view = views[{root, range.offset, type}];
  if (!view)
    view = memref::ReinterpretCastOp::create(builder, loc, type, root, range.offset,
                                             range.shape, range.strides);
  return view;
}

LogicalResult Rewriter::rewriteOperands(Operation *op) {
  builder.setInsertionPoint(op);
  WalkResult result = op->walk([&](Operation *inner) -> WalkResult {
    for (OpOperand &operand : inner->getOpOperands()) {
      if (!isa<BaseMemRefType>(operand.get().getType()))
        continue;
      FailureOr<BufferRange> range = locate(operand.get());
      if (failed(range))
        return WalkResult::interrupt();
      operand.set(createView(op->getLoc(), *range));
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// Whether finishConcat must replace a concatenation: some of its inputs are in place
/// already, or its kernel could not access one of its operands.
bool Rewriter::isJoined(ConcatOp op) {
  for (int64_t i = 0, end = op.getInputs().size(); i < end; ++i)
    if (plan.isInPlace(op, i))
      return true;
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    BufferRange range = *locate(operand);
    return !range.isContiguous() || plan.resolve(range.root).imageStride != 0;
  });
}

/// Replaces a concatenation by copies of those inputs that are not in place.
void Rewriter::finishConcat(ConcatOp op) {
  builder.setInsertionPoint(op);
  for (auto [i, input, part] : llvm::enumerate(op.getInputs(), locateParts(op)))
    if (!plan.isInPlace(op, i))
      memref::CopyOp::create(builder, op.getLoc(), createView(op.getLoc(), *locate(input)),
                             createView(op.getLoc(), part));
  op.erase();
}

void Rewriter::eraseDead() {
  SmallVector<Operation *> candidates;
  (void)walkProgram(function, [&](Operation *op) {
    if (isView(op) || isa<memref::AllocOp, memref::GetGlobalOp>(op))
      candidates.push_back(op);
    return WalkResult::advance();
  });
  for (Operation *op : llvm::reverse(candidates))
    if (op->use_empty())
      op->erase();
  for (auto global : llvm::make_early_inc_range(getModule().getOps<memref::GlobalOp>()))
    if (SymbolTable::symbolKnownUseEmpty(global, getModule()))
      global.erase();
}

LogicalResult Rewriter::rewrite(Operation *op) {
  if (isa<memref::AllocOp, memref::GetGlobalOp, scf::IfOp, scf::WhileOp>(op) || isView(op))
    return success();
  if (isa<memref::DeallocOp>(op) || (isa<memref::CopyOp>(op) && plan.isInPlace(op, 0))) {
    op->erase();
    return success();
  }
  if (auto concat = dyn_cast<ConcatOp>(op); concat && isJoined(concat)) {
    finishConcat(concat);
    return success();
  }
  return rewriteOperands(op);
}

LogicalResult Rewriter::run() {
  if (failed(collectWeights()))
    return failure();
  addArguments();
  if (failed(walkProgram(function, [&](Operation *op) { return rewrite(op); })))
    return failure();
  eraseDead();

  ModuleOp module = getModule();
  Builder attributes(module.getContext());
  module->setAttr("cnn.arena_size", attributes.getI64IntegerAttr(plan.getArenaSize()));
  module->setAttr("cnn.weights_size", attributes.getI64IntegerAttr(section.getSize()));
  module->setAttr("cnn.weights", attributes.getArrayAttr(section.getEntries()));
  return success();
}

struct PlanMemory : convoy::cnn::impl::CnnPlanMemoryBase<PlanMemory> {
  void runOnOperation() override {
    auto function = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!function || !function.getBody().hasOneBlock() || function.getNumResults() != 0) {
      getOperation().emitError("cnn-plan-memory needs a function @main of one block "
                               "without results");
      return signalPassFailure();
    }
    if (failed(requireTarget(function)))
      return signalPassFailure();
    FailureOr<BufferPlan> plan = BufferPlan::create(function);
    if (failed(plan) || failed(Rewriter(function, *plan).run()))
      return signalPassFailure();
    emitRemark(function.getLoc(), "arena of ")
        << plan->getArenaSize() << " bytes, at least " << plan->getLowerBound()
        << " are alive at once";
  }
};

} // namespace
