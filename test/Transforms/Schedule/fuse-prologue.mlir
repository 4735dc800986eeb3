// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-select-algorithm=algorithm=direct --cnn-fuse-prologue \
// RUN:   --split-input-file | FileCheck %s

// A batch norm with its activation, after a concatenation that has other readers.
// CHECK-LABEL: func.func @behind_a_concatenation(
// CHECK-SAME:      %[[X:.+]]: tensor<1x4x12x12x8xf32>
func.func @behind_a_concatenation(%x: tensor<1x4x12x12x8xf32>) -> (tensor<1x4x12x12x8xf32>, tensor<1x2x12x12x8xf32>) {
  // CHECK-DAG: %[[S:.+]] = arith.constant dense<2.000000e+00> : tensor<4x8xf32>
  // CHECK-DAG: %[[T:.+]] = arith.constant dense<5.000000e-01> : tensor<4x8xf32>
  // CHECK-NOT: cnn.scale_shift
  %s = arith.constant dense<2.0> : tensor<4x8xf32>
  %t = arith.constant dense<0.5> : tensor<4x8xf32>
  %w = arith.constant dense<1.0> : tensor<1x2x4x1x1x8x8xf32>
  %b = arith.constant dense<1.0> : tensor<16xf32>
  %0 = cnn.scale_shift %x, %s, %t {activation = #cnn.function<relu>, blocked}
      : (tensor<1x4x12x12x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<1x4x12x12x8xf32>
  // CHECK: %[[Y:.+]] = cnn.conv %[[X]], %{{.+}}, %{{.+}} prologue(%[[S]], %[[T]]) {activation = #cnn.function<sigmoid>
  // CHECK-SAME: input_activation = #cnn.function<relu>
  // The 32 channels of a run of six pixels are in scratch memory. The tiles of output channels for a run follow each other.
  // CHECK-SAME: schedule = #cnn.schedule<direct, tile = 6x2x8, span = plane, order = pixels,
  // CHECK-SAME:   filter = <tiles, 1x1x4x1x1x8x16xf32>, scratch = 768>
  %1 = cnn.conv %0, %w, %b {activation = #cnn.function<sigmoid>, filter_shape = array<i64: 16, 32, 1, 1>,
      output_block = 8 : i64, window = #cnn.window<[1, 1]>}
     : (tensor<1x4x12x12x8xf32>, tensor<1x2x4x1x1x8x8xf32>, tensor<16xf32>) -> tensor<1x2x12x12x8xf32>
  // CHECK-NEXT: return %[[X]], %[[Y]]
  return %x, %1 : tensor<1x4x12x12x8xf32>, tensor<1x2x12x12x8xf32>
}

// -----

// Pre-activation: the residual is the input of the batch norm.
// CHECK-LABEL: func.func @residual(
// CHECK-SAME:      %[[X:.+]]: tensor<1x2x12x12x8xf32>
func.func @residual(%x: tensor<1x2x12x12x8xf32>) -> tensor<1x2x12x12x8xf32> {
  %s = arith.constant dense<2.0> : tensor<2x8xf32>
  %w = arith.constant dense<1.0> : tensor<1x1x2x1x1x8x16xf32>
  %0 = cnn.scale_shift %x, %s, %s {blocked} : (tensor<1x2x12x12x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<1x2x12x12x8xf32>
  // CHECK: cnn.conv %[[X]], %{{.+}} residual(%[[X]]) prologue(
  %1 = cnn.conv %0, %w residual(%x) {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 8 : i64, window = #cnn.window<[1, 1]>}
     // CHECK-NOT: input_activation
     : (tensor<1x2x12x12x8xf32>, tensor<1x1x2x1x1x8x16xf32>, tensor<1x2x12x12x8xf32>) -> tensor<1x2x12x12x8xf32>
  // CHECK: return
  return %1 : tensor<1x2x12x12x8xf32>
}

// -----

// Not fused: the normalised data has a second reader, another operation or the residual of the convolution.
// CHECK-LABEL: func.func @two_readers(
func.func @two_readers(%x: tensor<1x2x16x16x8xf32>) -> (tensor<1x2x16x16x8xf32>, tensor<1x2x16x16x8xf32>, tensor<1x2x16x16x8xf32>) {
  %s = arith.constant dense<2.0> : tensor<2x8xf32>
  %w = arith.constant dense<1.0> : tensor<1x1x2x1x1x8x16xf32>
  // CHECK-COUNT-2: cnn.scale_shift
  %0 = cnn.scale_shift %x, %s, %s {blocked} : (tensor<1x2x16x16x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<1x2x16x16x8xf32>
  // CHECK-NOT: prologue
  %1 = cnn.conv %0, %w {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 8 : i64, window = #cnn.window<[1, 1]>}
     : (tensor<1x2x16x16x8xf32>, tensor<1x1x2x1x1x8x16xf32>) -> tensor<1x2x16x16x8xf32>
  %2 = cnn.scale_shift %x, %s, %s {blocked} : (tensor<1x2x16x16x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<1x2x16x16x8xf32>
  %3 = cnn.conv %2, %w residual(%2) {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 8 : i64, window = #cnn.window<[1, 1]>}
     : (tensor<1x2x16x16x8xf32>, tensor<1x1x2x1x1x8x16xf32>, tensor<1x2x16x16x8xf32>) -> tensor<1x2x16x16x8xf32>
  // CHECK: return
  return %0, %1, %3 : tensor<1x2x16x16x8xf32>, tensor<1x2x16x16x8xf32>, tensor<1x2x16x16x8xf32>
}

// -----

// Not fused: padding, strides, a larger kernel, groups, and plain data.
// CHECK-LABEL: func.func @other_convolutions(
func.func @other_convolutions(%x: tensor<1x2x16x16x8xf32>, %p: tensor<1x16x16x16xf32>)
    -> (tensor<1x2x18x18x8xf32>, tensor<1x2x8x8x8xf32>, tensor<1x2x14x14x8xf32>, tensor<1x2x16x16x8xf32>, tensor<1x2x16x16x8xf32>) {
  %s = arith.constant dense<2.0> : tensor<2x8xf32>
  %w = arith.constant dense<1.0> : tensor<1x1x2x1x1x8x16xf32>
  %w3 = arith.constant dense<1.0> : tensor<1x1x2x3x3x8x16xf32>
  %wg = arith.constant dense<1.0> : tensor<2x1x1x1x1x8x8xf32>
  // CHECK-COUNT-5: cnn.scale_shift
  %0 = cnn.scale_shift %x, %s, %s {blocked} : (tensor<1x2x16x16x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<1x2x16x16x8xf32>
  // CHECK-NOT: prologue
  %1 = cnn.conv %0, %w {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 8 : i64, window = #cnn.window<[1, 1], pads = [1, 1, 1, 1]>}
     : (tensor<1x2x16x16x8xf32>, tensor<1x1x2x1x1x8x16xf32>) -> tensor<1x2x18x18x8xf32>
  %2 = cnn.scale_shift %x, %s, %s {blocked} : (tensor<1x2x16x16x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<1x2x16x16x8xf32>
  %3 = cnn.conv %2, %w {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 8 : i64, window = #cnn.window<[1, 1], strides = [2, 2]>}
     : (tensor<1x2x16x16x8xf32>, tensor<1x1x2x1x1x8x16xf32>) -> tensor<1x2x8x8x8xf32>
  %4 = cnn.scale_shift %x, %s, %s {blocked} : (tensor<1x2x16x16x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<1x2x16x16x8xf32>
  %5 = cnn.conv %4, %w3 {filter_shape = array<i64: 16, 16, 3, 3>, output_block = 8 : i64, window = #cnn.window<[3, 3]>}
     : (tensor<1x2x16x16x8xf32>, tensor<1x1x2x3x3x8x16xf32>) -> tensor<1x2x14x14x8xf32>
  %6 = cnn.scale_shift %x, %s, %s {blocked} : (tensor<1x2x16x16x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<1x2x16x16x8xf32>
  %7 = cnn.group_conv %6, %wg {group = 2 : i64, filter_shape = array<i64: 16, 8, 1, 1>, output_block = 8 : i64,
      window = #cnn.window<[1, 1]>}
     : (tensor<1x2x16x16x8xf32>, tensor<2x1x1x1x1x8x8xf32>) -> tensor<1x2x16x16x8xf32>
  %sp = arith.constant dense<2.0> : tensor<16xf32>
  %wp = arith.constant dense<1.0> : tensor<1x1x1x1x1x16x16xf32>
  %8 = cnn.scale_shift %p, %sp, %sp : (tensor<1x16x16x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<1x16x16x16xf32>
  %9 = cnn.conv %8, %wp {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 8 : i64, window = #cnn.window<[1, 1]>}
     : (tensor<1x16x16x16xf32>, tensor<1x1x1x1x1x16x16xf32>) -> tensor<1x2x16x16x8xf32>
  // CHECK: return
  return %1, %3, %5, %7, %9
      : tensor<1x2x18x18x8xf32>, tensor<1x2x8x8x8xf32>, tensor<1x2x14x14x8xf32>, tensor<1x2x16x16x8xf32>,
      tensor<1x2x16x16x8xf32>
}

// -----

// Not fused: maps of 49 pixels, and filters that need more than half of the L2 cache, 264 of 512 KiB.
// CHECK-LABEL: func.func @not_worth_it(
func.func @not_worth_it(%x: tensor<3x2x7x7x8xf32>, %y: tensor<1x33x16x16x8xf32>) -> (tensor<3x2x7x7x8xf32>, tensor<1x32x16x16x8xf32>) {
  %s = arith.constant dense<2.0> : tensor<2x8xf32>
  %w = arith.constant dense<1.0> : tensor<1x1x2x1x1x8x16xf32>
  // CHECK-COUNT-2: cnn.scale_shift
  %0 = cnn.scale_shift %x, %s, %s {blocked} : (tensor<3x2x7x7x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<3x2x7x7x8xf32>
  // CHECK-NOT: prologue
  %1 = cnn.conv %0, %w {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 8 : i64, window = #cnn.window<[1, 1]>}
     : (tensor<3x2x7x7x8xf32>, tensor<1x1x2x1x1x8x16xf32>) -> tensor<3x2x7x7x8xf32>
  %t = arith.constant dense<2.0> : tensor<33x8xf32>
  %v = arith.constant dense<1.0> : tensor<1x16x33x1x1x8x16xf32>
  %2 = cnn.scale_shift %y, %t, %t {blocked} : (tensor<1x33x16x16x8xf32>, tensor<33x8xf32>, tensor<33x8xf32>) -> tensor<1x33x16x16x8xf32>
  %3 = cnn.conv %2, %v {filter_shape = array<i64: 256, 264, 1, 1>, output_block = 8 : i64, window = #cnn.window<[1, 1]>}
     : (tensor<1x33x16x16x8xf32>, tensor<1x16x33x1x1x8x16xf32>) -> tensor<1x32x16x16x8xf32>
  // CHECK: return
  return %1, %3 : tensor<3x2x7x7x8xf32>, tensor<1x32x16x16x8xf32>
}

// -----

// Not fused: kernels for GPUs have no prologue.
// CHECK-LABEL: func.func @gpu(
// CHECK:         cnn.scale_shift
// CHECK-NOT:     prologue
// CHECK:         return
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <cuda, [80, 90]>>} {
  func.func @gpu(%x: tensor<1x1x16x16x16xf32>) -> tensor<1x1x16x16x16xf32> {
    %s = arith.constant dense<2.0> : tensor<1x16xf32>
    %w = arith.constant dense<1.0> : tensor<1x1x1x1x1x16x16xf32>
    %0 = cnn.scale_shift %x, %s, %s {blocked} : (tensor<1x1x16x16x16xf32>, tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x1x16x16x16xf32>
    %1 = cnn.conv %0, %w {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
       : (tensor<1x1x16x16x16xf32>, tensor<1x1x1x1x1x16x16xf32>) -> tensor<1x1x16x16x16xf32>
    return %1 : tensor<1x1x16x16x16xf32>
  }
}
