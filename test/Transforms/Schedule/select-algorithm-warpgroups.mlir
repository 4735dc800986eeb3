// RUN: convoy-opt %s --cnn-select-algorithm --split-input-file | FileCheck %s

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [90], arch_specific = true>, precision = tf32>

module attributes {cnn.target = #target} {
  // Two warp groups, a box of two rows of 56 pixels.
  // CHECK-LABEL: func.func @warpgroups(
  func.func @warpgroups(%x: tensor<8x4x56x56x16xf32>, %w: tensor<64x64x3x3xf32>) -> tensor<8x4x56x56x16xf32> {
    // CHECK: schedule = #cnn.schedule<warpgroup_product, tile = 112x4x16, box = 1x2x56, stages = 4, warpgroups = 2,
    // CHECK-SAME: precision = tf32, filter = <input_rows, 1x1x2x3x3x2x64x16xf32>>
    %0 = cnn.conv %x, %w {window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>, output_block = 16 : i64}
       : (tensor<8x4x56x56x16xf32>, tensor<64x64x3x3xf32>) -> tensor<8x4x56x56x16xf32>
    return %0 : tensor<8x4x56x56x16xf32>
  }
  // Convolutions with few channels, on plain data or with small groups, and dense layers have the kernels for all GPUs.
  // CHECK-LABEL: func.func @others(
  func.func @others(%x: tensor<8x4x56x56x16xf32>, %w: tensor<16x64x1x1xf32>, %p: tensor<1x5x9xf32>,
      %v: tensor<5x1x3xf32>, %c: tensor<1x4x9x9x16xf32>, %u: tensor<64x1x3x3xf32>, %m: tensor<5x64xf32>,
      %n: tensor<20x64xf32>, %t: tensor<20x64xf32>)
      -> (tensor<8x1x56x56x16xf32>, tensor<1x5x9xf32>, tensor<1x4x9x9x16xf32>, tensor<5x20xf32>, tensor<20x20xf32>) {
    // CHECK: schedule = #cnn.schedule<matrix_product,
    // CHECK-SAME: precision = tf32, filter = <tiles, 1x1x4x1x1x16x32xf32>>
    // CHECK: schedule = #cnn.schedule<small_groups, tile = 1x2x16, precision = tf32, filter = <tiles, 5x1x1x3x1x32xf32>>
    // CHECK: schedule = #cnn.schedule<channelwise, tile = 1x1x16, precision = tf32, filter = <channelwise, 4x3x3x1x16xf32>>
    %0 = cnn.conv %x, %w {window = #cnn.window<[1, 1]>, output_block = 16 : i64}
       : (tensor<8x4x56x56x16xf32>, tensor<16x64x1x1xf32>) -> tensor<8x1x56x56x16xf32>
    %1 = cnn.group_conv %p, %v {group = 5 : i64, window = #cnn.window<[3], pads = [1, 1]>}
       : (tensor<1x5x9xf32>, tensor<5x1x3xf32>) -> tensor<1x5x9xf32>
    %2 = cnn.group_conv %c, %u {group = 64 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>, output_block = 16 : i64}
       : (tensor<1x4x9x9x16xf32>, tensor<64x1x3x3xf32>) -> tensor<1x4x9x9x16xf32>
    // CHECK: cnn.dense {{.*}}schedule = #cnn.schedule<dense, tile = 5x1x16, precision = tf32, filter = <dense, 2x64x16xf32>>
    %3 = cnn.dense %m, %t : (tensor<5x64xf32>, tensor<20x64xf32>) -> tensor<5x20xf32>
    // CHECK: cnn.dense {{.*}}schedule = #cnn.schedule<matrix_product, tile = 128x2x16, {{.*}}filter = <dense, 1x64x32xf32>
    %4 = cnn.dense %n, %t : (tensor<20x64xf32>, tensor<20x64xf32>) -> tensor<20x20xf32>
    return %0, %1, %2, %3, %4 : tensor<8x1x56x56x16xf32>, tensor<1x5x9xf32>, tensor<1x4x9x9x16xf32>, tensor<5x20xf32>, tensor<20x20xf32>
  }
}

// -----

// Code that must run on later GPUs as well has no warp groups.
#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [90]>, precision = tf32>

module attributes {cnn.target = #target} {
  // CHECK-LABEL: func.func @warpgroups(
  func.func @warpgroups(%x: tensor<8x4x56x56x16xf32>, %w: tensor<64x64x3x3xf32>) -> tensor<8x4x56x56x16xf32> {
    // CHECK: schedule = #cnn.schedule<matrix_product,
    %0 = cnn.conv %x, %w {window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>, output_block = 16 : i64}
       : (tensor<8x4x56x56x16xf32>, tensor<64x64x3x3xf32>) -> tensor<8x4x56x56x16xf32>
    return %0 : tensor<8x4x56x56x16xf32>
  }
}

// -----

// With f16, a step has twice as many inputs.
#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [90], arch_specific = true>, precision = f16>

module attributes {cnn.target = #target} {
  // CHECK-LABEL: func.func @warpgroups(
  func.func @warpgroups(%x: tensor<8x4x56x56x16xf32>, %w: tensor<64x64x3x3xf32>) -> tensor<8x4x56x56x16xf32> {
    // CHECK: schedule = #cnn.schedule<warpgroup_product, {{.*}}precision = f16,
    // CHECK-SAME: filter = <input_rows, 1x1x1x3x3x4x64x16xf16>>
    %0 = cnn.conv %x, %w {window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>, output_block = 16 : i64}
       : (tensor<8x4x56x56x16xf32>, tensor<64x64x3x3xf32>) -> tensor<8x4x56x56x16xf32>
    return %0 : tensor<8x4x56x56x16xf32>
  }
}
