// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-pack-weights | FileCheck %s
// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-pack-weights --cnn-pack-weights | FileCheck %s
// RUN: convoy-opt %s --cnn-select-algorithm="algorithm=direct weights=bf16" --cnn-pack-weights | FileCheck %s --check-prefix=BF16

// Filters are stored as bf16, but biases are not.
// BF16-LABEL: func.func @blocked(
// BF16: cnn.conv {{.+}} : (tensor<1x2x4x4x2xf32>, tensor<1x1x2x1x2x2x4xbf16>, tensor<4xf32>)

module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 2, vector_registers = 16, l2 = 1048576>} {
  // A tile is two vectors of two lanes: three outputs fill three of them. Three inputs are one and a half chunks of two.
  // The layout is [group][output tile][chunk][1][kernel column][input][lanes]; the rest is zeros.
  // CHECK-LABEL: func.func @blocked(
  func.func @blocked(%x: tensor<1x2x4x4x2xf32>) -> tensor<1x2x4x4x2xf32> {
    // CHECK:      %[[B:.+]] = arith.constant dense<[7.000000e+00, 8.000000e+00, 9.000000e+00, 0.000000e+00]>
    // CHECK-SAME:   : tensor<4xf32>
    // CHECK:      %[[W:.+]] = arith.constant dense<{{\[+}}1.000000e+00, 1.100000e+01, 2.100000e+01, 0.000000e+00],
    // CHECK-SAME:   [3.000000e+00, 1.300000e+01, 2.300000e+01, 0.000000e+00]],
    // CHECK-SAME:   {{\[+}}2.000000e+00, 1.200000e+01, 2.200000e+01, 0.000000e+00],
    // CHECK-SAME:   [4.000000e+00, 1.400000e+01, 2.400000e+01, 0.000000e+00]]]],
    // CHECK-SAME:   {{\[+}}5.000000e+00, 1.500000e+01, 2.500000e+01, 0.000000e+00],
    // CHECK-SAME:   [0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00]],
    // CHECK-SAME:   {{\[+}}6.000000e+00, 1.600000e+01, 2.600000e+01, 0.000000e+00],
    // CHECK-SAME:   [0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00]]]]]]]> : tensor<1x1x2x1x2x2x4xf32>
    %w = arith.constant dense<[[[[1., 2.]],
        [[3., 4.]], [[5., 6.]]],
        [[[11., 12.]], [[13., 14.]], [[15., 16.]]], [[[21., 22.]], [[23., 24.]], [[25., 26.]]]]> : tensor<3x3x1x2xf32>
    %b = arith.constant dense<[7., 8., 9.]> : tensor<3xf32>
    // CHECK: cnn.conv %arg0, %[[W]], %[[B]] {{.*}}filter_shape = array<i64: 3, 3, 1, 2>
    %0 = cnn.conv %x, %w, %b {output_block = 2 : i64, window = #cnn.window<[1, 2], pads = [0, 0, 0, 1]>}
        : (tensor<1x2x4x4x2xf32>, tensor<3x3x1x2xf32>, tensor<3xf32>) -> tensor<1x2x4x4x2xf32>
    return %0 : tensor<1x2x4x4x2xf32>
  }
  // Plain input channels are one chunk. Each group has a tile of its own, in the filter and in the bias.
  // CHECK-LABEL: func.func @groups(
  func.func @groups(%x: tensor<1x4x1xf32>) -> tensor<1x6x1xf32> {
    // CHECK:      %[[B:.+]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 0.000000e+00,
    // CHECK-SAME:   4.000000e+00, 5.000000e+00, 6.000000e+00, 0.000000e+00]> : tensor<8xf32>
    // CHECK:      %[[W:.+]] = arith.constant dense<{{\[+}}1.000000e+00, 3.000000e+00, 5.000000e+00, 0.000000e+00],
    // CHECK-SAME:   [2.000000e+00, 4.000000e+00, 6.000000e+00, 0.000000e+00]]]]],
    // CHECK-SAME:   {{\[+}}1.100000e+01, 1.300000e+01, 1.500000e+01, 0.000000e+00],
    // CHECK-SAME:   [1.200000e+01, 1.400000e+01, 1.600000e+01, 0.000000e+00]]]]]]> : tensor<2x1x1x1x2x4xf32>
    %w = arith.constant dense<[[[1.],[2.]],[[3.],[4.]],[[5.],[6.]],[[11.],[12.]],[[13.],[14.]],[[15.],[16.]]]> : tensor<6x2x1xf32>
    %b = arith.constant dense<[1., 2., 3., 4., 5., 6.]> : tensor<6xf32>
    // CHECK: cnn.group_conv %arg0, %[[W]], %[[B]] {{.*}}filter_shape = array<i64: 6, 2, 1>
    %0 = cnn.group_conv %x, %w, %b {group = 2 : i64, window = #cnn.window<[1]>}
        : (tensor<1x4x1xf32>, tensor<6x2x1xf32>, tensor<6xf32>) -> tensor<1x6x1xf32>
    return %0 : tensor<1x6x1xf32>
  }
  // If the lanes of a vector are pixels, a tile is a few output channels: two groups with one tile of 3.
  // CHECK-LABEL: func.func @pixels(
  func.func @pixels(%x: tensor<1x4x3xf32>) -> tensor<1x6x3xf32> {
    // CHECK:      %[[B:.+]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00,
    // CHECK-SAME:   5.000000e+00, 6.000000e+00]> : tensor<6xf32>
    // CHECK:      %[[W:.+]] = arith.constant dense<{{\[+}}1.000000e+00, 3.000000e+00, 5.000000e+00],
    // CHECK-SAME:   [2.000000e+00, 4.000000e+00, 6.000000e+00]]]]], {{\[+}}1.100000e+01, 1.300000e+01,
    // CHECK-SAME:   1.500000e+01], [1.200000e+01, 1.400000e+01, 1.600000e+01]]]]]]> : tensor<2x1x1x1x2x3xf32>
    %w = arith.constant dense<[[[1.],[2.]],[[3.],[4.]],[[5.],[6.]],[[11.],[12.]],[[13.],[14.]],[[15.],[16.]]]> : tensor<6x2x1xf32>
    %b = arith.constant dense<[1., 2., 3., 4., 5., 6.]> : tensor<6xf32>
    // CHECK: cnn.group_conv %arg0, %[[W]], %[[B]] {{.*}}filter_shape = array<i64: 6, 2, 1>
    %0 = cnn.group_conv %x, %w, %b {group = 2 : i64, window = #cnn.window<[1]>}
        : (tensor<1x4x3xf32>, tensor<6x2x1xf32>, tensor<6xf32>) -> tensor<1x6x3xf32>
    return %0 : tensor<1x6x3xf32>
  }
  // One channel per group: [channel block][kernel column][1][lanes].
  // CHECK-LABEL: func.func @depthwise(
  func.func @depthwise(%x: tensor<1x2x4x2xf32>) -> tensor<1x2x3x2xf32> {
    // CHECK:      %[[B:.+]] = arith.constant dense<[7.000000e+00, 8.000000e+00, 9.000000e+00, 0.000000e+00]>
    // CHECK-SAME:   : tensor<4xf32>
    // CHECK:      %[[W:.+]] = arith.constant dense<{{\[+}}1.000000e+00, 3.000000e+00]],
    // CHECK-SAME:   {{\[+}}2.000000e+00, 4.000000e+00]]], {{\[+}}5.000000e+00, 0.000000e+00]],
    // CHECK-SAME:   {{\[+}}6.000000e+00, 0.000000e+00]]]]> : tensor<2x2x1x2xf32>
    %w = arith.constant dense<[[[1., 2.]], [[3., 4.]], [[5., 6.]]]> : tensor<3x1x2xf32>
    %b = arith.constant dense<[7., 8., 9.]> : tensor<3xf32>
    // CHECK: cnn.group_conv %arg0, %[[W]], %[[B]] {{.*}}filter_shape = array<i64: 3, 1, 2>
    %0 = cnn.group_conv %x, %w, %b {group = 3 : i64, output_block = 2 : i64, window = #cnn.window<[2]>}
        : (tensor<1x2x4x2xf32>, tensor<3x1x2xf32>, tensor<3xf32>) -> tensor<1x2x3x2xf32>
    return %0 : tensor<1x2x3x2xf32>
  }
  // Filters of transposed convolutions are input x output: the lanes are along the second dimension.
  // CHECK-LABEL: func.func @transposed(
  func.func @transposed(%x: tensor<1x2x3xf32>) -> tensor<1x3x4xf32> {
    // CHECK:      %[[W:.+]] = arith.constant dense<{{\[+}}1.000000e+00, 3.000000e+00, 5.000000e+00, 0.000000e+00],
    // CHECK-SAME:   [1.100000e+01, 1.300000e+01, 1.500000e+01, 0.000000e+00]],
    // CHECK-SAME:   {{\[+}}2.000000e+00, 4.000000e+00, 6.000000e+00, 0.000000e+00],
    // CHECK-SAME:   [1.200000e+01, 1.400000e+01, 1.600000e+01, 0.000000e+00]]]]]]> : tensor<1x1x1x2x2x4xf32>
    %w = arith.constant dense<[[[1., 2.], [3., 4.], [5., 6.]], [[11., 12.], [13., 14.], [15., 16.]]]> : tensor<2x3x2xf32>
    // CHECK: cnn.conv_transpose %arg0, %[[W]] {{.*}}filter_shape = array<i64: 2, 3, 2>
    %0 = cnn.conv_transpose %x, %w {output_padding = array<i64: 0>, window = #cnn.window<[2]>}
        : (tensor<1x2x3xf32>, tensor<2x3x2xf32>) -> tensor<1x3x4xf32>
    return %0 : tensor<1x3x4xf32>
  }
  // The layout is [output tile][K][lanes]. Both readers get the same constant. A splat bias is padded with zeros.
  // CHECK-LABEL: func.func @dense_shared(
  func.func @dense_shared(%x: tensor<1x2xf32>) -> (tensor<1x3xf32>, tensor<1x3xf32>) {
    // CHECK:      %[[B:.+]] = arith.constant dense<[5.000000e+00, 5.000000e+00, 5.000000e+00, 0.000000e+00]>
    // CHECK-SAME:   : tensor<4xf32>
    // CHECK:      %[[W:.+]] = arith.constant dense<{{\[+}}1.000000e+00, 3.000000e+00, 5.000000e+00, 0.000000e+00],
    // CHECK-SAME:   [2.000000e+00, 4.000000e+00, 6.000000e+00, 0.000000e+00]]]> : tensor<1x2x4xf32>
    %w = arith.constant dense<[[1., 2.], [3., 4.], [5., 6.]]> : tensor<3x2xf32>
    %b = arith.constant dense<5.> : tensor<3xf32>
    // CHECK: cnn.dense %arg0, %[[W]], %[[B]] {{.*}}filter_shape = array<i64: 3, 2>
    %0 = cnn.dense %x, %w, %b : (tensor<1x2xf32>, tensor<3x2xf32>, tensor<3xf32>) -> tensor<1x3xf32>
    // CHECK:      %[[W1:.+]] = arith.constant dense<{{\[+}}1.000000e+00, 3.000000e+00, 5.000000e+00,
    // CHECK-SAME:   0.000000e+00], [2.000000e+00, 4.000000e+00, 6.000000e+00, 0.000000e+00]]]> : tensor<1x2x4xf32>
    // CHECK: cnn.dense %arg0, %[[W1]] {{.*}}filter_shape = array<i64: 3, 2>
    %1 = cnn.dense %x, %w : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
    return %0, %1 : tensor<1x3xf32>, tensor<1x3xf32>
  }
}
