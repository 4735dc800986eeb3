//===- CnnHostOps.td - Operations of the host's code -------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The host's code computes these operations by a call of the runtime: only that can make a run
// fail. They have no kernel.
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_CNNHOSTOPS_TD
#define CONVOY_DIALECT_CNN_IR_CNNHOSTOPS_TD

include "convoy/Dialect/Cnn/IR/CnnOpBase.td"

def Cnn_CheckRangeOp : Cnn_Op<"check_range", [Cnn_RunsOnHost, Cnn_TakesF64]> {
  let summary = "make the run fail unless all integers are in a range";
  let description = [{
    The result is `input`, with integers outside of `minimum` to `maximum` set to the nearest of
    the two. If there are any, the run fails with `CONVOY_ERROR_RANGE`; it does not stop there,
    so what reads the result can rely on the range. Elements are of i32 or i64.

    On GPUs, whose memory the host does not read, the run does not fail.

    ```mlir
    %1 = cnn.check_range %lengths {minimum = 0 : i64, maximum = 50 : i64}
       : (tensor<3xi32>) -> tensor<3xi32>
    ```
  }];
  let arguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init, I64Attr:$minimum,
                       I64Attr:$maximum);
  let assemblyFormat = [{
    $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
}

def Cnn_LimitLoopOp : Cnn_Op<"limit_loop", [Cnn_RunsOnHost, Cnn_TakesF64]> {
  let summary = "end a loop that goes on for too long";
  let description = [{
    At the end of an iteration: if the destination, an `i1` of rank 0 whose memory this operation
    changes, is true, and `iteration`, an `i64` of rank 0 and the number of the next iteration,
    is at least `limit`, it makes the destination false, and the run fail with
    `CONVOY_ERROR_LOOP`. `cnn-form-loops` makes this operation.

    ```mlir
    %2 = cnn.limit_loop %iteration outs(%goes_on) {limit = 1000 : i64}
       : (tensor<i64>, tensor<i1>) -> tensor<i1>
    ```
  }];
  let arguments = (ins Cnn_Shaped:$iteration, Optional<Cnn_Shaped>:$init,
                       ConfinedAttr<I64Attr, [IntPositive]>:$limit);
  let assemblyFormat = [{
    $iteration (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
}

#endif // CONVOY_DIALECT_CNN_IR_CNNHOSTOPS_TD
