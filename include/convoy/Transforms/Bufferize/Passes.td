//===- Passes.td - Passes of the bufferize phase -----------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TRANSFORMS_BUFFERIZE_PASSES_TD
#define CONVOY_TRANSFORMS_BUFFERIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

def CnnSplitCommunication : Pass<"cnn-split-communication", "::mlir::func::FuncOp"> {
  let summary = "Start communication early, so that devices compute meanwhile";
  let description = [{
    A communication starts behind the last operation that writes what it gives, and ends
    where it stood. Other devices may read that later still: they are waited for behind
    the next communication, or where the buffer is written again.

    Before:
    ```mlir
    cnn.softmax %x outs(%a)
    cnn.softmax %y outs(%c)
    cnn.all_gather %a outs(%b) {axis = 1 : i64, ...}
    cnn.softmax %b outs(%d)
    ```
    After:
    ```mlir
    cnn.softmax %x outs(%a)
    cnn.all_gather %a outs(%b) {async, axis = 1 : i64, ...}
    cnn.softmax %y outs(%c)
    cnn.await %a into %b
    cnn.softmax %b outs(%d)
    cnn.release %a
    ```

    Communication starts, ends and is released in the order in which it stood, which is
    the same for all devices; where the programs of devices differ in between, none
    waits for ever. A memory plan that is made afterwards keeps buffers as long as they
    are needed.

    Pre: bufferized, straight-line code.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect"];
}

def CnnPlanMemory : Pass<"cnn-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Place buffers in one arena by lifetime and constants in one section";
  let description = [{
    Each `memref.alloc` of `@main` becomes a `memref.view` of the first argument
    (the arena) at an offset that no buffer alive at the same time overlaps, and
    each constant a view of the second (the weights).

    Before:
    ```mlir
    func.func @main(%x: memref<1x16x4x4xf32>, %y: memref<1x32x4x4xf32>) {
      %w = memref.get_global @scale : memref<1x16x1x1xf32>
      %a = memref.alloc() : memref<1x16x4x4xf32>
      linalg.generic ... ins(%x, %w) outs(%a)
      cnn.concat %x, %a outs(%y) {axis = 1 : i64}
    ```
    After:
    ```mlir
    func.func @main(%arena: memref<1024xi8>, %weights: memref<64xi8>,
                    %x: memref<1x16x4x4xf32>, %y: memref<1x32x4x4xf32>) {
      %w = memref.view %weights[%c0][] : memref<64xi8> to memref<1x16x1x1xf32>
      %a = memref.view %arena[%c0][] : memref<1024xi8> to memref<1x16x4x4xf32>
      linalg.generic ... ins(%x, %w) outs(%a)
      cnn.concat %x, %a outs(%y) {axis = 1 : i64}
    ```

    - What a concatenation joins is written in place, where the joined parts are
      contiguous, each is a whole buffer of its own, and nothing writes it later.
      Of several images, a part may be contiguous in each, if everything that reads
      or writes it is a copy, linalg, or has the trait `TakesImageSlices`; it becomes
      a `memref.reinterpret_cast` with a stride of the whole image.
      Inputs that already lie side by side are their concatenation. A buffer that
      is copied whole is merged with the copy the same way.
    - A contiguous view at a static offset becomes a `memref.view` of its own, with
      the identity layout; another one a `memref.reinterpret_cast` with offset 0.
    - The result of a convolution lies on its residual, if nothing reads that later.
      Otherwise operands of one operation never overlap. Offsets are multiples of 64 bytes,
      save those of parts of a concatenation and of slices; with a GPU these are
      multiples of 16.
    - Equal constants are stored once, in the order of their first reader.

    Emits a remark with the size of the arena and the most bytes that are alive
    at once, which no arena can be smaller than. Sets `cnn.arena_size`,
    `cnn.weights_size` and `cnn.weights` on the module.

    Pre: `@main` is straight-line, bufferized, with results as out-arguments.
    Post: no allocation, global or subview is left.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

def CnnVerifyBufferized : Pass<"cnn-verify-bufferized", "::mlir::ModuleOp"> {
  let summary = "Check what may cross the border from bufferize to codegen";
  let description = [{
    The table is in VerifyBufferized.cpp: the contract of docs/architecture.md.
    Views must lie inside of the arena and the weights, and no operation may
    write what it reads, except for a convolution its residual.

    Before and after: the same IR.
    Numerics: bit-exact.
  }];
}

#endif // CONVOY_TRANSFORMS_BUFFERIZE_PASSES_TD
