// RUN: convoy-opt %s --canonicalize --split-input-file | FileCheck %s

// Shape arithmetic, as an exporter writes it for x.view(x.size(0), -1): the first element of the shape
// [2, 3, 4] and the product of the others give [2, 12].
// CHECK-LABEL: func.func @shape_arithmetic(
func.func @shape_arithmetic() -> tensor<2xi64> {
  // CHECK-NEXT: %[[C:.+]] = arith.constant dense<[2, 12]> : tensor<2xi64>
  %shape = arith.constant dense<[2, 3, 4]> : tensor<3xi64>
  %first = arith.constant dense<[0]> : tensor<1xi64>
  %rest = arith.constant dense<[1, -1]> : tensor<2xi64>
  %0 = cnn.gather %shape, %first {axis = 0 : i64} : (tensor<3xi64>, tensor<1xi64>) -> tensor<1xi64>
  %1 = cnn.gather %shape, %rest {axis = 0 : i64} : (tensor<3xi64>, tensor<2xi64>) -> tensor<2xi64>
  %2 = cnn.reduce <prod> %1 {axes = array<i64: 0>, keep_dims} : (tensor<2xi64>) -> tensor<1xi64>
  %3 = cnn.concat %0, %2 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  // CHECK-NEXT: return %[[C]]
  return %3 : tensor<2xi64>
}

// -----

// CHECK-LABEL: func.func @integers(
func.func @integers() -> (tensor<2xi64>, tensor<2xi64>, tensor<2xi1>, tensor<2xi64>, tensor<2xf32>, tensor<2xi1>,
    tensor<2xi32>, tensor<i64>) {
  // CHECK-DAG: %[[DIV:.+]] = arith.constant dense<[-3, 3]> : tensor<2xi64>
  // CHECK-DAG: %[[MOD:.+]] = arith.constant dense<1> : tensor<2xi64>
  // CHECK-DAG: %[[LESS:.+]] = arith.constant dense<[true, false]> : tensor<2xi1>
  // CHECK-DAG: %[[SEL:.+]] = arith.constant dense<[-7, 2]> : tensor<2xi64>
  // CHECK-DAG: %[[CAST:.+]] = arith.constant dense<[-7.000000e+00, 7.000000e+00]> : tensor<2xf32>
  // CHECK-DAG: %[[NOT:.+]] = arith.constant dense<[false, true]> : tensor<2xi1>
  // CHECK-DAG: %[[WRAP:.+]] = arith.constant dense<[-7, 7]> : tensor<2xi32>
  // CHECK-DAG: %[[MAX:.+]] = arith.constant dense<7> : tensor<i64>
  %x = arith.constant dense<[-7, 7]> : tensor<2xi64>
  %two = arith.constant dense<2> : tensor<i64>
  %0 = cnn.binary <div> %x, %two : (tensor<2xi64>, tensor<i64>) -> tensor<2xi64>
  %1 = cnn.binary <mod> %x, %two : (tensor<2xi64>, tensor<i64>) -> tensor<2xi64>
  %2 = cnn.binary <less> %x, %two : (tensor<2xi64>, tensor<i64>) -> tensor<2xi1>
  %3 = cnn.select %2, %x, %two : (tensor<2xi1>, tensor<2xi64>, tensor<i64>) -> tensor<2xi64>
  %4 = cnn.cast %x {to = f32} : (tensor<2xi64>) -> tensor<2xf32>
  %5 = cnn.unary <logical_not> %2 : (tensor<2xi1>) -> tensor<2xi1>
  %6 = cnn.cast %x {to = i32} : (tensor<2xi64>) -> tensor<2xi32>
  %7 = cnn.reduce <max> %x {axes = array<i64: 0>} : (tensor<2xi64>) -> tensor<i64>
  // CHECK: return %[[DIV]], %[[MOD]], %[[LESS]], %[[SEL]], %[[CAST]], %[[NOT]], %[[WRAP]], %[[MAX]]
  return %0, %1, %2, %3, %4, %5, %6, %7
      : tensor<2xi64>, tensor<2xi64>, tensor<2xi1>, tensor<2xi64>, tensor<2xf32>, tensor<2xi1>, tensor<2xi32>,
      tensor<i64>
}

