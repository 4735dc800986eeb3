//===- CnnGpuOps.td - What nvgpu and nvvm lack -------------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_CNNGPUOPS_TD
#define CONVOY_DIALECT_CNN_IR_CNNGPUOPS_TD

include "convoy/Dialect/Cnn/IR/CnnBase.td"
include "mlir/Dialect/LLVMIR/LLVMOpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Cnn_TensorMapOp : Op<Cnn_Dialect, "tensor_map", [Pure]> {
  let summary = "how a GPU's tensor memory accelerator sees a buffer";
  let description = [{
    The tensor memory accelerator (TMA) copies boxes of a buffer into shared memory. A tensor
    map tells it the shape of the buffer and of a box. The host makes the map, and the launch
    passes it to the kernel, whose `nvvm.cp.async.bulk.tensor.shared.cluster.global` uses it.
    (`nvgpu.tma.create.descriptor` does not serve here: it calls a library of MLIR's, has no
    steps, and knows rows of 128 bytes only.)

    All lists begin with the innermost dimension. `sizes` is the shape of the buffer, whose
    elements are contiguous; only the outermost dimension may have a larger stride, which
    the type of the buffer tells. A copy moves `box[i]` elements in dimension `i`, `steps[i]`
    apart from each other; elements outside of the buffer arrive as zeros.

    A row is the innermost dimension of a box, `box[0]` elements. `swizzle` is its number of
    bytes, 32, 64 or 128. In shared memory, the 16-byte pieces of rows are permuted as the
    hardware does for a swizzle of that width. Elements of f32 are rounded to tf32 in the copy.

    ```mlir
    %map = cnn.tensor_map %x {sizes = array<i64: 16, 56, 56, 4, 8>, box = array<i64: 16, 8, 16, 1, 1>,
                              steps = array<i64: 1, 2, 2, 1, 1>, swizzle = 64 : i64}
      : memref<8x4x56x56x16xf32> -> !llvm.ptr
    ```
  }];
  let arguments = (ins AnyStaticShapeMemRef:$buffer, DenseI64ArrayAttr:$sizes,
                       DenseI64ArrayAttr:$box, DenseI64ArrayAttr:$steps, I64Attr:$swizzle);
  let results = (outs LLVM_DefaultPointer:$map);
  let assemblyFormat = "$buffer attr-dict `:` type($buffer) `->` type($map)";
  let builders = [OpBuilder<(ins "::mlir::Value":$buffer, "::llvm::ArrayRef<int64_t>":$sizes,
                                 "::llvm::ArrayRef<int64_t>":$box,
                                 "::llvm::ArrayRef<int64_t>":$steps, "int64_t":$swizzle), [{
    build($_builder, $_state, $_builder.getType<::mlir::LLVM::LLVMPointerType>(), buffer,
          sizes, box, steps, swizzle);
  }]>];
  let extraClassDeclaration = [{
    /// The largest number of dimensions of a map.
    static constexpr int64_t kMaxRank = 5;
    /// The stride of the outermost dimension, in elements.
    int64_t getOuterStride();
  }];
  let hasVerifier = 1;
}

def Cnn_WgmmaWaitOp : Op<Cnn_Dialect, "wgmma_wait", [SameOperandsAndResultType]> {
  let summary = "wait for a warp group's products, and give their sums";
  let description = [{
    PTX's `wgmma.wait_group`: waits until at most `pending` of the groups of products that
    the thread has committed are still under way. `started` are the registers that the
    products write; `sums` are the same registers after the wait. Upstream's
    `nvvm.wgmma.wait.group.sync.aligned` has no results, so that LLVM could use sums before
    the wait.

    ```mlir
    %sums = cnn.wgmma_wait %started pending(0) : !llvm.struct<(f32, f32, f32, f32)>
    ```
  }];
  let arguments = (ins LLVM_AnyStruct:$started, I64Attr:$pending);
  let results = (outs LLVM_AnyStruct:$sums);
  let assemblyFormat = "$started `pending` `(` $pending `)` attr-dict `:` type($started)";
}

#endif // CONVOY_DIALECT_CNN_IR_CNNGPUOPS_TD
