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
    The argument that `nvvm.cp.async.bulk.tensor.shared.cluster.global` takes in a kernel,
    made by the host for a launch. `nvgpu.tma.create.descriptor`, which calls a library of
    MLIR's, has no steps and only rows of 128 bytes.

    Dimensions are innermost first. The buffer is `sizes` elements, contiguous but for the
    outermost dimension, which may have a stride of its own in the buffer's type. A copy
    takes `box[i]` elements in dimension `i`, `steps[i]` apart from each other; those
    outside of the buffer are zeros. In shared memory, 16-byte pieces are permuted as
    `swizzle` says, which is also the bytes of a row, `box[0]` elements. f32 elements are
    rounded to tf32 on the way.

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
    /// Dimensions that a map may have.
    static constexpr int64_t kMaxRank = 5;
    /// Elements from one to the next in the outermost dimension.
    int64_t getOuterStride();
  }];
  let hasVerifier = 1;
}

def Cnn_WgmmaWaitOp : Op<Cnn_Dialect, "wgmma_wait", [SameOperandsAndResultType]> {
  let summary = "the sums of a warp group's products, once they are there";
  let description = [{
    PTX's `wgmma.wait_group`: waits until at most `pending` of the groups of products that
    the thread committed are under way. `nvvm.wgmma.wait.group.sync.aligned` has no
    results, so nothing would keep LLVM from using sums before it.

    ```mlir
    %sums = cnn.wgmma_wait %started pending(0) : !llvm.struct<(f32, f32, f32, f32)>
    ```
  }];
  let arguments = (ins LLVM_AnyStruct:$started, I64Attr:$pending);
  let results = (outs LLVM_AnyStruct:$sums);
  let assemblyFormat = "$started `pending` `(` $pending `)` attr-dict `:` type($started)";
}

#endif // CONVOY_DIALECT_CNN_IR_CNNGPUOPS_TD
