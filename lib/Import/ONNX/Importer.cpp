//===- Importer.cpp - Walks an ONNX graph ---------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "Functions.h"
#include "SizeRules.h"

#include "convoy/Dialect/Cnn/Utils/Locations.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;

std::string convoy::onnximport::getNodeName(const onnx::NodeProto &node) {
  if (!node.name().empty())
    return node.name();
  std::string name = node.op_type() + ":";
  for (const std::string &output : node.output())
    if (!output.empty())
      return name + output;
  return name;
}

//===----------------------------------------------------------------------===//
// Diagnostics
//===----------------------------------------------------------------------===//

LogicalResult Importer::error(const Twine &message) {
  return emitError(cnn::getFileLoc(&context, path), cnn::makePrintable(message.str()));
}

LogicalResult Importer::nodeError(const onnx::NodeProto &node, const Twine &message) {
  // The name of a node in many graphs would fill the screen.
  constexpr size_t longest = 400;
  std::string name = getNodeName(node);
  if (name.size() > longest)
    name.replace(longest / 2, name.size() - longest, "...");
  return emitError(cnn::getNodeLoc(&context, name, node.op_type()),
                   cnn::makePrintable(message.str()));
}

void Importer::remark(const Twine &message) {
  emitRemark(cnn::getFileLoc(&context, path), cnn::makePrintable(message.str()));
}

//===----------------------------------------------------------------------===//
// Checks of the file
//===----------------------------------------------------------------------===//

std::optional<int64_t> convoy::onnximport::findDefaultOpset(
    const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto> &imports) {
  std::optional<int64_t> opset;
  for (const onnx::OperatorSetIdProto &import : imports)
    if (isDefaultDomain(import.domain()))
      opset = std::max<int64_t>(opset.value_or(import.version()), import.version());
  return opset;
}

const onnx::AttributeProto *convoy::onnximport::findRepeatedAttribute(
    const google::protobuf::RepeatedPtrField<onnx::AttributeProto> &attributes) {
  llvm::StringSet<> names;
  for (const onnx::AttributeProto &attribute : attributes)
    if (!names.insert(attribute.name()).second)
      return &attribute;
  return nullptr;
}

void Importer::remarkNewerOpset(int64_t opset, const Twine &where) {
  if (opset > kMaxOpset)
    remark("opset " + Twine(opset) + where + " is newer than the newest that is known, " +
           Twine(kMaxOpset) + ": operators are taken to mean what they mean there");
}

LogicalResult Importer::readVersions() {
  int64_t version = file->model.ir_version();
  if (version < kMinIRVersion)
    return error("IR version " + Twine(version) + " is not supported (" +
                 Twine(kMinIRVersion) +
                 " and later are): save the model with a newer version of onnx");
  if (version > kMaxIRVersion)
    remark("IR version " + Twine(version) + " is newer than the newest that is known, " +
           Twine(kMaxIRVersion) + ": the model is read as if it had that");
  std::optional<int64_t> opset = findDefaultOpset(file->model.opset_import());
  if (!opset)
    return error("names no opset of the default domain: the file may be truncated");
  if (*opset < 1)
    return error("has opset " + Twine(*opset) +
                 " of the default domain, opsets begin with 1: the file may be damaged");
  remarkNewerOpset(*opset, "");
  for (const onnx::FunctionProto &function : file->model.functions())
    remarkNewerOpset(findDefaultOpset(function.opset_import()).value_or(0),
                     " of the function '" + function.name() + "'");
  llvm::Expected<std::vector<int64_t>> opsets =
      inlineFunctions(file->model.functions(), *graph, *opset);
  if (!opsets)
    return error(toString(opsets.takeError()));
  for (int64_t nodeOpset : *opsets)
    nodes.push_back({nodeOpset});
  return success();
}

//===----------------------------------------------------------------------===//
// Inputs and initializers
//===----------------------------------------------------------------------===//