// -----

// Unsigned numbers are compared, divided and shifted without a sign, and wrap around; so do those of 4 bits. A division by
// zero gives 0.
// CHECK-LABEL: func.func @unsigned(
func.func @unsigned() -> (tensor<2xui8>, tensor<2xi1>, tensor<2xui8>, tensor<2xui8>, tensor<2xi4>, tensor<2xi32>) {
  // CHECK-DAG: %[[SUM:.+]] = arith.constant dense<[199, 5]> : tensor<2xui8>
  // CHECK-DAG: %[[LESS:.+]] = arith.constant dense<[false, true]> : tensor<2xi1>
  // CHECK-DAG: %[[DIV:.+]] = arith.constant dense<[100, 0]> : tensor<2xui8>
  // CHECK-DAG: %[[SHIFT:.+]] = arith.constant dense<[50, 0]> : tensor<2xui8>
  // CHECK-DAG: %[[NIBBLE:.+]] = arith.constant dense<[-8, 6]> : tensor<2xi4>
  // CHECK-DAG: %[[BITS:.+]] = arith.constant dense<[1065353216, -1073741824]> : tensor<2xi32>
  %x = arith.constant dense<[200, 6]> : tensor<2xui8>
  %y = arith.constant dense<[2, 0]> : tensor<2xui8>
  %last = arith.constant dense<255> : tensor<ui8>
  %limit = arith.constant dense<100> : tensor<ui8>
  %by = arith.constant dense<[2, 9]> : tensor<2xui8>
  %f = arith.constant dense<[1.0, -2.0]> : tensor<2xf32>
  %0 = cnn.binary <add> %x, %last : (tensor<2xui8>, tensor<ui8>) -> tensor<2xui8>
  %1 = cnn.binary <less> %x, %limit : (tensor<2xui8>, tensor<ui8>) -> tensor<2xi1>
  %2 = cnn.binary <div> %x, %y : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  %3 = cnn.binary <shift_right> %x, %by : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  %4 = cnn.cast %x {to = i4} : (tensor<2xui8>) -> tensor<2xi4>
  %5 = cnn.bitcast %f {to = i32} : (tensor<2xf32>) -> tensor<2xi32>
  // CHECK: return %[[SUM]], %[[LESS]], %[[DIV]], %[[SHIFT]], %[[NIBBLE]], %[[BITS]]
  return %0, %1, %2, %3, %4, %5 : tensor<2xui8>, tensor<2xi1>, tensor<2xui8>, tensor<2xui8>, tensor<2xi4>, tensor<2xi32>
}

// -----

// If the lower bound of a clip is above the upper one, the result is the upper one, as in kernels.
// CHECK-LABEL: func.func @clip(
// CHECK-DAG:     %[[CROSSED:.+]] = arith.constant dense<3.000000e+00> : tensor<2xf32>
// CHECK-DAG:     %[[INT:.+]] = arith.constant dense<[0, 6]> : tensor<2xi32>
// CHECK:         return %[[CROSSED]], %[[INT]]
func.func @clip() -> (tensor<2xf32>, tensor<2xi32>) {
  %x = arith.constant dense<[0.0, 7.0]> : tensor<2xf32>
  %i = arith.constant dense<[-1, 7]> : tensor<2xi32>
  %0 = cnn.unary <clip, alpha = 5.0 : f32, beta = 3.0 : f32> %x : (tensor<2xf32>) -> tensor<2xf32>
  %1 = cnn.unary <clip, alpha = 0.0 : f32, beta = 6.0 : f32> %i : (tensor<2xi32>) -> tensor<2xi32>
  return %0, %1 : tensor<2xf32>, tensor<2xi32>
}

// -----

