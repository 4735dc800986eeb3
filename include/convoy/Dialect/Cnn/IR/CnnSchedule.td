//===- CnnSchedule.td - How a layer is computed ------------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_CNNSCHEDULE_TD
#define CONVOY_DIALECT_CNN_IR_CNNSCHEDULE_TD

include "convoy/Dialect/Cnn/IR/CnnBase.td"

def Cnn_Algorithm : Cnn_Enum<"Algorithm", "the kernel that computes a layer",
  ["direct", "pixelwise", "channelwise", "winograd_2x2", "winograd_4x4",
   "winograd_4x4_compact", "transposed", "dense", "matrix_product",
   "warpgroup_product", "small_groups", "tile_product"]>;

def Cnn_PixelSpan : Cnn_Enum<"PixelSpan", "which pixels may form one register tile",
  ["row", "plane", "map"]>;

def Cnn_LoopOrder : Cnn_Enum<"LoopOrder",
  "the outer of a kernel's two loops: over tiles of output channels or over pixels",
  ["channels", "pixels"]>;

def Cnn_FilterLayout : Cnn_Enum<"FilterLayout", "the order of a packed filter's dimensions",
  ["tiles", "channelwise", "input_rows", "winograd", "winograd_products",
   "winograd_compact", "dense", "dots", "winograd_dots", "dense_dots"]>;

/// An enum parameter that is not printed if it has the default value `word`.
class Cnn_DefaultEnumParameter<EnumInfo info, string word> : EnumParameter<info> {
  let defaultValue = info.cppNamespace # "::" # info.className # "::" # word;
}

def Cnn_FilterLayoutAttr : Cnn_Attr<"FilterLayout", "filter_layout"> {
  let summary = "how a packed filter is stored";
  let description = [{
    The kind says which dimensions the packed filter has and in what order, the shape
    gives their extents, and the element type is that of the stored weights. In the table,
    `I` and `O` are the input and output channels of one group, and `lanes` is the number
    of output channels in one register tile:

    | kind | dimensions |
    |---|---|
    | `tiles` | group, tile of O, chunk of I, kernel..., I in the chunk, lanes |
    | `channelwise` | tile of all output channels, kernel..., I, lanes |
    | `input_rows` | group, tile of O, step of the sum, kernel..., chunk of the step, lanes, I in the chunk |
    | `winograd` | group, tile of O, product, I, lanes |
    | `winograd_products` | group, product, tile of O, I, lanes |
    | `winograd_compact` | group, tile of O, I, position in the kernel, lanes |
    | `dense` | tile of O, I, lanes |
    | `dots` | group, tile of O, chunk of I, kernel..., dot of the chunk, lanes, I of the dot |
    | `winograd_dots` | group, tile of O, product, dot, lanes, I of the dot |
    | `dense_dots` | tile of O, dot, lanes, I of the dot |

    A chunk is a number of consecutive input channels that the kernel reads together. A dot is
    two consecutive input channels of i16 or bf16, or four of 8 bits: one instruction adds up
    their products in each lane. A step adds the products of some chunks at one position of
    the kernel. A product is one of the `(m + r - 1)^2` products of Winograd's
    F(m x m, r x r).

    Lanes past the last output channel are zeros, and so are inputs past the last input
    channel. The packed bias has a value for each lane of each tile of each group.

    ```mlir
    #cnn.filter_layout<tiles, 1x4x4x3x3x16x32xf32>
    ```
  }];
  let parameters = (ins EnumParameter<Cnn_FilterLayout>:$kind,
                        "::mlir::RankedTensorType":$type);
  let builders = [
    AttrBuilderWithInferredContext<(ins "FilterLayout":$kind,
                                        "::mlir::RankedTensorType":$type), [{
      return $_get(type.getContext(), kind, type);
    }]>];
  let extraClassDeclaration = [{
    /// The extent of a dimension; 1 if this kind of layout does not have it.
    int64_t getExtent(FilterDim dim) const;
    /// The extents of the kernel; empty if this kind of layout has no kernel dimensions.
    ::llvm::ArrayRef<int64_t> getKernel() const;
    /// Whether an instruction multiplies several input channels, for a layer of integers.
    bool hasDots() const;
    /// Number of input channels in a chunk.
    int64_t getChunkInputs() const {
      return getExtent(FilterDim::input) * getExtent(FilterDim::dot);
    }
    /// Number of elements of the packed bias.
    int64_t getBiasSize() const {
      return getExtent(FilterDim::group) * getExtent(FilterDim::output_tile) *
             getExtent(FilterDim::lane);
    }
  }];
  let assemblyFormat = "`<` $kind `,` custom<PackedType>($type) `>`";
  let genVerifyDecl = 1;
}

