// RUN: convoy-opt %s --cnn-link-devices | FileCheck %s

// A kernel that both devices have is kept once. A different kernel or table of the same name gets another
// name. The weights of the second device begin on a page of their own.
// CHECK-LABEL: module attributes
// CHECK-SAME:    cnn.devices = [{arena_size = 64 : i64, layers = ["a", "b"], scratch_size = 0 : i64,
// CHECK-SAME:      weights_offset = 0 : i64, weights_size = 64 : i64},
// CHECK-SAME:                   {arena_size = 128 : i64, layers = ["c", "d"], scratch_size = 16 : i64,
// CHECK-SAME:                     weights_offset = 4096 : i64, weights_size = 128 : i64}]
// CHECK-SAME:    cnn.weights = [{offset = 0 : i64, value = dense<1.000000e+00> : tensor<16xf32>},
// CHECK-SAME:      {offset = 4160 : i64, value = dense<2.000000e+00> : tensor<16xf32>}]
// CHECK-SAME:    cnn.weights_size = 4224 : i64
// CHECK-NOT:   module @
// CHECK:       memref.global "private" constant @table : memref<1xindex> = dense<1>
// CHECK:       func.func @main_0(
// CHECK:         cnn.launch @same tasks(1)
// CHECK:         cnn.launch @other tasks(2)
// CHECK:       func.func private @same(
// CHECK:       func.func private @other(
// CHECK:         memref.get_global @table :
// CHECK:       memref.global "private" constant @[[TABLE:table_[0-9]+]] : memref<1xindex> = dense<2>
// CHECK:       func.func @main_1(
// CHECK:         cnn.launch @same tasks(3)
// CHECK:         cnn.launch @[[OTHER:other_[0-9]+]] tasks(4)
// CHECK-NOT:   @same(
// CHECK:       func.func private @[[OTHER]](
// CHECK:         memref.get_global @[[TABLE]] :
module attributes {cnn.device_count = 2 : i64} {
  module @device_0 attributes {cnn.arena_size = 64 : i64, cnn.scratch_size = 0 : i64, cnn.weights_size = 64 : i64,
      cnn.weights = [{offset = 0 : i64, value = dense<1.0> : tensor<16xf32>}], cnn.layers = ["a", "b"]} {
    memref.global "private" constant @table : memref<1xindex> = dense<1>
    func.func @main(%arena: memref<64xi8>) {
      cnn.launch @same tasks(1) (%arena) : memref<64xi8>
      cnn.launch @other tasks(2) (%arena) : memref<64xi8>
      return
    }
    func.func private @same(%begin: index, %end: index, %m: memref<64xi8>) {
      return
    }
    func.func private @other(%begin: index, %end: index, %m: memref<64xi8>) {
      %t = memref.get_global @table : memref<1xindex>
      return
    }
  }
  module @device_1 attributes {cnn.arena_size = 128 : i64, cnn.scratch_size = 16 : i64, cnn.weights_size = 128 : i64,
      cnn.weights = [{offset = 64 : i64, value = dense<2.0> : tensor<16xf32>}], cnn.layers = ["c", "d"]} {
    memref.global "private" constant @table : memref<1xindex> = dense<2>
    func.func @main(%arena: memref<64xi8>) {
      cnn.launch @same tasks(3) (%arena) : memref<64xi8>
      cnn.launch @other tasks(4) (%arena) : memref<64xi8>
      return
    }
    func.func private @same(%begin: index, %end: index, %m: memref<64xi8>) {
      return
    }
    func.func private @other(%begin: index, %end: index, %m: memref<64xi8>) {
      %t = memref.get_global @table : memref<1xindex>
      return
    }
  }
}
