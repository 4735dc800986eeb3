//===- Partition.cpp - The partition phase --------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Pipelines/Pipelines.h"
#include "convoy/Transforms/Partition/Passes.h"
#include "convoy/Transforms/Simplify/Passes.h"

#include "mlir/Transforms/Passes.h"

using namespace mlir;

void convoy::buildAssignPartitionPipeline(OpPassManager &manager,
                                          const PartitionOptions &options) {
  manager.addPass(cnn::createCnnAssignPartition(
      {options.devices, options.strategy, options.bandwidth, options.latency}));
}

void convoy::buildPartitionPipeline(OpPassManager &manager, const PartitionOptions &options) {
  if (!options.hasDevices())
    return;
  buildAssignPartitionPipeline(manager, options);
  manager.addPass(cnn::createCnnApplyPartition({options.devices}));
  manager.nest<ModuleOp>().addPass(createCanonicalizerPass());
  manager.addPass(cnn::createCnnSimplifyCommunication({options.bandwidth, options.latency}));
  manager.addPass(cnn::createCnnReleaseBlobs());
}
