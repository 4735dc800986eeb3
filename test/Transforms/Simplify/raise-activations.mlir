// RUN: convoy-opt %s --cnn-raise-activations --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @silu(
func.func @silu(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %one = arith.constant dense<1.0> : tensor<f32>
  // CHECK-DAG: %[[A:.+]] = cnn.unary <silu> %arg0
  // CHECK-DAG: %[[B:.+]] = cnn.unary <silu> %arg1
  %0 = cnn.unary <sigmoid> %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = cnn.binary <mul> %x, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = cnn.unary <neg> %y : (tensor<4xf32>) -> tensor<4xf32>
  %3 = cnn.unary <exp> %2 : (tensor<4xf32>) -> tensor<4xf32>
  %4 = cnn.binary <add> %3, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %5 = cnn.binary <div> %y, %4 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK-NEXT: return %[[A]], %[[B]]
  return %1, %5 : tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @sigmoid(
func.func @sigmoid(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %minus = arith.constant dense<-1.0> : tensor<1xf32>
  // CHECK-DAG: %[[A:.+]] = cnn.unary <sigmoid> %arg0
  // CHECK-DAG: %[[B:.+]] = cnn.unary <sigmoid> %arg1
  %0 = cnn.unary <neg> %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = cnn.unary <exp> %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = cnn.binary <add> %one, %1 : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = cnn.binary <div> %one, %2 : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = cnn.binary <mul> %y, %minus : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  %5 = cnn.unary <exp> %4 : (tensor<4xf32>) -> tensor<4xf32>
  %6 = cnn.binary <add> %5, %one : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  %7 = cnn.unary <reciprocal> %6 : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK-NEXT: return %[[A]], %[[B]]
  return %3, %7 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Exporters write it in three ways: with HardSigmoid, with a division at the end, and with a division
// before the product.
// CHECK-LABEL: func.func @hard_swish(
func.func @hard_swish(%x: tensor<4xf32>, %y: tensor<4xf32>, %z: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %three = arith.constant dense<3.0> : tensor<f32>
  %six = arith.constant dense<6.0> : tensor<f32>
  %sixth = arith.constant dense<0.16666667> : tensor<f32>
  // CHECK-DAG: %[[A:.+]] = cnn.unary <hard_swish> %arg0
  // CHECK-DAG: %[[B:.+]] = cnn.unary <hard_swish> %arg1
  // CHECK-DAG: %[[C:.+]] = cnn.unary <hard_swish> %arg2
  %0 = cnn.unary <hard_sigmoid, alpha = 0.16666667 : f32, beta = 0.5 : f32> %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = cnn.binary <mul> %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = cnn.binary <add> %y, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = cnn.unary <clip, alpha = 0.0 : f32, beta = 6.0 : f32> %2 : (tensor<4xf32>) -> tensor<4xf32>
  %4 = cnn.binary <mul> %y, %3 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %5 = cnn.binary <div> %4, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %6 = cnn.binary <add> %z, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %7 = cnn.unary <relu> %6 : (tensor<4xf32>) -> tensor<4xf32>
  %8 = cnn.binary <min> %7, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %9 = cnn.binary <mul> %8, %sixth : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %10 = cnn.binary <mul> %z, %9 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK-NEXT: return %[[A]], %[[B]], %[[C]]
  return %1, %5, %10 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @hard_sigmoid(
func.func @hard_sigmoid(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %three = arith.constant dense<3.0> : tensor<f32>
  %six = arith.constant dense<6.0> : tensor<f32>
  %quarter = arith.constant dense<0.25> : tensor<f32>
  %half = arith.constant dense<0.5> : tensor<f32>
  %0 = cnn.binary <add> %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  // CHECK-DAG: %[[A:.+]] = cnn.unary <hard_sigmoid, alpha = 0.166666672 : f32, beta = 5.000000e-01 : f32> %arg0
  // CHECK-DAG: %[[B:.+]] = cnn.unary <hard_sigmoid, alpha = 2.500000e-01 : f32, beta = 5.000000e-01 : f32> %arg1
  %1 = cnn.unary <clip, alpha = 0.0 : f32, beta = 6.0 : f32> %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = cnn.binary <div> %1, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = cnn.binary <mul> %y, %quarter : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %4 = cnn.binary <add> %3, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %5 = cnn.unary <clip, alpha = 0.0 : f32, beta = 1.0 : f32> %4 : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK-NEXT: return %[[A]], %[[B]]
  return %2, %5 : tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @bounds(
func.func @bounds(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %low = arith.constant dense<-1.0> : tensor<f32>
  %high = arith.constant dense<2.0> : tensor<f32>
  %slope = arith.constant dense<0.25> : tensor<4xf32>
  %0 = cnn.binary <max> %x, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = cnn.binary <max> %x, %low : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = cnn.binary <min> %1, %high : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = cnn.binary <min> %high, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = cnn.binary <max> %low, %3 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK-DAG: %[[A:.+]] = cnn.unary <relu> %arg0
  // CHECK-DAG: %[[B:.+]] = cnn.unary <clip, alpha = -1.000000e+00 : f32, beta = 2.000000e+00 : f32> %arg0
  // CHECK-DAG: %[[C:.+]] = cnn.unary <clip, alpha = -1.000000e+00 : f32, beta = 2.000000e+00 : f32> %arg0
  // CHECK-DAG: %[[D:.+]] = cnn.unary <relu> %arg0
  // CHECK-DAG: %[[E:.+]] = cnn.unary <leaky_relu, alpha = 2.500000e-01 : f32, beta = 0.000000e+00 : f32> %arg0
  %5 = cnn.unary <clip, alpha = 0.0 : f32, beta = 0x7F800000 : f32> %x : (tensor<4xf32>) -> tensor<4xf32>
  %6 = cnn.binary <prelu> %x, %slope : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: return %[[A]], %[[B]], %[[C]], %[[D]], %[[E]]
  return %0, %2, %4, %5, %6 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @mish(
func.func @mish(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = arith.constant dense<1.0> : tensor<f32>
  // CHECK-NEXT: %[[A:.+]] = cnn.unary <mish> %arg0
  %0 = cnn.unary <exp> %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = cnn.binary <add> %one, %0 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = cnn.unary <log> %1 : (tensor<4xf32>) -> tensor<4xf32>
  %3 = cnn.unary <tanh> %2 : (tensor<4xf32>) -> tensor<4xf32>
  %4 = cnn.binary <mul> %3, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK-NEXT: return %[[A]]
  return %4 : tensor<4xf32>
}

// -----

// The factor 1/2 may be the first or the last one.
// CHECK-LABEL: func.func @gelu(
func.func @gelu(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %one = arith.constant dense<1.0> : tensor<f32>
  %half = arith.constant dense<0.5> : tensor<f32>
  %root = arith.constant dense<1.41421354> : tensor<f32>
  %over_root = arith.constant dense<0.707106769> : tensor<f32>
  %0 = cnn.binary <div> %x, %root : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  // CHECK-DAG: %[[A:.+]] = cnn.unary <gelu> %arg0
  // CHECK-DAG: %[[B:.+]] = cnn.unary <gelu> %arg1
  %1 = cnn.unary <erf> %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = cnn.binary <add> %1, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = cnn.binary <mul> %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = cnn.binary <mul> %3, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %5 = cnn.binary <mul> %y, %over_root : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %6 = cnn.unary <erf> %5 : (tensor<4xf32>) -> tensor<4xf32>
  %7 = cnn.binary <add> %one, %6 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %8 = cnn.binary <mul> %half, %y : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %9 = cnn.binary <mul> %8, %7 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK-NEXT: return %[[A]], %[[B]]
  return %4, %9 : tensor<4xf32>, tensor<4xf32>
}

// -----

// The sigmoid has another reader, or it is the sigmoid of another value.
// CHECK-LABEL: func.func @not_silu(
func.func @not_silu(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  // CHECK: %[[S:.+]] = cnn.unary <sigmoid> %arg0
  %0 = cnn.unary <sigmoid> %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: %[[A:.+]] = cnn.binary <mul> %arg0, %[[S]]
  %1 = cnn.binary <mul> %x, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: %[[T:.+]] = cnn.unary <sigmoid> %arg0
  %2 = cnn.unary <sigmoid> %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: %[[B:.+]] = cnn.binary <mul> %arg1, %[[T]]
  %3 = cnn.binary <mul> %y, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: return %[[A]], %[[B]], %[[S]]
  return %1, %3, %0 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// With other constants it is another function.
// CHECK-LABEL: func.func @other_constants(
func.func @other_constants(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %two = arith.constant dense<2.0> : tensor<f32>
  %six = arith.constant dense<6.0> : tensor<f32>
  // CHECK: %[[C:.+]] = cnn.unary <hard_sigmoid, alpha = 2.000000e-01 : f32, beta = 5.000000e-01 : f32> %arg0
  %0 = cnn.unary <hard_sigmoid, alpha = 0.2 : f32, beta = 0.5 : f32> %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: cnn.binary <mul> %arg0, %[[C]]
  %1 = cnn.binary <mul> %x, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = cnn.binary <add> %x, %two : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  // CHECK: cnn.unary <clip, alpha = 0.000000e+00 : f32, beta = 6.000000e+00 : f32>
  %3 = cnn.unary <clip, alpha = 0.0 : f32, beta = 6.0 : f32> %2 : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: cnn.binary <mul>
  %4 = cnn.binary <mul> %x, %3 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: cnn.binary <div>
  %5 = cnn.binary <div> %4, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %1, %5 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Not raised: a lower bound above the upper one, a slope per channel, integers, and a max with an activation.
// CHECK-LABEL: func.func @not_bounds(
func.func @not_bounds(%x: tensor<2x4xf32>, %i: tensor<4xi64>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<4xi64>, tensor<2x4xf32>) {
  %low = arith.constant dense<2.0> : tensor<f32>
  %high = arith.constant dense<1.0> : tensor<f32>
  %zero = arith.constant dense<0.0> : tensor<f32>
  %none = arith.constant dense<0> : tensor<i64>
  %slope = arith.constant dense<[[0.25], [0.5]]> : tensor<2x1xf32>
  // CHECK: cnn.binary <max>
  %0 = cnn.binary <max> %x, %low : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  // CHECK: cnn.binary <min>
  %1 = cnn.binary <min> %0, %high : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  // CHECK: cnn.binary <prelu>
  %2 = cnn.binary <prelu> %x, %slope : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  // CHECK: cnn.binary <max>
  %3 = cnn.binary <max> %i, %none : (tensor<4xi64>, tensor<i64>) -> tensor<4xi64>
  // CHECK: cnn.binary <max>
  %4 = cnn.binary <max> %x, %zero {activation = #cnn.function<tanh>} : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  return %1, %2, %3, %4 : tensor<2x4xf32>, tensor<2x4xf32>, tensor<4xi64>, tensor<2x4xf32>
}
