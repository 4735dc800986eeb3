// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-gpu-kernels --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s
// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-gpu-kernels --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s --check-prefix=MAIN

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [90], arch_specific = true>, precision = tf32>

// A block of threads computes 2 x 56 pixels by 64 channels. Each of 18 steps adds 32 input channels of one
// position of the kernel. A stage has 2 x 128 rows of inputs and 2 x 64 rows of filters, of 64 bytes each.
// There are four stages, and then the barriers.
// CHECK-LABEL: gpu.func @conv_wgmma(
// CHECK-SAME:    %[[INPUTS:[^:]+]]: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>},
// CHECK-SAME:      %[[FILTERS:[^:]+]]: !llvm.ptr {{.*}} kernel
// CHECK-SAME:    known_block_size = array<i32: 288, 1, 1>, known_grid_size = array<i32: 224, 1, 1>
// CHECK:         %[[MEMORY:.+]] = gpu.dynamic_shared_memory
// CHECK:         %[[POINTER:.+]] = memref.extract_aligned_pointer_as_index %[[MEMORY]]
// CHECK:         %[[START:.+]] = arith.index_cast %[[POINTER]] : index to i64
// CHECK:         %[[UP:.+]] = arith.addi %[[START]], %c1023_i64
// CHECK:         %[[BASE:.+]] = arith.andi %[[UP]], %c-1024_i64

// A stage is full after one arrival, and empty after the arrivals of eight warps.
// CHECK:         scf.if
// CHECK:           %[[FULL:.+]] = arith.addi %[[BASE]], %c98304_i64
// CHECK-NEXT:      %[[POINTER:.+]] = llvm.inttoptr %[[FULL]] : i64 to !llvm.ptr<3>
// CHECK-NEXT:      nvvm.mbarrier.init %[[POINTER]], %c1_i32
// CHECK:           %[[EMPTY:.+]] = arith.addi %[[BASE]], %c98336_i64
// CHECK-NEXT:      %[[POINTER:.+]] = llvm.inttoptr %[[EMPTY]]
// CHECK-NEXT:      nvvm.mbarrier.init %[[POINTER]], %c8_i32
// CHECK-COUNT-6:   nvvm.mbarrier.init
// CHECK:           nvvm.fence.mbarrier.init
// CHECK:           nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
// CHECK:         gpu.barrier

// The first step does not add to sums. The second half of a row is 32 bytes further on, and the next block
// of channels 128 rows (inputs) or 64 rows (filters). -9223371899415756800 is 2 in bits 62 and 63, 512 / 16
// from bit 32 on and 1 from bit 16 on.
// CHECK:         scf.if
// CHECK:           nvvm.mbarrier.try_wait.parity %{{.+}}, %c0_i32
// CHECK-NEXT:      nvvm.wgmma.fence.aligned
// CHECK:           %[[OWN:.+]] = arith.addi %[[BASE]], %{{.+}} : i64
// CHECK-NEXT:      %[[ROWS:.+]] = arith.addi %[[BASE]], %c16384_i64
// CHECK-NEXT:      %[[CUT:.+]] = arith.andi %[[OWN]], %c262143_i64
// CHECK-NEXT:      %[[ENCODED:.+]] = arith.shrui %[[CUT]], %c4_i64
// CHECK-NEXT:      %[[A:.+]] = arith.ori %[[ENCODED]], %c-9223371899415756800_i64
// CHECK:           %[[B:.+]] = arith.ori %{{.+}}, %c-9223371899415756800_i64
// CHECK-NEXT:      nvvm.wgmma.mma_async %[[A]], %[[B]],
// CHECK-SAME:        %{{.+}}, <m = 64, n = 64, k = 8>, D[<f32>, <zero>], A[<tf32>, <one>, <row>],
// CHECK-SAME:        B[<tf32>, <one>, <col>]
// CHECK-NEXT:      arith.addi %[[OWN]], %c32_i64
// CHECK:           nvvm.wgmma.mma_async {{.*}} D[<f32>, <one>]
// CHECK-NEXT:      arith.addi %[[OWN]], %c8192_i64
// CHECK:           arith.addi %[[BASE]], %c20480_i64
// CHECK-COUNT-2:   nvvm.wgmma.mma_async
// CHECK-NEXT:      nvvm.wgmma.commit.group.sync.aligned

