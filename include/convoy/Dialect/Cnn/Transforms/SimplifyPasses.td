//===- SimplifyPasses.td - Passes of the simplify phase ----*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_TRANSFORMS_SIMPLIFYPASSES_TD
#define CONVOY_DIALECT_CNN_TRANSFORMS_SIMPLIFYPASSES_TD

include "mlir/Pass/PassBase.td"

#endif // CONVOY_DIALECT_CNN_TRANSFORMS_SIMPLIFYPASSES_TD
