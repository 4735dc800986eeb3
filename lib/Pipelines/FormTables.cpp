//===- FormTables.cpp - Pass cnn-form-tables ------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/IR/EpilogueBody.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Machine/ByteShuffle.h"
#include "convoy/Pipelines/ConstantPrograms.h"
#include "convoy/Pipelines/Passes.h"
#include "convoy/Pipelines/Pipelines.h"
#include "convoy/Transforms/Utils/Rounding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>

namespace convoy {
#define GEN_PASS_DEF_CNNFORMTABLES
#include "convoy/Pipelines/Passes.h.inc"
} // namespace convoy

using namespace mlir;
using namespace convoy;

/// The most elements of a table.
static constexpr int64_t kMaxElements = 256;
/// A lookup takes about as long as simple operations of this cost.
static constexpr int64_t kLookupCost = 24;

//===----------------------------------------------------------------------===//
// What a table can compute
//===----------------------------------------------------------------------===//

namespace {

/// A value of a body that has few values.
struct Source {
  Value value;
  /// The smallest number, of a float; bytes count from 0.
  int64_t low = 0;
  int64_t count = kMaxElements;

  bool isByte() const { return value.getType().isInteger(8); }

  static std::optional<Source> get(Value value);
};

/// The operations of a body that compute `result` from a source and constants alone.
struct Chain {
  linalg::GenericOp reader;
  Source source;
  SetVector<Operation *> ops;
  Value result;
};

} // namespace

/// A byte that the operation reads, or a float that was rounded and is within limits.
std::optional<Source> Source::get(Value value) {
  if (isa<BlockArgument>(value))
    return value.getType().isInteger(8) ? std::optional(Source{value}) : std::nullopt;
  auto rounding = value.getDefiningOp<math::RoundEvenOp>();
  std::optional<cnn::FloatRange> range = rounding && value.getType().isF32()
                                             ? cnn::getRange(rounding.getOperand())
                                             : std::nullopt;
  if (!range || !(range->high - range->low < kMaxElements) || std::abs(range->low) > 1 << 20)
    return std::nullopt;
  double low = std::nearbyint(range->low), high = std::nearbyint(range->high);
  if (high - low >= kMaxElements)
    return std::nullopt;
  // The table does not tell -0.0 from 0.0, nor do sums and integers.
  auto ignoresSign = [](Operation *user) {
    return isa<arith::FPToSIOp>(user) ||
           (isa<arith::AddFOp>(user) && matchPattern(user->getOperand(1), m_Constant()));
  };
  if (std::signbit(low) && !llvm::all_of(value.getUsers(), ignoresSign))
    return std::nullopt;
  return Source{value, int64_t(low), int64_t(high - low) + 1};
}

/// About how many simple operations take as long.
static int64_t getCost(Operation *op) {
  if (isa<arith::DivFOp, math::SqrtOp>(op))
    return 8;
  if (isa<math::FmaOp, math::RoundEvenOp, math::AbsFOp, math::FloorOp, math::CeilOp>(op))
    return 1;
  return isa<math::MathDialect>(op->getDialect()) ? 20 : 1;
}

/// Whether a table can have the values of this type.
static bool isElement(Type type) {
  return type.isF32() || type.isInteger(8) || type.isInteger(16) || type.isInteger(32);
}

namespace {

/// Finds the chains of a body that take longer than a lookup.
class ChainFinder {
public:
  explicit ChainFinder(linalg::GenericOp reader) : reader(reader) {}
  SmallVector<Chain> run();

private:
  void add(Value value);

  linalg::GenericOp reader;
  SmallVector<Chain> chains;
  /// The operations of all chains.
  DenseSet<Operation *> covered;
};

} // namespace