// Operations on floats are folded if IEEE 754 prescribes every bit of the result: 1/3, a square root.
// CHECK-LABEL: func.func @floats(
func.func @floats() -> (tensor<f32>, tensor<f32>, tensor<2xf32>, tensor<2xi64>) {
  // CHECK-DAG: %[[THIRD:.+]] = arith.constant dense<0.333333343> : tensor<f32>
  // CHECK-DAG: %[[ROOT:.+]] = arith.constant dense<1.73205078> : tensor<f32>
  // CHECK-DAG: %[[EVEN:.+]] = arith.constant dense<[2.000000e+00, -2.000000e+00]> : tensor<2xf32>
  // CHECK-DAG: %[[INT:.+]] = arith.constant dense<[2, -1]> : tensor<2xi64>
  %one = arith.constant dense<1.0> : tensor<f32>
  %three = arith.constant dense<3.0> : tensor<f32>
  %x = arith.constant dense<[2.5, -1.5]> : tensor<2xf32>
  %0 = cnn.binary <div> %one, %three : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %1 = cnn.unary <sqrt> %three : (tensor<f32>) -> tensor<f32>
  %2 = cnn.unary <round> %x : (tensor<2xf32>) -> tensor<2xf32>
  %3 = cnn.cast %x {to = i64} : (tensor<2xf32>) -> tensor<2xi64>
  // CHECK: return %[[THIRD]], %[[ROOT]], %[[EVEN]], %[[INT]]
  return %0, %1, %2, %3 : tensor<f32>, tensor<f32>, tensor<2xf32>, tensor<2xi64>
}

// -----

