//===- Functions.h - Functions that a model defines -------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_FUNCTIONS_H
#define CONVOY_LIB_IMPORT_ONNX_FUNCTIONS_H

#include "onnx.pb.h"
#include "llvm/Support/Error.h"
#include <vector>

namespace convoy::onnximport {

/// Replaces each node of a graph that calls a function of the model, and that an output of the
/// graph needs, by the nodes of that function, until no such call is left. The
/// new nodes have the caller's name before their own, and so have their tensors.
///
/// A function of the default domain is not called where an operator has its name.
///
/// Returns the opset of the default domain for each node of the graph: `opset`, or what the
/// node's function imports. Errors do not name the file.
llvm::Expected<std::vector<int64_t>>
inlineFunctions(const google::protobuf::RepeatedPtrField<onnx::FunctionProto> &functions,
                onnx::GraphProto &graph, int64_t opset);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_FUNCTIONS_H
