//===- CnnBase.td - The cnn dialect and its attributes -----*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_CNNBASE_TD
#define CONVOY_DIALECT_CNN_IR_CNNBASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Cnn_Dialect : Dialect {
  let name = "cnn";
  let cppNamespace = "::convoy::cnn";
  let summary = "Convolutional networks at inference time";
  let description = [{
    Operations of convolutional networks on statically shaped tensors, with
    ONNX's semantics.

    *Plain* data has the shape `N x C x spatial...`: batch, channels, and one to
    three spatial dimensions. *Blocked* data has the shape
    `N x ceil(C/c) x spatial... x c`: the channels are cut into blocks of `c`, and
    the channels of one block are contiguous for each pixel. If `C` is no multiple
    of `c`, the last block has lanes that hold no channel. Their values are
    unspecified, and no operation lets them influence a channel.

    A result has the element type of the first operand, unless the operation says
    another one. If that type is f32, the result may be f16 or bf16 instead, and the
    other way round: kernels compute in f32, and round when they store.

    Signless integers are ONNX's signed ones, and `ui8` to `ui64` its unsigned ones. Elements
    of fewer than 8 bits (`i4`, `ui2`, `f4E2M1FN`, ...) take a byte each: of a constant, its
    upper bits are zero; in memory, integers are extended to the byte as their sign says.
    Such elements, and floats of 8 bits, can be moved and cast, but not computed with.
    `cnn-lower-element-types` replaces all these types by integers without a sign.

    Every operation that computes has three forms:

    - value: the operands are tensors, and there is one result;
    - destination: the same, with a tensor `outs(...)` that has the type of the result
      (from the pass `cnn-to-destination-style` on);
    - memref: the operands are memrefs, the memref `outs(...)` is written, and there
      is no result (after bufferization).
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
    "::mlir::linalg::LinalgDialect"];
}

//===----------------------------------------------------------------------===//
// Enumerations
//===----------------------------------------------------------------------===//

class Cnn_Enum<string name, string summary, list<string> words>
    : I32EnumAttr<name, summary,
        !foreach(i, !range(!size(words)),
          I32EnumAttrCase<words[i], i>)> {
  let cppNamespace = "::convoy::cnn";
  let genSpecializedAttr = 0;
}

def Cnn_UnaryKind : Cnn_Enum<"UnaryKind", "an element-wise function of one operand",
  ["identity", "relu", "leaky_relu", "clip", "sigmoid", "hard_sigmoid",
   "hard_swish", "silu", "tanh", "elu", "erf", "exp", "log", "sqrt", "abs",
   "neg", "reciprocal", "floor", "ceil", "round", "softplus", "gelu", "mish",
   "logical_not", "sign", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
   "cosh", "asinh", "acosh", "atanh", "bitwise_not", "softsign", "affine",
   "scaled_tanh", "thresholded_relu"]>;

def Cnn_BinaryKind : Cnn_Enum<"BinaryKind", "an element-wise function of two operands",
  ["add", "sub", "mul", "div", "pow", "min", "max", "mod", "prelu", "equal",
   "less", "less_equal", "greater", "greater_equal", "logical_and",
   "logical_or", "logical_xor", "fmod", "bitwise_and", "bitwise_or",
   "bitwise_xor", "shift_left", "shift_right"]>;

def Cnn_ReduceKind : Cnn_Enum<"ReduceKind", "a reduction",
  ["sum", "mean", "max", "min", "prod", "sum_square", "l1", "l2"]>;

def Cnn_CellKind : Cnn_Enum<"CellKind", "the cell of a recurrent layer", ["rnn", "gru", "lstm"]>;

def Cnn_Direction : Cnn_Enum<"Direction", "in which order a recurrent layer reads a sequence",
  ["forward", "reverse", "bidirectional"]>;

def Cnn_PoolKind : Cnn_Enum<"PoolKind", "how a pool combines values", ["average", "maximum"]>;

def Cnn_BatchNormMode : Cnn_Enum<"BatchNormMode",
  "whether a batch norm uses the stored statistics or the batch's own",
  ["inference", "training"]>;

def Cnn_ResizeMode : Cnn_Enum<"ResizeMode", "interpolation of a resize", ["nearest", "linear"]>;

