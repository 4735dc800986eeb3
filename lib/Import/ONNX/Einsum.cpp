//===- Einsum.cpp - Einstein summation ------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Each operand loses what concerns it alone: repeated subscripts become diagonals, and
// subscripts that appear nowhere else are summed. Then the first two operands are combined,
// their result with the third, and so on. A combination that sums is a product of matrices,
// any other one an element-wise product.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Operators.h"
#include "Term.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

namespace {

/// A subscript: a letter, or a dimension of the ellipsis, counted from its end.
using Label = int;
constexpr Label kEllipsis = 256;
using Labels = SmallVector<Label>;

bool isEllipsis(Label label) { return label >= kEllipsis; }

/// A tensor whose dimensions have labels.
struct Operand {
  Value value;
  Labels labels;
};

class Einsum {
public:
  explicit Einsum(NodeImporter &node) : node(node) {}

  FailureOr<Value> run();

private:
  LogicalResult error(const Twine &message) {
    return node.error("attribute 'equation' ('" + equation + "'): " + message);
  }
  LogicalResult parse();
  /// Reads the labels of a term. The ellipsis stands for as many dimensions as `getRank` gives
  /// for the number of letters.
  FailureOr<Labels> readTerm(StringRef term, llvm::function_ref<int64_t(int64_t)> getRank);
  LogicalResult readExtents(unsigned index, ArrayRef<Label> labels);
  void deriveResult();

  bool isInResult(Label label) const { return llvm::is_contained(result, label); }
  /// Whether an operand from `first` on, or the result, has the label.
  bool isNeeded(Label label, size_t first) const;
  SmallVector<int64_t> getExtents(ArrayRef<Label> labels) const;

  LogicalResult dropOnes(Operand &operand);
  LogicalResult takeDiagonals(Operand &operand);
  LogicalResult sumOwn(Operand &operand);
  FailureOr<Value> arrange(const Operand &operand, ArrayRef<Label> labels);
  FailureOr<Operand> combine(Operand lhs, Operand rhs, size_t first);
  FailureOr<Value> contract(const Operand &lhs, const Operand &rhs, ArrayRef<Label> labels,
                            ArrayRef<Label> summed);
  FailureOr<Value> multiplyFlat(const Operand &lhs, const Operand &rhs, ArrayRef<Label> batch,
                                ArrayRef<Label> rows, ArrayRef<Label> columns,
                                ArrayRef<Label> summed);

  NodeImporter &node;
  std::string equation;
  SmallVector<Operand> operands;
  Labels result;
  /// Extent of each label.
  llvm::SmallMapVector<Label, int64_t, 8> extents;
};

} // namespace

//===----------------------------------------------------------------------===//
// The equation
//===----------------------------------------------------------------------===//

FailureOr<Labels> Einsum::readTerm(StringRef term,
                                   llvm::function_ref<int64_t(int64_t)> getRank) {
  int64_t letters = llvm::count_if(term, llvm::isAlpha);
  bool hasEllipsis = false;
  Labels labels;
  for (StringRef rest = term; !rest.empty();) {
    if (llvm::isAlpha(rest.front())) {
      labels.push_back(rest.front());
      rest = rest.drop_front();
    } else if (!hasEllipsis && rest.consume_front("...")) {
      hasEllipsis = true;
      for (int64_t i = getRank(letters); i > 0; --i)
        labels.push_back(kEllipsis + i);
    } else if (rest.starts_with("...")) {
      return error("the term '" + term + "' has two ellipses");
    } else {
      return error("the term '" + term + "' has '" + rest.take_front(1) +
                   "', expected letters and at most one '...'");
    }
  }
  return labels;
}

