// RUN: convoy-opt %s --cnn-emulate-gpu --split-input-file --verify-diagnostics | FileCheck %s

#shared = #gpu.address_space<workgroup>
#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <emulator, [80]>>

module attributes {gpu.container_module, cnn.target = #target} {
  // The launch names the function that runs the kernel, and the bytes of its shared memory. Its second
  // buffer is aligned to 16 bytes.
  // CHECK-LABEL: func.func @main(
  // CHECK:         gpu.launch_func @kernels::@memory {{.*}} {cnn.emulated = @memory, cnn.shared_bytes = 80 : i64}
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>, %x: memref<5xf32>, %y: memref<5xf32>) {
    %c1 = arith.constant 1 : index
    %c5 = arith.constant 5 : index
    gpu.launch_func @kernels::@memory blocks in (%c1, %c1, %c1) threads in (%c5, %c1, %c1) args(%x : memref<5xf32>, %y : memref<5xf32>)
    return
  }

  gpu.module @kernels {
    // The kernels stay in their module, without a body.
    // CHECK-LABEL: gpu.func @memory(
    // CHECK-NEXT:    gpu.return
    // CHECK-LABEL: gpu.func @warp(
    // CHECK-NEXT:    gpu.return
    // CHECK-LABEL: gpu.func @copies(
    // CHECK-NEXT:    gpu.return

    // CHECK-LABEL: func.func private @memory(
    // CHECK-SAME:    %[[THREAD:.+]]: !llvm.ptr, %[[SHARED:.+]]: memref<80xi8>, %[[X:.+]]: memref<5xf32>,
    // CHECK-SAME:      %{{.+}}: memref<5xf32>) attributes {cnn.emulated}
    // CHECK-DAG:     %[[A:.+]] = memref.view %[[SHARED]][%c0{{.*}}][] : memref<80xi8> to memref<5xf32>
    // CHECK-DAG:     %[[B:.+]] = memref.view %[[SHARED]][%c32{{.*}}][] : memref<80xi8> to memref<3x4xf32>
    gpu.func @memory(%x: memref<5xf32>, %y: memref<5xf32>)
        workgroup(%a: memref<5xf32, #shared>, %b: memref<3x4xf32, #shared>) kernel {
      %c2 = arith.constant 2 : index
      // CHECK:         %[[FIELD:.+]] = llvm.getelementptr %[[THREAD]][4]
      // CHECK-NEXT:    %[[ID:.+]] = llvm.load %[[FIELD]] invariant
      // CHECK-NEXT:    %[[T:.+]] = arith.index_castui %[[ID]] : i32 to index
      %t = gpu.thread_id y
      // CHECK-NEXT:    %[[V:.+]] = memref.load %[[X]][%[[T]]] : memref<5xf32>
      %v = memref.load %x[%t] : memref<5xf32>
      // The access is reported: the address of element t, 4 bytes, a write.
      // CHECK:         %[[BYTES:.+]] = arith.muli %[[T]], %c4
      // CHECK:         %[[START:.+]] = memref.extract_aligned_pointer_as_index %[[A]]
      // CHECK:         %[[AT:.+]] = arith.addi %[[START]], %[[BYTES]]
      // CHECK:         %[[INT:.+]] = arith.index_cast %[[AT]] : index to i64
      // CHECK:         %[[ADDRESS:.+]] = llvm.inttoptr %[[INT]]
      // CHECK:         %[[WRITE:.+]] = llvm.mlir.constant(1 : i32)
      // CHECK:         %[[FOUR:.+]] = llvm.mlir.constant(4 : i32)
      // CHECK:         llvm.call @convoy_gpu_access(%[[THREAD]], %[[ADDRESS]], %[[FOUR]], %[[WRITE]])
      // CHECK-NEXT:    memref.store %[[V]], %[[A]][%[[T]]] : memref<5xf32>
      memref.store %v, %a[%t] : memref<5xf32, #shared>
      // Each place at which threads meet has a number.
      // CHECK:         %[[SITE:.+]] = llvm.mlir.constant(0 : i32)
      // CHECK-NEXT:    llvm.call @convoy_gpu_barrier(%[[THREAD]], %[[SITE]])
      gpu.barrier
      // CHECK:         %[[SITE:.+]] = llvm.mlir.constant(1 : i32)
      // CHECK-NEXT:    llvm.call @convoy_gpu_barrier(%[[THREAD]], %[[SITE]])
      gpu.barrier
      // An access through a view includes its offset. It is a read of 16 bytes.
      // CHECK:         %[[ROW:.+]] = memref.subview %[[B]][%[[T]], 0] [1, 4] [1, 1]
      // CHECK-SAME:      : memref<3x4xf32> to memref<4xf32, strided<[1], offset: ?>>
      %row = memref.subview %b[%t, 0] [1, 4] [1, 1] : memref<3x4xf32, #shared> to memref<4xf32, strided<[1], offset: ?>, #shared>
      // CHECK:         memref.extract_strided_metadata %[[ROW]]
      // CHECK:         %[[READ:.+]] = llvm.mlir.constant(0 : i32)
      // CHECK:         %[[SIXTEEN:.+]] = llvm.mlir.constant(16 : i32)
      // CHECK:         llvm.call @convoy_gpu_access(%[[THREAD]], %{{.+}}, %[[SIXTEEN]], %[[READ]])
      // CHECK-NEXT:    vector.load %[[ROW]]
      %c0 = arith.constant 0 : index
      %w = vector.load %row[%c0] : memref<4xf32, strided<[1], offset: ?>, #shared>, vector<4xf32>
      // Accesses of global memory are not reported.
      // CHECK-NOT:     llvm.call
      // CHECK:         vector.store
      // CHECK-NEXT:    return
      vector.store %w, %y[%c0] : memref<5xf32>, vector<4xf32>
      gpu.return
    }

    // CHECK-LABEL: func.func private @warp(
    // CHECK-SAME:    %[[THREAD:.+]]: !llvm.ptr, %{{.+}}: memref<512xi8>
    // CHECK:         %[[EXCHANGE:.+]] = llvm.alloca %{{.+}} x i8 {alignment = 16 : i64}
    gpu.func @warp(%x: memref<4xf32>) workgroup(%a: memref<32x8xf16, #shared>) kernel {
      %c0 = arith.constant 0 : index
      %i1 = arith.constant 1 : i32
      %i32 = arith.constant 32 : i32
      %lane = gpu.lane_id
      %v = memref.load %x[%c0] : memref<4xf32>
      // CHECK:         llvm.store %[[V:.+]], %[[EXCHANGE]] : f32, !llvm.ptr
      // CHECK:         %[[VALID:.+]] = llvm.call @convoy_gpu_shuffle(%[[THREAD]],
      // CHECK-SAME:      %{{.+}}, %{{.+}}, %[[EXCHANGE]], %{{.+}}, %c1_i32, %c32_i32)
      // CHECK:         llvm.icmp "ne" %[[VALID]]
      // CHECK:         llvm.load %[[EXCHANGE]] : !llvm.ptr -> f32
      %s, %valid = gpu.shuffle down %v, %i1, %i32 : f32
      // CHECK:         llvm.call @convoy_gpu_load_matrix(%[[THREAD]], %{{.+}}, %{{.+}}, %[[EXCHANGE]], %{{.+}}, %{{.+}})
      // CHECK-NEXT:    llvm.load %[[EXCHANGE]] : !llvm.ptr -> vector<8xf16>
      %m = nvgpu.ldmatrix %a[%lane, %c0] {numTiles = 4 : i32, transpose = false} : memref<32x8xf16, #shared> -> vector<4x2xf16>
      // The operands are passed 16 bytes apart.
      // CHECK-DAG:     %[[B:.+]] = llvm.getelementptr %[[EXCHANGE]][16]
      // CHECK-DAG:     %[[C:.+]] = llvm.getelementptr %[[EXCHANGE]][32]
      // CHECK:         llvm.store %{{.+}}, %[[EXCHANGE]] : vector<8xf16>
      // CHECK:         llvm.store %{{.+}}, %[[B]] : vector<4xf16>
      // CHECK:         llvm.store %{{.+}}, %[[C]] : vector<4xf32>
      // CHECK:         %[[SITE:.+]] = llvm.mlir.constant(2 : i32)
      // CHECK:         %[[K:.+]] = llvm.mlir.constant(16 : i32)
      // CHECK:         %[[HALF:.+]] = llvm.mlir.constant({{.*}}1 : i32)
      // CHECK:         llvm.call @convoy_gpu_mma(%[[THREAD]], %[[SITE]], %[[K]], %[[HALF]], %[[EXCHANGE]], %[[B]], %[[C]])
      // CHECK-NEXT:    llvm.load %[[C]] : !llvm.ptr -> vector<4xf32>
      %b = vector.extract_strided_slice %m {offsets = [0], sizes = [2], strides = [1]} : vector<4x2xf16> to vector<2x2xf16>
      %zero = arith.constant dense<0.0> : vector<2x2xf32>
      %d = nvgpu.mma.sync (%m, %b, %zero) {mmaShape = [16, 8, 16]} : (vector<4x2xf16>, vector<2x2xf16>, vector<2x2xf32>) -> vector<2x2xf32>
      %e = vector.shape_cast %d : vector<2x2xf32> to vector<4xf32>
      vector.store %e, %x[%c0] : memref<4xf32>, vector<4xf32>
      gpu.return
    }

    // Tokens are dropped: the emulator counts groups.
    // CHECK-LABEL: func.func private @copies(
    // CHECK-NOT:     async.token
    // CHECK:         llvm.call @convoy_gpu_async_copy(
    // CHECK:         llvm.call @convoy_gpu_async_group(
    // CHECK:         %[[TWO:.+]] = llvm.mlir.constant(2 : i32)
    // CHECK-NEXT:    llvm.call @convoy_gpu_async_wait(%{{.+}}, %[[TWO]])
    // CHECK:         return
    gpu.func @copies(%x: memref<4xf32>, %n: memref<1xindex>) workgroup(%a: memref<4xf32, #shared>) kernel {
      %c0 = arith.constant 0 : index
      %count = memref.load %n[%c0] : memref<1xindex>
      %copy = nvgpu.device_async_copy %x[%c0], %a[%c0], 4, %count : memref<4xf32> to memref<4xf32, #shared>
      %group = nvgpu.device_async_create_group %copy
      nvgpu.device_async_wait %group {numGroups = 2 : i32}
      gpu.return
    }
  }
}

