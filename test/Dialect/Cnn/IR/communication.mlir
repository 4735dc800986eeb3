// RUN: convoy-opt %s --canonicalize --cse --split-input-file --verify-diagnostics | FileCheck %s

// Other devices wait for every communication, so none is dropped or merged, even if it is not used.
// CHECK-LABEL: func.func @unused(
func.func @unused(%x: tensor<1x2x4xf32>) {
  // CHECK-COUNT-2: cnn.all_gather
  %0 = cnn.all_gather %x {axis = 1 : i64, bounds = array<i64: 0, 3, 5>, device = 1 : i64} : (tensor<1x2x4xf32>) -> tensor<1x5x4xf32>
  %1 = cnn.all_gather %x {axis = 1 : i64, bounds = array<i64: 0, 3, 5>, device = 1 : i64} : (tensor<1x2x4xf32>) -> tensor<1x5x4xf32>
  // CHECK-COUNT-2: cnn.all_reduce
  %2 = cnn.all_reduce %x {device = 1 : i64, devices = 2 : i64} : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %3 = cnn.all_reduce %x {device = 1 : i64, devices = 2 : i64} : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // CHECK: cnn.halo_exchange
  %4 = cnn.halo_exchange %x {axis = 1 : i64, bounds = array<i64: 0, 3, 5>, before = 1 : i64, after = 0 : i64,
      device = 1 : i64} : (tensor<1x2x4xf32>) -> tensor<1x3x4xf32>
  return
}

// -----

// The operations that end an asynchronous exchange are not dropped either.
// CHECK-LABEL: func.func @asynchronous(
func.func @asynchronous(%x: memref<2xf32>, %y: memref<2xf32>) {
  // CHECK: cnn.all_reduce %[[X:.+]] outs(%[[Y:.+]]) {async, device = 0 : i64, devices = 2 : i64}
  cnn.all_reduce %x outs(%y) {async, device = 0 : i64, devices = 2 : i64} : (memref<2xf32>, memref<2xf32>) -> ()
  // CHECK: cnn.await %[[X]] into %[[Y]] : memref<2xf32>, memref<2xf32>
  cnn.await %x into %y : memref<2xf32>, memref<2xf32>
  // CHECK: cnn.release %[[X]], %[[Y]] : memref<2xf32>, memref<2xf32>
  cnn.release %x, %y : memref<2xf32>, memref<2xf32>
  return
}

// -----

func.func @gather_axis(%x: tensor<1x2xf32>) {
  // expected-error @below {{axis is 2 for rank 2}}
  // expected-error @below {{failed to infer returned types}}
  %0 = cnn.all_gather %x {axis = 2 : i64, bounds = array<i64: 0, 2>, device = 0 : i64} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  return
}

// -----

func.func @gather_bounds(%x: tensor<1x2xf32>) {
  // expected-error @below {{bounds do not grow from 0}}
  // expected-error @below {{failed to infer returned types}}
  %0 = cnn.all_gather %x {axis = 1 : i64, bounds = array<i64: 1, 2>, device = 0 : i64} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  return
}

// -----

func.func @gather_device(%x: tensor<1x2xf32>) {
  // expected-error @below {{device is 2 of 2}}
  // expected-error @below {{failed to infer returned types}}
  %0 = cnn.all_gather %x {axis = 1 : i64, bounds = array<i64: 0, 2, 4>, device = 2 : i64} : (tensor<1x2xf32>) -> tensor<1x4xf32>
  return
}

// -----

func.func @gather_extent(%x: tensor<1x2xf32>) {
  // expected-error @below {{device 0 holds 2 elements, not the 3 of bounds}}
  // expected-error @below {{failed to infer returned types}}
  %0 = cnn.all_gather %x {axis = 1 : i64, bounds = array<i64: 0, 3, 4>, device = 0 : i64} : (tensor<1x2xf32>) -> tensor<1x4xf32>
  return
}

// -----

func.func @halo_too_wide(%x: tensor<1x2xf32>) {
  // expected-error @below {{halo of 3 and 0 elements, device 0 holds 2}}
  // expected-error @below {{failed to infer returned types}}
  %0 = cnn.halo_exchange %x {axis = 1 : i64, bounds = array<i64: 0, 2, 6>, before = 3 : i64, after = 0 : i64,
      device = 0 : i64} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  return
}

// -----

func.func @sum_of_integers(%x: tensor<2xi32>) {
  // expected-error @below {{adds f32 only}}
  // expected-error @below {{failed to infer returned types}}
  %0 = cnn.all_reduce %x {device = 0 : i64, devices = 2 : i64} : (tensor<2xi32>) -> tensor<2xi32>
  return
}
