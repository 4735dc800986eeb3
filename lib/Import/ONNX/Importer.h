//===- Importer.h - Walks an ONNX graph -------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_IMPORTER_H
#define CONVOY_LIB_IMPORT_ONNX_IMPORTER_H

#include "ModelFile.h"
#include "NodeImporter.h"
#include "OpTable.h"
#include "TensorReader.h"
#include "convoy/Import/ONNX/Import.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"

namespace convoy::onnximport {

/// The value of a graph input that the user makes a constant.
struct BoundInput {
  std::string option; ///< as given: "--bind NAME=FILE"
  TensorData data;
};

/// What the importer knows of a node of the graph.
struct NodeState {
  int64_t opset; ///< of the default domain
  int depth = 0; ///< the number of nodes that had graphs and were replaced for this one
  /// The innermost node whose branch this is in, if both its branches are imported; or -1.
  int choice = -1;
  bool isLive = false; ///< an output needs it, and it is not imported
  bool isImported = false;
  /// Its two graphs were inlined, and their results are inputs: chooseBranch imports it.
  bool choosesBranch = false;
  LoopState loop = {};
};

/// The numbers that the importer makes and knows as sizes of dimensions. A number is an
/// element of a tensor of integers, as `findSource` of Sizes.cpp finds it.
struct SizeTable {
  using Number = std::pair<mlir::Value, int64_t>;
  llvm::DenseMap<Number, int64_t> bounds;
  /// The numbers as i64 of rank 0.
  llvm::DenseMap<Number, mlir::Value> values;
  /// A function of two extents, each a size or a number.
  llvm::DenseMap<std::tuple<int, mlir::Value, int64_t, mlir::Value, int64_t>, mlir::Value>
      combined;
  /// A tensor and the sizes of its dimensions -> what was found in it.
  std::vector<std::pair<llvm::SmallVector<mlir::Value>, mlir::Value>> found;
  /// Computed tensors of integers of which none is negative.
  llvm::DenseSet<mlir::Value> indices;
};

/// Imports an `If` whose condition is known only at run time. After the condition, its inputs
/// are the results of one branch, then those of the other, for each output that has a name.
mlir::LogicalResult chooseBranch(NodeImporter &node);

/// Imports one model file.
class Importer {
public:
  Importer(mlir::MLIRContext &context, llvm::StringRef path, const ImportOptions &options)
      : context(context), path(path), options(options), builder(&context), reader(path) {}

  /// Returns the module, or null after an error.
  mlir::OwningOpRef<mlir::ModuleOp> run();

  /// The value of a tensor name; initializers become constants when they are
  /// first asked for. Null, after an error, if there is none.
  mlir::Value getValue(llvm::StringRef name);
  /// Whether a live node or the graph's outputs read the tensor.
  bool isRead(llvm::StringRef name) const { return readNames.contains(name); }

  /// The ONNX data type of a graph's input, an initializer or a constant node's output;
  /// UNDEFINED for other tensors.
  int32_t getDataType(llvm::StringRef name) const;

  /// Reads a tensor as an attribute called `name`.
  /// If `rawData` is given, the tensor's raw data is that extent of `file`.
  llvm::Expected<mlir::ElementsAttr> readTensor(onnx::TensorProto &tensor,
                                                llvm::StringRef name,
                                                MappedFile *file = nullptr,
                                                std::optional<Extent> rawData = std::nullopt);
  /// The same for a sparse tensor; the attribute is dense.
  llvm::Expected<mlir::ElementsAttr> readTensor(onnx::SparseTensorProto &tensor,
                                                llvm::StringRef name);

  /// Replaces those of `candidates` that depend on constants alone by constants, in the
  /// operations that were imported so far.
  void evaluate(llvm::ArrayRef<mlir::Value> candidates);
  /// The constant that `evaluate` put in the place of `value`; otherwise `value` itself.
  mlir::Value getEvaluated(mlir::Value value) const {
    mlir::Value constant = evaluated.lookup(value);
    return constant ? constant : value;
  }

  int64_t getMaxIterations() const { return options.maxIterations; }

  /// The sizes that the program computes, and what is computed from them.
  SizeTable &getSizeTable() { return sizeTable; }

  /// Constant matrix -> its transposed matrix, so that shared weights stay shared.
  llvm::DenseMap<mlir::Attribute, mlir::ElementsAttr> &getTransposed() { return transposed; }
  /// Whether the tensor is computed from inputs of the graph, not from constants alone.
  bool isFed(llvm::StringRef name) const { return fed.contains(name); }

private:
  /// Emits the one diagnostic of a failed import.
  mlir::LogicalResult error(const llvm::Twine &message);
  mlir::LogicalResult nodeError(const onnx::NodeProto &node, const llvm::Twine &message);
  /// How to leave out the branch that a node is in; empty if it is in none.
  std::string explainBranch(int index);
  void remark(const llvm::Twine &message);