LogicalResult Importer::addArguments() {
  std::vector<const onnx::ValueInfoProto *> inputs;
  for (const onnx::ValueInfoProto &input : graph->input()) {
    auto initializer = initializers.find(input.name());
    // An initializer of an input is only the value that it has if nobody gives another one.
    bool isBound = llvm::any_of(options.bindings, [&](const InputBinding &binding) {
      return binding.name == input.name();
    });
    if (initializer == initializers.end() || isBound) {
      inputs.push_back(&input);
      continue;
    }
    if (failed(checkListedInitializer(input, initializer->second)))
      return failure();
  }
  for (const onnx::ValueInfoProto *input : inputs) {
    int32_t dataType = input->type().tensor_type().elem_type();
    if (!input->type().has_tensor_type())
      return error("input '" + input->name() + "' is not a tensor, which is not supported");
    if (!convertDataType(&context, dataType))
      return error("input '" + input->name() + "' has element type " +
                   stringifyDataType(dataType) + ", which is not supported");
  }
  if (failed(readBindings(inputs)) || failed(readLimits(inputs)))
    return failure();
  auto shapes = resolveInputShapes(inputs, options.shapes, bound);
  if (!shapes)
    return error(toString(shapes.takeError()));

  Block &body = *function.addEntryBlock();
  builder.setInsertionPointToEnd(&body);
  for (auto [input, shape] : llvm::zip(inputs, *shapes)) {
    int32_t dataType = input->type().tensor_type().elem_type();
    llvm::Expected<int64_t> size = getByteSize(shape, getDataTypeSize(dataType));
    if (!size)
      return error("input '" + input->name() + "' " + toString(size.takeError()));
    auto type = RankedTensorType::get(shape, convertDataType(&context, dataType));
    auto loc = NameLoc::get(builder.getStringAttr(input->name()));
    if (auto value = bound.find(input->name()); value != bound.end()) {
      values[input->name()] = cnn::createConstant(
          builder, loc, cantFail(makeAttribute(std::move(value->second.data), input->name())));
      continue;
    }
    Value argument = body.addArgument(type, loc);
    if (type.getNumElements()) {
      FailureOr<Value> value = limitInput(input->name(), argument);
      if (failed(value))
        return failure();
      values[input->name()] = *value;
      fed.insert(input->name());
    } else { // Nothing needs to be read of it.
      values[input->name()] =
          cnn::createConstant(builder, loc, cnn::makeConstantFromBytes(type, {}));
    }
    inputDescriptions.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr("name", builder.getStringAttr(input->name())),
         builder.getNamedAttr("type", TypeAttr::get(type))}));
  }
  return success();
}

std::pair<ArrayRef<int64_t>, int32_t> Importer::getInitializerType(int number) const {
  if (number < graph->initializer_size()) {
    const onnx::TensorProto &tensor = graph->initializer(number);
    return {{tensor.dims().data(), size_t(tensor.dims().size())}, tensor.data_type()};
  }
  const onnx::SparseTensorProto &tensor =
      graph->sparse_initializer(number - graph->initializer_size());
  return {{tensor.dims().data(), size_t(tensor.dims().size())}, tensor.values().data_type()};
}

llvm::Expected<ElementsAttr> Importer::readTensor(onnx::TensorProto &tensor, StringRef name,
                                                  MappedFile *mapped,
                                                  std::optional<Extent> rawData) {
  return makeAttribute(reader.read(tensor, mapped, rawData), name);
}

llvm::Expected<ElementsAttr> Importer::readTensor(onnx::SparseTensorProto &tensor,
                                                  StringRef name) {
  return makeAttribute(reader.readSparse(tensor), name);
}

llvm::Expected<ElementsAttr> Importer::makeAttribute(llvm::Expected<TensorData> data,
                                                     StringRef name) {
  if (!data)
    return data.takeError();
  return makeElementsAttr(&context, std::move(*data), name);
}

Value Importer::getValue(StringRef name) {
  Value &value = values[name];
  auto initializer = initializers.find(name);
  if (value || initializer == initializers.end())
    return getEvaluated(value);
  int index = initializer->second, sparse = index - graph->initializer_size();
  llvm::Expected<ElementsAttr> attribute =
      sparse < 0 ? readTensor(*graph->mutable_initializer(index), name, file->file.get(),
                              file->rawData[index])
                 : readTensor(*graph->mutable_sparse_initializer(sparse), name);
  if (!attribute) {
    (void)error("initializer '" + name + "' " + toString(attribute.takeError()));
    return {};
  }
  value = cnn::createConstant(builder, NameLoc::get(builder.getStringAttr(name)), *attribute);
  return value;
}

void Importer::evaluate(ArrayRef<Value> candidates) {
  SmallVector<Value> wanted;
  for (Value value : candidates)
    if (options.evaluate && value && value.getDefiningOp() && !cnn::ConstantData::get(value) &&
        !evaluated.contains(value) && !llvm::is_contained(wanted, value))
      wanted.push_back(value);
  if (wanted.empty())
    return;
  for (auto [value, attribute] : llvm::zip_equal(wanted, options.evaluate(wanted))) {
    Value &constant = evaluated[value];
    if (!attribute)
      continue;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfterValue(value);
    constant = cnn::createConstant(builder, value.getLoc(), attribute);
    value.replaceAllUsesWith(constant);
  }
}

