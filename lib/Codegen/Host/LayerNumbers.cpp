//===- LayerNumbers.cpp - Which layer an operation is ---------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostLowering.h"

using namespace mlir;
using namespace convoy;

/// On an operation of a device's program: its place in `cnn.layers`.
static constexpr llvm::StringLiteral kLayerIndexAttr = "cnn.layer_index";

LogicalResult host::numberLayers(func::FuncOp main) {
  SmallVector<Attribute> started;
  size_t awaited = 0, released = 0;
  int32_t layers = 0;
  Builder builder(main.getContext());
  WalkResult result = main.walk([&](Operation *op) -> WalkResult {
    if (isa<cnn::AwaitOp, cnn::ReleaseOp>(op)) {
      size_t &next = isa<cnn::AwaitOp>(op) ? awaited : released;
      if (next == (isa<cnn::AwaitOp>(op) ? started.size() : awaited))
        return op->emitError("has no communication to bring to its end");
      op->setAttr(kLayerIndexAttr, started[next++]);
    } else if (isa<cnn::LaunchOp, mlir::gpu::LaunchFuncOp, cnn::CommunicationOpInterface>(
                   op)) {
      op->setAttr(kLayerIndexAttr, builder.getI32IntegerAttr(layers++));
      if (auto exchange = dyn_cast<cnn::CommunicationOpInterface>(op);
          exchange && exchange.getAsync())
        started.push_back(op->getAttr(kLayerIndexAttr));
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

int32_t host::getLayer(Operation *op) {
  return op->getAttrOfType<IntegerAttr>(kLayerIndexAttr).getInt();
}

void host::markLayerDone(OpBuilder &builder, Operation *op, Value runtime) {
  Location loc = op->getLoc();
  callRuntime(builder, loc, CONVOY_RUNTIME_FUNCTION(convoy_rt_layer_done),
              {runtime, getInt(builder, loc, getLayer(op), 32)});
}
