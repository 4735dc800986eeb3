// RUN: convoy-opt %s --cnn-fold-batch-norm --split-input-file --verify-diagnostics | FileCheck %s

// Batch norms that cannot be folded become one multiply-add per channel, and a remark gives the reason.

// A second reader of the raw convolution forbids the fold.
// s = 4 / sqrt(3 + 1) = 2;  t = 7 - 1 * s = 5.
// CHECK-LABEL: func.func @two_readers(
func.func @two_readers(%x: tensor<1x1x4xf32>) -> (tensor<1x1x4xf32>, tensor<1x1x4xf32>) {
  // CHECK: %[[W:.+]] = arith.constant dense<3.000000e+00> : tensor<1x1x1xf32>
  %w = arith.constant dense<3.0> : tensor<1x1x1xf32>
  %scale = arith.constant dense<4.0> : tensor<1xf32>
  %offset = arith.constant dense<7.0> : tensor<1xf32>
  %mean = arith.constant dense<1.0> : tensor<1xf32>
  %variance = arith.constant dense<3.0> : tensor<1xf32>
  // CHECK-NEXT: %[[C:.+]] = cnn.conv %{{.+}}, %[[W]] {
  %0 = cnn.conv %x, %w {window = #cnn.window<[1]>} : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  // CHECK-DAG: %[[S:.+]] = arith.constant dense<2.000000e+00> : tensor<1xf32>
  // CHECK-DAG: %[[T:.+]] = arith.constant dense<5.000000e+00> : tensor<1xf32>
  // CHECK-NOT: arith.constant
  // CHECK: %[[R:.+]] = cnn.scale_shift %[[C]], %[[S]], %[[T]]
  // expected-remark @below {{becomes one multiply-add per channel: the raw result of the convolution before it has other readers, and}}
  %1 = cnn.batch_norm %0, %scale, %offset, %mean, %variance
      {epsilon = 1.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
  // CHECK-NEXT: return %[[C]], %[[R]]
  return %0, %1 : tensor<1x1x4xf32>, tensor<1x1x4xf32>
}

// -----

// After a ReLU, as in DenseNet, and with two readers. The chain of the batch norm, the factor 6 and the
// summand 7 becomes one operation. s = 1/2 * 6, t = -1/2 * 6 + 7.
// CHECK-LABEL: func.func @behind_relu(
func.func @behind_relu(%x: tensor<1x1x4xf32>) -> (tensor<1x1x4xf32>, tensor<1x1x4xf32>) {
  %w = arith.constant dense<3.0> : tensor<1x1x1xf32>
  %zero = arith.constant dense<0.0> : tensor<1xf32>
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %variance = arith.constant dense<3.0> : tensor<1xf32>
  %six = arith.constant dense<6.0> : tensor<1x1xf32>
  %seven = arith.constant dense<7.0> : tensor<1x1xf32>
  // CHECK: %[[C:.+]] = cnn.conv
  %0 = cnn.conv %x, %w {window = #cnn.window<[1]>} : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  // CHECK-NEXT: %[[A:.+]] = cnn.unary <relu> %[[C]]
  %1 = cnn.unary <relu> %0 : (tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
  // CHECK-DAG: %[[S:.+]] = arith.constant dense<3.000000e+00> : tensor<1xf32>
  // CHECK-DAG: %[[T:.+]] = arith.constant dense<4.000000e+00> : tensor<1xf32>
  // CHECK: %[[R:.+]] = cnn.scale_shift %[[A]], %[[S]], %[[T]]
  // expected-remark @below {{it reads the result of cnn.unary, and its result has 2 readers}}
  %2 = cnn.batch_norm %1, %one, %zero, %one, %variance {epsilon = 1.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
  %3 = cnn.binary <mul> %2, %six : (tensor<1x1x4xf32>, tensor<1x1xf32>) -> tensor<1x1x4xf32>
  %4 = cnn.binary <add> %3, %seven : (tensor<1x1x4xf32>, tensor<1x1xf32>) -> tensor<1x1x4xf32>
  // CHECK-NEXT: return %[[R]], %[[R]]
  return %4, %4 : tensor<1x1x4xf32>, tensor<1x1x4xf32>
}

// -----

// The convolution before has an activation, and the convolution after it has padding.
// CHECK-LABEL: func.func @between(
func.func @between(%x: tensor<1x1x4xf32>) -> tensor<1x1x6xf32> {
  %w = arith.constant dense<3.0> : tensor<1x1x1xf32>
  %one = arith.constant dense<1.0> : tensor<1xf32>
  // CHECK: cnn.conv
  %0 = cnn.conv %x, %w {activation = #cnn.function<relu>, window = #cnn.window<[1]>}
      : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  // CHECK: cnn.scale_shift
  // expected-remark @below {{the convolution before it has an activation, a residual or a blocked result, and the convolution after it}}
  %1 = cnn.batch_norm %0, %one, %one, %one, %one {epsilon = 3.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
  // CHECK: cnn.conv
  %2 = cnn.conv %1, %w {window = #cnn.window<[1], pads = [1, 1]>} : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x6xf32>
  return %2 : tensor<1x1x6xf32>
}

// -----

// The convolution before has added a residual already. The convolution after is transposed, and the borders of its
// result would miss the offset.
// CHECK-LABEL: func.func @residual(
func.func @residual(%x: tensor<1x1x4xf32>) -> tensor<1x1x4xf32> {
  // CHECK: cnn.scale_shift
  %w = arith.constant dense<3.0> : tensor<1x1x1xf32>
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %0 = cnn.conv %x, %w residual(%x) {window = #cnn.window<[1]>}
      : (tensor<1x1x4xf32>, tensor<1x1x1xf32>, tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
  // expected-remark @below {{has an activation, a residual or a blocked result, and the convolution after it is transposed, and its}}
  %1 = cnn.batch_norm %0, %one, %one, %one, %one {epsilon = 3.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
  %2 = cnn.conv_transpose %1, %w {output_padding = array<i64: 0>, window = #cnn.window<[1]>}
      : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  return %2 : tensor<1x1x4xf32>
}

// -----

// Weights that are computed at run time cannot be rewritten.
// CHECK-LABEL: func.func @computed_filter(
func.func @computed_filter(%x: tensor<1x1x4xf32>, %w: tensor<1x1x1xf32>) -> tensor<1x1x4xf32> {
  %one = arith.constant dense<1.0> : tensor<1xf32>
  // CHECK: cnn.conv %arg0, %arg1
  %0 = cnn.conv %x, %w {window = #cnn.window<[1]>} : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  // CHECK: cnn.scale_shift
  // expected-remark @below {{the convolution before it has a filter that is not a constant of f32}}
  %1 = cnn.batch_norm %0, %one, %one, %one, %one {epsilon = 3.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
  return %1 : tensor<1x1x4xf32>
}

// -----

// Statistics that are computed at run time: so are the scale and the offset.
// CHECK-LABEL: func.func @computed_statistics(
func.func @computed_statistics(%x: tensor<1x1x4xf32>, %p: tensor<1xf32>) -> tensor<1x1x4xf32> {
  // CHECK-DAG: %[[E:.+]] = arith.constant dense<1.000000e+00> : tensor<1xf32>
  // CHECK: %[[V:.+]] = cnn.binary <add> %arg1, %[[E]]
  // CHECK: %[[D:.+]] = cnn.unary <sqrt> %[[V]]
  // CHECK: %[[S:.+]] = cnn.binary <div> %arg1, %[[D]]
  // CHECK: %[[M:.+]] = cnn.binary <mul> %arg1, %[[S]]
  // CHECK: %[[T:.+]] = cnn.binary <sub> %arg1, %[[M]]
  // CHECK: cnn.scale_shift %arg0, %[[S]], %[[T]]
  // expected-remark @below {{its parameters are computed at run time}}
  %0 = cnn.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
  return %0 : tensor<1x1x4xf32>
}

// -----

// A single factor that is no batch norm does not change. It cannot be folded into a convolution that reads it as its
// residual.
// CHECK-LABEL: func.func @lone_factor(
func.func @lone_factor(%x: tensor<1x1x4xf32>) -> tensor<1x1x4xf32> {
  %w = arith.constant dense<3.0> : tensor<1x1x1xf32>
  %two = arith.constant dense<2.0> : tensor<1x1xf32>
  // CHECK: %[[A:.+]] = cnn.binary <mul> %arg0
  %0 = cnn.binary <mul> %x, %two : (tensor<1x1x4xf32>, tensor<1x1xf32>) -> tensor<1x1x4xf32>
  // CHECK: cnn.conv %arg0, %{{.+}} residual(%[[A]])
  %1 = cnn.conv %x, %w residual(%0) {window = #cnn.window<[1]>}
      : (tensor<1x1x4xf32>, tensor<1x1x1xf32>, tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
  return %1 : tensor<1x1x4xf32>
}

// -----

// Training mode is an error that names the node.
func.func @training(%x: tensor<1x1x4xf32>, %p: tensor<1xf32>) -> tensor<1x1x4xf32> {
  // expected-error @unknown {{it would normalise with the statistics of the batch it is given. Export the model for inference}}
  %0 = cnn.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0 : f32, mode = #cnn.batch_norm_mode<training>}
      : (tensor<1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>)
      -> tensor<1x1x4xf32> loc("bn1")
  return %0 : tensor<1x1x4xf32>
}
