// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-gpu-kernels --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [80, 90]>>

// A 3x3 convolution of blocked data. In shared memory, rows of 16 inputs have 4 floats of padding,
// and rows of filters 8. Groups of copies run ahead of the products. Each step has one barrier.
// CHECK-LABEL: gpu.func @conv(
// CHECK-SAME:    workgroup(%[[INPUTS:.+]] : memref<3x128x20xf32,
// CHECK-SAME:      #gpu.address_space<workgroup>> {llvm.align = 16 : i64},
// CHECK-SAME:      %[[FILTERS:.+]] : memref<3x16x72xf32, #gpu.address_space<workgroup>> {llvm.align = 16 : i64})
// Two steps are copied before the loop. Pixels outside of the map become zeros.
// CHECK:         %[[VALID:.+]] = arith.select %{{.+}}, %c4, %c0
// CHECK:         nvgpu.device_async_copy %{{.+}}, %[[INPUTS]][%c0, {{.+}}], 4, %[[VALID]] {bypassL1}
// CHECK:         nvgpu.device_async_copy %{{.+}}, %[[FILTERS]][%c0, {{.+}}], 4, %{{.+}} {bypassL1}
// CHECK:         nvgpu.device_async_create_group
// CHECK:         %[[GROUP:.+]] = nvgpu.device_async_create_group
// CHECK:         %[[SUMS:.+]]:16 = scf.for
// CHECK:           nvgpu.device_async_wait %[[GROUP]] {numGroups = 1 : i32}
// CHECK-NEXT:      gpu.barrier
// CHECK:           nvgpu.device_async_create_group
// CHECK-COUNT-8:   vector.load %[[INPUTS]]{{.*}} {alignment = 16 : i64}
// CHECK-COUNT-2:   vector.load %[[FILTERS]]{{.*}} {alignment = 16 : i64}
// CHECK:           vector.fma {{.*}} : vector<4xf32>
// CHECK-NOT:       gpu.barrier
// CHECK:           scf.yield
// CHECK:         gpu.return

