//===- ConstantPrograms.cpp - Values that depend on constants alone -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Pipelines/ConstantPrograms.h"

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Dialect/Cnn/Utils/Program.h"
#include "convoy/Machine/TargetDescription.h"
#include "convoy/Pipelines/Pipelines.h"
#include "convoy/Target/RunOnHost.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace convoy;

/// Larger results are computed only from constants of about that size.
static constexpr int64_t kAlwaysAllowedBytes = 16 << 20, kAllowedGrowth = 4;
/// The memory that a run may need, apart from its inputs and results.
static constexpr int64_t kMemoryLimit = int64_t(4) << 30;

//===----------------------------------------------------------------------===//
// What can be evaluated
//===----------------------------------------------------------------------===//

static bool isConstant(Value value) { return matchPattern(value, m_Constant()); }

/// Whether the values of this type have at least one element and a size that is known.
static bool hasElements(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape() && tensor.getNumElements() > 0 &&
         cnn::getElementBytes(tensor.getElementType());
}

/// Whether `op` can be evaluated once its operands are known: a pure operation on tensors, in
/// value form and outside of other operations.
static bool isEvaluable(Operation *op) {
  if (!isa_and_nonnull<func::FuncOp>(op->getParentOp()) || op->getNumResults() == 0)
    return false;
  if (!isa<cnn::CnnDialect, tensor::TensorDialect, linalg::LinalgDialect>(op->getDialect()) ||
      isa<cnn::CommunicationOpInterface>(op) || !isMemoryEffectFree(op))
    return false;
  if (auto destination = dyn_cast<cnn::DestinationOpInterface>(op))
    if (destination.getDestination())
      return false;
  return llvm::all_of(op->getResultTypes(), hasElements) &&
         llvm::all_of(op->getOperandTypes(), hasElements);
}

/// The operands that have to be constants when the phases compile `op`.
static SmallVector<Value> getParameters(Operation *op) {
  SmallVector<Value> parameters;
  if (auto layer = dyn_cast<cnn::ScheduledOpInterface>(op)) {
    parameters.push_back(layer.getFilter());
    if (Value bias = layer.getBias())
      parameters.push_back(bias);
  } else if (isa<cnn::BatchNormOp>(op)) {
    llvm::append_range(parameters, op->getOperands().drop_front());
  }
  return parameters;
}

namespace {

using KnownValues = DenseMap<Value, ElementsAttr>;

/// The operations that compute a value from constants alone, and from values that are known
/// already.
class Slice {
public:
  explicit Slice(const KnownValues &known) : known(known) {}

  /// Adds the operations that compute `root`. If one of them depends on an argument or cannot
  /// be evaluated, fails and adds none.
  LogicalResult add(Value root);

  /// Operations after those that they depend on; constants are not among them.
  ArrayRef<Operation *> getOps() const { return ops.getArrayRef(); }
  ArrayRef<Value> getConstants() const { return constants.getArrayRef(); }
  /// Whether `result` takes far more memory than the constants.
  bool isTooSmallFor(Value result) const;

private:
  const KnownValues &known;
  SetVector<Operation *> ops;
  SetVector<Value> constants;
};

} // namespace

LogicalResult Slice::add(Value root) {
  size_t oldOps = ops.size(), oldConstants = constants.size();
  // Depth first, without recursion: networks are deep.
  SmallVector<std::pair<Value, bool>> stack;
  stack.push_back({root, false});
  while (!stack.empty()) {
    auto [value, operandsDone] = stack.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (op && ops.contains(op))
      continue;
    if (known.contains(value) || (op && isConstant(value))) {
      constants.insert(value);
      continue;
    }
    if (operandsDone) {
      ops.insert(op);
      continue;
    }
    if (!op || !isEvaluable(op)) {
      while (ops.size() > oldOps)
        ops.pop_back();
      while (constants.size() > oldConstants)
        constants.pop_back();
      return failure();
    }
    stack.push_back({value, true});
    SetVector<Value> used = cnn::getUsedValues(op);
    for (Value operand : llvm::reverse(used))
      stack.push_back({operand, false});
  }
  return success();
}

static int64_t getBytes(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? tensor.getNumElements() *
                      cnn::getElementBytes(tensor.getElementType()).value_or(0)
                : 0;
}

bool Slice::isTooSmallFor(Value result) const {
  int64_t bytes = 0;
  for (Value constant : constants)
    bytes += getBytes(constant.getType());
  return getBytes(result.getType()) > std::max(kAlwaysAllowedBytes, kAllowedGrowth * bytes);
}

//===----------------------------------------------------------------------===//
// What is worth evaluating
//===----------------------------------------------------------------------===//

