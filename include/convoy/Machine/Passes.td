//===- Passes.td - The pass that names a target ------------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_MACHINE_PASSES_TD
#define CONVOY_MACHINE_PASSES_TD

include "mlir/Pass/PassBase.td"

def CnnSetTarget : Pass<"cnn-set-target", "::mlir::ModuleOp"> {
  let summary = "Name the machine that a module is compiled for";
  let description = [{
    Gives the module the attribute `cnn.target` for the CPU `cpu`, with the numbers in the
    compiler's table of CPUs (see docs/targets.md). `convoy compile` does the same with
    --mcpu, --mtriple and --precision; the pass is for IR that is written by hand. A module
    that has a target already keeps it.

    Before:
    ```mlir
    module {
      ...
    }
    ```
    After `--cnn-set-target=cpu=x86-64-v3`:
    ```mlir
    module attributes {cnn.target = #cnn.target<
        triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = "",
        vector_lanes = 8, vector_registers = 16, l2 = 524288>} {
      ...
    }
    ```

    Post: the module has a target. Passes that need one fail without it.
    Numerics: bit-exact.
  }];
  let options = [
    Option<"cpu", "cpu", "std::string", /*default=*/"",
           "A CPU that LLVM knows, or native; it must be given">,
    Option<"triple", "triple", "std::string", /*default=*/"",
           "The target triple; by default Linux on the CPU's architecture">,
    Option<"precision", "precision", "::convoy::cnn::Precision",
           /*default=*/"::convoy::cnn::Precision::f32",
           "The type of data between layers, f32 or bf16",
           [{::llvm::cl::values(clEnumValN(::convoy::cnn::Precision::f32, "f32", "f32"),
                                clEnumValN(::convoy::cnn::Precision::bf16, "bf16", "bf16"))}]>];
  let dependentDialects = ["::convoy::cnn::CnnDialect"];
}

#endif // CONVOY_MACHINE_PASSES_TD
