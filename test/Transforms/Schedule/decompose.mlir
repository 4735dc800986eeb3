// RUN: convoy-opt %s --cnn-decompose | FileCheck %s
// RUN: convoy-opt %s --pass-pipeline='builtin.module(func.func(cnn-decompose,cnn-lower-element-types),%to-llvm)' \
// RUN:   | %run-main | FileCheck %s --check-prefix=NUMBERS

func.func private @printMemrefF32(%x: tensor<*xf32>)

// Broadcasts become indexing maps. The activation is in the body.
// CHECK-DAG: #[[ID:.+]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-LABEL: func.func @binary(
// CHECK:         linalg.generic {indexing_maps = [#{{.+}}, #{{.+}}, #[[ID]]]
// CHECK:           arith.mulf
// CHECK:           arith.select
// CHECK-NOT:     cnn.
// CHECK-LABEL: func.func @scalar(
func.func @binary(%x: tensor<1x2x4xf32>, %s: tensor<1x2x1xf32>) -> tensor<1x2x4xf32> {
  %0 = cnn.binary <mul> %x, %s {activation = #cnn.function<relu>} : (tensor<1x2x4xf32>, tensor<1x2x1xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

// A constant of equal elements is a scalar in the body instead of an operand.
// CHECK:         linalg.generic {{.*}} ins(%{{.+}} : tensor<1x2x4xf32>)
// CHECK:           arith.subf
func.func @scalar(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %c = arith.constant dense<3.0> : tensor<1x2x4xf32>
  %0 = cnn.binary <sub> %x, %c : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

// The mean first, then the variance.
// CHECK-LABEL: func.func @instance_norm(
func.func @instance_norm(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK: linalg.generic {{.*}}"reduction"
  // CHECK: linalg.generic {{.*}}"reduction"
  // CHECK: linalg.generic
  // CHECK-NOT: cnn.
  %s = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = arith.constant dense<[0.0, 10.0]> : tensor<2xf32>
  %0 = cnn.instance_norm %x, %s, %b {epsilon = 0.0 : f32} : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

func.func @group_norm(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %s = arith.constant dense<1.0> : tensor<2xf32>
  %b = arith.constant dense<[0.0, 5.0]> : tensor<2xf32>
  %0 = cnn.group_norm %x, %s, %b {epsilon = 0.0 : f32, num_groups = 1 : i64}
      : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

func.func @layer_norm(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %s = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %0 = cnn.layer_norm %x scale(%s) {axis = 2 : i64, epsilon = 0.0 : f32} : (tensor<1x2x4xf32>, tensor<4xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

func.func @scale_shift(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %s = arith.constant dense<[2.0, -1.0]> : tensor<2xf32>
  %b = arith.constant dense<[0.5, 1.0]> : tensor<2xf32>
  %0 = cnn.scale_shift %x, %s, %b {activation = #cnn.function<relu>}
      : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

func.func @log_softmax(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %0 = cnn.log_softmax %x {axis = 1 : i64} : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

func.func @reduce(%x: tensor<1x2x4xf32>) -> (tensor<1x2x1xf32>, tensor<4xf32>) {
  %0 = cnn.reduce <mean> %x {axes = array<i64: 2>, keep_dims} : (tensor<1x2x4xf32>) -> tensor<1x2x1xf32>
  %1 = cnn.reduce <max> %x {axes = array<i64: 0, 1>} : (tensor<1x2x4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<1x2x1xf32>, tensor<4xf32>
}

// CHECK-LABEL: func.func @unary(
// CHECK:         linalg.generic
// CHECK:           math.floor
// CHECK-NOT:     cnn.
// CHECK-LABEL: func.func @select(
func.func @unary(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %0 = cnn.unary <floor> %x : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

// CHECK:         linalg.generic
// CHECK:           arith.select
// CHECK-NOT:     cnn.
// CHECK-LABEL: func.func @choose(
func.func @select(%x: tensor<1x2x4xf32>, %c: tensor<4xi1>) -> tensor<1x2x4xf32> {
  %s = arith.constant dense<[[[7.0], [9.0]]]> : tensor<1x2x1xf32>
  %0 = cnn.select %c, %x, %s : (tensor<4xi1>, tensor<1x2x4xf32>, tensor<1x2x1xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

// Without a target, both values are computed.
// CHECK:         linalg.generic
// CHECK:           arith.select
// CHECK-NOT:     cnn.
// CHECK-LABEL: func.func @check_range(
func.func @choose(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>, %c: tensor<i1>) -> tensor<2x4xf32> {
  %0 = cnn.choose %c, %x, %y : (tensor<i1>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Without a target, nothing can make a run fail.
// CHECK:         arith.maxsi
// CHECK:         arith.minsi
// CHECK-NOT:     cnn.
// CHECK-LABEL: func.func @cast(
func.func @check_range(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %0 = cnn.cast %x {to = i32} : (tensor<1x2x4xf32>) -> tensor<1x2x4xi32>
  %1 = cnn.check_range %0 {minimum = -2 : i64, maximum = 2 : i64} : (tensor<1x2x4xi32>) -> tensor<1x2x4xi32>
  %2 = cnn.cast %1 {to = f32} : (tensor<1x2x4xi32>) -> tensor<1x2x4xf32>
  return %2 : tensor<1x2x4xf32>
}

// CHECK:         arith.fptosi
// CHECK:         arith.sitofp
// CHECK-NOT:     cnn.
// CHECK-LABEL: func.func @quantize(
func.func @cast(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %0 = cnn.cast %x {to = i32} : (tensor<1x2x4xf32>) -> tensor<1x2x4xi32>
  %1 = cnn.cast %0 {to = f32} : (tensor<1x2x4xi32>) -> tensor<1x2x4xf32>
  return %1 : tensor<1x2x4xf32>
}

// A number has been clamped before it becomes an integer, so the narrow one is the same.
// CHECK:         math.roundeven
// CHECK:         arith.fptosi
// CHECK:         arith.trunci %{{.+}} overflow<nsw> : i32 to i8
// CHECK-NOT:     cnn.
// CHECK-LABEL: func.func @broadcast(
func.func @quantize(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %s = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %z = arith.constant dense<[[-3], [120]]> : tensor<2x1xi8>
  %0 = cnn.quantize %x, %s, %z : (tensor<1x2x4xf32>, tensor<2x1xf32>, tensor<2x1xi8>) -> tensor<1x2x4xi8>
  %1 = cnn.dequantize %0, %s, %z : (tensor<1x2x4xi8>, tensor<2x1xf32>, tensor<2x1xi8>) -> tensor<1x2x4xf32>
  return %1 : tensor<1x2x4xf32>
}

// CHECK:         linalg.generic
// CHECK-NOT:     cnn.
// CHECK-LABEL: func.func @bitcast(
func.func @broadcast(%s: tensor<1x2x1xf32>) -> tensor<1x2x4xf32> {
  %0 = cnn.broadcast %s {shape = array<i64: 1, 2, 4>} : (tensor<1x2x1xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

// CHECK:         arith.bitcast %{{.+}} : f32 to i32
// CHECK:         arith.bitcast %{{.+}} : i32 to f32
// CHECK-NOT:     cnn.
// CHECK-LABEL: func.func @unsigned(
func.func @bitcast(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %0 = cnn.bitcast %x {to = ui32} : (tensor<1x2x4xf32>) -> tensor<1x2x4xui32>
  %half = arith.constant dense<1> : tensor<ui32>
  %1 = cnn.binary <shift_right> %0, %half : (tensor<1x2x4xui32>, tensor<ui32>) -> tensor<1x2x4xui32>
  %2 = cnn.binary <shift_left> %1, %half : (tensor<1x2x4xui32>, tensor<ui32>) -> tensor<1x2x4xui32>
  %3 = cnn.bitcast %2 {to = f32} : (tensor<1x2x4xui32>) -> tensor<1x2x4xf32>
  return %3 : tensor<1x2x4xf32>
}

// The body computes without a sign, and neither zeros nor overflows reach a division.
// CHECK:         %[[X:.+]] = builtin.unrealized_conversion_cast %{{.+}} : ui16 to i16
// CHECK:         %[[Y:.+]] = builtin.unrealized_conversion_cast %{{.+}} : ui16 to i16
// CHECK:         %[[ZERO:.+]] = arith.cmpi eq, %[[Y]], %{{.+}} : i16
// CHECK:         %[[DIVISOR:.+]] = arith.select %[[ZERO]], %{{.+}}, %[[Y]] : i16
// CHECK:         %[[QUOTIENT:.+]] = arith.divui %[[X]], %[[DIVISOR]] : i16
// CHECK:         %[[RESULT:.+]] = arith.select %[[ZERO]], %{{.+}}, %[[QUOTIENT]] : i16
// CHECK:         builtin.unrealized_conversion_cast %[[RESULT]] : i16 to ui16
// CHECK:         linalg.generic {{.*}}"reduction"
// CHECK:           arith.maxui
// CHECK-NOT:     cnn.
// CHECK-LABEL: func.func @batch_norm(
func.func @unsigned(%x: tensor<1x2x4xui16>, %y: tensor<1x2x4xui16>) -> tensor<2xui16> {
  %0 = cnn.binary <div> %x, %y : (tensor<1x2x4xui16>, tensor<1x2x4xui16>) -> tensor<1x2x4xui16>
  %1 = cnn.reduce <max> %0 {axes = array<i64: 0, 2>} : (tensor<1x2x4xui16>) -> tensor<2xui16>
  return %1 : tensor<2xui16>
}

// Parameters that are not constant. With constant ones, a batch norm has become a scale_shift before.
// CHECK:         math.sqrt
// CHECK:         math.fma
// CHECK-NOT:     cnn.
// CHECK-LABEL: func.func @show(
func.func @batch_norm(%x: tensor<1x2x4xf32>, %p: tensor<2xf32>) -> tensor<1x2x4xf32> {
  %0 = cnn.batch_norm %x, %p, %p, %p, %p {epsilon = 2.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

func.func @show(%x: tensor<1x2x4xf32>) {
  %0 = tensor.cast %x : tensor<1x2x4xf32> to tensor<*xf32>
  call @printMemrefF32(%0) : (tensor<*xf32>) -> ()
  return
}
func.func @main() {
  %x = arith.constant dense<[[[1.0, 1.0, 3.0, 3.0], [-5.0, -5.0, -1.0, -1.0]]]> : tensor<1x2x4xf32>
  %s = arith.constant dense<[[[2.0], [-1.0]]]> : tensor<1x2x1xf32>
  // NUMBERS:      [2,    2,    6,    6],
  // NUMBERS-NEXT: [5,    5,    1,    1]
  %0 = call @binary(%x, %s) : (tensor<1x2x4xf32>, tensor<1x2x1xf32>) -> tensor<1x2x4xf32>
  call @show(%0) : (tensor<1x2x4xf32>) -> ()
  // NUMBERS:      [-2,    -2,    0,    0],
  // NUMBERS-NEXT: [-8,    -8,    -4,    -4]
  %1 = call @scalar(%x) : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  call @show(%1) : (tensor<1x2x4xf32>) -> ()
  // Mean 2 and deviation 1; mean -3 and deviation 2, times 2 plus 10.
  // NUMBERS:      [-1,    -1,    1,    1],
  // NUMBERS-NEXT: [8,    8,    12,    12]
  %2 = call @instance_norm(%x) : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  call @show(%2) : (tensor<1x2x4xf32>) -> ()
  // All numbers have mean -0.5 and variance (2 * 1.5^2 + 2 * 3.5^2 + 2 * 4.5^2 + 2 * 0.5^2) / 8 = 8.75.
  // NUMBERS:      [0.507093,    0.507093,    1.18322,    1.18322],
  // NUMBERS-NEXT: [3.47872,    3.47872,    4.83097,    4.83097]
  %3 = call @group_norm(%x) : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  call @show(%3) : (tensor<1x2x4xf32>) -> ()
  // NUMBERS:      [-1,    -2,    3,    4],
  // NUMBERS-NEXT: [-1,    -2,    3,    4]
  %4 = call @layer_norm(%x) : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  call @show(%4) : (tensor<1x2x4xf32>) -> ()
  // NUMBERS:      [2.5,    2.5,    6.5,    6.5],
  // NUMBERS-NEXT: [6,    6,    2,    2]
  %5 = call @scale_shift(%x) : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  call @show(%5) : (tensor<1x2x4xf32>) -> ()
  // -ln(1 + e^-6), -6 - ln(1 + e^-6); -ln(1 + e^-4), -4 - ln(1 + e^-4).
  // NUMBERS:      [-0.002475{{[0-9]*}},    -0.002475{{[0-9]*}},    -0.0181{{[45][0-9]*}},    -0.0181{{[45][0-9]*}}],
  // NUMBERS-NEXT: [-6.00248,    -6.00248,    -4.01815,    -4.01815]
  %6 = call @log_softmax(%x) : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  call @show(%6) : (tensor<1x2x4xf32>) -> ()
  // NUMBERS:      {{\[}}[2],
  // NUMBERS-NEXT: [-3]
  // NUMBERS:      [1,  1,  3,  3]
  %7:2 = call @reduce(%x) : (tensor<1x2x4xf32>) -> (tensor<1x2x1xf32>, tensor<4xf32>)
  %8 = tensor.cast %7#0 : tensor<1x2x1xf32> to tensor<*xf32>
  call @printMemrefF32(%8) : (tensor<*xf32>) -> ()
  %9 = tensor.cast %7#1 : tensor<4xf32> to tensor<*xf32>
  call @printMemrefF32(%9) : (tensor<*xf32>) -> ()
  // NUMBERS:      [-1,    1,    2,    3],
  // NUMBERS-NEXT: [-5,    0,    -2,    1]
  %y = arith.constant dense<[[[-0.5, 1.75, 2.0, 3.25], [-4.5, 0.0, -1.5, 1.0]]]> : tensor<1x2x4xf32>
  %10 = call @unary(%y) : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  call @show(%10) : (tensor<1x2x4xf32>) -> ()
  // NUMBERS:      [-0.5,    7,    7,    3.25],
  // NUMBERS-NEXT: [-4.5,    9,    9,    1]
  %c = arith.constant dense<[true, false, false, true]> : tensor<4xi1>
  %11 = call @select(%y, %c) : (tensor<1x2x4xf32>, tensor<4xi1>) -> tensor<1x2x4xf32>
  call @show(%11) : (tensor<1x2x4xf32>) -> ()
  // A cast rounds towards zero.
  // NUMBERS:      [0,    1,    2,    3],
  // NUMBERS-NEXT: [-4,    0,    -1,    1]
  %12 = call @cast(%y) : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  call @show(%12) : (tensor<1x2x4xf32>) -> ()
  // A half is rounded to the even number; 4 / 0.25 + 120 is more than 127.
  // NUMBERS:      [-0.5,    2,    2,    3],
  // NUMBERS-NEXT: [-4.5,    0,    1.75,    1.75]
  %h = arith.constant dense<[[[-0.5, 1.75, 2.0, 3.25], [-4.5, 0.0, 4.0, 1.75]]]> : tensor<1x2x4xf32>
  %q = call @quantize(%h) : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  call @show(%q) : (tensor<1x2x4xf32>) -> ()
  // NUMBERS:      [0,    1,    2,    2],
  // NUMBERS-NEXT: [-2,    0,    -1,    1]
  %r = call @check_range(%y) : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  call @show(%r) : (tensor<1x2x4xf32>) -> ()
  // The last bit of each number is cleared.
  // NUMBERS:      [1,    1,    3,    3],
  // NUMBERS-NEXT: [-5,    -5,    -1,    -1]
  %odd = arith.constant dense<[[[0x3f800001, 0x3f800000, 0x40400000, 0x40400001],
                                [0xc0a00001, 0xc0a00000, 0xbf800001, 0xbf800000]]]> : tensor<1x2x4xf32>
  %b = call @bitcast(%odd) : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  call @show(%b) : (tensor<1x2x4xf32>) -> ()
  // NUMBERS:      [2,    2,    2,    2],
  // NUMBERS-NEXT: [-1,    -1,    -1,    -1]
  %13 = call @broadcast(%s) : (tensor<1x2x1xf32>) -> tensor<1x2x4xf32>
  call @show(%13) : (tensor<1x2x4xf32>) -> ()
  // (x - 2) * 2 / sqrt(2 + 2) + 2; (x - 7) * 7 / sqrt(7 + 2) + 7.
  // NUMBERS:      [1,    1,    3,    3],
  // NUMBERS-NEXT: [-21,    -21,    -11.6667,    -11.6667]
  %p = arith.constant dense<[2.0, 7.0]> : tensor<2xf32>
  %14 = call @batch_norm(%x, %p) : (tensor<1x2x4xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  call @show(%14) : (tensor<1x2x4xf32>) -> ()
  return
}
