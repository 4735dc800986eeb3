//===- Passes.td - Passes of the simplify phase ------------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TRANSFORMS_SIMPLIFY_PASSES_TD
#define CONVOY_TRANSFORMS_SIMPLIFY_PASSES_TD

include "mlir/Pass/PassBase.td"

def CnnWidenFloats : Pass<"cnn-widen-floats", "::mlir::func::FuncOp"> {
  let summary = "Compute in f32 what a model has as f16, bf16, or f64 without such kernels";
  let description = [{
    Every value of f16 or bf16 becomes f32. The function keeps its type: arguments and
    results are cast. A `cnn.cast` to one of these types, which is an ONNX Cast, still rounds:
    a second cast to f32 follows it.

    Values of f64 stay, and operations with the trait `TakesF64` compute in f64. The operands
    of others are cast to f32, and their result is cast back.

    Before:
    ```mlir
    func.func @main(%x: tensor<1x8xf16>) -> tensor<1x8xf16> {
      %c = arith.constant dense_resource<w> : tensor<8xf16>
      %0 = cnn.binary <add> %x, %c : (tensor<1x8xf16>, tensor<8xf16>) -> tensor<1x8xf16>
      return %0
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<1x8xf16>) -> tensor<1x8xf16> {
      %0 = cnn.cast %x {to = f32}
      %c = arith.constant dense_resource<w_1> : tensor<8xf32>
      %1 = cnn.binary <add> %0, %c : (tensor<1x8xf32>, tensor<8xf32>) -> tensor<1x8xf32>
      %2 = cnn.cast %1 {to = f16}
      return %2
    ```

    Pre: operations are in value form.
    Post: only casts have operands or results of f16 or bf16.
    Numerics: not bit-exact; an f16 or bf16 model rounds to that type at its explicit casts
    and its results only, and f64 is rounded to f32 around operations without f64 kernels.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect"];
}

def CnnFoldBatchNorm : Pass<"cnn-fold-batch-norm", "::mlir::func::FuncOp"> {
  let summary = "Fold batch norms and per-channel factors into the neighbouring convolution";
  let description = [{
    An inference-mode batch norm (Ioffe and Szegedy 2015), a multiplication,
    addition, subtraction or division by one constant per channel (Caffe's Scale
    layer), and a `cnn.scale_shift` all compute `x * s + t` per channel. A chain of
    them is composed into a single pair of factor and summand per channel,

        s = scale / sqrt(variance + epsilon)     t = offset - mean * s

    and folded into the convolution or dense layer whose result it reads,

        W'[o] = W[o] * s[o]                      b'[o] = b[o] * s[o] + t[o]

    or else into the one that reads it,

        W'[o][i] = W[o][i] * s[i]                b'[o] = b[o] + sum of W[o][i] * t[i]

    A chain that can be folded into neither becomes one `cnn.scale_shift`, with a remark
    that says why; a lone multiplication or addition stays as it is.

    Before:
    ```mlir
    %0 = cnn.conv %x, %w {...}
    %1 = cnn.batch_norm %0, %scale, %offset, %mean, %variance
           {epsilon = 1.0e-5 : f32, mode = #cnn.batch_norm_mode<inference>}
    %2 = cnn.binary <mul> %1, %a : (tensor<1x8x4x4xf32>, tensor<8x1x1xf32>) -> ...
    %3 = cnn.binary <add> %2, %c : (tensor<1x8x4x4xf32>, tensor<8x1x1xf32>) -> ...
    ```
    After:
    ```mlir
    %3 = cnn.conv %x, %w1, %b1 {...}
    ```

    Pre: a chain is folded into its producer if it is the only reader of the producer's
    result, filter and bias are constants, and the producer has neither residual nor
    activation. It is folded into its reader if there is only one, filter and bias are
    constants, and t is zero or the reader neither pads nor is transposed. A filter that
    other layers share is not changed: the layer gets a filter of its own.
    `cnn-raise-activations` must run before, because a chain of two or more factors and
    summands may be a part of an activation.
    Post: no `cnn.batch_norm` is left. Training mode is an error.
    Numerics: not bit-exact; composed in f64 and rounded once.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect"];
}

def CnnRemoveInferenceNoops : Pass<"cnn-remove-inference-noops", "::mlir::func::FuncOp"> {
  let summary = "Remove operations that change nothing at inference time";
  let description = [{
    Identities, casts to the same type, 1x1 pools with stride 1, global pools and
    reductions over single elements, resizes to the same size, concatenations of
    one tensor, transpositions that cancel, reshapes that cancel, slices that
    take everything, pads by nothing, x + 0, x * 1, repeated relu.

    Before:
    ```mlir
    %0 = cnn.max_pool %x {window = #cnn.window<[1, 1]>}
    %1 = linalg.transpose ins(%0) outs(%e) permutation = [0, 2, 3, 1]
    %2 = linalg.transpose ins(%1) outs(%f) permutation = [0, 3, 1, 2]
    %3 = cnn.unary <relu> %2
    ```
    After:
    ```mlir
    %3 = cnn.unary <relu> %x
    ```

    Numerics: bit-exact, except that -0 + 0 may stay -0.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::linalg::LinalgDialect"];
}

def CnnFoldConstants : Pass<"cnn-fold-constants", "::mlir::func::FuncOp"> {
  let summary = "Compute operations on constants";
  let description = [{
    Computes element-wise operations, reductions, `cnn.concat`, `cnn.gather` and
    `cnn.broadcast` of constants of any size and type, and `tensor.extract_slice`,
    `tensor.expand_shape`, `tensor.collapse_shape`, `tensor.pad` and `linalg.transpose`
    of constants. These include `dense_resource` constants, which upstream's folders leave
    alone. A result that is much larger than its operands is not computed: making it at
    run time costs less than loading it.

    Before:
    ```mlir
    %c = arith.constant dense_resource<w> : tensor<64x3xf32>
    %0 = linalg.transpose ins(%c : tensor<64x3xf32>) outs(%e : tensor<3x64xf32>) permutation = [1, 0]
    ```
    After:
    ```mlir
    %0 = arith.constant dense_resource<weights> : tensor<3x64xf32>
    ```

    Post: constants that nothing reads are gone.
    Numerics: computed in f64 and rounded once.
  }];
  let options = [
    Option<"maxElements", "max-elements", "int64_t", /*default=*/"int64_t(1) << 40",
           "Results of more elements are left to run time, splats excepted">
  ];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect"];
}

def CnnRaiseActivations : Pass<"cnn-raise-activations", "::mlir::func::FuncOp"> {
  let summary = "Recognise activation functions in the operations that spell them out";
  let description = [{
    | function     | spelled as |
    |--------------|------------|
    | relu         | max(x, 0); clip(x) to [0, inf] |
    | clip         | min(max(x, a), b) and the other way round; min(relu(x), b) |
    | leaky_relu   | prelu with one slope |
    | sigmoid      | 1 / (1 + exp(-x)) |
    | hard_sigmoid | clip(a * x + b) to [0, 1]; clip(x + 3) to [0, 6], / 6 |
    | hard_swish   | x * hard_sigmoid(x); x * clip(x + 3) to [0, 6], / 6 |
    | silu         | x * sigmoid(x); x / (1 + exp(-x)) |
    | softplus     | log(exp(x) + 1) |
    | mish         | x * tanh(softplus(x)) |
    | gelu         | 0.5 * x * (1 + erf(x / sqrt(2))) |

    Factors may come in any order, and a division may take the place of a multiplication.

    Before:
    ```mlir
    %0 = cnn.unary <sigmoid> %x
    %1 = cnn.binary <mul> %x, %0
    ```
    After:
    ```mlir
    %1 = cnn.unary <silu> %x
    ```

    Pre: nothing else reads the intermediate values. Constants match to 1e-6.
    Numerics: not bit-exact; the one function rounds less often.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect"];
}

def CnnFoldPad : Pass<"cnn-fold-pad", "::mlir::func::FuncOp"> {
  let summary = "Fold tensor.pad into the padding of its reader";
  let description = [{
    A `tensor.pad` of spatial dimensions with zeros becomes pads of the `cnn.conv`,
    `cnn.group_conv` or `cnn.avg_pool` that reads it; the average pool then counts its pads.
    A `tensor.pad` with minus infinity or the lowest number becomes pads of a
    `cnn.max_pool`.

    Before:
    ```mlir
    %0 = tensor.pad %x low[0, 0, 1, 1] high[0, 0, 1, 1] { ... yield 0.0 }
    %1 = cnn.conv %0, %w {window = #cnn.window<[3, 3]>}
    ```
    After:
    ```mlir
    %1 = cnn.conv %x, %w {window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
    ```

    Pre: batch and channels are not padded. An average pool has no pads of its own, or
    counts them. The pads of a pool stay smaller than its window.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::tensor::TensorDialect"];
}

def CnnRaiseQuantization : Pass<"cnn-raise-quantization", "::mlir::func::FuncOp"> {
  let summary = "Compute layers of dequantised data on the integers";
  let description = [{
    A convolution or dense layer whose input is a `cnn.dequantize` of integers of 8 bits with
    one scale, and whose filter is a `cnn.dequantize` of constant integers of 8 bits with a scale
    for each output channel (or one for all), becomes a layer of the integers less their zero points. Its sums are
    multiplied by both scales, and the bias is added. Later passes make one kernel of that and
    of a `cnn.quantize` behind it.

    What only moves elements (a transposition, a reshape, a slice) moves the integers instead of
    the numbers that they stand for. A `cnn.quantize` with the scale and zero point of the
    `cnn.dequantize` before it is dropped. The parts of a concatenation are quantised, not the
    whole.

    Before:
    ```mlir
    %0 = cnn.dequantize %x, %s, %z : (tensor<1x8x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x8x4x4xf32>
    %1 = cnn.dequantize %w, %t, %u : (tensor<16x8x3x3xi8>, tensor<16x1x1x1xf32>, tensor<16x1x1x1xi8>) -> tensor<16x8x3x3xf32>
    %2 = cnn.conv %0, %1 {...} : (tensor<1x8x4x4xf32>, tensor<16x8x3x3xf32>) -> tensor<1x16x2x2xf32>
    ```
    After:
    ```mlir
    %0 = cnn.cast %x {to = i16}
    %1 = cnn.binary <sub> %0, %z16 : (tensor<1x8x4x4xi16>, tensor<i16>) -> tensor<1x8x4x4xi16>
    %2 = cnn.conv %1, %w16 {...} : (tensor<1x8x4x4xi16>, tensor<16x8x3x3xi16>) -> tensor<1x16x2x2xi32>
    %3 = cnn.cast %2 {to = f32}
    %4 = cnn.binary <mul> %3, %st : (tensor<1x16x2x2xf32>, tensor<1x16x1x1xf32>) -> tensor<1x16x2x2xf32>
    ```

    Pre: operations are in value form. On a GPU, layers stay as they are.
    Numerics: not bit-exact. Sums have no error, where those of floats have one, and are the same
    on every CPU. As the scale of a `cnn.quantize` is divided into the factors before it, a number
    between two integers may become the other one.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def CnnReleaseBlobs : Pass<"cnn-release-blobs", "::mlir::ModuleOp"> {
  let summary = "Free the memory of weights that the module has stopped using";
  let description = [{
    Passes that rewrite weights leave the old blobs behind, and MLIR keeps blobs as long
    as its context. This pass frees the blobs that no operation refers to.

    Before and after: the same IR.

    Pre: the context holds no other module.
    Numerics: bit-exact.
  }];
}

def CnnVerifySimplified : Pass<"cnn-verify-simplified", "::mlir::ModuleOp"> {
  let summary = "Check what may cross the border from simplify to schedule";
  let description = [{
    The table of operations is in VerifySimplified.cpp. Allowed are cnn operations in
    value form without an epilogue, a blocked layout or a packed filter, but no batch norms;
    and of upstream's operations constants, functions, slices, reshapes, pads and transposes.
    Everything else is an error.

    Before and after: the same IR.

    Numerics: bit-exact.
  }];
}

#endif // CONVOY_TRANSFORMS_SIMPLIFY_PASSES_TD
