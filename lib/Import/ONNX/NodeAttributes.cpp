//===- NodeAttributes.cpp - The attributes of a node ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include <limits>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using onnx::AttributeProto;

bool NodeImporter::hasAttribute(StringRef name) const {
  return llvm::any_of(node.attribute(), [&](const AttributeProto &attribute) {
    return attribute.name() == name;
  });
}

const AttributeProto *NodeImporter::findAttribute(StringRef name, int type) {
  readAttributes.insert(name);
  for (const AttributeProto &attribute : node.attribute()) {
    if (attribute.name() != name)
      continue;
    // Files older than the field `type` leave it undefined.
    if (attribute.type() == type || attribute.type() == AttributeProto::UNDEFINED)
      return &attribute;
    (void)error("attribute '" + name + "' has the wrong type");
    return nullptr;
  }
  return nullptr;
}

int64_t NodeImporter::getInt(StringRef name, int64_t otherwise) {
  const AttributeProto *attribute = findAttribute(name, AttributeProto::INT);
  return attribute ? attribute->i() : otherwise;
}

float NodeImporter::getFloat(StringRef name, float otherwise) {
  const AttributeProto *attribute = findAttribute(name, AttributeProto::FLOAT);
  return attribute ? attribute->f() : otherwise;
}

StringRef NodeImporter::getString(StringRef name, StringRef otherwise) {
  const AttributeProto *attribute = findAttribute(name, AttributeProto::STRING);
  return attribute ? StringRef(attribute->s()) : otherwise;
}

std::optional<SmallVector<int64_t>> NodeImporter::getInts(StringRef name) {
  const AttributeProto *attribute = findAttribute(name, AttributeProto::INTS);
  if (!attribute)
    return std::nullopt;
  return SmallVector<int64_t>(attribute->ints().begin(), attribute->ints().end());
}

std::optional<SmallVector<float>> NodeImporter::getFloats(StringRef name) {
  const AttributeProto *attribute = findAttribute(name, AttributeProto::FLOATS);
  if (!attribute)
    return std::nullopt;
  return SmallVector<float>(attribute->floats().begin(), attribute->floats().end());
}

std::optional<SmallVector<StringRef>> NodeImporter::getStrings(StringRef name) {
  const AttributeProto *attribute = findAttribute(name, AttributeProto::STRINGS);
  if (!attribute)
    return std::nullopt;
  return SmallVector<StringRef>(attribute->strings().begin(), attribute->strings().end());
}

SmallVector<int64_t> NodeImporter::getSizes(StringRef name, size_t count, int64_t otherwise,
                                            int64_t minimum) {
  SmallVector<int64_t> fallback(count, otherwise);
  std::optional<SmallVector<int64_t>> values = getInts(name);
  if (!values || values->empty())
    return fallback;
  if (values->size() != count) {
    (void)error("attribute '" + name + "' has " + Twine(values->size()) +
                " entries, expected " + Twine(count));
    return fallback;
  }
  for (int64_t value : *values)
    if (value < minimum || value > std::numeric_limits<int32_t>::max()) {
      (void)error("attribute '" + name + "' has the entry " + Twine(value) +
                  ", expected at least " + Twine(minimum) + " and less than 2^31");
      return fallback;
    }
  return *values;
}

ElementsAttr NodeImporter::getTensor(StringRef name) {
  for (AttributeProto &attribute : *node.mutable_attribute()) {
    if (attribute.name() != name)
      continue;
    readAttributes.insert(name);
    StringRef blobName = node.output_size() ? StringRef(node.output(0)) : name;
    llvm::Expected<ElementsAttr> value =
        attribute.has_sparse_tensor()
            ? importer.readTensor(*attribute.mutable_sparse_tensor(), blobName)
        : attribute.has_t() ? importer.readTensor(*attribute.mutable_t(), blobName)
                            : llvm::createStringError("is missing");
    if (value)
      return *value;
    (void)error("the tensor in attribute '" + name + "' " + toString(value.takeError()));
    return {};
  }
  (void)error("has no tensor in its attribute '" + name + "'");
  return {};
}

Type NodeImporter::getDataType(StringRef name, int64_t otherwise) {
  int64_t dataType;
  if (opset < 6) { // The name of the type.
    onnx::TensorProto::DataType parsed = onnx::TensorProto::UNDEFINED;
    onnx::TensorProto::DataType_Parse(getString(name, "").str(), &parsed);
    dataType = parsed;
  } else {
    dataType = getInt(name, otherwise);
  }
  bool fits = dataType == int32_t(dataType);
  Type type = fits ? convertDataType(getContext(), dataType) : Type();
  if (!type)
    (void)error("attribute '" + name + "' asks for element type " +
                stringifyDataType(fits ? dataType : -1) + ", which is not supported");
  return type;
}

LogicalResult NodeImporter::checkAttributesRead() {
  for (const AttributeProto &attribute : node.attribute())
    if (!readAttributes.contains(attribute.name()) &&
        // A hint of opset 1 that an operand's memory may be used again.
        !(opset < 6 && attribute.name() == "consumed_inputs"))
      return error("attribute '" + attribute.name() + "' is not supported in opset " +
                   Twine(opset));
  return success();
}

FailureOr<int64_t> NodeImporter::normalizeAxis(int64_t axis, int64_t rank) {
  int64_t result = axis < 0 ? axis + rank : axis;
  if (result < 0 || result >= rank)
    return error("axis " + Twine(axis) + " is out of range for rank " + Twine(rank));
  return result;
}

FailureOr<SmallVector<int64_t>> NodeImporter::normalizeAxes(ArrayRef<int64_t> axes,
                                                            int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t axis : axes) {
    FailureOr<int64_t> normal = normalizeAxis(axis, rank);
    if (failed(normal))
      return failure();
    if (llvm::is_contained(result, *normal))
      return error("axis " + Twine(axis) + " is named twice");
    result.push_back(*normal);
  }
  llvm::sort(result);
  return result;
}

LogicalResult NodeImporter::checkShape(ArrayRef<int64_t> shape, Type elementType) {
  int64_t bytes = cnn::getElementBytes(elementType).value_or(8);
  llvm::Expected<int64_t> size = getByteSize(shape, bytes);
  if (!size)
    return error("the result " + toString(size.takeError()));
  return success();
}
