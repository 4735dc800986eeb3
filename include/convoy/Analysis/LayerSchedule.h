//===- LayerSchedule.h - Choosing how layers are computed -------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The one place that decides how a layer is computed; `cnn-select-algorithm` writes the
// decision as a #cnn.schedule, and everybody else reads that.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_LAYERSCHEDULE_H
#define CONVOY_ANALYSIS_LAYERSCHEDULE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy {

/// What a user may ask of schedules.
struct SchedulePreferences {
  /// An algorithm to take where it is possible: one of Winograd's, or `direct` for any that
  /// is not; none for the cheapest.
  std::optional<cnn::Algorithm> algorithm;
  /// The type that weights are stored in; null for f32. A GPU's precision comes first.
  mlir::Type weights;
};

/// The algorithms that SchedulePreferences may ask for, by name.
std::optional<cnn::Algorithm> parsePreferredAlgorithm(llvm::StringRef name);

/// Schedules of `op` that may be the fastest, at least one: first what the cost model
/// chooses, then by rising cost; those it finds much more expensive are left out. Where
/// transformed filters are large, it chooses compact ones at a small price.
llvm::SmallVector<cnn::ScheduleAttr>
listSchedules(cnn::ScheduledOpInterface op, cnn::TargetAttr target,
              const SchedulePreferences &preferences = {});

/// A short name by which tuning tells the schedules of a layer apart: the algorithm and the
/// vectors of output channels in a register tile, "winograd_4x4/2".
std::string getScheduleName(cnn::ScheduleAttr schedule);
bool isScheduleName(llvm::StringRef name);

/// Why the schedule that `op` has is not one that the target's kernels can follow; empty if
/// it is.
std::string whyNotSchedule(cnn::ScheduledOpInterface op, cnn::TargetAttr target);

/// The schedule of `op`, which has one, now that it has a prologue.
cnn::ScheduleAttr addPrologue(cnn::ConvOpInterface op);

/// Bytes of scratch memory that the kernels of `op` need by `schedule`.
int64_t countScratch(cnn::ScheduledOpInterface op, cnn::ScheduleAttr schedule);

/// Why kernels of `op` cannot be generated from its schedule, filter and bias; empty if they
/// can, and for operations without weights.
std::string whyNotScheduled(mlir::Operation *op);

} // namespace convoy

#endif // CONVOY_ANALYSIS_LAYERSCHEDULE_H
