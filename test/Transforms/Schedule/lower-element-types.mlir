// RUN: convoy-opt %s --cnn-decompose --cnn-lower-element-types | FileCheck %s

// Types of values, of the function, of constants and of bodies change; the conversions in bodies vanish.
// CHECK-LABEL: func.func @unsigned(
// CHECK-SAME:    %{{.+}}: tensor<4xi32>) -> tensor<4xi32>
// CHECK:         %[[C:.+]] = arith.constant dense<[1, 2, 3, -1]> : tensor<4xi32>
// CHECK:         linalg.generic {{.*}} ins(%{{.+}}, %[[C]] : tensor<4xi32>, tensor<4xi32>)
// CHECK:           arith.cmpi ult
// CHECK-NOT:     unrealized
// CHECK-NOT:     ui32
// CHECK:         return %{{.+}} : tensor<4xi32>
func.func @unsigned(%x: tensor<4xui32>) -> tensor<4xui32> {
  %c = arith.constant dense<[1, 2, 3, 4294967295]> : tensor<4xui32>
  %0 = cnn.binary <max> %x, %c : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  return %0 : tensor<4xui32>
}

// An i4 is the low half of a byte. It is read with its sign, and written without the upper bits.
// CHECK-LABEL: func.func @small_integers(
// CHECK-SAME:    %{{.+}}: tensor<4xi8>) -> (tensor<4xi8>, tensor<4xi8>)
// CHECK:         %[[C:.+]] = arith.constant dense<[8, 15, 0, 7]> : tensor<4xi8>
// CHECK:         arith.shli
// CHECK:         arith.shrsi
// CHECK:         arith.andi
// CHECK-NOT:     i4
// CHECK:         return %{{.+}}, %[[C]]
func.func @small_integers(%x: tensor<4xi4>) -> (tensor<4xui2>, tensor<4xi4>) {
  %c = arith.constant dense<[-8, -1, 0, 7]> : tensor<4xi4>
  %0 = cnn.cast %x {to = ui2} : (tensor<4xi4>) -> tensor<4xui2>
  return %0, %c : tensor<4xui2>, tensor<4xi4>
}

// Data movement does not mind; blobs are not copied; i1 and types that arith has stay.
// CHECK-LABEL: func.func @moved(
// CHECK-SAME:    %{{.+}}: tensor<2x2xi8>, %{{.+}}: tensor<4xi1>, %{{.+}}: tensor<4xf32>)
// CHECK:         %[[B:.+]] = arith.constant dense_resource<codes> : tensor<2x2xi8>
// CHECK:         cnn.concat %{{.+}}, %[[B]] {axis = 0 : i64} : (tensor<2x2xi8>, tensor<2x2xi8>) -> tensor<4x2xi8>
func.func @moved(%x: tensor<2x2xf8E4M3FN>, %y: tensor<4xi1>, %z: tensor<4xf32>) -> tensor<4x2xf8E4M3FN> {
  %c = arith.constant dense_resource<codes> : tensor<2x2xf8E4M3FN>
  %0 = cnn.concat %x, %c {axis = 0 : i64} : (tensor<2x2xf8E4M3FN>, tensor<2x2xf8E4M3FN>) -> tensor<4x2xf8E4M3FN>
  return %0 : tensor<4x2xf8E4M3FN>
}

{-#
  dialect_resources: {
    builtin: {
      codes: "0x0100000001020304"
    }
  }
#-}
