// RUN: convoy-opt %s --cnn-select-algorithm --split-input-file | FileCheck %s
// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=winograd_2x2 --split-input-file | FileCheck %s --check-prefix=PREFER

module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <cuda, [80, 90]>>} {
  // So many multiply-adds that Winograd's algorithm is worth its memory traffic and launches.
  // CHECK-LABEL:  func.func @large(
  // PREFER-LABEL: func.func @large(
  func.func @large(%x: tensor<1x16x56x56x16xf32>, %w: tensor<256x256x3x3xf32>) -> tensor<1x16x56x56x16xf32> {
    // CHECK: schedule = #cnn.schedule<winograd_4x4,
    // PREFER: schedule = #cnn.schedule<winograd_2x2,
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x16x56x56x16xf32>, tensor<256x256x3x3xf32>) -> tensor<1x16x56x56x16xf32>
    return %0 : tensor<1x16x56x56x16xf32>
  }
  // 16 tiles of 4x4 fill a quarter of the smallest tile of a product.
  // CHECK-LABEL:  func.func @small(
  func.func @small(%x: tensor<1x32x14x14x16xf32>, %w: tensor<512x512x3x3xf32>) -> tensor<1x32x14x14x16xf32> {
    // CHECK: schedule = #cnn.schedule<matrix_product,
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x32x14x14x16xf32>, tensor<512x512x3x3xf32>) -> tensor<1x32x14x14x16xf32>
    return %0 : tensor<1x32x14x14x16xf32>
  }
  // With a batch, the tiles are full.
  // CHECK-LABEL:  func.func @batch(
  func.func @batch(%x: tensor<16x32x14x14x16xf32>, %w: tensor<512x512x3x3xf32>) -> tensor<16x32x14x14x16xf32> {
    // CHECK: schedule = #cnn.schedule<winograd_4x4,
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<16x32x14x14x16xf32>, tensor<512x512x3x3xf32>) -> tensor<16x32x14x14x16xf32>
    return %0 : tensor<16x32x14x14x16xf32>
  }
  // The launches of Winograd's kernels alone take as long as a direct convolution.
  // CHECK-LABEL:  func.func @few(
  // PREFER-LABEL: func.func @few(
  func.func @few(%x: tensor<1x4x56x56x16xf32>, %w: tensor<64x64x3x3xf32>) -> tensor<1x4x56x56x16xf32> {
    // CHECK: schedule = #cnn.schedule<matrix_product,
    // PREFER: schedule = #cnn.schedule<winograd_2x2,
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x4x56x56x16xf32>, tensor<64x64x3x3xf32>) -> tensor<1x4x56x56x16xf32>
    return %0 : tensor<1x4x56x56x16xf32>
  }
  // A schedule that the operation has already stays.
  // CHECK-LABEL:  func.func @given(
  // PREFER-LABEL: func.func @given(
  func.func @given(%x: tensor<1x16x56x56x16xf32>, %w: tensor<256x256x3x3xf32>) -> tensor<1x16x56x56x16xf32> {
    // CHECK: schedule = #cnn.schedule<matrix_product, tile = 128x8x16, stages = 2, filter = <tiles, 1x2x16x3x3x16x128xf32>>
    // PREFER: schedule = #cnn.schedule<matrix_product, tile = 128x8x16, stages = 2, filter = <tiles, 1x2x16x3x3x16x128xf32>>
    %0 = cnn.conv %x, %w
        {schedule = #cnn.schedule<matrix_product, tile = 128x8x16, stages = 2,
        filter = <tiles, 1x2x16x3x3x16x128xf32>>, output_block = 16 : i64,
        window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x16x56x56x16xf32>, tensor<256x256x3x3xf32>) -> tensor<1x16x56x56x16xf32>
    return %0 : tensor<1x16x56x56x16xf32>
  }
}

// -----

// With tensor cores, a convolution is computed directly, even if another algorithm is preferred.
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <cuda, [80, 90]>, precision = tf32>} {
  // CHECK-LABEL:  func.func @large(
  // PREFER-LABEL: func.func @large(
  func.func @large(%x: tensor<1x16x56x56x16xf32>, %w: tensor<256x256x3x3xf32>) -> tensor<1x16x56x56x16xf32> {
    // CHECK: schedule = #cnn.schedule<matrix_product,
    // PREFER: schedule = #cnn.schedule<matrix_product,
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x16x56x56x16xf32>, tensor<256x256x3x3xf32>) -> tensor<1x16x56x56x16xf32>
    return %0 : tensor<1x16x56x56x16xf32>
  }
}

// -----

// The same with f16.
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <cuda, [80, 90]>, precision = f16>} {
  // CHECK-LABEL:  func.func @large(
  // PREFER-LABEL: func.func @large(
  func.func @large(%x: tensor<1x16x56x56x16xf32>, %w: tensor<256x256x3x3xf32>) -> tensor<1x16x56x56x16xf32> {
    // CHECK: schedule = #cnn.schedule<matrix_product,
    // PREFER: schedule = #cnn.schedule<matrix_product,
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x16x56x56x16xf32>, tensor<256x256x3x3xf32>) -> tensor<1x16x56x56x16xf32>
    return %0 : tensor<1x16x56x56x16xf32>
  }
}
