// RUN: convoy-opt %s --cnn-fuse-epilogue --split-input-file | FileCheck %s

// Bias, residual and activation. 1 + 0.5 and 2 + 0.25 are the new bias. The later of two
// convolutions gets the result of the earlier one as its residual.
// CHECK-LABEL: func.func @residual_block(
func.func @residual_block(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  // CHECK-DAG: %[[B:.+]] = arith.constant dense<[1.500000e+00, 2.250000e+00]> : tensor<2xf32>
  %w = arith.constant dense<1.0> : tensor<2x2x1x1xf32>
  %b = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %c = arith.constant dense<[[[0.5]], [[0.25]]]> : tensor<2x1x1xf32>
  // CHECK: %[[SHORT:.+]] = cnn.conv %{{.+}}, %{{.+}}, %[[B]] {window
  %0 = cnn.conv %x, %w, %b {window = #cnn.window<[1, 1]>}
     : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  %1 = cnn.binary <add> %c, %0 : (tensor<2x1x1xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  // CHECK: %[[OUT:.+]] = cnn.conv %{{.+}}, %{{.+}} residual(%[[SHORT]]) {activation = #cnn.function<relu>
  %2 = cnn.conv %x, %w {window = #cnn.window<[1, 1]>}
     : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %3 = cnn.binary <add> %1, %2 : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %4 = cnn.unary <relu> %3 : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  // CHECK-NEXT: return %[[OUT]]
  return %4 : tensor<1x2x4x4xf32>
}

// -----

// A residual that is computed later: the convolution moves after it.
// CHECK-LABEL: func.func @moves(
func.func @moves(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = arith.constant dense<1.0> : tensor<2x1x1x1xf32>
  %0 = cnn.group_conv %x, %w {group = 2, window = #cnn.window<[1, 1]>}
     : (tensor<1x2x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  // CHECK: %[[POOL:.+]] = cnn.max_pool
  %1 = cnn.max_pool %x {window = #cnn.window<[1, 1]>}
     // CHECK-NEXT: %[[OUT:.+]] = cnn.group_conv %{{.+}}, %{{.+}} residual(%[[POOL]])
     : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %2 = cnn.binary <add> %0, %1 : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  // CHECK-NEXT: return %[[OUT]]
  return %2 : tensor<1x2x4x4xf32>
}

// -----

// The later convolution has an activation already, so the earlier one gets the residual and moves after it.
// CHECK-LABEL: func.func @later_is_closed(
func.func @later_is_closed(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = arith.constant dense<1.0> : tensor<2x2x1x1xf32>
  // CHECK: %[[LATER:.+]] = cnn.conv {{.+}} {activation = #cnn.function<relu>, window
  %0 = cnn.conv %x, %w {window = #cnn.window<[1, 1]>}
     : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  // CHECK-NEXT: cnn.conv %{{.+}}, %{{.+}} residual(%[[LATER]])
  %1 = cnn.conv %x, %w {activation = #cnn.function<relu>, window = #cnn.window<[1, 1]>}
     : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %2 = cnn.binary <add> %0, %1 : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %2 : tensor<1x2x4x4xf32>
}

// -----

// The new bias is 3 - 1 = 2 and 4 - 1 = 3. An activation keeps its constants.
// CHECK-LABEL: func.func @dense(
func.func @dense(%x: tensor<3x4xf32>) -> tensor<3x2xf32> {
  // CHECK-DAG: %[[B:.+]] = arith.constant dense<[2.000000e+00, 3.000000e+00]> : tensor<2xf32>
  %w = arith.constant dense<1.0> : tensor<2x4xf32>
  %b = arith.constant dense<[3.0, 4.0]> : tensor<2xf32>
  %one = arith.constant dense<1.0> : tensor<f32>
  // CHECK: cnn.dense %{{.+}}, %{{.+}}, %[[B]] {activation = #cnn.function<clip, alpha = 0.000000e+00 : f32, beta = 6.000000e+00 : f32>}
  %0 = cnn.dense %x, %w, %b : (tensor<3x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %1 = cnn.binary <sub> %0, %one : (tensor<3x2xf32>, tensor<f32>) -> tensor<3x2xf32>
  %2 = cnn.unary <clip, alpha = 0.0 : f32, beta = 6.0 : f32> %1 : (tensor<3x2xf32>) -> tensor<3x2xf32>
  // CHECK-NEXT: return
  return %2 : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func.func @elementwise_producers(
func.func @elementwise_producers(%x: tensor<1x2x4x4xf32>, %s: tensor<2xf32>) -> tensor<1x2x4x4xf32> {
  // CHECK: cnn.scale_shift {{.+}} {activation = #cnn.function<relu>}
  %0 = cnn.scale_shift %x, %s, %s : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  %1 = cnn.unary <relu> %0 : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  // CHECK: cnn.binary <mul> {{.+}} {activation = #cnn.function<tanh>}
  %2 = cnn.binary <mul> %1, %x : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %3 = cnn.unary <tanh> %2 : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  // CHECK-NEXT: return
  return %3 : tensor<1x2x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @transposed(
func.func @transposed(%x: tensor<1x2x2x2xf32>, %y: tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32> {
  %w = arith.constant dense<1.0> : tensor<2x3x2x2xf32>
  %b = arith.constant dense<2.0> : tensor<3x1x1xf32>
  // CHECK: cnn.conv_transpose %{{.+}}, %{{.+}}, %{{[^ ]+}} {output_padding = array<i64: 0, 0>, window
  %0 = cnn.conv_transpose %x, %w {output_padding = array<i64: 0, 0>, window = #cnn.window<[2, 2], strides = [2, 2]>}
     : (tensor<1x2x2x2xf32>, tensor<2x3x2x2xf32>) -> tensor<1x3x4x4xf32>
  // CHECK: cnn.binary <add> {{.+}} {activation = #cnn.function<relu>}
  %1 = cnn.binary <add> %0, %b : (tensor<1x3x4x4xf32>, tensor<3x1x1xf32>) -> tensor<1x3x4x4xf32>
  %2 = cnn.binary <add> %1, %y : (tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
  %3 = cnn.unary <relu> %2 : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
  return %3 : tensor<1x3x4x4xf32>
}

// -----

// If the convolution has a second reader, the activation is not fused.
// CHECK-LABEL: func.func @two_readers(
func.func @two_readers(%x: tensor<1x2x4x4xf32>) -> (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) {
  %w = arith.constant dense<1.0> : tensor<2x2x1x1xf32>
  // CHECK: %[[CONV:.+]] = cnn.conv %{{.+}}, %{{.+}} {window
  %0 = cnn.conv %x, %w {window = #cnn.window<[1, 1]>}
     : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  // CHECK: cnn.unary <relu> %[[CONV]]
  %1 = cnn.unary <relu> %0 : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %0, %1 : tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>
}

// -----

// Not fused: a bias after a residual or an activation; a summand that differs from pixel to pixel; a
// constant minus the result; a second activation; a sum that broadcasts the result.
// CHECK-LABEL: func.func @refuse(
func.func @refuse(%x: tensor<1x2x2x2xf32>, %y: tensor<1x2x2x2xf32>, %big: tensor<5x2x2x2xf32>)
    -> (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<5x2x2x2xf32>) {
  %w = arith.constant dense<1.0> : tensor<2x2x1x1xf32>
  %c = arith.constant dense<[[[0.5]], [[0.25]]]> : tensor<2x1x1xf32>
  %map = arith.constant dense<[[[[1.0, 2.0], [3.0, 4.0]]]]> : tensor<1x1x2x2xf32>
  // CHECK: %[[A:.+]] = cnn.conv {{.+}} residual
  %0 = cnn.conv %x, %w residual(%y) {window = #cnn.window<[1, 1]>}
     : (tensor<1x2x2x2xf32>, tensor<2x2x1x1xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // CHECK-NEXT: cnn.binary <add> %[[A]]
  %1 = cnn.binary <add> %0, %c : (tensor<1x2x2x2xf32>, tensor<2x1x1xf32>) -> tensor<1x2x2x2xf32>
  // CHECK: %[[B:.+]] = cnn.conv {{.+}}activation = #cnn.function<relu>
  %2 = cnn.conv %x, %w {activation = #cnn.function<relu>, window = #cnn.window<[1, 1]>}
     : (tensor<1x2x2x2xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x2x2xf32>
  // CHECK-NEXT: %[[B1:.+]] = cnn.binary <add> %[[B]]
  %3 = cnn.binary <add> %2, %map : (tensor<1x2x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  // CHECK-NEXT: cnn.conv
  %4 = cnn.conv %x, %w {window = #cnn.window<[1, 1]>}
     : (tensor<1x2x2x2xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x2x2xf32>
  // CHECK-NEXT: cnn.binary <sub> %{{.+}}, %{{.+}} {activation = #cnn.function<relu>}
  %5 = cnn.binary <sub> %c, %4 : (tensor<2x1x1xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %6 = cnn.unary <relu> %5 : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // CHECK-NEXT: %[[E:.+]] = cnn.conv {{.+}}activation = #cnn.function<relu>
  %7 = cnn.conv %x, %w {window = #cnn.window<[1, 1]>}
     : (tensor<1x2x2x2xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x2x2xf32>
  // CHECK-NEXT: cnn.unary <tanh> %[[E]]
  %8 = cnn.unary <relu> %7 : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %9 = cnn.unary <tanh> %8 : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // CHECK-NEXT: %[[F:.+]] = cnn.conv {{.+}} {window
  %10 = cnn.conv %x, %w {window = #cnn.window<[1, 1]>}
     : (tensor<1x2x2x2xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x2x2xf32>
  // CHECK-NEXT: cnn.binary <add> %[[F]]
  %11 = cnn.binary <add> %10, %big : (tensor<1x2x2x2xf32>, tensor<5x2x2x2xf32>) -> tensor<5x2x2x2xf32>
  return %1, %3, %6, %9, %11 : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<5x2x2x2xf32>
}
