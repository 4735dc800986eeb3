//===- CnnCommunicationOps.td - Data between devices -------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_CNNCOMMUNICATIONOPS_TD
#define CONVOY_DIALECT_CNN_IR_CNNCOMMUNICATIONOPS_TD

include "convoy/Dialect/Cnn/IR/CnnOpBase.td"

/// Every device's program runs the same communication operations in the same
/// order, so none may be dropped, merged or moved past another: they write the
/// links even in the value form. `bounds` are the cuts of dimension `axis` between
/// devices, of which this program runs on number `device`. With `async` it is only
/// started: a `cnn.await` and a `cnn.release` follow.
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
    Device `k` gives `[bounds[k], bounds[k + 1])` of dimension `axis`; all get
    `[0, bounds.back())`.

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
    Adds f32 tensors of equal shape, one of each device. Every device gets the sum. Terms are
    added in the order of the devices, so that all get the same bits.

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
    Of a tensor that devices hold as in `cnn.all_gather`, the slice of this device
    with `before` elements more of dimension `axis` from the device in front of it
    and `after` more from the one behind it, where there is one.

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
    Of those that were started, the oldest one that was not awaited. `source` and
    `target` are its buffers; from here on `target` can be read. Other devices may
    still read `source`.

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
    Of those that were awaited, the oldest one that was not released. Once no other
    device reads `buffers` any more, they can be written again.

    ```mlir
    cnn.release %a : memref<1x128x12x12xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyStaticShapeMemRef>:$buffers);
  let assemblyFormat = "$buffers attr-dict `:` type($buffers)";
}

#endif // CONVOY_DIALECT_CNN_IR_CNNCOMMUNICATIONOPS_TD
