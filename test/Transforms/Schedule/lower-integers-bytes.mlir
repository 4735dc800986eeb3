// RUN: convoy-opt %s --cnn-set-target=cpu=icelake-server --cnn-lower-integers | FileCheck %s
// RUN: convoy-opt %s --cnn-set-target=cpu=neoverse-n1 --cnn-lower-integers | FileCheck %s --check-prefix=SIGNED
// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-lower-integers | FileCheck %s --check-prefix=AVX2

// With an instruction that multiplies four neighbours of 8 bits, a layer reads the numbers themselves. The inputs of
// icelake-server's are u8, those of neoverse-n1's are i8. Integration/test_integer_kernels.py tests the sums.

// The bias is the zero point times each channel's weights: -(3 * 4 * 2) and -(3 * 4 * -1).
// CHECK-LABEL: func.func @dense(
// CHECK-SAME:    %[[X:.+]]: tensor<2x4xui8>
// CHECK-DAG:     %[[B:.+]] = arith.constant dense<[-24, 12]> : tensor<2xi32>
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<{{.+}}> : tensor<2x4xi8>
// CHECK:         cnn.dense %[[X]], %[[W]], %[[B]] : (tensor<2x4xui8>, tensor<2x4xi8>, tensor<2xi32>) -> tensor<2x2xi32>
// With numbers less 128, the zero point is -125.
// SIGNED-LABEL: func.func @dense(
// SIGNED-SAME:    %[[X:.+]]: tensor<2x4xui8>
// SIGNED:         %[[WIDE:.+]] = cnn.cast %[[X]] {to = i16}
// SIGNED:         %[[C:.+]] = arith.constant dense<-128> : tensor<i16>
// SIGNED:         %[[SUM:.+]] = cnn.binary <add> %[[WIDE]], %[[C]]
// SIGNED:         %[[S:.+]] = cnn.cast %[[SUM]] {to = i8}
// SIGNED:         %[[B:.+]] = arith.constant dense<[1000, -500]> : tensor<2xi32>
// SIGNED:         cnn.dense %[[S]], %{{.+}}, %[[B]] : (tensor<2x4xi8>, tensor<2x4xi8>, tensor<2xi32>) -> tensor<2x2xi32>
func.func @dense(%x: tensor<2x4xui8>) -> tensor<2x2xi32> {
  %z = arith.constant dense<3> : tensor<i16>
  %w = arith.constant dense<[[2, 2, 2, 2], [-1, -1, -1, -1]]> : tensor<2x4xi16>
  %0 = cnn.cast %x {to = i16} : (tensor<2x4xui8>) -> tensor<2x4xi16>
  %1 = cnn.binary <sub> %0, %z : (tensor<2x4xi16>, tensor<i16>) -> tensor<2x4xi16>
  %2 = cnn.dense %1, %w : (tensor<2x4xi16>, tensor<2x4xi16>) -> tensor<2x2xi32>
  return %2 : tensor<2x2xi32>
}

