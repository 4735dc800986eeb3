//===- Partition.h - Sharing a network between devices ----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The part of each operation that a device computes, the data that it must receive for that,
// and the time for both. How an operation can be cut is said by its PartitionOpInterface.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_PARTITION_H
#define CONVOY_ANALYSIS_PARTITION_H

#include "convoy/Machine/Link.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace convoy {

/// The largest number of devices that can share a network.
inline constexpr int64_t kMaxDevices = 64;

/// The part of a value that each device has. Device `k` has `[bounds[k], bounds[k + 1])` of
/// dimension `dim`; if `dim` is negative, each device has the whole value.
struct Distribution {
  int64_t dim = -1;
  llvm::SmallVector<int64_t> bounds;

  bool isReplicated() const { return dim < 0; }
  bool operator==(const Distribution &other) const {
    return dim == other.dim && bounds == other.bounds;
  }
};

/// Whether each device can have any part of the value without communication, because the value
/// is a constant or an empty tensor.
bool isFreelyDistributed(mlir::Value value);
/// Whether a partition says something about the operation: it computes a value that is not
/// freely distributed, or it returns the results.
bool isPartitioned(mlir::Operation *op);

/// How devices share an operation. Without a factor, each device computes the whole operation.
struct OpSplit {
  std::optional<cnn::PartitionFactor> factor;
  /// Device `k` computes the units `[bounds[k], bounds[k + 1])` of the factor.
  llvm::SmallVector<int64_t> bounds;

  /// The distribution that operand `index` must have.
  Distribution getOperand(unsigned index) const;
  /// Whether a part of the operand needs elements of the neighbouring parts.
  bool needsHalo(unsigned index) const;
  /// The distribution of the result; for a reduction, after the parts were added: replicated.
  Distribution getResult() const;
  /// The attribute `cnn.partition`; null without a factor.
  cnn::PartitionAttr getAttr(mlir::MLIRContext *context) const;
};

/// The steps that bring an operand into a wanted distribution, in this order.
struct OperandPlan {
  /// Gather the whole value from this distribution of it; nothing if there is no need.
  std::optional<Distribution> gather;
  /// Exchange the edges of the wanted distribution's parts between neighbours.
  bool exchangeHalo = false;
  /// Cut the wanted part out of the whole value.
  bool slice = false;
};

/// How to bring a value into the distribution `wanted`. `forms` are the distributions in which
/// the devices have the value already. A value that was gathered once stays whole on each
/// device.
OperandPlan planOperand(llvm::ArrayRef<Distribution> forms, const Distribution &wanted,
                        bool needsHalo);

/// Why a factor cannot be cut at `bounds`; empty if it can.
std::string checkBounds(const cnn::PartitionFactor &factor, llvm::ArrayRef<int64_t> bounds,
                        int64_t devices);

/// The split that the operation's `cnn.partition` says. Fails with a diagnostic if the
/// operation has no such factor or the bounds do not fit.
mlir::FailureOr<OpSplit> getSplit(mlir::Operation *op, int64_t devices);

/// The split that an operation must have: that of `cnn.partition`, or that of `cnn.sharding`
/// for this number of devices; nothing if the choice is free. Fails with a diagnostic if the
/// operation cannot be cut that way.
mlir::FailureOr<std::optional<OpSplit>> getFixedSplit(mlir::Operation *op, int64_t devices);

/// The bounds that cut `extent` into parts that are as equal as possible, at multiples of
/// `granule`; empty if a device would get nothing.
llvm::SmallVector<int64_t> cutEvenly(int64_t extent, int64_t granule, int64_t devices);

/// The data that some exchanges move.
struct Traffic {
  /// Bytes that all devices together receive, and the most that one device receives.
  int64_t total = 0, perDevice = 0;
  /// Number of exchanges.
  int64_t exchanges = 0;

  Traffic &operator+=(const Traffic &other);
  /// The estimated time over `link`.
  double getSeconds(const Link &link) const;
};

/// Bytes of a value of this type when it is sent to another device. With precision f16 or
/// bf16, cnn-narrow-floats makes f32 values narrow before they are gathered or exchanged.
int64_t getCrossingBytes(mlir::ShapedType type, cnn::TargetAttr target);

/// The traffic of one gather, one sum, and one exchange of halos.
Traffic getGatherTraffic(mlir::ShapedType type, const Distribution &form,
                         cnn::TargetAttr target);
Traffic getReduceTraffic(mlir::ShapedType type, int64_t devices);
Traffic getHaloTraffic(mlir::ShapedType type, const Distribution &form,
                       const cnn::PartitionFactor &factor, cnn::TargetAttr target);

/// The traffic of bringing an operand from one of `forms` into the distribution that `split`
/// needs. Sets `isGathered` if each device has the whole value afterwards because of that.
Traffic getOperandTraffic(mlir::OpOperand &operand, const OpSplit &split,
                          llvm::ArrayRef<Distribution> forms, cnn::TargetAttr target,
                          bool &isGathered);

/// The work of the busiest device for an operation.
struct DeviceWork {
  int64_t macs = 0, parameters = 0, weightBytes = 0;
  /// All bytes that are read and written, weights included.
  int64_t bytes = 0;
  /// The estimated time.
  double seconds = 0;
};
DeviceWork getDeviceWork(mlir::Operation *op, const OpSplit &split, cnn::TargetAttr target);

/// One operation of a partitioned network.
struct PartitionRow {
  mlir::Operation *op;
  OpSplit split;
  /// The traffic before the operation and, if it is a reduction, right after it.
  Traffic traffic;
  DeviceWork work;
};

/// Chooses a split for every operation of a straight-line function that has no fixed one
/// (see getFixedSplit):
/// - None: no operation is cut;
/// - Group: cuts groups and output channels wherever that is possible, after Krizhevsky et al.
///   2012;
/// - Batch: cuts the batch wherever that is possible;
/// - Rows: cuts rows of pictures wherever that is possible;
/// - Auto: the least estimated time, found by dynamic programming over the operations in their
///   order. A state is the set of distributions that live values have. If there are more than
///   4096 states, the slowest are dropped.
mlir::FailureOr<std::vector<OpSplit>> choosePartition(mlir::func::FuncOp function,
                                                      int64_t devices,
                                                      cnn::PartitionStrategy strategy,
                                                      const Link &link);

/// The work and the traffic of the partition that the `cnn.partition` attributes in the
/// function describe, one row for each operation that isPartitioned.
mlir::FailureOr<std::vector<PartitionRow>> describePartition(mlir::func::FuncOp function,
                                                             int64_t devices);

} // namespace convoy

#endif // CONVOY_ANALYSIS_PARTITION_H
