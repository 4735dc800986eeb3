//===- NodeImporter.h - One ONNX node being imported ------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_NODEIMPORTER_H
#define CONVOY_LIB_IMPORT_ONNX_NODEIMPORTER_H

#include "convoy/Dialect/Cnn/IR/ComputeBody.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "llvm/ADT/StringSet.h"
#include <string>

namespace onnx {
class AttributeProto;
class GraphProto;
class NodeProto;
} // namespace onnx

namespace convoy::onnximport {

class Importer;

/// How many elements a dimension has: `bound`, or if there is a `size`, as many as that i64 of
/// rank 0 says at run time, and at most `bound`. Other elements are unspecified.
struct DimSize {
  int64_t bound;
  mlir::Value size;

  DimSize(int64_t bound, mlir::Value size = {}) : bound(bound), size(size) {}
  bool isConstant() const { return !size; }
  bool operator==(const DimSize &other) const {
    return bound == other.bound && size == other.size;
  }
};

/// The largest number of elements of each dimension.
llvm::SmallVector<int64_t> getBounds(llvm::ArrayRef<DimSize> extents);

/// A tensor and its dimensions.
struct SizedValue {
  mlir::Value value;
  llvm::SmallVector<DimSize> extents;
};

/// A size of a variable that changes from one iteration of a loop to the next.
struct OpenSize {
  unsigned variable;
  int64_t dim, bound;
};

/// What is known of a variable of a loop.
struct VariableFact {
  /// It has the same value in all iterations, so the loop does not carry it.
  bool isInvariant = false;
  /// If it is one integer: the largest number that it holds, at least 0. Until that is found
  /// it is assumed to be `kAssumedNumber`.
  std::optional<int64_t> most;
};

/// A loop whose body is being imported.
struct RolledLoop {
  cnn::LoopBeginOp begin;
  /// The variables before the loop and in an iteration, without those of sizes.
  llvm::SmallVector<SizedValue> firsts, variables;
};

/// What is known of a Loop or Scan while iterations are imported.
struct LoopState {
  /// The number of iterations that are in the graph already.
  unsigned iteration = 0;
  /// The number of inputs that the node had at first and that its body has, too.
  std::optional<int64_t> variables;
  /// The inputs that the node had at first.
  llvm::SmallVector<SizedValue> first;
  /// If the loop is not unrolled; see Loops.h.
  std::optional<RolledLoop> rolled;
  std::vector<OpenSize> open;
  std::vector<VariableFact> facts;
  unsigned attempts = 0;
};

/// An iteration that is to be imported: the graph, the values of its inputs, and which inputs
/// of the node its results replace.
struct Iteration {
  onnx::GraphProto *graph = nullptr;
  llvm::SmallVector<SizedValue> arguments;
  unsigned first = 0, count = 0;
};

/// "2x3 i64", for messages.
std::string describeType(mlir::Value value);

/// The node that an operator's import function works on: its operands and attributes, and
/// functions that make operations.
///
/// The first error is remembered. So an attribute of the wrong type can be read as its
/// default, and the import still fails in the end. No message names the file or the node,
/// because its location does.
class NodeImporter {
public:
  NodeImporter(Importer &importer, onnx::NodeProto &node, mlir::OpBuilder &builder,
               mlir::Location loc, int64_t opset);

  int64_t getOpset() const { return opset; }
  llvm::StringRef getOpType() const;
  mlir::OpBuilder &getBuilder() { return builder; }
  mlir::MLIRContext *getContext() { return builder.getContext(); }
  mlir::Location getLoc() const { return loc; }

  /// Remembers the first error. Always fails.
  mlir::LogicalResult error(const llvm::Twine &message);
  const std::string &getError() const { return firstError; }
  bool hasError() const { return !firstError.empty(); }

  //===--------------------------------------------------------------------===//
  // Operands
  //===--------------------------------------------------------------------===//

  unsigned getNumInputs() const { return inputs.size(); }
  /// The operand, or null if the node leaves it out.
  mlir::Value getInput(unsigned index) const {
    return index < inputs.size() ? inputs[index] : mlir::Value();
  }
  llvm::ArrayRef<mlir::Value> getInputs() const { return inputs; }
  void addInput(mlir::Value value) { inputs.push_back(value); }
  void setInput(unsigned index, mlir::Value value) { inputs[index] = value; }
  /// "input 1 ('weight')", for messages.
  std::string describeInput(unsigned index) const;
  /// Whether the operand is computed from inputs of the graph, not from constants alone.
  bool isFed(unsigned index) const;
  /// An error about an input that must be a constant, and is computed from inputs of the
  /// model. It says how to bind these, and, if it is enough, how to give their largest values.
  mlir::LogicalResult notConstant(unsigned index, bool mayBeLimited = false);
  llvm::ArrayRef<int64_t> getShape(unsigned index) const { return getShape(getInput(index)); }

