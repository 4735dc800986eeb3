// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-gpu-kernels --canonicalize --cse | FileCheck %s

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [90], arch_specific = true>, precision = f16>

// Rows of 32 bytes, four blocks of channels per step, products of 16 inputs. The constant of the
// descriptors is 3 in bits 62 and 63, 256 / 16 from bit 32 on and 1 from bit 16 on.
// CHECK-LABEL: gpu.func @conv_wgmma(
// CHECK:         arith.ori %{{.+}}, %c-4611685949707845632_i64
// CHECK-COUNT-4: nvvm.wgmma.mma_async {{.*}}<m = 64, n = 64, k = 16>, D[<f32>, {{.*}}], A[<f16>, <one>, <row>], B[<f16>, <one>, <col>]
// CHECK-NEXT:    nvvm.wgmma.commit.group.sync.aligned
// CHECK:         cnn.wgmma_wait
// CHECK-COUNT-4: vector.store {{.*}} vector<4xf16>
// CHECK:         nvvm.mbarrier.arrive.expect_tx %{{.+}}, %c{{[0-9]+}}_i32
// CHECK-COUNT-4: nvvm.cp.async.bulk.tensor.shared.cluster.global {{.*}}, box[%c0_i32, %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}]
// CHECK:         nvvm.cp.async.bulk.tensor.shared.cluster.global {{.*}}, box[%c0_i32, %{{.+}}]
// CHECK-LABEL: func.func @main(
// CHECK:         cnn.tensor_map {{.*}} swizzle = 32 : i64} : memref<8x4x56x56x16xf16> -> !llvm.ptr
// CHECK:         cnn.tensor_map %{{.+}} {box = array<i64: 16, 256>, sizes = array<i64: 16, 2304>,
// CHECK-SAME:      steps = array<i64: 1, 1>, swizzle = 32 : i64}
module attributes {cnn.target = #target, cnn.arena_size = 64 : i64, cnn.weights_size = 64 : i64} {
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>,
                  %x: memref<8x4x56x56x16xf16>, %w: memref<1x1x1x3x3x4x64x16xf16>, %b: memref<64xf32>, %y: memref<8x4x56x56x16xf16>) {
    cnn.conv %x, %w, %b outs(%y) {filter_shape = array<i64: 64, 64, 3, 3>, output_block = 16 : i64,
        activation = #cnn.function<relu>, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (memref<8x4x56x56x16xf16>, memref<1x1x1x3x3x4x64x16xf16>, memref<64xf32>, memref<8x4x56x56x16xf16>) -> ()
    return
  }
}
