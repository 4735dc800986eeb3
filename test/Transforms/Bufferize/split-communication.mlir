// RUN: convoy-opt %s --pass-pipeline='builtin.module(func.func(cnn-split-communication))' --split-input-file \
// RUN:   --verify-diagnostics | FileCheck %s

// An exchange starts as soon as its operand is computed, together with the allocation and the view that it
// needs. It is released after the await of the next exchange.
// CHECK-LABEL: func.func @main(
func.func @main(%x: memref<4x2xf32>, %y: memref<8xf32>, %z: memref<5x2xf32>, %w: memref<5x2xf32>) {
  // CHECK: %[[A:.+]] = memref.alloc() : memref<4x2xf32>
  %a = memref.alloc() : memref<4x2xf32>
  // CHECK: cnn.softmax %{{.+}} outs(%[[A]])
  cnn.softmax %x outs(%a) {axis = 0 : i64} : (memref<4x2xf32>, memref<4x2xf32>) -> ()
  // CHECK: %[[C:.+]] = memref.alloc() : memref<8xf32>
  %c = memref.alloc() : memref<8xf32>
  cnn.softmax %y outs(%c) {axis = 0 : i64} : (memref<8xf32>, memref<8xf32>) -> ()
  // CHECK: %[[B:.+]] = memref.alloc() : memref<5x2xf32>
  %b = memref.alloc() : memref<5x2xf32>
  // CHECK: cnn.all_gather %[[A]] outs(%[[B]]) {async, axis = 0 : i64
  cnn.all_gather %a outs(%b) {axis = 0 : i64, bounds = array<i64: 0, 4, 5>, device = 0 : i64} : (memref<4x2xf32>, memref<5x2xf32>) -> ()
  // CHECK: cnn.softmax %{{.+}} outs(%[[C]])
  cnn.softmax %b outs(%z) {axis = 0 : i64} : (memref<5x2xf32>, memref<5x2xf32>) -> ()
  // CHECK: %[[V:.+]] = memref.expand_shape %[[C]]
  %v = memref.expand_shape %c [[0, 1]] output_shape [4, 2] : memref<8xf32> into memref<4x2xf32>
  // CHECK: %[[D:.+]] = memref.alloc() : memref<5x2xf32>
  %d = memref.alloc() : memref<5x2xf32>
  // CHECK: cnn.halo_exchange %[[V]] outs(%[[D]]) {after = 1 : i64, async, axis = 0 : i64
  cnn.halo_exchange %v outs(%d) {axis = 0 : i64, bounds = array<i64: 0, 4, 8>, before = 1 : i64, after = 1 : i64,
      device = 0 : i64} : (memref<4x2xf32>, memref<5x2xf32>) -> ()
  // CHECK: cnn.await %[[A]] into %[[B]] : memref<4x2xf32>, memref<5x2xf32>
  // CHECK: cnn.softmax %[[B]]
  cnn.softmax %d outs(%w) {axis = 0 : i64} : (memref<5x2xf32>, memref<5x2xf32>) -> ()
  // CHECK: cnn.await %[[V]] into %[[D]]
  // CHECK: cnn.release %[[A]] : memref<4x2xf32>
  // CHECK: cnn.softmax %[[D]]
  // CHECK: cnn.release %[[V]]
  // CHECK: return
  return
}

// -----

