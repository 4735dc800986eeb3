// RUN: convoy-opt %s --cnn-generate-gpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// One kernel copies all inputs. It has as many threads as the longest input has elements.
// CHECK-LABEL: gpu.func @concat(
// CHECK-SAME:    known_block_size = array<i32: 64, 1, 1>, known_grid_size = array<i32: 1, 1, 1>
// CHECK:         arith.cmpi ult, %{{.+}}, %c40
// CHECK:         memref.load
// CHECK:         memref.store
// CHECK:         arith.cmpi ult, %{{.+}}, %c12
// CHECK:         memref.load
// CHECK:         memref.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %a: memref<2x20xf32>, %b: memref<2x6xf32>, %y: memref<2x26xf32>) {
    cnn.concat %a, %b outs(%y) {axis = 1 : i64} : (memref<2x20xf32>, memref<2x6xf32>, memref<2x26xf32>) -> ()
    return
  }
}

// -----

// Buffers that are known to be aligned and consist of whole quads: four elements at a time.
// CHECK-LABEL: gpu.func @concat(
// CHECK:         vector.load {{.+}} {alignment = 16 : i64}
// CHECK:         vector.store {{.+}} {alignment = 16 : i64}
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>) {
    %c0 = arith.constant 0 : index
    %c256 = arith.constant 256 : index
    %c512 = arith.constant 512 : index
    %a = memref.view %arena[%c0][] : memref<4096xi8> to memref<2x20xf32>
    %b = memref.view %arena[%c256][] : memref<4096xi8> to memref<2x4xf32>
    %y = memref.view %arena[%c512][] : memref<4096xi8> to memref<2x24xf32>
    cnn.concat %a, %b outs(%y) {axis = 1 : i64} : (memref<2x20xf32>, memref<2x4xf32>, memref<2x24xf32>) -> ()
    return
  }
}
