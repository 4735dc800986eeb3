// RUN: convoy-opt %s --cnn-pack-weights | FileCheck %s

// A filter gets the layout that the schedule names, also if the schedule was written by hand.

// A filter that the kernel transforms: [group][output tile][input][position][lanes].
// CHECK-LABEL: func.func @compact(
func.func @compact(%x: tensor<1x1x6x6x2xf32>) -> tensor<1x1x4x4x2xf32> {
  // CHECK:      %[[W:.+]] = arith.constant dense<{{\[+}}1.000000e+00, 1.100000e+01], [2.000000e+00, 1.200000e+01],
  // CHECK-SAME:   [3.000000e+00, 1.300000e+01], [4.000000e+00, 1.400000e+01], [5.000000e+00, 1.500000e+01],
  // CHECK-SAME:   [6.000000e+00, 1.600000e+01], [7.000000e+00, 1.700000e+01], [8.000000e+00, 1.800000e+01],
  // CHECK-SAME:   [9.000000e+00, 1.900000e+01]{{\]+}}> : tensor<1x1x1x9x2xf32>
  %w = arith.constant dense<[[[[1., 2., 3.], [4., 5., 6.], [7., 8., 9.]]],
      [[[11., 12., 13.], [14., 15., 16.], [17., 18., 19.]]]]> : tensor<2x1x3x3xf32>
  // CHECK: cnn.conv %arg0, %[[W]] {{.*}}filter_shape = array<i64: 2, 1, 3, 3>
  %0 = cnn.conv %x, %w
      {schedule = #cnn.schedule<winograd_4x4_compact, tile = 12x1x2, strip = 1, chunk = 1,
      filter = <winograd_compact, 1x1x1x9x2xf32>>, window = #cnn.window<[3, 3]>, output_block = 2 : i64}
      : (tensor<1x1x6x6x2xf32>, tensor<2x1x3x3xf32>) -> tensor<1x1x4x4x2xf32>
  return %0 : tensor<1x1x4x4x2xf32>
}

// Three outputs in tiles of one vector with two lanes, stored as f16.
// CHECK-LABEL: func.func @tiles(
func.func @tiles(%x: tensor<1x1x4x2xf32>) -> tensor<1x2x4x2xf32> {
  // CHECK:      %[[B:.+]] = arith.constant dense<[7.000000e+00, 8.000000e+00, 9.000000e+00, 0.000000e+00]>
  // CHECK-SAME:   : tensor<4xf32>
  // CHECK:      %[[W:.+]] = arith.constant dense<{{\[+}}1.000000e+00, 3.000000e+00],
  // CHECK-SAME:   [2.000000e+00, 4.000000e+00{{\]+}}, {{\[+}}5.000000e+00, 0.000000e+00],
  // CHECK-SAME:   [6.000000e+00, 0.000000e+00{{\]+}}> : tensor<1x2x1x1x2x2xf16>
  %w = arith.constant dense<[[[1.], [2.]], [[3.], [4.]], [[5.], [6.]]]> : tensor<3x2x1xf32>
  %b = arith.constant dense<[7., 8., 9.]> : tensor<3xf32>
  // CHECK: cnn.conv %arg0, %[[W]], %[[B]] {{.*}}filter_shape = array<i64: 3, 2, 1>
  %0 = cnn.conv %x, %w, %b {schedule = #cnn.schedule<direct, tile = 12x1x2, filter = <tiles, 1x2x1x1x2x2xf16>>,
      window = #cnn.window<[1]>, output_block = 2 : i64}
     : (tensor<1x1x4x2xf32>, tensor<3x2x1xf32>, tensor<3xf32>) -> tensor<1x2x4x2xf32>
  return %0 : tensor<1x2x4x2xf32>
}

// Rows of inputs: [group][output tile][step][kernel][chunk of the step][output][input of the chunk].
// CHECK-LABEL: func.func @rows(
func.func @rows(%x: tensor<1x4x4x1xf32>) -> tensor<1x1x4x2xf32> {
  // CHECK:      %[[W:.+]] = arith.constant dense<{{\[+}}1.000000e+00], [5.000000e+00{{\]+}}, {{\[+}}2.000000e+00],
  // CHECK-SAME:   [6.000000e+00{{\]+}}, {{\[+}}3.000000e+00], [7.000000e+00{{\]+}}, {{\[+}}4.000000e+00],
  // CHECK-SAME:   [8.000000e+00{{\]+}}> : tensor<1x1x2x1x2x2x1xf32>
  %w = arith.constant dense<[[[1.], [2.], [3.], [4.]], [[5.], [6.], [7.], [8.]]]> : tensor<2x4x1xf32>
  // CHECK: cnn.conv %arg0, %[[W]] {{.*}}filter_shape = array<i64: 2, 4, 1>
  %0 = cnn.conv %x, %w
      {schedule = #cnn.schedule<warpgroup_product, tile = 4x1x2, box = 1x1x4, stages = 2, warpgroups = 1,
      filter = <input_rows, 1x1x2x1x2x2x1xf32>>, window = #cnn.window<[1]>, output_block = 2 : i64}
     : (tensor<1x4x4x1xf32>, tensor<2x4x1xf32>) -> tensor<1x1x4x2xf32>
  return %0 : tensor<1x1x4x2xf32>
}