// CHECK-LABEL: func.func @choose(
// CHECK-SAME:    %[[X:.+]]: tensor<4xf32>, %[[Y:.+]]: tensor<4xf32>, %[[C:.+]]: tensor<i1>)
func.func @choose(%x: tensor<4xf32>, %y: tensor<4xf32>, %c: tensor<i1>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %true = arith.constant dense<true> : tensor<i1>
  %false = arith.constant dense<false> : tensor<i1>
  %0 = cnn.choose %true, %x, %y : (tensor<i1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = cnn.choose %false, %x, %y : (tensor<i1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = cnn.choose %c, %y, %y : (tensor<i1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK-NEXT: return %[[X]], %[[Y]], %[[Y]]
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @identities(
func.func @identities(%x: tensor<2x16x4xf32>, %i: tensor<4xi64>) -> (tensor<2x16x4xf32>, tensor<4xi64>) {
  %one = arith.constant dense<1.0> : tensor<f32>
  %minus_zero = arith.constant dense<-0.0> : tensor<f32>
  %zero = arith.constant dense<0> : tensor<i64>
  %true = arith.constant dense<true> : tensor<i1>
  %0 = cnn.unary <identity> %x : (tensor<2x16x4xf32>) -> tensor<2x16x4xf32>
  %1 = cnn.binary <mul> %one, %0 : (tensor<f32>, tensor<2x16x4xf32>) -> tensor<2x16x4xf32>
  %2 = cnn.binary <add> %1, %minus_zero : (tensor<2x16x4xf32>, tensor<f32>) -> tensor<2x16x4xf32>
  %3 = cnn.select %true, %2, %one : (tensor<i1>, tensor<2x16x4xf32>, tensor<f32>) -> tensor<2x16x4xf32>
  %4 = cnn.cast %3 {to = f32} : (tensor<2x16x4xf32>) -> tensor<2x16x4xf32>
  %5 = cnn.concat %4 {axis = 1 : i64} : (tensor<2x16x4xf32>) -> tensor<2x16x4xf32>
  %6 = cnn.broadcast %5 {shape = array<i64: 16, 1>} : (tensor<2x16x4xf32>) -> tensor<2x16x4xf32>
  %7 = cnn.reduce <sum> %6 {axes = array<i64>, keep_dims} : (tensor<2x16x4xf32>) -> tensor<2x16x4xf32>
  %8 = cnn.reorder %7 {block = 8 : i64} : (tensor<2x16x4xf32>) -> tensor<2x2x4x8xf32>
  %9 = cnn.reorder %8 {block = 0 : i64, channels = 16 : i64} : (tensor<2x2x4x8xf32>) -> tensor<2x16x4xf32>
  %10 = cnn.binary <add> %zero, %i : (tensor<i64>, tensor<4xi64>) -> tensor<4xi64>
  // CHECK-NEXT: return %arg0, %arg1
  return %9, %10 : tensor<2x16x4xf32>, tensor<4xi64>
}

// -----

// Not folded: the addition of +0, which changes the sign of -0; an exponential, which machines round
// differently; a result that is too large; an index that is out of range; a sum of floats; a number that
// no integer can represent; reorders between blocks of different sizes.
// CHECK-LABEL: func.func @stay(
func.func @stay(%x: tensor<4xf32>, %y: tensor<2x16x4xf32>)
    -> (tensor<4xf32>, tensor<f32>, tensor<1024x2xi64>, tensor<1xi64>, tensor<f32>, tensor<i64>,
    tensor<2x1x4x4x16xf32>) {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %huge = arith.constant dense<1.0e30> : tensor<f32>
  %pair = arith.constant dense<[1, 2]> : tensor<2xi64>
  %outside = arith.constant dense<[2]> : tensor<1xi64>
  %v = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  // CHECK-DAG: cnn.binary <add>
  %0 = cnn.binary <add> %x, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  // CHECK-DAG: cnn.unary <exp>
  %1 = cnn.unary <exp> %zero : (tensor<f32>) -> tensor<f32>
  // CHECK-DAG: cnn.broadcast
  %2 = cnn.broadcast %pair {shape = array<i64: 1024, 2>} : (tensor<2xi64>) -> tensor<1024x2xi64>
  // CHECK-DAG: cnn.gather
  %3 = cnn.gather %pair, %outside {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<1xi64>
  %4 = cnn.reduce <sum> %v {axes = array<i64: 0>} : (tensor<2xf32>) -> tensor<f32>
  // CHECK-DAG: cnn.cast
  // CHECK-DAG: cnn.reduce <sum>
  %5 = cnn.cast %huge {to = i64} : (tensor<f32>) -> tensor<i64>
  // CHECK-DAG: cnn.reorder %arg1
  %6 = cnn.reorder %y {block = 4 : i64} : (tensor<2x16x4xf32>) -> tensor<2x4x4x4xf32>
  %7 = cnn.reorder %6 {block = 16 : i64} : (tensor<2x4x4x4xf32>) -> tensor<2x1x4x4x16xf32>
  return %0, %1, %2, %3, %4, %5, %7
      : tensor<4xf32>, tensor<f32>, tensor<1024x2xi64>, tensor<1xi64>, tensor<f32>, tensor<i64>,
      tensor<2x1x4x4x16xf32>
}

// -----

// Operations with destinations or on memrefs are not folded: they must write their destination.
// CHECK-LABEL: func.func @destinations(
func.func @destinations(%x: tensor<4xf32>, %y: tensor<4xf32>, %m: memref<4xf32>, %n: memref<4xf32>) -> tensor<4xf32> {
  // CHECK: cnn.unary <identity> %arg0 outs(%arg1)
  %0 = cnn.unary <identity> %x outs(%y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: cnn.unary <identity> %arg2 outs(%arg3)
  cnn.unary <identity> %m outs(%n) : (memref<4xf32>, memref<4xf32>) -> ()
  // CHECK: cnn.cast %arg2 outs(%arg3)
  cnn.cast %m outs(%n) {to = f32} : (memref<4xf32>, memref<4xf32>) -> ()
  return %0 : tensor<4xf32>
}

// A reorder can read shuffled channels without a shuffled copy: 2 groups of 3 become 3 groups of 2.
// CHECK-LABEL: func.func @reorder_of_shuffle(
func.func @reorder_of_shuffle(%x: tensor<1x6x4xf32>) -> tensor<1x2x4x4xf32> {
  %0 = tensor.expand_shape %x [[0], [1, 2], [3]] output_shape [1, 2, 3, 4] : tensor<1x6x4xf32> into tensor<1x2x3x4xf32>
  %1 = tensor.empty() : tensor<1x3x2x4xf32>
  %2 = linalg.transpose ins(%0 : tensor<1x2x3x4xf32>) outs(%1 : tensor<1x3x2x4xf32>) permutation = [0, 2, 1, 3]
  %3 = tensor.collapse_shape %2 [[0], [1, 2], [3]] : tensor<1x3x2x4xf32> into tensor<1x6x4xf32>
  // CHECK-NEXT: %[[R:.+]] = cnn.reorder %arg0 {block = 4 : i64, shuffle = 2 : i64} : (tensor<1x6x4xf32>) -> tensor<1x2x4x4xf32>
  %4 = cnn.reorder %3 {block = 4 : i64} : (tensor<1x6x4xf32>) -> tensor<1x2x4x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %4 : tensor<1x2x4x4xf32>
}

// A reorder back does not undo a reorder with a shuffle, and not every transpose is a shuffle.
// CHECK-LABEL: func.func @reorder_without_shuffle(
func.func @reorder_without_shuffle(%x: tensor<1x6x4xf32>, %y: tensor<2x1x3x4xf32>) -> (tensor<1x6x4xf32>, tensor<1x2x4x4xf32>) {
  // CHECK: cnn.reorder %arg0 {block = 4 : i64, shuffle = 2 : i64}
  %0 = cnn.reorder %x {block = 4 : i64, shuffle = 2 : i64} : (tensor<1x6x4xf32>) -> tensor<1x2x4x4xf32>
  // CHECK: cnn.reorder %{{.+}} {block = 0 : i64, channels = 6 : i64}
  %1 = cnn.reorder %0 {block = 0 : i64, channels = 6 : i64} : (tensor<1x2x4x4xf32>) -> tensor<1x6x4xf32>
  %2 = tensor.empty() : tensor<1x2x3x4xf32>
  // CHECK: linalg.transpose
  %3 = linalg.transpose ins(%y : tensor<2x1x3x4xf32>) outs(%2 : tensor<1x2x3x4xf32>) permutation = [1, 0, 2, 3]
  %4 = tensor.collapse_shape %3 [[0], [1, 2], [3]] : tensor<1x2x3x4xf32> into tensor<1x6x4xf32>
  // CHECK: cnn.reorder %{{.+}} {block = 4 : i64} :
  %5 = cnn.reorder %4 {block = 4 : i64} : (tensor<1x6x4xf32>) -> tensor<1x2x4x4xf32>
  return %1, %5 : tensor<1x6x4xf32>, tensor<1x2x4x4xf32>
}

// A sum, a product, ... of nothing is the neutral element, of any size.
// CHECK-LABEL: func.func @reduce_nothing(
func.func @reduce_nothing() -> (tensor<60x70xf32>, tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i32>, tensor<1xi32>) {
  %x = arith.constant dense<> : tensor<0x60x70xf32>
  %i = arith.constant dense<> : tensor<0xi32>
  // CHECK-DAG: %[[SUM:.+]] = arith.constant dense<0.000000e+00> : tensor<60x70xf32>
  %0 = cnn.reduce <sum> %x {axes = array<i64: 0>} : (tensor<0x60x70xf32>) -> tensor<60x70xf32>
  %e = arith.constant dense<> : tensor<0xf32>
  // CHECK-DAG: %[[MAX:.+]] = arith.constant dense<0xFF800000> : tensor<1xf32>
  %1 = cnn.reduce <max> %e {axes = array<i64: 0>, keep_dims} : (tensor<0xf32>) -> tensor<1xf32>
  // CHECK-DAG: %[[MEAN:.+]] = arith.constant dense<0x7FC00000> : tensor<1xf32>
  %2 = cnn.reduce <mean> %e {axes = array<i64: 0>, keep_dims} : (tensor<0xf32>) -> tensor<1xf32>
  // CHECK-DAG: %[[PROD:.+]] = arith.constant dense<1.000000e+00> : tensor<f32>
  %3 = cnn.reduce <prod> %e {axes = array<i64: 0>} : (tensor<0xf32>) -> tensor<f32>
  // CHECK-DAG: %[[IMAX:.+]] = arith.constant dense<-2147483648> : tensor<i32>
  %4 = cnn.reduce <max> %i {axes = array<i64: 0>} : (tensor<0xi32>) -> tensor<i32>
  // CHECK-DAG: %[[IMIN:.+]] = arith.constant dense<2147483647> : tensor<1xi32>
  %5 = cnn.reduce <min> %i {axes = array<i64: 0>, keep_dims} : (tensor<0xi32>) -> tensor<1xi32>
  // CHECK: return %[[SUM]], %[[MAX]], %[[MEAN]], %[[PROD]], %[[IMAX]], %[[IMIN]]
  return %0, %1, %2, %3, %4, %5 : tensor<60x70xf32>, tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<i32>, tensor<1xi32>
}
