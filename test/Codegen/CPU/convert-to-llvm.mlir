// RUN: convoy-opt %s --cnn-convert-to-llvm --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s --implicit-check-not=func.func --implicit-check-not=memref. --implicit-check-not=cnn.launch

// A launch stores its buffers' pointers in an array and calls the runtime with the kernel's
// entry; each layer reports its end; the locations are the launches'.
// CHECK-LABEL: llvm.func internal @convoy_main(
// CHECK:         %[[ENTRY:.+]] = llvm.mlir.addressof @copy_0_entry
// CHECK-NEXT:    %[[TASKS:.+]] = llvm.mlir.constant(2 : i64)
// CHECK-NEXT:    llvm.call @convoy_rt_parallel_for(%[[RT:.+]], %[[ENTRY]], %{{.+}}, %[[TASKS]]) {{.*}} loc("first")
// CHECK-NEXT:    %[[LAYER:.+]] = llvm.mlir.constant(0 : i32)
// CHECK-NEXT:    llvm.call @convoy_rt_layer_done(%[[RT]], %[[LAYER]]) {{.*}} loc("first")
// CHECK:         llvm.mlir.constant(1 : i64) {{.*}} loc("second")
// CHECK-NEXT:    llvm.call @convoy_rt_parallel_for({{.+}} loc("second")
// CHECK-NEXT:    %[[LAYER1:.+]] = llvm.mlir.constant(1 : i32)
// CHECK-NEXT:    llvm.call @convoy_rt_layer_done(%{{.+}}, %[[LAYER1]])

// The kernel's buffers do not overlap; its pointers are bare.
// CHECK:       llvm.func internal @copy_0(%{{[^ ]+}}: i64 {{.*}}%{{[^ ]+}}: i64 {{.*}}!llvm.ptr {llvm.{{.*}}!llvm.ptr {llvm.
// CHECK:         llvm.load {{.+}} -> vector<8xf32>
// CHECK:         llvm.store {{.+}} : vector<8xf32>

// CHECK:       llvm.func internal @copy_0_entry(
// CHECK-COUNT-2: llvm.load {{.+}} -> !llvm.ptr
// CHECK:         llvm.call @copy_0(

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 8, vector_registers = 16, l1 = 32768, l2 = 1048576>
module attributes {cnn.target = #target, cnn.layers = ["first", "second"], cnn.inputs = [{name = "x", type = tensor<8xf32>}], cnn.outputs = [{name = "y", type = tensor<8xf32>}], cnn.arena_size = 256 : i64, cnn.weights_size = 64 : i64, cnn.weights = []} {
  func.func @main(%arena: memref<256xi8>, %weights: memref<64xi8>, %x: memref<8xf32>, %y: memref<8xf32>) {
    %c64 = arith.constant 64 : index
    %t = memref.view %arena[%c64][] : memref<256xi8> to memref<8xf32>
    cnn.launch @copy_0 tasks(2) (%x, %t) : memref<8xf32>, memref<8xf32> loc("first")
    cnn.launch @copy_0 tasks(1) (%t, %y) : memref<8xf32>, memref<8xf32> loc("second")
    return
  }
  func.func private @copy_0(%begin: index, %end: index, %from: memref<8xf32>, %to: memref<8xf32>) {
    %c0 = arith.constant 0 : index
    %v = vector.load %from[%c0] : memref<8xf32>, vector<8xf32>
    vector.store %v, %to[%c0] : memref<8xf32>, vector<8xf32>
    return
  }
}
