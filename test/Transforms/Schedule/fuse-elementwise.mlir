// RUN: convoy-opt %s --cnn-decompose --cnn-fuse-elementwise | FileCheck %s
// RUN: convoy-opt %s --pass-pipeline='builtin.module(func.func(cnn-decompose,cnn-fuse-elementwise),%to-llvm)' \
// RUN:   | %run-main | FileCheck %s --check-prefix=NUMBERS

func.func private @printMemrefF32(%x: tensor<*xf32>)

// A chain of operations with one reader each becomes one loop nest.
// CHECK-LABEL: func.func @chain(
func.func @chain(%x: tensor<1x2x3xf32>, %y: tensor<1x2x3xf32>) -> tensor<1x2x3xf32> {
  // CHECK: linalg.generic
  // CHECK: arith.mulf
  // CHECK: arith.addf
  // CHECK: math.exp
  // CHECK-NOT: linalg.generic
  %0 = cnn.binary <mul> %x, %y : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %1 = cnn.binary <add> %0, %x : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %2 = cnn.unary <exp> %1 : (tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  // CHECK: return
  return %2 : tensor<1x2x3xf32>
}

// A gate with one value per channel is computed once per channel, not once per pixel.
// CHECK-LABEL: func.func @gate(
func.func @gate(%x: tensor<1x2x3xf32>, %s: tensor<1x2x1xf32>) -> tensor<1x2x3xf32> {
  // CHECK: %[[GATE:.+]] = linalg.generic
  // CHECK: math.exp
  // CHECK: linalg.generic {{.*}} ins({{.*}}%[[GATE]]
  // CHECK: arith.mulf
  %0 = cnn.unary <exp> %s : (tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  %1 = cnn.binary <mul> %x, %0 : (tensor<1x2x3xf32>, tensor<1x2x1xf32>) -> tensor<1x2x3xf32>
  return %1 : tensor<1x2x3xf32>
}

// Not fused: two readers would compute the exponential twice.
// CHECK-LABEL: func.func @two_readers(
func.func @two_readers(%x: tensor<1x2x3xf32>, %y: tensor<1x2x3xf32>) -> (tensor<1x2x3xf32>, tensor<1x2x3xf32>) {
  // CHECK: %[[E:.+]] = linalg.generic
  // CHECK: math.exp
  // CHECK: linalg.generic {{.*}} ins({{.*}}%[[E]]
  // CHECK: linalg.generic {{.*}} ins({{.*}}%[[E]]
  %0 = cnn.unary <exp> %x : (tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %1 = cnn.binary <add> %0, %y : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %2 = cnn.binary <mul> %0, %y : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  return %1, %2 : tensor<1x2x3xf32>, tensor<1x2x3xf32>
}

// Each sum has two readers, until one of them is joined with the other.
// CHECK-LABEL: func.func @ladder(
func.func @ladder(%x: tensor<1x2x3xf32>) -> tensor<1x2x3xf32> {
  // CHECK: linalg.generic
  // CHECK-COUNT-12: arith.addf
  // CHECK-NOT: linalg.generic
  %0 = cnn.binary <add> %x, %x : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %1 = cnn.binary <add> %0, %x : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %2 = cnn.binary <add> %1, %0 : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %3 = cnn.binary <add> %2, %1 : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %4 = cnn.binary <add> %3, %2 : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %5 = cnn.binary <add> %4, %3 : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %6 = cnn.binary <add> %5, %4 : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %7 = cnn.binary <add> %6, %5 : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %8 = cnn.binary <add> %7, %6 : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %9 = cnn.binary <add> %8, %7 : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %10 = cnn.binary <add> %9, %8 : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %11 = cnn.binary <add> %10, %9 : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  // CHECK: return
  return %11 : tensor<1x2x3xf32>
}

// exp(x * y + x) is 1 for x = 0; for x = 1 and y = -1, 0, 1: e^0, e^1, e^2.
// NUMBERS:      {{\[}}[1,    1,    1],
// NUMBERS-NEXT: [1,    2.71828,    7.38906]
// x * e^s with e^0 = 1 and e^(ln 2) = 2.
// NUMBERS:      {{\[}}[0,    0,    0],
// NUMBERS-NEXT: [2,    2,    2]
func.func @main() {
  %x = arith.constant dense<[[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]]> : tensor<1x2x3xf32>
  %y = arith.constant dense<[[[1.0, 2.0, 3.0], [-1.0, 0.0, 1.0]]]> : tensor<1x2x3xf32>
  %s = arith.constant dense<[[[0.0], [0.693147182]]]> : tensor<1x2x1xf32>
  %0 = call @chain(%x, %y) : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %1 = tensor.cast %0 : tensor<1x2x3xf32> to tensor<*xf32>
  call @printMemrefF32(%1) : (tensor<*xf32>) -> ()
  %2 = call @gate(%x, %s) : (tensor<1x2x3xf32>, tensor<1x2x1xf32>) -> tensor<1x2x3xf32>
  %3 = tensor.cast %2 : tensor<1x2x3xf32> to tensor<*xf32>
  call @printMemrefF32(%3) : (tensor<*xf32>) -> ()
  return
}
