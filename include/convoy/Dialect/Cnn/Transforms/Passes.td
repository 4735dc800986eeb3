//===- Passes.td - Passes on the cnn dialect ---------------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_TRANSFORMS_PASSES_TD
#define CONVOY_DIALECT_CNN_TRANSFORMS_PASSES_TD

include "convoy/Dialect/Cnn/Transforms/PartitionPasses.td"
include "convoy/Dialect/Cnn/Transforms/SchedulePasses.td"
include "convoy/Dialect/Cnn/Transforms/SimplifyPasses.td"

#endif // CONVOY_DIALECT_CNN_TRANSFORMS_PASSES_TD
