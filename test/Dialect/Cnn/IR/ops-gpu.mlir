// RUN: convoy-opt %s | convoy-opt | FileCheck %s

// CHECK-LABEL: func.func @tensor_map(
func.func @tensor_map(%x: memref<8x4x56x56x16xf32>) -> !llvm.ptr {
  // CHECK: cnn.tensor_map %arg0 {box = array<i64: 16, 8, 16, 1, 1>, sizes = array<i64: 16, 56, 56, 4, 8>,
  // CHECK-SAME: steps = array<i64: 1, 2, 2, 1, 1>, swizzle = 64 : i64} : memref<8x4x56x56x16xf32> -> !llvm.ptr
  %map = cnn.tensor_map %x {sizes = array<i64: 16, 56, 56, 4, 8>, box = array<i64: 16, 8, 16, 1, 1>,
      steps = array<i64: 1, 2, 2, 1, 1>, swizzle = 64 : i64} : memref<8x4x56x56x16xf32> -> !llvm.ptr
  return %map : !llvm.ptr
}

// CHECK-LABEL: func.func @wgmma_wait(
func.func @wgmma_wait(%sums: !llvm.struct<(f32, f32)>) -> !llvm.struct<(f32, f32)> {
  // CHECK: cnn.wgmma_wait %arg0 pending(1) : !llvm.struct<(f32, f32)>
  %0 = cnn.wgmma_wait %sums pending(1) : !llvm.struct<(f32, f32)>
  return %0 : !llvm.struct<(f32, f32)>
}

// Code for one compute capability only.
// CHECK-LABEL: func.func @specific()
// CHECK-SAME:    #cnn.gpu<cuda, [90], arch_specific = true>
// CHECK-LABEL: func.func @usual()
// CHECK-SAME:    #cnn.gpu<cuda, [80, 90]>
func.func @specific() attributes {gpu = #cnn.gpu<cuda, [90], arch_specific = true>} {
  return
}
func.func @usual() attributes {gpu = #cnn.gpu<cuda, [80, 90]>} {
  return
}
