//===- NarrowFloats.cpp - Pass cnn-narrow-floats --------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// One walk in program order changes the types of results, then of the operations that read
// them. Operations of cnn narrow themselves (NarrowOpInterface). This file narrows operations
// of upstream dialects.
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Narrowing.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNNARROWFLOATS
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }
bool isF32(Value value) { return getElementTypeOrSelf(value.getType()).isF32(); }

//===----------------------------------------------------------------------===//
// Results that fit into the narrow type
//===----------------------------------------------------------------------===//

std::optional<double> getNumber(Value value) {
  FloatAttr number;
  if (matchPattern(value, m_Constant(&number)))
    return number.getValueAsDouble();
  return std::nullopt;
}

/// Tells whether a scalar in the body of a linalg operation may leave the range of the narrow
/// type, even if the elements that it is computed from have a usual size. Numbers of f32 fit
/// into bf16, but for the largest constants; integers that a model counts with do not.
class Growth {
public:
  explicit Growth(const Narrowing &narrowing) : narrowing(narrowing) {}

  /// Declares that the elements of an argument of the body may be larger than usual.
  void addLarge(Value argument) { known[argument] = true; }

  bool mayGrow(Value value) {
    auto [entry, isNew] = known.try_emplace(value, false);
    if (!isNew)
      return entry->second;
    bool grows = compute(value);
    return known[value] = grows;
  }

private:
  bool isF16() const { return narrowing.getNarrow().isF16(); }
  bool anyGrows(ValueRange values) {
    return llvm::any_of(values, [&](Value value) { return mayGrow(value); });
  }

  bool compute(Value value) {
    if (std::optional<double> number = getNumber(value))
      return std::isfinite(*number) && std::abs(*number) > narrowing.getLargest();
    Operation *op = value.getDefiningOp();
    if (!op || op->getNumOperands() == 0)
      return false;
    if (isa<arith::SIToFPOp, arith::UIToFPOp>(op) && !isF16())
      return op->getOperand(0).getType().getIntOrFloatBitWidth() > 8;
    return llvm::TypeSwitch<Operation *, bool>(op)
        .Case([&](math::ExpOp exp) { return isF16() && !isBoundedAbove(exp.getOperand()); })
        .Case([&](math::PowFOp) { return isF16(); })
        .Case([](arith::SIToFPOp) { return true; })
        .Case([](arith::UIToFPOp cast) { return !cast.getIn().getType().isInteger(1); })
        .Case<math::SqrtOp, math::LogOp, math::Log1pOp, math::TanhOp, math::ErfOp, math::SinOp,
              math::CosOp>([](auto) { return false; })
        .Case([&](arith::MulFOp mul) {
          return (isF16() && mul.getLhs() == mul.getRhs()) || anyGrows(mul->getOperands());
        })
        .Case([&](math::FmaOp fma) {
          return (isF16() && fma.getA() == fma.getB()) || anyGrows(fma->getOperands());
        })
        .Case([&](arith::DivFOp div) {
          return isF16() ? mayGrow(div) : anyGrows(div->getOperands());
        })
        .Case([&](arith::SelectOp select) { return mayGrow(select); })
        .Default([&](Operation *other) { return anyGrows(other->getOperands()); });
  }

  /// Whether the exponential of `x` fits, because `x` is min(constant, y) or -|y|.
  bool isBoundedAbove(Value x) {
    if (auto negative = x.getDefiningOp<arith::NegFOp>())
      return negative.getOperand().getDefiningOp<math::AbsFOp>() != nullptr;
    auto select = x.getDefiningOp<arith::SelectOp>();
    if (!select)
      return false;
    auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
    std::optional<double> bound = getNumber(select.getTrueValue());
    return compare && bound && *bound < std::log(narrowing.getLargest()) &&
           compare.getPredicate() == arith::CmpFPredicate::OLT &&
           compare.getLhs() == select.getTrueValue() &&
           compare.getRhs() == select.getFalseValue();
  }

