//===- Passes.td - A pass that runs the phases -------------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_PIPELINES_PASSES_TD
#define CONVOY_PIPELINES_PASSES_TD

include "mlir/Pass/PassBase.td"

def CnnEvaluateConstants : Pass<"cnn-evaluate-constants", "::mlir::ModuleOp"> {
  let summary = "Compute what depends on constants alone by running its code while compiling";
  let description = [{
    Copies the operations of `@main` that depend on constants alone into a module of their
    own, compiles it with all phases for the CPU that the compiler runs on, runs the code in
    the compiler's memory, and replaces the results by constants. So every operation can be
    evaluated, and none needs a second implementation. A remark names each result.

    Before:
    ```mlir
    %0 = cnn.softmax %cst {axis = 1 : i64} : tensor<4x4xf32>
    %1 = cnn.binary <add> %x, %0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    ```
    After:
    ```mlir
    %0 = arith.constant dense<...> : tensor<4x4xf32>
    %1 = cnn.binary <add> %x, %0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    ```

    An operation stays if its result takes more than 16 MiB and more than four times the
    memory of the constants that it is computed from, and so does a broadcast that only
    repeats elements: the program does not become larger than it has to. What cannot be
    compiled for this machine stays, too.

    Pre: `@main` is straight-line code in value form. `cnn-fold-constants` ran before, because
    it is faster.
    Post: what depends on constants alone is a constant, with the exceptions above.
    Numerics: as on a CPU of the kind x86-64-v3 or, on Arm, generic, with one thread and
    without Winograd. A program that was made for another target would round in another order.
  }];
}

#endif // CONVOY_PIPELINES_PASSES_TD
