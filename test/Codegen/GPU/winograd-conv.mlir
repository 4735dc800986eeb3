// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=winograd_4x4 --cnn-generate-gpu-kernels --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

// 7 x 8 tiles of 4x4. The transformed input V, 24 channels in two blocks, and the products M, 64 channels, are stored after the
// buffers of the arena. All operations of the layer count for the kernel of the products, whose bytes are V, the filters and M.
// CHECK:         cnn.layers = ["it/winograd_input", "it/winograd_products", "it/winograd_output"]
// CHECK-LABEL: gpu.func @winograd_input(
// CHECK-SAME:    %[[INPUT:[a-z0-9]+]]: memref<1x2x28x30x16xf32>, {{.*}}, %[[SCRATCH:[a-z0-9]+]]: memref<774144xi8>) kernel
// A thread transforms two channels of a tile. Pixels above, left and right of the map are zeros.
// CHECK:         %[[X:.+]] = memref.reinterpret_cast %[[INPUT]]
// CHECK:         %[[V:.+]] = memref.view %[[SCRATCH]][%c0][] : memref<774144xi8> to memref<64512xf32>
// CHECK:         %[[LOADED:.+]] = vector.load %[[X]][%{{.+}}] {alignment = 8 : i64} : memref<26880xf32>, vector<2xf32>
// CHECK:         arith.select %{{.+}}, %[[LOADED]], %{{.+}} : vector<2xf32>
// CHECK-COUNT-35:  vector.load %[[X]]
// CHECK-COUNT-36:  vector.store %{{.+}}, %[[V]][%{{.+}}] {alignment = 8 : i64} : memref<64512xf32>, vector<2xf32>
// CHECK-NOT:     gpu.barrier
// CHECK:         gpu.return

// For each of the 36 positions in a tile, a matrix product of tiles and output channels.
// CHECK-LABEL: gpu.func @winograd_products(
// CHECK-SAME:    %[[SCRATCH:[a-z0-9]+]]: memref<774144xi8>) workgroup
// CHECK-SAME:    known_grid_size = array<i32: 1, 72, 1>
// CHECK-DAG:     %[[V:.+]] = memref.view %[[SCRATCH]][%c0][] : memref<774144xi8> to memref<64512xf32>
// CHECK-DAG:     %[[M:.+]] = memref.view %[[SCRATCH]][%c258048][] : memref<774144xi8> to memref<129024xf32>
// CHECK:         nvgpu.device_async_copy %[[V]][%{{.+}}], %{{.+}}, 4, %{{.+}}
// CHECK:         vector.fma
// CHECK:         vector.store %{{.+}}, %[[M]]