  bool mayGrow(arith::SelectOp select) {
    // In a minimum or maximum of a number and a value the number does not count: bounds are
    // often the largest f32.
    auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
    bool isClamp = compare &&
                   llvm::is_contained(select->getOperands().drop_front(), compare.getLhs()) &&
                   llvm::is_contained(select->getOperands().drop_front(), compare.getRhs());
    return llvm::any_of(select->getOperands().drop_front(), [&](Value value) {
      return !(isClamp && getNumber(value)) && mayGrow(value);
    });
  }

  bool mayGrow(arith::DivFOp div) {
    if (getNumber(div.getRhs()))
      return mayGrow(div.getLhs());
    auto sum = div.getRhs().getDefiningOp<arith::AddFOp>();
    if (!sum)
      return true;
    for (auto [x, y] :
         {std::pair(sum.getLhs(), sum.getRhs()), std::pair(sum.getRhs(), sum.getLhs())}) {
      std::optional<double> number = getNumber(x);
      if (!number || *number < 1)
        continue;
      // x / (x + 2), as in mish, and x / (1 + exp(y)), as in a logistic function.
      if (y == div.getLhs())
        return false;
      if (y.getDefiningOp<math::ExpOp>())
        return mayGrow(div.getLhs());
    }
    return true;
  }

  const Narrowing &narrowing;
  DenseMap<Value, bool> known;
};

//===----------------------------------------------------------------------===//
// The walk
//===----------------------------------------------------------------------===//

class Narrower : public Narrowing {
public:
  Narrower(func::FuncOp function, TargetAttr target)
      : Narrowing(target.getDataType()), function(function), target(target),
        builder(function.getContext()) {}

  void run() {
    for (Value argument : function.getArguments())
      addData(argument);
    for (Operation &op : llvm::make_early_inc_range(function.front())) {
      builder.setInsertionPoint(&op);
      narrow(&op);
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.front())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }

  bool staysF32(Value value) const override;
  bool needsNarrowInput(ScheduledOpInterface op) const override;
  void convertOperand(OpOperand &operand, Type element) override {
    operand.set(convert(operand.get(), element));
  }

private:
  void narrow(Operation *op);
  void narrow(tensor::InsertSliceOp op);
  void narrow(linalg::GenericOp op);
  void narrow(linalg::TransposeOp op);
  void narrow(func::ReturnOp op);
  void narrowEpilogue(EpilogueRegionOpInterface op);
  void keepF32(Operation *op);
  void widenArgument(OpOperand &operand, BlockArgument argument);

  Value convert(Value value, Type element);
  Value copyAs(Value value, Type element);
  static bool canRetype(linalg::GenericOp op, unsigned result);
  void retype(linalg::GenericOp op, unsigned result);

  func::FuncOp function;
  TargetAttr target;
  OpBuilder builder;
  /// The results of convert, by its arguments.
  DenseMap<std::pair<Value, Type>, Value> converted;
};

void Narrower::narrow(Operation *op) {
  // The kernel of a softmax on a CPU reads what it has stored.
  if (isa<SoftmaxOp>(op) && !target.getGpu()) {
    if (isData(op->getOperand(0)))
      addData(op->getResult(0));
    return;
  }
  if (auto narrowable = dyn_cast<NarrowOpInterface>(op)) {
    narrowable.narrow(*this);
    if (auto layer = dyn_cast<EpilogueRegionOpInterface>(op))
      narrowEpilogue(layer);
    return;
  }
  llvm::TypeSwitch<Operation *>(op)
      .Case<tensor::InsertSliceOp, linalg::GenericOp, linalg::TransposeOp, func::ReturnOp>(
          [&](auto concrete) { narrow(concrete); })
      .Case<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ExtractSliceOp>(
          [&](auto) { follow(op->getResult(0), op->getOperand(0)); })
      .Default([&](Operation *other) { keepF32(other); });
}

/// For operations whose kernels read and store f32 alone.
void Narrower::keepF32(Operation *op) {
  bool readsData = llvm::any_of(op->getOperands(), [&](Value value) { return isData(value); });
  bool isLargeData =
      llvm::any_of(op->getOperands(), [&](Value value) { return isLarge(value); });
  for (OpOperand &operand : op->getOpOperands())
    if (isNarrow(operand.get()))
      convertOperand(operand, getF32());
  for (Value result : op->getResults())
    if (isLargeData && isF32(result))
      addLarge(result);
    else if (readsData && isF32(result))
      addData(result);
}

