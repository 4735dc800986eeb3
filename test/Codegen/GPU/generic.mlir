// RUN: convoy-opt %s --cnn-generate-gpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// Element by element: the caller's inputs and outputs may have any alignment.
// CHECK-LABEL: gpu.func @generic(
// CHECK-SAME:    known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 1, 1, 1>
// CHECK:         memref.load
// CHECK:         math.exp {{.+}} : f32
// CHECK:         memref.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<4x64xf32>, %y: memref<4x64xf32>) {
    linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
        iterator_types = ["parallel", "parallel"]} ins(%x : memref<4x64xf32>) outs(%y : memref<4x64xf32>) {
    ^bb0(%a: f32, %o: f32):
      %e = math.exp %a : f32
      linalg.yield %e : f32
    }
    return
  }
}

// -----

// Buffers in the arena: four elements at a time. An operand that is the same for all four is read once.
// CHECK-LABEL: gpu.func @generic(
// CHECK-SAME:    known_block_size = array<i32: 64, 1, 1>
// CHECK:         vector.load {{.+}} {alignment = 16 : i64}
// CHECK:         memref.load
// CHECK:         arith.mulf {{.+}} : vector<4xf32>
// CHECK:         vector.store {{.+}} {alignment = 16 : i64}
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>) {
    %c0 = arith.constant 0 : index
    %c4096 = arith.constant 4096 : index
    %x = memref.view %arena[%c0][] : memref<65536xi8> to memref<4x64xf32>
    %s = memref.view %arena[%c4096][] : memref<65536xi8> to memref<4xf32>
    linalg.generic
        {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>,
        affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
        ins(%x, %s : memref<4x64xf32>, memref<4xf32>) outs(%x : memref<4x64xf32>) {
    ^bb0(%a: f32, %f: f32, %o: f32):
      %e = arith.mulf %a, %f : f32
      linalg.yield %e : f32
    }
    return
  }
}

// -----

// Few long sums: 256 threads for each sum, with a tree in shared memory at the end.
// CHECK-LABEL: gpu.func @generic(
// CHECK-SAME:    workgroup(%[[SHARED:.+]] : memref<256xf32
// CHECK-SAME:    known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 3, 1, 1>
// CHECK-COUNT-4: arith.addf
// CHECK:         memref.store %{{.+}}, %[[SHARED]]
// CHECK-COUNT-9: gpu.barrier
// CHECK-NOT:     gpu.barrier
// CHECK:         scf.if
// CHECK:           memref.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<3x1000xf32>, %y: memref<3xf32>) {
    linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>],
        iterator_types = ["parallel", "reduction"]} ins(%x : memref<3x1000xf32>) outs(%y : memref<3xf32>) {
    ^bb0(%a: f32, %o: f32):
      %e = arith.addf %a, %o : f32
      linalg.yield %e : f32
    }
    return
  }
}

// -----

// Sums over columns: neighbouring threads read neighbouring columns. Any type is possible.
// CHECK-LABEL: gpu.func @generic(
// CHECK-SAME:    workgroup(%[[SHARED:.+]] : memref<256xi64
// CHECK:         arith.remui %thread_id_x, %c32
// CHECK:         arith.divui %thread_id_x, %c32
// CHECK-COUNT-4: gpu.barrier
// CHECK-NOT:     gpu.barrier
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<100x40xi64>, %y: memref<40xi64>) {
    linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, affine_map<(d0, d1) -> (d0)>],
        iterator_types = ["parallel", "reduction"]} ins(%x : memref<100x40xi64>) outs(%y : memref<40xi64>) {
    ^bb0(%a: i64, %o: i64):
      %e = arith.addi %a, %o : i64
      linalg.yield %e : i64
    }
    return
  }
}

// -----

// The body reads its index: dimensions are not joined. The parallel ones are threads.
// CHECK-LABEL: gpu.func @generic(
// CHECK-SAME:    known_block_size = array<i32: 64, 1, 1>
// CHECK:         arith.divui %{{.+}}, %c8
// CHECK:         arith.index_cast
// CHECK:         memref.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<8xf32>, %y: memref<6x8xi32>) {
    linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
        outs(%y : memref<6x8xi32>) {
    ^bb0(%o: i32):
      %i = linalg.index 0 : index
      %e = arith.index_cast %i : index to i32
      linalg.yield %e : i32
    }
    return
  }
}

// -----

// A copy of a slice.
// CHECK-LABEL: gpu.func @generic(
// CHECK:         memref.load {{.+}} : memref<35xi8, strided<[1], offset: 3>>
// CHECK:         memref.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<4x10xi8>, %y: memref<4x5xi8>) {
    %s = memref.reinterpret_cast %x to offset: [3], sizes: [4, 5], strides: [10, 1]
        : memref<4x10xi8> to memref<4x5xi8, strided<[10, 1], offset: 3>>
    memref.copy %s, %y : memref<4x5xi8, strided<[10, 1], offset: 3>> to memref<4x5xi8>
    return
  }
}