// -----

// The pass does not change kernels for other targets.
// CHECK-LABEL: gpu.module @others
// CHECK:         gpu.func @memory(
// CHECK-NEXT:      gpu.barrier
#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [80]>>
module attributes {gpu.container_module, cnn.target = #target} {
  gpu.module @others {
    gpu.func @memory() kernel {
      gpu.barrier
      gpu.return
    }
  }
}

// -----

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <emulator, [80]>>
module attributes {gpu.container_module, cnn.target = #target} {
  gpu.module @kernels {
    gpu.func @unknown() kernel {
      // expected-error @+1 {{cannot be emulated; docs/gpu.md says what a kernel may use}}
      gpu.printf "hello"
      gpu.return
    }
  }
}

// -----

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <emulator, [80]>>
module attributes {gpu.container_module, cnn.target = #target} {
  gpu.module @kernels {
    gpu.func @copies(%x: memref<4xf32>) workgroup(%a: memref<4xf32, #gpu.address_space<workgroup>>) kernel {
      // expected-error @+1 {{on shared memory cannot be emulated: use loads and stores of scalars and of vectors with one dimension}}
      memref.copy %x, %a : memref<4xf32> to memref<4xf32, #gpu.address_space<workgroup>>
      gpu.return
    }
  }
}

// -----

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <emulator, [80]>>
module attributes {gpu.container_module, cnn.target = #target} {
  gpu.module @kernels {
    gpu.func @sums_in_f16(%a: vector<4x2xf16>, %b: vector<2x2xf16>, %c: vector<2x2xf16>) kernel {
      // expected-error @+1 {{cannot be emulated: use tf32 m16n8k4 or m16n8k8, or f16 m16n8k8 or m16n8k16, with f32 sums}}
      %d = nvgpu.mma.sync (%a, %b, %c) {mmaShape = [16, 8, 16]} : (vector<4x2xf16>, vector<2x2xf16>, vector<2x2xf16>) -> vector<2x2xf16>
      gpu.return
    }
  }
}

