//===- Inputs.cpp - Types that a graph declares ---------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace convoy;
using namespace convoy::onnximport;

Expected<InputShape> convoy::parseInputShape(StringRef text) {
  // A name may contain '=', a shape cannot.
  auto [name, dims] = text.rsplit('=');
  if (!text.contains('=')) {
    dims = text;
    name = "";
  }
  InputShape result;
  result.first = name.str();
  if (dims == "scalar")
    return result;
  SmallVector<StringRef> parts;
  dims.split(parts, 'x');
  for (StringRef part : parts) {
    int64_t dim;
    if (part.getAsInteger(10, dim) || dim < 0)
      return createStringError("'" + text + "' is not a shape, expected NAME=1x3x224x224");
    result.second.push_back(dim);
  }
  return result;
}

Expected<InputLimit> convoy::parseInputLimit(StringRef text) {
  // A name may contain '=', a number cannot.
  auto [name, number] = text.rsplit('=');
  int32_t limit;
  if (name.empty() || number.getAsInteger(10, limit) || limit < 0)
    return createStringError("'" + text +
                             "' is not an input and its largest value, "
                             "expected NAME=100");
  return InputLimit{name.str(), limit};
}

namespace {

/// A dimension as the file states it: a number, a name, or neither.
struct Dimension {
  std::optional<int64_t> value;
  StringRef symbol;
};

struct Input {
  StringRef name;
  bool hasShape = false;
  bool isBound = false; ///< --bind gives its value
  SmallVector<Dimension> dims;

  /// "Nx3x?x?"; or an example, with likely numbers for the open dimensions.
  std::string format(bool asExample = false) const {
    auto print = [&](const auto &indexed) {
      const Dimension &dim = indexed.value();
      if (dim.value)
        return std::to_string(*dim.value);
      if (asExample)
        return std::string(indexed.index() == 0 ? "1" : "224");
      return dim.symbol.empty() ? std::string("?") : dim.symbol.str();
    };
    return dims.empty() ? "scalar" : join(map_range(enumerate(dims), print), "x");
  }

  /// Whether a tensor of the shape can be what the file states.
  bool fits(ArrayRef<int64_t> shape) const {
    return !hasShape ||
           (dims.size() == shape.size() && all_of(zip_equal(dims, shape), [](auto pair) {
              auto &[dim, extent] = pair;
              return dim.value.value_or(extent) == extent;
            }));
  }
};

} // namespace

static Input readInput(const onnx::ValueInfoProto &info) {
  Input input;
  input.name = info.name();
  const auto &type = info.type().tensor_type();
  input.hasShape = type.has_shape();
  for (const auto &proto : type.shape().dim()) {
    Dimension dim;
    // Exporters write -1 or 0 for a dimension that is open.
    if (proto.has_dim_value() && proto.dim_value() > 0)
      dim.value = proto.dim_value();
    else if (proto.has_dim_param())
      dim.symbol = proto.dim_param();
    input.dims.push_back(dim);
  }
  return input;
}

mlir::LogicalResult Importer::checkListedInitializer(const onnx::ValueInfoProto &input,
                                                     int number) {
  auto [shape, dataType] = getInitializerType(number);
  if (!readInput(input).fits(shape))
    return error("initializer '" + input.name() + "' has shape " + formatShape(shape) +
                 ", the graph's input of that name has another one");
  int32_t listed = input.type().tensor_type().elem_type();
  if (listed != onnx::TensorProto::UNDEFINED && listed != dataType)
    return error("initializer '" + input.name() + "' has element type " +
                 stringifyDataType(dataType) + ", the graph's input of that name has " +
                 stringifyDataType(listed));
  return mlir::success();
}

mlir::LogicalResult Importer::checkOutputType(const onnx::ValueInfoProto &output,
                                              mlir::Value value) {
  mlir::RankedTensorType type = NodeImporter::getType(value);
  if (output.has_type() && output.type().value_case() != onnx::TypeProto::VALUE_NOT_SET &&
      !output.type().has_tensor_type())
    return error("output '" + output.name() + "' is declared as something else than a tensor");
  int32_t declared = output.type().tensor_type().elem_type();
  if (declared != onnx::TensorProto::UNDEFINED &&
      convertDataType(&context, declared) != type.getElementType()) {
    std::string computed;
    raw_string_ostream(computed) << type.getElementType();
    return error("output '" + output.name() + "' is declared as " +
                 stringifyDataType(declared) + ", but the nodes compute " + computed);
  }
  // Exporters write wrong shapes now and then, and ONNX Runtime takes them.
  if (Input stated = readInput(output); !stated.fits(type.getShape()))
    remark("output '" + output.name() + "' is declared with shape " + stated.format() +
           ", its value has " + formatShape(type.getShape()));
  return mlir::success();
}

