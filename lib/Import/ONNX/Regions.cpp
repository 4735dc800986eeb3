//===- Regions.cpp - RoiAlign and MaxRoiPool ------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementIndex.h"
#include "NodeImporter.h"
#include "OpTable.h"
#include "SizeRules.h"
#include "TensorReader.h"
#include <numeric>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;
using cnn::UnaryKind;

/// A number of samples or elements is below this, so that it fits an index of any target.
static constexpr double kMaxCount = 1 << 20;

/// The shape of the result of a pool over the regions in input 1, which have `columns`
/// numbers.
static FailureOr<SmallVector<int64_t>> readRegions(NodeImporter &node, int64_t columns,
                                                   ArrayRef<int64_t> pooled) {
  ArrayRef<int64_t> from = node.getShape(0), regions = node.getShape(1);
  if (from.size() != 4 || regions.size() != 2 || regions[1] != columns)
    return node.error("expects an input of rank 4 and regions of " + Twine(columns) +
                      " numbers, has the shapes " + formatShape(from) + " and " +
                      formatShape(regions));
  if (NodeImporter::getElementType(node.getInput(1)) !=
      NodeImporter::getElementType(node.getInput(0)))
    return node.error(node.describeInput(1) + " has another element type than the input");
  SmallVector<int64_t> shape = {regions[0], from[1], pooled[0], pooled[1]};
  if (llvm::product_of(from) == 0 && llvm::product_of(shape) != 0)
    return node.error("pools an input without elements");
  return shape;
}

//===----------------------------------------------------------------------===//
// RoiAlign
//===----------------------------------------------------------------------===//

namespace {

/// The samples of a bin along one dimension: `count` of them, the first at `begin + step / 2`.
struct Samples {
  Scalar begin, step, count;
};

/// Two elements and their weights; both weights are 0 outside.
struct Pair {
  Scalar low, high, lowWeight, highWeight;
};

} // namespace

static Pair findPair(ComputeBody &body, const Samples &samples, Scalar number,
                     int64_t extent) {
  Scalar x = samples.begin + (number.to(samples.step.getType()) + 0.5) * samples.step;
  Scalar inside = (x >= -1) & (x <= double(extent));
  // A NaN is outside, and gets a position that exists.
  x = inside.select(x, x.constant(0)).clamp(x.constant(0), x.constant(double(extent - 1)));
  Scalar low = x.apply(UnaryKind::floor), fraction = x - low, zero = x.constant(0);
  Scalar index = low.toIndex();
  return {index, (index + 1).min(body.index(extent - 1)), inside.select(1 - fraction, zero),
          inside.select(fraction, zero)};
}

namespace {

/// The attributes of RoiAlign. With a `ratio` of 0, the size of a bin is its number of
/// samples.
struct RoiAlignment {
  bool isMax, shifts;
  SmallVector<int64_t> pooled;
  int64_t ratio;
  double scale;
};

} // namespace

static FailureOr<RoiAlignment> readRoiAlignment(NodeImporter &node) {
  bool isMax = node.getString("mode", "avg") == "max";
  if (!isMax && node.getString("mode", "avg") != "avg")
    return node.error("attribute 'mode' is '" + node.getString("mode", "") +
                      "', expected avg or max");
  // Opset 10 has no attribute; it does not shift.
  StringRef coordinates = "output_half_pixel";
  if (node.getOpset() >= 16)
    coordinates = node.getString("coordinate_transformation_mode", "half_pixel");
  if (coordinates != "half_pixel" && coordinates != "output_half_pixel")
    return node.error("attribute 'coordinate_transformation_mode' is '" + coordinates +
                      "', expected half_pixel or output_half_pixel");
  RoiAlignment result = {isMax,
                         coordinates == "half_pixel",
                         {node.getInt("output_height", 1), node.getInt("output_width", 1)},
                         node.getInt("sampling_ratio", 0),
                         node.getFloat("spatial_scale", 1)};
  if (result.pooled[0] < 1 || result.pooled[1] < 1 || result.ratio < 0 ||
      result.ratio > kMaxCount)
    return node.error("has an attribute that is negative, or an output without elements");
  return result;
}

