//===- Window.cpp - Windows of convolutions and pools ---------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Window.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy::onnximport;

FailureOr<Window>
convoy::onnximport::readWindow(NodeImporter &node,
                               std::optional<ArrayRef<int64_t>> filterKernel) {
  int64_t rank = NodeImporter::getRank(node.getInput(0)) - 2;
  if (rank < 1 || rank > 3)
    return node.error(node.describeInput(0) + " has rank " + Twine(rank + 2) +
                      ", expected 3 to 5 (batch, channels and 1 to 3 spatial dimensions)");
  Window window;
  if (filterKernel) {
    if (int64_t(filterKernel->size()) != rank)
      return node.error("the filter has " + Twine(filterKernel->size()) +
                        " spatial dimensions, the input " + Twine(rank));
    window.kernel.assign(filterKernel->begin(), filterKernel->end());
    SmallVector<int64_t> stated = node.getSizes("kernel_shape", rank, 0, 1);
    if (node.hasAttribute("kernel_shape") && stated != window.kernel)
      return node.error("attribute 'kernel_shape' differs from the filter's shape");
  } else {
    if (!node.hasAttribute("kernel_shape"))
      return node.error("has no attribute 'kernel_shape'");
    window.kernel = node.getSizes("kernel_shape", rank, 1, 1);
  }
  window.strides = node.getSizes("strides", rank, 1, 1);
  window.dilations = node.getSizes("dilations", rank, 1, 1);
  window.pads = node.getSizes("pads", 2 * rank, 0, 0);
  window.autoPad = node.getString("auto_pad", "NOTSET");
  if (window.autoPad.empty())
    window.autoPad = "NOTSET";
  if (!llvm::is_contained({"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"}, window.autoPad))
    return node.error("attribute 'auto_pad' is '" + window.autoPad +
                      "', which ONNX does not know");
  if (window.autoPad != "NOTSET")
    window.pads.assign(2 * rank, 0);
  if (node.hasError())
    return failure();
  return window;
}

FailureOr<convoy::cnn::WindowAttr> Window::toAttribute(NodeImporter &node) const {
  auto attribute = cnn::WindowAttr::getChecked(
      [&] { return emitError(node.getLoc()); }, node.getContext(), ArrayRef<int64_t>(kernel),
      ArrayRef<int64_t>(strides), ArrayRef<int64_t>(dilations), ArrayRef<int64_t>(pads));
  if (!attribute)
    return failure();
  return attribute;
}

FailureOr<int64_t> convoy::onnximport::readGroup(NodeImporter &node) {
  int64_t group = node.getInt("group", 1);
  if (group < 1 || group > std::max<int64_t>(node.getShape(0)[1], 1))
    return node.error("attribute 'group' is " + Twine(group) + ", the input has " +
                      Twine(node.getShape(0)[1]) + " channels");
  return group;
}

LogicalResult convoy::onnximport::moveChannelsFirst(NodeImporter &node) {
  int64_t rank = NodeImporter::getRank(node.getInput(0));
  if (rank < 3)
    return success(); // An error where the window is read.
  SmallVector<int64_t> permutation = {0, rank - 1};
  llvm::append_range(permutation, llvm::seq<int64_t>(1, rank - 1));
  FailureOr<Value> moved = node.transpose(node.getInput(0), permutation);
  if (failed(moved))
    return failure();
  node.setInput(0, *moved);
  return success();
}

LogicalResult convoy::onnximport::readChannelsLast(NodeImporter &node, bool &channelsLast) {
  channelsLast = node.getInt("channels_last", 0) != 0;
  return channelsLast ? moveChannelsFirst(node) : success();
}

FailureOr<Value> convoy::onnximport::restoreChannelsLast(NodeImporter &node, Value result,
                                                         bool channelsLast) {
  if (!channelsLast)
    return result;
  SmallVector<int64_t> permutation = {0};
  llvm::append_range(permutation, llvm::seq<int64_t>(2, NodeImporter::getRank(result)));
  permutation.push_back(1);
  return node.transpose(result, permutation);
}

void convoy::onnximport::resolveAutoPad(NodeImporter &node, Window &window) {
  if (!window.isSame())
    return;
  ArrayRef<int64_t> spatial = node.getShape(0).drop_front(2);
  size_t rank = spatial.size();
  for (size_t i = 0; i < rank; ++i) {
    int64_t extent = llvm::divideCeil(spatial[i], window.strides[i]);
    int64_t reach = (window.kernel[i] - 1) * window.dilations[i] + 1;
    int64_t total =
        std::max<int64_t>((extent - 1) * window.strides[i] + reach - spatial[i], 0);
    int64_t smaller = total / 2, larger = total - smaller;
    bool upper = window.autoPad == "SAME_UPPER";
    window.pads[i] = upper ? smaller : larger;
    window.pads[rank + i] = upper ? larger : smaller;
  }
}
