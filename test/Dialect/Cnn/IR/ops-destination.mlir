// RUN: convoy-opt %s | convoy-opt | FileCheck %s
// RUN: convoy-opt %s --mlir-print-op-generic | convoy-opt | FileCheck %s

// Every operation on tensors, with a destination that is tied to the result.

// CHECK-LABEL: func.func @conv(
func.func @conv(%a: tensor<1x2x4xf32>, %b: tensor<2x2x1xf32>, %c: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.conv %arg0, %arg1 outs(%arg2) {window = #cnn.window<[1]>}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<2x2x1xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.conv %a, %b outs(%c) {window = #cnn.window<[1]>} : (tensor<1x2x4xf32>, tensor<2x2x1xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @conv_bias(
func.func @conv_bias(%a: tensor<1x2x4xf32>, %b: tensor<2x2x1xf32>, %c: tensor<2xf32>, %d: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.conv %arg0, %arg1, %arg2 outs(%arg3) {window = #cnn.window<[1]>}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<2x2x1xf32>, tensor<2xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.conv %a, %b, %c outs(%d) {window = #cnn.window<[1]>}
      : (tensor<1x2x4xf32>, tensor<2x2x1xf32>, tensor<2xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @conv_epilogue(
func.func @conv_epilogue(%a: tensor<1x2x4xf32>, %b: tensor<2x2x1xf32>, %c: tensor<2xf32>, %d: tensor<1x2x4xf32>,
    %e: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.conv %arg0, %arg1, %arg2 residual(%arg3) outs(%arg4)
  // CHECK-SAME: {activation = #cnn.function<clip, alpha = 0.000000e+00 : f32, beta = 6.000000e+00 : f32>,
  // CHECK-SAME: window = #cnn.window<[1]>}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<2x2x1xf32>, tensor<2xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  // CHECK-SAME: -> tensor<1x2x4xf32>
  %0 = cnn.conv %a, %b, %c residual(%d) outs(%e)
      {activation = #cnn.function<clip, alpha = 0.000000e+00 : f32, beta = 6.000000e+00 : f32>,
      window = #cnn.window<[1]>}
      : (tensor<1x2x4xf32>, tensor<2x2x1xf32>, tensor<2xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
      -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @conv_packed(
func.func @conv_packed(%a: tensor<1x1x4x8xf32>, %b: tensor<1x1x2x1x8xf32>, %c: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  // CHECK: %[[R:.+]] = cnn.conv %arg0, %arg1 outs(%arg2)
  // CHECK-SAME: {filter_shape = array<i64: 2, 2, 1>, output_block = 8 : i64, window = #cnn.window<[1]>}
  // CHECK-SAME: : (tensor<1x1x4x8xf32>, tensor<1x1x2x1x8xf32>, tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  %0 = cnn.conv %a, %b outs(%c) {filter_shape = array<i64: 2, 2, 1>, output_block = 8 : i64,
      window = #cnn.window<[1]>}
      : (tensor<1x1x4x8xf32>, tensor<1x1x2x1x8xf32>, tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x1x4x8xf32>
}

// CHECK-LABEL: func.func @conv_prologue(
func.func @conv_prologue(%a: tensor<1x1x4x8xf32>, %b: tensor<1x1x2x1x8xf32>, %c: tensor<1x1x4x8xf32>,
    %d: tensor<1x8xf32>, %e: tensor<1x8xf32>, %f: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  // CHECK: %[[R:.+]] = cnn.conv %arg0, %arg1 residual(%arg2) prologue(%arg3, %arg4) outs(%arg5)
  // CHECK-SAME: {filter_shape = array<i64: 2, 2, 1>, input_activation = #cnn.function<relu>, output_block = 8 : i64,
  // CHECK-SAME: window = #cnn.window<[1]>}
  // CHECK-SAME: : (tensor<1x1x4x8xf32>, tensor<1x1x2x1x8xf32>, tensor<1x1x4x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>,
  // CHECK-SAME: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  %0 = cnn.conv %a, %b residual(%c) prologue(%d, %e) outs(%f)
      {filter_shape = array<i64: 2, 2, 1>, input_activation = #cnn.function<relu>, output_block = 8 : i64,
      window = #cnn.window<[1]>}
      : (tensor<1x1x4x8xf32>, tensor<1x1x2x1x8xf32>, tensor<1x1x4x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>,
      tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x1x4x8xf32>
}

// CHECK-LABEL: func.func @group_conv(
func.func @group_conv(%a: tensor<1x2x4xf32>, %b: tensor<2x1x1xf32>, %c: tensor<2xf32>, %d: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.group_conv %arg0, %arg1, %arg2 outs(%arg3) {group = 2 : i64, window = #cnn.window<[1]>}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<2x1x1xf32>, tensor<2xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.group_conv %a, %b, %c outs(%d) {group = 2 : i64, window = #cnn.window<[1]>}
      : (tensor<1x2x4xf32>, tensor<2x1x1xf32>, tensor<2xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @conv_transpose(
func.func @conv_transpose(%a: tensor<1x2x4xf32>, %b: tensor<2x1x1xf32>, %c: tensor<2xf32>, %d: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.conv_transpose %arg0, %arg1, %arg2 outs(%arg3)
  // CHECK-SAME: {group = 2 : i64, output_padding = array<i64: 0>, window = #cnn.window<[1]>}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<2x1x1xf32>, tensor<2xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.conv_transpose %a, %b, %c outs(%d)
      {group = 2 : i64, output_padding = array<i64: 0>, window = #cnn.window<[1]>}
      : (tensor<1x2x4xf32>, tensor<2x1x1xf32>, tensor<2xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @batch_norm(
func.func @batch_norm(%a: tensor<1x2x4xf32>, %b: tensor<2xf32>, %c: tensor<2xf32>, %d: tensor<2xf32>,
    %e: tensor<2xf32>, %f: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.batch_norm %arg0, %arg1, %arg2, %arg3, %arg4 outs(%arg5)
  // CHECK-SAME: {epsilon = 9.99999974E-6 : f32, mode = #cnn.batch_norm_mode<inference>}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<1x2x4xf32>)
  // CHECK-SAME: -> tensor<1x2x4xf32>
  %0 = cnn.batch_norm %a, %b, %c, %d, %e outs(%f)
      {epsilon = 9.99999974E-6 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<1x2x4xf32>)
      -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @scale_shift(
func.func @scale_shift(%a: tensor<1x2x4xf32>, %b: tensor<2xf32>, %c: tensor<2xf32>, %d: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.scale_shift %arg0, %arg1, %arg2 outs(%arg3) {activation = #cnn.function<relu>}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.scale_shift %a, %b, %c outs(%d) {activation = #cnn.function<relu>}
      : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @scale_shift_blocked(
func.func @scale_shift_blocked(%a: tensor<1x1x4x8xf32>, %b: tensor<1x8xf32>, %c: tensor<1x8xf32>,
    %d: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  // CHECK: %[[R:.+]] = cnn.scale_shift %arg0, %arg1, %arg2 outs(%arg3) {blocked}
  // CHECK-SAME: : (tensor<1x1x4x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>, tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  %0 = cnn.scale_shift %a, %b, %c outs(%d) {blocked}
      : (tensor<1x1x4x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>, tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x1x4x8xf32>
}

// CHECK-LABEL: func.func @layer_norm(
func.func @layer_norm(%a: tensor<1x2x4xf32>, %b: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.layer_norm %arg0 outs(%arg1) {axis = 2 : i64, epsilon = 9.99999974E-6 : f32}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.layer_norm %a outs(%b) {axis = 2 : i64, epsilon = 9.99999974E-6 : f32}
      : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @layer_norm_scale_bias(
func.func @layer_norm_scale_bias(%a: tensor<1x2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<4xf32>, %d: tensor<1x2x4xf32>)
    -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.layer_norm %arg0 scale(%arg1) bias(%arg2) outs(%arg3)
  // CHECK-SAME: {axis = 1 : i64, epsilon = 9.99999974E-6 : f32}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<2x4xf32>, tensor<4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.layer_norm %a scale(%b) bias(%c) outs(%d) {axis = 1 : i64, epsilon = 9.99999974E-6 : f32}
      : (tensor<1x2x4xf32>, tensor<2x4xf32>, tensor<4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @instance_norm(
func.func @instance_norm(%a: tensor<1x2x4xf32>, %b: tensor<2xf32>, %c: tensor<2xf32>, %d: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.instance_norm %arg0, %arg1, %arg2 outs(%arg3) {epsilon = 9.99999974E-6 : f32}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.instance_norm %a, %b, %c outs(%d) {epsilon = 9.99999974E-6 : f32}
      : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @group_norm(
func.func @group_norm(%a: tensor<1x2x4xf32>, %b: tensor<2xf32>, %c: tensor<2xf32>, %d: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.group_norm %arg0, %arg1, %arg2 outs(%arg3)
  // CHECK-SAME: {epsilon = 9.99999974E-6 : f32, num_groups = 2 : i64}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.group_norm %a, %b, %c outs(%d) {epsilon = 9.99999974E-6 : f32, num_groups = 2 : i64}
      : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @lrn(
func.func @lrn(%a: tensor<1x2x4xf32>, %b: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.lrn %arg0 outs(%arg1)
  // CHECK-SAME: {alpha = 9.99999974E-5 : f32, beta = 7.500000e-01 : f32, bias = 1.000000e+00 : f32, size = 5 : i64}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.lrn %a outs(%b) {alpha = 9.99999974E-5 : f32, beta = 7.500000e-01 : f32, bias = 1.000000e+00 : f32,
      size = 5 : i64} : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @max_pool(
func.func @max_pool(%a: tensor<1x2x4xf32>, %b: tensor<1x2x2xf32>) -> tensor<1x2x2xf32> {
  // CHECK: %[[R:.+]] = cnn.max_pool %arg0 outs(%arg1) {ceil_mode, window = #cnn.window<[2], strides = [2]>}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  %0 = cnn.max_pool %a outs(%b) {ceil_mode, window = #cnn.window<[2], strides = [2]>}
      : (tensor<1x2x4xf32>, tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x2xf32>
}

// CHECK-LABEL: func.func @avg_pool(
func.func @avg_pool(%a: tensor<1x2x4xf32>, %b: tensor<1x2x2xf32>) -> tensor<1x2x2xf32> {
  // CHECK: %[[R:.+]] = cnn.avg_pool %arg0 outs(%arg1) {count_include_pad, window = #cnn.window<[2], strides = [2]>}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  %0 = cnn.avg_pool %a outs(%b) {count_include_pad, window = #cnn.window<[2], strides = [2]>}
      : (tensor<1x2x4xf32>, tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x2xf32>
}

// CHECK-LABEL: func.func @global_pool(
func.func @global_pool(%a: tensor<1x2x4xf32>, %b: tensor<1x2x1xf32>) -> tensor<1x2x1xf32> {
  // CHECK: %[[R:.+]] = cnn.global_pool <average> %arg0 outs(%arg1) : (tensor<1x2x4xf32>, tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  %0 = cnn.global_pool <average> %a outs(%b) : (tensor<1x2x4xf32>, tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x1xf32>
}

// CHECK-LABEL: func.func @global_pool_blocked(
func.func @global_pool_blocked(%a: tensor<1x1x4x8xf32>, %b: tensor<1x1x1x8xf32>) -> tensor<1x1x1x8xf32> {
  // CHECK: %[[R:.+]] = cnn.global_pool <maximum> %arg0 outs(%arg1) {blocked}
  // CHECK-SAME: : (tensor<1x1x4x8xf32>, tensor<1x1x1x8xf32>) -> tensor<1x1x1x8xf32>
  %0 = cnn.global_pool <maximum> %a outs(%b) {blocked} : (tensor<1x1x4x8xf32>, tensor<1x1x1x8xf32>) -> tensor<1x1x1x8xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x1x1x8xf32>
}

// CHECK-LABEL: func.func @dense(
func.func @dense(%a: tensor<3x4xf32>, %b: tensor<5x4xf32>, %c: tensor<3x5xf32>) -> tensor<3x5xf32> {
  // CHECK: %[[R:.+]] = cnn.dense %arg0, %arg1 outs(%arg2) : (tensor<3x4xf32>, tensor<5x4xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  %0 = cnn.dense %a, %b outs(%c) : (tensor<3x4xf32>, tensor<5x4xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<3x5xf32>
}

// CHECK-LABEL: func.func @dense_bias(
func.func @dense_bias(%a: tensor<3x4xf32>, %b: tensor<5x4xf32>, %c: tensor<5xf32>, %d: tensor<3x5xf32>) -> tensor<3x5xf32> {
  // CHECK: %[[R:.+]] = cnn.dense %arg0, %arg1, %arg2 outs(%arg3) {activation = #cnn.function<relu>}
  // CHECK-SAME: : (tensor<3x4xf32>, tensor<5x4xf32>, tensor<5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  %0 = cnn.dense %a, %b, %c outs(%d) {activation = #cnn.function<relu>}
      : (tensor<3x4xf32>, tensor<5x4xf32>, tensor<5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<3x5xf32>
}

// CHECK-LABEL: func.func @matmul(
func.func @matmul(%a: tensor<2x1x3x4xf32>, %b: tensor<7x4x5xf32>, %c: tensor<2x7x3x5xf32>) -> tensor<2x7x3x5xf32> {
  // CHECK: %[[R:.+]] = cnn.matmul %arg0, %arg1 outs(%arg2)
  // CHECK-SAME: : (tensor<2x1x3x4xf32>, tensor<7x4x5xf32>, tensor<2x7x3x5xf32>) -> tensor<2x7x3x5xf32>
  %0 = cnn.matmul %a, %b outs(%c) : (tensor<2x1x3x4xf32>, tensor<7x4x5xf32>, tensor<2x7x3x5xf32>) -> tensor<2x7x3x5xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<2x7x3x5xf32>
}

// CHECK-LABEL: func.func @unary(
func.func @unary(%a: tensor<1x2x4xf32>, %b: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.unary <leaky_relu, alpha = 1.000000e-01 : f32> %arg0 outs(%arg1)
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.unary <leaky_relu, alpha = 1.000000e-01 : f32> %a outs(%b) : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @binary(
func.func @binary(%a: tensor<1x2x4xf32>, %b: tensor<2x1xf32>, %c: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.binary <add> %arg0, %arg1 outs(%arg2) {activation = #cnn.function<relu>}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<2x1xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.binary <add> %a, %b outs(%c) {activation = #cnn.function<relu>}
      : (tensor<1x2x4xf32>, tensor<2x1xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @compare(
func.func @compare(%a: tensor<1x2x4xf32>, %b: tensor<f32>, %c: tensor<1x2x4xi1>) -> tensor<1x2x4xi1> {
  // CHECK: %[[R:.+]] = cnn.binary <less_equal> %arg0, %arg1 outs(%arg2)
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<f32>, tensor<1x2x4xi1>) -> tensor<1x2x4xi1>
  %0 = cnn.binary <less_equal> %a, %b outs(%c) : (tensor<1x2x4xf32>, tensor<f32>, tensor<1x2x4xi1>) -> tensor<1x2x4xi1>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xi1>
}

// CHECK-LABEL: func.func @select(
func.func @select(%a: tensor<2x1xi1>, %b: tensor<1x2x4xf32>, %c: tensor<f32>, %d: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.select %arg0, %arg1, %arg2 outs(%arg3)
  // CHECK-SAME: : (tensor<2x1xi1>, tensor<1x2x4xf32>, tensor<f32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.select %a, %b, %c outs(%d) : (tensor<2x1xi1>, tensor<1x2x4xf32>, tensor<f32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @choose(
func.func @choose(%a: tensor<i1>, %b: tensor<2x4xf32>, %c: tensor<2x4xf32>, %d: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.choose %arg0, %arg1, %arg2 outs(%arg3)
  // CHECK-SAME: : (tensor<i1>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %0 = cnn.choose %a, %b, %c outs(%d) : (tensor<i1>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: func.func @cast(
func.func @cast(%a: tensor<1x2x4xf32>, %b: tensor<1x2x4xi64>) -> tensor<1x2x4xi64> {
  // CHECK: %[[R:.+]] = cnn.cast %arg0 outs(%arg1) {to = i64} : (tensor<1x2x4xf32>, tensor<1x2x4xi64>) -> tensor<1x2x4xi64>
  %0 = cnn.cast %a outs(%b) {to = i64} : (tensor<1x2x4xf32>, tensor<1x2x4xi64>) -> tensor<1x2x4xi64>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xi64>
}

// CHECK-LABEL: func.func @bitcast(
func.func @bitcast(%a: tensor<1x2x4xf32>, %b: tensor<1x2x4xi32>) -> tensor<1x2x4xi32> {
  // CHECK: %[[R:.+]] = cnn.bitcast %arg0 outs(%arg1) {to = i32} : (tensor<1x2x4xf32>, tensor<1x2x4xi32>) -> tensor<1x2x4xi32>
  %0 = cnn.bitcast %a outs(%b) {to = i32} : (tensor<1x2x4xf32>, tensor<1x2x4xi32>) -> tensor<1x2x4xi32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xi32>
}

// CHECK-LABEL: func.func @reduce(
func.func @reduce(%a: tensor<1x2x4xf32>, %b: tensor<2xf32>) -> tensor<2xf32> {
  // CHECK: %[[R:.+]] = cnn.reduce <mean> %arg0 outs(%arg1) {axes = array<i64: 0, 2>} : (tensor<1x2x4xf32>, tensor<2xf32>) -> tensor<2xf32>
  %0 = cnn.reduce <mean> %a outs(%b) {axes = array<i64: 0, 2>} : (tensor<1x2x4xf32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: func.func @reduce_keep_dims(
func.func @reduce_keep_dims(%a: tensor<1x2x4xf32>, %b: tensor<1x1x4xf32>) -> tensor<1x1x4xf32> {
  // CHECK: %[[R:.+]] = cnn.reduce <l2> %arg0 outs(%arg1) {axes = array<i64: 1>, keep_dims}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
  %0 = cnn.reduce <l2> %a outs(%b) {axes = array<i64: 1>, keep_dims} : (tensor<1x2x4xf32>, tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x1x4xf32>
}

// CHECK-LABEL: func.func @softmax(
func.func @softmax(%a: tensor<1x2x4xf32>, %b: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.softmax %arg0 outs(%arg1) {axis = 1 : i64} : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.softmax %a outs(%b) {axis = 1 : i64} : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @log_softmax(
func.func @log_softmax(%a: tensor<1x2x4xf32>, %b: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.log_softmax %arg0 outs(%arg1) {axis = 1 : i64} : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.log_softmax %a outs(%b) {axis = 1 : i64} : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @concat(
func.func @concat(%a: tensor<1x2x4xf32>, %b: tensor<1x3x4xf32>, %c: tensor<1x5x4xf32>) -> tensor<1x5x4xf32> {
  // CHECK: %[[R:.+]] = cnn.concat %arg0, %arg1 outs(%arg2) {axis = 1 : i64}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<1x3x4xf32>, tensor<1x5x4xf32>) -> tensor<1x5x4xf32>
  %0 = cnn.concat %a, %b outs(%c) {axis = 1 : i64} : (tensor<1x2x4xf32>, tensor<1x3x4xf32>, tensor<1x5x4xf32>) -> tensor<1x5x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x5x4xf32>
}

// CHECK-LABEL: func.func @gather(
func.func @gather(%a: tensor<1x2x4xf32>, %b: tensor<5x6xi64>, %c: tensor<1x5x6x4xf32>) -> tensor<1x5x6x4xf32> {
  // CHECK: %[[R:.+]] = cnn.gather %arg0, %arg1 outs(%arg2) {axis = 1 : i64}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<5x6xi64>, tensor<1x5x6x4xf32>) -> tensor<1x5x6x4xf32>
  %0 = cnn.gather %a, %b outs(%c) {axis = 1 : i64} : (tensor<1x2x4xf32>, tensor<5x6xi64>, tensor<1x5x6x4xf32>) -> tensor<1x5x6x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x5x6x4xf32>
}

// CHECK-LABEL: func.func @broadcast(
func.func @broadcast(%a: tensor<2x1xf32>, %b: tensor<3x2x1xf32>) -> tensor<3x2x1xf32> {
  // CHECK: %[[R:.+]] = cnn.broadcast %arg0 outs(%arg1) {shape = array<i64: 3, 1, 1>}
  // CHECK-SAME: : (tensor<2x1xf32>, tensor<3x2x1xf32>) -> tensor<3x2x1xf32>
  %0 = cnn.broadcast %a outs(%b) {shape = array<i64: 3, 1, 1>} : (tensor<2x1xf32>, tensor<3x2x1xf32>) -> tensor<3x2x1xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<3x2x1xf32>
}

// CHECK-LABEL: func.func @resize(
func.func @resize(%a: tensor<1x2x4xf32>, %b: tensor<1x2x8xf32>) -> tensor<1x2x8xf32> {
  // CHECK: %[[R:.+]] = cnn.resize <linear> %arg0 outs(%arg1)
  // CHECK-SAME: {coordinates = #cnn.coordinate_mode<half_pixel>, nearest = #cnn.nearest_mode<round_prefer_floor>,
  // CHECK-SAME: scales = array<f32: 1.000000e+00, 1.000000e+00, 2.000000e+00>, shape = array<i64: 1, 2, 8>}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8xf32>
  %0 = cnn.resize <linear> %a outs(%b)
      {coordinates = #cnn.coordinate_mode<half_pixel>, nearest = #cnn.nearest_mode<round_prefer_floor>,
      scales = array<f32: 1.000000e+00, 1.000000e+00, 2.000000e+00>, shape = array<i64: 1, 2, 8>}
      : (tensor<1x2x4xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x8xf32>
}

// CHECK-LABEL: func.func @reorder(
func.func @reorder(%a: tensor<1x2x4xf32>, %b: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  // CHECK: %[[R:.+]] = cnn.reorder %arg0 outs(%arg1) {block = 8 : i64} : (tensor<1x2x4xf32>, tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  %0 = cnn.reorder %a outs(%b) {block = 8 : i64} : (tensor<1x2x4xf32>, tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x1x4x8xf32>
}

// CHECK-LABEL: func.func @reorder_back(
func.func @reorder_back(%a: tensor<1x1x4x8xf32>, %b: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: %[[R:.+]] = cnn.reorder %arg0 outs(%arg1) {block = 0 : i64, channels = 2 : i64}
  // CHECK-SAME: : (tensor<1x1x4x8xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = cnn.reorder %a outs(%b) {block = 0 : i64, channels = 2 : i64} : (tensor<1x1x4x8xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<1x2x4xf32>
}

// CHECK-LABEL: func.func @communication(
func.func @communication(%a: tensor<1x2x4xf32>, %b: tensor<1x5x4xf32>, %c: tensor<1x3x4xf32>, %d: tensor<1x2x4xf32>) {
  // CHECK: cnn.all_gather %arg0 outs(%arg1) {axis = 1 : i64, bounds = array<i64: 0, 3, 5>, device = 1 : i64}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<1x5x4xf32>) -> tensor<1x5x4xf32>
  %0 = cnn.all_gather %a outs(%b) {axis = 1 : i64, bounds = array<i64: 0, 3, 5>, device = 1 : i64}
      : (tensor<1x2x4xf32>, tensor<1x5x4xf32>) -> tensor<1x5x4xf32>
  // CHECK: cnn.halo_exchange %arg0 outs(%arg2)
  // CHECK-SAME: {after = 2 : i64, axis = 1 : i64, before = 1 : i64, bounds = array<i64: 0, 3, 5>, device = 1 : i64}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
  %1 = cnn.halo_exchange %a outs(%c)
      {axis = 1 : i64, bounds = array<i64: 0, 3, 5>, before = 1 : i64, after = 2 : i64, device = 1 : i64}
      : (tensor<1x2x4xf32>, tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
  // CHECK: cnn.all_reduce %arg0 outs(%arg3) {device = 1 : i64, devices = 2 : i64}
  // CHECK-SAME: : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %2 = cnn.all_reduce %a outs(%d) {device = 1 : i64, devices = 2 : i64} : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return
}

// CHECK-LABEL: func.func @compute(
func.func @compute(%a: tensor<4xf32>, %b: tensor<2xi64>) -> tensor<2xi64> {
  // CHECK: %[[R:.+]] = cnn.compute "ones" points [2] %arg0 outs(%arg1) : (tensor<4xf32>, tensor<2xi64>) -> tensor<2xi64> {
  %0 = cnn.compute "ones" points [2] %a outs(%b) : (tensor<4xf32>, tensor<2xi64>) -> tensor<2xi64> {
  ^bb0(%i: index, %in: memref<4xf32>, %out: memref<2xi64>):
    %one = arith.constant 1 : i64
    memref.store %one, %out[%i] : memref<2xi64>
  }
  // CHECK: return %[[R]]
  return %0 : tensor<2xi64>
}

// CHECK-LABEL: func.func @recurrence(
func.func @recurrence(%x: tensor<5x2x2x3xf32>, %r: tensor<2x3x3xf32>, %d: tensor<5x2x2x3xf32>) -> tensor<5x2x2x3xf32> {
  // CHECK: %[[R:.+]] = cnn.recurrence <rnn> <bidirectional> %arg0, %arg1 outs(%arg2)
  // CHECK-SAME: {functions = [#cnn.function<tanh>, #cnn.function<relu>], sequence}
  %0 = cnn.recurrence <rnn> <bidirectional> %x, %r outs(%d) {functions = [#cnn.function<tanh>, #cnn.function<relu>], sequence}
      : (tensor<5x2x2x3xf32>, tensor<2x3x3xf32>, tensor<5x2x2x3xf32>) -> tensor<5x2x2x3xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<5x2x2x3xf32>
}

// CHECK-LABEL: func.func @quantize(
func.func @quantize(%a: tensor<4xf32>, %s: tensor<f32>, %z: tensor<i16>, %q: tensor<4xi16>) -> tensor<4xf32> {
  // CHECK: %[[Q:.+]] = cnn.quantize %arg0, %arg1, %arg2 outs(%arg3) : {{.+}} -> tensor<4xi16>
  %0 = cnn.quantize %a, %s, %z outs(%q) : (tensor<4xf32>, tensor<f32>, tensor<i16>, tensor<4xi16>) -> tensor<4xi16>
  // CHECK: cnn.dequantize %[[Q]], %arg1, %arg2 outs(%arg0) : {{.+}} -> tensor<4xf32>
  %1 = cnn.dequantize %0, %s, %z outs(%a) : (tensor<4xi16>, tensor<f32>, tensor<i16>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// The region of an epilogue.
// CHECK-LABEL: func.func @epilogue_region(
func.func @epilogue_region(%a: tensor<1x1x4x8xi16>, %b: tensor<1x1x1x1x4x8x2xi8>, %s: tensor<1x8xf32>,
    %r: tensor<1x1x4x8xi8>, %x: tensor<2x16xf32>, %w: tensor<1x16x8xf32>, %o: tensor<1x1x4x8xi8>, %p: tensor<2x8xi16>)
    -> (tensor<1x1x4x8xi8>, tensor<2x8xi16>) {
  // CHECK: cnn.conv %arg0, %arg1 epilogue(%arg2, %arg3) outs(%{{.+}}) {epilogue_maps = [#{{.+}}, #{{.+}}], filter_shape
  // CHECK-SAME: -> tensor<1x1x4x8xi8> {
  // CHECK: ^bb0(%[[SUM:.+]]: i32, %[[SCALE:.+]]: f32, %[[OTHER:.+]]: i8):
  // CHECK: cnn.yield %{{.+}} : i8
  %0 = cnn.conv %a, %b epilogue(%s, %r) outs(%o) {epilogue_maps = [affine_map<(d0, d1, d2, d3) -> (d1, d3)>,
      affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], filter_shape = array<i64: 8, 8, 1>, output_block = 8 : i64,
      schedule = #cnn.schedule<direct, tile = 12x1x8, filter = <dots, 1x1x1x1x4x8x2xi8>>, window = #cnn.window<[1]>}
      : (tensor<1x1x4x8xi16>, tensor<1x1x1x1x4x8x2xi8>, tensor<1x8xf32>, tensor<1x1x4x8xi8>, tensor<1x1x4x8xi8>) -> tensor<1x1x4x8xi8> {
  ^bb0(%sum: i32, %scale: f32, %other: i8):
    %2 = arith.trunci %sum : i32 to i8
    %3 = arith.addi %2, %other : i8
    cnn.yield %3 : i8
  }
  // CHECK: cnn.dense %{{.+}}, %{{.+}} outs(%{{.+}}) {epilogue_maps = [], filter_shape
  // CHECK: ^bb0(%[[SUM:.+]]: f32):
  // CHECK: cnn.yield %{{.+}} : i16
  %1 = cnn.dense %x, %w outs(%p) {epilogue_maps = [], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (tensor<2x16xf32>, tensor<1x16x8xf32>, tensor<2x8xi16>) -> tensor<2x8xi16> {
  ^bb0(%sum: f32):
    %2 = arith.fptosi %sum : f32 to i16
    cnn.yield %2 : i16
  }
  return %0, %1 : tensor<1x1x4x8xi8>, tensor<2x8xi16>
}