// Without a zero point there is no bias, and the window keeps its pads.
// CHECK-LABEL: func.func @no_zero_point(
// CHECK-SAME:    %[[X:.+]]: tensor<1x8x5x5xui8>
// CHECK-NOT:     tensor.pad
// CHECK:         cnn.conv %[[X]], %{{.+}} {window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
// SIGNED-LABEL: func.func @no_zero_point(
// SIGNED:         tensor.pad
func.func @no_zero_point(%x: tensor<1x8x5x5xui8>) -> tensor<1x16x5x5xi32> {
  %w = arith.constant dense<5> : tensor<16x8x3x3xi16>
  %0 = cnn.cast %x {to = i16} : (tensor<1x8x5x5xui8>) -> tensor<1x8x5x5xi16>
  %1 = cnn.conv %0, %w {window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (tensor<1x8x5x5xi16>, tensor<16x8x3x3xi16>) -> tensor<1x16x5x5xi32>
  return %1 : tensor<1x16x5x5xi32>
}

// The numbers of pads are the zero point.
// CHECK-LABEL: func.func @pads(
// CHECK-SAME:    %[[X:.+]]: tensor<1x8x5x5xui8>
// CHECK:         %[[C:.+]] = arith.constant -56 : i8
// CHECK:         %[[Z:.+]] = builtin.unrealized_conversion_cast %[[C]] : i8 to ui8
// CHECK:         %[[P:.+]] = tensor.pad %[[X]] low[0, 0, 1, 0] high[0, 0, 2, 3]
// CHECK:           tensor.yield %[[Z]] : ui8
// CHECK:         arith.constant dense<-72000> : tensor<16xi32>
// CHECK:         cnn.conv %[[P]], {{.+}} {window = #cnn.window<[3, 3]>} : (tensor<1x8x8x8xui8>, tensor<16x8x3x3xi8>, tensor<16xi32>)
func.func @pads(%x: tensor<1x8x5x5xui8>) -> tensor<1x16x6x6xi32> {
  %z = arith.constant dense<200> : tensor<i16>
  %w = arith.constant dense<5> : tensor<16x8x3x3xi16>
  %0 = cnn.cast %x {to = i16} : (tensor<1x8x5x5xui8>) -> tensor<1x8x5x5xi16>
  %1 = cnn.binary <sub> %0, %z : (tensor<1x8x5x5xi16>, tensor<i16>) -> tensor<1x8x5x5xi16>
  %2 = cnn.conv %1, %w {window = #cnn.window<[3, 3], pads = [1, 0, 2, 3]>}
      : (tensor<1x8x5x5xi16>, tensor<16x8x3x3xi16>) -> tensor<1x16x6x6xi32>
  return %2 : tensor<1x16x6x6xi32>
}

// Largest differences become numbers again.
// CHECK-LABEL: func.func @pool(
// CHECK:         %[[M:.+]] = cnn.max_pool
// CHECK:         %[[C:.+]] = arith.constant dense<7> : tensor<i16>
// CHECK:         %[[SUM:.+]] = cnn.binary <add> %[[M]], %[[C]]
// CHECK:         %[[N:.+]] = cnn.cast %[[SUM]] {to = ui8}
// CHECK:         cnn.conv %[[N]]
func.func @pool(%x: tensor<1x8x4x4xui8>) -> tensor<1x16x2x2xi32> {
  %z = arith.constant dense<7> : tensor<i16>
  %w = arith.constant dense<5> : tensor<16x8x1x1xi16>
  %0 = cnn.cast %x {to = i16} : (tensor<1x8x4x4xui8>) -> tensor<1x8x4x4xi16>
  %1 = cnn.binary <sub> %0, %z : (tensor<1x8x4x4xi16>, tensor<i16>) -> tensor<1x8x4x4xi16>
  %2 = cnn.max_pool %1 {window = #cnn.window<[2, 2], strides = [2, 2]>} : (tensor<1x8x4x4xi16>) -> tensor<1x8x2x2xi16>
  %3 = cnn.conv %2, %w {window = #cnn.window<[1, 1]>} : (tensor<1x8x2x2xi16>, tensor<16x8x1x1xi16>) -> tensor<1x16x2x2xi32>
  return %3 : tensor<1x16x2x2xi32>
}

// The parts of a concatenation of i8 become u8 before it.
// CHECK-LABEL: func.func @parts(
// CHECK-COUNT-2: cnn.cast {{.+}} {to = ui8} : (tensor<1x4x2x2xi16>) -> tensor<1x4x2x2xui8>
// CHECK:         %[[P:.+]] = cnn.concat {{.+}} -> tensor<1x8x2x2xui8>
// CHECK-NOT:     cnn.concat
// CHECK:         arith.constant dense<-5120> : tensor<16xi32>
// CHECK:         cnn.conv %[[P]]
// SIGNED-LABEL: func.func @parts(
// SIGNED:         %[[P:.+]] = cnn.concat
// SIGNED-NOT:     cnn.cast
// SIGNED:         cnn.conv %[[P]], %{{[^,]+}} {window
func.func @parts(%a: tensor<1x4x2x2xi8>, %b: tensor<1x4x2x2xi8>) -> tensor<1x16x2x2xi32> {
  %w = arith.constant dense<5> : tensor<16x8x1x1xi16>
  %0 = cnn.concat %a, %b {axis = 1 : i64} : (tensor<1x4x2x2xi8>, tensor<1x4x2x2xi8>) -> tensor<1x8x2x2xi8>
  %1 = cnn.cast %0 {to = i16} : (tensor<1x8x2x2xi8>) -> tensor<1x8x2x2xi16>
  %2 = cnn.conv %1, %w {window = #cnn.window<[1, 1]>} : (tensor<1x8x2x2xi16>, tensor<16x8x1x1xi16>) -> tensor<1x16x2x2xi32>
  return %2 : tensor<1x16x2x2xi32>
}

// Weights of more than 8 bits, data of 16 bits, and rows that end in part of a dot of four are multiplied in pairs.
// CHECK-LABEL: func.func @pairs(
// CHECK:         cnn.dense {{.+}} : (tensor<2x4xi16>, tensor<2x4xi16>)
// CHECK:         cnn.dense {{.+}} : (tensor<2x4xi16>, tensor<2x4xi8>)
// CHECK:         cnn.dense {{.+}} : (tensor<2x6xi16>, tensor<2x6xi8>)
func.func @pairs(%x: tensor<2x4xui8>, %y: tensor<2x4xi16>, %r: tensor<2x6xui8>)
    -> (tensor<2x2xi32>, tensor<2x2xi32>, tensor<2x2xi32>) {
  %w = arith.constant dense<128> : tensor<2x4xi16>
  %v = arith.constant dense<2> : tensor<2x4xi16>
  %u = arith.constant dense<2> : tensor<2x6xi16>
  %0 = cnn.cast %x {to = i16} : (tensor<2x4xui8>) -> tensor<2x4xi16>
  %1 = cnn.dense %0, %w : (tensor<2x4xi16>, tensor<2x4xi16>) -> tensor<2x2xi32>
  %2 = cnn.dense %y, %v : (tensor<2x4xi16>, tensor<2x4xi16>) -> tensor<2x2xi32>
  %3 = cnn.cast %r {to = i16} : (tensor<2x6xui8>) -> tensor<2x6xi16>
  %4 = cnn.dense %3, %u : (tensor<2x6xi16>, tensor<2x6xi16>) -> tensor<2x2xi32>
  return %1, %2, %4 : tensor<2x2xi32>, tensor<2x2xi32>, tensor<2x2xi32>
}

// AVX2 adds up two products in 16 bits, where they saturate. Weights of at most 64 are safe, and so are large ones of
// different signs. Other layers read the differences.
// AVX2-LABEL: func.func @saturation(
// AVX2:         cnn.dense {{.+}} : (tensor<2x4xui8>, tensor<2x4xi8>)
// AVX2:         cnn.dense {{.+}} : (tensor<2x4xui8>, tensor<2x4xi8>)
// AVX2:         cnn.dense {{.+}} : (tensor<2x4xi16>, tensor<2x4xi8>)
// AVX2:         cnn.dense {{.+}} : (tensor<2x4xi16>, tensor<2x4xi8>)
// CHECK-LABEL: func.func @saturation(
// CHECK-COUNT-4: cnn.dense {{.+}} : (tensor<2x4xui8>, tensor<2x4xi8>)
func.func @saturation(%a: tensor<2x4xui8>, %b: tensor<2x4xui8>, %c: tensor<2x4xui8>, %d: tensor<2x4xui8>)
    -> (tensor<2x2xi32>, tensor<2x2xi32>, tensor<2x2xi32>, tensor<2x2xi32>) {
  %s = arith.constant dense<[[64, 64, -64, -64], [0, 127, 0, 1]]> : tensor<2x4xi16>
  %t = arith.constant dense<[[127, -128, -128, 127], [0, 0, 0, 0]]> : tensor<2x4xi16>
  %u = arith.constant dense<[[0, 0, 0, 0], [0, 0, 64, 65]]> : tensor<2x4xi16>
  %v = arith.constant dense<[[-64, -65, 0, 0], [0, 0, 0, 0]]> : tensor<2x4xi16>
  %0 = cnn.cast %a {to = i16} : (tensor<2x4xui8>) -> tensor<2x4xi16>
  %1 = cnn.cast %b {to = i16} : (tensor<2x4xui8>) -> tensor<2x4xi16>
  %2 = cnn.cast %c {to = i16} : (tensor<2x4xui8>) -> tensor<2x4xi16>
  %3 = cnn.cast %d {to = i16} : (tensor<2x4xui8>) -> tensor<2x4xi16>
  %4 = cnn.dense %0, %s : (tensor<2x4xi16>, tensor<2x4xi16>) -> tensor<2x2xi32>
  %5 = cnn.dense %1, %t : (tensor<2x4xi16>, tensor<2x4xi16>) -> tensor<2x2xi32>
  %6 = cnn.dense %2, %u : (tensor<2x4xi16>, tensor<2x4xi16>) -> tensor<2x2xi32>
  %7 = cnn.dense %3, %v : (tensor<2x4xi16>, tensor<2x4xi16>) -> tensor<2x2xi32>
  return %4, %5, %6, %7 : tensor<2x2xi32>, tensor<2x2xi32>, tensor<2x2xi32>, tensor<2x2xi32>
}

// There, Winograd's algorithm for pairs needs the differences, and so do all layers that read the same numbers.
// AVX2-LABEL: func.func @winograd(
// AVX2:         cnn.conv {{.+}} : (tensor<1x16x6x6xi16>, tensor<16x16x3x3xi8>)
// AVX2:         cnn.conv {{.+}} : (tensor<1x16x6x6xi16>, tensor<16x16x1x1xi8>)
// AVX2:         cnn.conv {{.+}} : (tensor<1x16x6x6xui8>, tensor<16x16x3x3xi8>)
// CHECK-LABEL: func.func @winograd(
// CHECK-COUNT-3: cnn.conv {{.+}} : (tensor<1x16x6x6xui8>,
func.func @winograd(%a: tensor<1x16x6x6xui8>, %b: tensor<1x16x6x6xui8>)
    -> (tensor<1x16x4x4xi32>, tensor<1x16x6x6xi32>, tensor<1x16x2x2xi32>) {
  %w = arith.constant dense<2> : tensor<16x16x3x3xi16>
  %v = arith.constant dense<2> : tensor<16x16x1x1xi16>
  %0 = cnn.cast %a {to = i16} : (tensor<1x16x6x6xui8>) -> tensor<1x16x6x6xi16>
  %1 = cnn.cast %b {to = i16} : (tensor<1x16x6x6xui8>) -> tensor<1x16x6x6xi16>
  %2 = cnn.conv %0, %w {window = #cnn.window<[3, 3]>} : (tensor<1x16x6x6xi16>, tensor<16x16x3x3xi16>) -> tensor<1x16x4x4xi32>
  %3 = cnn.conv %0, %v {window = #cnn.window<[1, 1]>} : (tensor<1x16x6x6xi16>, tensor<16x16x1x1xi16>) -> tensor<1x16x6x6xi32>
  %4 = cnn.conv %1, %w {window = #cnn.window<[3, 3], strides = [2, 2]>}
      : (tensor<1x16x6x6xi16>, tensor<16x16x3x3xi16>) -> tensor<1x16x2x2xi32>
  return %2, %3, %4 : tensor<1x16x4x4xi32>, tensor<1x16x6x6xi32>, tensor<1x16x2x2xi32>
}
