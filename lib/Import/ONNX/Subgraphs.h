//===- Subgraphs.h - Graphs in the attributes of nodes ----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_SUBGRAPHS_H
#define CONVOY_LIB_IMPORT_ONNX_SUBGRAPHS_H

#include "onnx.pb.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace convoy::onnximport {

/// Functions and graphs nest as modules do. The names of nodes grow with the depth.
constexpr int kMaxDepth = 128;

/// The graphs in a node's attributes.
llvm::SmallVector<const onnx::GraphProto *, 2> getGraphs(const onnx::NodeProto &node);
llvm::SmallVector<onnx::GraphProto *, 2> getGraphs(onnx::NodeProto &node);

/// Adds the names of all tensors that a graph makes or has: its inputs, its initializers, and
/// the outputs of its nodes.
void addNames(const onnx::GraphProto &graph, llvm::StringSet<> &names);

/// Visits the names of the tensors that a node or its graphs read.
void forEachRead(const onnx::NodeProto &node,
                 llvm::function_ref<void(const std::string &)> visit);

/// The name, or one like it that is not taken.
std::string makeUniqueName(const std::string &name,
                           llvm::function_ref<bool(const std::string &)> isTaken);

/// Replaces names of tensors in a node. In a graph of the node, a name that the graph makes
/// itself stays.
void renameTensors(onnx::NodeProto &node, const llvm::StringMap<std::string> &names);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_SUBGRAPHS_H
