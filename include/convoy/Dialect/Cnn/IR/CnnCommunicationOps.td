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
/// devices, of which this program runs on number `device`.
class Cnn_CommunicationOp<string mnemonic> : Cnn_Op<mnemonic, [Cnn_CommunicationOpInterface]> {
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
  let arguments = !con(communicationArguments, (ins I64Attr:$axis, DenseI64ArrayAttr:$bounds));
}

def Cnn_AllReduceOp : Cnn_CommunicationOp<"all_reduce"> {
  let summary = "the sum of a tensor over all devices";
  let description = [{
    f32; terms are added in the order of devices, so that all get the same bits.
  }];
  let arguments = !con(communicationArguments, (ins I64Attr:$devices));
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
                                                    I64Attr:$before, I64Attr:$after));
}

#endif // CONVOY_DIALECT_CNN_IR_CNNCOMMUNICATIONOPS_TD