  /// The ONNX data type of an operand that is a constant or a graph input; otherwise 0
  /// (UNDEFINED). It tells types apart that Convoy may not, such as int4 and int8.
  int32_t getInputDataType(unsigned index) const;

  static mlir::RankedTensorType getType(mlir::Value value) {
    return llvm::cast<mlir::RankedTensorType>(value.getType());
  }
  static mlir::Type getElementType(mlir::Value value) {
    return getType(value).getElementType();
  }
  static llvm::ArrayRef<int64_t> getShape(mlir::Value value) {
    return getType(value).getShape();
  }
  static int64_t getRank(mlir::Value value) { return getType(value).getRank(); }

  /// The elements of an operand that is a constant, or that depends on constants alone and
  /// becomes one here; nothing for other operands and for one that is left out.
  std::optional<cnn::ConstantData> getConstant(unsigned index);
  /// The elements of an operand that has to be a constant; an error otherwise.
  std::optional<llvm::SmallVector<int64_t>> getConstantInts(unsigned index);
  std::optional<llvm::SmallVector<float>> getConstantFloats(unsigned index);

  //===--------------------------------------------------------------------===//
  // Sizes that are known only at run time
  //===--------------------------------------------------------------------===//

  /// Whether the operand has a dimension whose size is known only at run time.
  bool hasSizes(unsigned index) const { return index < sizes.size() && !sizes[index].empty(); }
  bool hasSizes() const;
  /// The dimensions of an operand.
  llvm::SmallVector<DimSize> getExtents(unsigned index) const;
  SizedValue getSized(unsigned index) const { return {getInput(index), getExtents(index)}; }
  /// A tensor whose dimensions its type says.
  static SizedValue getSized(mlir::Value value) {
    return {value, llvm::SmallVector<DimSize>(getShape(value))};
  }
  /// Says which dimensions an operand has; nothing if the type says it all.
  void addSizes(llvm::ArrayRef<mlir::Value> operandSizes) {
    sizes.emplace_back(operandSizes.begin(), operandSizes.end());
  }

  /// The elements of an operand of integers that are sizes or the like: constants, or numbers
  /// that are computed at run time and whose largest value is known. An error otherwise.
  std::optional<llvm::SmallVector<DimSize>> readExtents(unsigned index);
  /// An operand that is one integer, and of which `most` is the largest that is possible. An
  /// error if it has more elements.
  std::optional<DimSize> readExtent(unsigned index, int64_t most);
  /// The elements of a tensor of integers that are all constants, though they are among others
  /// that are not, such as some dimensions of a shape. Nothing if one is not.
  std::optional<llvm::SmallVector<int64_t>> findConstantInts(mlir::Value tensor);
  /// One element of a tensor of integers, as `readExtents` reads it; nothing if it has no
  /// known bound. The extent is the nearest one that is possible if the element is none:
  /// unless it `mayClamp`, there is nothing then.
  std::optional<DimSize> findExtent(mlir::Value tensor, int64_t element, bool mayClamp = true);

  /// Arithmetic of sizes. The same of the same sizes is one value.
  DimSize combine(cnn::BinaryKind kind, DimSize lhs, DimSize rhs);
  /// What `find` made of a tensor of these extents when it was called for it at first. So two
  /// nodes that find the same have the same sizes.
  mlir::FailureOr<mlir::Value>
  findOnce(mlir::Value input, llvm::ArrayRef<DimSize> extents,
           llvm::function_ref<mlir::FailureOr<mlir::Value>()> find);
  /// An extent as an i64 of rank 0.
  mlir::Value materialize(DimSize extent);
  /// Declares that a tensor of one integer holds a number between 0 and `bound`.
  void declareNumber(mlir::Value number, int64_t bound);
  /// A float of one element that is computed from integers, and is exact, computed as i64;
  /// null if it is not one.
  mlir::Value computeAsInteger(mlir::Value number);
  /// One element of a tensor of integers, by its number in the order of memory, in this form.
  mlir::FailureOr<mlir::Value> extractNumber(mlir::Value tensor, int64_t element);
  /// Declares an i64 of rank 0, between 0 and `bound`, as a size.
  DimSize declareSize(mlir::Value size, int64_t bound);

  /// Declares a tensor of integers of which none is negative.
  mlir::FailureOr<mlir::Value> declareIndices(mlir::FailureOr<mlir::Value> indices);
  /// Whether all elements of a tensor are known not to be negative.
  bool isNeverNegative(mlir::Value tensor);