void ChainFinder::add(Value value) {
  std::optional<Source> source = Source::get(value);
  if (!source)
    return;
  Block *body = reader.getBody();
  DenseSet<Value> derived = {value};
  auto isKnown = [&](Value operand) {
    return derived.contains(operand) || matchPattern(operand, m_Constant());
  };
  auto isDerived = [&](Value operand) { return derived.contains(operand); };
  for (Operation &op : body->without_terminator())
    if (op.getNumResults() == 1 && op.getNumRegions() == 0 && isPure(&op) &&
        llvm::any_of(op.getOperands(), isDerived) && llvm::all_of(op.getOperands(), isKnown))
      derived.insert(op.getResult(0));
  for (Operation &op : *body) {
    for (Value result : op.getOperands()) {
      Operation *last = result.getDefiningOp();
      bool isInside = op.getNumResults() == 1 && derived.contains(op.getResult(0));
      if (isInside || result == value || !derived.contains(result) || covered.contains(last) ||
          !isElement(result.getType()))
        continue;
      Chain chain = {reader, *source, {}, result};
      int64_t cost = 0;
      chain.ops.insert(last);
      for (size_t i = 0; i < chain.ops.size(); ++i) {
        cost += getCost(chain.ops[i]);
        for (Value operand : chain.ops[i]->getOperands())
          if (operand != value && derived.contains(operand))
            chain.ops.insert(operand.getDefiningOp());
      }
      if (cost <= kLookupCost)
        continue;
      covered.insert_range(chain.ops);
      chains.push_back(std::move(chain));
    }
  }
}

SmallVector<Chain> ChainFinder::run() {
  for (BlockArgument argument : reader.getBody()->getArguments())
    add(argument);
  // What depends on a rounded number does so on all that follows from it: the first decides.
  for (Operation &op : reader.getBody()->without_terminator())
    if (isa<math::RoundEvenOp>(op) && !covered.contains(&op))
      add(op.getResult(0));
  return std::move(chains);
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// An operation before the reader that computes all elements of the table. It has the
/// operations of the chain, so it rounds as they do.
static linalg::GenericOp createProgram(Chain &chain) {
  OpBuilder b(chain.reader);
  Location loc = chain.result.getDefiningOp()->getLoc();
  const Source &source = chain.source;
  Type from = source.value.getType(), to = chain.result.getType();
  std::vector<float> floats;
  std::vector<int8_t> bytes;
  for (int64_t i = 0; i < source.count; ++i) {
    floats.push_back(float(source.low + i));
    bytes.push_back(int8_t(i));
  }
  auto type = RankedTensorType::get({source.count}, from);
  Value numbers =
      cnn::createConstant(b, loc,
                          source.isByte() ? cnn::makeConstant(type, std::move(bytes))
                                          : cnn::makeConstant(type, std::move(floats)));
  Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>{source.count}, to);
  SmallVector<AffineMap> maps(2, b.getMultiDimIdentityMap(1));
  auto emit = [&](OpBuilder &inner, Location, ValueRange arguments) {
    IRMapping mapping;
    mapping.map(source.value, arguments[0]);
    for (Operation &op : chain.reader.getBody()->without_terminator())
      if (chain.ops.contains(&op))
        inner.clone(op, mapping);
    linalg::YieldOp::create(inner, loc, mapping.lookup(chain.result));
  };
  return linalg::GenericOp::create(b, loc, TypeRange{empty.getType()}, ValueRange{numbers},
                                   ValueRange{empty}, maps,
                                   SmallVector(1, utils::IteratorType::parallel), emit);
}

/// Lets the reader look up what the chain computes.
static void lookUp(Chain &chain, ElementsAttr elements) {
  Operation *last = chain.result.getDefiningOp();
  Location loc = last->getLoc();
  OpBuilder b(chain.reader);
  std::optional<cnn::ConstantData> data = cnn::ConstantData::get(elements);
  auto type = VectorType::get(data->getShape(), data->getElementType());
  Value table = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::getFromRawBuffer(type, data->getBytes()));
  const Source &source = chain.source;
  Value low = source.low ? arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(source.low))
                         : Value();
  b.setInsertionPoint(last);
  Value index =
      source.isByte()
          ? arith::ExtUIOp::create(b, loc, b.getI32Type(), source.value).getResult()
          : arith::FPToSIOp::create(b, loc, b.getI32Type(), source.value).getResult();
  if (low)
    index = arith::SubIOp::create(b, loc, index, low);
  Value position = arith::IndexCastOp::create(b, loc, b.getIndexType(), index);
  Value result = vector::ExtractOp::create(b, loc, table, OpFoldResult(position));
  chain.result.replaceAllUsesWith(result);
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*chain.reader.getBody())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