def Cnn_CoordinateMode : Cnn_Enum<"CoordinateMode",
  "ONNX coordinate_transformation_mode: how an output coordinate maps to the input",
  ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
   "half_pixel_symmetric"]>;

def Cnn_NearestMode : Cnn_Enum<"NearestMode", "ONNX nearest_mode: how a coordinate is rounded",
  ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]>;

def Cnn_CastRounding : Cnn_Enum<"CastRounding", "how a cast to a power of two (f8E8M0FNU) rounds",
  ["up", "down", "nearest"]>;

def Cnn_FactorKind : Cnn_Enum<"FactorKind",
  "a dimension of an operation's iteration space that devices can share",
  ["batch", "group", "output_channel", "input_channel", "channel", "height", "width"]>;

// `auto` is no name in C++.
def Cnn_PartitionStrategy : I32EnumAttr<"PartitionStrategy", "how devices share a network", [
  I32EnumAttrCase<"Auto", 0, "auto">, I32EnumAttrCase<"Group", 1, "group">,
  I32EnumAttrCase<"Batch", 2, "batch">, I32EnumAttrCase<"Rows", 3, "rows">,
  I32EnumAttrCase<"None", 4, "none">]> {
  let cppNamespace = "::convoy::cnn";
  let genSpecializedAttr = 0;
}

def Cnn_GpuPlatform : Cnn_Enum<"GpuPlatform",
  "what runs GPU kernels: an NVIDIA GPU, or this machine's CPU, thread by thread, to test them",
  ["cuda", "emulator"]>;

def Cnn_Precision : Cnn_Enum<"Precision",
  "the type of the factors in convolutions and dense layers; sums are f32. With f16 and bf16, "
  "data between layers has that type, too, and so have weights that are multiplied in it",
  ["f32", "tf32", "f16", "bf16"]>;

class Cnn_EnumAttr<EnumAttrInfo info, string mnemonic>
    : EnumAttr<Cnn_Dialect, info, mnemonic> {
  let assemblyFormat = "`<` $value `>`";
}

def Cnn_BinaryKindAttr : Cnn_EnumAttr<Cnn_BinaryKind, "binary_kind">;
def Cnn_ReduceKindAttr : Cnn_EnumAttr<Cnn_ReduceKind, "reduce_kind">;
def Cnn_CellKindAttr : Cnn_EnumAttr<Cnn_CellKind, "cell_kind">;
def Cnn_DirectionAttr : Cnn_EnumAttr<Cnn_Direction, "direction">;
def Cnn_PoolKindAttr : Cnn_EnumAttr<Cnn_PoolKind, "pool_kind">;
def Cnn_BatchNormModeAttr : Cnn_EnumAttr<Cnn_BatchNormMode, "batch_norm_mode">;
def Cnn_ResizeModeAttr : Cnn_EnumAttr<Cnn_ResizeMode, "resize_mode">;
def Cnn_CoordinateModeAttr : Cnn_EnumAttr<Cnn_CoordinateMode, "coordinate_mode">;
def Cnn_NearestModeAttr : Cnn_EnumAttr<Cnn_NearestMode, "nearest_mode">;
def Cnn_CastRoundingAttr : Cnn_EnumAttr<Cnn_CastRounding, "cast_rounding">;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