bool Narrower::staysF32(Value value) const {
  llvm::SetVector<Value> moved;
  moved.insert(value);
  for (size_t i = 0; i < moved.size(); ++i)
    for (Operation *user : moved[i].getUsers()) {
      if (isa<func::ReturnOp, AllReduceOp>(user))
        return true;
      if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, linalg::TransposeOp, ConcatOp>(
              user))
        moved.insert(user->getResult(0));
    }
  return false;
}

bool Narrower::needsNarrowInput(ScheduledOpInterface op) const {
  if (!target.getGpu())
    return !op.isInteger() && op.getScheduleAttr().getFilter().hasDots();
  // Matrix products copy blocks and rows of the input into shared memory without converting
  // them.
  if (!isScheduledAs(op, Algorithm::matrix_product) &&
      !isScheduledAs(op, Algorithm::warpgroup_product))
    return false;
  auto conv = dyn_cast<ConvOpInterface>(*op);
  return !conv || conv.isInputBlocked();
}

void Narrower::narrow(tensor::InsertSliceOp op) {
  if (isNarrow(op.getSource()) || isNarrow(op.getDest())) {
    convertOperand(op.getSourceMutable(), getNarrow());
    convertOperand(op.getDestMutable(), getNarrow());
  }
  follow(op.getResult(), op.getSource());
}

void Narrower::narrow(linalg::TransposeOp op) {
  Value input = op.getInput();
  if (isNarrow(input) && isF32(op->getResult(0))) {
    Value empty = tensor::EmptyOp::create(
        builder, op.getLoc(), tensorType(op->getResult(0)).getShape(), getNarrow());
    auto twin =
        linalg::TransposeOp::create(builder, op.getLoc(), input, empty, op.getPermutation());
    op->getResult(0).replaceAllUsesWith(twin->getResult(0));
    op.erase();
    return;
  }
  mark(op->getResult(0), input);
}

void Narrower::narrow(linalg::GenericOp op) {
  bool readsData = false;
  Growth growth(*this);
  for (OpOperand *input : op.getDpsInputOperands()) {
    readsData |= isData(input->get());
    BlockArgument argument = op.getMatchingBlockArgument(input);
    if (isLarge(input->get()))
      growth.addLarge(argument);
    widenArgument(*input, argument);
  }
  // Reductions add up in f32. Their results, statistics, stay f32.
  if (!readsData || op.getNumReductionLoops() > 0)
    return;
  for (auto [i, result] : llvm::enumerate(op.getResults())) {
    if (!isF32(result))
      continue;
    if (growth.mayGrow(op.getBody()->getTerminator()->getOperand(i)))
      addLarge(result);
    else if (staysF32(result) || !canRetype(op, i))
      addData(result);
    else
      retype(op, i);
  }
}

/// Lets the argument of a body, which is f32, have the type of a narrow operand.
void Narrower::widenArgument(OpOperand &operand, BlockArgument argument) {
  if (!isNarrow(operand.get()) || !argument.getType().isF32())
    return;
  argument.setType(getNarrow());
  if (argument.use_empty())
    return;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(argument.getOwner());
  auto wide = arith::ExtFOp::create(builder, operand.getOwner()->getLoc(), getF32(), argument);
  argument.replaceAllUsesExcept(wide, wide);
}

/// Lets the region of a layer read narrow operands, and give an element of the result's type.
void Narrower::narrowEpilogue(EpilogueRegionOpInterface op) {
  if (!op.hasEpilogueRegion())
    return;
  Block &body = op.getEpilogue().front();
  MutableOperandRange inputs = op.getEpilogueInputsMutable();
  for (auto [i, argument] : llvm::enumerate(body.getArguments().drop_front()))
    widenArgument(inputs[i], argument);
  Operation *yield = body.getTerminator();
  Type element = getElementTypeOrSelf(op->getResult(0).getType());
  if (yield->getOperand(0).getType() == element)
    return;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(yield);
  yield->setOperand(
      0, builder.createOrFold<arith::TruncFOp>(op->getLoc(), element, yield->getOperand(0)));
}