/// Whether `value` only repeats the elements of a smaller tensor.
static bool isRepeated(Value value) {
  Operation *op = value.getDefiningOp();
  while (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
    op = op->getOperand(0).getDefiningOp();
  auto broadcast = dyn_cast_if_present<cnn::BroadcastOp>(op);
  return broadcast && getBytes(value.getType()) > getBytes(broadcast.getInput().getType());
}

/// Whether the program is better off with the operation than with its result.
static bool isWorthKeeping(Value value) {
  static const KnownValues nothing;
  Slice slice(nothing);
  return isRepeated(value) || failed(slice.add(value)) || slice.isTooSmallFor(value);
}

SmallVector<Value> convoy::findConstantResults(Block &block) {
  DenseSet<Value> fixed;
  for (Operation &op : block)
    if (matchPattern(&op, m_Constant()) ||
        (isEvaluable(&op) && llvm::all_of(cnn::getUsedValues(&op),
                                          [&](Value used) { return fixed.contains(used); })))
      fixed.insert_range(op.getResults());
  auto isRead = [&](Value value) {
    return llvm::any_of(value.getUsers(), [&](Operation *user) {
      Operation *reader = block.findAncestorOpInBlock(*user);
      return reader->getNumResults() == 0 || !fixed.contains(reader->getResult(0));
    });
  };
  SmallVector<Value> results;
  // Readers come before what they read, so an operation that stays passes the question on.
  for (Operation &op : llvm::reverse(block)) {
    if (op.getNumOperands() == 0)
      continue;
    for (Value result : op.getResults()) {
      if (!fixed.contains(result) || !isRead(result))
        continue;
      if (isWorthKeeping(result))
        fixed.erase(result);
      else
        results.push_back(result);
    }
  }
  std::reverse(results.begin(), results.end());
  return results;
}

//===----------------------------------------------------------------------===//
// The program
//===----------------------------------------------------------------------===//

/// The target of constant programs: named, so that the results have the same bits on every
/// machine of its architecture, as far as that can run its code.
static llvm::Expected<cnn::TargetAttr> describeHost(MLIRContext *context) {
  llvm::Triple triple(llvm::sys::getProcessTriple());
  if (triple.getArch() == llvm::Triple::aarch64)
    return describeTarget(context, triple.str(), "generic");
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  bool hasUsual = llvm::all_of(
      ArrayRef{"avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "popcnt", "xsave"},
      [&](StringRef feature) { return features.lookup(feature); });
  return describeTarget(context, triple.str(), hasUsual ? "x86-64-v3" : "native");
}

namespace {

/// A module whose `@main` computes values of a slice.
class ConstantProgram {
public:
  ConstantProgram(const Slice &slice, const KnownValues &known, ArrayRef<Value> results);

  /// Compiles the program, from the phase `first` on, and runs it. Empty if that fails.
  SmallVector<ElementsAttr> run(Phase first);

private:
  void addConstant(OpBuilder &builder, func::FuncOp function, Value value, bool isParameter);
  ArrayAttr describe(TypeRange types);

  const KnownValues &known;
  MLIRContext *context;
  OwningOpRef<ModuleOp> module;
  IRMapping mapping;
  /// Large constants are inputs of the program, so that they are not copied.
  SmallVector<cnn::ConstantData> inputs;
  SmallVector<RankedTensorType> resultTypes;
};

} // namespace

ConstantProgram::ConstantProgram(const Slice &slice, const KnownValues &known,
                                 ArrayRef<Value> results)
    : known(known), context(results.front().getContext()) {
  Location loc = results.front().getLoc();
  module = ModuleOp::create(loc);
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  auto function = func::FuncOp::create(builder, loc, "main", builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  DenseSet<Value> parameters;
  for (Operation *op : slice.getOps())
    parameters.insert_range(getParameters(op));
  for (Value constant : slice.getConstants())
    addConstant(builder, function, constant, parameters.contains(constant));
  for (Operation *op : slice.getOps())
    builder.clone(*op, mapping)->setDiscardableAttrs(ArrayRef<NamedAttribute>());
  SmallVector<Value> returned;
  for (Value result : results) {
    returned.push_back(mapping.lookup(result));
    resultTypes.push_back(cast<RankedTensorType>(result.getType()));
  }
  func::ReturnOp::create(builder, loc, returned);
  TypeRange argumentTypes = function.getBody().getArgumentTypes();
  function.setFunctionType(builder.getFunctionType(argumentTypes, ValueRange(returned)));
  (*module)->setAttr("cnn.inputs", describe(argumentTypes));
  (*module)->setAttr("cnn.outputs", describe(ValueRange(returned).getTypes()));
}

void ConstantProgram::addConstant(OpBuilder &builder, func::FuncOp function, Value value,
                                  bool isParameter) {
  ElementsAttr attribute = known.lookup(value);
  if (!attribute && !matchPattern(value, m_Constant(&attribute))) {
    builder.clone(*value.getDefiningOp(), mapping); // A scalar.
    return;
  }
  std::optional<cnn::ConstantData> data = cnn::ConstantData::get(attribute);
  bool isLarge = data && !data->isSplat() && data->getNumElements() > cnn::kMaxInlineElements;
  if (isParameter || !isLarge) {
    mapping.map(value, cnn::createConstant(builder, value.getLoc(), attribute));
    return;
  }
  inputs.push_back(*data);
  mapping.map(value, function.getBody().addArgument(value.getType(), value.getLoc()));
}

/// What `cnn.inputs` or `cnn.outputs` say about tensors.
ArrayAttr ConstantProgram::describe(TypeRange types) {
  Builder builder(context);
  SmallVector<Attribute> descriptions;
  for (Type type : types)
    descriptions.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr("name", builder.getStringAttr("t" + Twine(descriptions.size()))),
         builder.getNamedAttr("type", TypeAttr::get(type))}));
  return builder.getArrayAttr(descriptions);
}

