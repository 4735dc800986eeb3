//===- Phases.td - The phases of compilation ---------------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The names and the order of the phases. The texts of the commands, the pipelines of
// convoy-opt and the help of --stop-after follow from this list.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_PIPELINES_PHASES
#define CONVOY_PIPELINES_PHASES

include "mlir/IR/EnumAttr.td"

def Phase : I32Enum<"Phase", "The phases of compilation in order", [
    I32EnumCase<"Import", 0, "import">,
    I32EnumCase<"Simplify", 1, "simplify">,
    I32EnumCase<"Partition", 2, "partition">,
    I32EnumCase<"Schedule", 3, "schedule">,
    I32EnumCase<"Bufferize", 4, "bufferize">,
    I32EnumCase<"Codegen", 5, "codegen">,
    I32EnumCase<"Target", 6, "target">
  ]> {
  let cppNamespace = "::convoy";
}

#endif // CONVOY_PIPELINES_PHASES
