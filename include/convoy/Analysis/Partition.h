//===- Partition.h - Sharing a network between devices ----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// What each device computes of an operation, what it must be sent for that, and how
// long both take. The operations' own rules are in Dialect/Cnn/IR/PartitionRules.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_PARTITION_H
#define CONVOY_ANALYSIS_PARTITION_H

#include "convoy/Machine/Link.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace convoy {

/// The largest number of devices that a network is cut for.
inline constexpr int64_t kMaxDevices = 64;

/// Which part of a value each device holds: `[bounds[k], bounds[k + 1])` of a
/// dimension, or all of it.
struct Distribution {
  int64_t dim = -1;
  llvm::SmallVector<int64_t> bounds;

  bool isReplicated() const { return dim < 0; }
  bool operator==(const Distribution &other) const {
    return dim == other.dim && bounds == other.bounds;
  }
};

/// Whether devices hold their own parts of the value from the start.
bool isFreelyDistributed(mlir::Value value);
/// Whether the operation has a row in a partition: it computes something from data, or
/// returns the results.
bool isPartitioned(mlir::Operation *op);

/// How devices share an operation; without a factor each computes all of it.
struct OpSplit {
  std::optional<cnn::PartitionFactor> factor;
  /// In units of the factor.
  llvm::SmallVector<int64_t> bounds;

  Distribution getOperand(unsigned index) const;
  /// Whether the operand's parts reach into their neighbours.
  bool needsHalo(unsigned index) const;
  /// Of a reduction: replicated, once the parts are added.
  Distribution getResult() const;
  cnn::PartitionAttr getAttr(mlir::MLIRContext *context) const;
};

/// What has to happen to an operand before the devices compute their parts.
struct OperandPlan {
  /// Gather the whole value from this form of it first.
  std::optional<Distribution> gather;
  /// Exchange edges with the neighbours, of the wanted distribution's slices.
  bool exchangeHalo = false;
  /// Cut the wanted part out of the whole value.
  bool slice = false;
};

/// How to make `wanted` of the forms in which a value is there. The whole value
/// stays there once it was gathered.
OperandPlan planOperand(llvm::ArrayRef<Distribution> forms, const Distribution &wanted,
                        bool needsHalo);

/// Why a cut of a factor is impossible; empty if it is possible.
std::string checkBounds(const cnn::PartitionFactor &factor, llvm::ArrayRef<int64_t> bounds,
                        int64_t devices);

/// The split that `cnn.partition` asks for. Fails with a diagnostic where the
/// operation has no such factor or its bounds do not fit.
mlir::FailureOr<OpSplit> getSplit(mlir::Operation *op, int64_t devices);

/// The split that an operation must have: of `cnn.partition`, or what `cnn.sharding`
/// says for so many devices; nothing where that is free. Fails with a diagnostic where
/// the operation cannot be cut that way.
mlir::FailureOr<std::optional<OpSplit>> getFixedSplit(mlir::Operation *op, int64_t devices);

/// Cuts `extent` into parts as equal as multiples of `granule` allow; empty where some
/// device would get nothing.
llvm::SmallVector<int64_t> cutEvenly(int64_t extent, int64_t granule, int64_t devices);

/// What an exchange moves.
struct Traffic {
  /// Bytes that all devices together receive, and the most that one receives.
  int64_t total = 0, perDevice = 0;
  int64_t exchanges = 0;

  Traffic &operator+=(const Traffic &other);
  double getSeconds(const Link &link) const;
};

/// Bytes of what devices gather, or have halos of: cnn-narrow-to-f16 makes f32 f16 before
/// it crosses.
int64_t getCrossingBytes(mlir::ShapedType type, cnn::TargetAttr target);

Traffic getGatherTraffic(mlir::ShapedType type, const Distribution &form,
                         cnn::TargetAttr target);
Traffic getReduceTraffic(mlir::ShapedType type, int64_t devices);
Traffic getHaloTraffic(mlir::ShapedType type, const Distribution &form,
                       const cnn::PartitionFactor &factor, cnn::TargetAttr target);

/// What bringing an operand into the form that a split wants moves; `isGathered` where
/// the whole value is there from then on.
Traffic getOperandTraffic(mlir::OpOperand &operand, const OpSplit &split,
                          llvm::ArrayRef<Distribution> forms, cnn::TargetAttr target,
                          bool &isGathered);

/// What the busiest device has to do for an operation.
struct DeviceWork {
  int64_t macs = 0, parameters = 0, weightBytes = 0;
  /// All that is read and written, weights included.
  int64_t bytes = 0;
  double seconds = 0;
};
DeviceWork getDeviceWork(mlir::Operation *op, const OpSplit &split, cnn::TargetAttr target);

/// One operation of a partitioned network.
struct PartitionRow {
  mlir::Operation *op;
  OpSplit split;
  /// Of what comes before the operation and, for a reduction, right behind it.
  Traffic traffic;
  DeviceWork work;
};

enum class PartitionStrategy { None, Group, Batch, Rows, Auto };

/// Chooses a split for every operation of a straight-line function that has no fixed one
/// (see getFixedSplit):
/// - Group, after Krizhevsky et al. 2012: groups and output channels wherever that
///   is possible;
/// - Batch: the batch wherever that is possible;
/// - Rows: rows of pictures wherever that is possible;
/// - Auto: what takes the least estimated time, by dynamic programming over the
///   operations in their order, where a state is the set of forms in which live
///   values are there. Beyond 4096 states the slowest are dropped.
mlir::FailureOr<std::vector<OpSplit>> choosePartition(mlir::func::FuncOp function,
                                                      int64_t devices,
                                                      PartitionStrategy strategy,
                                                      const Link &link);

/// What the partition in the function's `cnn.partition` attributes costs.
mlir::FailureOr<std::vector<PartitionRow>> describePartition(mlir::func::FuncOp function,
                                                             int64_t devices);

} // namespace convoy

#endif // CONVOY_ANALYSIS_PARTITION_H
