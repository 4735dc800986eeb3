// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-select-algorithm=algorithm=direct --cnn-generate-gpu-kernels \
// RUN:   --canonicalize --cse --split-input-file --verify-diagnostics | FileCheck %s

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [80, 90]>>

// Equal operations share their kernels. Each launch is a layer. Views stay.
// CHECK:       module attributes {cnn.arena_size = 8192 : i64
// CHECK-SAME:    cnn.layers = ["first", "second"]
// CHECK-SAME:    cnn.scratch_size = 0 : i64
// CHECK-SAME:    gpu.container_module
// CHECK:         gpu.module @kernels
// CHECK:           gpu.func @dense(%{{.+}}: memref<20x64xf32>, %{{.+}}: memref<1x64x32xf32>, %{{.+}}: memref<20x32xf32>) workgroup(
// CHECK-SAME:        known_block_size = array<i32: 128, 1, 1>, known_grid_size = array<i32: 1, 1, 1>
// CHECK-NOT:       gpu.func
// CHECK:         func.func @main(%[[ARENA:[a-z0-9]+]]: memref<8192xi8>
// CHECK:           %[[X:.+]] = memref.view %[[ARENA]]
// CHECK:           gpu.launch_func{{ +}}@kernels::@dense blocks in (%c1, %c1, %c1) threads in (%c128, %c1, %c1)
// CHECK-SAME:        args(%[[X]] : memref<20x64xf32>, %[[W:.+]] : memref<1x64x32xf32>, %{{.+}} : memref<20x32xf32>)
// CHECK-SAME:        {cnn.bytes = 15872 : i64, cnn.flops = 81920 : i64}
// CHECK:           gpu.launch_func{{ +}}@kernels::@dense {{.*}} args(%[[X]] : {{.+}}, %[[W]] : {{.+}}, %{{.+}} : memref<20x32xf32>)
module attributes {cnn.target = #target, cnn.arena_size = 8192 : i64, cnn.weights_size = 8192 : i64} {
  func.func @main(%arena: memref<8192xi8>, %weights: memref<8192xi8>, %y: memref<20x32xf32>, %z: memref<20x32xf32>) {
    %c0 = arith.constant 0 : index
    %x = memref.view %arena[%c0][] : memref<8192xi8> to memref<20x64xf32>
    %w = memref.view %weights[%c0][] : memref<8192xi8> to memref<1x64x32xf32>
    cnn.dense %x, %w outs(%y) {filter_shape = array<i64: 32, 64>}
        : (memref<20x64xf32>, memref<1x64x32xf32>, memref<20x32xf32>) -> () loc("first")
    cnn.dense %x, %w outs(%z) {filter_shape = array<i64: 32, 64>}
        : (memref<20x64xf32>, memref<1x64x32xf32>, memref<20x32xf32>) -> () loc("second")
    return
  }
}

// -----

// Blocks of threads share long sums of few results. They store partial sums after the buffers of the
// arena, and a second kernel adds these.
// CHECK:       module attributes {cnn.arena_size = 655360 : i64
// CHECK-SAME:    cnn.layers = ["long/dense", "long/dense_sum"]
// CHECK:         gpu.func @dense({{.+}}, %[[SCRATCH:.+]]: memref<131072xi8>) workgroup
// CHECK-SAME:      known_grid_size = array<i32: 1, 1, 16>
// CHECK:         gpu.func @dense_sum({{.+}}, %{{.+}}: memref<131072xi8>) kernel
// CHECK:         func.func @main(%[[ARENA:[a-z0-9]+]]: memref<655360xi8>
// CHECK:           %[[PARTS:.+]] = memref.view %[[ARENA]][%c524288][] : memref<655360xi8> to memref<131072xi8>
// CHECK:           gpu.launch_func{{ +}}@kernels::@dense {{.*}}, %[[PARTS]] : memref<131072xi8>)
// CHECK:           gpu.launch_func{{ +}}@kernels::@dense_sum {{.*}}, %[[PARTS]] : memref<131072xi8>)
#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [80]>>
module attributes {cnn.target = #target, cnn.arena_size = 524288 : i64, cnn.weights_size = 262144 : i64} {
  func.func @main(%arena: memref<524288xi8>, %weights: memref<262144xi8>, %y: memref<64x32xf32>) {
    %c0 = arith.constant 0 : index
    %x = memref.view %arena[%c0][] : memref<524288xi8> to memref<64x2048xf32>
    %w = memref.view %weights[%c0][] : memref<262144xi8> to memref<1x2048x32xf32>
    cnn.dense %x, %w outs(%y) {filter_shape = array<i64: 32, 2048>}
        : (memref<64x2048xf32>, memref<1x2048x32xf32>, memref<64x32xf32>) -> () loc("long")
    return
  }
}

// -----

// expected-error @+1 {{has no arena: bufferize comes before code generation}}
module {
  func.func @main() {
    return
  }
}