/// Fills the open dimensions of `input` from a shape that the user gave by `option`.
static Error bindShape(Input &input, ArrayRef<int64_t> given, const Twine &option,
                       StringMap<std::optional<int64_t>> &symbols) {
  if (!input.hasShape && !input.isBound)
    input.dims.assign(given.size(), Dimension());
  input.hasShape = true;
  if (given.size() != input.dims.size())
    return createStringError(option + " has rank " + Twine(given.size()) +
                             ", the model's input '" + input.name + "' has shape " +
                             input.format() + " of rank " + Twine(input.dims.size()));
  for (auto [index, dim] : enumerate(input.dims)) {
    if (dim.value && *dim.value != given[index])
      return createStringError(option + " changes dimension " + Twine(index) + " of input '" +
                               input.name + "', which " +
                               (input.isBound ? "--bind" : "the model") + " fixes at " +
                               Twine(*dim.value));
    dim.value = given[index];
    if (dim.symbol.empty())
      continue;
    // Exporters give unrelated dimensions the same name ('?'). A name with two values is
    // of no use for other dimensions.
    auto [entry, isNew] = symbols.try_emplace(dim.symbol, given[index]);
    if (!isNew && entry->second != given[index])
      entry->second.reset();
  }
  return Error::success();
}

Expected<std::vector<SmallVector<int64_t>>>
convoy::onnximport::resolveInputShapes(ArrayRef<const onnx::ValueInfoProto *> infos,
                                       ArrayRef<InputShape> shapes,
                                       const StringMap<BoundInput> &bound) {
  SmallVector<Input> inputs;
  StringMap<std::optional<int64_t>> symbols;
  for (const onnx::ValueInfoProto *info : infos) {
    Input &input = inputs.emplace_back(readInput(*info));
    auto value = bound.find(input.name);
    if (value == bound.end())
      continue;
    ArrayRef<int64_t> shape = value->second.data.shape;
    if (!input.hasShape)
      input.dims.assign(shape.size(), Dimension());
    if (Error error = bindShape(
            input, shape, value->second.option + " of shape " + formatShape(shape), symbols))
      return std::move(error);
    input.isBound = true;
  }

  StringSet<> named;
  for (const InputShape &given : shapes) {
    auto &[name, shape] = given;
    auto *input = find_if(inputs, [](const Input &input) { return !input.isBound; });
    if (name.empty() && inputs.size() - bound.size() > 1)
      return createStringError("--shape " + formatShape(shape) +
                               " names no input, but the model has several: write --shape " +
                               input->name + "=" + formatShape(shape) + "; the inputs are " +
                               listInputs(infos));
    if (!name.empty() || input == inputs.end()) {
      Expected<size_t> number = findInput(infos, name, "--shape");
      if (!number)
        return number.takeError();
      input = &inputs[*number];
    }
    if (!named.insert(input->name).second)
      return createStringError("--shape names '" + input->name + "' twice");
    if (Error error = bindShape(*input, shape,
                                "--shape " + input->name + "=" + formatShape(shape), symbols))
      return std::move(error);
  }

  std::vector<SmallVector<int64_t>> result;
  for (Input &input : inputs) {
    SmallVector<int64_t> shape;
    for (Dimension &dim : input.dims) {
      if (!dim.value)
        dim.value = symbols.lookup(dim.symbol);
      if (dim.value)
        shape.push_back(*dim.value);
    }
    if (!input.hasShape)
      return createStringError("input '" + input.name +
                               "' has no shape in the model: fix it with --shape " +
                               input.name + "=...");
    if (shape.size() != input.dims.size())
      return createStringError("input '" + input.name + "' has open dimensions in its shape " +
                               input.format() + ": fix them, for example with --shape " +
                               input.name + "=" + input.format(/*asExample=*/true));
    result.push_back(std::move(shape));
  }
  return result;
}