// 7 tiles of four rows cover all 28 rows, so only the columns of the last tiles are cut.
// CHECK-LABEL: gpu.func @winograd_output(
// CHECK-SAME:    %[[BIAS:[a-z0-9]+]]: memref<64xf32>, %[[R:[a-z0-9]+]]: memref<1x4x28x30x16xf32>,
// CHECK-SAME:      %[[Y:[a-z0-9]+]]: memref<1x4x28x30x16xf32>
// CHECK-DAG:     %[[RESIDUAL:.+]] = memref.reinterpret_cast %[[R]]
// CHECK-DAG:     %[[OUTPUT:.+]] = memref.reinterpret_cast %[[Y]]
// CHECK-DAG:     %[[M:.+]] = memref.view %{{.+}}[%c258048][] : memref<774144xi8> to memref<129024xf32>
// CHECK:         vector.load %[[BIAS]]
// CHECK-COUNT-36:  vector.load %[[M]]
// CHECK:         vector.load %[[RESIDUAL]]
// CHECK:         arith.select
// CHECK:         vector.store %{{.+}}, %[[OUTPUT]]
// CHECK:         vector.store %{{.+}}, %[[OUTPUT]]
// CHECK:         scf.if
// CHECK-NEXT:      arith.addi
// CHECK:         gpu.return
// CHECK:       gpu.launch_func{{ +}}@kernels::@winograd_input {{.*}}{cnn.bytes = 365568 : i64, cnn.flops = 0 : i64}
// CHECK:       gpu.launch_func{{ +}}@kernels::@winograd_products {{.*}}{cnn.bytes = 995328 : i64,
// CHECK-SAME:    cnn.computed_flops = 6193152 : i64, cnn.flops = 23224320 : i64}
// CHECK:       gpu.launch_func{{ +}}@kernels::@winograd_output {{.*}}{cnn.bytes = 946432 : i64, cnn.flops = 0 : i64}
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <cuda, [80, 90]>>, cnn.arena_size = 64 : i64,
    cnn.weights_size = 64 : i64} {
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>, %x: memref<1x2x28x30x16xf32>,
      %w: memref<1x36x2x24x32xf32>, %b: memref<64xf32>, %r: memref<1x4x28x30x16xf32>, %y: memref<1x4x28x30x16xf32>) {
    cnn.conv %x, %w, %b residual(%r) outs(%y)
        {filter_shape = array<i64: 64, 24, 3, 3>, output_block = 16 : i64, activation = #cnn.function<relu>,
        window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (memref<1x2x28x30x16xf32>, memref<1x36x2x24x32xf32>, memref<64xf32>, memref<1x4x28x30x16xf32>,
        memref<1x4x28x30x16xf32>) -> () loc("it")
    return
  }
}

// -----

// 22500 tiles exceed half of the L2 cache of an L40S, so there are three strips. The three kernels are launched for each
// strip, and the number of the strip is their last argument. The last strip has fewer tiles.
// CHECK:         cnn.layers = ["it/winograd_input", "it/winograd_products", "it/winograd_output",
// CHECK-SAME:      "it/winograd_input", "it/winograd_products", "it/winograd_output", "it/winograd_input",
// CHECK-SAME:      "it/winograd_products", "it/winograd_output"]
// CHECK-LABEL: gpu.func @winograd_input(
// CHECK-SAME:    %[[ROUND:[a-z0-9]+]]: index) kernel
// CHECK:         %[[FIRST:.+]] = arith.muli %[[ROUND]], %c7552
// CHECK:         %[[TILE:.+]] = arith.addi %[[FIRST]]
// CHECK:         arith.cmpi ult, %[[TILE]], %c22500
// CHECK-LABEL: gpu.func @winograd_products(
// CHECK-SAME:    index) workgroup
// CHECK-LABEL: gpu.func @winograd_output(
// CHECK-SAME:    index) kernel
// CHECK-NOT:   gpu.func
// CHECK:       gpu.launch_func{{ +}}@kernels::@winograd_input {{.*}}, %c0 : index)
// CHECK:       gpu.launch_func{{ +}}@kernels::@winograd_products {{.*}}, %c0 : index)
// CHECK:       gpu.launch_func{{ +}}@kernels::@winograd_output {{.*}}, %c0 : index)
// CHECK:       gpu.launch_func{{ +}}@kernels::@winograd_input {{.*}}, %c1 : index)
// CHECK:       gpu.launch_func{{ +}}@kernels::@winograd_output {{.*}}, %c2 : index)
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <cuda, [89]>>, cnn.arena_size = 64 : i64,
    cnn.weights_size = 64 : i64} {
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>, %x: memref<1x1x600x600x16xf32>,
      %w: memref<1x36x1x16x32xf32>, %y: memref<1x1x600x600x16xf32>) {
    cnn.conv %x, %w outs(%y) {filter_shape = array<i64: 16, 16, 3, 3>, output_block = 16 : i64,
        window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (memref<1x1x600x600x16xf32>, memref<1x36x1x16x32xf32>, memref<1x1x600x600x16xf32>) -> () loc("it")
    return
  }
}
