//===- LayerSchedule.h - Choosing how layers are computed -------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The only place that decides how a layer is computed. `cnn-select-algorithm` writes the
// decision as a #cnn.schedule, which later passes and kernels read.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_LAYERSCHEDULE_H
#define CONVOY_ANALYSIS_LAYERSCHEDULE_H

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Machine/Cpu.h"

namespace convoy {

/// The user's wishes for schedules.
struct SchedulePreferences {
  /// The algorithm to use wherever it is possible: one of Winograd's, or `direct`, which means
  /// any that is not Winograd's. Nothing for the cheapest algorithm.
  std::optional<cnn::Algorithm> algorithm;
  /// The type in which weights are stored; null for f32. On a GPU, its precision decides if
  /// that needs another type.
  mlir::Type weights;
};

/// The instruction by which a kernel multiplies the integers of `op`, which is plain, in dots
/// of `inputs`; null if there is no such kernel.
const DotInstruction *findIntegerKernel(cnn::ScheduledOpInterface op, cnn::TargetAttr target,
                                        int64_t inputs);

/// The algorithm of this name, if SchedulePreferences may ask for it; otherwise nothing.
std::optional<cnn::Algorithm> parsePreferredAlgorithm(llvm::StringRef name);

/// The schedules of `op` that may be the fastest, at least one. The first is the choice of the
/// cost model; the others follow by rising cost, without those that are much more expensive.
/// If transformed filters are large, the cost model chooses compact ones, even if that costs a
/// little more.
llvm::SmallVector<cnn::ScheduleAttr>
listSchedules(cnn::ScheduledOpInterface op, cnn::TargetAttr target,
              const SchedulePreferences &preferences = {});

/// A short name by which tuning tells the schedules of a layer apart: the algorithm and the
/// vectors of output channels in a register tile, "winograd_4x4/2".
std::string getScheduleName(cnn::ScheduleAttr schedule);
bool isScheduleName(llvm::StringRef name);

/// Why no kernel of the target can follow the schedule that `op` has; empty if one can.
std::string whyNotSchedule(cnn::ScheduledOpInterface op, cnn::TargetAttr target);

/// The schedule of `op`, changed for the prologue that `op` has got. It must have a schedule.
cnn::ScheduleAttr addPrologue(cnn::ConvOpInterface op);

/// Bytes of scratch memory that the kernels of `op` need with `schedule`.
int64_t countScratch(cnn::ScheduledOpInterface op, cnn::ScheduleAttr schedule);

/// Why kernels of `op` cannot be generated from its schedule, filter, bias and scratch memory;
/// empty if they can, and for operations that need no schedule.
std::string whyNotScheduled(mlir::Operation *op);

} // namespace convoy

#endif // CONVOY_ANALYSIS_LAYERSCHEDULE_H
