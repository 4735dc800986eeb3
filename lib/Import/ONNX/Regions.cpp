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

/// The samples of bin `bin` along dimension `dim`, for the region that input 1 has at
/// `region`.
static Samples findSamples(ComputeBody &body, const RoiAlignment &alignment, Scalar region,
                           unsigned dim, Scalar bin) {
  // A region is x1, y1, x2, y2.
  auto corner = [&](int64_t i) {
    Scalar x = body.input(1).load({region, body.index(i)}) * alignment.scale;
    return alignment.shifts ? x - 0.5 : x;
  };
  Scalar begin = corner(1 - dim), extent = corner(3 - dim) - begin;
  if (!alignment.shifts)
    extent = extent.max(extent.constant(1));
  Scalar size = extent / double(alignment.pooled[dim]);
  Scalar count = body.index(alignment.ratio);
  if (alignment.ratio == 0)
    count = size.constant(kMaxCount)
                .min(size)
                .apply(UnaryKind::ceil)
                .max(size.constant(0))
                .toIndex();
  Scalar divisor = count.max(body.index(1)).to(size.getType());
  return {begin + bin.to(size.getType()) * size, size / divisor, count};
}

namespace {

/// A point is a bin of all channels. Samples are found once for all of them. In input 0 the
/// channels are last, so that the loop over them makes vectors.
class BinWriter {
public:
  BinWriter(ComputeBody &body, const RoiAlignment &alignment)
      : body(body), alignment(alignment), region(body.at(0)),
        batch(toElementIndex(body.input(2).load({region}), body.input(0).getShape()[0])),
        rows(findSamples(body, alignment, region, 0, body.at(1))),
        columns(findSamples(body, alignment, region, 1, body.at(2))),
        zero(body.number(body.output().getType().getElementType(), 0)) {}

  void write();

private:
  /// A sample's elements along both dimensions.
  struct Sample {
    Pair y, x;
  };

  Sample getSample(Scalar row, Scalar column) {
    ArrayRef<int64_t> from = body.input(0).getShape();
    return {findPair(body, rows, row, from[1]), findPair(body, columns, column, from[2])};
  }
  /// `sum`, or nothing if `isFirst`, with a sample of a channel.
  Scalar add(Scalar sum, const Sample &sample, Scalar channel, Scalar isFirst);
  /// Adds samples for all channels; the sums are in the result.
  void addSamples(ArrayRef<Sample> samples, Scalar isFirst, Scalar isLast);

  ComputeBody &body;
  const RoiAlignment &alignment;
  Scalar region, batch;
  Samples rows, columns;
  Scalar zero;
};

} // namespace

Scalar BinWriter::add(Scalar sum, const Sample &sample, Scalar channel, Scalar isFirst) {
  const Pair &y = sample.y, &x = sample.x;
  auto corner = [&](Scalar i, Scalar j, Scalar weightY, Scalar weightX) {
    return weightY * weightX * body.input(0).load({batch, i, j, channel});
  };
  Scalar parts[] = {corner(y.low, x.low, y.lowWeight, x.lowWeight),
                    corner(y.low, x.high, y.lowWeight, x.highWeight),
                    corner(y.high, x.low, y.highWeight, x.lowWeight),
                    corner(y.high, x.high, y.highWeight, x.highWeight)};
  if (!alignment.isMax)
    return isFirst.select(zero, sum) + (parts[0] + parts[1] + parts[2] + parts[3]);
  // The largest of the weighted elements, not of their sums.
  Scalar largest = parts[0].max(parts[1]).max(parts[2]).max(parts[3]);
  return isFirst.select(largest, sum.max(largest));
}

void BinWriter::addSamples(ArrayRef<Sample> samples, Scalar isFirst, Scalar isLast) {
  body.vectorLoop(body.input(0).getShape()[3], [&](Scalar channel) {
    Scalars at = {region, channel, body.at(1), body.at(2)};
    Scalar sum = body.output().load(at);
    for (const Sample &sample : samples) {
      sum = add(sum, sample, channel, isFirst);
      isFirst = body.truth(false);
    }
    Scalar count = (rows.count * columns.count).to(sum.getType());
    if (!alignment.isMax)
      sum = isLast.select(sum / count, sum);
    body.output().store(sum, at);
  });
}

void BinWriter::write() {
  // So few samples stay in registers.
  if (alignment.ratio == 1 || alignment.ratio == 2) {
    SmallVector<Sample> samples;
    for (int64_t row = 0; row < alignment.ratio; ++row)
      for (int64_t column = 0; column < alignment.ratio; ++column)
        samples.push_back(getSample(body.index(row), body.index(column)));
    return addSamples(samples, body.truth(true), body.truth(true));
  }
  body.when(rows.count * columns.count == 0, [&] {
    body.loop(body.input(0).getShape()[3], [&](Scalar channel) {
      body.output().store(zero, {region, channel, body.at(1), body.at(2)});
    });
  });
  body.loop(body.index(0), rows.count, {}, [&](Scalar row, ArrayRef<Scalar>) -> Scalars {
    return body.loop(body.index(0), columns.count, {},
                     [&](Scalar column, ArrayRef<Scalar>) -> Scalars {
                       Scalar isLast = (row == rows.count - 1) & (column == columns.count - 1);
                       addSamples(getSample(row, column), (row == 0) & (column == 0), isLast);
                       return {};
                     });
  });
}

static LogicalResult importRoiAlign(NodeImporter &node) {
  FailureOr<RoiAlignment> alignment = readRoiAlignment(node);
  if (failed(alignment))
    return failure();
  ArrayRef<int64_t> pooled = alignment->pooled;
  FailureOr<SmallVector<int64_t>> shape = readRegions(node, 4, pooled);
  if (failed(shape))
    return failure();
  if (node.getShape(2) != node.getShape(1).take_front(1))
    return node.error(node.describeInput(2) + " has shape " + formatShape(node.getShape(2)) +
                      ", expected " + Twine((*shape)[0]));
  Type type = NodeImporter::getElementType(node.getInput(0));
  Type sums = type.getIntOrFloatBitWidth() < 32 ? node.getBuilder().getF32Type() : type;
  FailureOr<Value> channelsLast = node.transpose(node.getInput(0), {0, 2, 3, 1});
  if (failed(channelsLast))
    return failure();
  SmallVector<Value> operands = {*channelsLast, node.getInput(1), node.getInput(2)};
  Counted counted(node.getExtents(1)[0], operands);
  FailureOr<Value> result = node.compute("roi_align", {(*shape)[0], pooled[0], pooled[1]},
                                         operands, *shape, sums, [&](ComputeBody &body) {
                                           // Regions that do not count cost no time.
                                           body.when(counted.contains(body, body.at(0)), [&] {
                                             BinWriter(body, *alignment).write();
                                           });
                                         });
  if (failed(result))
    return failure();
  return node.setResult(node.create<cnn::CastOp>(*result, type));
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