static LogicalResult importRoiAlign(NodeImporter &node) {
  FailureOr<RoiAlignment> alignment = readRoiAlignment(node);
  if (failed(alignment))
    return failure();
  bool isMax = alignment->isMax, shifts = alignment->shifts;
  ArrayRef<int64_t> pooled = alignment->pooled;
  int64_t ratio = alignment->ratio;
  double scale = alignment->scale;
  FailureOr<SmallVector<int64_t>> shape = readRegions(node, 4, pooled);
  if (failed(shape))
    return failure();
  if (node.getShape(2) != node.getShape(1).take_front(1))
    return node.error(node.describeInput(2) + " has shape " + formatShape(node.getShape(2)) +
                      ", expected " + Twine((*shape)[0]));
  ArrayRef<int64_t> from = node.getShape(0);
  Type type = NodeImporter::getElementType(node.getInput(0));
  SmallVector<Value> operands(node.getInputs());
  Value size = node.getExtents(1)[0].size;
  if (size)
    operands.push_back(size);
  return node.setResult(node.computeElements(
      "roi_align", operands, *shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        Scalar batch = toElementIndex(body.input(2).load({at[0]}), from[0]);
        auto getSamples = [&](unsigned dim) -> Samples {
          // A region is x1, y1, x2, y2.
          auto corner = [&](int64_t i) {
            Scalar x = body.input(1).load({at[0], body.index(i)}) * scale;
            return shifts ? x - 0.5 : x;
          };
          Scalar begin = corner(1 - dim), extent = corner(3 - dim) - begin;
          if (!shifts)
            extent = extent.max(extent.constant(1));
          Scalar bin = extent / double(pooled[dim]);
          Scalar count = body.index(ratio);
          if (ratio == 0)
            count = bin.constant(kMaxCount)
                        .min(bin)
                        .apply(UnaryKind::ceil)
                        .max(bin.constant(0))
                        .toIndex();
          // Regions that do not count cost no time.
          if (size)
            count = (at[0] < body.input(3).load({}).toIndex()).select(count, body.index(0));
          Scalar divisor = count.max(body.index(1)).to(bin.getType());
          return {begin + at[2 + dim].to(bin.getType()) * bin, bin / divisor, count};
        };
        Samples rows = getSamples(0), columns = getSamples(1);
        Scalar zero = body.number(type, 0), nothing = body.truth(true);
        Scalars sums = body.loop(
            body.index(0), rows.count, {zero, nothing},
            [&](Scalar row, ArrayRef<Scalar> outer) {
              Pair y = findPair(body, rows, row, from[2]);
              return body.loop(
                  body.index(0), columns.count, outer,
                  [&](Scalar column, ArrayRef<Scalar> sum) -> Scalars {
                    Pair x = findPair(body, columns, column, from[3]);
                    auto corner = [&](Scalar i, Scalar j, Scalar weightY, Scalar weightX) {
                      return weightY * weightX * body.input(0).load({batch, at[1], i, j});
                    };
                    Scalar parts[] = {corner(y.low, x.low, y.lowWeight, x.lowWeight),
                                      corner(y.low, x.high, y.lowWeight, x.highWeight),
                                      corner(y.high, x.low, y.highWeight, x.lowWeight),
                                      corner(y.high, x.high, y.highWeight, x.highWeight)};
                    if (!isMax)
                      return {sum[0] + (parts[0] + parts[1] + parts[2] + parts[3]), sum[1]};
                    // The largest of the weighted elements, not of their sums.
                    Scalar largest = parts[0].max(parts[1]).max(parts[2]).max(parts[3]);
                    return {sum[1].select(largest, sum[0].max(largest)), body.truth(false)};
                  });
            });
        if (isMax)
          return sums[0];
        return sums[0] / (rows.count * columns.count).max(body.index(1)).to(zero.getType());
      }));
}