/// If a table has bytes, and the reader's result is looked up there, makes that an operation
/// of its own, where a kernel looks up many at once (see isByteLookup). The reader then stores
/// the indices.
static void lookUpApart(linalg::GenericOp reader) {
  FailureOr<cnn::TargetAttr> target = cnn::requireTarget(reader);
  Operation *yield = reader.getBody()->getTerminator();
  Operation *last = yield->getOperand(0).getDefiningOp();
  std::optional<cnn::TableLookup> lookup;
  if (last)
    lookup = cnn::TableLookup::get(last);
  if (!lookup || !hasByteShuffle(*target) || !cnn::ByteTable::get(lookup->table) ||
      reader->getNumResults() != 1 ||
      reader.payloadUsesValueFromOperand(reader.getDpsInitOperand(0)))
    return;
  auto type = cast<RankedTensorType>(reader->getResult(0).getType());
  auto wide = lookup->index.getDefiningOp<arith::ExtUIOp>();
  if (wide && reader.getNumDpsInputs() == 1)
    return;
  OpBuilder b(reader);
  Location loc = reader.getLoc();
  auto bytes = RankedTensorType::get(type.getShape(), b.getI8Type());
  Value empty = tensor::EmptyOp::create(b, loc, type.getShape(), b.getI8Type());
  Value init = reader.getDpsInits()[0];
  b.setInsertionPoint(yield);
  Value index = arith::TruncIOp::create(b, loc, b.getI8Type(), lookup->index);
  yield->setOperand(0, index);
  reader.getDpsInitOperand(0)->set(empty);
  reader.getBody()->getArguments().back().setType(b.getI8Type());
  reader->getResult(0).setType(bytes);

  b.setInsertionPointAfter(reader);
  Value table = cast<vector::ExtractOp>(last).getSource();
  SmallVector<AffineMap> maps(2, b.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> loops(type.getRank(), utils::IteratorType::parallel);
  auto emit = [&](OpBuilder &inner, Location, ValueRange arguments) {
    Value number = arith::ExtUIOp::create(inner, loc, inner.getI32Type(), arguments[0]);
    Value position = arith::IndexCastOp::create(inner, loc, inner.getIndexType(), number);
    Value result = vector::ExtractOp::create(inner, loc, table, OpFoldResult(position));
    linalg::YieldOp::create(inner, loc, result);
  };
  auto apart = linalg::GenericOp::create(b, loc, TypeRange{type}, reader->getResults(),
                                         ValueRange{init}, maps, loops, emit);
  reader->getResult(0).replaceAllUsesExcept(apart->getResult(0), apart);
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*reader.getBody())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

namespace {

struct FormTables : convoy::impl::CnnFormTablesBase<FormTables> {
  using CnnFormTablesBase::CnnFormTablesBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<vector::VectorDialect>();
    addConstantProgramDialects(registry);
  }

  void runOnOperation() override {
    SmallVector<linalg::GenericOp> readers;
    WalkResult walked = getOperation().walk([&](linalg::GenericOp op) -> WalkResult {
      FailureOr<cnn::TargetAttr> target = cnn::requireTarget(op);
      if (failed(target))
        return failure();
      if (!target->getGpu() && op.hasPureTensorSemantics())
        readers.push_back(op);
      return success();
    });
    if (walked.wasInterrupted())
      return signalPassFailure();
    SmallVector<Chain> chains;
    for (linalg::GenericOp reader : readers)
      llvm::append_range(chains, ChainFinder(reader).run());
    SmallVector<linalg::GenericOp> programs = llvm::map_to_vector(chains, createProgram);
    SmallVector<Value> tables;
    for (linalg::GenericOp program : programs)
      tables.push_back(program->getResult(0));
    for (auto [chain, elements] :
         llvm::zip_equal(chains, evaluateOnHost(tables, Phase::Schedule)))
      if (elements)
        lookUp(chain, elements);
    for (linalg::GenericOp reader : readers)
      lookUpApart(reader);
    for (linalg::GenericOp program : programs) {
      Operation *numbers = program.getDpsInputs()[0].getDefiningOp();
      Operation *empty = program.getDpsInits()[0].getDefiningOp();
      for (Operation *op : {program.getOperation(), numbers, empty})
        op->erase();
    }
  }
};

} // namespace