  /// Sets an output whose dimensions have these extents, of which the type of `value` has the
  /// bounds.
  mlir::LogicalResult setResult(mlir::FailureOr<mlir::Value> value,
                                llvm::ArrayRef<DimSize> extents, unsigned index = 0);
  mlir::LogicalResult setResult(const SizedValue &value, unsigned index) {
    return setResult(value.value, value.extents, index);
  }
  /// The sizes of an output; empty if its type says it all.
  llvm::ArrayRef<mlir::Value> getResultSizes(unsigned index) const {
    return resultSizes[index];
  }

  //===--------------------------------------------------------------------===//
  // Attributes
  //===--------------------------------------------------------------------===//

  bool hasAttribute(llvm::StringRef name) const;
  /// The value of an attribute; `otherwise`, or nothing, if the node does not have it.
  int64_t getInt(llvm::StringRef name, int64_t otherwise);
  float getFloat(llvm::StringRef name, float otherwise);
  llvm::StringRef getString(llvm::StringRef name, llvm::StringRef otherwise);
  std::optional<llvm::SmallVector<int64_t>> getInts(llvm::StringRef name);
  std::optional<llvm::SmallVector<float>> getFloats(llvm::StringRef name);
  std::optional<llvm::SmallVector<llvm::StringRef>> getStrings(llvm::StringRef name);
  /// An attribute that is a list of `count` sizes in [minimum, 2^31). If the node does not
  /// have it, all sizes are `otherwise`.
  llvm::SmallVector<int64_t> getSizes(llvm::StringRef name, size_t count, int64_t otherwise,
                                      int64_t minimum);
  /// The tensor in an attribute, dense or sparse; null (and an error) if it cannot be read.
  mlir::ElementsAttr getTensor(llvm::StringRef name);
  /// The ONNX data type in an attribute, as element type; null (and an error) if it is not
  /// supported.
  mlir::Type getDataType(llvm::StringRef name, int64_t otherwise);
  /// Declares that an attribute does not matter at inference.
  void ignoreAttribute(llvm::StringRef name) { readAttributes.insert(name); }
  /// Fails if the node has an attribute that nobody has read.
  mlir::LogicalResult checkAttributesRead();

  /// A non-negative axis below `rank`, or an error.
  mlir::FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank);
  /// The same for distinct axes, sorted.
  mlir::FailureOr<llvm::SmallVector<int64_t>> normalizeAxes(llvm::ArrayRef<int64_t> axes,
                                                            int64_t rank);
  /// Fails if a tensor of the shape is too large.
  mlir::LogicalResult checkShape(llvm::ArrayRef<int64_t> shape, mlir::Type elementType);

  //===--------------------------------------------------------------------===//
  // Operations
  //===--------------------------------------------------------------------===//

  /// Makes an operation of the cnn dialect in value form, folded if possible.
  template <typename OpTy, typename... Args>
  mlir::FailureOr<mlir::Value> create(Args &&...args) {
    return foldEmpty(cnn::createChecked<OpTy>(builder, loc, std::forward<Args>(args)...));
  }
  /// A tensor without elements as a constant; other values unchanged. So no operation but a
  /// constant has a result without elements, and only few operations have such an operand.
  mlir::FailureOr<mlir::Value> foldEmpty(mlir::FailureOr<mlir::Value> value);
  /// Fails for types that can be passed on and cast, but not computed with: floats of at most
  /// 8 bits, and integers of fewer.
  mlir::LogicalResult requireArithmetic(mlir::Value value);
  mlir::FailureOr<mlir::Value> unary(mlir::Value input, cnn::UnaryKind kind);
  mlir::FailureOr<mlir::Value> unary(mlir::Value input, cnn::UnaryKind kind, float alpha,
                                     float beta = 0.0f);
  mlir::FailureOr<mlir::Value> binary(cnn::BinaryKind kind, mlir::Value lhs, mlir::Value rhs);

  /// Fails if the node says, as it could up to opset 6, that it is in training mode.
  mlir::LogicalResult requireInferenceMode();
  /// Input 1 of a binary operator, with the dimensions with which it broadcasts to input 0.
  /// Up to opset 6 the attributes `broadcast` and `axis` say how.
  mlir::FailureOr<mlir::Value> getRightOperand();

  /// Makes a cnn.compute with a result of this shape and element type; see ComputeBody.h.
  /// Fails if the result is too large.
  mlir::FailureOr<mlir::Value> compute(llvm::StringRef kind, llvm::ArrayRef<int64_t> points,
                                       mlir::ValueRange inputs, llvm::ArrayRef<int64_t> shape,
                                       mlir::Type elementType,
                                       llvm::function_ref<void(cnn::ComputeBody &)> write);
  /// The same with a point for each element of the result.
  mlir::FailureOr<mlir::Value> computeElements(
      llvm::StringRef kind, mlir::ValueRange inputs, llvm::ArrayRef<int64_t> shape,
      mlir::Type elementType,
      llvm::function_ref<cnn::Scalar(cnn::ComputeBody &, llvm::ArrayRef<cnn::Scalar>)> write);

