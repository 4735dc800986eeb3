//===- CnnRecurrentOps.td - Recurrent layers ---------------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_CNNRECURRENTOPS_TD
#define CONVOY_DIALECT_CNN_IR_CNNRECURRENTOPS_TD

include "convoy/Dialect/Cnn/IR/CnnOpBase.td"

def Cnn_Functions : TypedArrayAttrBase<Cnn_FunctionAttr, "array of functions">;

def Cnn_RecurrenceOp : Cnn_Op<"recurrence",
    [AttrSizedOperandSegments, Cnn_HasKernel, Cnn_HasMacs, Cnn_WidensField, Cnn_NamesLayer]> {
  let summary = "the recurrent part of a layer of RNN, GRU or LSTM cells";
  let description = [{
    The steps of ONNX's RNN, GRU and LSTM. The input has the gates' products with the data, and
    their biases, of all steps: `x = X * transpose(W) + Wb + Rb`. Shapes are in terms of `T`
    steps, `B` sequences, `D` directions, `H` hidden units, and `G` gates: 1 (`rnn`), 3 (`gru`,
    in the order update `z`, reset `r`, candidate `n`) or 4 (`lstm`: input `i`, output `o`,
    forget `f`, candidate `n`).

    | operand | shape |
    |---|---|
    | `input` | `T x B x D x G*H` |
    | `weights` (R): how gates depend on the last `h` | `D x H x G*H`: a row for each element of `h` |
    | `candidate` (C) and its `bias`: see below | `D x H x H`, `D x H` |
    | `peepholes` (P): of the gates `i`, `o`, `f` | `D x 3*H` |
    | `h`, `c`: the first states; zeros without them | `D x B x H` |
    | `lengths`: the steps of each sequence; `T` without it | `B`, of i32 |
    | `scales` (S): of weights that are quantised | `D x G*H` |

    A step computes the next `h` (and `c`) from the last ones:

        rnn:   h = f(x + h * R)

        gru:   z = f(x_z + h * R_z)
               r = f(x_r + h * R_r)
               n = g(x_n + (r . h) * C)            with `candidate`; R has two gates then
               n = g(x_n + r . (h * R_n + bias))   without it
               h = (1 - z) . n + z . h

        lstm:  i = f(x_i + h * R_i + P_i . c)
               t = f(x_f + h * R_f + P_f . c)      with `input_forget`: t = 1 - i
               n = g(x_n + h * R_n)
               c = t . c + i . n
               o = f(x_o + h * R_o + P_o . c)
               h = o . hh(c)

    `functions` are `f` (and `g`, and `hh`), for each direction. With `clip`, their arguments are
    clipped to `[-clip, clip]` first.

    Direction `reverse` reads each sequence from its last step to its first, `bidirectional` is
    both. The result has the parts of which the unit attributes tell, one after the other along
    dimension 0, `D x B x H` each: with `sequence`, `h` after the step of each of the `T`
    positions, and zeros past the end of a sequence; with `last_h` and `last_c`, the states after
    the last step of each sequence. A length that is negative counts as 0, and one above `T` as
    `T`: no other memory is read, but results are not those of the model. `cnn.check_range` makes
    such a run fail.

    With `scales` (of `lstm` only), weights are the integers of quantised weights, and `h * R` is
    `s * (q * R) . S` in all formulas. `q` has the integers `round(h / s) + z`, not below 0 or
    above 255, less `z`; the numbers `s` and `z` follow in each step from the smallest and largest
    element of `h` in that direction, of all sequences, as ONNX's DynamicQuantizeLinear says.

    `cnn-pack-weights` gives constant weights the shape `D x blocks x H x gates x units`: a block
    has the weights of some hidden units for all gates. Units past `H` have zeros.

    ```mlir
    %1 = cnn.recurrence <lstm> <forward> %x, %r h(%h) c(%c)
        {functions = [#cnn.function<sigmoid>, #cnn.function<tanh>, #cnn.function<tanh>],
         sequence, last_h, last_c}
      : (tensor<50x1x1x256xf32>, tensor<1x64x256xf32>, tensor<1x1x64xf32>, tensor<1x1x64xf32>)
        -> tensor<52x1x1x64xf32>
    ```
  }];
  let arguments = (ins Cnn_Shaped:$input, Cnn_Shaped:$weights,
                       Optional<Cnn_Shaped>:$candidate, Optional<Cnn_Shaped>:$bias,
                       Optional<Cnn_Shaped>:$peepholes, Optional<Cnn_Shaped>:$initial_h,
                       Optional<Cnn_Shaped>:$initial_c, Optional<Cnn_Shaped>:$lengths,
                       Optional<Cnn_Shaped>:$scales, Optional<Cnn_Shaped>:$init,
                       Cnn_CellKindAttr:$cell, Cnn_DirectionAttr:$direction,
                       Cnn_Functions:$functions, OptionalAttr<F32Attr>:$clip,
                       UnitAttr:$input_forget, UnitAttr:$sequence, UnitAttr:$last_h,
                       UnitAttr:$last_c);
  let assemblyFormat = [{
    $cell $direction $input `,` $weights
    (`candidate` `(` $candidate^ `)`)? (`bias` `(` $bias^ `)`)?
    (`peepholes` `(` $peepholes^ `)`)? (`h` `(` $initial_h^ `)`)? (`c` `(` $initial_c^ `)`)?
    (`lengths` `(` $lengths^ `)`)? (`scales` `(` $scales^ `)`)? (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// Gates of the input.
    static int64_t countGates(CellKind cell);
    /// Functions of one direction.
    static int64_t countFunctions(CellKind cell);
    /// Whether these weights, or those of a candidate, are packed.
    static bool isPacked(::mlir::Value weights);
    int64_t getSteps() { return getInputShape()[0]; }
    int64_t getBatch() { return getInputShape()[1]; }
    int64_t getDirections() { return getInputShape()[2]; }
    int64_t getHidden() { return getInputShape()[3] / countGates(getCell()); }
    /// Gates that `weights` has: all, or only those before the candidate.
    int64_t getWeightGates() { return countGates(getCell()) - (getCandidate() ? 1 : 0); }
    ::llvm::ArrayRef<int64_t> getInputShape() {
      return ::mlir::cast<::mlir::ShapedType>(getInput().getType()).getShape();
    }
    /// The states and results of one step: `D x B x H`.
    ::llvm::SmallVector<int64_t> getStateShape() {
      return {getDirections(), getBatch(), getHidden()};
    }
  }];
}

#endif // CONVOY_DIALECT_CNN_IR_CNNRECURRENTOPS_TD
