// RUN: convoy-opt %s --cnn-turn-columns --canonicalize | FileCheck %s

// A filter along the column, and the residual, become rows; strides, dilations and pads follow.
// CHECK-LABEL: func.func @column(
// CHECK-SAME:    %[[X:.*]]: tensor<1x2x30x1x16xf32>, %[[R:.*]]: tensor<1x2x14x1x16xf32>
func.func @column(%x: tensor<1x2x30x1x16xf32>, %r: tensor<1x2x14x1x16xf32>) -> tensor<1x2x14x1x16xf32> {
  // CHECK: %[[W:.*]] = arith.constant dense<1.000000e+00> : tensor<32x32x1x3xf32>
  // CHECK: %[[X1:.*]] = tensor.collapse_shape %[[X]] {{\[}}[0], [1], [2, 3], [4]]
  // CHECK: %[[X2:.*]] = tensor.expand_shape %[[X1]] {{.*}} into tensor<1x2x1x30x16xf32>
  // CHECK: %[[R1:.*]] = tensor.collapse_shape %[[R]]
  // CHECK: %[[R2:.*]] = tensor.expand_shape %[[R1]] {{.*}} into tensor<1x2x1x14x16xf32>
  // CHECK: %[[Y:.*]] = cnn.conv %[[X2]], %[[W]] residual(%[[R2]])
  // CHECK-SAME: window = #cnn.window<[1, 3], strides = [1, 2], dilations = [1, 2], pads = [0, 2, 0, 0]>
  // CHECK: %[[Y1:.*]] = tensor.collapse_shape %[[Y]]
  // CHECK: tensor.expand_shape %[[Y1]] {{.*}} into tensor<1x2x14x1x16xf32>
  %w = arith.constant dense<1.0> : tensor<32x32x3x1xf32>
  %0 = cnn.conv %x, %w residual(%r)
      {output_block = 16 : i64, window = #cnn.window<[3, 1], strides = [2, 1], dilations = [2, 1], pads = [2, 0, 0, 0]>}
      : (tensor<1x2x30x1x16xf32>, tensor<32x32x3x1xf32>, tensor<1x2x14x1x16xf32>) -> tensor<1x2x14x1x16xf32>
  return %0 : tensor<1x2x14x1x16xf32>
}

// Between two convolutions nothing is left of the reshapes.
// CHECK-LABEL: func.func @two(
// CHECK:         cnn.group_conv
// CHECK-NEXT:    cnn.group_conv
func.func @two(%x: tensor<1x18x30x1xf32>) -> tensor<1x18x26x1xf32> {
  %w = arith.constant dense<1.0> : tensor<18x1x3x1xf32>
  %0 = cnn.group_conv %x, %w {group = 18 : i64, window = #cnn.window<[3, 1]>}
      : (tensor<1x18x30x1xf32>, tensor<18x1x3x1xf32>) -> tensor<1x18x28x1xf32>
  %1 = cnn.group_conv %0, %w {group = 18 : i64, window = #cnn.window<[3, 1]>}
      : (tensor<1x18x28x1xf32>, tensor<18x1x3x1xf32>) -> tensor<1x18x26x1xf32>
  return %1 : tensor<1x18x26x1xf32>
}

// Not a column: several columns, a wide kernel, a kernel of one row, a filter that is computed.
// CHECK-LABEL: func.func @others(
// CHECK-NOT:     tensor.expand_shape
// CHECK:         return
func.func @others(%a: tensor<1x16x30x2xf32>, %b: tensor<1x16x30x1xf32>, %w: tensor<16x16x3x1xf32>)
    -> (tensor<1x16x28x2xf32>, tensor<1x16x28x1xf32>, tensor<1x16x30x1xf32>, tensor<1x16x28x1xf32>) {
  %high = arith.constant dense<1.0> : tensor<16x16x3x1xf32>
  %wide = arith.constant dense<1.0> : tensor<16x16x3x3xf32>
  %one = arith.constant dense<1.0> : tensor<16x16x1x1xf32>
  %0 = cnn.conv %a, %high {window = #cnn.window<[3, 1]>}
      : (tensor<1x16x30x2xf32>, tensor<16x16x3x1xf32>) -> tensor<1x16x28x2xf32>
  %1 = cnn.conv %b, %wide {window = #cnn.window<[3, 3], pads = [0, 1, 0, 1]>}
      : (tensor<1x16x30x1xf32>, tensor<16x16x3x3xf32>) -> tensor<1x16x28x1xf32>
  %2 = cnn.conv %b, %one {window = #cnn.window<[1, 1]>}
      : (tensor<1x16x30x1xf32>, tensor<16x16x1x1xf32>) -> tensor<1x16x30x1xf32>
  %3 = cnn.conv %b, %w {window = #cnn.window<[3, 1]>}
      : (tensor<1x16x30x1xf32>, tensor<16x16x3x1xf32>) -> tensor<1x16x28x1xf32>
  return %0, %1, %2, %3 : tensor<1x16x28x2xf32>, tensor<1x16x28x1xf32>, tensor<1x16x30x1xf32>, tensor<1x16x28x1xf32>
}
