// RUN: convoy-opt %s --cnn-fold-constants --split-input-file | FileCheck %s
// RUN: convoy-opt %s --cnn-fold-constants=max-elements=3 --split-input-file | FileCheck %s --check-prefix=LIMIT

// Resource blobs are folded, too: [1, 2, 3, 4, 5, 6] as 2x3 is transposed, sliced and padded.
// CHECK-LABEL: func.func @blob(
// LIMIT-LABEL: func.func @blob(
func.func @blob() -> (tensor<3x2xf32>, tensor<2xf32>, tensor<3x3xf32>, tensor<6xf32>) {
  // CHECK:      %[[T:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 4.000000e+00],
  // CHECK-SAME:   [2.000000e+00, 5.000000e+00], [3.000000e+00, 6.000000e+00]]> : tensor<3x2xf32>
  // CHECK:      %[[S:.+]] = arith.constant dense<[1.000000e+00, 3.000000e+00]> : tensor<2xf32>
  // CHECK:      %[[P:.+]] = arith.constant dense<{{\[\[}}9.000000e+00, 9.000000e+00, 9.000000e+00],
  // CHECK-SAME:   [1.000000e+00, 2.000000e+00, 3.000000e+00], [4.000000e+00, 5.000000e+00, 6.000000e+00]]>
  // CHECK-SAME:   : tensor<3x3xf32>
  // CHECK:      %[[C:.+]] = arith.constant dense_resource<six> : tensor<6xf32>
  // CHECK-NOT: linalg.transpose
  // CHECK-NOT: tensor.
  // LIMIT-DAG: arith.constant dense<[1.000000e+00, 3.000000e+00]> : tensor<2xf32>
  %w = arith.constant dense_resource<six> : tensor<2x3xf32>
  %nine = arith.constant 9.0 : f32
  %e = tensor.empty() : tensor<3x2xf32>
  // LIMIT-DAG: linalg.transpose
  %t = linalg.transpose ins(%w : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
  %s = tensor.extract_slice %w[0, 0] [1, 2] [1, 2] : tensor<2x3xf32> to tensor<2xf32>
  // LIMIT-DAG: tensor.pad
  %p = tensor.pad %w low[1, 0] high[0, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %nine : f32
  } : tensor<2x3xf32> to tensor<3x3xf32>
  %c = tensor.collapse_shape %w [[0, 1]] : tensor<2x3xf32> into tensor<6xf32>
  // CHECK: return %[[T]], %[[S]], %[[P]], %[[C]]
  return %t, %s, %p, %c : tensor<3x2xf32>, tensor<2xf32>, tensor<3x3xf32>, tensor<6xf32>
}
{-#
  dialect_resources: {
    builtin: {
      six: "0x040000000000803F0000004000004040000080400000A0400000C040"
    }
  }
#-}

// -----

// Operations that round are computed in f64: 1 + 4 + 9 = 14; exp(0) = 1; (1 + 2 + 3) / 3 = 2.
// CHECK-LABEL: func.func @floats(
func.func @floats() -> (tensor<1xf32>, tensor<4xf32>, tensor<f32>, tensor<3xf32>) {
  // CHECK-DAG: %[[A:.+]] = arith.constant dense<1.400000e+01> : tensor<1xf32>
  // CHECK-DAG: %[[B:.+]] = arith.constant dense<1.000000e+00> : tensor<4xf32>
  // CHECK-DAG: %[[C:.+]] = arith.constant dense<2.000000e+00> : tensor<f32>
  // CHECK-DAG: %[[D:.+]] = arith.constant dense<[1.000000e+00, 4.000000e+00, 9.000000e+00]> : tensor<3xf32>
  // CHECK-NOT: arith.constant
  %x = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %two = arith.constant dense<2.0> : tensor<f32>
  %0 = cnn.reduce <sum_square> %x {axes = array<i64: 0>, keep_dims} : (tensor<3xf32>) -> tensor<1xf32>
  %1 = cnn.unary <exp> %zero : (tensor<4xf32>) -> tensor<4xf32>
  %2 = cnn.reduce <mean> %x {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<f32>
  %3 = cnn.binary <pow> %x, %two : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  // CHECK-NEXT: return %[[A]], %[[B]], %[[C]], %[[D]]
  return %0, %1, %2, %3 : tensor<1xf32>, tensor<4xf32>, tensor<f32>, tensor<3xf32>
}

// -----

// Splats stay splats, of any size. An operation whose result has more elements than its operands is not folded.
// CHECK-LABEL: func.func @growth(
func.func @growth() -> (tensor<64x64x64xf32>, tensor<64x64x2xf32>) {
  // CHECK-DAG: %[[S:.+]] = arith.constant dense<4.000000e+00> : tensor<64x64x64xf32>
  // CHECK-DAG: %[[V:.+]] = arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
  %two = arith.constant dense<2.0> : tensor<f32>
  %v = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  // CHECK-NEXT: %[[B:.+]] = cnn.broadcast %[[V]]
  %0 = cnn.broadcast %two {shape = array<i64: 64, 64, 64>} : (tensor<f32>) -> tensor<64x64x64xf32>
  %1 = cnn.binary <mul> %0, %0 : (tensor<64x64x64xf32>, tensor<64x64x64xf32>) -> tensor<64x64x64xf32>
  %2 = cnn.broadcast %v {shape = array<i64: 64, 64, 2>} : (tensor<2xf32>) -> tensor<64x64x2xf32>
  // CHECK-NEXT: return %[[S]], %[[B]]
  return %1, %2 : tensor<64x64x64xf32>, tensor<64x64x2xf32>
}

// -----

// A large result becomes a blob.
// CHECK-LABEL: func.func @large(
func.func @large() -> tensor<2x1024xf32> {
  // CHECK-NEXT: %[[R:.+]] = arith.constant dense_resource<weights{{.*}}> : tensor<2x1024xf32>
  %a = arith.constant dense<1.0> : tensor<1x1024xf32>
  %b = arith.constant dense<2.0> : tensor<1x1024xf32>
  %0 = cnn.concat %a, %b {axis = 0 : i64} : (tensor<1x1024xf32>, tensor<1x1024xf32>) -> tensor<2x1024xf32>
  // CHECK-NEXT: return %[[R]]
  return %0 : tensor<2x1024xf32>
}

// -----

// Not folded: an operand that is not constant, an activation, a negative power of an integer.
// CHECK-LABEL: func.func @not_constant(
func.func @not_constant(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<2xi64>) {
  %two = arith.constant dense<2.0> : tensor<4xf32>
  %minus = arith.constant dense<-1> : tensor<2xi64>
  // CHECK: cnn.binary <mul>
  %0 = cnn.binary <mul> %x, %two : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: cnn.binary <add>
  %1 = cnn.binary <add> %two, %two {activation = #cnn.function<relu>} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: cnn.binary <pow>
  %2 = cnn.binary <pow> %minus, %minus : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<2xi64>
}

// -----

// As a kernel computes them: a half to the even number, saturated; a NaN to the least number.
// CHECK-LABEL: func.func @quantize(
func.func @quantize() -> (tensor<2x3xi8>, tensor<2x2xf32>) {
  // CHECK-DAG: %[[Q:.+]] = arith.constant dense<{{\[\[}}3, 5, 127], [-128, -128, 1]]> : tensor<2x3xi8>
  // CHECK-DAG: %[[F:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, -1.500000e+00], [1.000000e+00, 3.000000e+00]]> : tensor<2x2xf32>
  // CHECK: return %[[Q]], %[[F]]
  %a = arith.constant dense<[[0.25, 1.25, 1000.0], [-1000.0, 0x7fc00000, 2.0]]> : tensor<2x3xf32>
  %s = arith.constant dense<[[0.5], [2.0]]> : tensor<2x1xf32>
  %z = arith.constant dense<[[3], [0]]> : tensor<2x1xi8>
  %0 = cnn.quantize %a, %s, %z : (tensor<2x3xf32>, tensor<2x1xf32>, tensor<2x1xi8>) -> tensor<2x3xi8>
  %b = arith.constant dense<[[2, 1], [2, 10]]> : tensor<2x2xui8>
  %t = arith.constant dense<0.5> : tensor<f32>
  %y = arith.constant dense<[0, 4]> : tensor<2xui8>
  %1 = cnn.dequantize %b, %t, %y : (tensor<2x2xui8>, tensor<f32>, tensor<2xui8>) -> tensor<2x2xf32>
  return %0, %1 : tensor<2x3xi8>, tensor<2x2xf32>
}