LogicalResult Einsum::readExtents(unsigned index, ArrayRef<Label> labels) {
  for (auto [label, extent] : llvm::zip_equal(labels, node.getShape(index))) {
    auto [known, isNew] = extents.insert({label, extent});
    if (isNew || known->second == extent || extent == 1)
      continue;
    if (known->second != 1)
      return error((isEllipsis(label) ? std::string("the ellipsis")
                                      : "subscript '" + std::string(1, char(label)) + "'") +
                   " stands for extents " + Twine(known->second) + " and " + Twine(extent) +
                   " (" + node.describeInput(index) + ")");
    known->second = extent;
  }
  return success();
}

/// Without an arrow, the result has the ellipsis and all letters that appear once, in order.
void Einsum::deriveResult() {
  Labels ellipsis, letters;
  for (auto [label, extent] : extents) {
    int64_t count = 0;
    for (const Operand &operand : operands)
      count += llvm::count(operand.labels, label);
    if (isEllipsis(label))
      ellipsis.push_back(label);
    else if (count == 1)
      letters.push_back(label);
  }
  llvm::sort(ellipsis, std::greater<Label>());
  llvm::sort(letters);
  result = ellipsis;
  llvm::append_range(result, letters);
}

LogicalResult Einsum::parse() {
  if (!node.hasAttribute("equation"))
    return node.error("has no attribute 'equation'");
  for (char letter : node.getString("equation", ""))
    if (letter != ' ')
      equation += letter;
  auto [left, right] = StringRef(equation).split("->");
  bool hasArrow = StringRef(equation).contains("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != node.getNumInputs())
    return error("has " + Twine(terms.size()) + " terms for " + Twine(node.getNumInputs()) +
                 " inputs");
  for (auto [index, term] : llvm::enumerate(terms)) {
    int64_t rank = NodeImporter::getRank(node.getInput(index));
    auto labels = readTerm(term, [&](int64_t letters) { return rank - letters; });
    if (failed(labels))
      return failure();
    if (int64_t(labels->size()) != rank)
      return error("the term '" + term + "' has " + Twine(labels->size()) +
                   " subscripts, but " + node.describeInput(index) + " has rank " +
                   Twine(rank));
    if (failed(readExtents(index, *labels)))
      return failure();
    operands.push_back({node.getInput(index), *labels});
  }
  if (!hasArrow) {
    deriveResult();
    return success();
  }
  int64_t ellipsis =
      llvm::count_if(extents, [](const auto &entry) { return isEllipsis(entry.first); });
  auto labels = readTerm(right, [&](int64_t) { return ellipsis; });
  if (failed(labels))
    return failure();
  for (Label label : *labels) {
    if (llvm::count(*labels, label) > 1)
      return error("the result has the subscript '" + Twine(char(label)) + "' twice");
    if (!extents.contains(label))
      return error("no input has the result's subscript '" + Twine(char(label)) + "'");
  }
  result = *labels;
  return success();
}

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

bool Einsum::isNeeded(Label label, size_t first) const {
  return isInResult(label) ||
         llvm::any_of(ArrayRef(operands).drop_front(first), [&](const Operand &operand) {
           return llvm::is_contained(operand.labels, label);
         });
}

SmallVector<int64_t> Einsum::getExtents(ArrayRef<Label> labels) const {
  return llvm::map_to_vector(labels, [&](Label label) { return extents.lookup(label); });
}

/// Takes away dimensions of extent 1, which may stand for any extent.
LogicalResult Einsum::dropOnes(Operand &operand) {
  SmallVector<int64_t> shape;
  Labels labels;
  for (auto [label, extent] :
       llvm::zip_equal(operand.labels, NodeImporter::getShape(operand.value)))
    if (extent != 1) {
      shape.push_back(extent);
      labels.push_back(label);
    }
  FailureOr<Value> value = node.reshape(operand.value, shape);
  if (failed(value))
    return failure();
  operand = {*value, labels};
  return success();
}

LogicalResult Einsum::takeDiagonals(Operand &operand) {
  Labels labels;
  for (Label label : operand.labels)
    if (!llvm::is_contained(labels, label))
      labels.push_back(label);
  if (labels.size() == operand.labels.size())
    return success();
  FailureOr<Value> value =
      node.computeElements("diagonal", operand.value, getExtents(labels),
                           NodeImporter::getElementType(operand.value),
                           [&](ComputeBody &body, ArrayRef<Scalar> at) {
                             Scalars from;
                             for (Label label : operand.labels)
                               from.push_back(at[llvm::find(labels, label) - labels.begin()]);
                             return body.input(0).load(from);
                           });
  if (failed(value))
    return failure();
  operand = {*value, labels};
  return success();
}

/// Sums over the labels that neither the result nor another operand has.
LogicalResult Einsum::sumOwn(Operand &operand) {
  SmallVector<int64_t> axes;
  Labels labels;
  for (auto [axis, label] : llvm::enumerate(operand.labels)) {
    auto hasLabel = [label = label](const Operand &other) {
      return llvm::is_contained(other.labels, label);
    };
    if (isInResult(label) || llvm::count_if(operands, hasLabel) > 1)
      labels.push_back(label);
    else
      axes.push_back(axis);
  }
  if (axes.empty())
    return success();
  FailureOr<Value> value =
      Term(node, operand.value).reduce(cnn::ReduceKind::sum, axes, /*keepDims=*/false);
  if (failed(value))
    return failure();
  operand = {*value, labels};
  return success();
}

/// The operand with its dimensions in the order of `labels`, which are all of its own.
FailureOr<Value> Einsum::arrange(const Operand &operand, ArrayRef<Label> labels) {
  SmallVector<int64_t> permutation;
  for (Label label : labels)
    permutation.push_back(llvm::find(operand.labels, label) - operand.labels.begin());
  return node.transpose(operand.value, permutation);
}

//===----------------------------------------------------------------------===//
// Two operands
//===----------------------------------------------------------------------===//

static Labels concatenate(std::initializer_list<ArrayRef<Label>> lists) {
  Labels labels;
  for (ArrayRef<Label> list : lists)
    llvm::append_range(labels, list);
  return labels;
}

/// A product of matrices, whose rows and columns are those of several dimensions.
FailureOr<Value> Einsum::multiplyFlat(const Operand &lhs, const Operand &rhs,
                                      ArrayRef<Label> batch, ArrayRef<Label> rows,
                                      ArrayRef<Label> columns, ArrayRef<Label> summed) {
  auto flatten = [&](const Operand &operand, ArrayRef<Label> first, ArrayRef<Label> second) {
    SmallVector<int64_t> shape = getExtents(batch);
    shape.push_back(llvm::product_of(getExtents(first)));
    shape.push_back(llvm::product_of(getExtents(second)));
    FailureOr<Value> value = arrange(operand, concatenate({batch, first, second}));
    return failed(value) ? value : node.reshape(*value, shape);
  };
  FailureOr<Value> left = flatten(lhs, rows, summed), right = flatten(rhs, summed, columns);
  if (failed(left) || failed(right))
    return failure();
  FailureOr<Value> product = createMatMul(node, *left, *right);
  if (failed(product))
    return failure();
  return node.reshape(*product, getExtents(concatenate({batch, rows, columns})));
}

/// The products of elements with the result's `labels`, summed over `summed`, one by one.
FailureOr<Value> Einsum::contract(const Operand &lhs, const Operand &rhs,
                                  ArrayRef<Label> labels, ArrayRef<Label> summed) {
  Type element = NodeImporter::getElementType(lhs.value);
  SmallVector<int64_t> shape = getExtents(labels);
  Labels all = concatenate({labels, summed});
  return node.computeElements(
      "einsum", {lhs.value, rhs.value}, shape, element,
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        auto add = [&](ArrayRef<Scalar> indices, ArrayRef<Scalar> sum) {
          auto load = [&](unsigned number, const Operand &operand) {
            Scalars from;
            for (Label label : operand.labels) {
              size_t place = llvm::find(all, label) - all.begin();
              from.push_back(place < at.size() ? at[place] : indices[place - at.size()]);
            }
            return body.input(number).load(from);
          };
          return Scalars{sum[0] + load(0, lhs) * load(1, rhs)};
        };
        return body.loops(getExtents(summed), body.number(element, 0), add).front();
      });
}

