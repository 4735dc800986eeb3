// RUN: convoy-opt %s --cnn-set-target=cpu=neoverse-v2 --cnn-lower-integers | FileCheck %s
// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-lower-integers | FileCheck %s --check-prefix=PAIRS

// CHECK-LABEL: func.func @conv(
// CHECK-SAME:    %[[X:.*]]: tensor<1x8x4x4xi16>
func.func @conv(%x: tensor<1x8x4x4xi16>) -> tensor<1x16x2x2xi32> {
  // CHECK: %[[F:.*]] = cnn.cast %[[X]] {{.*}} -> tensor<1x8x4x4xf32>
  // CHECK: %[[W:.*]] = arith.constant dense<-3.000000e+00> : tensor<16x8x3x3xf32>
  // CHECK: %[[S:.*]] = cnn.conv %[[F]], %[[W]] {exact, window = #cnn.window<[3, 3]>}
  // CHECK: cnn.cast %[[S]] {{.*}} : (tensor<1x16x2x2xf32>) -> tensor<1x16x2x2xi32>
  // CHECK-NOT: i16
  // CHECK: return
  %w = arith.constant dense<-3> : tensor<16x8x3x3xi16>
  %0 = cnn.conv %x, %w {window = #cnn.window<[3, 3]>} : (tensor<1x8x4x4xi16>, tensor<16x8x3x3xi16>) -> tensor<1x16x2x2xi32>
  return %0 : tensor<1x16x2x2xi32>
}

// 255 * 255 * 258 is less than 2^24, one term more is not. The second part has the last position of channel 0 to channel 1.
// CHECK-LABEL: func.func @limit(
func.func @limit(%x: tensor<1x1x258xi16>, %y: tensor<1x1x259xi16>, %z: tensor<1x2x200xi16>)
    -> (tensor<1x2x1xi32>, tensor<1x1x1xi32>, tensor<1x1x1xi32>) {
  // CHECK:     cnn.conv %{{.*}}, %{{.*}} {exact, window = #cnn.window<[258]>}
  // CHECK-NOT: cnn.binary
  // CHECK:     cnn.conv {{.*}} (tensor<1x1x259xf32>, tensor<1x1x259xf32>) -> tensor<1x1x1xf32>
  // CHECK:     cnn.conv {{.*}} (tensor<1x1x259xf32>, tensor<1x1x259xf32>) -> tensor<1x1x1xf32>
  // CHECK:     cnn.binary <add> {{.*}} tensor<1x1x1xi32>
  // CHECK:     cnn.conv {{.*}} (tensor<1x2x200xf32>, tensor<1x2x200xf32>) -> tensor<1x1x1xf32>
  // CHECK:     tensor.extract_slice %{{.*}}[0, 1, 0] [1, 1, 200] [1, 1, 1]
  // CHECK:     cnn.conv {{.*}} (tensor<1x1x200xf32>, tensor<1x1x200xf32>) -> tensor<1x1x1xf32>
  // CHECK:     cnn.binary <add>
  %v = arith.constant dense<255> : tensor<2x1x258xi16>
  %0 = cnn.conv %x, %v {window = #cnn.window<[258]>} : (tensor<1x1x258xi16>, tensor<2x1x258xi16>) -> tensor<1x2x1xi32>
  %w = arith.constant dense<-255> : tensor<1x1x259xi16>
  %1 = cnn.conv %y, %w {window = #cnn.window<[259]>} : (tensor<1x1x259xi16>, tensor<1x1x259xi16>) -> tensor<1x1x1xi32>
  %u = arith.constant dense<255> : tensor<1x2x200xi16>
  %2 = cnn.conv %z, %u {window = #cnn.window<[200]>} : (tensor<1x2x200xi16>, tensor<1x2x200xi16>) -> tensor<1x1x1xi32>
  return %0, %1, %2 : tensor<1x2x1xi32>, tensor<1x1x1xi32>, tensor<1x1x1xi32>
}

// The channels of a part are no run of the channels of all groups, so all parts read all of them.
// CHECK-LABEL: func.func @groups(
func.func @groups(%x: tensor<1x4x200xi16>) -> tensor<1x2x1xi32> {
  // CHECK-NOT: tensor.extract_slice
  // CHECK:     cnn.group_conv {{.*}} {exact, group = 2 : i64, window = #cnn.window<[200]>} : (tensor<1x4x200xf32>, tensor<2x2x200xf32>)
  // CHECK:     cnn.group_conv {{.*}} {exact, group = 2 : i64, window = #cnn.window<[200]>} : (tensor<1x4x200xf32>, tensor<2x2x200xf32>)
  // CHECK:     cnn.binary <add>
  %w = arith.constant dense<255> : tensor<2x2x200xi16>
  %0 = cnn.group_conv %x, %w {group = 2 : i64, window = #cnn.window<[200]>}
      : (tensor<1x4x200xi16>, tensor<2x2x200xi16>) -> tensor<1x2x1xi32>
  return %0 : tensor<1x2x1xi32>
}

// CHECK-LABEL: func.func @dense(
func.func @dense(%x: tensor<3x300xi16>, %f: tensor<3x4xf32>) -> (tensor<3x5xi32>, tensor<3x2xf32>) {
  // CHECK: tensor.extract_slice %{{.*}}[0, 0] [3, 258] [1, 1]
  // CHECK: cnn.dense {{.*}} {exact} : (tensor<3x258xf32>, tensor<5x258xf32>) -> tensor<3x5xf32>
  // CHECK: tensor.extract_slice %{{.*}}[0, 258] [3, 42] [1, 1]
  // CHECK: cnn.dense {{.*}} {exact} : (tensor<3x42xf32>, tensor<5x42xf32>) -> tensor<3x5xf32>
  %w = arith.constant dense<255> : tensor<5x300xi16>
  %0 = cnn.dense %x, %w : (tensor<3x300xi16>, tensor<5x300xi16>) -> tensor<3x5xi32>
  // CHECK: cnn.dense %{{.*}}, %{{.*}} : (tensor<3x4xf32>, tensor<2x4xf32>)
  %v = arith.constant dense<1.0> : tensor<2x4xf32>
  %1 = cnn.dense %f, %v : (tensor<3x4xf32>, tensor<2x4xf32>) -> tensor<3x2xf32>
  return %0, %1 : tensor<3x5xi32>, tensor<3x2xf32>
}

// With a kernel that multiplies pairs, a layer stays. Weights of 8 bits are stored as such. Few channels, one spatial
// dimension, groups that do not fill blocks, and rows that end in half a pair have no such kernel.
// PAIRS-LABEL: func.func @conv(
// PAIRS:         %[[W:.+]] = arith.constant dense<-3> : tensor<16x8x3x3xi8>
// PAIRS:         cnn.conv %{{.+}}, %[[W]] {window = {{.+}}} : (tensor<1x8x4x4xi16>, tensor<16x8x3x3xi8>) -> tensor<1x16x2x2xi32>
// PAIRS-LABEL: func.func @limit(
// PAIRS-NOT:     xi16>, tensor<{{.+}}xi16>)
// PAIRS:         exact
// PAIRS-LABEL: func.func @groups(
// PAIRS:         exact
// PAIRS-LABEL: func.func @dense(
// PAIRS:         cnn.dense {{.+}} : (tensor<3x300xi16>, tensor<5x300xi16>) -> tensor<3x5xi32>

// PAIRS-LABEL: func.func @kernels(
// PAIRS:         cnn.conv {{.+}} {exact,
// PAIRS:         cnn.group_conv {{.+}} {exact,
// PAIRS:         cnn.group_conv {{.+}} {group = 2 : i64, {{.+}} : (tensor<1x16x3x3xi16>, tensor<16x8x1x1xi8>)
// PAIRS:         cnn.dense {{.+}} {exact}
// CHECK-LABEL: func.func @kernels(
// CHECK:         cnn.group_conv {{.+}} {exact, group = 2
func.func @kernels(%x: tensor<1x4x3x3xi16>, %y: tensor<1x16x3x3xi16>, %z: tensor<2x5xi16>)
    -> (tensor<1x8x3x3xi32>, tensor<1x16x3x3xi32>, tensor<1x16x3x3xi32>, tensor<2x8xi32>) {
  %a = arith.constant dense<5> : tensor<8x4x1x1xi16>
  %0 = cnn.conv %x, %a {window = #cnn.window<[1, 1]>} : (tensor<1x4x3x3xi16>, tensor<8x4x1x1xi16>) -> tensor<1x8x3x3xi32>
  %b = arith.constant dense<5> : tensor<16x1x1x1xi16>
  %1 = cnn.group_conv %y, %b {group = 16 : i64, window = #cnn.window<[1, 1]>}
      : (tensor<1x16x3x3xi16>, tensor<16x1x1x1xi16>) -> tensor<1x16x3x3xi32>
  %c = arith.constant dense<5> : tensor<16x8x1x1xi16>
  %2 = cnn.group_conv %y, %c {group = 2 : i64, window = #cnn.window<[1, 1]>}
      : (tensor<1x16x3x3xi16>, tensor<16x8x1x1xi16>) -> tensor<1x16x3x3xi32>
  %d = arith.constant dense<5> : tensor<8x5xi16>
  %3 = cnn.dense %z, %d : (tensor<2x5xi16>, tensor<8x5xi16>) -> tensor<2x8xi32>
  return %0, %1, %2, %3 : tensor<1x8x3x3xi32>, tensor<1x16x3x3xi32>, tensor<1x16x3x3xi32>, tensor<2x8xi32>
}

// What f32 has computed is not made an integer and a float again.
// CHECK-LABEL: func.func @float(
// CHECK:         %[[S:.+]] = cnn.dense {{.+}} {exact} : (tensor<2x4xf32>, tensor<8x4xf32>) -> tensor<2x8xf32>
// CHECK-NOT:     cnn.cast %[[S]]
// CHECK:         return %[[S]]
func.func @float(%x: tensor<2x4xi16>) -> tensor<2x8xf32> {
  %w = arith.constant dense<5> : tensor<8x4xi16>
  %0 = cnn.dense %x, %w : (tensor<2x4xi16>, tensor<8x4xi16>) -> tensor<2x8xi32>
  %1 = cnn.cast %0 {to = f32} : (tensor<2x8xi32>) -> tensor<2x8xf32>
  return %1 : tensor<2x8xf32>
}

// A residual reads the differences that a layer reads, not the numbers once more.
// PAIRS-LABEL: func.func @residual(
// PAIRS:         %[[Q:.+]] = cnn.quantize
// PAIRS:         %[[WIDE:.+]] = cnn.cast %[[Q]] {to = i16}
// PAIRS:         %[[D:.+]] = cnn.binary <sub> %[[WIDE]]
// PAIRS:         %[[F:.+]] = cnn.cast %[[D]] {to = f32}
// PAIRS:         cnn.binary <mul> %[[F]], %{{.+}} : (tensor<1x8x2x2xf32>, tensor<f32>)
// PAIRS:         cnn.conv %[[D]]
func.func @residual(%x: tensor<1x8x2x2xf32>) -> (tensor<1x8x2x2xf32>, tensor<1x8x2x2xi32>) {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<7> : tensor<ui8>
  %z16 = arith.constant dense<7> : tensor<i16>
  %w = arith.constant dense<100> : tensor<8x8x1x1xi16>
  %0 = cnn.quantize %x, %s, %z : (tensor<1x8x2x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x8x2x2xui8>
  %1 = cnn.dequantize %0, %s, %z : (tensor<1x8x2x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x8x2x2xf32>
  %2 = cnn.cast %0 {to = i16} : (tensor<1x8x2x2xui8>) -> tensor<1x8x2x2xi16>
  %3 = cnn.binary <sub> %2, %z16 : (tensor<1x8x2x2xi16>, tensor<i16>) -> tensor<1x8x2x2xi16>
  %4 = cnn.conv %3, %w {window = #cnn.window<[1, 1]>} : (tensor<1x8x2x2xi16>, tensor<8x8x1x1xi16>) -> tensor<1x8x2x2xi32>
  return %1, %4 : tensor<1x8x2x2xf32>, tensor<1x8x2x2xi32>
}

// The parts of a concatenation become differences.
// PAIRS-LABEL: func.func @parts(
// PAIRS:         %[[WIDE:.+]] = cnn.cast %arg0 {to = i16} : (tensor<1x3x2x2xui8>)
// PAIRS:         %[[D:.+]] = cnn.binary <sub> %[[WIDE]]
// PAIRS:         %[[WIDE2:.+]] = cnn.cast %arg1 {to = i16} : (tensor<1x5x2x2xui8>)
// PAIRS:         %[[D2:.+]] = cnn.binary <sub> %[[WIDE2]]
// PAIRS:         %[[C:.+]] = cnn.concat %[[D]], %[[D2]] {axis = 1 : i64}
// PAIRS:         cnn.conv %[[C]]
func.func @parts(%x: tensor<1x3x2x2xui8>, %y: tensor<1x5x2x2xui8>) -> tensor<1x8x2x2xi32> {
  %z = arith.constant dense<7> : tensor<i16>
  %w = arith.constant dense<100> : tensor<8x8x1x1xi16>
  %0 = cnn.concat %x, %y {axis = 1 : i64} : (tensor<1x3x2x2xui8>, tensor<1x5x2x2xui8>) -> tensor<1x8x2x2xui8>
  %1 = cnn.cast %0 {to = i16} : (tensor<1x8x2x2xui8>) -> tensor<1x8x2x2xi16>
  %2 = cnn.binary <sub> %1, %z : (tensor<1x8x2x2xi16>, tensor<i16>) -> tensor<1x8x2x2xi16>
  %3 = cnn.conv %2, %w {window = #cnn.window<[1, 1]>} : (tensor<1x8x2x2xi16>, tensor<8x8x1x1xi16>) -> tensor<1x8x2x2xi32>
  return %3 : tensor<1x8x2x2xi32>
}
