//===- CnnCommunicationOps.td - Data between devices -------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_CNNCOMMUNICATIONOPS_TD
#define CONVOY_DIALECT_CNN_IR_CNNCOMMUNICATIONOPS_TD

include "convoy/Dialect/Cnn/IR/CnnOpBase.td"

/// An operation by which all devices exchange data. Each device has a program of its own, and
/// `device` is the number of the device that runs this one. All programs contain the same
/// communication operations in the same order, so none may be dropped, merged or moved past
/// another. Therefore they have the effect of writing the links between devices, in the value
/// form, too. With `async` the operation only starts the exchange: a `cnn.await` and a
/// `cnn.release` follow.
class Cnn_CommunicationOp<string mnemonic>
    : Cnn_Op<mnemonic, [Cnn_HasKernel, Cnn_HasBlockedForm, Cnn_Narrows,
                        Cnn_CommunicationOpInterface]> {
  dag communicationArguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init,
                                    I64Attr:$device);
  let assemblyFormat = [{
    $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
}

def Cnn_AllGatherOp : Cnn_CommunicationOp<"all_gather"> {
  let summary = "the whole of a tensor of which each device holds a slice";
  let description = [{
    Joins the slices of a tensor that is cut along dimension `axis`. Device `k` gives the part
    `[bounds[k], bounds[k + 1])`, and every device gets the whole, `[0, bounds.back())`.
    `device` is the number of the device that runs this operation.

    With `async`, the operation only starts the exchange. `cnn.await` waits for the result, and
    `cnn.release` for the other devices, which may still read the input.

    ```mlir
    %1 = cnn.all_gather %0 {axis = 1 : i64, bounds = array<i64: 0, 128, 256>, device = 0 : i64}
       : (tensor<1x128x12x12xf32>) -> tensor<1x256x12x12xf32>
    ```
  }];
  let arguments = !con(communicationArguments, (ins I64Attr:$axis, DenseI64ArrayAttr:$bounds,
                                                    UnitAttr:$async));
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "int64_t":$device, "int64_t":$axis,
           "::llvm::ArrayRef<int64_t>":$bounds),
      "input, ::mlir::Value(), device, axis, bounds">];
}

def Cnn_AllReduceOp : Cnn_CommunicationOp<"all_reduce"> {
  let summary = "the sum of a tensor over all devices";
  let description = [{
    Adds f32 tensors of equal shape, one from each of `devices` devices. Every device gets the
    same sum, bit for bit. Terms are added in the order of the devices, unless NCCL adds them
    on GPUs, in an order of its own (see docs/gpu.md). `device` and `async` are as in
    `cnn.all_gather`.

    ```mlir
    %1 = cnn.all_reduce %0 {device = 0 : i64, devices = 2 : i64}
      : (tensor<1x4096xf32>) -> tensor<1x4096xf32>
    ```
  }];
  let arguments = !con(communicationArguments, (ins I64Attr:$devices, UnitAttr:$async));
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "int64_t":$device, "int64_t":$devices),
      "input, ::mlir::Value(), device, devices">];
}

def Cnn_HaloExchangeOp : Cnn_CommunicationOp<"halo_exchange"> {
  let summary = "a slice with the edges of its neighbours";
  let description = [{
    The tensor is cut between the devices as in `cnn.all_gather`. The result is the slice of
    this device, extended along dimension `axis`: by the last `before` elements of the device
    before it, and by the first `after` elements of the device after it. The first device has
    none before it, and the last device none after it. `device` and `async` are as in
    `cnn.all_gather`.

    ```mlir
    %1 = cnn.halo_exchange %0 {axis = 1 : i64, bounds = array<i64: 0, 48, 96>,
                               before = 2 : i64, after = 2 : i64, device = 0 : i64}
       : (tensor<1x48x54x54xf32>) -> tensor<1x50x54x54xf32>
    ```
  }];
  let arguments = !con(communicationArguments, (ins I64Attr:$axis, DenseI64ArrayAttr:$bounds,
                                                    I64Attr:$before, I64Attr:$after,
                                                    UnitAttr:$async));
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "int64_t":$device, "int64_t":$axis,
           "::llvm::ArrayRef<int64_t>":$bounds, "int64_t":$before, "int64_t":$after),
      "input, ::mlir::Value(), device, axis, bounds, before, after">];
}

def Cnn_AwaitOp
    : Op<Cnn_Dialect, "await", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "bring an asynchronous communication to its end";
  let description = [{
    Waits for the oldest communication that was started (by an operation with `async`) and not
    awaited yet. `source` and `target` are its input and its result. After this operation,
    `target` can be read. Other devices may still read `source`, up to the `cnn.release`.

    ```mlir
    cnn.await %a into %b : memref<1x128x12x12xf32>, memref<1x256x12x12xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeMemRef:$source, AnyStaticShapeMemRef:$target);
  let assemblyFormat = "$source `into` $target attr-dict `:` type($source) `,` type($target)";
}

def Cnn_ReleaseOp
    : Op<Cnn_Dialect, "release", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "get the buffers of a communication back from the other devices";
  let description = [{
    Waits until no other device reads `buffers` any more; then they can be written again. They
    belong to the oldest communication that was awaited and not released yet: its input and, of
    a `cnn.all_reduce`, also its result, in which the other devices read this device's part of
    the sums.

    ```mlir
    cnn.release %a : memref<1x128x12x12xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyStaticShapeMemRef>:$buffers);
  let assemblyFormat = "$buffers attr-dict `:` type($buffers)";
}

#endif // CONVOY_DIALECT_CNN_IR_CNNCOMMUNICATIONOPS_TD