int32_t Importer::getDataType(StringRef name) const {
  if (auto found = initializers.find(name); found != initializers.end())
    return getInitializerType(found->second).second;
  if (auto found = producers.find(name); found != producers.end())
    for (const onnx::AttributeProto &attribute : graph->node(found->second).attribute())
      if (attribute.name() == "value" && attribute.has_t())
        return attribute.t().data_type();
  for (const onnx::ValueInfoProto &input : graph->input())
    if (input.name() == name)
      return input.type().tensor_type().elem_type();
  return onnx::TensorProto::UNDEFINED;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

LogicalResult Importer::checkInputTypes(NodeImporter &node, const OpEntry &entry) {
  if (node.getNumInputs() > entry.maxInputs)
    return node.error("has " + Twine(node.getNumInputs()) + " inputs, at most " +
                      Twine(entry.maxInputs) + " are expected in opset " +
                      Twine(node.getOpset()));
  for (unsigned i = 0; i < std::max(node.getNumInputs(), entry.minInputs); ++i) {
    Value input = node.getInput(i);
    bool mayMiss =
        i < entry.optional || (i >= entry.minInputs && entry.maxInputs != kVariadic);
    if (!input && !mayMiss)
      return node.error("has no input " + Twine(i));
    if (input && !entry.types[i].contains(NodeImporter::getElementType(input))) {
      Type type = NodeImporter::getElementType(input);
      std::string name;
      llvm::raw_string_ostream(name) << type;
      bool isOnlyStored = (kSmallInteger | kSmallFloat).contains(type);
      return node.error(
          node.describeInput(i) + " has element type " + name +
          (isOnlyStored ? ", which ONNX only stores: cast it to " : ", expected ") +
          entry.types[i].explain());
    }
  }
  return success();
}

LogicalResult Importer::importNode(int index) {
  onnx::NodeProto &proto = *graph->mutable_node(index);
  int64_t opset = nodes[index].opset;
  nodes[index].isImported = true;
  auto loc = NameLoc::get(builder.getStringAttr(getNodeName(proto)));
  NodeImporter node(*this, proto, builder, loc, opset);
  for (const std::string &input : proto.input()) {
    Value value = input.empty() ? Value() : getValue(input);
    if (!input.empty() && !value)
      return failure(); // An initializer that could not be read.
    node.addInput(value);
    node.addSizes(sizes.lookup(input));
  }
  if (const onnx::AttributeProto *twice = findRepeatedAttribute(proto.attribute()))
    return nodeError(proto, "has the attribute '" + twice->name() + "' twice");
  const OpEntry &entry = *lookupNode(proto, opset);
  bool choosesBranch = nodes[index].choosesBranch;
  node.getLoop() = nodes[index].loop;
  LogicalResult result = choosesBranch ? success() : checkInputTypes(node, entry);
  if (succeeded(result)) {
    // Errors of shape inference become errors of the node.
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) -> LogicalResult {
      if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
        return failure();
      std::string message = diagnostic.str(), operands;
      for (auto [index, name] : llvm::enumerate(proto.input()))
        if (Value input = node.getInput(index))
          operands += (operands.empty() ? " (inputs '" : ", '") + name + "' " +
                      formatShape(NodeImporter::getShape(input));
      (void)node.error(message + operands + (operands.empty() ? "" : ")"));
      return success();
    });
    if (choosesBranch)
      result = chooseBranch(node);
    else
      result = node.hasSizes() ? importSized(node, entry) : entry.import(node);
    if (succeeded(result))
      result = node.checkAttributesRead();
  }
  if (failed(result) || node.hasError())
    return nodeError(proto, (node.hasError() ? node.getError() : "cannot be imported") +
                                explainBranch(index));
  if (!node.getInlined().empty())
    return inlineGraphs(index, node.getInlined());
  nodes[index].loop = node.getLoop();
  if (node.getIteration().graph)
    return addIteration(index, node.getIteration());

  bool isFed =
      llvm::any_of(proto.input(), [&](const std::string &name) { return fed.contains(name); });
  for (auto [index, name, made] : llvm::enumerate(proto.output(), node.getResults())) {
    Value value = made;
    if (name.empty() || !readNames.contains(name))
      continue;
    if (!value)
      return nodeError(proto, "output '" + name + "' is not supported");
    RankedTensorType type = NodeImporter::getType(value);
    if (failed(node.checkShape(type.getShape(), type.getElementType())))
      return nodeError(proto, node.getError());
    value = *node.foldEmpty(value);
    values[name] = value;
    if (ArrayRef<Value> own = node.getResultSizes(index); !own.empty())
      sizes[name].assign(own.begin(), own.end());
    if (isFed && !cnn::ConstantData::get(value))
      fed.insert(name);
  }
  if (failed(checkEmptyOperands(proto, node)))
    return failure();
  return readSharding(proto);
}