def Cnn_ScheduleAttr : Cnn_Attr<"Schedule", "schedule"> {
  let summary = "how a layer is computed";
  let description = [{
    Every decision about how a convolution or a dense layer is computed.
    `cnn-select-algorithm` writes it, unless the operation has one already. Later passes and
    the kernels read it.

    - The algorithm. On a CPU: `direct` (a vector register holds output channels),
      `pixelwise` (it holds pixels), `channelwise` (each lane has one channel, of the input
      and of the output; for depthwise convolutions and groups of a few channels),
      `winograd_*` (minimal filtering in tiles of the output, with filters that are
      transformed when the model is compiled or, if `compact`, when it runs), `transposed`,
      `dense`, `tile_product` (a product of pixels and output channels, by instructions that
      multiply matrices of dots). On a GPU: `channelwise`, `winograd_*`, `transposed`, `dense` (for few rows),
      `matrix_product` and `warpgroup_product` (a product of pixels and output channels,
      the latter by groups of four warps), `small_groups` (one thread per element).
    - `tile`: `pixels x vectors x lanes` of the register tile, or of the tile that a GPU's
      block of threads computes: the number of pixels (Winograd: output tiles; dense
      layers: rows), of vectors of output channels, and of lanes in a vector.
    - `span`: which pixels may form a tile: neighbours in one `row`; neighbours in a `plane`
      whose rows are taken as one long row; or any run of pixels in a `map`, with code of
      its own for each tile.
    - `order`: the outer loop, over tiles of output channels (`channels`) or over `pixels`.
    - `box`: the tile of `warpgroup_product`, as images x rows x columns.
    - `strip`: how many output tiles Winograd's algorithms compute at a time, and how many
      rows of the output `tile_product` does. `chunk`: for
      how many vectors of input channels a `compact` one transforms filters at a time; and
      how many inputs `dense` adds up at a time, for all of a task's rows and outputs, or
      0 if it adds up all at once.
    - `splits`: into how many parts a GPU cuts each sum; another kernel adds the parts.
      `stages`: how many steps of a sum have their data in shared memory at a time.
      `warpgroups`: how many groups of four warps multiply in a block of threads.
    - `precision`: the type of the factors on a GPU.
    - `filter`: the layout of the packed filter.
    - `scratch`: bytes of scratch memory, for each thread of a CPU or for the whole grid of
      a GPU.

    ```mlir
    #cnn.schedule<direct, tile = 14x2x16, filter = <tiles, 1x4x4x3x3x16x32xf32>>
    #cnn.schedule<winograd_4x4, tile = 14x2x16, strip = 28,
                  filter = <winograd, 1x2x36x64x32xf32>, scratch = 702720>
    ```
  }];
  let parameters = (ins
    EnumParameter<Cnn_Algorithm>:$algorithm,
    ArrayRefParameter<"int64_t">:$tile,
    Cnn_DefaultEnumParameter<Cnn_PixelSpan, "row">:$span,
    Cnn_DefaultEnumParameter<Cnn_LoopOrder, "channels">:$order,
    OptionalArrayRefParameter<"int64_t">:$box,
    DefaultValuedParameter<"int64_t", "0">:$strip,
    DefaultValuedParameter<"int64_t", "0">:$chunk,
    DefaultValuedParameter<"int64_t", "1">:$splits,
    DefaultValuedParameter<"int64_t", "0">:$stages,
    DefaultValuedParameter<"int64_t", "0">:$warpgroups,
    Cnn_DefaultEnumParameter<Cnn_Precision, "f32">:$precision,
    "::convoy::cnn::FilterLayoutAttr":$filter,
    DefaultValuedParameter<"int64_t", "0">:$scratch);
  let extraClassDeclaration = [{
    /// Pixels of a tile.
    int64_t getPixels() const { return getTile()[0]; }
    /// Vectors of output channels in a tile, and lanes of each vector.
    int64_t getVectors() const { return getTile()[1]; }
    int64_t getLanes() const { return getTile()[2]; }
  }];
  let assemblyFormat = [{
    `<` $algorithm `,` struct(custom<Extents>($tile), $span, $order, custom<Extents>($box),
                              $strip, $chunk, $splits, $stages, $warpgroups, $precision,
                              $filter, $scratch) `>`
  }];
  let genVerifyDecl = 1;
}

#endif // CONVOY_DIALECT_CNN_IR_CNNSCHEDULE_TD
