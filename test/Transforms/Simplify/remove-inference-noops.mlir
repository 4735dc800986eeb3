// RUN: convoy-opt %s --cnn-remove-inference-noops --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @elementwise(
func.func @elementwise(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %one = arith.constant dense<1.0> : tensor<2x1xf32>
  %ones = arith.constant dense<1.0> : tensor<2xf32>
  %zeros = arith.constant dense<0.0> : tensor<2xf32>
  // CHECK-NEXT: %[[R:.+]] = cnn.unary <relu> %arg0
  %0 = cnn.unary <identity> %x : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %1 = cnn.cast %0 {to = f32} : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %2 = cnn.binary <add> %1, %zero : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %3 = cnn.binary <add> %zero, %2 : (tensor<f32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %4 = cnn.binary <mul> %3, %one : (tensor<1x2x4xf32>, tensor<2x1xf32>) -> tensor<1x2x4xf32>
  %5 = cnn.binary <div> %4, %one : (tensor<1x2x4xf32>, tensor<2x1xf32>) -> tensor<1x2x4xf32>
  %6 = cnn.binary <sub> %5, %zero : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %7 = cnn.scale_shift %6, %ones, %zeros : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  %8 = cnn.unary <relu> %7 : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %9 = cnn.unary <relu> %8 : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %9 : tensor<1x2x4xf32>
}

// -----

// Pools of one element, a reduction of dimensions of extent 1, a resize to the same size.
// CHECK-LABEL: func.func @windows(
func.func @windows(%x: tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32> {
  %0 = cnn.max_pool %x {window = #cnn.window<[1, 1]>} : (tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %1 = cnn.avg_pool %0 {window = #cnn.window<[1, 1]>} : (tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %2 = cnn.global_pool <average> %1 : (tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %3 = cnn.reduce <mean> %2 {axes = array<i64: 2, 3>, keep_dims} : (tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %4 = cnn.resize <linear> %3 {shape = array<i64: 1, 2, 1, 1>, scales = array<f32: 1.0, 1.0, 1.0, 1.0>,
      coordinates = #cnn.coordinate_mode<half_pixel>, nearest = #cnn.nearest_mode<floor>}
      : (tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  // CHECK-NEXT: return %arg0
  return %4 : tensor<1x2x1x1xf32>
}

// -----

// CHECK-LABEL: func.func @movement(
func.func @movement(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x2x3xf32>
  %f = tensor.empty() : tensor<2x3x4xf32>
  %0 = linalg.transpose ins(%x : tensor<2x3x4xf32>) outs(%e : tensor<4x2x3xf32>) permutation = [2, 0, 1]
  %1 = linalg.transpose ins(%0 : tensor<4x2x3xf32>) outs(%f : tensor<2x3x4xf32>) permutation = [1, 2, 0]
  %2 = linalg.transpose ins(%1 : tensor<2x3x4xf32>) outs(%f : tensor<2x3x4xf32>) permutation = [0, 1, 2]
  %3 = tensor.collapse_shape %2 [[0, 1], [2]] : tensor<2x3x4xf32> into tensor<6x4xf32>
  %4 = tensor.expand_shape %3 [[0, 1], [2]] output_shape [2, 3, 4] : tensor<6x4xf32> into tensor<2x3x4xf32>
  %5 = tensor.extract_slice %4[0, 0, 0] [2, 3, 4] [1, 1, 1] : tensor<2x3x4xf32> to tensor<2x3x4xf32>
  %6 = tensor.pad %5 low[0, 0, 0] high[0, 0, 0] {
  ^bb0(%a: index, %b: index, %c: index):
    tensor.yield %zero : f32
  } : tensor<2x3x4xf32> to tensor<2x3x4xf32>
  %none = tensor.empty() : tensor<0x3x4xf32>
  %7 = cnn.concat %6, %none {axis = 0 : i64} : (tensor<2x3x4xf32>, tensor<0x3x4xf32>) -> tensor<2x3x4xf32>
  %8 = cnn.broadcast %7 {shape = array<i64: 3, 4>} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  // CHECK-NEXT: return %arg0
  return %8 : tensor<2x3x4xf32>
}

// -----

// Two transpositions become one.
// CHECK-LABEL: func.func @merged(
func.func @merged(%x: tensor<2x3x4xf32>) -> tensor<3x4x2xf32> {
  %e = tensor.empty() : tensor<4x2x3xf32>
  %f = tensor.empty() : tensor<3x4x2xf32>
  // CHECK: %[[R:.+]] = linalg.transpose ins(%arg0 : tensor<2x3x4xf32>) {{.*}} permutation = [1, 2, 0]
  %0 = linalg.transpose ins(%x : tensor<2x3x4xf32>) outs(%e : tensor<4x2x3xf32>) permutation = [2, 0, 1]
  %1 = linalg.transpose ins(%0 : tensor<4x2x3xf32>) outs(%f : tensor<3x4x2xf32>) permutation = [2, 0, 1]
  // CHECK-NEXT: return %[[R]]
  return %1 : tensor<3x4x2xf32>
}

// -----

// Each of these changes its operand: a stride, a square, a broadcast to a larger shape, a resize with a
// scale of 1.25, an activation.
// CHECK-LABEL: func.func @not_noops(
func.func @not_noops(%x: tensor<1x2x4xf32>, %y: tensor<1x2x1xf32>)
    -> (tensor<1x2x2xf32>, tensor<1x2x1xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %zero = arith.constant dense<0.0> : tensor<1x2x4xf32>
  %one = arith.constant dense<1.0> : tensor<f32>
  // CHECK-DAG: cnn.max_pool
  %0 = cnn.max_pool %x {window = #cnn.window<[1], strides = [2]>} : (tensor<1x2x4xf32>) -> tensor<1x2x2xf32>
  // CHECK-DAG: cnn.reduce <sum_square>
  %1 = cnn.reduce <sum_square> %y {axes = array<i64: 2>, keep_dims} : (tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  // CHECK-DAG: cnn.binary <add> %arg1
  %2 = cnn.binary <add> %y, %zero : (tensor<1x2x1xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-DAG: cnn.resize
  %3 = cnn.resize <linear> %x {shape = array<i64: 1, 2, 4>, scales = array<f32: 1.0, 1.0, 1.25>,
      coordinates = #cnn.coordinate_mode<half_pixel>, nearest = #cnn.nearest_mode<floor>}
      : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-DAG: cnn.binary <mul>
  %4 = cnn.binary <mul> %x, %one {activation = #cnn.function<relu>} : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  return %0, %1, %2, %3, %4 : tensor<1x2x2xf32>, tensor<1x2x1xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>
}
