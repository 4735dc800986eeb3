//===- Bindings.cpp - What the user says about inputs ---------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "convoy/Runtime/Tensor.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;

llvm::Expected<InputBinding> convoy::parseInputBinding(StringRef text) {
  // Names and files may contain '='. Take the first one after which there is a file.
  size_t first = text.find('='), split = first;
  while (split != StringRef::npos && !llvm::sys::fs::exists(text.drop_front(split + 1)))
    split = text.find('=', split + 1);
  if (split == StringRef::npos)
    split = first;
  if (split == StringRef::npos || split == 0 || split + 1 == text.size())
    return llvm::createStringError("'" + text +
                                   "' is not an input and a file, expected NAME=FILE");
  return InputBinding{text.take_front(split).str(), text.drop_front(split + 1).str()};
}

std::string convoy::onnximport::listInputs(ArrayRef<const onnx::ValueInfoProto *> inputs) {
  return llvm::join(
      llvm::map_range(
          inputs, [](const onnx::ValueInfoProto *input) { return "'" + input->name() + "'"; }),
      ", ");
}

/// Moves a tensor's memory into a blob.
static TensorData takeData(Tensor tensor) {
  TensorData data;
  data.dataType = static_cast<int32_t>(tensor.getElementType());
  data.shape.assign(tensor.getShape().begin(), tensor.getShape().end());
  auto owner = std::make_unique<Tensor>(std::move(tensor));
  ArrayRef<char> bytes(static_cast<const char *>(owner->getData()),
                       size_t(owner->getSizeInBytes()));
  data.bytes = AsmResourceBlob(
      bytes, cnn::kBlobAlignment,
      [owner = std::move(owner)](void *, size_t, size_t) mutable { owner.reset(); },
      /*dataIsMutable=*/false);
  return data;
}

llvm::Expected<size_t>
convoy::onnximport::findInput(ArrayRef<const onnx::ValueInfoProto *> inputs, StringRef name,
                              StringRef option) {
  const auto *found = llvm::find_if(
      inputs, [&](const onnx::ValueInfoProto *input) { return input->name() == name; });
  if (found != inputs.end())
    return found - inputs.begin();
  return llvm::createStringError(option + " names '" + name +
                                 "', which is no input; the model's inputs are " +
                                 listInputs(inputs));
}

LogicalResult Importer::readBindings(ArrayRef<const onnx::ValueInfoProto *> inputs) {
  for (const InputBinding &binding : options.bindings) {
    std::string option = "--bind " + binding.name + "=" + binding.file;
    llvm::Expected<size_t> input = findInput(inputs, binding.name, option);
    if (!input)
      return error(toString(input.takeError()));
    if (bound.contains(binding.name))
      return error("--bind names '" + binding.name + "' twice");
    llvm::Expected<Tensor> tensor = readTensorFile(binding.file);
    if (!tensor)
      return error("--bind " + binding.name + ": " + toString(tensor.takeError()));
    // The numbers of element types are those of ONNX.
    auto dataType = static_cast<int32_t>(tensor->getElementType());
    int32_t declared = inputs[*input]->type().tensor_type().elem_type();
    if (dataType != declared)
      return error(option + ": the file holds " + stringifyDataType(dataType) +
                   ", the model's input is of " + stringifyDataType(declared));
    bound[binding.name] = {option, takeData(std::move(*tensor))};
  }
  return success();
}

LogicalResult Importer::readLimits(ArrayRef<const onnx::ValueInfoProto *> inputs) {
  for (const auto &[name, limit] : options.limits) {
    std::string option = "--max " + name + "=" + std::to_string(limit);
    llvm::Expected<size_t> input = findInput(inputs, name, option);
    if (!input)
      return error(toString(input.takeError()));
    if (bound.contains(name))
      return error(option + " names an input that --bind makes a constant");
    if (!limits.try_emplace(name, limit).second)
      return error("--max names '" + name + "' twice");
    int32_t type = inputs[*input]->type().tensor_type().elem_type();
    if (type != onnx::TensorProto::INT32 && type != onnx::TensorProto::INT64)
      return error(option + ": the input is of " + stringifyDataType(type) +
                   ", expected int32 or int64");
  }
  return success();
}

FailureOr<Value> Importer::limitInput(StringRef name, Value argument) {
  auto limit = limits.find(name);
  if (limit == limits.end())
    return argument;
  return cnn::createChecked<cnn::CheckRangeOp>(builder, argument.getLoc(), argument,
                                               /*init=*/Value(), 0, limit->second);
}
