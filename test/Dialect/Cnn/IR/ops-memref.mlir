// RUN: convoy-opt %s | convoy-opt | FileCheck %s
// RUN: convoy-opt %s --mlir-print-op-generic | convoy-opt | FileCheck %s

// Every operation on memrefs.

// CHECK-LABEL: func.func @conv(
func.func @conv(%a: memref<1x2x4xf32>, %b: memref<2x2x1xf32>, %c: memref<1x2x4xf32>) {
  // CHECK: cnn.conv %arg0, %arg1 outs(%arg2) {window = #cnn.window<[1]>} : (memref<1x2x4xf32>, memref<2x2x1xf32>, memref<1x2x4xf32>) -> ()
  cnn.conv %a, %b outs(%c) {window = #cnn.window<[1]>} : (memref<1x2x4xf32>, memref<2x2x1xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @conv_bias(
func.func @conv_bias(%a: memref<1x2x4xf32>, %b: memref<2x2x1xf32>, %c: memref<2xf32>, %d: memref<1x2x4xf32>) {
  // CHECK: cnn.conv %arg0, %arg1, %arg2 outs(%arg3) {window = #cnn.window<[1]>}
  // CHECK-SAME: : (memref<1x2x4xf32>, memref<2x2x1xf32>, memref<2xf32>, memref<1x2x4xf32>) -> ()
  cnn.conv %a, %b, %c outs(%d) {window = #cnn.window<[1]>} : (memref<1x2x4xf32>, memref<2x2x1xf32>, memref<2xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @conv_epilogue(
func.func @conv_epilogue(%a: memref<1x2x4xf32>, %b: memref<2x2x1xf32>, %c: memref<2xf32>, %d: memref<1x2x4xf32>, %e: memref<1x2x4xf32>) {
  // CHECK: cnn.conv %arg0, %arg1, %arg2 residual(%arg3) outs(%arg4)
  // CHECK-SAME: {activation = #cnn.function<clip, alpha = 0.000000e+00 : f32, beta = 6.000000e+00 : f32>,
  // CHECK-SAME: window = #cnn.window<[1]>}
  // CHECK-SAME: : (memref<1x2x4xf32>, memref<2x2x1xf32>, memref<2xf32>, memref<1x2x4xf32>, memref<1x2x4xf32>) -> ()
  cnn.conv %a, %b, %c residual(%d) outs(%e)
      {activation = #cnn.function<clip, alpha = 0.000000e+00 : f32, beta = 6.000000e+00 : f32>,
      window = #cnn.window<[1]>}
      : (memref<1x2x4xf32>, memref<2x2x1xf32>, memref<2xf32>, memref<1x2x4xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @conv_packed(
func.func @conv_packed(%a: memref<1x1x4x8xf32>, %b: memref<1x1x2x1x8xf32>, %c: memref<1x1x4x8xf32>) {
  // CHECK: cnn.conv %arg0, %arg1 outs(%arg2)
  // CHECK-SAME: {filter_shape = array<i64: 2, 2, 1>, output_block = 8 : i64, window = #cnn.window<[1]>}
  // CHECK-SAME: : (memref<1x1x4x8xf32>, memref<1x1x2x1x8xf32>, memref<1x1x4x8xf32>) -> ()
  cnn.conv %a, %b outs(%c) {filter_shape = array<i64: 2, 2, 1>, output_block = 8 : i64, window = #cnn.window<[1]>}
      : (memref<1x1x4x8xf32>, memref<1x1x2x1x8xf32>, memref<1x1x4x8xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @conv_prologue(
func.func @conv_prologue(%a: memref<1x1x4x8xf32>, %b: memref<1x1x2x1x8xf32>, %c: memref<1x1x4x8xf32>,
    %d: memref<1x8xf32>, %e: memref<1x8xf32>, %f: memref<1x1x4x8xf32>) {
  // CHECK: cnn.conv %arg0, %arg1 residual(%arg2) prologue(%arg3, %arg4) outs(%arg5)
  // CHECK-SAME: {filter_shape = array<i64: 2, 2, 1>, input_activation = #cnn.function<relu>, output_block = 8 : i64,
  // CHECK-SAME: window = #cnn.window<[1]>}
  // CHECK-SAME: : (memref<1x1x4x8xf32>, memref<1x1x2x1x8xf32>, memref<1x1x4x8xf32>, memref<1x8xf32>, memref<1x8xf32>,
  // CHECK-SAME: memref<1x1x4x8xf32>) -> ()
  cnn.conv %a, %b residual(%c) prologue(%d, %e) outs(%f)
      {filter_shape = array<i64: 2, 2, 1>, input_activation = #cnn.function<relu>, output_block = 8 : i64,
      window = #cnn.window<[1]>}
      : (memref<1x1x4x8xf32>, memref<1x1x2x1x8xf32>, memref<1x1x4x8xf32>, memref<1x8xf32>, memref<1x8xf32>,
      memref<1x1x4x8xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @group_conv(
func.func @group_conv(%a: memref<1x2x4xf32>, %b: memref<2x1x1xf32>, %c: memref<2xf32>, %d: memref<1x2x4xf32>) {
  // CHECK: cnn.group_conv %arg0, %arg1, %arg2 outs(%arg3) {group = 2 : i64, window = #cnn.window<[1]>}
  // CHECK-SAME: : (memref<1x2x4xf32>, memref<2x1x1xf32>, memref<2xf32>, memref<1x2x4xf32>) -> ()
  cnn.group_conv %a, %b, %c outs(%d) {group = 2 : i64, window = #cnn.window<[1]>}
      : (memref<1x2x4xf32>, memref<2x1x1xf32>, memref<2xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @conv_transpose(
func.func @conv_transpose(%a: memref<1x2x4xf32>, %b: memref<2x1x1xf32>, %c: memref<2xf32>, %d: memref<1x2x4xf32>) {
  // CHECK: cnn.conv_transpose %arg0, %arg1, %arg2 outs(%arg3)
  // CHECK-SAME: {group = 2 : i64, output_padding = array<i64: 0>, window = #cnn.window<[1]>}
  // CHECK-SAME: : (memref<1x2x4xf32>, memref<2x1x1xf32>, memref<2xf32>, memref<1x2x4xf32>) -> ()
  cnn.conv_transpose %a, %b, %c outs(%d) {group = 2 : i64, output_padding = array<i64: 0>, window = #cnn.window<[1]>}
      : (memref<1x2x4xf32>, memref<2x1x1xf32>, memref<2xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @batch_norm(
func.func @batch_norm(%a: memref<1x2x4xf32>, %b: memref<2xf32>, %c: memref<2xf32>, %d: memref<2xf32>,
    %e: memref<2xf32>, %f: memref<1x2x4xf32>) {
  // CHECK: cnn.batch_norm %arg0, %arg1, %arg2, %arg3, %arg4 outs(%arg5)
  // CHECK-SAME: {epsilon = 9.99999974E-6 : f32, mode = #cnn.batch_norm_mode<inference>}
  // CHECK-SAME: : (memref<1x2x4xf32>, memref<2xf32>, memref<2xf32>, memref<2xf32>, memref<2xf32>, memref<1x2x4xf32>)
  // CHECK-SAME: -> ()
  cnn.batch_norm %a, %b, %c, %d, %e outs(%f) {epsilon = 9.99999974E-6 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (memref<1x2x4xf32>, memref<2xf32>, memref<2xf32>, memref<2xf32>, memref<2xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @scale_shift(
func.func @scale_shift(%a: memref<1x2x4xf32>, %b: memref<2xf32>, %c: memref<2xf32>, %d: memref<1x2x4xf32>) {
  // CHECK: cnn.scale_shift %arg0, %arg1, %arg2 outs(%arg3) {activation = #cnn.function<relu>}
  // CHECK-SAME: : (memref<1x2x4xf32>, memref<2xf32>, memref<2xf32>, memref<1x2x4xf32>) -> ()
  cnn.scale_shift %a, %b, %c outs(%d) {activation = #cnn.function<relu>}
      : (memref<1x2x4xf32>, memref<2xf32>, memref<2xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @scale_shift_blocked(
func.func @scale_shift_blocked(%a: memref<1x1x4x8xf32>, %b: memref<1x8xf32>, %c: memref<1x8xf32>, %d: memref<1x1x4x8xf32>) {
  // CHECK: cnn.scale_shift %arg0, %arg1, %arg2 outs(%arg3) {blocked}
  // CHECK-SAME: : (memref<1x1x4x8xf32>, memref<1x8xf32>, memref<1x8xf32>, memref<1x1x4x8xf32>) -> ()
  cnn.scale_shift %a, %b, %c outs(%d) {blocked} : (memref<1x1x4x8xf32>, memref<1x8xf32>, memref<1x8xf32>, memref<1x1x4x8xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @layer_norm(
func.func @layer_norm(%a: memref<1x2x4xf32>, %b: memref<1x2x4xf32>) {
  // CHECK: cnn.layer_norm %arg0 outs(%arg1) {axis = 2 : i64, epsilon = 9.99999974E-6 : f32} : (memref<1x2x4xf32>, memref<1x2x4xf32>) -> ()
  cnn.layer_norm %a outs(%b) {axis = 2 : i64, epsilon = 9.99999974E-6 : f32} : (memref<1x2x4xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @layer_norm_scale_bias(
func.func @layer_norm_scale_bias(%a: memref<1x2x4xf32>, %b: memref<2x4xf32>, %c: memref<4xf32>, %d: memref<1x2x4xf32>) {
  // CHECK: cnn.layer_norm %arg0 scale(%arg1) bias(%arg2) outs(%arg3) {axis = 1 : i64, epsilon = 9.99999974E-6 : f32}
  // CHECK-SAME: : (memref<1x2x4xf32>, memref<2x4xf32>, memref<4xf32>, memref<1x2x4xf32>) -> ()
  cnn.layer_norm %a scale(%b) bias(%c) outs(%d) {axis = 1 : i64, epsilon = 9.99999974E-6 : f32}
      : (memref<1x2x4xf32>, memref<2x4xf32>, memref<4xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @instance_norm(
func.func @instance_norm(%a: memref<1x2x4xf32>, %b: memref<2xf32>, %c: memref<2xf32>, %d: memref<1x2x4xf32>) {
  // CHECK: cnn.instance_norm %arg0, %arg1, %arg2 outs(%arg3) {epsilon = 9.99999974E-6 : f32}
  // CHECK-SAME: : (memref<1x2x4xf32>, memref<2xf32>, memref<2xf32>, memref<1x2x4xf32>) -> ()
  cnn.instance_norm %a, %b, %c outs(%d) {epsilon = 9.99999974E-6 : f32}
      : (memref<1x2x4xf32>, memref<2xf32>, memref<2xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @group_norm(
func.func @group_norm(%a: memref<1x2x4xf32>, %b: memref<2xf32>, %c: memref<2xf32>, %d: memref<1x2x4xf32>) {
  // CHECK: cnn.group_norm %arg0, %arg1, %arg2 outs(%arg3) {epsilon = 9.99999974E-6 : f32, num_groups = 2 : i64}
  // CHECK-SAME: : (memref<1x2x4xf32>, memref<2xf32>, memref<2xf32>, memref<1x2x4xf32>) -> ()
  cnn.group_norm %a, %b, %c outs(%d) {epsilon = 9.99999974E-6 : f32, num_groups = 2 : i64}
      : (memref<1x2x4xf32>, memref<2xf32>, memref<2xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @lrn(
func.func @lrn(%a: memref<1x2x4xf32>, %b: memref<1x2x4xf32>) {
  // CHECK: cnn.lrn %arg0 outs(%arg1) {alpha = 9.99999974E-5 : f32, beta = 7.500000e-01 : f32,
  // CHECK-SAME: bias = 1.000000e+00 : f32, size = 5 : i64} : (memref<1x2x4xf32>, memref<1x2x4xf32>) -> ()
  cnn.lrn %a outs(%b) {alpha = 9.99999974E-5 : f32, beta = 7.500000e-01 : f32, bias = 1.000000e+00 : f32,
      size = 5 : i64} : (memref<1x2x4xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @max_pool(
func.func @max_pool(%a: memref<1x2x4xf32>, %b: memref<1x2x2xf32>) {
  // CHECK: cnn.max_pool %arg0 outs(%arg1) {ceil_mode, window = #cnn.window<[2], strides = [2]>}
  // CHECK-SAME: : (memref<1x2x4xf32>, memref<1x2x2xf32>) -> ()
  cnn.max_pool %a outs(%b) {ceil_mode, window = #cnn.window<[2], strides = [2]>} : (memref<1x2x4xf32>, memref<1x2x2xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @avg_pool(
func.func @avg_pool(%a: memref<1x2x4xf32>, %b: memref<1x2x2xf32>) {
  // CHECK: cnn.avg_pool %arg0 outs(%arg1) {count_include_pad, window = #cnn.window<[2], strides = [2]>}
  // CHECK-SAME: : (memref<1x2x4xf32>, memref<1x2x2xf32>) -> ()
  cnn.avg_pool %a outs(%b) {count_include_pad, window = #cnn.window<[2], strides = [2]>} : (memref<1x2x4xf32>, memref<1x2x2xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @global_pool(
func.func @global_pool(%a: memref<1x2x4xf32>, %b: memref<1x2x1xf32>) {
  // CHECK: cnn.global_pool <average> %arg0 outs(%arg1) : (memref<1x2x4xf32>, memref<1x2x1xf32>) -> ()
  cnn.global_pool <average> %a outs(%b) : (memref<1x2x4xf32>, memref<1x2x1xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @global_pool_blocked(
func.func @global_pool_blocked(%a: memref<1x1x4x8xf32>, %b: memref<1x1x1x8xf32>) {
  // CHECK: cnn.global_pool <maximum> %arg0 outs(%arg1) {blocked} : (memref<1x1x4x8xf32>, memref<1x1x1x8xf32>) -> ()
  cnn.global_pool <maximum> %a outs(%b) {blocked} : (memref<1x1x4x8xf32>, memref<1x1x1x8xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @dense(
func.func @dense(%a: memref<3x4xf32>, %b: memref<5x4xf32>, %c: memref<3x5xf32>) {
  // CHECK: cnn.dense %arg0, %arg1 outs(%arg2) : (memref<3x4xf32>, memref<5x4xf32>, memref<3x5xf32>) -> ()
  cnn.dense %a, %b outs(%c) : (memref<3x4xf32>, memref<5x4xf32>, memref<3x5xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @dense_bias(
func.func @dense_bias(%a: memref<3x4xf32>, %b: memref<5x4xf32>, %c: memref<5xf32>, %d: memref<3x5xf32>) {
  // CHECK: cnn.dense %arg0, %arg1, %arg2 outs(%arg3) {activation = #cnn.function<relu>}
  // CHECK-SAME: : (memref<3x4xf32>, memref<5x4xf32>, memref<5xf32>, memref<3x5xf32>) -> ()
  cnn.dense %a, %b, %c outs(%d) {activation = #cnn.function<relu>}
      : (memref<3x4xf32>, memref<5x4xf32>, memref<5xf32>, memref<3x5xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @matmul(
func.func @matmul(%a: memref<2x1x3x4xf32>, %b: memref<7x4x5xf32>, %c: memref<2x7x3x5xf32>) {
  // CHECK: cnn.matmul %arg0, %arg1 outs(%arg2) : (memref<2x1x3x4xf32>, memref<7x4x5xf32>, memref<2x7x3x5xf32>) -> ()
  cnn.matmul %a, %b outs(%c) : (memref<2x1x3x4xf32>, memref<7x4x5xf32>, memref<2x7x3x5xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @unary(
func.func @unary(%a: memref<1x2x4xf32>, %b: memref<1x2x4xf32>) {
  // CHECK: cnn.unary <leaky_relu, alpha = 1.000000e-01 : f32> %arg0 outs(%arg1) : (memref<1x2x4xf32>, memref<1x2x4xf32>) -> ()
  cnn.unary <leaky_relu, alpha = 1.000000e-01 : f32> %a outs(%b) : (memref<1x2x4xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @binary(
func.func @binary(%a: memref<1x2x4xf32>, %b: memref<2x1xf32>, %c: memref<1x2x4xf32>) {
  // CHECK: cnn.binary <add> %arg0, %arg1 outs(%arg2) {activation = #cnn.function<relu>}
  // CHECK-SAME: : (memref<1x2x4xf32>, memref<2x1xf32>, memref<1x2x4xf32>) -> ()
  cnn.binary <add> %a, %b outs(%c) {activation = #cnn.function<relu>} : (memref<1x2x4xf32>, memref<2x1xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @compare(
func.func @compare(%a: memref<1x2x4xf32>, %b: memref<f32>, %c: memref<1x2x4xi1>) {
  // CHECK: cnn.binary <less_equal> %arg0, %arg1 outs(%arg2) : (memref<1x2x4xf32>, memref<f32>, memref<1x2x4xi1>) -> ()
  cnn.binary <less_equal> %a, %b outs(%c) : (memref<1x2x4xf32>, memref<f32>, memref<1x2x4xi1>) -> ()
  return
}

// CHECK-LABEL: func.func @select(
func.func @select(%a: memref<2x1xi1>, %b: memref<1x2x4xf32>, %c: memref<f32>, %d: memref<1x2x4xf32>) {
  // CHECK: cnn.select %arg0, %arg1, %arg2 outs(%arg3) : (memref<2x1xi1>, memref<1x2x4xf32>, memref<f32>, memref<1x2x4xf32>) -> ()
  cnn.select %a, %b, %c outs(%d) : (memref<2x1xi1>, memref<1x2x4xf32>, memref<f32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @choose(
func.func @choose(%a: memref<i1>, %b: memref<2x4xf32>, %c: memref<2x4xf32>, %d: memref<2x4xf32>) {
  // CHECK: cnn.choose %arg0, %arg1, %arg2 outs(%arg3) : (memref<i1>, memref<2x4xf32>, memref<2x4xf32>, memref<2x4xf32>) -> ()
  cnn.choose %a, %b, %c outs(%d) : (memref<i1>, memref<2x4xf32>, memref<2x4xf32>, memref<2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @cast(
func.func @cast(%a: memref<1x2x4xf32>, %b: memref<1x2x4xi64>) {
  // CHECK: cnn.cast %arg0 outs(%arg1) {to = i64} : (memref<1x2x4xf32>, memref<1x2x4xi64>) -> ()
  cnn.cast %a outs(%b) {to = i64} : (memref<1x2x4xf32>, memref<1x2x4xi64>) -> ()
  return
}

// CHECK-LABEL: func.func @bitcast(
func.func @bitcast(%a: memref<1x2x4xf32>, %b: memref<1x2x4xi32>) {
  // CHECK: cnn.bitcast %arg0 outs(%arg1) {to = i32} : (memref<1x2x4xf32>, memref<1x2x4xi32>) -> ()
  cnn.bitcast %a outs(%b) {to = i32} : (memref<1x2x4xf32>, memref<1x2x4xi32>) -> ()
  return
}

// CHECK-LABEL: func.func @reduce(
func.func @reduce(%a: memref<1x2x4xf32>, %b: memref<2xf32>) {
  // CHECK: cnn.reduce <mean> %arg0 outs(%arg1) {axes = array<i64: 0, 2>} : (memref<1x2x4xf32>, memref<2xf32>) -> ()
  cnn.reduce <mean> %a outs(%b) {axes = array<i64: 0, 2>} : (memref<1x2x4xf32>, memref<2xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @reduce_keep_dims(
func.func @reduce_keep_dims(%a: memref<1x2x4xf32>, %b: memref<1x1x4xf32>) {
  // CHECK: cnn.reduce <l2> %arg0 outs(%arg1) {axes = array<i64: 1>, keep_dims} : (memref<1x2x4xf32>, memref<1x1x4xf32>) -> ()
  cnn.reduce <l2> %a outs(%b) {axes = array<i64: 1>, keep_dims} : (memref<1x2x4xf32>, memref<1x1x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @softmax(
func.func @softmax(%a: memref<1x2x4xf32>, %b: memref<1x2x4xf32>) {
  // CHECK: cnn.softmax %arg0 outs(%arg1) {axis = 1 : i64} : (memref<1x2x4xf32>, memref<1x2x4xf32>) -> ()
  cnn.softmax %a outs(%b) {axis = 1 : i64} : (memref<1x2x4xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @log_softmax(
func.func @log_softmax(%a: memref<1x2x4xf32>, %b: memref<1x2x4xf32>) {
  // CHECK: cnn.log_softmax %arg0 outs(%arg1) {axis = 1 : i64} : (memref<1x2x4xf32>, memref<1x2x4xf32>) -> ()
  cnn.log_softmax %a outs(%b) {axis = 1 : i64} : (memref<1x2x4xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @concat(
func.func @concat(%a: memref<1x2x4xf32>, %b: memref<1x3x4xf32>, %c: memref<1x5x4xf32>) {
  // CHECK: cnn.concat %arg0, %arg1 outs(%arg2) {axis = 1 : i64} : (memref<1x2x4xf32>, memref<1x3x4xf32>, memref<1x5x4xf32>) -> ()
  cnn.concat %a, %b outs(%c) {axis = 1 : i64} : (memref<1x2x4xf32>, memref<1x3x4xf32>, memref<1x5x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @gather(
func.func @gather(%a: memref<1x2x4xf32>, %b: memref<5x6xi64>, %c: memref<1x5x6x4xf32>) {
  // CHECK: cnn.gather %arg0, %arg1 outs(%arg2) {axis = 1 : i64} : (memref<1x2x4xf32>, memref<5x6xi64>, memref<1x5x6x4xf32>) -> ()
  cnn.gather %a, %b outs(%c) {axis = 1 : i64} : (memref<1x2x4xf32>, memref<5x6xi64>, memref<1x5x6x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @broadcast(
func.func @broadcast(%a: memref<2x1xf32>, %b: memref<3x2x1xf32>) {
  // CHECK: cnn.broadcast %arg0 outs(%arg1) {shape = array<i64: 3, 1, 1>} : (memref<2x1xf32>, memref<3x2x1xf32>) -> ()
  cnn.broadcast %a outs(%b) {shape = array<i64: 3, 1, 1>} : (memref<2x1xf32>, memref<3x2x1xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @resize(
func.func @resize(%a: memref<1x2x4xf32>, %b: memref<1x2x8xf32>) {
  // CHECK: cnn.resize <linear> %arg0 outs(%arg1)
  // CHECK-SAME: {coordinates = #cnn.coordinate_mode<half_pixel>, nearest = #cnn.nearest_mode<round_prefer_floor>,
  // CHECK-SAME: scales = array<f32: 1.000000e+00, 1.000000e+00, 2.000000e+00>, shape = array<i64: 1, 2, 8>}
  // CHECK-SAME: : (memref<1x2x4xf32>, memref<1x2x8xf32>) -> ()
  cnn.resize <linear> %a outs(%b) {coordinates = #cnn.coordinate_mode<half_pixel>,
      nearest = #cnn.nearest_mode<round_prefer_floor>, scales = array<f32: 1.000000e+00, 1.000000e+00, 2.000000e+00>,
      shape = array<i64: 1, 2, 8>} : (memref<1x2x4xf32>, memref<1x2x8xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @reorder(
func.func @reorder(%a: memref<1x2x4xf32>, %b: memref<1x1x4x8xf32>) {
  // CHECK: cnn.reorder %arg0 outs(%arg1) {block = 8 : i64} : (memref<1x2x4xf32>, memref<1x1x4x8xf32>) -> ()
  cnn.reorder %a outs(%b) {block = 8 : i64} : (memref<1x2x4xf32>, memref<1x1x4x8xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @reorder_back(
func.func @reorder_back(%a: memref<1x1x4x8xf32>, %b: memref<1x2x4xf32>) {
  // CHECK: cnn.reorder %arg0 outs(%arg1) {block = 0 : i64, channels = 2 : i64} : (memref<1x1x4x8xf32>, memref<1x2x4xf32>) -> ()
  cnn.reorder %a outs(%b) {block = 0 : i64, channels = 2 : i64} : (memref<1x1x4x8xf32>, memref<1x2x4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @launch(
func.func @launch(%a: memref<4xf32>, %b: memref<8xf32>) {
  // CHECK: cnn.launch @kernel tasks(112) (%arg0, %arg1) : memref<4xf32>, memref<8xf32>
  cnn.launch @kernel tasks(112) (%a, %b) : memref<4xf32>, memref<8xf32>
  return
}

func.func private @kernel(index, index, memref<4xf32>, memref<8xf32>)

// CHECK-LABEL: func.func @target()
// CHECK-SAME:    cnn.target = #cnn.target<triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = "+f16c",
// CHECK-SAME:      vector_lanes = 8, vector_registers = 16, l2 = 524288>
func.func @target()
    attributes {cnn.target = #cnn.target<triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = "+f16c",
    vector_lanes = 8, vector_registers = 16, l2 = 524288>} {
  return
}

// CHECK-LABEL: func.func @compute(
func.func @compute(%a: memref<4xf32>, %b: memref<2xi64>) {
  // CHECK: cnn.compute "ones" points [2] %arg0 outs(%arg1) : (memref<4xf32>, memref<2xi64>) -> () {
  cnn.compute "ones" points [2] %a outs(%b) : (memref<4xf32>, memref<2xi64>) -> () {
  ^bb0(%i: index, %in: memref<4xf32>, %out: memref<2xi64>):
    %one = arith.constant 1 : i64
    memref.store %one, %out[%i] : memref<2xi64>
  }
  return
}

// CHECK-LABEL: func.func @recurrence(
func.func @recurrence(%x: memref<5x2x1x3xf32>, %r: memref<1x3x3xf32>, %h: memref<1x2x3xf32>, %d: memref<1x1x2x3xf32>) {
  // CHECK: cnn.recurrence <rnn> <forward> %arg0, %arg1 h(%arg2) outs(%arg3) {functions = [#cnn.function<tanh>], last_h}
  // CHECK-SAME: -> ()
  cnn.recurrence <rnn> <forward> %x, %r h(%h) outs(%d) {functions = [#cnn.function<tanh>], last_h}
      : (memref<5x2x1x3xf32>, memref<1x3x3xf32>, memref<1x2x3xf32>, memref<1x1x2x3xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @quantize(
func.func @quantize(%a: memref<4xf32>, %s: memref<f32>, %z: memref<i16>, %q: memref<4xi16>) {
  // CHECK: cnn.quantize %arg0, %arg1, %arg2 outs(%arg3) : (memref<4xf32>, memref<f32>, memref<i16>, memref<4xi16>) -> ()
  cnn.quantize %a, %s, %z outs(%q) : (memref<4xf32>, memref<f32>, memref<i16>, memref<4xi16>) -> ()
  // CHECK: cnn.dequantize %arg3, %arg1, %arg2 outs(%arg0) : (memref<4xi16>, memref<f32>, memref<i16>, memref<4xf32>) -> ()
  cnn.dequantize %q, %s, %z outs(%a) : (memref<4xi16>, memref<f32>, memref<i16>, memref<4xf32>) -> ()
  return
}

// The region of an epilogue.
// CHECK-LABEL: func.func @epilogue_region(
func.func @epilogue_region(%a: memref<1x1x4x8xi16>, %b: memref<1x1x1x1x4x8x2xi8>, %s: memref<1x8xf32>,
    %r: memref<1x1x4x8xi8>, %x: memref<2x16xf32>, %w: memref<1x16x8xf32>, %o: memref<1x1x4x8xi8>, %p: memref<2x8xi16>) {
  // CHECK: cnn.conv %arg0, %arg1 epilogue(%arg2, %arg3) outs(%{{.+}}) {epilogue_maps = [#{{.+}}, #{{.+}}], filter_shape
  // CHECK-SAME: -> () {
  // CHECK: ^bb0(%[[SUM:.+]]: i32, %[[SCALE:.+]]: f32, %[[OTHER:.+]]: i8):
  // CHECK: cnn.yield %{{.+}} : i8
  cnn.conv %a, %b epilogue(%s, %r) outs(%o) {epilogue_maps = [affine_map<(d0, d1, d2, d3) -> (d1, d3)>,
      affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], filter_shape = array<i64: 8, 8, 1>, output_block = 8 : i64,
      schedule = #cnn.schedule<direct, tile = 12x1x8, filter = <dots, 1x1x1x1x4x8x2xi8>>, window = #cnn.window<[1]>}
      : (memref<1x1x4x8xi16>, memref<1x1x1x1x4x8x2xi8>, memref<1x8xf32>, memref<1x1x4x8xi8>, memref<1x1x4x8xi8>) -> () {
  ^bb0(%sum: i32, %scale: f32, %other: i8):
    %2 = arith.trunci %sum : i32 to i8
    %3 = arith.addi %2, %other : i8
    cnn.yield %3 : i8
  }
  // CHECK: cnn.dense %{{.+}}, %{{.+}} outs(%{{.+}}) {epilogue_maps = [], filter_shape
  // CHECK: ^bb0(%[[SUM:.+]]: f32):
  // CHECK: cnn.yield %{{.+}} : i16
  cnn.dense %x, %w outs(%p) {epilogue_maps = [], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (memref<2x16xf32>, memref<1x16x8xf32>, memref<2x8xi16>) -> () {
  ^bb0(%sum: f32):
    %2 = arith.fptosi %sum : f32 to i16
    cnn.yield %2 : i16
  }
  return
}
