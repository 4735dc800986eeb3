// RUN: convoy-opt %s \
// RUN:   --pass-pipeline='builtin.module(cnn-set-target{cpu=x86-64-v3},builtin.module(cnn-generate-cpu-kernels))' \
// RUN:   | FileCheck %s --check-prefix=KERNELS
// RUN: convoy-opt %s --pass-pipeline='builtin.module(cnn-set-target{cpu=x86-64-v3}, \
// RUN:   builtin.module(cnn-generate-cpu-kernels),cnn-link-devices,convoy-target,canonicalize)' | FileCheck %s

// Communication gets no kernel: the runtime does it. In profiles it is a layer of its own.
// KERNELS:     cnn.layers = ["gather a", "halo of b", "sum of c"]
// KERNELS:       cnn.all_gather
// KERNELS:       cnn.halo_exchange
// KERNELS:       cnn.all_reduce
// KERNELS:       cnn.await
// KERNELS:       cnn.release

// Two rows; 12 bytes per element of the axis, which is cut at 0, 4 and 5.
// CHECK-LABEL: llvm.func internal @convoy_main(
// CHECK-SAME:    %[[RT:[^:]+]]: !llvm.ptr
// CHECK-DAG:     %[[GATHER:.+]] = llvm.mlir.constant(0 : i32)
// CHECK-DAG:     %[[HALO:.+]] = llvm.mlir.constant(1 : i32)
// CHECK-DAG:     %[[SUM:.+]] = llvm.mlir.constant(2 : i32)
// CHECK-DAG:     %[[ROWS:.+]] = llvm.mlir.constant(2 : i64)
// CHECK-DAG:     %[[BYTES:.+]] = llvm.mlir.constant(12 : i64)
// CHECK:         llvm.call @convoy_rt_all_gather(%[[RT]], %{{.+}}, %{{.+}}, %[[ROWS]], %[[BYTES]], %{{.+}})
// CHECK-NEXT:    llvm.call @convoy_rt_await(%[[RT]])
// CHECK-NEXT:    llvm.call @convoy_rt_release(%[[RT]])
// CHECK-NEXT:    llvm.call @convoy_rt_layer_done(%[[RT]], %[[GATHER]])
// Asynchronous exchanges end later, one after another. The time of all their calls counts for their layers.
// CHECK-NEXT:    llvm.call @convoy_rt_halo_exchange(%[[RT]], %{{.+}}, %{{.+}}, %[[ROWS]], %[[BYTES]], %{{.+}}, %{{.+}}, %{{.+}})
// CHECK-NEXT:    llvm.call @convoy_rt_layer_done(%[[RT]], %[[HALO]])
// CHECK-NEXT:    llvm.call @convoy_rt_all_reduce(%[[RT]], %{{.+}}, %{{.+}}, %{{.+}})
// CHECK-NEXT:    llvm.call @convoy_rt_layer_done(%[[RT]], %[[SUM]])
// CHECK-NEXT:    llvm.call @convoy_rt_await(%[[RT]])
// CHECK-NEXT:    llvm.call @convoy_rt_layer_done(%[[RT]], %[[HALO]])
// CHECK-NEXT:    llvm.call @convoy_rt_await(%[[RT]])
// CHECK-NEXT:    llvm.call @convoy_rt_layer_done(%[[RT]], %[[SUM]])
// CHECK-NEXT:    llvm.call @convoy_rt_release(%[[RT]])
// CHECK-NEXT:    llvm.call @convoy_rt_layer_done(%[[RT]], %[[HALO]])
// CHECK-NEXT:    llvm.call @convoy_rt_release(%[[RT]])
// CHECK-NEXT:    llvm.call @convoy_rt_layer_done(%[[RT]], %[[SUM]])
// CHECK-NEXT:    llvm.return
// CHECK-LABEL: llvm.func @convoy_model_invoke(
module {
  module @device_0 attributes {cnn.arena_size = 512 : i64, cnn.weights_size = 64 : i64, cnn.weights = []} {
    func.func @main(%arena: memref<512xi8>, %weights: memref<64xi8>) {
      %c0 = arith.constant 0 : index
      %c128 = arith.constant 128 : index
      %c256 = arith.constant 256 : index
      %c384 = arith.constant 384 : index
      %a = memref.view %arena[%c0][] : memref<512xi8> to memref<2x4x3xf32>
      %b = memref.view %arena[%c128][] : memref<512xi8> to memref<2x5x3xf32>
      %c = memref.view %arena[%c256][] : memref<512xi8> to memref<2x5x3xf32>
      %d = memref.view %arena[%c384][] : memref<512xi8> to memref<2x4x3xf32>
      cnn.all_gather %a outs(%b) {axis = 1 : i64, bounds = array<i64: 0, 4, 5>, device = 0 : i64}
          : (memref<2x4x3xf32>, memref<2x5x3xf32>) -> () loc("gather a")
      cnn.halo_exchange %a outs(%c) {async, axis = 1 : i64, bounds = array<i64: 0, 4, 5>, before = 1 : i64,
          after = 1 : i64, device = 0 : i64} : (memref<2x4x3xf32>, memref<2x5x3xf32>) -> () loc("halo of b")
      cnn.all_reduce %a outs(%d) {async, device = 0 : i64, devices = 2 : i64} : (memref<2x4x3xf32>, memref<2x4x3xf32>) -> () loc("sum of c")
      cnn.await %a into %c : memref<2x4x3xf32>, memref<2x5x3xf32>
      cnn.await %a into %d : memref<2x4x3xf32>, memref<2x4x3xf32>
      cnn.release %a : memref<2x4x3xf32>
      cnn.release %a, %d : memref<2x4x3xf32>, memref<2x4x3xf32>
      return
    }
  }
}