/// The regions, and their entries of the batch, may have a size.
static LogicalResult ruleOfRegions(NodeImporter &node, const OpEntry &entry) {
  if (node.hasSizes(0) || node.getExtents(1)[0].size != node.getExtents(2)[0].size)
    return node.error("has an input, or a number of regions, whose size depends on data");
  SmallVector<DimSize> regions = node.getExtents(1);
  if (failed(entry.import(node)))
    return failure();
  SmallVector<DimSize> extents(NodeImporter::getShape(node.getResults()[0]));
  extents[0] = regions[0];
  return node.setResult(node.getResults()[0], extents);
}

//===----------------------------------------------------------------------===//
// MaxRoiPool
//===----------------------------------------------------------------------===//

/// The elements of a bin along one dimension. The region goes from element `first` to `last`.
static std::pair<Scalar, Scalar> findBin(ComputeBody &body, Scalar first, Scalar last,
                                         Scalar bin, int64_t bins, int64_t extent) {
  Scalar length = (last - first + 1).max(first.constant(1)), size = length / double(bins);
  Scalar number = bin.to(size.getType());
  auto bound = [&](Scalar x) {
    x = x + first;
    return x.clamp(x.constant(0), x.constant(double(extent))).toIndex();
  };
  return {bound((number * size).apply(UnaryKind::floor)),
          bound(((number + 1) * size).apply(UnaryKind::ceil))};
}

static LogicalResult importMaxRoiPool(NodeImporter &node) {
  SmallVector<int64_t> pooled = node.getSizes("pooled_shape", 2, 0, 1);
  double scale = node.getFloat("spatial_scale", 1);
  if (node.hasError())
    return failure();
  if (!node.hasAttribute("pooled_shape"))
    return node.error("has no attribute 'pooled_shape'");
  FailureOr<SmallVector<int64_t>> shape = readRegions(node, 5, pooled);
  if (failed(shape))
    return failure();
  ArrayRef<int64_t> from = node.getShape(0);
  Type type = NodeImporter::getElementType(node.getInput(0));
  return node.setResult(node.computeElements(
      "max_roi_pool", node.getInputs(), *shape, type,
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        auto number = [&](int64_t i) { return body.input(1).load({at[0], body.index(i)}); };
        // A region is the batch entry, x1, y1, x2, y2. Halves are rounded up.
        auto corner = [&](int64_t i) {
          return (number(i) * scale + 0.5).apply(UnaryKind::floor);
        };
        Scalar batch = number(0);
        batch = batch.clamp(batch.constant(0), batch.constant(double(from[0] - 1))).toIndex();
        auto rows = findBin(body, corner(2), corner(4), at[2], pooled[0], from[2]);
        auto columns = findBin(body, corner(1), corner(3), at[3], pooled[1], from[3]);
        Scalar isEmpty = (rows.second <= rows.first) | (columns.second <= columns.first);
        Scalar lowest = body.number(type, -std::numeric_limits<double>::infinity());
        Scalar largest =
            body.loop(rows.first, rows.second, {lowest},
                      [&](Scalar row, ArrayRef<Scalar> outer) {
                        return body.loop(columns.first, columns.second, outer,
                                         [&](Scalar column, ArrayRef<Scalar> sum) -> Scalars {
                                           return {sum[0].max(body.input(0).load(
                                               {batch, at[1], row, column}))};
                                         });
                      })
                .front();
        return isEmpty.select(body.number(type, 0), largest);
      }));
}

ArrayRef<OpEntry> convoy::onnximport::getRegionOps() {
  static constexpr OpEntry ops[] = {
      {"MaxRoiPool", importMaxRoiPool, 2, 2, kFloat},
      OpEntry{"RoiAlign", importRoiAlign, 3, 3, InputTypes(kFloat, kFloat, kIndex), 10}.with(
          ruleOfRegions),
  };
  return ops;
}