void Narrower::narrow(func::ReturnOp op) {
  for (auto [operand, type] : llvm::zip(op->getOpOperands(), function.getResultTypes()))
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      convertOperand(operand, tensor.getElementType());
}

/// Whether a linalg operation can store its result in the narrow type instead: it never reads
/// its destination.
bool Narrower::canRetype(linalg::GenericOp op, unsigned result) {
  OpOperand *init = op.getDpsInitOperand(result);
  return init->get().getDefiningOp<tensor::EmptyOp>() &&
         op.getMatchingBlockArgument(init).use_empty();
}

/// Makes a linalg operation store a result in the narrow type.
void Narrower::retype(linalg::GenericOp op, unsigned result) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(op);
  OpOperand *init = op.getDpsInitOperand(result);
  RankedTensorType type = tensorType(init->get()).clone(getNarrow());
  init->set(tensor::EmptyOp::create(builder, op.getLoc(), type.getShape(), getNarrow()));
  op.getMatchingBlockArgument(init).setType(getNarrow());
  Operation *yield = op.getBody()->getTerminator();
  Value value = yield->getOperand(result);
  builder.setInsertionPoint(yield);
  yield->setOperand(result,
                    builder.createOrFold<arith::TruncFOp>(op.getLoc(), getNarrow(), value));
  if (Operation *wide = value.getDefiningOp(); wide && isOpTriviallyDead(wide))
    wide->erase();
  op->getResult(result).setType(type);
}

/// `value`, if it is f32 or narrow, with elements of type `element`.
Value Narrower::convert(Value value, Type element) {
  if ((!isF32(value) && !isNarrow(value)) || tensorType(value).getElementType() == element)
    return value;
  Value &known = converted[{value, element}];
  if (known)
    return known;
  if (element == getNarrow()) {
    if (auto constant = value.getDefiningOp<arith::ConstantOp>())
      return known = createConstant(
                 builder, value.getLoc(),
                 roundConstant(cast<ElementsAttr>(constant.getValue()), element));
    if (auto fill = value.getDefiningOp<linalg::FillOp>())
      if (std::optional<double> number = getNumber(fill.value())) {
        Value scalar = arith::ConstantOp::create(builder, value.getLoc(),
                                                 builder.getFloatAttr(element, *number));
        Value empty = tensor::EmptyOp::create(builder, value.getLoc(),
                                              tensorType(value).getShape(), getNarrow());
        return known =
                   linalg::FillOp::create(builder, value.getLoc(), scalar, empty).getResult(0);
      }
    // If nothing else reads the f32 value, its operation can store the narrow one itself.
    auto generic = value.getDefiningOp<linalg::GenericOp>();
    if (generic && value.hasOneUse() && generic.getNumReductionLoops() == 0) {
      unsigned result = cast<OpResult>(value).getResultNumber();
      if (canRetype(generic, result)) {
        retype(generic, result);
        return value;
      }
    }
  }
  return known = copyAs(value, element);
}

/// A copy of `value` with elements of type `element`.
Value Narrower::copyAs(Value value, Type element) {
  RankedTensorType type = tensorType(value);
  Value empty = tensor::EmptyOp::create(builder, value.getLoc(), type.getShape(), element);
  AffineMap map = builder.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> loops(type.getRank(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, value.getLoc(), empty.getType(), value, empty, ArrayRef{map, map}, loops,
             [&](OpBuilder &b, Location loc, ValueRange elements) {
               Value result =
                   element == getNarrow()
                       ? arith::TruncFOp::create(b, loc, element, elements[0]).getResult()
                       : arith::ExtFOp::create(b, loc, element, elements[0]).getResult();
               linalg::YieldOp::create(b, loc, result);
             })
      .getResult(0);
}

struct NarrowFloats : convoy::cnn::impl::CnnNarrowFloatsBase<NarrowFloats> {
  void runOnOperation() override {
    FailureOr<TargetAttr> target = requireTarget(getOperation());
    if (failed(target))
      return signalPassFailure();
    if (!target->getDataType().isF32())
      Narrower(getOperation(), *target).run();
  }
};

} // namespace
