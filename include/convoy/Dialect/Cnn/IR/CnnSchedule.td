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
   "warpgroup_product", "small_groups"]>;

def Cnn_PixelSpan : Cnn_Enum<"PixelSpan", "which pixels a register tile may hold together",
  ["row", "plane", "map"]>;

def Cnn_LoopOrder : Cnn_Enum<"LoopOrder",
  "the outer one of a kernel's loops over pixels and over tiles of output channels",
  ["channels", "pixels"]>;

def Cnn_FilterLayout : Cnn_Enum<"FilterLayout", "the order of a packed filter's dimensions",
  ["tiles", "channelwise", "input_rows", "winograd", "winograd_products",
   "winograd_compact", "dense"]>;

/// An enum parameter that is not printed if it has its default.
class Cnn_DefaultEnumParameter<EnumInfo info, string word> : EnumParameter<info> {
  let defaultValue = info.cppNamespace # "::" # info.className # "::" # word;
}

def Cnn_FilterLayoutAttr : Cnn_Attr<"FilterLayout", "filter_layout"> {
  let summary = "how a packed filter lies in memory";
  let description = [{
    The kind says which dimensions the packed filter has, the shape how long they are,
    and the element type how weights are stored. In a layer of groups of `I` input
    channels and `O` output channels, whose register tile has `lanes` output channels:

    | kind | dimensions |
    |---|---|
    | `tiles` | group, tile of O, chunk of I, kernel..., I in the chunk, lanes |
    | `channelwise` | tile of all output channels, kernel..., I, lanes |
    | `input_rows` | group, tile of O, step of the sum, kernel..., chunk of the step, lanes, I in the chunk |
    | `winograd` | group, tile of O, product, I, lanes |
    | `winograd_products` | group, product, tile of O, I, lanes |
    | `winograd_compact` | group, tile of O, I, position in the kernel, lanes |
    | `dense` | tile of O, I, lanes |

    Lanes past the last output channel hold zeros, as do inputs past the last in a chunk.
    The packed bias has a value for each lane of each tile of each group.

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
    /// The extents of the kernel, if they are dimensions.
    ::llvm::ArrayRef<int64_t> getKernel() const;
    /// Elements of the packed bias.
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
    All that is decided about a convolution or a dense layer. `cnn-select-algorithm`
    writes it, unless it is there already; everything behind reads it.

    - The algorithm: on a CPU `direct` (vectors of output channels), `pixelwise` (vectors
      of pixels), `channelwise` (a channel of input and output in each lane),
      `winograd_*` (minimal filtering in output tiles, with filters that are transformed
      when the model is compiled or, `compact`, when it runs), `transposed`, `dense`;
      on a GPU `channelwise`, `winograd_*`, `transposed`, `dense` (few rows),
      `matrix_product` and `warpgroup_product` (of pixels and output channels), and
      `small_groups` (a thread for an element).
    - `tile`: `pixels x vectors x lanes` of a register tile, or of a GPU's block of
      threads: so many pixels (Winograd: output tiles; dense: rows) times so many vectors
      of output channels.
    - `span`: whether a tile's pixels are neighbours in a `row`, in a `plane` whose rows
      follow each other as one, or any run of a `map`, with code of its own for each tile.
    - `order`: the outer loop.
    - `box`: of a warp group's tile, images x rows x columns.
    - `strip`: output tiles that Winograd computes at a time; `chunk`: vectors of input
      channels whose compact filters it transforms at a time.
    - `splits`: parts of a GPU's sums, which another kernel adds; `stages`: steps of the
      sum whose data are in shared memory at a time; `warpgroups` that multiply.
    - `precision`: of the factors.
    - `filter`: the layout of the packed filter.
    - `scratch`: bytes of working memory, of each thread of a CPU or of a GPU's grid.

    ```mlir
    #cnn.schedule<direct, tile = 14x2x16, filter = <tiles, 1x4x4x3x3x16x32xf32>>
    #cnn.schedule<winograd_4x4, tile = 14x2x16, strip = 28,
                  filter = <winograd, 1x2x36x64x32xf32>, scratch = 1003968>
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
    Cnn_DefaultEnumParameter<Cnn_GpuPrecision, "f32">:$precision,
    "::convoy::cnn::FilterLayoutAttr":$filter,
    DefaultValuedParameter<"int64_t", "0">:$scratch);
  let extraClassDeclaration = [{
    int64_t getPixels() const { return getTile()[0]; }
    /// Vectors of output channels in a tile, and lanes of each.
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