// -----

// A vector of two dimensions: the rows of a matrix are not contiguous.
#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <emulator, [80]>>
module attributes {gpu.container_module, cnn.target = #target} {
  gpu.module @kernels {
    gpu.func @matrices() workgroup(%a: memref<4x8xf32, #gpu.address_space<workgroup>>) kernel {
      %c0 = arith.constant 0 : index
      // expected-error @+1 {{on shared memory cannot be emulated}}
      %v = vector.load %a[%c0, %c0] : memref<4x8xf32, #gpu.address_space<workgroup>>, vector<2x4xf32>
      gpu.return
    }
  }
}

// -----

// Shared memory whose size the launch sets follows the buffers. Barriers, copies of boxes and products
// of warp groups become calls; sums are passed through the thread's stack.
#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <emulator, [90], arch_specific = true>, precision = tf32>
module attributes {gpu.container_module, cnn.target = #target} {
  // CHECK-LABEL: func.func @main(
  // CHECK:         gpu.launch_func {{.*}} {cnn.emulated = @warpgroup, cnn.shared_bytes = 2064 : i64}
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>, %x: memref<32xf32>, %y: memref<64xf32>) {
    %c1 = arith.constant 1 : index
    %bytes = arith.constant 2048 : i32
    %map = cnn.tensor_map %x {sizes = array<i64: 16, 2>, box = array<i64: 16, 2>, steps = array<i64: 1, 1>,
        swizzle = 64 : i64} : memref<32xf32> -> !llvm.ptr
    gpu.launch_func @kernels::@warpgroup blocks in (%c1, %c1, %c1) threads in (%c1, %c1,
        %c1) dynamic_shared_memory_size %bytes args(%map : !llvm.ptr, %y : memref<64xf32>)
    return
  }
  gpu.module @kernels {
    // CHECK-LABEL: func.func private @warpgroup(
    // CHECK-SAME:    %[[THREAD:[^:]+]]: !llvm.ptr, %[[SHARED:[^:]+]]: memref<2064xi8>, %[[MAP:[^:]+]]: !llvm.ptr
    // CHECK:         %[[STACK:.+]] = llvm.alloca
    // CHECK:         %[[OFFSET:.+]] = arith.constant 16 : index
    // CHECK:         memref.view %[[SHARED]][%[[OFFSET]]][%{{.+}}] : memref<2064xi8> to memref<?xi8>
    // CHECK:         %[[BARRIER:.+]] = llvm.inttoptr %{{.+}} : i64 to !llvm.ptr
    // CHECK:         llvm.call @convoy_gpu_mbarrier_init(%[[THREAD]], %[[BARRIER]], %{{.+}})
    // CHECK:         llvm.call @convoy_gpu_fence_async(%[[THREAD]])
    // CHECK:         llvm.call @convoy_gpu_mbarrier_arrive(%[[THREAD]], %[[BARRIER]], %[[BYTES:.+]]) : (!llvm.ptr, !llvm.ptr, i32) -> ()
    // CHECK:         llvm.store %{{.+}}, %{{.+}} : i32, !llvm.ptr
    // CHECK:         %[[RANK:.+]] = llvm.mlir.constant(2 : i32)
    // CHECK:         llvm.call @convoy_gpu_copy_box(%[[THREAD]], %{{.+}}, %[[MAP]], %[[STACK]], %[[RANK]], %[[BARRIER]])
    // CHECK:         llvm.call @convoy_gpu_mbarrier_wait(%[[THREAD]], %[[BARRIER]], %{{.+}})
    // CHECK:         llvm.call @convoy_gpu_wgmma_fence(%[[THREAD]], %{{.+}})
    // CHECK:         llvm.store %{{.+}}, %[[STACK]] : !llvm.struct<(f32, f32, f32, f32)>
    // CHECK:         llvm.call @convoy_gpu_wgmma(%[[THREAD]], %{{.+}}, %[[A:.+]], %[[A]], %{{.+}}, %{{.+}}, %{{.+}}, %[[STACK]])
    // CHECK:         %[[STARTED:.+]] = llvm.load %[[STACK]] : !llvm.ptr -> !llvm.struct<(f32, f32, f32, f32)>
    // CHECK:         llvm.call @convoy_gpu_wgmma_commit(%[[THREAD]], %{{.+}})
    // CHECK:         %[[NULL:.+]] = llvm.mlir.zero : !llvm.ptr
    // CHECK:         llvm.call @convoy_gpu_wgmma_wait(%[[THREAD]], %{{.+}}, %{{.+}}, %[[NULL]])
    // CHECK:         llvm.store %[[STARTED]], %[[STACK]]
    // CHECK:         llvm.call @convoy_gpu_wgmma_wait(%[[THREAD]], %{{.+}}, %{{.+}}, %[[STACK]])
    // CHECK:         %[[SUMS:.+]] = llvm.load %[[STACK]]
    // CHECK:         llvm.extractvalue %[[SUMS]][0]
    gpu.func @warpgroup(%map: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64}, %y: memref<64xf32>)
        workgroup(%a: memref<4xf32, #gpu.address_space<workgroup>>) kernel {
      %c0 = arith.constant 0 : i32
      %c1 = arith.constant 1 : i32
      %bytes = arith.constant 128 : i32
      %ticks = arith.constant 1000 : i32
      %descriptor = arith.constant 0x8000002000010000 : i64
      %t = gpu.thread_id x
      %memory = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
      %index = memref.extract_aligned_pointer_as_index %memory : memref<?xi8, #gpu.address_space<workgroup>> -> index
      %address = arith.index_cast %index : index to i64
      %barrier = llvm.inttoptr %address : i64 to !llvm.ptr<3>
      %to = llvm.inttoptr %address : i64 to !llvm.ptr<7>
      nvvm.mbarrier.init %barrier, %c1 : !llvm.ptr<3>, i32
      nvvm.fence.mbarrier.init
      nvvm.mbarrier.arrive.expect_tx %barrier, %bytes : !llvm.ptr<3>, i32
      nvvm.cp.async.bulk.tensor.shared.cluster.global %to, %map, %barrier, box [%c0, %c0] : !llvm.ptr<7>, !llvm.ptr
      nvvm.mbarrier.try_wait.parity %barrier, %c0, %ticks : !llvm.ptr<3>, i32, i32
      nvvm.wgmma.fence.aligned
      %none = llvm.mlir.undef : !llvm.struct<(f32, f32, f32, f32)>
      %started = nvvm.wgmma.mma_async %descriptor, %descriptor, %none, <m = 64, n = 8, k = 8>, D [<f32>, <zero>],
          A [<tf32>, <one>, <row>], B [<tf32>, <one>, <col>]
          : !llvm.struct<(f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32)>
      nvvm.wgmma.commit.group.sync.aligned
      nvvm.wgmma.wait.group.sync.aligned 1
      %sums = cnn.wgmma_wait %started pending(0) : !llvm.struct<(f32, f32, f32, f32)>
      %sum = llvm.extractvalue %sums[0] : !llvm.struct<(f32, f32, f32, f32)>
      memref.store %sum, %y[%t] : memref<64xf32>
      gpu.return
    }
  }
}

