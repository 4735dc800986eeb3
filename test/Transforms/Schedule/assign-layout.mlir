// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-assign-layout --split-input-file | FileCheck %s

// Blocks have 8 channels, as many as AVX2 has lanes.

// The first layer reads plain data. 12 channels are two blocks. A value is
// reordered to plain data once, for all readers.
// CHECK-LABEL: func.func @first_layer(
// CHECK-SAME:    %[[X:.+]]: tensor<2x3x4x4xf32>
func.func @first_layer(%x: tensor<2x3x4x4xf32>) -> (tensor<2x12x4x4xf32>, tensor<2x12x4x4xf32>) {
  %w = arith.constant dense<1.0> : tensor<12x3x1x1xf32>
  // CHECK: %[[CONV:.+]] = cnn.conv %[[X]], {{.+}} {{{.*}}output_block = 8{{.*}}}
  // CHECK-SAME: -> tensor<2x2x4x4x8xf32>
  %0 = cnn.conv %x, %w {window = #cnn.window<[1, 1]>}
     : (tensor<2x3x4x4xf32>, tensor<12x3x1x1xf32>) -> tensor<2x12x4x4xf32>
  // CHECK: %[[RELU:.+]] = cnn.unary <relu> %[[CONV]] : (tensor<2x2x4x4x8xf32>)
  %1 = cnn.unary <relu> %0 : (tensor<2x12x4x4xf32>) -> tensor<2x12x4x4xf32>
  // CHECK: %[[PLAIN:.+]] = cnn.reorder %[[RELU]] {block = 0 : i64, channels = 12 : i64}
  // CHECK-SAME: -> tensor<2x12x4x4xf32>
  // CHECK: %[[SOFT:.+]] = cnn.softmax %[[PLAIN]]
  %2 = cnn.softmax %1 {axis = 1 : i64} : (tensor<2x12x4x4xf32>) -> tensor<2x12x4x4xf32>
  // CHECK-NOT: cnn.reorder
  // CHECK: return %[[PLAIN]], %[[SOFT]]
  return %1, %2 : tensor<2x12x4x4xf32>, tensor<2x12x4x4xf32>
}

// -----

// Plain data with many channels is reordered once, also for the residual.
// CHECK-LABEL: func.func @residual(
// CHECK-SAME:    %[[X:.+]]: tensor<1x16x4x4xf32>
func.func @residual(%x: tensor<1x16x4x4xf32>) -> tensor<1x16x4x4xf32> {
  // CHECK: %[[B:.+]] = cnn.reorder %[[X]] {block = 8 : i64}
  // CHECK-SAME: -> tensor<1x2x4x4x8xf32>
  // CHECK-NOT: block = 8 : i64
  %w = arith.constant dense<1.0> : tensor<16x16x1x1xf32>
  // CHECK: cnn.conv %[[B]], %{{.+}} residual(%[[B]])
  %0 = cnn.conv %x, %w residual(%x) {window = #cnn.window<[1, 1]>}
     : (tensor<1x16x4x4xf32>, tensor<16x16x1x1xf32>, tensor<1x16x4x4xf32>) -> tensor<1x16x4x4xf32>
  return %0 : tensor<1x16x4x4xf32>
}

// -----

// A filter that is not constant cannot be packed.
// CHECK-LABEL: func.func @computed_filter(
func.func @computed_filter(%x: tensor<1x16x4x4xf32>, %w: tensor<16x16x1x1xf32>) -> tensor<1x16x4x4xf32> {
  // CHECK-NOT: cnn.reorder
  // CHECK: cnn.conv {{.+}} -> tensor<1x16x4x4xf32>
  %0 = cnn.conv %x, %w {window = #cnn.window<[1, 1]>}
     : (tensor<1x16x4x4xf32>, tensor<16x16x1x1xf32>) -> tensor<1x16x4x4xf32>
  return %0 : tensor<1x16x4x4xf32>
}

// -----

// Depthwise with 12 channels; four channels per group, with a last block that is half full; 16 channels per
// group. 6 channels per group stay plain, because blocks would have channels of several groups.
// CHECK-LABEL: func.func @groups(
func.func @groups(%a: tensor<1x12x4x4xf32>, %b: tensor<1x20x4x4xf32>, %c: tensor<1x32x4x4xf32>, %d: tensor<1x18x4x4xf32>)
    -> (tensor<1x12x4x4xf32>, tensor<1x20x4x4xf32>, tensor<1x32x4x4xf32>, tensor<1x18x4x4xf32>) {
  %wa = arith.constant dense<1.0> : tensor<12x1x1x1xf32>
  %wb = arith.constant dense<1.0> : tensor<20x4x1x1xf32>
  %wc = arith.constant dense<1.0> : tensor<32x16x1x1xf32>
  %wd = arith.constant dense<1.0> : tensor<18x6x1x1xf32>
  // CHECK: cnn.group_conv {{.+}}{group = 12 {{.+}} -> tensor<1x2x4x4x8xf32>
  %0 = cnn.group_conv %a, %wa {group = 12, window = #cnn.window<[1, 1]>}
     : (tensor<1x12x4x4xf32>, tensor<12x1x1x1xf32>) -> tensor<1x12x4x4xf32>
  // CHECK: cnn.group_conv {{.+}}{group = 5 {{.+}} -> tensor<1x3x4x4x8xf32>
  %1 = cnn.group_conv %b, %wb {group = 5, window = #cnn.window<[1, 1]>}
     : (tensor<1x20x4x4xf32>, tensor<20x4x1x1xf32>) -> tensor<1x20x4x4xf32>
  // CHECK: cnn.group_conv {{.+}}{group = 2 {{.+}} -> tensor<1x4x4x4x8xf32>
  %2 = cnn.group_conv %c, %wc {group = 2, window = #cnn.window<[1, 1]>}
     : (tensor<1x32x4x4xf32>, tensor<32x16x1x1xf32>) -> tensor<1x32x4x4xf32>
  // CHECK: cnn.group_conv {{.+}}{group = 3 {{.+}} : (tensor<1x18x4x4xf32>{{.+}} -> tensor<1x18x4x4xf32>
  %3 = cnn.group_conv %d, %wd {group = 3, window = #cnn.window<[1, 1]>}
     : (tensor<1x18x4x4xf32>, tensor<18x6x1x1xf32>) -> tensor<1x18x4x4xf32>
  return %0, %1, %2, %3 : tensor<1x12x4x4xf32>, tensor<1x20x4x4xf32>, tensor<1x32x4x4xf32>, tensor<1x18x4x4xf32>
}

// -----

// Squeeze and excitation. Means of 16 channels are the same numbers in both layouts. Constants per
// channel, and scalars, become blocked.
// CHECK-LABEL: func.func @excitation(
func.func @excitation(%x: tensor<3x16x4x4xf32>) -> tensor<3x16x4x4xf32> {
  // CHECK: %[[X:.+]] = cnn.reorder %{{.+}} {block = 8 : i64}
  %w = arith.constant dense<1.0> : tensor<16x1x1x1xf32>
  %c = arith.constant dense<[[[0.0]],
      [[1.0]], [[2.0]],
      [[3.0]], [[4.0]],
      [[5.0]], [[6.0]],
      [[7.0]], [[8.0]], [[9.0]], [[10.0]], [[11.0]], [[12.0]], [[13.0]], [[14.0]], [[15.0]]]> : tensor<16x1x1xf32>
  %half = arith.constant dense<0.5> : tensor<f32>
  // CHECK: %[[D:.+]] = cnn.group_conv %[[X]]
  %0 = cnn.group_conv %x, %w {group = 16, window = #cnn.window<[1, 1]>}
     : (tensor<3x16x4x4xf32>, tensor<16x1x1x1xf32>) -> tensor<3x16x4x4xf32>
  // CHECK: %[[MEAN:.+]] = cnn.global_pool <average> %[[D]] {blocked} : {{.+}} -> tensor<3x2x1x1x8xf32>
  %1 = cnn.global_pool <average> %0 : (tensor<3x16x4x4xf32>) -> tensor<3x16x1x1xf32>
  // CHECK: %[[C:.+]] = tensor.collapse_shape %[[MEAN]] {{\[}}[0], [1, 2, 3, 4]] : {{.+}} into tensor<3x16xf32>
  // CHECK: %[[E:.+]] = tensor.expand_shape %[[C]] {{\[}}[0], [1, 2, 3]]
  // CHECK-SAME: into tensor<3x16x1x1xf32>
  // CHECK: %[[SOFT:.+]] = cnn.softmax %[[E]]
  %2 = cnn.softmax %1 {axis = 1 : i64} : (tensor<3x16x1x1xf32>) -> tensor<3x16x1x1xf32>
  // CHECK: %[[SC:.+]] = tensor.collapse_shape %[[SOFT]] {{\[}}[0], [1, 2, 3]]
  // CHECK: %[[GATE:.+]] = tensor.expand_shape %[[SC]] {{\[}}[0], [1, 2, 3, 4]]
  // CHECK-SAME: into tensor<3x2x1x1x8xf32>
  // CHECK: %[[MUL:.+]] = cnn.binary <mul> %[[D]], %[[GATE]]
  %3 = cnn.binary <mul> %0, %2 : (tensor<3x16x4x4xf32>, tensor<3x16x1x1xf32>) -> tensor<3x16x4x4xf32>
  // CHECK: %[[PC:.+]] = arith.constant dense<{{\[}}{{\[}}{{\[}}{{\[}}[0.000000e+00, 1.000000e+00,
  // CHECK-SAME: {{.+}} 7.000000e+00]]], {{\[}}{{\[}}[8.000000e+00, {{.+}} 1.500000e+01]]]]]> : tensor<1x2x1x1x8xf32>
  // CHECK: %[[ADD:.+]] = cnn.binary <add> %[[MUL]], %[[PC]]
  %4 = cnn.binary <add> %3, %c : (tensor<3x16x4x4xf32>, tensor<16x1x1xf32>) -> tensor<3x16x4x4xf32>
  // CHECK: %[[HALF:.+]] = arith.constant dense<5.000000e-01> : tensor<1x1x1x1x1xf32>
  // CHECK: cnn.binary <sub> %[[ADD]], %[[HALF]] : {{.+}} -> tensor<3x2x4x4x8xf32>
  %5 = cnn.binary <sub> %4, %half : (tensor<3x16x4x4xf32>, tensor<f32>) -> tensor<3x16x4x4xf32>
  return %5 : tensor<3x16x4x4xf32>
}

// -----

// A map for all channels gets a lane dimension of extent 1. Parameters of scale_shift are padded with
// zeros. A comparison is not f32 and stays plain.
// CHECK-LABEL: func.func @elementwise(
func.func @elementwise(%x: tensor<1x10x2x2xf32>, %map: tensor<1x1x2x2xf32>) -> tensor<1x10x2x2xi1> {
  %w = arith.constant dense<1.0> : tensor<10x1x1x1xf32>
  %s = arith.constant dense<[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]> : tensor<10xf32>
  %t = arith.constant dense<2.0> : tensor<10xf32>
  // CHECK: %[[D:.+]] = cnn.group_conv {{.+}} -> tensor<1x2x2x2x8xf32>
  %0 = cnn.group_conv %x, %w {group = 10, window = #cnn.window<[1, 1]>}
     // CHECK: %[[MAP:.+]] = tensor.expand_shape %{{.+}} {{\[}}[0], [1], [2], [3, 4]] {{.+}} into tensor<1x1x2x2x1xf32>
     : (tensor<1x10x2x2xf32>, tensor<10x1x1x1xf32>) -> tensor<1x10x2x2xf32>
  // CHECK: %[[MUL:.+]] = cnn.binary <mul> %[[D]], %[[MAP]]
  %1 = cnn.binary <mul> %0, %map : (tensor<1x10x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x10x2x2xf32>
  // CHECK: %[[S:.+]] = arith.constant dense<{{.+}}, {{\[}}8.000000e+00, 9.000000e+00, 0.000000e+00, 0.000000e+00,
  // CHECK-SAME: 0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00]]> : tensor<2x8xf32>
  // CHECK: %[[T:.+]] = arith.constant dense<2.000000e+00> : tensor<2x8xf32>
  // CHECK: %[[SS:.+]] = cnn.scale_shift %[[MUL]], %[[S]], %[[T]] {blocked}
  %2 = cnn.scale_shift %1, %s, %t : (tensor<1x10x2x2xf32>, tensor<10xf32>, tensor<10xf32>) -> tensor<1x10x2x2xf32>
  // CHECK: %[[PLAIN:.+]] = cnn.reorder %[[SS]] {block = 0 : i64, channels = 10 : i64}
  // CHECK: cnn.binary <less> %[[PLAIN]]
  %3 = cnn.binary <less> %2, %x : (tensor<1x10x2x2xf32>, tensor<1x10x2x2xf32>) -> tensor<1x10x2x2xi1>
  return %3 : tensor<1x10x2x2xi1>
}

// -----

// In a concatenation, only the last input may have a block that is not full. The window of an LRN must not
// reach unspecified lanes.
// CHECK-LABEL: func.func @concat(
func.func @concat(%x: tensor<1x8x2x2xf32>, %y: tensor<1x4x2x2xf32>)
    -> (tensor<1x12x2x2xf32>, tensor<1x12x2x2xf32>, tensor<1x4x2x2xf32>, tensor<1x4x4x2xf32>) {
  %wx = arith.constant dense<1.0> : tensor<8x1x1x1xf32>
  %wy = arith.constant dense<1.0> : tensor<4x1x1x1xf32>
  // CHECK: %[[A:.+]] = cnn.group_conv {{.+}} -> tensor<1x1x2x2x8xf32>
  %0 = cnn.group_conv %x, %wx {group = 8, window = #cnn.window<[1, 1]>}
     : (tensor<1x8x2x2xf32>, tensor<8x1x1x1xf32>) -> tensor<1x8x2x2xf32>
  // CHECK: %[[B:.+]] = cnn.group_conv {{.+}} -> tensor<1x1x2x2x8xf32>
  %1 = cnn.group_conv %y, %wy {group = 4, window = #cnn.window<[1, 1]>}
     : (tensor<1x4x2x2xf32>, tensor<4x1x1x1xf32>) -> tensor<1x4x2x2xf32>
  // CHECK: %[[LRN:.+]] = cnn.lrn %[[A]] {{{.*}}blocked
  %2 = cnn.lrn %0 {size = 5 : i64, alpha = 1.0 : f32, beta = 0.75 : f32, bias = 1.0 : f32}
     : (tensor<1x8x2x2xf32>) -> tensor<1x8x2x2xf32>
  // CHECK: cnn.concat %[[LRN]], %[[B]] {axis = 1 : i64} : {{.+}} -> tensor<1x2x2x2x8xf32>
  %3 = cnn.concat %2, %1 {axis = 1 : i64} : (tensor<1x8x2x2xf32>, tensor<1x4x2x2xf32>) -> tensor<1x12x2x2xf32>
  // CHECK: cnn.concat {{.+}} -> tensor<1x12x2x2xf32>
  %4 = cnn.concat %1, %2 {axis = 1 : i64} : (tensor<1x4x2x2xf32>, tensor<1x8x2x2xf32>) -> tensor<1x12x2x2xf32>
  // CHECK: cnn.lrn {{.+}} -> tensor<1x4x2x2xf32>
  %5 = cnn.lrn %1 {size = 5 : i64, alpha = 1.0 : f32, beta = 0.75 : f32, bias = 1.0 : f32}
     : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
  // CHECK: cnn.concat {{.+}} {axis = 2 : i64} : {{.+}} -> tensor<1x1x4x2x8xf32>
  %6 = cnn.concat %1, %1 {axis = 2 : i64} : (tensor<1x4x2x2xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x4x2xf32>
  return %3, %4, %5, %6 : tensor<1x12x2x2xf32>, tensor<1x12x2x2xf32>, tensor<1x4x2x2xf32>, tensor<1x4x4x2xf32>
}

// -----

// CHECK-LABEL: func.func @spatial(
func.func @spatial(%x: tensor<1x10x2x2xf32>)
    -> (tensor<1x10x1x7xf32>, tensor<1x2x7x7xf32>, tensor<1x6x7x7xf32>) {
  %w = arith.constant dense<1.0> : tensor<10x1x1x1xf32>
  %zero = arith.constant 0.0 : f32
  %0 = cnn.group_conv %x, %w {group = 10, window = #cnn.window<[1, 1]>}
     : (tensor<1x10x2x2xf32>, tensor<10x1x1x1xf32>) -> tensor<1x10x2x2xf32>
  // CHECK: cnn.resize <linear> {{.+}}scales = array<f32: 1.000000e+00, 1.000000e+00, 2.000000e+00, 2.000000e+00,
  // CHECK-SAME: 1.000000e+00>, shape = array<i64: 1, 2, 4, 4, 8>
  %1 = cnn.resize <linear> %0 {shape = array<i64: 1, 10, 4, 4>, scales = array<f32: 1.0, 1.0, 2.0, 2.0>,
      coordinates = #cnn.coordinate_mode<half_pixel>, nearest = #cnn.nearest_mode<floor>}
     : (tensor<1x10x2x2xf32>) -> tensor<1x10x4x4xf32>
  // CHECK: tensor.pad %{{.+}} low[0, 0, 1, 1, 0] high[0, 0, 2, 2, 0]
  %2 = tensor.pad %1 low[0, 0, 1, 1] high[0, 0, 2, 2] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    // CHECK: tensor.yield %{{.+}} : f32
    tensor.yield %zero : f32
  // CHECK: tensor<1x2x4x4x8xf32> to tensor<1x2x7x7x8xf32>
  } : tensor<1x10x4x4xf32> to tensor<1x10x7x7xf32>
  // CHECK: cnn.reduce <max> {{.+}} {axes = array<i64: 2>, keep_dims} : {{.+}} -> tensor<1x2x1x7x8xf32>
  %3 = cnn.reduce <max> %2 {axes = array<i64: 2>, keep_dims} : (tensor<1x10x7x7xf32>) -> tensor<1x10x1x7xf32>
  // CHECK: tensor.extract_slice %{{.+}}[0, 1, 0, 0, 0] [1, 1, 7, 7, 8] [1, 1, 1, 1, 1]
  %4 = tensor.extract_slice %2[0, 8, 0, 0] [1, 2, 7, 7] [1, 1, 1, 1] : tensor<1x10x7x7xf32> to tensor<1x2x7x7xf32>
  // CHECK: tensor.extract_slice %{{.+}}[0, 4, 0, 0] [1, 6, 7, 7] [1, 1, 1, 1]
  %5 = tensor.extract_slice %2[0, 4, 0, 0] [1, 6, 7, 7] [1, 1, 1, 1] : tensor<1x10x7x7xf32> to tensor<1x6x7x7xf32>
  return %3, %4, %5 : tensor<1x10x1x7xf32>, tensor<1x2x7x7xf32>, tensor<1x6x7x7xf32>
}

// -----

// CHECK-LABEL: func.func @transposed(
func.func @transposed(%x: tensor<1x16x2x2xf32>) -> (tensor<1x8x4x4xf32>, tensor<1x16x4x4xf32>) {
  %w = arith.constant dense<1.0> : tensor<16x8x2x2xf32>
  %wg = arith.constant dense<1.0> : tensor<16x8x2x2xf32>
  // CHECK: cnn.conv_transpose {{.+}}output_block = 8 {{.+}} : (tensor<1x2x2x2x8xf32>{{.+}} -> tensor<1x1x4x4x8xf32>
  %0 = cnn.conv_transpose %x, %w {output_padding = array<i64: 0, 0>, window = #cnn.window<[2, 2], strides = [2, 2]>}
     : (tensor<1x16x2x2xf32>, tensor<16x8x2x2xf32>) -> tensor<1x8x4x4xf32>
  // CHECK: cnn.conv_transpose {{.+}} : (tensor<1x16x2x2xf32>{{.+}} -> tensor<1x16x4x4xf32>
  %1 = cnn.conv_transpose %x, %wg {group = 2, output_padding = array<i64: 0, 0>, window = #cnn.window<[2, 2], strides = [2, 2]>}
     : (tensor<1x16x2x2xf32>, tensor<16x8x2x2xf32>) -> tensor<1x16x4x4xf32>
  return %0, %1 : tensor<1x8x4x4xf32>, tensor<1x16x4x4xf32>
}

// -----

// Three spatial dimensions; a constant of lower rank takes the place of the last dimensions, before it is blocked.
// CHECK-LABEL: func.func @volume(
func.func @volume(%x: tensor<1x16x2x3x4xf32>) -> tensor<1x16x2x3x4xf32> {
  %w = arith.constant dense<1.0> : tensor<16x16x1x1x1xf32>
  %c = arith.constant dense<[[[[1.0]]], [[[2.0]]], [[[3.0]]], [[[4.0]]], [[[5.0]]], [[[6.0]]], [[[7.0]]], [[[8.0]]],
      [[[1.0]]], [[[2.0]]], [[[3.0]]], [[[4.0]]], [[[5.0]]], [[[6.0]]], [[[7.0]]], [[[9.0]]]]> : tensor<16x1x1x1xf32>
  // CHECK: cnn.reorder %{{.+}} {block = 8 : i64} : (tensor<1x16x2x3x4xf32>) -> tensor<1x2x2x3x4x8xf32>
  // CHECK: cnn.conv {{.+}} -> tensor<1x2x2x3x4x8xf32>
  // CHECK: cnn.binary <mul> {{.+}} : (tensor<1x2x2x3x4x8xf32>, tensor<1x2x1x1x1x8xf32>) -> tensor<1x2x2x3x4x8xf32>
  %0 = cnn.conv %x, %w {window = #cnn.window<[1, 1, 1]>} : (tensor<1x16x2x3x4xf32>, tensor<16x16x1x1x1xf32>) -> tensor<1x16x2x3x4xf32>
  %1 = cnn.binary <mul> %0, %c : (tensor<1x16x2x3x4xf32>, tensor<16x1x1x1xf32>) -> tensor<1x16x2x3x4xf32>
  return %1 : tensor<1x16x2x3x4xf32>
}

// -----

// Data with one spatial dimension stays plain.
// CHECK-LABEL: func.func @one_dimension(
func.func @one_dimension(%x: tensor<1x16x4xf32>) -> tensor<1x16x4xf32> {
  // CHECK-NOT: cnn.reorder
  %w = arith.constant dense<1.0> : tensor<16x16x1xf32>
  // CHECK: cnn.conv {{.+}} -> tensor<1x16x4xf32>
  %0 = cnn.conv %x, %w {window = #cnn.window<[1]>}
     : (tensor<1x16x4xf32>, tensor<16x16x1xf32>) -> tensor<1x16x4xf32>
  return %0 : tensor<1x16x4xf32>
}

// -----

// Integers are blocked, too, with one scale for all or one for each channel. Few channels are no reason to stay plain, since
// kernels read pairs of them. The smallest and the largest element of all do not depend on the order of the elements.
// CHECK-LABEL: func.func @integers(
func.func @integers(%x: tensor<1x5x4x4xi16>, %t: tensor<f32>) -> (tensor<1x8x4x4xui8>, tensor<f32>) {
  %w = arith.constant dense<1> : tensor<8x5x1x1xi8>
  %s = arith.constant dense<[[[1.0]], [[2.0]], [[3.0]], [[4.0]], [[5.0]], [[6.0]], [[7.0]], [[8.0]]]> : tensor<8x1x1xf32>
  %z = arith.constant dense<3> : tensor<ui8>
  // CHECK: cnn.reorder %{{.+}} {block = 8 : i64} : (tensor<1x5x4x4xi16>) -> tensor<1x1x4x4x8xi16>
  // CHECK: cnn.conv {{.+}} : (tensor<1x1x4x4x8xi16>, tensor<8x5x1x1xi8>) -> tensor<1x1x4x4x8xi32>
  // CHECK: cnn.cast {{.+}} -> tensor<1x1x4x4x8xf32>
  // CHECK: cnn.binary <mul> {{.+}} : (tensor<1x1x4x4x8xf32>, tensor<1x1x1x1x8xf32>)
  // CHECK: cnn.reduce <max> %{{.+}} {axes = array<i64: 0, 1, 2, 3, 4>} : (tensor<1x1x4x4x8xf32>) -> tensor<f32>
  // CHECK: cnn.quantize {{.+}} : (tensor<1x1x4x4x8xf32>, tensor<f32>, tensor<{{.*}}ui8>) -> tensor<1x1x4x4x8xui8>
  // CHECK: cnn.reorder {{.+}} -> tensor<1x8x4x4xui8>
  %0 = cnn.conv %x, %w {window = #cnn.window<[1, 1]>} : (tensor<1x5x4x4xi16>, tensor<8x5x1x1xi8>) -> tensor<1x8x4x4xi32>
  %1 = cnn.cast %0 {to = f32} : (tensor<1x8x4x4xi32>) -> tensor<1x8x4x4xf32>
  %2 = cnn.binary <mul> %1, %s : (tensor<1x8x4x4xf32>, tensor<8x1x1xf32>) -> tensor<1x8x4x4xf32>
  %3 = cnn.reduce <max> %2 {axes = array<i64: 0, 1, 2, 3>} : (tensor<1x8x4x4xf32>) -> tensor<f32>
  %4 = cnn.quantize %2, %t, %z : (tensor<1x8x4x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x8x4x4xui8>
  return %4, %3 : tensor<1x8x4x4xui8>, tensor<f32>
}

// -----

// One element behind a blocked convolution is no scalar that broadcasts.
// CHECK-LABEL: func.func @one_element(
func.func @one_element(%x: tensor<1x16x5x5xf32>) -> tensor<1x1x1x1xf32> {
  %w = arith.constant dense<1.0> : tensor<1x16x5x5xf32>
  // CHECK: %[[C:.+]] = cnn.conv {{.+}} -> tensor<1x1x1x1x8xf32>
  // CHECK: cnn.binary <mul> %[[C]], %[[C]] : (tensor<1x1x1x1x8xf32>, tensor<1x1x1x1x8xf32>)
  %0 = cnn.conv %x, %w {window = #cnn.window<[5, 5]>} : (tensor<1x16x5x5xf32>, tensor<1x16x5x5xf32>) -> tensor<1x1x1x1xf32>
  %1 = cnn.binary <mul> %0, %0 : (tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32>
  return %1 : tensor<1x1x1x1xf32>
}
