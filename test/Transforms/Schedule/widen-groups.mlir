// RUN: convoy-opt %s --cnn-set-target=cpu=icelake-server --cnn-widen-groups | FileCheck %s --check-prefixes=CHECK,INT
// RUN: convoy-opt %s --cnn-set-target="cpu=sapphirerapids precision=bf16" --cnn-widen-groups \
// RUN:   | FileCheck %s --check-prefixes=CHECK,BF16
// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-widen-groups | FileCheck %s --check-prefix=NONE

// NONE-LABEL: func.func @integers(
// NONE:         cnn.group_conv {{.+}} {group = 4 : i64
// NONE-LABEL: func.func @floats(
// NONE:         cnn.group_conv {{.+}} {group = 8 : i64

// Two groups of 16 channels take the place of four groups of 8. The weights of a group stand at its inputs.
// CHECK-LABEL: func.func @integers(
// CHECK:         %[[W:.+]] = arith.constant dense<{{.+}}> : tensor<32x16x1x1xi16>
// CHECK:         cnn.group_conv %{{.+}}, %[[W]] {group = 2 : i64
func.func @integers(%x: tensor<1x32x4x4xi16>) -> tensor<1x32x4x4xi32> {
  %w = arith.constant dense<3> : tensor<32x8x1x1xi16>
  %0 = cnn.group_conv %x, %w {group = 4 : i64, window = #cnn.window<[1, 1]>}
      : (tensor<1x32x4x4xi16>, tensor<32x8x1x1xi16>) -> tensor<1x32x4x4xi32>
  return %0 : tensor<1x32x4x4xi32>
}

// Floats are multiplied by tiles of bf16 alone.
// CHECK-LABEL: func.func @floats(
// INT:           cnn.group_conv {{.+}} {group = 8 : i64
// BF16:          cnn.group_conv {{.+}} {group = 2 : i64
// BF16-SAME:     tensor<32x16x3x3xf32>
func.func @floats(%x: tensor<1x32x8x8xf32>) -> tensor<1x32x6x6xf32> {
  %w = arith.constant dense<1.0> : tensor<32x4x3x3xf32>
  %0 = cnn.group_conv %x, %w {group = 8 : i64, window = #cnn.window<[3, 3]>}
      : (tensor<1x32x8x8xf32>, tensor<32x4x3x3xf32>) -> tensor<1x32x6x6xf32>
  return %0 : tensor<1x32x6x6xf32>
}

// Depthwise convolutions, groups that divide no vector and filters that are computed stay.
// CHECK-LABEL: func.func @others(
// CHECK:         cnn.group_conv {{.+}} {group = 32 : i64
// CHECK:         cnn.group_conv {{.+}} {group = 16 : i64
// CHECK:         cnn.group_conv {{.+}} {group = 4 : i64
func.func @others(%x: tensor<1x32x4x4xi16>, %y: tensor<1x48x4x4xi16>, %v: tensor<32x8x1x1xi16>)
    -> (tensor<1x32x4x4xi32>, tensor<1x48x4x4xi32>, tensor<1x32x4x4xi32>) {
  %w1 = arith.constant dense<1> : tensor<32x1x1x1xi16>
  %w3 = arith.constant dense<1> : tensor<48x3x1x1xi16>
  %0 = cnn.group_conv %x, %w1 {group = 32 : i64, window = #cnn.window<[1, 1]>}
      : (tensor<1x32x4x4xi16>, tensor<32x1x1x1xi16>) -> tensor<1x32x4x4xi32>
  %1 = cnn.group_conv %y, %w3 {group = 16 : i64, window = #cnn.window<[1, 1]>}
      : (tensor<1x48x4x4xi16>, tensor<48x3x1x1xi16>) -> tensor<1x48x4x4xi32>
  %2 = cnn.group_conv %x, %v {group = 4 : i64, window = #cnn.window<[1, 1]>}
      : (tensor<1x32x4x4xi16>, tensor<32x8x1x1xi16>) -> tensor<1x32x4x4xi32>
  return %0, %1, %2 : tensor<1x32x4x4xi32>, tensor<1x48x4x4xi32>, tensor<1x32x4x4xi32>
}
