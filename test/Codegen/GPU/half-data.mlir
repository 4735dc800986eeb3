// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-gpu-kernels --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

// Kernels read f16 or f32, compute in f32 and round once, when they store.

// CHECK-LABEL: gpu.func @pool(
// CHECK:         %[[X:.+]] = vector.load {{.*}} {alignment = 8 : i64} : memref<4096xf16>, vector<4xf16>
// CHECK:         %[[W:.+]] = arith.extf %[[X]] : vector<4xf16> to vector<4xf32>
// CHECK:         %[[Y:.+]] = arith.truncf %{{.+}} : vector<4xf32> to vector<4xf16>
// CHECK-NEXT:    vector.store %[[Y]], {{.*}} {alignment = 8 : i64} : memref<1024xf16>, vector<4xf16>

// An LRN computes squares in f32, because they could overflow in f16.
// CHECK-LABEL: gpu.func @lrn(
// CHECK:         %[[X:.+]] = vector.load {{.*}} : memref<4096xf16>, vector<4xf16>
// CHECK-NEXT:    %[[W:.+]] = arith.extf %[[X]] : vector<4xf16> to vector<4xf32>
// CHECK:         arith.mulf %{{.+}}, %{{.+}} : vector<4xf32>
// CHECK:         %[[Y:.+]] = arith.divf %{{.+}}, %{{.+}} : vector<4xf32>
// CHECK:         arith.truncf %[[Y]] : vector<4xf32> to vector<4xf16>

// A reorder may write another type than it reads. A softmax reads f16 once, and is f32 until the end.
// CHECK-LABEL: gpu.func @reorder(
// CHECK:         arith.extf
// CHECK:         memref.store %{{.+}} : memref<4096xf32>

// CHECK-LABEL: gpu.func @softmax(
// CHECK:         memref.load {{.*}} : memref<4096xf16>
// CHECK-NOT:     arith.truncf
// CHECK:         math.exp %{{.+}} : f32
// CHECK-NOT:     memref.load {{.*}} : memref<4096xf16>
// CHECK:         memref.store %{{.+}} : memref<4096xf16>

// Weights are read 16 bytes at a time: a thread has 8 outputs, and every 128th input.
// CHECK-LABEL: gpu.func @dense(
// CHECK:         vector.load %{{.+}} {alignment = 16 : i64} : memref<16384xf16>, vector<8xf16>
// CHECK:         vector.fma %{{.+}} : vector<8xf32>
// CHECK:         memref.store %{{.+}} : memref<16xf32>

// A concatenation that is not done by views copies 8 bytes at a time, without a conversion.
// CHECK-LABEL: gpu.func @concat(
// CHECK:         %[[P:.+]] = vector.load {{.*}} : memref<1024xf16>, vector<4xf16>
// CHECK-NEXT:    vector.store %[[P]]
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <cuda, [80]>, precision = f16>, cnn.arena_size = 32768 : i64,
    cnn.weights_size = 64 : i64} {
  func.func @main(%arena: memref<32768xi8>, %weights: memref<64xi8>, %plain: memref<1x32x128xf32>, %z: memref<1x16xf32>) {
    %c0 = arith.constant 0 : index
    %c8192 = arith.constant 8192 : index
    %c10240 = arith.constant 10240 : index
    %c12288 = arith.constant 12288 : index
    %x = memref.view %arena[%c0][] : memref<32768xi8> to memref<1x2x128x16xf16>
    %n = memref.view %arena[%c8192][] : memref<32768xi8> to memref<1x2x128x16xf16>
    %p = memref.view %arena[%c8192][] : memref<32768xi8> to memref<1x2x32x16xf16>
    %q = memref.view %arena[%c10240][] : memref<32768xi8> to memref<1x2x32x16xf16>
    %j = memref.view %arena[%c12288][] : memref<32768xi8> to memref<1x2x64x16xf16>
    %s = memref.view %arena[%c0][] : memref<32768xi8> to memref<4x1024xf16>
    %t = memref.view %arena[%c8192][] : memref<32768xi8> to memref<4x1024xf16>
    %row = memref.view %arena[%c0][] : memref<32768xi8> to memref<1x1024xf16>
    %w = memref.view %arena[%c0][] : memref<32768xi8> to memref<1x1024x16xf16>
    cnn.max_pool %x outs(%p) {window = #cnn.window<[4], strides = [4]>}
      : (memref<1x2x128x16xf16>, memref<1x2x32x16xf16>) -> ()
    cnn.lrn %x outs(%n) {size = 5 : i64, alpha = 1.0e-4 : f32, beta = 0.75 : f32, bias = 1.0 : f32, blocked}
      : (memref<1x2x128x16xf16>, memref<1x2x128x16xf16>) -> ()
    cnn.reorder %x outs(%plain) {block = 0 : i64, channels = 32 : i64} : (memref<1x2x128x16xf16>, memref<1x32x128xf32>) -> ()
    cnn.softmax %s outs(%t) {axis = 1 : i64} : (memref<4x1024xf16>, memref<4x1024xf16>) -> ()
    cnn.dense %row, %w outs(%z) {filter_shape = array<i64: 16, 1024>} : (memref<1x1024xf16>, memref<1x1024x16xf16>, memref<1x16xf32>) -> ()
    cnn.concat %p, %q outs(%j) {axis = 2 : i64} : (memref<1x2x32x16xf16>, memref<1x2x32x16xf16>, memref<1x2x64x16xf16>) -> ()
    return
  }
}

// -----

// Many elements that are all f16 are moved 16 bytes at a time.
// CHECK-LABEL: gpu.func @generic(
// CHECK:         vector.load {{.*}} {alignment = 16 : i64} : memref<262144xf16>, vector<8xf16>
// CHECK:         arith.maximumf %{{.+}}, %{{.+}} : vector<8xf32>
// CHECK:         vector.store {{.*}} {alignment = 16 : i64} : memref<262144xf16>, vector<8xf16>

// If some of them are f32, or if there are few, 4 elements at a time.
// CHECK-LABEL: gpu.func @generic_0(
// CHECK:         vector.load {{.*}} {alignment = 8 : i64} : memref<262144xf16>, vector<4xf16>
// CHECK:         vector.store {{.*}} {alignment = 16 : i64} : memref<262144xf32>, vector<4xf32>
#map = affine_map<(i) -> (i)>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <cuda, [80]>, precision = f16>, cnn.arena_size = 2097152 : i64,
    cnn.weights_size = 64 : i64} {
  func.func @main(%arena: memref<2097152xi8>, %weights: memref<64xi8>) {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c524288 = arith.constant 524288 : index
    %c1048576 = arith.constant 1048576 : index
    %x = memref.view %arena[%c0][] : memref<2097152xi8> to memref<262144xf16>
    %y = memref.view %arena[%c524288][] : memref<2097152xi8> to memref<262144xf16>
    %z = memref.view %arena[%c1048576][] : memref<2097152xi8> to memref<262144xf32>
    linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%x : memref<262144xf16>)
        outs(%y : memref<262144xf16>) {
    ^bb0(%a: f16, %o: f16):
      %0 = arith.extf %a : f16 to f32
      %1 = arith.maximumf %0, %zero : f32
      %2 = arith.truncf %1 : f32 to f16
      linalg.yield %2 : f16
    }
    linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%y : memref<262144xf16>)
        outs(%z : memref<262144xf32>) {
    ^bb0(%a: f16, %o: f32):
      %0 = arith.extf %a : f16 to f32
      linalg.yield %0 : f32
    }
    return
  }
}