LogicalResult Importer::checkEmptyOperands(const onnx::NodeProto &proto,
                                           const NodeImporter &node) {
  auto isEmpty = [](Type type) {
    auto shaped = dyn_cast<ShapedType>(type);
    return shaped && llvm::is_contained(shaped.getShape(), 0);
  };
  auto isKept = [&](Operation *op) {
    return !op->use_empty() || llvm::any_of(node.getResults(), [&](Value result) {
      return result && result.getDefiningOp() == op;
    });
  };
  for (auto [index, input] : llvm::enumerate(node.getInputs()))
    if (input && isEmpty(input.getType()))
      for (Operation *user : input.getUsers())
        if (isKept(user) && !llvm::all_of(user->getResultTypes(), isEmpty))
          return nodeError(proto, node.describeInput(index) + " of shape " +
                                      formatShape(NodeImporter::getShape(input)) +
                                      " has no elements, which is not supported here");
  return success();
}

//===----------------------------------------------------------------------===//
// The whole model
//===----------------------------------------------------------------------===//

LogicalResult Importer::finish() {
  SmallVector<Value> results;
  SmallVector<Attribute> descriptions;
  auto describe = [&](StringRef name, Value value, ArrayRef<int64_t> numbers) {
    SmallVector<NamedAttribute> entries = {
        builder.getNamedAttr("name", builder.getStringAttr(name)),
        builder.getNamedAttr("type", TypeAttr::get(value.getType()))};
    if (!numbers.empty())
      entries.push_back(builder.getNamedAttr("sizes", builder.getDenseI64ArrayAttr(numbers)));
    results.push_back(value);
    descriptions.push_back(builder.getDictionaryAttr(entries));
  };
  llvm::SetVector<Value> counts; // They follow the model's outputs.
  for (const onnx::ValueInfoProto &output : graph->output()) {
    Value value = getValue(output.name());
    if (!value || failed(checkOutputType(output, value)))
      return failure();
    SmallVector<int64_t> numbers;
    for (Value size : sizes.lookup(output.name())) {
      if (size)
        counts.insert(size);
      auto found = llvm::find(counts, size);
      numbers.push_back(size ? graph->output_size() + (found - counts.begin()) : -1);
    }
    describe(output.name(), value, numbers);
  }
  for (Value size : counts)
    describe("", size, {});
  func::ReturnOp::create(builder, function.getLoc(), results);
  // Erase constants that only the import needed, such as shapes and axes.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.front())))
    if (isOpTriviallyDead(&op))
      op.erase();
  function.setFunctionType(builder.getFunctionType(function.getBody().getArgumentTypes(),
                                                   TypeRange(ValueRange(results))));
  module->setAttr("cnn.inputs", builder.getArrayAttr(inputDescriptions));
  module->setAttr("cnn.outputs", builder.getArrayAttr(descriptions));
  return success();
}

OwningOpRef<ModuleOp> Importer::run() {
  context.loadDialect<cnn::CnnDialect, func::FuncDialect, linalg::LinalgDialect,
                      tensor::TensorDialect>();
  llvm::Expected<std::unique_ptr<ModelFile>> opened = ModelFile::read(path);
  if (!opened) {
    (void)error(toString(opened.takeError()));
    return {};
  }
  file = std::move(*opened);
  graph = file->model.mutable_graph();

  Location loc = cnn::getFileLoc(&context, path);
  OwningOpRef<ModuleOp> result = ModuleOp::create(loc);
  module = *result;
  builder.setInsertionPointToEnd(module.getBody());
  function = func::FuncOp::create(builder, loc, "main", builder.getFunctionType({}, {}));
  if (failed(readVersions()) || failed(indexNames()) || failed(orderNodes()) ||
      failed(addArguments()))
    return {};
  while (!pending.empty())
    if (failed(importNode(pending.pop_back_val())))
      return {};
  if (failed(finish()))
    return {};
  return result;
}

OwningOpRef<ModuleOp> convoy::importONNX(MLIRContext &context, StringRef path,
                                         const ImportOptions &options) {
  return Importer(context, path, options).run();
}