/// Combines two operands, summed over the labels that neither the result nor an operand from
/// `first` on has.
FailureOr<Operand> Einsum::combine(Operand lhs, Operand rhs, size_t first) {
  Labels batch, rows, columns, summed;
  for (Label label : lhs.labels) {
    if (!llvm::is_contained(rhs.labels, label))
      rows.push_back(label);
    else
      (isNeeded(label, first) ? batch : summed).push_back(label);
  }
  for (Label label : rhs.labels)
    if (!llvm::is_contained(lhs.labels, label))
      columns.push_back(label);
  Type element = NodeImporter::getElementType(lhs.value);
  FailureOr<Value> value;
  // The kernels of products compute in f32.
  bool isFloat = isa<FloatType>(element) && !element.isF64();
  auto isConstant = [](const Operand &operand) {
    return cnn::ConstantData::get(operand.value).has_value();
  };
  if (isFloat && !summed.empty()) {
    // A constant right side becomes the filter of a dense layer.
    if (isConstant(lhs) && !isConstant(rhs)) {
      std::swap(lhs, rhs);
      std::swap(rows, columns);
    }
    value = multiplyFlat(lhs, rhs, batch, rows, columns, summed);
  } else if (isFloat) {
    SmallVector<int64_t> shape = getExtents(concatenate({batch, rows}));
    shape.append(columns.size(), 1);
    FailureOr<Value> right = arrange(rhs, concatenate({batch, columns}));
    SmallVector<int64_t> rightShape = getExtents(batch);
    rightShape.append(rows.size(), 1);
    llvm::append_range(rightShape, getExtents(columns));
    value = Term(node, arrange(lhs, concatenate({batch, rows}))).reshape(shape) *
            Term(node, right).reshape(rightShape);
  } else {
    value = contract(lhs, rhs, concatenate({batch, rows, columns}), summed);
  }
  if (failed(value))
    return failure();
  return Operand{*value, concatenate({batch, rows, columns})};
}

