// RUN: convoy-opt %s --cnn-widen-floats --split-input-file | FileCheck %s
// RUN: convoy-opt %s --cnn-widen-floats --canonicalize --split-input-file | FileCheck %s --check-prefix=CLEAN

// Arguments and results keep their type; what is between them is f32. Regions are a part of that.
// CHECK-LABEL: func.func @f16(
// CHECK-SAME: %[[X:.+]]: tensor<1x8xf16>, %{{.+}}: tensor<4xf16>) -> tensor<10x1xf16>
func.func @f16(%x: tensor<1x8xf16>, %unused: tensor<4xf16>) -> tensor<10x1xf16> {
  // CHECK-NEXT: %[[WIDE:.+]] = cnn.cast %[[X]] {to = f32} : (tensor<1x8xf16>) -> tensor<1x8xf32>
  // CHECK-NEXT: %[[C:.+]] = arith.constant dense<[1.000000e+00, 0.0999755859
  // CHECK-SAME: > : tensor<8xf32>
  %c = arith.constant dense<[1.0, 0.1, -2.0, 65504.0, 0x7C00, 0x0001, 3.0, 4.0]> : tensor<8xf16>
  // CHECK: %[[ADD:.+]] = cnn.binary <add> %[[WIDE]], %[[C]] : (tensor<1x8xf32>, tensor<8xf32>) -> tensor<1x8xf32>
  %0 = cnn.binary <add> %x, %c : (tensor<1x8xf16>, tensor<8xf16>) -> tensor<1x8xf16>
  // CHECK: %[[LOW:.+]] = arith.constant -1.000000e+00 : f32
  %low = arith.constant -1.0 : f16
  // CHECK: %[[PAD:.+]] = tensor.pad %[[ADD]]
  // CHECK: tensor.yield %[[LOW]] : f32
  // CHECK: tensor<1x8xf32> to tensor<1x10xf32>
  %1 = tensor.pad %0 low[0, 1] high[0, 1] {
  ^bb0(%a: index, %b: index):
    tensor.yield %low : f16
  } : tensor<1x8xf16> to tensor<1x10xf16>
  // CHECK: %[[INIT:.+]] = tensor.empty() : tensor<10x1xf32>
  %init = tensor.empty() : tensor<10x1xf16>
  // CHECK: %[[T:.+]] = linalg.transpose ins(%[[PAD]] : tensor<1x10xf32>) outs(%[[INIT]] : tensor<10x1xf32>)
  %2 = linalg.transpose ins(%1 : tensor<1x10xf16>) outs(%init : tensor<10x1xf16>) permutation = [1, 0]
  // CHECK: %[[Y:.+]] = cnn.cast %[[T]] {to = f16} : (tensor<10x1xf32>) -> tensor<10x1xf16>
  // CHECK-NEXT: return %[[Y]] : tensor<10x1xf16>
  return %2 : tensor<10x1xf16>
}

// -----

// A resource and a splat of bf16. The same constant twice is one blob.
// CHECK-LABEL: func.func @bf16(
func.func @bf16() -> (tensor<4xbf16>, tensor<2xbf16>, tensor<4xbf16>) {
  // CHECK: arith.constant dense<[1.000000e+00, -2.000000e+00, 0x7F800000, 0.000000e+00]> : tensor<4xf32>
  %a = arith.constant dense_resource<w> : tensor<4xbf16>
  // CHECK: arith.constant dense<5.000000e-01> : tensor<2xf32>
  %b = arith.constant dense<0.5> : tensor<2xbf16>
  // CHECK: arith.constant dense<[1.000000e+00, -2.000000e+00, 0x7F800000, 0.000000e+00]> : tensor<4xf32>
  %c = arith.constant dense_resource<w> : tensor<4xbf16>
  // CHECK-COUNT-3: {to = bf16}
  return %a, %b, %c : tensor<4xbf16>, tensor<2xbf16>, tensor<4xbf16>
}

