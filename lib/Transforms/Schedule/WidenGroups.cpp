//===- WidenGroups.cpp - Pass cnn-widen-groups ----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Machine/Cpu.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNWIDENGROUPS
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

/// Whether groups that fill vectors would be multiplied by an instruction that is so much
/// faster than those for f32 that it pays to multiply zeros, too.
bool hasFastDots(ConvOpInterface conv, TargetAttr target) {
  if (!conv.isInteger())
    return target.getPrecision() == Precision::bf16 && !conv.isExact() &&
           findTileInstruction(target, DotType::bf16);
  const DotInstruction *dot = findDotInstruction(target, 4);
  return dot && dot->byteProduct.empty();
}

/// How many groups are merged into one; 1 if none are.
int64_t countMerged(GroupConvOp op, TargetAttr target) {
  auto conv = cast<ConvOpInterface>(*op);
  int64_t groups = conv.getGroups(), lanes = target.getVectorLanes();
  int64_t inputs = conv.getInputChannels() / groups;
  bool isDivisor = inputs > 1 && inputs < lanes && lanes % inputs == 0 &&
                   conv.getOutputChannels() == conv.getInputChannels() &&
                   conv.getInputChannels() % lanes == 0 && conv.getInputChannels() > lanes;
  bool fits = conv.getSpatialRank() == 2 && isDivisor && hasFastDots(conv, target);
  return fits ? lanes / inputs : 1;
}

/// The filter of groups that are `merged` of the old ones each: weights between channels of
/// different groups are zeros.
ElementsAttr widenFilter(const ConstantData &filter, int64_t merged) {
  SmallVector<int64_t> shape(filter.getShape());
  int64_t outputs = shape[0], inputs = shape[1];
  int64_t run = inputs * shape[2] * shape[3] * filter.getElementBytes();
  shape[1] *= merged;
  std::vector<char> bytes(outputs * merged * run, 0);
  ArrayRef<char> source = filter.getBytes();
  for (int64_t output = 0; output < outputs; ++output) {
    // As many outputs as inputs make a group.
    int64_t part = output / inputs % merged;
    char *to = bytes.data() + (output * merged + part) * run;
    for (int64_t i = 0; i < run; ++i)
      to[i] = source[filter.isSplat() ? i % filter.getElementBytes() : output * run + i];
  }
  return makeConstantFromBytes(filter.getType().clone(shape), bytes);
}

struct WidenGroups : convoy::cnn::impl::CnnWidenGroupsBase<WidenGroups> {
  void runOnOperation() override {
    FailureOr<TargetAttr> target = requireTarget(getOperation());
    if (failed(target))
      return signalPassFailure();
    if (target->getGpu())
      return;
    OpBuilder builder(&getContext());
    getOperation().walk([&](GroupConvOp conv) {
      int64_t merged = countMerged(conv, *target);
      std::optional<ConstantData> filter = ConstantData::get(conv.getFilter());
      if (merged == 1 || !filter)
        return;
      builder.setInsertionPoint(conv);
      Value wide =
          createConstant(builder, conv.getFilter().getLoc(), widenFilter(*filter, merged));
      conv.getFilterMutable().assign(wide);
      conv.setGroup(conv.getGroup() / merged);
    });
  }
};

} // namespace
