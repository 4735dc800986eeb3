// RUN: convoy-opt %s --cnn-evaluate-constants --split-input-file --verify-diagnostics | FileCheck %s

// exp(0) = 1, and equal values have equal shares. Filters are constants here as everywhere.
// CHECK-LABEL: func.func @main(
// CHECK-DAG:     %[[SUM:.+]] = arith.constant dense<1.000000e+01> : tensor<1x1xf32>
// CHECK-DAG:     %[[SHARES:.+]] = arith.constant dense<2.500000e-01> : tensor<1x4xf32>
// CHECK-NOT:     cnn.softmax
// CHECK:         %[[X:.+]] = cnn.softmax %arg0
// CHECK-NEXT:    %[[Y:.+]] = cnn.binary <mul> %[[X]], %[[SHARES]]
// CHECK-NEXT:    %[[Z:.+]] = cnn.binary <add> %[[Y]], %[[SUM]]
// CHECK-NEXT:    return %[[Z]], %[[SHARES]]
func.func @main(%x: tensor<1x4xf32>) -> (tensor<1x4xf32>, tensor<1x4xf32>) {
  %zero = arith.constant dense<0.0> : tensor<1x4xf32>
  %ones = arith.constant dense<1.0> : tensor<1x4xf32>
  %count = arith.constant dense<[[1.0, 2.0, 3.0, 4.0]]> : tensor<1x4xf32>
  // expected-remark @below {{depends on constants alone: its result of type 'tensor<1x4xf32>' is computed while compiling}}
  %shares = cnn.softmax %zero {axis = 1 : i64} : (tensor<1x4xf32>) -> tensor<1x4xf32>
  // expected-remark @below {{depends on constants alone}}
  %sum = cnn.dense %count, %ones : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x1xf32>
  %s = cnn.softmax %x {axis = 1 : i64} : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %y = cnn.binary <mul> %s, %shares : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  %z = cnn.binary <add> %y, %sum : (tensor<1x4xf32>, tensor<1x1xf32>) -> tensor<1x4xf32>
  return %z, %shares : tensor<1x4xf32>, tensor<1x4xf32>
}

// -----

// What repeats elements stays, but not what it repeats.
// CHECK-LABEL: func.func @main(
// CHECK:         %[[ONE:.+]] = arith.constant dense<1.000000e+00> : tensor<1x1xf32>
// CHECK:         %[[MANY:.+]] = cnn.broadcast %[[ONE]]
// CHECK:         return %[[MANY]]
func.func @main() -> tensor<64x4xf32> {
  %five = arith.constant dense<5.0> : tensor<1x1xf32>
  // expected-remark @below {{depends on constants alone}}
  %one = cnn.softmax %five {axis = 1 : i64} : (tensor<1x1xf32>) -> tensor<1x1xf32>
  %many = cnn.broadcast %one {shape = array<i64: 64, 4>} : (tensor<1x1xf32>) -> tensor<64x4xf32>
  return %many : tensor<64x4xf32>
}

// -----

// A batch norm in training mode cannot be compiled. That is no error here.
// CHECK-LABEL: func.func @main(
// CHECK:         cnn.batch_norm
func.func @main() -> tensor<1x1x2xf32> {
  %x = arith.constant dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  %c = arith.constant dense<1.0> : tensor<1xf32>
  %y = cnn.batch_norm %x, %c, %c, %c, %c {epsilon = 1.0e-05 : f32, mode = #cnn.batch_norm_mode<training>}
      : (tensor<1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x2xf32>
  return %y : tensor<1x1x2xf32>
}
