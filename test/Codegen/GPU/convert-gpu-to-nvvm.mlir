// RUN: convoy-opt %s --pass-pipeline='builtin.module(gpu.module(cnn-convert-gpu-to-nvvm,reconcile-unrealized-casts))' | FileCheck %s

// Buffers are bare pointers, indices have 32 bits, shared memory is a global, and accesses
// keep their alignment.
// CHECK:       llvm.mlir.global external @[[MEMORY:__dynamic_shmem__.+]]() {{.*}} : !llvm.array<0 x i8>
// CHECK:       llvm.mlir.global internal @{{.+}}() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x f32>
// CHECK-LABEL: llvm.func @stage(%{{.+}}: !llvm.ptr, %{{.+}}: !llvm.ptr)
// CHECK-SAME:    nvvm.kernel
// CHECK-SAME:    nvvm.maxntid = array<i32: 16, 1, 1>
// CHECK:         %[[THREAD:.+]] = nvvm.read.ptx.sreg.tid.x {{.*}}i32
// CHECK-NOT:     i64
// CHECK:         nvvm.cp.async.shared.global %{{.+}}, %{{.+}}, 16, cache = cg, %{{.+}}
// CHECK:         nvvm.cp.async.commit.group
// CHECK:         nvvm.cp.async.wait.group 0
// CHECK:         nvvm.barrier
// CHECK:         llvm.load %{{.+}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
// CHECK:         llvm.store %{{.+}}, %{{.+}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr
// CHECK:         nvvm.mma.sync
// CHECK-NOT:     unrealized_conversion_cast
// CHECK:         llvm.return
gpu.module @kernels {
  gpu.func @stage(%x: memref<64xf32>, %y: memref<64xf32>)
      workgroup(%tile: memref<64xf32, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel
      attributes {known_block_size = array<i32: 16, 1, 1>} {
    %t = gpu.thread_id x
    %c4 = arith.constant 4 : index
    %i = arith.muli %t, %c4 : index
    %copy = nvgpu.device_async_copy %x[%i], %tile[%i], 4, %c4 {bypassL1} : memref<64xf32> to memref<64xf32, #gpu.address_space<workgroup>>
    %group = nvgpu.device_async_create_group %copy
    nvgpu.device_async_wait %group {numGroups = 0 : i32}
    gpu.barrier
    %v = vector.load %tile[%i] {alignment = 16 : i64} : memref<64xf32, #gpu.address_space<workgroup>>, vector<4xf32>
    vector.store %v, %y[%i] {alignment = 16 : i64} : memref<64xf32>, vector<4xf32>
    %e = vector.extract %v[0] : f32 from vector<4xf32>
    // Vectors of two dimensions, as canonicalisation makes them from insertions.
    %a = vector.from_elements %e, %e, %e, %e : vector<4x1xf32>
    %b = vector.from_elements %e, %e : vector<2x1xf32>
    %zero = arith.constant dense<0.0> : vector<2x2xf32>
    %sum = nvgpu.mma.sync(%a, %b, %zero) {mmaShape = [16, 8, 8], tf32Enabled}
        : (vector<4x1xf32>, vector<2x1xf32>, vector<2x2xf32>) -> vector<2x2xf32>
    %s = vector.extract %sum[0, 0] : f32 from vector<2x2xf32>
    memref.store %s, %y[%t] : memref<64xf32>
    gpu.return
  }

  // LLVM computes these functions itself. Calls of a library would fail, as artefacts have none.
  // CHECK-LABEL: llvm.func @functions(
  // CHECK-NOT:     llvm.call
  // CHECK:         llvm.intr.sqrt
  // CHECK:         llvm.intr.fma
  // CHECK:         llvm.intr.floor
  // CHECK:         llvm.intr.ceil
  // CHECK:         llvm.intr.roundeven
  // CHECK:         llvm.intr.fabs
  // CHECK:         llvm.intr.copysign
  // CHECK:         llvm.frem
  // CHECK-NOT:     llvm.call
  // CHECK:         llvm.return
  gpu.func @functions(%x: memref<1xf32>) kernel {
    %c0 = arith.constant 0 : index
    %a = memref.load %x[%c0] : memref<1xf32>
    %b = math.sqrt %a : f32
    %c = math.fma %a, %b, %b : f32
    %d = math.floor %c : f32
    %e = math.ceil %d : f32
    %f = math.roundeven %e : f32
    %g = math.absf %f : f32
    %h = math.copysign %g, %a : f32
    %i = arith.remf %h, %a : f32
    memref.store %i, %x[%c0] : memref<1xf32>
    gpu.return
  }

  // A tensor map is passed by value. Shared memory whose size the launch sets is a declaration. A wait
  // for products is inline assembly that returns the sums, so that no sum is used before the wait.
  // CHECK-LABEL: llvm.func @warpgroup(
  // CHECK-SAME:    %[[MAP:[^:]+]]: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}
  // CHECK:         llvm.mlir.addressof @[[MEMORY]] : !llvm.ptr<3>
  // CHECK:         nvvm.mbarrier.init
  // CHECK:         nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.+}}, %[[MAP]]
  // CHECK:         llvm.inline_asm {{.*}}mbarrier.try_wait.parity.shared.b64
  // CHECK:         nvvm.wgmma.fence.aligned
  // CHECK:         llvm.inline_asm has_side_effects {{.*}}wgmma.mma_async.sync.aligned.m64n8k8.f32.tf32.tf32
  // CHECK:         nvvm.wgmma.commit.group.sync.aligned
  // CHECK:         %[[SUMS:.+]] = llvm.inline_asm has_side_effects asm_dialect = att "wgmma.wait_group.sync.aligned 0;",
  // CHECK-SAME:      "=f,=f,=f,=f,0,1,2,3"
  // CHECK:         llvm.extractvalue %[[SUMS]][0]
  gpu.func @warpgroup(%map: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64}, %y: memref<64xf32>) kernel {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %ticks = arith.constant 1000 : i32
    %descriptor = arith.constant 0x8000002000010000 : i64
    %t = gpu.thread_id x
    %memory = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
    %index = memref.extract_aligned_pointer_as_index %memory : memref<?xi8, #gpu.address_space<workgroup>> -> index
    %address = arith.index_cast %index : index to i64
    %barrier = llvm.inttoptr %address : i64 to !llvm.ptr<3>
    %to = llvm.inttoptr %address : i64 to !llvm.ptr<7>
    nvvm.mbarrier.init %barrier, %c1 : !llvm.ptr<3>, i32
    nvvm.cp.async.bulk.tensor.shared.cluster.global %to, %map, %barrier, box [%c0, %c0] : !llvm.ptr<7>, !llvm.ptr
    nvvm.mbarrier.try_wait.parity %barrier, %c0, %ticks : !llvm.ptr<3>, i32, i32
    nvvm.wgmma.fence.aligned
    %none = llvm.mlir.undef : !llvm.struct<(f32, f32, f32, f32)>
    %started = nvvm.wgmma.mma_async %descriptor, %descriptor, %none, <m = 64, n = 8, k = 8>, D [<f32>, <zero>],
        A [<tf32>, <one>, <row>], B [<tf32>, <one>, <col>]
        : !llvm.struct<(f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32)>
    nvvm.wgmma.commit.group.sync.aligned
    %sums = cnn.wgmma_wait %started pending(0) : !llvm.struct<(f32, f32, f32, f32)>
    %sum = llvm.extractvalue %sums[0] : !llvm.struct<(f32, f32, f32, f32)>
    memref.store %sum, %y[%t] : memref<64xf32>
    gpu.return
  }
}