// Three plain channels: inputs are copied one by one. After the last of 3 * 7 * 7 = 147 there are zeros.
// CHECK-LABEL: gpu.func @conv_0(
// CHECK:         nvgpu.device_async_copy %{{.+}}, %{{.+}}, 1, %{{.+}} : memref<3072xf32> to
// CHECK-NOT:     nvgpu.device_async_copy %{{.+}}, %{{.+}}, 4, %{{.+}} : memref<3072xf32> to
// CHECK:         gpu.return
module attributes {cnn.target = #target, cnn.arena_size = 64 : i64, cnn.weights_size = 64 : i64} {
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>,
                  %x: memref<8x4x56x56x16xf32>, %w: memref<1x1x4x3x3x16x64xf32>, %b: memref<64xf32>, %y: memref<8x4x56x56x16xf32>,
                  %image: memref<1x3x32x32xf32>, %stem: memref<1x1x1x7x7x3x32xf32>, %z: memref<1x2x16x16x16xf32>) {
    cnn.conv %x, %w, %b outs(%y) {filter_shape = array<i64: 64, 64, 3, 3>, output_block = 16 : i64,
        activation = #cnn.function<relu>, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (memref<8x4x56x56x16xf32>, memref<1x1x4x3x3x16x64xf32>, memref<64xf32>, memref<8x4x56x56x16xf32>) -> ()
    cnn.conv %image, %stem outs(%z) {filter_shape = array<i64: 32, 3, 7, 7>, output_block = 16 : i64,
        window = #cnn.window<[7, 7], strides = [2, 2], pads = [3, 3, 3, 3]>}
      : (memref<1x3x32x32xf32>, memref<1x1x1x7x7x3x32xf32>, memref<1x2x16x16x16xf32>) -> ()
    return
  }
}

// -----

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [80, 90]>, precision = tf32>

// Tensor cores: fragments of 8 inputs in tf32. They are rounded, because the hardware would truncate them.
// CHECK-LABEL: gpu.func @conv(
// CHECK:         scf.for
// CHECK:           arith.addi %{{.+}}, %c4096_i32
// CHECK-COUNT-16:  nvgpu.mma.sync({{.*}}) {mmaShape = [16, 8, 8], tf32Enabled} : (vector<4x1xf32>, vector<2x1xf32>, vector<2x2xf32>)
// CHECK-NOT:     vector.fma
// CHECK:         gpu.return
module attributes {cnn.target = #target, cnn.arena_size = 64 : i64, cnn.weights_size = 64 : i64} {
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>,
                  %x: memref<8x4x56x56x16xf32>, %w: memref<1x1x4x3x3x16x64xf32>, %b: memref<64xf32>, %y: memref<8x4x56x56x16xf32>) {
    cnn.conv %x, %w, %b outs(%y) {filter_shape = array<i64: 64, 64, 3, 3>, output_block = 16 : i64,
        activation = #cnn.function<relu>, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (memref<8x4x56x56x16xf32>, memref<1x1x4x3x3x16x64xf32>, memref<64xf32>, memref<8x4x56x56x16xf32>) -> ()
    return
  }
}

// -----

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [80, 90]>, precision = f16>

// In f16 a stage has 32 inputs, which are copied 8 at a time: rows of 64 bytes as in f32. For
// each 16 inputs, ldmatrix loads 2 x 16 pixels, and 4 x 16 channels, which it transposes.
// CHECK-LABEL: gpu.func @conv(
// CHECK-SAME:    workgroup(%[[INPUTS:.+]] : memref<3x128x40xf16,
// CHECK-SAME:      #gpu.address_space<workgroup>> {llvm.align = 16 : i64},
// CHECK-SAME:      %[[FILTERS:.+]] : memref<3x32x72xf16, #gpu.address_space<workgroup>> {llvm.align = 16 : i64})
// CHECK:         nvgpu.device_async_copy %{{.+}}, %[[INPUTS]][%c0, {{.+}}], 8, %{{.+}} {bypassL1}
// CHECK:         nvgpu.device_async_copy %{{.+}}, %[[FILTERS]][%c0, {{.+}}], 8, %{{.+}} {bypassL1}
// CHECK:         %[[SUMS:.+]]:16 = scf.for %{{.+}} = %{{.+}} to %c36 step %c2
// CHECK-COUNT-2:   nvgpu.ldmatrix %[[INPUTS]]{{.*}} {numTiles = 4 : i32, transpose = false} : {{.*}} -> vector<4x2xf16>
// CHECK-COUNT-4:   nvgpu.ldmatrix %[[FILTERS]]{{.*}} {numTiles = 4 : i32, transpose = true} : {{.*}} -> vector<4x2xf16>
// CHECK-COUNT-16:  nvgpu.mma.sync({{.*}}) {mmaShape = [16, 8, 16]} : (vector<4x2xf16>, vector<2x2xf16>, vector<2x2xf32>)
// CHECK-COUNT-2:   nvgpu.ldmatrix %[[INPUTS]]
// CHECK-COUNT-4:   nvgpu.ldmatrix %[[FILTERS]]
// CHECK-COUNT-16:  nvgpu.mma.sync
// CHECK-NOT:       nvgpu.mma.sync
// CHECK:           scf.yield
// Neighbouring lanes swap two sums, so that each stores four. The bias is f32. A result is rounded
// once, before it is stored.
// CHECK:         gpu.shuffle xor
// CHECK:         vector.load %arg2{{.*}} : memref<64xf32>, vector<4xf32>
// CHECK:         arith.truncf %{{.+}} : vector<4xf32> to vector<4xf16>
// CHECK-NEXT:    vector.store {{.*}} {alignment = 8 : i64} : memref<1605632xf16>, vector<4xf16>

// Two bytes are too few for an asynchronous copy. So plain inputs, here f32, go through registers.
// They are stored after the products of the stage before.
// CHECK-LABEL: gpu.func @conv_0(
// CHECK:         scf.for
// CHECK-NOT:       vector.store
// CHECK:           memref.load %{{.+}} : memref<3072xf32>
// CHECK:           %[[LOADED:.+]] = vector.from_elements {{.*}} : vector<8xf16>
// CHECK-NOT:       vector.store
// CHECK:           nvgpu.mma.sync
// CHECK:           vector.store %[[LOADED]],
// CHECK-SAME:        {{.*}} {alignment = 16 : i64} : memref<3x128x40xf16, #gpu.address_space<workgroup>>,
// CHECK-SAME:        vector<8xf16>
// CHECK:           scf.yield
module attributes {cnn.target = #target, cnn.arena_size = 64 : i64, cnn.weights_size = 64 : i64} {
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>,
                  %x: memref<8x4x56x56x16xf16>, %w: memref<1x1x4x3x3x16x64xf16>, %b: memref<64xf32>, %y: memref<8x4x56x56x16xf16>,
                  %image: memref<1x3x32x32xf32>, %stem: memref<1x1x1x7x7x3x32xf16>, %z: memref<1x2x16x16x16xf16>) {
    cnn.conv %x, %w, %b outs(%y) {filter_shape = array<i64: 64, 64, 3, 3>, output_block = 16 : i64,
        activation = #cnn.function<relu>, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (memref<8x4x56x56x16xf16>, memref<1x1x4x3x3x16x64xf16>, memref<64xf32>, memref<8x4x56x56x16xf16>) -> ()
    cnn.conv %image, %stem outs(%z) {filter_shape = array<i64: 32, 3, 7, 7>, output_block = 16 : i64,
        window = #cnn.window<[7, 7], strides = [2, 2], pads = [3, 3, 3, 3]>}
      : (memref<1x3x32x32xf32>, memref<1x1x1x7x7x3x32xf16>, memref<1x2x16x16x16xf16>) -> ()
    return
  }
}
