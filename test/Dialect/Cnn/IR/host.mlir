// RUN: convoy-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: convoy-opt %s --cse --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @check(
// CHECK:         %[[A:.+]] = cnn.check_range %{{.+}} {maximum = 50 : i64, minimum = 0 : i64} : (tensor<3xi32>) -> tensor<3xi32>
// CHECK:         %[[B:.+]] = cnn.check_range %{{.+}} outs(%{{.+}}) {maximum = 3 : i64, minimum = -4 : i64}
// CHECK-SAME:      : (tensor<i64>, tensor<i64>) -> tensor<i64>
// CHECK:         cnn.check_range %{{.+}} outs(%{{.+}}) {maximum = 1 : i64, minimum = 1 : i64} : (memref<2xi64>, memref<2xi64>) -> ()
func.func @check(%x: tensor<3xi32>, %y: tensor<i64>, %d: tensor<i64>, %z: memref<2xi64>, %e: memref<2xi64>)
    -> (tensor<3xi32>, tensor<i64>) {
  %0 = cnn.check_range %x {minimum = 0 : i64, maximum = 50 : i64} : (tensor<3xi32>) -> tensor<3xi32>
  %1 = cnn.check_range %y outs(%d) {minimum = -4 : i64, maximum = 3 : i64} : (tensor<i64>, tensor<i64>) -> tensor<i64>
  cnn.check_range %z outs(%e) {minimum = 1 : i64, maximum = 1 : i64} : (memref<2xi64>, memref<2xi64>) -> ()
  return %0, %1 : tensor<3xi32>, tensor<i64>
}

// -----

func.func @type(%x: tensor<3xf32>) {
  // expected-error@+2 {{checks elements of type 'f32', expected i32 or i64}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = cnn.check_range %x {minimum = 0 : i64, maximum = 50 : i64} : (tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @empty_range(%x: tensor<3xi32>) {
  // expected-error@+2 {{has the empty range 1 to 0}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = cnn.check_range %x {minimum = 1 : i64, maximum = 0 : i64} : (tensor<3xi32>) -> tensor<3xi32>
  return
}

// -----

// CHECK-LABEL: func.func @limit(
// CHECK:         cnn.limit_loop %{{.+}} outs(%{{.+}}) {limit = 9 : i64} : (tensor<i64>, tensor<i1>) -> tensor<i1>
func.func @limit(%n: tensor<i64>, %go: tensor<i1>) -> tensor<i1> {
  %0 = cnn.limit_loop %n outs(%go) {limit = 9 : i64} : (tensor<i64>, tensor<i1>) -> tensor<i1>
  return %0 : tensor<i1>
}

// -----

func.func @no_condition(%n: tensor<i64>) {
  // expected-error@+2 {{needs an i64 and, as its destination, an i1 of rank 0}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = cnn.limit_loop %n {limit = 9 : i64} : (tensor<i64>) -> tensor<i1>
  return
}
