// RUN: convoy-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{a register tile is pixels x vectors x lanes, each 1 or more}}
func.func private @tile() attributes {a = #cnn.schedule<direct, tile = 14x2, filter = <tiles, 1x4x4x3x3x16x32xf32>>}

// -----

// expected-error @below {{a tile of 2 vectors of 8 lanes needs as many lanes of the filter, which has 32}}
func.func private @lanes() attributes {a = #cnn.schedule<direct, tile = 14x2x8, filter = <tiles, 1x4x4x3x3x16x32xf32>>}

// -----

// expected-error @below {{direct reads no filter of kind dense}}
func.func private @kind() attributes {a = #cnn.schedule<direct, tile = 14x2x16, filter = <dense, 1x4x32xf32>>}

// -----

// expected-error @below {{a box of images x rows x columns belongs to warpgroup_product}}
func.func private @box() attributes {a = #cnn.schedule<direct, tile = 14x2x16, box = 1x1x14, filter = <tiles, 1x4x4x3x3x16x32xf32>>}

// -----

// expected-error @below {{a box of images x rows x columns belongs to warpgroup_product}}
func.func private @no_box() attributes {a = #cnn.schedule<warpgroup_product, tile = 14x2x16, filter = <input_rows, 1x1x2x3x3x2x32x16xf32>>}

// -----

// expected-error @below {{a strip belongs to Winograd's algorithms and tile_product}}
func.func private @strip() attributes {a = #cnn.schedule<winograd_2x2, tile = 14x2x16, filter = <winograd, 1x2x16x64x32xf32>>}

// -----

// expected-error @+2 {{a chunk of filters belongs to winograd_4x4_compact}}
func.func private @chunk()
    attributes {a = #cnn.schedule<winograd_4x4, tile = 14x2x16, strip = 1, chunk = 1,
    filter = <winograd, 1x2x36x64x32xf32>>}

// -----

// expected-error @below {{splits are 1 or more}}
func.func private @splits() attributes {a = #cnn.schedule<matrix_product, tile = 64x2x16, splits = 0, filter = <dense, 1x64x32xf32>>}

// -----

// expected-error @below {{a packed filter of kind dense has 3 dimensions, not 2}}
func.func private @rank() attributes {a = #cnn.filter_layout<dense, 64x32xf32>}

// -----

// expected-error @below {{a packed filter of kind tiles has 6 or more dimensions, not 5}}
func.func private @short_kernel() attributes {a = #cnn.filter_layout<tiles, 1x4x4x16x32xf32>}

// -----

// expected-error @below {{a packed filter has extents of 1 or more}}
func.func private @empty() attributes {a = #cnn.filter_layout<dense, 1x0x32xf32>}

// -----

// expected-error @below {{a packed filter of kind dense has floating-point elements}}
func.func private @integers() attributes {a = #cnn.filter_layout<dense, 1x64x32xi32>}

// -----

func.func @dense_algorithm(%x: tensor<1x1x4x4x8xf32>, %w: tensor<16x8x3x3xf32>) -> tensor<1x2x4x4x8xf32> {
  // expected-error @below {{has a schedule that does not fit: dense computes no such convolution}}
  %0 = cnn.conv %x, %w {schedule = #cnn.schedule<dense, tile = 1x1x8, filter = <dense, 2x8x8xf32>>,
      window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>, output_block = 8 : i64}
     : (tensor<1x1x4x4x8xf32>, tensor<16x8x3x3xf32>) -> tensor<1x2x4x4x8xf32>
  return %0 : tensor<1x2x4x4x8xf32>
}

// -----

func.func @transposed(%x: tensor<1x1x4x4x8xf32>, %w: tensor<16x8x3x3xf32>) -> tensor<1x2x4x4x8xf32> {
  // expected-error @below {{has a schedule that does not fit: transposed computes no such convolution}}
  %0 = cnn.conv %x, %w {schedule = #cnn.schedule<transposed, tile = 6x2x8, filter = <tiles, 1x1x1x3x3x8x16xf32>>,
      window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>, output_block = 8 : i64}
     : (tensor<1x1x4x4x8xf32>, tensor<16x8x3x3xf32>) -> tensor<1x2x4x4x8xf32>
  return %0 : tensor<1x2x4x4x8xf32>
}

// -----

func.func @groups(%x: tensor<1x1x4x4x8xf32>, %w: tensor<16x8x3x3xf32>) -> tensor<1x2x4x4x8xf32> {
  // expected-error @below {{has a schedule that does not fit: the filter has 2 groups, the layer 1}}
  %0 = cnn.conv %x, %w {schedule = #cnn.schedule<direct, tile = 6x2x8, filter = <tiles, 2x1x1x3x3x8x16xf32>>,
      window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>, output_block = 8 : i64}
     : (tensor<1x1x4x4x8xf32>, tensor<16x8x3x3xf32>) -> tensor<1x2x4x4x8xf32>
  return %0 : tensor<1x2x4x4x8xf32>
}

// -----

func.func @tiles(%x: tensor<1x1x4x4x8xf32>, %w: tensor<16x8x3x3xf32>) -> tensor<1x2x4x4x8xf32> {
  // expected-error @below {{has a schedule that does not fit: the filter has 2 tiles of output channels, the layer 1}}
  %0 = cnn.conv %x, %w {schedule = #cnn.schedule<direct, tile = 6x2x8, filter = <tiles, 1x2x1x3x3x8x16xf32>>,
      window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>, output_block = 8 : i64}
     : (tensor<1x1x4x4x8xf32>, tensor<16x8x3x3xf32>) -> tensor<1x2x4x4x8xf32>
  return %0 : tensor<1x2x4x4x8xf32>
}

// -----

func.func @kernel(%x: tensor<1x1x4x4x8xf32>, %w: tensor<16x8x3x3xf32>) -> tensor<1x2x4x4x8xf32> {
  // expected-error @below {{has a schedule that does not fit: the filter has another kernel}}
  %0 = cnn.conv %x, %w {schedule = #cnn.schedule<direct, tile = 6x2x8, filter = <tiles, 1x1x1x3x1x8x16xf32>>,
      window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>, output_block = 8 : i64}
     : (tensor<1x1x4x4x8xf32>, tensor<16x8x3x3xf32>) -> tensor<1x2x4x4x8xf32>
  return %0 : tensor<1x2x4x4x8xf32>
}

// -----

func.func @inputs(%x: tensor<1x1x4x4x8xf32>, %w: tensor<16x8x3x3xf32>) -> tensor<1x2x4x4x8xf32> {
  // expected-error @below {{has a schedule that does not fit: 2 chunks of 8 inputs do not fit 8 channels}}
  %0 = cnn.conv %x, %w {schedule = #cnn.schedule<direct, tile = 6x2x8, filter = <tiles, 1x1x2x3x3x8x16xf32>>,
      window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>, output_block = 8 : i64}
     : (tensor<1x1x4x4x8xf32>, tensor<16x8x3x3xf32>) -> tensor<1x2x4x4x8xf32>
  return %0 : tensor<1x2x4x4x8xf32>
}

// -----

func.func @products(%x: tensor<1x1x4x4x8xf32>, %w: tensor<16x8x3x3xf32>) -> tensor<1x2x4x4x8xf32> {
  // expected-error @below {{has a schedule that does not fit: the filter has 36 products, the layer 16}}
  %0 = cnn.conv %x, %w
      {schedule = #cnn.schedule<winograd_2x2, tile = 6x2x8, strip = 4, filter = <winograd, 1x1x36x8x16xf32>>,
      window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>, output_block = 8 : i64}
     : (tensor<1x1x4x4x8xf32>, tensor<16x8x3x3xf32>) -> tensor<1x2x4x4x8xf32>
  return %0 : tensor<1x2x4x4x8xf32>
}

// -----

func.func @direct_dense(%x: tensor<1x4xf32>, %w: tensor<3x4xf32>) -> tensor<1x3xf32> {
  // expected-error @below {{has a schedule that does not fit: direct computes no dense layer}}
  %0 = cnn.dense %x, %w {schedule = #cnn.schedule<direct, tile = 1x1x8, filter = <tiles, 1x1x1x1x4x8xf32>>}
      : (tensor<1x4xf32>, tensor<3x4xf32>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @dense_inputs(%x: tensor<1x4xf32>, %w: tensor<3x4xf32>) -> tensor<1x3xf32> {
  // expected-error @below {{has a schedule that does not fit: the filter has 5 inputs, the layer 4}}
  %0 = cnn.dense %x, %w {schedule = #cnn.schedule<dense, tile = 1x1x8, filter = <dense, 1x5x8xf32>>}
      : (tensor<1x4xf32>, tensor<3x4xf32>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

// expected-error @below {{a packed filter of kind dots has elements of i8, i16 or bf16}}
func.func private @dots_type() attributes {a = #cnn.filter_layout<dots, 1x4x4x3x3x4x16x2xf32>}

// -----

// expected-error @below {{a dot has two elements, or four of i8}}
func.func private @dot_of_three() attributes {a = #cnn.filter_layout<dense_dots, 4x4x16x3xi8>}

// -----

// expected-error @below {{a dot has two elements, or four of i8}}
func.func private @dot_of_four_i16() attributes {a = #cnn.filter_layout<dense_dots, 4x4x16x4xi16>}
