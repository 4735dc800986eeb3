//===- Import.h - ONNX models to cnn operations -----------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_IMPORT_ONNX_IMPORT_H
#define CONVOY_IMPORT_ONNX_IMPORT_H

#include "convoy/Runtime/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace convoy {

/// The name of an input and the shape to give it.
using InputShape = std::pair<std::string, std::vector<int64_t>>;

/// The name of an input and the file that has its value.
struct InputBinding {
  std::string name, file;
};

/// The name of an input and the largest value of its elements.
using InputLimit = std::pair<std::string, int64_t>;

struct ImportOptions {
  /// Shapes of inputs for which the file leaves dimensions open. If the model has one input,
  /// its name may be empty here.
  std::vector<InputShape> shapes;
  /// Inputs that become constants, as if they were initializers.
  std::vector<InputBinding> bindings;
  /// Inputs of integers from 0 to a limit, from which sizes may be computed. A run with
  /// another number fails.
  std::vector<InputLimit> limits;
  /// The most iterations of a loop whose trip count has no known bound. A run fails if it
  /// takes more. 0 is the default, which bounds no tensor that grows.
  int64_t maxIterations = 0;
  /// Evaluates values where an operator needs a constant. Null for a value that depends on an
  /// input or cannot be evaluated. If there is no function, such operators are errors, unless
  /// folders evaluate them.
  std::function<llvm::SmallVector<mlir::ElementsAttr>(llvm::ArrayRef<mlir::Value>)> evaluate;
};

/// Parses `NAME=1x3x224x224`, or `1x3x224x224` with an empty name; `scalar` is a shape of no
/// dimensions.
llvm::Expected<InputShape> parseInputShape(llvm::StringRef text);

/// Parses `NAME=100`.
llvm::Expected<InputLimit> parseInputLimit(llvm::StringRef text);

/// Parses `NAME=FILE`.
llvm::Expected<InputBinding> parseInputBinding(llvm::StringRef text);

/// Reads an ONNX model (opsets 1 to 28, IR versions 3 to 14) into a module with
/// one function `@main` of cnn operations on statically shaped tensors.
///
/// The module's attributes `cnn.inputs` and `cnn.outputs` list names and types; the location
/// of an operation is the name of its ONNX node. Weights are resource blobs in the mapped
/// memory of the file if their alignment allows it. On failure returns null, after one error
/// diagnostic at the location of the file or node (see Locations.h), which names the tensor.
mlir::OwningOpRef<mlir::ModuleOp> importONNX(mlir::MLIRContext &context, llvm::StringRef path,
                                             const ImportOptions &options = {});

/// How the first output of a node, or its first input, is cut between devices.
struct NodeSharding {
  /// The name of the node.
  std::string node;
  /// Whether the first output is cut, or the first input.
  bool ofResult = true;
  /// The dimension that is cut; -1 if each device has the whole tensor.
  int64_t axis = -1;
};

/// Writes the model `path` to the file `output`, with a device configuration `convoy_N` for N
/// devices and the sharding of each of `nodes` (IR version 11). Replaces a configuration of
/// that name.
llvm::Error writeShardedONNX(llvm::StringRef path, llvm::StringRef output, int64_t devices,
                             llvm::ArrayRef<NodeSharding> nodes);

/// Reads a tensor from a file that holds one `TensorProto`, as ONNX's test data
/// does (`input_0.pb`). Errors name the file.
llvm::Expected<Tensor> readTensorProto(llvm::StringRef path);

/// Reads a .npy file, or a TensorProto from a file that ends in .pb.
llvm::Expected<Tensor> readTensorFile(llvm::StringRef path);

} // namespace convoy

#endif // CONVOY_IMPORT_ONNX_IMPORT_H