// A buffer is released before it is written again. Other devices read the result of a sum, too.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:[^:]+]]: memref<4xf32>, %[[Y:[^:]+]]: memref<4xf32>
func.func @main(%x: memref<4xf32>, %y: memref<4xf32>) {
  %zero = arith.constant 0.0 : f32
  // CHECK: %[[A:.+]] = memref.alloc() : memref<4xf32>
  %a = memref.alloc() : memref<4xf32>
  // CHECK: %[[B:.+]] = memref.alloc() : memref<4xf32>
  %b = memref.alloc() : memref<4xf32>
  // CHECK: cnn.softmax %[[X]] outs(%[[A]])
  cnn.softmax %x outs(%a) {axis = 0 : i64} : (memref<4xf32>, memref<4xf32>) -> ()
  // CHECK: cnn.all_reduce %[[A]] outs(%[[B]]) {async,
  cnn.all_reduce %a outs(%b) {device = 0 : i64, devices = 2 : i64} : (memref<4xf32>, memref<4xf32>) -> ()
  // CHECK-NEXT: cnn.await %[[A]] into %[[B]]
  // CHECK-NEXT: cnn.softmax %[[B]] outs(%[[Y]])
  cnn.softmax %b outs(%y) {axis = 0 : i64} : (memref<4xf32>, memref<4xf32>) -> ()
  // CHECK-NEXT: cnn.release %[[A]], %[[B]] : memref<4xf32>, memref<4xf32>
  // CHECK-NEXT: cnn.softmax %[[X]] outs(%[[B]])
  cnn.softmax %x outs(%b) {axis = 0 : i64} : (memref<4xf32>, memref<4xf32>) -> ()
  // CHECK-NEXT: cnn.all_reduce %[[B]] outs(%[[A]]) {async,
  cnn.all_reduce %b outs(%a) {device = 0 : i64, devices = 2 : i64} : (memref<4xf32>, memref<4xf32>) -> ()
  // CHECK-NEXT: cnn.await %[[B]] into %[[A]]
  // CHECK-NEXT: cnn.release %[[B]], %[[A]]
  // CHECK-NEXT: linalg.fill
  linalg.fill ins(%zero : f32) outs(%a : memref<4xf32>)
  // CHECK-NEXT: return
  return
}

// -----

// At most eight exchanges are under way: the ninth starts after the release of the first.
// CHECK-LABEL: func.func @main(
func.func @main(%x: memref<2xf32>, %0: memref<2xf32>, %1: memref<2xf32>, %2: memref<2xf32>, %3: memref<2xf32>,
    %4: memref<2xf32>, %5: memref<2xf32>, %6: memref<2xf32>, %7: memref<2xf32>, %8: memref<2xf32>) {
  // CHECK-COUNT-8: cnn.all_reduce
  cnn.all_reduce %x outs(%0) {device = 0 : i64, devices = 2 : i64} : (memref<2xf32>, memref<2xf32>) -> ()
  // CHECK-NOT: cnn.all_reduce
  // CHECK: cnn.await
  // CHECK-NOT: cnn.all_reduce
  // CHECK: cnn.await
  // CHECK-NEXT: cnn.release
  // CHECK: cnn.all_reduce
  cnn.all_reduce %x outs(%1) {device = 0 : i64, devices = 2 : i64} : (memref<2xf32>, memref<2xf32>) -> ()
  // CHECK-COUNT-7: cnn.await
  // CHECK-NOT: cnn.await
  cnn.all_reduce %x outs(%2) {device = 0 : i64, devices = 2 : i64} : (memref<2xf32>, memref<2xf32>) -> ()
  cnn.all_reduce %x outs(%3) {device = 0 : i64, devices = 2 : i64} : (memref<2xf32>, memref<2xf32>) -> ()
  cnn.all_reduce %x outs(%4) {device = 0 : i64, devices = 2 : i64} : (memref<2xf32>, memref<2xf32>) -> ()
  cnn.all_reduce %x outs(%5) {device = 0 : i64, devices = 2 : i64} : (memref<2xf32>, memref<2xf32>) -> ()
  cnn.all_reduce %x outs(%6) {device = 0 : i64, devices = 2 : i64} : (memref<2xf32>, memref<2xf32>) -> ()
  cnn.all_reduce %x outs(%7) {device = 0 : i64, devices = 2 : i64} : (memref<2xf32>, memref<2xf32>) -> ()
  cnn.all_reduce %x outs(%8) {device = 0 : i64, devices = 2 : i64} : (memref<2xf32>, memref<2xf32>) -> ()
  // CHECK: return
  return
}

// -----

func.func @main(%x: tensor<4xf32>) {
  // expected-error @below {{is on tensors; cnn-split-communication needs buffers}}
  %0 = cnn.all_reduce %x {device = 0 : i64, devices = 2 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return
}
