// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=winograd_4x4 --cnn-pack-weights --split-input-file | FileCheck %s

// The transformed filters of a GPU are ordered by product: [group][product][output tile][input][lanes of the tile]. The
// bias is padded to the same tiles.
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <cuda, [80, 90]>>} {
  // CHECK-LABEL: func.func @tiles(
  func.func @tiles(%x: tensor<1x2x28x30x16xf32>) -> tensor<1x3x28x30x16xf32> {
    // CHECK-DAG: %[[W:.+]] = arith.constant {{.*}} : tensor<1x36x2x24x32xf32>
    // CHECK-DAG: %[[B:.+]] = arith.constant {{.*}} : tensor<64xf32>
    %w = arith.constant dense<1.0> : tensor<40x24x3x3xf32>
    %b = arith.constant dense<2.0> : tensor<40xf32>
    // CHECK: cnn.conv %arg0, %[[W]], %[[B]]
    %0 = cnn.conv %x, %w, %b {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x2x28x30x16xf32>, tensor<40x24x3x3xf32>, tensor<40xf32>) -> tensor<1x3x28x30x16xf32>
    return %0 : tensor<1x3x28x30x16xf32>
  }
  // CHECK-LABEL: func.func @groups(
  func.func @groups(%x: tensor<1x2x9x9x16xf32>) -> tensor<1x2x9x9x16xf32> {
    // CHECK-DAG: %[[W:.+]] = arith.constant {{.*}} : tensor<2x36x1x16x32xf32>
    %w = arith.constant dense<1.0> : tensor<32x16x3x3xf32>
    // CHECK: cnn.group_conv %arg0, %[[W]]
    %0 = cnn.group_conv %x, %w {group = 2 : i64, output_block = 16 : i64,
        window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x2x9x9x16xf32>, tensor<32x16x3x3xf32>) -> tensor<1x2x9x9x16xf32>
    return %0 : tensor<1x2x9x9x16xf32>
  }
}

// -----

// With precision f16, the filters of a GPU are f16.
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 2, vector_registers = 16, l2 = 1048576, gpu = <cuda, [80]>, precision = f16>} {
  // CHECK-LABEL: func.func @transposed(
  func.func @transposed(%x: tensor<1x2x3xf32>) -> tensor<1x3x4xf32> {
    %w = arith.constant dense<[[[1., 2.], [3., 4.], [5., 6.]], [[11., 12.], [13., 14.], [15., 16.]]]> : tensor<2x3x2xf32>
    // CHECK: cnn.conv_transpose {{.+}} : (tensor<1x2x3xf32>, tensor<{{[0-9x]+}}xf16>)
    %0 = cnn.conv_transpose %x, %w {output_padding = array<i64: 0>, window = #cnn.window<[2]>}
        : (tensor<1x2x3xf32>, tensor<2x3x2xf32>) -> tensor<1x3x4xf32>
    return %0 : tensor<1x3x4xf32>
  }
}
