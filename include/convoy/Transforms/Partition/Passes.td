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
    Annotates the operations of `@main` with `cnn.partition`. An operation that has one
    already keeps it.

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

    The option `strategy` says how to choose. `auto` searches for the least estimated time:
    the work of the busiest device, and communication over a link of the given bandwidth
    and latency. An operation that sharing would slow down is not cut. `group` cuts groups
    and output channels wherever that is possible, as Krizhevsky et al. 2012 did; `batch`
    cuts the batch, `rows` the rows of pictures, and `none` nothing.

    Post: every annotated operation can be cut that way.
    Numerics: bit-exact.
  }];
  let options = [
    Option<"devices", "devices", "int64_t", /*default=*/"2", "Number of devices">,
    Option<"strategy", "strategy", "std::string", /*default=*/"\"auto\"",
           "auto, group, batch, rows or none">,
    Option<"bandwidth", "bandwidth", "double", /*default=*/"-1",
           "Bytes per second into one device; if negative, the target's">,
    Option<"latency", "latency", "double", /*default=*/"-1",
           "Seconds before the first byte of an exchange arrives; if negative, the target's">];
  let dependentDialects = ["::convoy::cnn::CnnDialect"];
}

def CnnApplyPartition : Pass<"cnn-apply-partition", "::mlir::ModuleOp"> {
  let summary = "Turn an annotated function into one program per device";
  let description = [{
    Makes a module `@device_K` for each device. Its `@main` has the same arguments and
    results as before. It computes the device's part of each operation that has a
    `cnn.partition`, and all other operations as a whole. If a device has a single group of
    a grouped convolution, its part is an ordinary convolution. Constants are cut, so that no
    device has weights that only another one needs. If an operation needs data of other
    devices, a `cnn.all_gather`, `cnn.all_reduce` or `cnn.halo_exchange` brings it, once
    for each value.

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
    Numerics: bit-exact, unless input channels are cut: then each device computes a part of
    the sums, and the parts are added.
  }];
  let options = [
    Option<"devices", "devices", "int64_t", /*default=*/"2", "Number of devices">];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def CnnSimplifyCommunication : Pass<"cnn-simplify-communication", "::mlir::ModuleOp"> {
  let summary = "Drop and merge communication, on all devices alike";
  let description = [{
    Works on all modules `@device_K` at the same time. The n-th communication is the same
    exchange in each of them, so it is changed in all of them or in none.

    - A slice of a gathered value that lies in this device's own part is cut from that part.
    - A communication that repeats an earlier one is replaced by the result of the earlier one.
    - A result that no device reads is not exchanged.
    - Gathers along channels that can start together become one gather, if the latency that
      this saves is longer than the two copies before and after it take.

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

    Then each communication moves down to its first reader or the next communication. After
    that, later operations that do not need its result move before it, as many as take about
    the estimated time of the communication:

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
    and `cnn-split-communication` then starts the gather before the first convolution.

    Pre: all devices run the same communication operations.
    Numerics: bit-exact.
  }];
  let options = [
    Option<"bandwidth", "bandwidth", "double", /*default=*/"-1",
           "Bytes per second into one device; if negative, the target's">,
    Option<"latency", "latency", "double", /*default=*/"-1",
           "Seconds before the first byte of an exchange arrives; if negative, the target's">];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::tensor::TensorDialect"];
}

#endif // CONVOY_TRANSFORMS_PARTITION_PASSES_TD
