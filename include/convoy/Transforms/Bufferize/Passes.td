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
    Splits each communication operation into three. The operation itself, with `async`, only
    starts the exchange. It moves up to just after the last operation that writes the data it
    sends or uses the memory that it receives into. `cnn.await` takes the place of the
    original operation: after it, the result can be read. Other devices may read the sent
    data even later. `cnn.release` waits for them, after the end of the next communication,
    or earlier if an operation writes the buffer again.

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

    Starts, awaits and releases each stay in the order of the original operations, which is
    the same for all devices. So no device waits for ever, even if the programs differ
    between these operations. The three operations name the buffers, so that a memory plan
    that is made later keeps them as long as they are needed.

    Pre: bufferized, straight-line code.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect"];
}

def CnnPlanMemory : Pass<"cnn-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Place buffers in one arena by lifetime and constants in one section";
  let description = [{
    Each `memref.alloc` of `@main` becomes a `memref.view` of the first argument, the arena,
    at an offset where it overlaps no buffer that is alive at the same time. Each constant
    becomes a view of the second argument, the weights.

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

    - An input of a concatenation is written directly into its place in the result, without a
      copy, if that place is contiguous, the input is a whole buffer, and nothing writes the
      input later. In a batch, the place need only be contiguous in each image, if all
      operations that read or write the input are copies, linalg, or have the trait
      `TakesImageSlices`. The input is then a `memref.reinterpret_cast` whose images have the
      stride of the result's images.
      Inputs that are already neighbours in memory are their own concatenation. A buffer
      that is copied as a whole is merged with the copy in the same way.
    - A contiguous view at a static offset becomes a `memref.view` of its own, with the
      identity layout. Any other view becomes a `memref.reinterpret_cast` with offset 0.
    - The result of a convolution is stored in the place of its residual, if nothing reads
      the residual later. Otherwise operands of one operation never overlap.
    - Offsets are multiples of 64 bytes, except for parts of a concatenation and slices;
      with a GPU the offsets of these are multiples of 16 bytes.
    - Equal constants are stored once, in the order in which they are first read.

    Emits a remark with the size of the arena and the most bytes that are alive at the same
    time, below which no arena can be. Sets `cnn.arena_size`, `cnn.weights_size` and
    `cnn.weights` on the module.

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
    The table of operations is in VerifyBufferized.cpp. It checks the contract of
    docs/architecture.md. Views must be inside of the arena or the weights. No operation
    may write a buffer that it reads, except that a convolution may write its residual.

    Before and after: the same IR.
    Numerics: bit-exact.
  }];
}

#endif // CONVOY_TRANSFORMS_BUFFERIZE_PASSES_TD