// -----

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <emulator, [90], arch_specific = true>, precision = tf32>
module attributes {gpu.container_module, cnn.target = #target} {
  gpu.module @kernels {
    gpu.func @transposed(%a: i64, %b: i64, %sums: !llvm.struct<(f32, f32, f32, f32)>) kernel {
      // expected-error @+1 {{cannot be emulated: use tf32 or f16 with the sum's dimension innermost, and f32 sums}}
      %d = nvvm.wgmma.mma_async %a, %b, %sums, <m = 64, n = 8, k = 16>, D [<f32>, <one>], A [<f16>, <one>, <col>],
          B [<f16>, <one>, <col>] : !llvm.struct<(f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32)>
      gpu.return
    }
  }
}

// -----

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <emulator, [90], arch_specific = true>, precision = tf32>
module attributes {gpu.container_module, cnn.target = #target} {
  gpu.module @kernels {
    gpu.func @multicast(%to: !llvm.ptr<7>, %map: !llvm.ptr, %barrier: !llvm.ptr<3>, %mask: i16, %c: i32) kernel {
      // expected-error @+1 {{cannot be emulated: use tiles, without multicast, cache hint or predicate}}
      nvvm.cp.async.bulk.tensor.shared.cluster.global %to, %map, %barrier, box [%c, %c] multicast_mask = %mask : !llvm.ptr<7>, !llvm.ptr
      gpu.return
    }
  }
}