SmallVector<ElementsAttr> ConstantProgram::run(Phase first) {
  llvm::Expected<cnn::TargetAttr> target = describeHost(context);
  if (!target) {
    llvm::consumeError(target.takeError());
    return {};
  }
  (*module)->setAttr(cnn::kTargetAttrName, *target);
  PipelineOptions options;
  options.isConstantProgram = true;
  options.schedule.convAlgorithm = cnn::stringifyAlgorithm(cnn::Algorithm::direct).str();
  if (failed(runPhases(*module, first, Phase::Target, options)))
    return {};

  SmallVector<const void *> arguments;
  for (const cnn::ConstantData &input : inputs)
    arguments.push_back(input.getBytes().data());
  SmallVector<AsmResourceBlob> blobs;
  SmallVector<void *> results;
  for (RankedTensorType type : resultTypes) {
    blobs.push_back(HeapAsmResourceBlob::allocate(getBytes(type), cnn::kBlobAlignment));
    results.push_back(blobs.back().getMutableData().data());
  }
  if (llvm::Error error = runOnHost(*module, arguments, results, kMemoryLimit)) {
    llvm::consumeError(std::move(error));
    return {};
  }
  SmallVector<ElementsAttr> values;
  for (auto [type, blob] : llvm::zip_equal(resultTypes, blobs))
    values.push_back(cnn::makeConstantFromBlob(type, std::move(blob)));
  return values;
}

//===----------------------------------------------------------------------===//
// Running it
//===----------------------------------------------------------------------===//

/// Computes those of `roots` that are not known, all in one program, and adds them to `known`.
/// If the program cannot be compiled, halves of the roots are computed by a program each.
static void evaluate(ArrayRef<Value> roots, KnownValues &known, Phase first) {
  Slice slice(known);
  SmallVector<Value> results;
  for (Value root : roots)
    if (!known.contains(root) && succeeded(slice.add(root)))
      results.push_back(root);
  if (results.empty())
    return;

  // Filters and the like have to be constants in the program, too, so they come first.
  SetVector<Value> parameters;
  for (Operation *op : slice.getOps())
    for (Value parameter : getParameters(op))
      if (!isConstant(parameter) && !known.contains(parameter))
        parameters.insert(parameter);
  if (!parameters.empty()) {
    evaluate(parameters.getArrayRef(), known, first);
    if (!llvm::all_of(parameters, [&](Value value) { return known.contains(value); }))
      return;
    return evaluate(results, known, first);
  }

  SmallVector<ElementsAttr> values = ConstantProgram(slice, known, results).run(first);
  if (values.empty()) {
    if (results.size() == 1)
      return;
    ArrayRef<Value> all = results;
    evaluate(all.take_front(all.size() / 2), known, first);
    evaluate(all.drop_front(all.size() / 2), known, first);
  }
  for (auto [result, value] : llvm::zip(results, values))
    known[result] = value;
}

void convoy::addConstantProgramDialects(DialectRegistry &registry) {
  PipelineOptions options;
  options.isConstantProgram = true;
  OpPassManager manager(ModuleOp::getOperationName());
  for (int phase = int(Phase::Simplify); phase <= int(Phase::Target); ++phase)
    buildPhase(manager, Phase(phase), options, /*hasGpu=*/false);
  manager.getDependentDialects(registry);
}

SmallVector<ElementsAttr> convoy::evaluateOnHost(ArrayRef<Value> values, Phase first) {
  if (values.empty())
    return {};
  KnownValues known;
  SmallVector<Value> roots;
  for (Value value : values) {
    Slice slice(known);
    if (value.getDefiningOp() && !isConstant(value) && succeeded(slice.add(value)) &&
        !slice.isTooSmallFor(value))
      roots.push_back(value);
  }
  {
    // What fails here stays in the program, whose compilation then says why.
    ScopedDiagnosticHandler quiet(values.front().getContext(),
                                  [](Diagnostic &) { return success(); });
    evaluate(roots, known, first);
  }
  for (Value root : roots)
    if (known.contains(root))
      emitRemark(root.getLoc()) << "depends on constants alone: its result of type "
                                << root.getType() << " is computed while compiling";
  return llvm::map_to_vector(values, [&](Value value) { return known.lookup(value); });
}
