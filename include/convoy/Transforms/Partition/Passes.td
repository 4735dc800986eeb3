//===- Passes.td - Passes of the partition phase -----------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TRANSFORMS_PARTITION_PASSES_TD
#define CONVOY_TRANSFORMS_PARTITION_PASSES_TD

include "mlir/Pass/PassBase.td"

def CnnAssignPartition : Pass<"cnn-assign-partition", "::mlir::ModuleOp"> {
  let summary = "Choose how devices share each operation";
  let description = [{
    Annotates the operations of `@main` with `cnn.partition`. What has one already
    keeps it.

    Before:
    ```mlir
    %0 = cnn.conv %x, %w0 {...} : (tensor<1x3x8x8xf32>, ...) -> tensor<1x96x8x8xf32>
    %1 = cnn.group_conv %0, %w1 {group = 2 : i64, ...}
    ```
    After, for two devices:
    ```mlir
    %0 = cnn.conv %x, %w0 {cnn.partition = #cnn.partition<output_channel, [0, 48, 96]>, ...}
    %1 = cnn.group_conv %0, %w1 {cnn.partition = #cnn.partition<group, [0, 1, 2]>, ...}
    ```

    `strategy=auto` searches for the least estimated time: work of the busiest
    device, and communication over a link of the given bandwidth and latency. It
    leaves an operation whole where sharing it loses. `group` cuts groups and
    output channels wherever that is possible, as Krizhevsky et al. 2012 did;
    `batch` cuts the batch, `rows` the rows of pictures, `none` nothing.

    Post: every annotated operation can be cut that way.
    Numerics: bit-exact.
  }];
  let options = [
    Option<"devices", "devices", "int64_t", /*default=*/"2", "Number of devices">,
    Option<"strategy", "strategy", "std::string", /*default=*/"\"auto\"",
           "auto, group, batch, rows or none">,
    Option<"bandwidth", "bandwidth", "double", /*default=*/"-1",
           "Bytes a second into one device; if negative, the target's">,
    Option<"latency", "latency", "double", /*default=*/"-1",
           "Seconds before the first byte of an exchange arrives; if negative, the target's">];
  let dependentDialects = ["::convoy::cnn::CnnDialect"];
}

def CnnApplyPartition : Pass<"cnn-apply-partition", "::mlir::ModuleOp"> {
  let summary = "Turn an annotated function into one program a device";
  let description = [{
    Makes a module `@device_K` for each device, with a `@main` of the same arguments
    and results that computes this device's part of each annotated operation and
    all of the others. A grouped convolution of G groups becomes one of this
    device's groups, an ordinary one where that is a single group. Constants are
    cut, so that no device holds another's weights. Where an operation needs what
    other devices hold, `cnn.all_gather`, `cnn.all_reduce` or `cnn.halo_exchange`
    brings it, once for each value.

    Before:
    ```mlir
    %0 = cnn.unary <relu> %x {cnn.partition = #cnn.partition<channel, [0, 4, 8]>}
    return %0
    ```
    After, in `@device_0`:
    ```mlir
    %s = tensor.extract_slice %x[0, 0, 0, 0] [1, 4, 6, 6] [1, 1, 1, 1] : ...
    %0 = cnn.unary <relu> %s : (tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
    %1 = cnn.all_gather %0 {axis = 1 : i64, bounds = array<i64: 0, 4, 8>, device = 0 : i64}
    return %1
    ```

    Every device runs the same communication operations in the same order.

    Post: the module has `cnn.device_count` and no `@main` of its own.
    Numerics: bit-exact, except where input channels are cut: then sums of parts
    are added in the order of the devices.
  }];
  let options = [
    Option<"devices", "devices", "int64_t", /*default=*/"2", "Number of devices">];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def CnnSimplifyCommunication : Pass<"cnn-simplify-communication", "::mlir::ModuleOp"> {
  let summary = "Drop and merge communication, on all devices alike";
  let description = [{
    Works on the modules `@device_K` in step: the n-th communication of one is the
    n-th of all, and changes only where it changes on each of them.

    - A slice of a gathered value that lies in this device's own part is cut from that.
    - A communication that repeats an earlier one takes its result.
    - What no device reads is not exchanged.
    - Gathers along channels that can start together become one where that saves more
      latency than the two copies around it take.

    Before, on each device:
    ```mlir
    %2 = cnn.all_gather %0 {axis = 1 : i64, bounds = array<i64: 0, 16, 32>, device = 0 : i64}
    %3 = cnn.all_gather %1 {axis = 1 : i64, bounds = array<i64: 0, 32, 64>, device = 0 : i64}
    ```
    After:
    ```mlir
    %c = cnn.concat %0, %1 {axis = 1 : i64}
    %g = cnn.all_gather %c {axis = 1 : i64, bounds = array<i64: 0, 48, 96>, device = 0 : i64}
    %a = tensor.extract_slice %g[0, 0, 0, 0] [1, 16, 6, 6] [1, 1, 1, 1] : ...
    %b = tensor.extract_slice %g[0, 48, 0, 0] [1, 16, 6, 6] [1, 1, 1, 1] : ...
    %2 = cnn.concat %a, %b {axis = 1 : i64}
    ...
    ```

    Then each communication moves to its first reader, or the next communication, and
    what comes behind it and does not need it moves before it, for as long as the
    communication takes:

    ```mlir
    %1 = cnn.all_gather %0 {...}
    %2 = cnn.conv %1, %w1
    %3 = cnn.conv %0, %w3
    ```
    becomes
    ```mlir
    %3 = cnn.conv %0, %w3
    %1 = cnn.all_gather %0 {...}
    %2 = cnn.conv %1, %w1
    ```
    where `cnn-split-communication` starts it before the convolution.

    Pre: all devices run the same communication operations.
    Numerics: bit-exact.
  }];
  let options = [
    Option<"bandwidth", "bandwidth", "double", /*default=*/"-1",
           "Bytes a second into one device; if negative, the target's">,
    Option<"latency", "latency", "double", /*default=*/"-1",
           "Seconds before the first byte of an exchange arrives; if negative, the target's">];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::tensor::TensorDialect"];
}

#endif // CONVOY_TRANSFORMS_PARTITION_PASSES_TD
