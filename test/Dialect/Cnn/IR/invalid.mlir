// RUN: convoy-opt %s --split-input-file --verify-diagnostics=only-expected

//===--------------------------------------------------------------------===//
// The three forms
//===--------------------------------------------------------------------===//

func.func @mixed(%a: memref<4xf32>, %b: tensor<4xf32>) {
  // expected-error @below {{mixes tensor and memref operands}}
  %0 = cnn.unary <relu> %a outs(%b) : (memref<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @width(%a: tensor<4xf32>) -> tensor<4xf64> {
  // expected-error @below {{inferred type(s) 'tensor<4xf32>' are incompatible with return type(s) of operation 'tensor<4xf64>'}}
  %0 = cnn.unary <relu> %a : (tensor<4xf32>) -> tensor<4xf64>
  return %0 : tensor<4xf64>
}

// -----

func.func @shape_of_another_width(%a: tensor<4xf32>) -> tensor<5xf16> {
  // expected-error @below {{inferred type(s) 'tensor<4xf32>' are incompatible with return type(s) of operation 'tensor<5xf16>'}}
  %0 = cnn.unary <relu> %a : (tensor<4xf32>) -> tensor<5xf16>
  return %0 : tensor<5xf16>
}

// -----

func.func @memref_without_destination(%a: memref<4xf32>) {
  // expected-error @below {{on memrefs needs an outs operand and no result}}
  cnn.unary <relu> %a : (memref<4xf32>) -> ()
  return
}

// -----

func.func @memref_with_result(%a: memref<4xf32>, %b: memref<4xf32>) {
  // expected-error @below {{on memrefs needs an outs operand and no result}}
  %0 = "cnn.unary"(%a, %b) {function = #cnn.function<relu>} : (memref<4xf32>, memref<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @tensor_without_result(%a: tensor<4xf32>) {
  // expected-error @below {{on tensors needs one result}}
  "cnn.unary"(%a) {function = #cnn.function<relu>} : (tensor<4xf32>) -> ()
  return
}

// -----

func.func @other_destination(%a: tensor<4xf32>, %b: tensor<5xf32>) {
  // expected-error @below {{destination has type 'tensor<5xf32>', result 'tensor<4xf32>'}}
  %0 = cnn.unary <relu> %a outs(%b) : (tensor<4xf32>, tensor<5xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @other_result(%a: tensor<4xf32>) {
  // expected-error @below {{inferred type(s) 'tensor<4xf32>' are incompatible with return type(s) of operation 'tensor<5xf32>'}}
  %0 = cnn.unary <relu> %a : (tensor<4xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @dynamic(%a: tensor<?xf32>) {
  // expected-error @below {{statically shaped tensor or memref}}
  %0 = cnn.unary <relu> %a : (tensor<?xf32>) -> tensor<?xf32>
  return
}

// -----

//===--------------------------------------------------------------------===//
// Convolutions
//===--------------------------------------------------------------------===//

func.func @conv_rank(%a: tensor<1x2x4xf32>, %b: tensor<2x2x1xf32>) {
  // expected-error @below {{4 spatial dimensions, expected 1 to 3}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[1, 1, 1, 1]>} : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @conv_input_rank(%a: tensor<2x4xf32>, %b: tensor<2x2x1xf32>) {
  // expected-error @below {{input has rank 2, expected 3 for 1 spatial dimensions}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[1]>} : (tensor<2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @conv_filter_rank(%a: tensor<1x2x4xf32>, %b: tensor<2x2x1x1xf32>) {
  // expected-error @below {{filter has rank 4, expected 3}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[1]>} : (tensor<1x2x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @conv_dilations(%a: tensor<1x2x4xf32>, %b: tensor<2x2x1xf32>) {
  // expected-error @below {{dilations has 2 entries, expected 1}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[1], dilations = [1, 1]>} : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @conv_pads(%a: tensor<1x2x4xf32>, %b: tensor<2x2x1xf32>) {
  // expected-error @below {{pads has 1 entries, expected 2}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[1], pads = [0]>} : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @conv_prologue_stride(%a: tensor<1x1x4x8xf32>, %b: tensor<1x1x1x1x8x8xf32>, %s: tensor<1x8xf32>) {
  // expected-error @below {{a prologue needs a direct 1x1 convolution of blocked f32 or bf16 data with strides of 1 and no pads}}
  %0 = cnn.conv %a, %b prologue(%s, %s)
      {filter_shape = array<i64: 8, 8, 1>, output_block = 8 : i64, window = #cnn.window<[1], strides = [2]>}
      : (tensor<1x1x4x8xf32>, tensor<1x1x1x1x8x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x1x2x8xf32>
  return
}

// -----

func.func @conv_prologue_pads(%a: tensor<1x1x4x8xf32>, %b: tensor<1x1x1x1x8x8xf32>, %s: tensor<1x8xf32>) {
  // expected-error @below {{a prologue needs a direct 1x1 convolution of blocked f32 or bf16 data with strides of 1 and no pads}}
  %0 = cnn.conv %a, %b prologue(%s, %s)
      {filter_shape = array<i64: 8, 8, 1>, output_block = 8 : i64, window = #cnn.window<[1], pads = [0, 1]>}
      : (tensor<1x1x4x8xf32>, tensor<1x1x1x1x8x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x1x5x8xf32>
  return
}

// -----

func.func @conv_prologue_kernel(%a: tensor<1x1x4x8xf32>, %b: tensor<1x1x1x2x8x8xf32>, %s: tensor<1x8xf32>) {
  // expected-error @below {{a prologue needs a direct 1x1 convolution of blocked f32 or bf16 data with strides of 1 and no pads}}
  %0 = cnn.conv %a, %b prologue(%s, %s)
      {filter_shape = array<i64: 8, 8, 2>, output_block = 8 : i64, window = #cnn.window<[2]>}
      : (tensor<1x1x4x8xf32>, tensor<1x1x1x2x8x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x1x3x8xf32>
  return
}

// -----

func.func @conv_prologue_of_plain_data(%a: tensor<1x8x4xf32>, %b: tensor<1x1x1x1x8x8xf32>, %s: tensor<1x8xf32>) {
  // expected-error @below {{a prologue needs a direct 1x1 convolution of blocked f32 or bf16 data with strides of 1 and no pads}}
  %0 = cnn.conv %a, %b prologue(%s, %s)
      {filter_shape = array<i64: 8, 8, 1>, output_block = 8 : i64, window = #cnn.window<[1]>}
      : (tensor<1x8x4xf32>, tensor<1x1x1x1x8x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x1x4x8xf32>
  return
}

// -----

func.func @conv_prologue_of_f16(%a: tensor<1x1x4x8xf16>, %b: tensor<1x1x1x1x8x8xf32>, %s: tensor<1x8xf32>) {
  // expected-error @below {{a prologue needs a direct 1x1 convolution of blocked f32 or bf16 data with strides of 1 and no pads}}
  %0 = cnn.conv %a, %b prologue(%s, %s)
      {filter_shape = array<i64: 8, 8, 1>, output_block = 8 : i64, window = #cnn.window<[1]>}
      : (tensor<1x1x4x8xf16>, tensor<1x1x1x1x8x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x1x4x8xf32>
  return
}

// -----

func.func @conv_prologue_winograd(%a: tensor<1x1x4x8xf32>, %b: tensor<1x1x1x1x8x8xf32>, %s: tensor<1x8xf32>) {
  // expected-error @below {{a prologue needs a direct 1x1 convolution of blocked f32 or bf16 data with strides of 1 and no pads}}
  %0 = cnn.conv %a, %b prologue(%s, %s)
      {filter_shape = array<i64: 8, 8, 1>, output_block = 8 : i64,
      schedule = #cnn.schedule<pixelwise, tile = 4x8x1, filter = <tiles, 1x1x1x1x8x8xf32>>, window = #cnn.window<[1]>}
      : (tensor<1x1x4x8xf32>, tensor<1x1x1x1x8x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x1x4x8xf32>
  return
}

// -----

func.func @conv_prologue_channels(%a: tensor<1x1x4x8xf32>, %b: tensor<1x1x1x1x8x8xf32>, %s: tensor<8xf32>) {
  // expected-error @below {{input scale has type 'tensor<8xf32>', expected f32 of shape 1x8}}
  %0 = cnn.conv %a, %b prologue(%s, %s)
      {filter_shape = array<i64: 8, 8, 1>, output_block = 8 : i64, window = #cnn.window<[1]>}
      : (tensor<1x1x4x8xf32>, tensor<1x1x1x1x8x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<1x1x4x8xf32>
  return
}

// -----

func.func @conv_input_activation(%a: tensor<1x1x4x8xf32>, %b: tensor<1x1x1x1x8x8xf32>) {
  // expected-error @below {{an input activation needs an input scale and offset}}
  %0 = cnn.conv %a, %b {input_activation = #cnn.function<relu>, filter_shape = array<i64: 8, 8, 1>,
      output_block = 8 : i64, window = #cnn.window<[1]>}
      : (tensor<1x1x4x8xf32>, tensor<1x1x1x1x8x8xf32>) -> tensor<1x1x4x8xf32>
  return
}

// -----

func.func @conv_input_offset_alone(%a: tensor<1x1x4x8xf32>, %b: tensor<1x1x1x1x8x8xf32>, %s: tensor<1x8xf32>) {
  // expected-error @below {{an input scale and offset need each other}}
  %0 = "cnn.conv"(%a, %b, %s) ({}) {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 1, 0, 0>,
      filter_shape = array<i64: 8, 8, 1>, output_block = 8 : i64, window = #cnn.window<[1]>}
      : (tensor<1x1x4x8xf32>, tensor<1x1x1x1x8x8xf32>, tensor<1x8xf32>) -> tensor<1x1x4x8xf32>
  return
}

// -----

func.func @conv_kernel_of_filter(%a: tensor<1x2x4x4xf32>, %b: tensor<2x2x1x3xf32>) {
  // expected-error @below {{filter has extent 3 in spatial dimension 1, the window 1}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[1, 1]>} : (tensor<1x2x4x4xf32>, tensor<2x2x1x3xf32>) -> tensor<1x2x4x2xf32>
  return
}

// -----

func.func @conv_kernel_of_packed_filter(%a: tensor<1x1x4x8xf32>, %b: tensor<1x1x1x2x8x8xf32>) {
  // expected-error @below {{filter has extent 2 in spatial dimension 0, the window 1}}
  %0 = cnn.conv %a, %b {filter_shape = array<i64: 8, 8, 2>, output_block = 8 : i64, window = #cnn.window<[1]>}
      : (tensor<1x1x4x8xf32>, tensor<1x1x1x2x8x8xf32>) -> tensor<1x1x3x8xf32>
  return
}

// -----

func.func @conv_kernel(%a: tensor<1x2x4xf32>, %b: tensor<2x2x0xf32>) {
  // expected-error @below {{kernel is 0 in spatial dimension 0}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[0]>} : (tensor<1x2x4xf32>, tensor<2x2x0xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @conv_stride(%a: tensor<1x2x4xf32>, %b: tensor<2x2x1xf32>) {
  // expected-error @below {{stride is 0 in spatial dimension 0}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[1], strides = [0]>} : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @conv_dilation(%a: tensor<1x2x4xf32>, %b: tensor<2x2x1xf32>) {
  // expected-error @below {{dilation is -1 in spatial dimension 0}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[1], dilations = [-1]>} : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @conv_pad(%a: tensor<1x2x4x4xf32>, %b: tensor<2x2x1x1xf32>) {
  // expected-error @below {{pad is negative in spatial dimension 1}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[1, 1], pads = [0, 0, 0, -1]>}
      : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  return
}

// -----

func.func @conv_channels(%a: tensor<1x2x4xf32>, %b: tensor<2x3x1xf32>) {
  // expected-error @below {{input has 2 channels (dimension 1), filter wants 3}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[1]>} : (tensor<1x2x4xf32>, tensor<2x3x1xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @conv_blocked_channels(%a: tensor<1x2x4x8xf32>, %b: tensor<2x3x1xf32>) {
  // expected-error @below {{input has 16 channels (dimension 1), filter wants 3}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[1]>} : (tensor<1x2x4x8xf32>, tensor<2x3x1xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @conv_reach(%a: tensor<1x2x4xf32>, %b: tensor<2x2x5xf32>) {
  // expected-error @below {{kernel reaches over 5 elements in spatial dimension 0, the padded input has only 4}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[5]>} : (tensor<1x2x4xf32>, tensor<2x2x5xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @conv_bias(%a: tensor<1x2x4xf32>, %b: tensor<2x2x1xf32>, %c: tensor<3xf32>) {
  // expected-error @below {{bias has 3 elements, expected one for each of the 2 channels (dimension 1)}}
  %0 = cnn.conv %a, %b, %c {window = #cnn.window<[1]>} : (tensor<1x2x4xf32>, tensor<2x2x1xf32>, tensor<3xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @conv_residual(%a: tensor<1x2x4xf32>, %b: tensor<2x2x1xf32>, %c: tensor<1x2x5xf32>) {
  // expected-error @below {{residual has another shape than the result}}
  %0 = cnn.conv %a, %b residual(%c) {window = #cnn.window<[1]>}
      : (tensor<1x2x4xf32>, tensor<2x2x1xf32>, tensor<1x2x5xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @group_conv_one(%a: tensor<1x2x4xf32>, %b: tensor<2x2x1xf32>) {
  // expected-error @below {{group is 1, expected at least 2 (use cnn.conv)}}
  %0 = cnn.group_conv %a, %b {group = 1 : i64, window = #cnn.window<[1]>} : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @group_conv_divide(%a: tensor<1x2x4xf32>, %b: tensor<3x1x1xf32>) {
  // expected-error @below {{channels 2 and 3 do not divide into 2 groups}}
  %0 = cnn.group_conv %a, %b {group = 2 : i64, window = #cnn.window<[1]>} : (tensor<1x2x4xf32>, tensor<3x1x1xf32>) -> tensor<1x3x4xf32>
  return
}

// -----

func.func @conv_transpose_group(%a: tensor<1x2x4xf32>, %b: tensor<2x2x1xf32>) {
  // expected-error @below {{group is 0}}
  %0 = cnn.conv_transpose %a, %b {group = 0 : i64, output_padding = array<i64: 0>, window = #cnn.window<[1]>}
      : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @conv_transpose_padding(%a: tensor<1x2x4xf32>, %b: tensor<2x2x1xf32>) {
  // expected-error @below {{output_padding has 2 entries, expected 1}}
  %0 = cnn.conv_transpose %a, %b {output_padding = array<i64: 0, 0>, window = #cnn.window<[1]>}
      : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @conv_transpose_extent(%a: tensor<1x2x4xf32>, %b: tensor<2x2x1xf32>) {
  // expected-error @below {{result has extent 0 in spatial dimension 0}}
  %0 = cnn.conv_transpose %a, %b {output_padding = array<i64: 0>, window = #cnn.window<[1], pads = [2, 2]>}
      : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

//===--------------------------------------------------------------------===//
// Normalisation
//===--------------------------------------------------------------------===//

func.func @batch_norm_mean(%a: tensor<1x2x4xf32>, %b: tensor<2xf32>, %c: tensor<2xf32>, %d: tensor<3xf32>, %e: tensor<2xf32>) {
  // expected-error @below {{mean has 3 elements, expected one for each of the 2 channels (dimension 1)}}
  %0 = cnn.batch_norm %a, %b, %c, %d, %e {epsilon = 1.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<3xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @batch_norm_rank(%a: tensor<2xf32>, %b: tensor<2xf32>, %c: tensor<2xf32>, %d: tensor<2xf32>, %e: tensor<2xf32>) {
  // expected-error @below {{input has rank 1, expected at least 2}}
  %0 = cnn.batch_norm %a, %b, %c, %d, %e {epsilon = 1.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @scale_shift_blocked(%a: tensor<1x2xf32>, %b: tensor<2xf32>, %c: tensor<2xf32>) {
  // expected-error @below {{input has rank 2, expected at least 3}}
  %0 = cnn.scale_shift %a, %b, %c {blocked} : (tensor<1x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  return
}

// -----

func.func @scale_shift_offset(%a: tensor<1x2x4xf32>, %b: tensor<2xf32>, %c: tensor<3xf32>) {
  // expected-error @below {{offset has 3 elements, expected one for each of the 2 channels (dimension 1)}}
  %0 = cnn.scale_shift %a, %b, %c : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<3xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @layer_norm_axis(%a: tensor<1x2x4xf32>) {
  // expected-error @below {{axis 3 is outside of [0, 3)}}
  %0 = cnn.layer_norm %a {axis = 3 : i64, epsilon = 1.0 : f32} : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @layer_norm_scale(%a: tensor<1x2x4xf32>, %b: tensor<3x1x2x4xf32>) {
  // expected-error @below {{scale or bias is larger than the input}}
  %0 = cnn.layer_norm %a scale(%b) {axis = 2 : i64, epsilon = 1.0 : f32} : (tensor<1x2x4xf32>, tensor<3x1x2x4xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @instance_norm_bias(%a: tensor<1x2x4xf32>, %b: tensor<2xf32>, %c: tensor<3xf32>) {
  // expected-error @below {{bias has 3 elements, expected one for each of the 2 channels (dimension 1)}}
  %0 = cnn.instance_norm %a, %b, %c {epsilon = 1.0 : f32} : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<3xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @group_norm_groups(%a: tensor<1x2x4xf32>, %b: tensor<2xf32>, %c: tensor<2xf32>) {
  // expected-error @below {{dimension 1 has 2 channels, not a multiple of 3 groups}}
  %0 = cnn.group_norm %a, %b, %c {num_groups = 3 : i64, epsilon = 1.0 : f32}
      : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @lrn_size(%a: tensor<1x2x4xf32>) {
  // expected-error @below {{size is 0}}
  %0 = cnn.lrn %a {size = 0 : i64, alpha = 1.0 : f32, beta = 1.0 : f32, bias = 1.0 : f32} : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

//===--------------------------------------------------------------------===//
// Pooling
//===--------------------------------------------------------------------===//

func.func @pool_rank(%a: tensor<1x2x4xf32>) {
  // expected-error @below {{4 spatial dimensions, expected 1 to 3}}
  %0 = cnn.max_pool %a {window = #cnn.window<[1, 1, 1, 1]>} : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @pool_strides(%a: tensor<1x2x4xf32>) {
  // expected-error @below {{strides has 2 entries, expected 1}}
  %0 = cnn.avg_pool %a {window = #cnn.window<[2], strides = [1, 1]>} : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @pool_reach(%a: tensor<1x2x4xf32>) {
  // expected-error @below {{kernel reaches over 7 elements in spatial dimension 0, the padded input has only 5}}
  %0 = cnn.max_pool %a {window = #cnn.window<[3], dilations = [3], pads = [1, 0]>} : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @global_pool_rank(%a: tensor<2xf32>) {
  // expected-error @below {{input has rank 1, expected at least 2}}
  %0 = cnn.global_pool <average> %a : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

//===--------------------------------------------------------------------===//
// Launches
//===--------------------------------------------------------------------===//

func.func @unknown_kernel(%a: memref<4xf32>) {
  // expected-error @below {{names no function: @kernel}}
  cnn.launch @kernel tasks(4) (%a) : memref<4xf32>
  return
}

// -----

func.func private @kernel(index, index, memref<8xf32>)
func.func @other_buffer(%a: memref<4xf32>) {
  // expected-error @below {{operand types differ from those of @kernel}}
  cnn.launch @kernel tasks(4) (%a) : memref<4xf32>
  return
}

// -----

func.func private @no_range(memref<4xf32>)
func.func @kernel_without_range(%a: memref<4xf32>) {
  // expected-error @below {{operand types differ from those of @no_range}}
  cnn.launch @no_range tasks(4) (%a) : memref<4xf32>
  return
}
