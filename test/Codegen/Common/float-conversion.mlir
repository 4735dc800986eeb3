// RUN: convoy-opt %s --cnn-approximate-math | FileCheck %s

// Conversions that would need a function of a runtime library are integer arithmetic. The others stay.

// CHECK-LABEL: func.func @to_bf16(
func.func @to_bf16(%x: vector<8xf32>) -> vector<8xbf16> {
  // CHECK-NOT: arith.truncf
  // CHECK: arith.cmpf uno, %arg0, %arg0 : vector<8xf32>
  // CHECK: arith.trunci %{{.+}} : vector<8xi32> to vector<8xi16>
  // CHECK-NEXT: arith.bitcast %{{.+}} : vector<8xi16> to vector<8xbf16>
  %0 = arith.truncf %x : vector<8xf32> to vector<8xbf16>
  return %0 : vector<8xbf16>
}

// CHECK-LABEL: func.func @from_bf16(
func.func @from_bf16(%x: bf16) -> f64 {
  // CHECK-NOT: bf16 to f
  // CHECK: %[[BITS:.+]] = arith.bitcast %arg0 : bf16 to i16
  // CHECK-NEXT: %[[WIDE:.+]] = arith.extui %[[BITS]] : i16 to i32
  // CHECK: %[[HIGH:.+]] = arith.shli %[[WIDE]], %{{.+}} : i32
  // CHECK: %[[F32:.+]] = arith.bitcast %[[HIGH]] : i32 to f32
  // CHECK: arith.extf %[[F32]] : f32 to f64
  %0 = arith.extf %x : bf16 to f64
  return %0 : f64
}

// From f64, a rounding to odd comes first, so that f16 is rounded once.
// CHECK-LABEL: func.func @f64_to_f16(
func.func @f64_to_f16(%x: f64) -> f16 {
  // CHECK: %[[NEAR:.+]] = arith.truncf %arg0 : f64 to f32
  // CHECK: %[[BACK:.+]] = arith.extf %[[NEAR]] : f32 to f64
  // CHECK: arith.cmpf ogt
  // CHECK: arith.cmpf one, %[[BACK]], %arg0 : f64
  // CHECK: %[[ODD:.+]] = arith.bitcast %{{.+}} : i32 to f32
  // CHECK: arith.truncf %[[ODD]] : f32 to f16
  %0 = arith.truncf %x : f64 to f16
  return %0 : f16
}

// CHECK-LABEL: func.func @integer_to_bf16(
func.func @integer_to_bf16(%x: i32) -> bf16 {
  // CHECK: arith.sitofp %arg0 : i32 to f32
  // CHECK-NOT: arith.truncf
  // CHECK: arith.bitcast %{{.+}} : i16 to bf16
  %0 = arith.sitofp %x : i32 to bf16
  return %0 : bf16
}

// CHECK-LABEL: func.func @to_f16(
func.func @to_f16(%x: vector<8xf32>) -> vector<8xf16> {
  // CHECK-NEXT: arith.truncf %arg0
  // CHECK-NEXT: return
  %0 = arith.truncf %x : vector<8xf32> to vector<8xf16>
  return %0 : vector<8xf16>
}

// Functions of f64 stay f64.
// CHECK-LABEL: func.func @exp(
func.func @exp(%x: vector<4xf64>) -> vector<4xf64> {
  // CHECK-NOT: math.exp
  // CHECK-NOT: arith.truncf
  // CHECK: arith.shli %{{.+}} : vector<4xi64>
  %0 = math.exp %x : vector<4xf64>
  return %0 : vector<4xf64>
}