class Cnn_Attr<string name, string attrMnemonic>
    : AttrDef<Cnn_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Cnn_FunctionAttr : Cnn_Attr<"Function", "function"> {
  let summary = "an element-wise function of one operand with its constants";
  let description = [{
    The function of a `cnn.unary`, or the activation of an epilogue or a prologue.
    `alpha` and `beta` are ONNX's constants:

    - `leaky_relu`, `elu`: `alpha` is the factor of the negative part;
    - `hard_sigmoid`: the function clips `alpha * x + beta` to `[0, 1]`;
    - `clip`: `alpha` is the lower bound and `beta` the upper one; either may be missing;
    - `affine`: `alpha * x + beta`;
    - `scaled_tanh`: `alpha * tanh(beta * x)`;
    - `thresholded_relu`: `x` if it is larger than `alpha`, otherwise 0.

    ```mlir
    #cnn.function<relu>
    #cnn.function<leaky_relu, alpha = 1.000000e-01 : f32>
    ```
  }];
  let parameters = (ins EnumParameter<Cnn_UnaryKind>:$kind,
                        OptionalParameter<"::mlir::FloatAttr">:$alpha,
                        OptionalParameter<"::mlir::FloatAttr">:$beta);
  let constBuilderCall = "$0";
  let builders = [
    AttrBuilderWithInferredContext<(ins "::mlir::MLIRContext *":$context, "UnaryKind":$kind), [{
      return Base::get(context, kind, ::mlir::FloatAttr(), ::mlir::FloatAttr());
    }]>,
    AttrBuilderWithInferredContext<(ins "::mlir::MLIRContext *":$context, "UnaryKind":$kind,
                                        "float":$alpha, "float":$beta), [{
      auto f32 = ::mlir::Float32Type::get(context);
      return Base::get(context, kind, ::mlir::FloatAttr::get(f32, alpha),
                       ::mlir::FloatAttr::get(f32, beta));
    }]>];
  let extraClassDeclaration = [{
    /// The constants as numbers; 0 if the attribute has none.
    float getAlphaValue() const {
      return getAlpha() ? float(getAlpha().getValueAsDouble()) : 0.0f;
    }
    float getBetaValue() const {
      return getBeta() ? float(getBeta().getValueAsDouble()) : 0.0f;
    }
    bool isIdentity() const { return getKind() == UnaryKind::identity; }
  }];
  let assemblyFormat = [{
    `<` $kind (`,` `alpha` `=` $alpha^)? (`,` `beta` `=` $beta^)? `>`
  }];
}

