//===- CnnLoopOps.td - Loops, before they are scf.while ----*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_CNNLOOPOPS_TD
#define CONVOY_DIALECT_CNN_IR_CNNLOOPOPS_TD

include "convoy/Dialect/Cnn/IR/CnnOpBase.td"

def Cnn_LoopBeginOp : Op<Cnn_Dialect, "loop_begin",
    [Cnn_TakesF64, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "the variables of a loop at the start of an iteration (ONNX Loop, Scan)";
  let description = [{
    Result `i` is the value of variable `i` in the current iteration, and operand `i` is its
    value before the first one. Variable 0 is an `i1` of rank 0: whether there is another
    iteration. Variable 1 is an `i64` of rank 0, the number of the iteration.

    ```mlir
    %v:3 = cnn.loop_begin %goes_on, %zero, %x
        : (tensor<i1>, tensor<i64>, tensor<4xf32>) -> (tensor<i1>, tensor<i64>, tensor<4xf32>)
    ```

    What is computed from a variable, up to the `cnn.loop_end`, is the body of the loop. It
    stands among other operations, so that all passes see straight-line code. At the end of the
    schedule phase, `cnn-form-loops` makes an `scf.while` of it. The variables are memory that
    the loop allocates; so two loops are never one, even if they begin with the same values.
  }];
  let arguments = (ins Variadic<AnyStaticShapeTensor>:$inits);
  let results = (outs Variadic<AnyStaticShapeTensor>:$variables);
  let assemblyFormat = "$inits attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether there is another iteration.
    ::mlir::Value getGoesOn() { return getVariables()[0]; }
    /// The number of the iteration.
    ::mlir::Value getIteration() { return getVariables()[1]; }
  }];
}

def Cnn_LoopEndOp : Op<Cnn_Dialect, "loop_end", [AttrSizedOperandSegments, Cnn_TakesF64, Pure]> {
  let summary = "the variables of a loop after its last iteration, and what it collected";
  let description = [{
    `loop` is variable 0 of the loop's `cnn.loop_begin`. `nexts` are the values of the variables
    in the next iteration; the loop ends when the first of them is false.

    The results are the variables after the last iteration, then for each of `rows` a tensor
    with one more dimension in front, whose element `n` is the row of iteration `n`. That
    dimension is the largest number of iterations. If the loop ends earlier, the elements that
    follow are unspecified.

    ```mlir
    func.func @nine_times(%x: tensor<4xf32>, %yes: tensor<i1>, %zero: tensor<i64>,
                          %one: tensor<i64>, %nine: tensor<i64>) -> tensor<9x4xf32> {
      %v:3 = cnn.loop_begin %yes, %zero, %x
          : (tensor<i1>, tensor<i64>, tensor<4xf32>) -> (tensor<i1>, tensor<i64>, tensor<4xf32>)
      %y = cnn.unary <tanh> %v#2 : (tensor<4xf32>) -> tensor<4xf32>
      %n = cnn.binary <add> %v#1, %one : (tensor<i64>, tensor<i64>) -> tensor<i64>
      %more = cnn.binary <less> %n, %nine : (tensor<i64>, tensor<i64>) -> tensor<i1>
      %r:4 = cnn.loop_end %v#0 next(%more, %n, %y) rows(%y)
          : (tensor<i1>, tensor<i1>, tensor<i64>, tensor<4xf32>, tensor<4xf32>)
         -> (tensor<i1>, tensor<i64>, tensor<4xf32>, tensor<9x4xf32>)
      return %r#3 : tensor<9x4xf32>
    }
    ```

    A loop that has not ended by itself after `limit` iterations makes the run fail.
  }];
  let arguments = (ins AnyStaticShapeTensor:$loop, Variadic<AnyStaticShapeTensor>:$nexts,
                       Variadic<AnyStaticShapeTensor>:$rows,
                       OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$limit);
  let results = (outs Variadic<AnyStaticShapeTensor>:$results);
  let assemblyFormat = [{
    $loop `next` `(` $nexts `)` (`rows` `(` $rows^ `)`)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The operations of the body in order: those before the end that read a variable, or what
    /// is computed from one.
    ::llvm::SmallVector<::mlir::Operation *> findBody();
    LoopBeginOp getBegin() { return getLoop().getDefiningOp<LoopBeginOp>(); }
    /// The variables after the last iteration.
    ::mlir::ResultRange getVariables() { return getResults().take_front(getNexts().size()); }
    /// The rows of all iterations.
    ::mlir::ResultRange getCollected() { return getResults().drop_front(getNexts().size()); }
  }];
}

#endif // CONVOY_DIALECT_CNN_IR_CNNLOOPOPS_TD