  /// Fails if the file is too old, and inlines the functions that it defines.
  mlir::LogicalResult readVersions();
  void remarkNewerOpset(int64_t opset, const llvm::Twine &where);
  mlir::LogicalResult indexNames();
  mlir::LogicalResult indexInitializers();
  /// The dimensions and the data type of an initializer, by its number in `initializers`.
  std::pair<llvm::ArrayRef<int64_t>, int32_t> getInitializerType(int number) const;
  llvm::Expected<mlir::ElementsAttr> makeAttribute(llvm::Expected<TensorData> data,
                                                   llvm::StringRef name);
  /// Whether a tensor of the graph has the name.
  bool exists(llvm::StringRef name) const;
  mlir::LogicalResult indexNode(int index);
  /// Fails if the node reads a tensor that is not there.
  mlir::LogicalResult checkReads(int index);
  /// Makes `pending` anew. Fails if there are unknown operators or a cycle.
  mlir::LogicalResult orderNodes();
  void markLiveNodes();
  mlir::LogicalResult checkOps();
  mlir::LogicalResult sortNodes();
  /// Replaces a node by the nodes of one of its graphs; or adds the nodes of two, between
  /// whose results the node then chooses.
  mlir::LogicalResult inlineGraphs(int index, llvm::ArrayRef<onnx::GraphProto *> inlined);
  /// Adds the nodes of a graph of a node. Names get the prefix, except that the graph's
  /// inputs are those of the given names. Its outputs get the names `outputs`; those that are
  /// empty are not made.
  mlir::LogicalResult addGraph(int index, onnx::GraphProto &inlined, const std::string &prefix,
                               llvm::ArrayRef<std::string> outputs,
                               const llvm::StringMap<std::string> &inputs = {});
  /// Adds the next iteration of a loop before it.
  mlir::LogicalResult addIteration(int index, const Iteration &next);
  /// Reads the files that the user binds to `inputs`, which must have their types.
  mlir::LogicalResult readBindings(llvm::ArrayRef<const onnx::ValueInfoProto *> inputs);
  /// Reads the largest values that the user states of `inputs`.
  mlir::LogicalResult readLimits(llvm::ArrayRef<const onnx::ValueInfoProto *> inputs);
  /// The value of an input: if its largest value is stated, a run checks it.
  mlir::FailureOr<mlir::Value> limitInput(llvm::StringRef name, mlir::Value argument);
  mlir::LogicalResult addArguments();
  /// Fails if the graph's input of the initializer's name has another type.
  mlir::LogicalResult checkListedInitializer(const onnx::ValueInfoProto &input, int number);
  mlir::LogicalResult importNode(int index);
  /// Fails if an operation reads a tensor without elements to make one that has elements.
  mlir::LogicalResult checkEmptyOperands(const onnx::NodeProto &proto,
                                         const NodeImporter &node);
  mlir::LogicalResult checkInputTypes(NodeImporter &node, const OpEntry &entry);
  /// Attaches to the node's operation how the node's device configurations shard its first
  /// input and output.
  mlir::LogicalResult readSharding(const onnx::NodeProto &node);
  /// Fails if the element type that the graph declares for an output is not that of its value;
  /// remarks if the shape is not.
  mlir::LogicalResult checkOutputType(const onnx::ValueInfoProto &output, mlir::Value value);
  mlir::LogicalResult finish();

  mlir::MLIRContext &context;
  llvm::StringRef path;
  const ImportOptions &options;
  mlir::OpBuilder builder;
  TensorReader reader;
  std::unique_ptr<ModelFile> file;
  onnx::GraphProto *graph = nullptr;
  std::vector<NodeState> nodes; ///< of the graph, with the same numbers
  int64_t addedNodes = 0;       ///< by the graphs of nodes

  mlir::ModuleOp module;
  mlir::func::FuncOp function;
  llvm::SmallVector<mlir::Attribute> inputDescriptions;
  /// Name -> index of the initializer; those of sparse ones follow after the others.
  llvm::StringMap<int> initializers;
  llvm::StringMap<int> producers; ///< tensor name -> index of the node that makes it
  llvm::StringSet<> inputNames;   ///< graph inputs without an initializer
  llvm::StringSet<> readNames;    ///< tensors that live nodes or the graph's outputs read
  llvm::StringSet<> fed;          ///< tensors that are computed from inputs of the graph
  llvm::SmallVector<int> pending; ///< live nodes that are not imported, producers last
  llvm::StringMap<BoundInput> bound;
  llvm::StringMap<int64_t> limits;
  llvm::StringMap<mlir::Value> values;
  /// Tensor name -> a value, or none, for each dimension; only if there is one.
  llvm::StringMap<llvm::SmallVector<mlir::Value>> sizes;
  SizeTable sizeTable;
  llvm::DenseMap<mlir::Attribute, mlir::ElementsAttr> transposed;
  /// Value -> its constant; null if it is known to have none.
  llvm::DenseMap<mlir::Value, mlir::Value> evaluated;
};

/// The entry for a node's operator, null if it is not supported.
const OpEntry *lookupNode(const onnx::NodeProto &node, int64_t opset);

/// A node's name, or "Conv:output" if it has none.
std::string getNodeName(const onnx::NodeProto &node);

inline bool isDefaultDomain(llvm::StringRef domain) {
  return domain.empty() || domain == "ai.onnx";
}

/// The newest opset of the default domain that is imported.
std::optional<int64_t>
findDefaultOpset(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto> &imports);

/// The first attribute that is there twice, or null.
const onnx::AttributeProto *findRepeatedAttribute(
    const google::protobuf::RepeatedPtrField<onnx::AttributeProto> &attributes);

/// The number of the input that an option names.
llvm::Expected<size_t> findInput(llvm::ArrayRef<const onnx::ValueInfoProto *> inputs,
                                 llvm::StringRef name, llvm::StringRef option);
/// "'x', 'y'".
std::string listInputs(llvm::ArrayRef<const onnx::ValueInfoProto *> inputs);

/// Resolves the shapes of the graph's inputs with the shapes that the user gave, and with
/// those of bound values. Errors do not name the file.
llvm::Expected<std::vector<llvm::SmallVector<int64_t>>>
resolveInputShapes(llvm::ArrayRef<const onnx::ValueInfoProto *> inputs,
                   llvm::ArrayRef<InputShape> shapes,
                   const llvm::StringMap<BoundInput> &bound);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_IMPORTER_H