  mlir::Value constant(mlir::ElementsAttr value);
  /// A constant of zeros.
  mlir::Value zeros(mlir::RankedTensorType type);
  /// A scalar of `elementType`, integer or float.
  mlir::Value scalar(mlir::Type elementType, double value);
  /// A tensor of i64.
  mlir::Value integers(llvm::ArrayRef<int64_t> values);

  mlir::FailureOr<mlir::Value> reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  /// Constants are transposed at once; a matrix that is shared, only the first time.
  mlir::FailureOr<mlir::Value> transpose(mlir::Value value,
                                         llvm::ArrayRef<int64_t> permutation);
  /// The part of `value` that starts at `offsets`; steps are positive.
  mlir::FailureOr<mlir::Value> slice(mlir::Value value, llvm::ArrayRef<int64_t> offsets,
                                     llvm::ArrayRef<int64_t> sizes,
                                     llvm::ArrayRef<int64_t> steps);
  /// Takes the elements with the given indices along one dimension.
  mlir::FailureOr<mlir::Value> pick(mlir::Value value, int64_t axis,
                                    llvm::ArrayRef<int64_t> indices);

  //===--------------------------------------------------------------------===//
  // Results
  //===--------------------------------------------------------------------===//

  unsigned getNumOutputs() const;
  llvm::StringRef getOutputName(unsigned index) const;
  /// Whether the node names the output.
  bool hasOutput(unsigned index) const;
  /// Whether another node or the model reads the output.
  bool isOutputUsed(unsigned index) const;
  /// Fails if one of the outputs from `first` on is used.
  mlir::LogicalResult requireUnusedOutputs(unsigned first, llvm::StringRef reason);
  /// Sets an output. Fails if `value` is a failure.
  mlir::LogicalResult setResult(mlir::FailureOr<mlir::Value> value, unsigned index = 0);
  llvm::ArrayRef<mlir::Value> getResults() const { return results; }

  /// Asks for the graph in an attribute to be imported in the place of the node, whose outputs
  /// are the graph's. If it is called twice, both are imported, and one is chosen at run time.
  /// Fails if there is no such graph, or if it has inputs.
  mlir::LogicalResult inlineGraph(llvm::StringRef attribute);
  /// The graphs that are to be imported in the place of the node.
  llvm::ArrayRef<onnx::GraphProto *> getInlined() const { return inlined; }
  /// The graph in an attribute; null if there is none.
  onnx::GraphProto *findGraph(llvm::StringRef attribute);
  /// Asks for the graph in an attribute to be imported before the node, with `arguments` as
  /// its inputs, and for the node to be imported again then. The first `count` of the graph's
  /// results replace the node's inputs from `first` on, the others are appended. Fails if the
  /// loop becomes too large.
  mlir::LogicalResult iterate(llvm::StringRef attribute, llvm::ArrayRef<SizedValue> arguments,
                              unsigned first, unsigned count);
  const Iteration &getIteration() const { return next; }
  /// See ImportOptions.
  int64_t getMaxIterations() const;
  LoopState &getLoop() { return loop; }

private:
  const onnx::AttributeProto *findAttribute(llvm::StringRef name, int type);

  Importer &importer;
  onnx::NodeProto &node;
  mlir::OpBuilder &builder;
  mlir::Location loc;
  int64_t opset;
  std::string firstError;
  llvm::SmallVector<mlir::Value> inputs;
  llvm::SmallVector<mlir::Value> results;
  /// For each operand and each output a value, or none, for each dimension; or nothing.
  llvm::SmallVector<llvm::SmallVector<mlir::Value>> sizes, resultSizes;
  llvm::SmallVector<onnx::GraphProto *, 2> inlined;
  Iteration next;
  LoopState loop;
  llvm::StringSet<> readAttributes;
};

/// `base + added`, where `base` has one element.
struct LinearNumber {
  mlir::Value base;
  int64_t added;
};

/// What a number is computed from by adding constants.
LinearNumber findLinear(mlir::Value number);
/// The most that `lhs - rhs` can be; nothing if that is not known.
std::optional<int64_t> findDifference(mlir::Value lhs, mlir::Value rhs);

/// The names of the model's inputs that `value` is computed from.
llvm::SmallVector<std::string> findModelInputs(mlir::Value value);
/// The options that make these inputs of the model constants, each with a blank in front.
std::string makeBindOptions(llvm::ArrayRef<std::string> inputs);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_NODEIMPORTER_H