FailureOr<Value> Einsum::run() {
  if (failed(parse()))
    return failure();
  Type element = NodeImporter::getElementType(operands.front().value);
  for (const Operand &operand : operands)
    if (NodeImporter::getElementType(operand.value) != element)
      return node.error("the inputs have different element types");
  SmallVector<int64_t> shape = getExtents(result);
  if (llvm::any_of(extents, [](const auto &entry) { return entry.second == 0; })) {
    // Without elements, all sums are 0.
    if (failed(node.checkShape(shape, element)))
      return failure();
    auto type = RankedTensorType::get(shape, element);
    return node.constant(cast<ElementsAttr>(node.getBuilder().getZeroAttr(type)));
  }
  for (Operand &operand : operands)
    if (failed(dropOnes(operand)) || failed(takeDiagonals(operand)))
      return failure();
  for (Operand &operand : operands)
    if (failed(sumOwn(operand)))
      return failure();
  Operand product = operands.front();
  for (size_t i = 1; i < operands.size(); ++i) {
    FailureOr<Operand> combined = combine(product, operands[i], i + 1);
    if (failed(combined))
      return failure();
    product = *combined;
  }
  Labels present;
  for (Label label : result)
    if (llvm::is_contained(product.labels, label))
      present.push_back(label);
  FailureOr<Value> value = arrange(product, present);
  return failed(value) ? value : node.reshape(*value, shape);
}

static LogicalResult importEinsum(NodeImporter &node) {
  return node.setResult(Einsum(node).run());
}

ArrayRef<OpEntry> convoy::onnximport::getEinsumOps() {
  static constexpr OpEntry ops[] = {{"Einsum", importEinsum, 1, kVariadic, kNumber, 12}};
  return ops;
}
