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

def CnnFormTables : Pass<"cnn-form-tables", "::mlir::ModuleOp"> {
  let summary = "Look up functions of one byte in tables";
  let description = [{
    Between two quantisations of a QDQ model stands a function of one 8-bit number, such as
    `x * sigmoid(x)` with its roundings. In the body of an element-wise operation, this pass
    finds operations that depend on one such number and constants alone: on an `i8` that the
    operation reads, or on a float that was rounded and has at most 256 values. If they take
    longer than a lookup, they are replaced by one.

    Before:
    ```mlir
    %q = math.roundeven %clamped : f32
    %x = arith.mulf %q, %scale : f32
    %y = math.exp %x : f32
    ```
    After:
    ```mlir
    %table = arith.constant dense<...> : vector<256xf32>
    ...
    %q = math.roundeven %clamped : f32
    %n = arith.fptosi %q : f32 to i32
    %i = arith.index_cast %n : i32 to index
    %y = vector.extract %table[%i] : f32 from vector<256xf32>
    ```

    If the CPU looks up bytes in registers (ByteShuffle.h), and the elements are bytes, or bytes
    plus a constant as floats, the operation stores the indices instead, as `i8`. Another
    operation then does nothing but to look up, which is faster for many at once.

    The elements are computed as cnn-evaluate-constants does it, by code that is made of the
    same operations. A remark names each table. Nothing happens on GPUs.

    Pre: cnn-simplify-rounding ran, and the target is set.
    Post: kernels find a lookup by TableLookup (EpilogueBody.h).
    Numerics: the same bits.
  }];
}

#endif // CONVOY_PIPELINES_PASSES_TD