{-#
  dialect_resources: {
    builtin: {
      w: "0x02000000803F00C0807F0000"
    }
  }
#-}

// -----

// A cast that narrows rounds: it stays, and a cast back follows. One that widens has nothing left to do.
// CHECK-LABEL: func.func @casts(
// CLEAN-LABEL: func.func @casts(
func.func @casts(%x: tensor<4xf32>, %h: tensor<4xf16>, %i: tensor<4xi32>, %b: tensor<4xi1>)
    -> (tensor<4xf32>, tensor<4xf16>, tensor<4xf32>, tensor<4xf32>, tensor<4xf16>) {
  // CHECK: %[[H:.+]] = cnn.cast %arg1 {to = f32}
  // CHECK: %[[R:.+]] = cnn.cast %arg0 {to = f16} : (tensor<4xf32>) -> tensor<4xf16>
  // CHECK: %[[W:.+]] = cnn.cast %[[R]] {to = f32} : (tensor<4xf16>) -> tensor<4xf32>
  // CLEAN: %[[R:.+]] = cnn.cast %arg0 {to = f16}
  // CLEAN: %[[W:.+]] = cnn.cast %[[R]] {to = f32}
  // CLEAN: %[[ADD:.+]] = cnn.binary <add> %[[W]], %{{.+}} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %0 = cnn.cast %x {to = f16} : (tensor<4xf32>) -> tensor<4xf16>
  %1 = cnn.binary <add> %0, %h : (tensor<4xf16>, tensor<4xf16>) -> tensor<4xf16>
  %2 = cnn.cast %1 {to = f32} : (tensor<4xf16>) -> tensor<4xf32>
  // An integer becomes f32 and rounds then; f16 holds all booleans.
  // CHECK: %[[I:.+]] = cnn.cast %arg2 {to = f32} : (tensor<4xi32>) -> tensor<4xf32>
  // CHECK-NEXT: %[[IR:.+]] = cnn.cast %[[I]] {to = bf16}
  // CHECK-NEXT: cnn.cast %[[IR]] {to = f32}
  // CLEAN: %[[I:.+]] = cnn.cast %arg2 {to = f32}
  // CLEAN: %[[IR:.+]] = cnn.cast %[[I]] {to = bf16}
  // CLEAN: %[[IW:.+]] = cnn.cast %[[IR]] {to = f32}
  %3 = cnn.cast %i {to = bf16} : (tensor<4xi32>) -> tensor<4xbf16>
  %4 = cnn.cast %3 {to = f32} : (tensor<4xbf16>) -> tensor<4xf32>
  // CHECK: %[[B:.+]] = cnn.cast %arg3 {to = f32} : (tensor<4xi1>) -> tensor<4xf32>
  // CLEAN: %[[B:.+]] = cnn.cast %arg3 {to = f32}
  %5 = cnn.cast %b {to = f16} : (tensor<4xi1>) -> tensor<4xf16>
  %6 = cnn.cast %5 {to = f32} : (tensor<4xf16>) -> tensor<4xf32>
  // CLEAN: return %[[ADD]], %[[R]], %[[IW]], %[[B]], %arg1
  return %2, %0, %4, %6, %h : tensor<4xf32>, tensor<4xf16>, tensor<4xf32>, tensor<4xf32>, tensor<4xf16>
}

// -----

// f64 stays where an operation computes in it. Between two operations that do not, no cast is left.
// CHECK-LABEL: func.func @f64(
// CLEAN-LABEL: func.func @f64(
func.func @f64(%x: tensor<1x2x4x4xf64>, %w: tensor<2x2x1x1xf64>) -> tensor<1x2x4x4xf64> {
  // CHECK: %[[E:.+]] = cnn.unary <exp> %arg0 : (tensor<1x2x4x4xf64>) -> tensor<1x2x4x4xf64>
  // CHECK: %[[NX:.+]] = cnn.cast %[[E]] {to = f32}
  // CHECK: %[[NW:.+]] = cnn.cast %arg1 {to = f32}
  // CHECK: %[[CONV:.+]] = cnn.conv %[[NX]], %[[NW]]
  // CHECK-SAME: (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  // CHECK: cnn.cast %[[CONV]] {to = f64}
  // CLEAN: %[[CONV:.+]] = cnn.conv
  // CLEAN-NEXT: %[[LRN:.+]] = cnn.lrn %[[CONV]]
  // CLEAN-NEXT: %[[WIDE:.+]] = cnn.cast %[[LRN]] {to = f64}
  // CLEAN-NEXT: return %[[WIDE]]
  %0 = cnn.unary <exp> %x : (tensor<1x2x4x4xf64>) -> tensor<1x2x4x4xf64>
  %1 = cnn.conv %0, %w {window = #cnn.window<[1, 1]>} : (tensor<1x2x4x4xf64>, tensor<2x2x1x1xf64>) -> tensor<1x2x4x4xf64>
  %2 = cnn.lrn %1 {alpha = 1.0e-04 : f32, beta = 7.5e-01 : f32, bias = 1.0 : f32, size = 3 : i64}
    : (tensor<1x2x4x4xf64>) -> tensor<1x2x4x4xf64>
  return %2 : tensor<1x2x4x4xf64>
}

// -----

// A function of f32 and integers stays as it is.
// CHECK-LABEL: func.func @f32(
func.func @f32(%x: tensor<4xf32>, %i: tensor<2xi64>) -> tensor<2xf32> {
  // CHECK-NEXT: cnn.gather %arg0, %arg1
  // CHECK-NEXT: return
  %0 = cnn.gather %x, %i {axis = 0 : i64} : (tensor<4xf32>, tensor<2xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// A body that converts its elements needs to do so no longer; f64 stays.
// CHECK-LABEL: func.func @compute(
func.func @compute(%x: tensor<4xbf16>, %z: tensor<4xf64>) -> (tensor<4xbf16>, tensor<4xf64>) {
  // CHECK: cnn.compute "double" points [4] %{{.+}} : (tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: ^bb0(%[[I:.+]]: index, %[[IN:.+]]: memref<4xf32>, %[[OUT:.+]]: memref<4xf32>):
  // CHECK-NEXT: %[[A:.+]] = memref.load %[[IN]][%[[I]]] : memref<4xf32>
  // CHECK-NEXT: %[[B:.+]] = arith.addf %[[A]], %[[A]] : f32
  // CHECK-NEXT: memref.store %[[B]], %[[OUT]][%[[I]]] : memref<4xf32>
  %0 = cnn.compute "double" points [4] %x : (tensor<4xbf16>) -> tensor<4xbf16> {
  ^bb0(%i: index, %in: memref<4xbf16>, %out: memref<4xbf16>):
    %a = memref.load %in[%i] : memref<4xbf16>
    %wide = arith.extf %a : bf16 to f32
    %b = arith.addf %wide, %wide : f32
    %narrow = arith.truncf %b : f32 to bf16
    memref.store %narrow, %out[%i] : memref<4xbf16>
  }
  // CHECK: cnn.compute "copy" points [4] %{{.+}} : (tensor<4xf64>) -> tensor<4xf64> {
  %1 = cnn.compute "copy" points [4] %z : (tensor<4xf64>) -> tensor<4xf64> {
  ^bb0(%i: index, %in: memref<4xf64>, %out: memref<4xf64>):
    %a = memref.load %in[%i] : memref<4xf64>
    memref.store %a, %out[%i] : memref<4xf64>
  }
  return %0, %1 : tensor<4xbf16>, tensor<4xf64>
}

// -----

// Bits are those of the narrow type.
// CHECK-LABEL: func.func @bits(
// CHECK-SAME: %[[X:.+]]: tensor<4xbf16>) -> tensor<4xf16>
func.func @bits(%x: tensor<4xbf16>) -> tensor<4xf16> {
  // CHECK: %[[NARROW:.+]] = cnn.cast %{{.+}} {to = bf16}
  // CHECK-NEXT: %[[BITS:.+]] = cnn.bitcast %[[NARROW]] {to = f16} : (tensor<4xbf16>) -> tensor<4xf16>
  // CHECK-NEXT: %[[WIDE:.+]] = cnn.cast %[[BITS]] {to = f32}
  // CHECK-NEXT: cnn.unary <relu> %[[WIDE]] : (tensor<4xf32>) -> tensor<4xf32>
  %0 = cnn.bitcast %x {to = f16} : (tensor<4xbf16>) -> tensor<4xf16>
  %1 = cnn.unary <relu> %0 : (tensor<4xf16>) -> tensor<4xf16>
  return %1 : tensor<4xf16>
}