def Cnn_WindowAttr : Cnn_Attr<"Window", "window"> {
  let summary = "the window that a convolution or a pool slides over its input";
  let description = [{
    A window has one to three spatial dimensions. In each of them it covers `kernel`
    elements that are `dilations` apart, and moves by `strides`. `pads` lists how many
    elements are added at the beginning of each spatial dimension, then how many at the
    end of each. By default strides and dilations are 1 and pads are 0; lists of
    defaults are not printed.

    ```mlir
    #cnn.window<[3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>
    #cnn.window<[1]>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$kernel,
                        ArrayRefParameter<"int64_t">:$strides,
                        ArrayRefParameter<"int64_t">:$dilations,
                        ArrayRefParameter<"int64_t">:$pads);
  let constBuilderCall = "$0";
  let genVerifyDecl = 1;
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    /// Number of spatial dimensions.
    int64_t getRank() const { return getKernel().size(); }
    ::llvm::ArrayRef<int64_t> getPadsBegin() const { return getPads().take_front(getRank()); }
    ::llvm::ArrayRef<int64_t> getPadsEnd() const { return getPads().drop_front(getRank()); }
    /// Number of elements from the first to the last that the window covers in spatial
    /// dimension `dim`, those in between included.
    int64_t getReach(int64_t dim) const {
      return getDilations()[dim] * (getKernel()[dim] - 1) + 1;
    }
    bool hasPads() const;
    bool hasUnitStrides() const;
    /// Whether the window is a single element that moves by one, without padding.
    bool isPointwise() const;
    /// The same window with other pads.
    WindowAttr withPads(::llvm::ArrayRef<int64_t> pads) const;
  }];
}

def Cnn_PartitionAttr : Cnn_Attr<"Partition", "partition"> {
  let summary = "how devices share an operation";
  let description = [{
    The value of an operation's attribute `cnn.partition`. A factor is a dimension of
    the operation's loops along which devices can share it; device `k` computes the part
    `[bounds[k], bounds[k + 1])` of the named factor. An operation without the attribute
    is computed as a whole by every device.

    ```mlir
    %1 = cnn.group_conv %x, %w {cnn.partition = #cnn.partition<group, [0, 1, 2]>, ...}
    ```
  }];
  let parameters = (ins EnumParameter<Cnn_FactorKind>:$factor,
                        ArrayRefParameter<"int64_t">:$bounds);
  let assemblyFormat = "`<` $factor `,` `[` $bounds `]` `>`";
}

def Cnn_ShardingAttr : Cnn_Attr<"Sharding", "sharding"> {
  let summary = "how a model's author wants devices to share a tensor";
  let description = [{
    What a ShardingSpecProto of ONNX (IR version 11) says about one tensor. It counts
    if the network is shared between `devices` devices. The tensor is operand number
    `operand` of the operation, or its result if `operand` is -1. It is cut along
    dimension `axis`, or whole on every device if `axis` is -1. The importer gives an
    operation an array of these as the attribute `cnn.sharding`;
    `cnn-assign-partition` turns them into a `cnn.partition`.
  }];
  let parameters = (ins "int64_t":$devices, "int64_t":$operand, "int64_t":$axis);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Cnn_GpuAttr : Cnn_Attr<"Gpu", "gpu"> {
  let summary = "the GPU that kernels are generated for";
  let description = [{
    `archs` are the compute capabilities for which machine code is made, in rising order:
    80 for sm_80. The artefact also contains PTX of the first, for drivers that are older
    than the machine code, and of the last, for later GPUs.

    With `arch_specific`, `archs` has one entry. The code then runs on GPUs of that compute
    capability alone, not on later ones, and may use instructions that only they have:
    `sm_90a` instead of `sm_90`.

    ```mlir
    #cnn.gpu<cuda, [80, 90]>
    #cnn.gpu<cuda, [90], arch_specific = true>
    ```
  }];
  let parameters = (ins EnumParameter<Cnn_GpuPlatform>:$platform,
                        ArrayRefParameter<"int64_t">:$archs,
                        DefaultValuedParameter<"bool", "false">:$arch_specific);
  let extraClassDeclaration = [{
    /// "sm_90", or "sm_90a" for code that is specific to that compute capability.
    static std::string getArchName(int64_t arch, bool specific) {
      return "sm_" + std::to_string(arch) + (specific ? "a" : "");
    }
    std::string getArchName(int64_t arch) const {
      return getArchName(arch, getArchSpecific());
    }
  }];
  let assemblyFormat = [{
    `<` $platform `,` `[` $archs `]`
    (`,` `arch_specific` `=` $arch_specific^)? `>`
  }];
}

def Cnn_TargetAttr : Cnn_Attr<"Target", "target"> {
  let summary = "the machine that code is generated for";
  let description = [{
    Set once on the module as `cnn.target`; every choice of layout, tile and
    algorithm reads it.

    - `triple`, `cpu`, `features`: LLVM's names.
    - `vector_lanes`: f32 lanes of a vector register; `vector_registers`: how many
      such registers there are.
    - `l2`: bytes of the L2 cache of one core; its share if cores share the cache.
    - `gpu`: the GPU that runs the kernels. Without it, the CPU runs them.
    - `precision`: the type of factors, and of data between layers.
    - `emulated`: the code runs on the CPU that compiles it, which emulates this one.

    All other numbers about the CPU are in the compiler's table of CPUs: in the row that
    `cpu` names, or else in the row for CPUs with such vector registers (see
    docs/targets.md). If there is a `gpu`, `vector_lanes` is the number of channels in a
    block, and the other fields describe the CPU of the host.

    ```mlir
    #cnn.target<triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = "",
                vector_lanes = 8, vector_registers = 16, l2 = 524288>
    ```
  }];
  let parameters = (ins StringRefParameter<>:$triple, StringRefParameter<>:$cpu,
                        StringRefParameter<>:$features,
                        "int64_t":$vector_lanes, "int64_t":$vector_registers,
                        "int64_t":$l2,
                        OptionalParameter<"::convoy::cnn::GpuAttr">:$gpu,
                        DefaultValuedParameter<"::convoy::cnn::Precision",
                                               "::convoy::cnn::Precision::f32">:$precision,
                        DefaultValuedParameter<"bool", "false">:$emulated);
  let builders = [
    AttrBuilder<(ins "::llvm::StringRef":$triple, "::llvm::StringRef":$cpu,
                     "::llvm::StringRef":$features, "int64_t":$vector_lanes,
                     "int64_t":$vector_registers, "int64_t":$l2), [{
      return $_get($_ctxt, triple, cpu, features, vector_lanes, vector_registers, l2,
                   GpuAttr(), Precision::f32, /*emulated=*/false);
    }]>];
  let extraClassDeclaration = [{
    /// The type of data between the layers: f16, bf16 or f32.
    ::mlir::FloatType getDataType() const;
  }];
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif // CONVOY_DIALECT_CNN_IR_CNNBASE_TD