// A step waits for the products of the step before, while its own are under way. Then that stage is empty.
// CHECK:           %[[LOOP:.+]]:4 = scf.for %{{.+}} = %c1 to %c18 step %c1 iter_args(%[[STAGE:.+]] = %c1,
// CHECK-SAME:        %[[PARITY:.+]] = %c0_i32, %{{.+}} = %{{.+}}, %[[BEFORE:.+]] = %c0)
// CHECK:             nvvm.mbarrier.try_wait.parity %{{.+}}, %[[PARITY]]
// CHECK-NEXT:        nvvm.wgmma.fence.aligned
// CHECK-COUNT-4:     nvvm.wgmma.mma_async {{.*}} D[<f32>, <one>]
// CHECK-NEXT:        nvvm.wgmma.commit.group.sync.aligned
// CHECK-NEXT:        nvvm.wgmma.wait.group.sync.aligned 1
// CHECK-NEXT:        scf.if
// CHECK-NEXT:          arith.muli %[[BEFORE]], %c8
// CHECK:               nvvm.mbarrier.arrive
// CHECK:             scf.yield %{{.+}}, %{{.+}}, %{{.+}}, %[[STAGE]]
// Neighbouring lanes swap sums, so that each stores four at once.
// CHECK:           cnn.wgmma_wait %[[LOOP]]#2 pending(0)
// CHECK-COUNT-4:   gpu.shuffle xor
// CHECK-COUNT-4:   vector.store {{.*}} vector<4xf32>
// CHECK-COUNT-4:   gpu.shuffle xor
// CHECK-COUNT-4:   vector.store {{.*}} vector<4xf32>

// One thread copies 2 x 112 rows of inputs and 128 rows of filters.
// CHECK:         scf.if
// CHECK:           scf.for %[[STEP:.+]] = %c0 to %c18 step %c1 iter_args(%{{.+}} = %c0, %[[PARITY:.+]] = %c0_i32)
// CHECK:             %[[OTHER:.+]] = arith.xori %[[PARITY]], %c1_i32
// CHECK-NEXT:        nvvm.mbarrier.try_wait.parity %{{.+}}, %[[OTHER]]
// CHECK:             nvvm.mbarrier.arrive.expect_tx %[[BARRIER:.+]], %c22528_i32
// CHECK-COUNT-2:     nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.+}}, %[[INPUTS]], %[[BARRIER]], box[%c0_i32, {{.+}}]
// CHECK:             nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.+}}, %[[FILTERS]], %[[BARRIER]], box[%c0_i32, %{{.+}}]
// CHECK:         gpu.return

// With a 1x1 kernel, the pixels of a map are one line. Strides are steps of the box. The kernel for all GPUs
// computes layers with few channels, with plain inputs, or with so few results that blocks share sums.
// CHECK-LABEL: gpu.func @conv_wgmma_0(
// CHECK:         nvvm.wgmma.mma_async
// CHECK-LABEL: gpu.func @conv_wgmma_1(
// CHECK:         nvvm.wgmma.mma_async
// CHECK-NOT:     @conv_wgmma
// CHECK-LABEL: gpu.func @conv(
// CHECK:       gpu.func @conv_2(
// CHECK:       gpu.func @conv_3(
// CHECK:       gpu.func @conv_sum(

// MAIN-LABEL: func.func @main(
// MAIN:         cnn.tensor_map %{{.+}} {box = array<i64: 16, 56, 2, 1, 1>, sizes = array<i64: 16, 56, 56, 4, 8>,
// MAIN-SAME:      steps = array<i64: 1, 1, 1, 1, 1>, swizzle = 64 : i64}
// MAIN:         cnn.tensor_map %{{.+}} {box = array<i64: 16, 128>, sizes = array<i64: 16, 2304>,
// MAIN-SAME:      steps = array<i64: 1, 1>, swizzle = 64 : i64}
// MAIN:         gpu.launch_func {{.*}} dynamic_shared_memory_size %c99392_i32
// MAIN:         cnn.tensor_map %{{.+}} {box = array<i64: 16, 128, 1, 1, 1>, sizes = array<i64: 16, 3136, 1, 4, 8>
// MAIN:         cnn.tensor_map %{{.+}} {box = array<i64: 16, 28, 2, 1, 1>, sizes = array<i64: 16, 56, 56, 4, 8>,
// MAIN-SAME:      steps = array<i64: 1, 2, 2, 1, 1>

module attributes {cnn.target = #target, cnn.arena_size = 64 : i64, cnn.weights_size = 64 : i64} {
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>,
                  %x: memref<8x4x56x56x16xf32>, %w: memref<1x1x2x3x3x2x64x16xf32>, %b: memref<64xf32>, %y: memref<8x4x56x56x16xf32>,
                  %pointwise: memref<1x1x2x1x1x2x64x16xf32>, %z: memref<8x4x28x28x16xf32>,
                  %narrow: memref<1x1x4x1x1x16x32xf32>, %v: memref<8x1x56x56x16xf32>,
                  %image: memref<1x3x32x32xf32>, %stem: memref<1x1x1x7x7x3x32xf32>, %u: memref<1x2x16x16x16xf32>,
                  %small: memref<1x8x7x7x16xf32>, %deep: memref<1x4x8x3x3x16x32xf32>, %s: memref<1x8x7x7x16xf32>) {
    cnn.conv %x, %w, %b outs(%y) {filter_shape = array<i64: 64, 64, 3, 3>, output_block = 16 : i64,
        activation = #cnn.function<relu>, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (memref<8x4x56x56x16xf32>, memref<1x1x2x3x3x2x64x16xf32>, memref<64xf32>, memref<8x4x56x56x16xf32>) -> ()
    cnn.conv %x, %pointwise outs(%y) {filter_shape = array<i64: 64, 64, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (memref<8x4x56x56x16xf32>, memref<1x1x2x1x1x2x64x16xf32>, memref<8x4x56x56x16xf32>) -> ()
    cnn.conv %x, %w outs(%z) {filter_shape = array<i64: 64, 64, 3, 3>, output_block = 16 : i64,
        window = #cnn.window<[3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>}
      : (memref<8x4x56x56x16xf32>, memref<1x1x2x3x3x2x64x16xf32>, memref<8x4x28x28x16xf32>) -> ()
    cnn.conv %x, %narrow outs(%v) {filter_shape = array<i64: 16, 64, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (memref<8x4x56x56x16xf32>, memref<1x1x4x1x1x16x32xf32>, memref<8x1x56x56x16xf32>) -> ()
    cnn.conv %image, %stem outs(%u) {filter_shape = array<i64: 32, 3, 7, 7>, output_block = 16 : i64,
        window = #cnn.window<[7, 7], strides = [2, 2], pads = [3, 3, 3, 3]>}
      : (memref<1x3x32x32xf32>, memref<1x1x1x7x7x3x32xf32>, memref<1x2x16x16x16xf32>) -> ()
    cnn.conv %small, %deep outs(%s) {filter_shape = array<i64: 128, 128, 3, 3>, output_block = 16 : i64,
        window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (memref<1x8x7x7x16xf32>, memref<1x4x8x3x3x16x32xf32>, memref<1x8x7x7x16xf32>) -> ()
    return
  }
}

// -----

// Other precisions use the kernel for all GPUs.
#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [90], arch_specific = true>>

// CHECK-LABEL: gpu.func @conv(
// CHECK-NOT:     wgmma
// CHECK:         gpu.return
module attributes {cnn.target = #target, cnn.arena_size = 64 : i64, cnn.weights_size = 64 : i64} {
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>, %x: memref<8x4x56x56x16xf32>,
                  %w: memref<1x1x4x3x3x16x64xf32>, %b: memref<64xf32>, %y: memref<8x4x56x56x16xf32>) {
    cnn.conv %x, %w, %b outs(%y) {filter_shape = array<i64: 64, 64, 3, 3>, output_block = 16 : i64,
        activation = #cnn.function<relu>, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (memref<8x4x56x56x16xf32>, memref<1x1x4x3x3x16x64xf32>, memref<64xf32>, memref<8x4x56x56x16xf32>) -> ()
    return
  }
}

// -----

// So does code that must run on later GPUs as well.
#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [90]>, precision = tf32>

// CHECK-LABEL: gpu.func @conv(
// CHECK-NOT:     wgmma
// CHECK:         gpu.return
module attributes {cnn.target = #target, cnn.arena_size = 64 : i64, cnn.weights_size = 64 : i64} {
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>, %x: memref<8x4x56x56x16xf32>,
                  %w: memref<1x1x4x3x3x16x64xf32>, %b: memref<64xf32>, %y: memref<8x4x56x56x16xf32>) {
    cnn.conv %x, %w, %b outs(%y) {filter_shape = array<i64: 64, 64, 3, 3>, output_block = 16 : i64,
        activation = #cnn.function<relu>, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (memref<8x4x56x56x16xf32>, memref<1x1x4x3x3x16x64xf32>, memref<64xf32>, memref<8x4x56x56x16xf32>) -> ()
    return
  }
}
