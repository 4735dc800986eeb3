//===- ConvTileTest.cpp ---------------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvTile.h"
#include "convoy/Analysis/LayerSchedule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"

#include "gtest/gtest.h"

using namespace convoy;
using convoy::cnn::Algorithm;

namespace {

struct ConvTileTest : testing::Test {
  ConvTileTest() {
    context.loadDialect<cnn::CnnDialect, mlir::func::FuncDialect>();
    avx2 = makeTarget(8, 16);
    avx512 = makeTarget(16, 32);
  }

  cnn::TargetAttr makeTarget(int64_t lanes, int64_t registers) {
    return cnn::TargetAttr::get(&context, "x86_64-linux-gnu", "", "", lanes, registers,
                                1 << 20);
  }

  /// Parses a function with these arguments and the body `text`, and returns its only
  /// operation of type OpTy.
  template <typename OpTy> OpTy parse(llvm::StringRef arguments, llvm::StringRef text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(
        llvm::formatv("func.func @f({0}) {{ {1}\n return }", arguments, text).str(), &context);
    OpTy found;
    if (module)
      module->walk([&](OpTy op) { found = op; });
    return found;
  }

  /// A 3x3 convolution of 14x14 maps of blocked data, with `inputs` and `outputs` channels and
  /// a filter as OxIxHxW.
  cnn::ConvOpInterface blockedConv(int64_t lanes, int64_t inputs, int64_t outputs,
                                   int64_t groups = 1, int64_t stride = 1) {
    auto blocks = [&](int64_t channels) { return (channels + lanes - 1) / lanes; };
    std::string input = llvm::formatv("tensor<1x{0}x14x14x{1}xf32>", blocks(inputs), lanes);
    std::string filter = llvm::formatv("tensor<{0}x{1}x3x3xf32>", outputs, inputs / groups);
    std::string output =
        llvm::formatv("tensor<1x{0}x{2}x{2}x{1}xf32>", blocks(outputs), lanes, 14 / stride);
    std::string group =
        groups > 1 ? llvm::formatv("group = {0} : i64, ", groups).str() : std::string();
    return parse<cnn::ConvOpInterface>(
        "%x: " + input + ", %w: " + filter,
        llvm::formatv("%y = cnn.{0} %x, %w {{{1}output_block = {2} : i64, window = "
                      "#cnn.window<[3, 3], strides = [{3}, {3}], pads = [1, 1, 1, 1]>} : "
                      "({4}, {5}) -> {6}",
                      groups > 1 ? "group_conv" : "conv", group, lanes, stride, input, filter,
                      output)
            .str());
  }

  /// Gives `op` the schedule that is chosen for it without Winograd's algorithms.
  cnn::ScheduleAttr choose(cnn::ScheduledOpInterface op, cnn::TargetAttr target) {
    op.setScheduleAttr(
        listSchedules(op, target, {cnn::Algorithm::direct, mlir::Type()}).front());
    return op.getScheduleAttr();
  }
  cnn::Algorithm chooseAlgorithm(cnn::ConvOpInterface op, cnn::TargetAttr target) {
    return choose(op, target).getAlgorithm();
  }
  ConvTile chooseTile(cnn::ConvOpInterface op, cnn::TargetAttr target) {
    return getConvTile(op, choose(op, target));
  }
  /// The shape of the packed filter in the schedule of `op`.
  static llvm::SmallVector<int64_t> getFilterShape(cnn::ScheduledOpInterface op) {
    return llvm::SmallVector<int64_t>(op.getScheduleAttr().getFilter().getType().getShape());
  }
  /// The size of the packed bias.
  static int64_t getBiasSize(cnn::ScheduledOpInterface op) {
    return op.getScheduleAttr().getFilter().getBiasSize();
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  cnn::TargetAttr avx2, avx512;
};

TEST_F(ConvTileTest, TwoBlocksAndAllAccumulators) {
  cnn::ConvOpInterface conv = blockedConv(16, 64, 128);
  ASSERT_TRUE(bool(conv));
  ConvTile tile = chooseTile(conv, avx512);
  EXPECT_EQ(chooseAlgorithm(conv, avx512), Algorithm::direct);
  EXPECT_EQ(tile.blocks, 2);
  EXPECT_EQ(tile.pixels, 14);
  EXPECT_EQ(tile.outputTiles, 4);
  EXPECT_EQ(tile.inputChunk, 16);
  EXPECT_EQ(tile.inputChunks, 4);
  EXPECT_EQ(getFilterShape(conv), (llvm::SmallVector<int64_t>{1, 4, 4, 3, 3, 16, 32}));
  EXPECT_EQ(getBiasSize(conv), 128);

  conv = blockedConv(8, 64, 128);
  ASSERT_TRUE(bool(conv));
  tile = chooseTile(conv, avx2);
  EXPECT_EQ(tile.blocks, 2);
  EXPECT_EQ(tile.pixels, 6);
}

TEST_F(ConvTileTest, OddBlocksAndPartialChannels) {
  // Three blocks make one tile of three; the last input chunk has 4 of 16 channels.
  cnn::ConvOpInterface conv = blockedConv(16, 20, 40);
  ASSERT_TRUE(bool(conv));
  ConvTile tile = chooseTile(conv, avx512);
  EXPECT_EQ(tile.blocks, 3);
  EXPECT_EQ(tile.pixels, 9);
  EXPECT_EQ(tile.outputTiles, 1);
  EXPECT_EQ(tile.inputChunks, 2);
  EXPECT_EQ(getBiasSize(conv), 48);
}

TEST_F(ConvTileTest, SmallGroupsAreChannelwise) {
  cnn::ConvOpInterface depthwise = blockedConv(16, 32, 32, 32);
  ASSERT_TRUE(bool(depthwise));
  ConvTile tile = chooseTile(depthwise, avx512);
  EXPECT_EQ(chooseAlgorithm(depthwise, avx512), Algorithm::channelwise);
  EXPECT_EQ(tile.outputTiles, 2);
  EXPECT_EQ(getFilterShape(depthwise), (llvm::SmallVector<int64_t>{2, 3, 3, 1, 16}));
  EXPECT_EQ(getBiasSize(depthwise), 32);

  // Four channels per group, as in ResNeXt.
  cnn::ConvOpInterface small = blockedConv(16, 128, 128, 32);
  ASSERT_TRUE(bool(small));
  EXPECT_EQ(chooseAlgorithm(small, avx512), Algorithm::channelwise);

  // Groups of eight channels are channelwise, too: neighbouring pixels share the shuffled
  // vectors. With strides they are direct convolutions with vectors of half the width.
  cnn::ConvOpInterface shared = blockedConv(16, 64, 64, 8);
  ASSERT_TRUE(bool(shared));
  EXPECT_EQ(chooseAlgorithm(shared, avx512), Algorithm::channelwise);
  EXPECT_EQ(chooseTile(shared, avx512).pixels, 12);
  cnn::ConvOpInterface half = blockedConv(16, 64, 64, 8, /*stride=*/2);
  ASSERT_TRUE(bool(half));
  tile = chooseTile(half, avx512);
  EXPECT_EQ(chooseAlgorithm(half, avx512), Algorithm::direct);
  EXPECT_EQ(tile.lanes, 8);
  EXPECT_EQ(tile.pixels, 28);
  EXPECT_EQ(getFilterShape(half), (llvm::SmallVector<int64_t>{8, 1, 1, 3, 3, 8, 8}));

  // A group that fills a vector is an ordinary convolution.
  cnn::ConvOpInterface wide = blockedConv(16, 64, 64, 4);
  ASSERT_TRUE(bool(wide));
  tile = chooseTile(wide, avx512);
  EXPECT_EQ(chooseAlgorithm(wide, avx512), Algorithm::direct);
  EXPECT_EQ(tile.groups, 4);
  EXPECT_EQ(tile.outputTiles, 1);
  EXPECT_EQ(tile.blocks, 1);
}

TEST_F(ConvTileTest, PlainPointwiseTakesWhatFillsVectorsBetter) {
  auto plain = [&](int64_t outputs, int64_t side) {
    std::string input = llvm::formatv("tensor<1x{0}x{1}x{1}xf32>", outputs, side);
    std::string filter = llvm::formatv("tensor<{0}x{1}x1x1xf32>", outputs, outputs / 4);
    return parse<cnn::ConvOpInterface>(
        "%x: " + input + ", %w: " + filter,
        llvm::formatv(
            "%y = cnn.group_conv %x, %w {{group = 4 : i64, window = #cnn.window<[1, 1]>} : "
            "({0}, {1}) -> {0}",
            input, filter)
            .str());
  };
  // ShuffleNet: 784 pixels fill vectors of 16 lanes, but the 34 channels of a group do not.
  cnn::ConvOpInterface conv = plain(136, 28);
  ASSERT_TRUE(bool(conv));
  ConvTile tile = chooseTile(conv, avx512);
  EXPECT_EQ(chooseAlgorithm(conv, avx512), Algorithm::pixelwise);
  EXPECT_EQ(tile.outputTiles, 3);
  EXPECT_EQ(tile.blocks, 12);
  EXPECT_EQ(getFilterShape(conv), (llvm::SmallVector<int64_t>{4, 3, 1, 1, 1, 34, 12}));
  EXPECT_EQ(getBiasSize(conv), 144);
  // The 136 channels of a group fill vectors better than 49 pixels.
  conv = plain(544, 7);
  ASSERT_TRUE(bool(conv));
  EXPECT_EQ(chooseAlgorithm(conv, avx512), Algorithm::direct);
}

TEST_F(ConvTileTest, DenseStreamsWeightsForOneRow) {
  auto dense = [&](int64_t rows) {
    return parse<cnn::DenseOp>(
        llvm::formatv("%x: tensor<{0}x64xf32>, %w: tensor<100x64xf32>", rows).str(),
        llvm::formatv("%y = cnn.dense %x, %w : (tensor<{0}x64xf32>, tensor<100x64xf32>) -> "
                      "tensor<{0}x100xf32>",
                      rows)
            .str());
  };
  cnn::DenseOp one = dense(1);
  ASSERT_TRUE(bool(one));
  choose(one, avx512);
  DenseTile tile = getDenseTile(one);
  EXPECT_EQ(tile.blocks, 4);
  EXPECT_EQ(tile.rows, 1);
  EXPECT_EQ(tile.outputTiles, 2);

  cnn::DenseOp many = dense(100);
  ASSERT_TRUE(bool(many));
  choose(many, avx512);
  tile = getDenseTile(many);
  EXPECT_EQ(tile.blocks, 2);
  EXPECT_EQ(tile.rows, 14);
}

TEST_F(ConvTileTest, AScheduleThatIsGivenIsChecked) {
  cnn::ConvOpInterface conv = blockedConv(16, 64, 128);
  ASSERT_TRUE(bool(conv));
  choose(conv, avx512);
  EXPECT_EQ(whyNotSchedule(conv, avx512), "");
  cnn::Schedule schedule(conv.getScheduleAttr());
  EXPECT_EQ(schedule.getAttr(), conv.getScheduleAttr());
  schedule.scratch = 64;
  conv.setScheduleAttr(schedule.getAttr());
  EXPECT_NE(whyNotSchedule(conv, avx512).find("0 bytes of scratch memory"), std::string::npos);
  // Kernels can follow every candidate of the cost model.
  conv.setScheduleAttr({});
  llvm::SmallVector<cnn::ScheduleAttr> schedules = listSchedules(conv, avx512);
  EXPECT_GT(schedules.size(), 1u);
  for (cnn::ScheduleAttr candidate : schedules) {
    conv.setScheduleAttr(candidate);
    EXPECT_EQ(whyNotSchedule(conv, avx512), "") << getScheduleName(candidate);
    EXPECT_TRUE(isScheduleName(getScheduleName(candidate)));
  }
}

TEST_F(ConvTileTest, PackedBiasesFillTheTilesOfTheirLayout) {
  auto layout = [&](cnn::FilterLayout kind, llvm::ArrayRef<int64_t> shape) {
    return cnn::FilterLayoutAttr::get(
        kind, mlir::RankedTensorType::get(shape, mlir::Float32Type::get(&context)));
  };
  using cnn::FilterDim;
  using cnn::FilterLayout;
  auto tiles = layout(FilterLayout::tiles, {2, 3, 4, 5, 7, 8, 16});
  EXPECT_EQ(tiles.getExtent(FilterDim::input_chunk), 4);
  EXPECT_EQ(tiles.getExtent(FilterDim::input), 8);
  EXPECT_EQ(tiles.getExtent(FilterDim::product), 1);
  EXPECT_EQ(tiles.getKernel(), (llvm::ArrayRef<int64_t>{5, 7}));
  EXPECT_EQ(tiles.getBiasSize(), 2 * 3 * 16);
  auto rows = layout(FilterLayout::input_rows, {2, 3, 4, 5, 6, 32, 16});
  EXPECT_EQ(rows.getExtent(FilterDim::step_chunk), 6);
  EXPECT_EQ(rows.getKernel(), (llvm::ArrayRef<int64_t>{5}));
  EXPECT_EQ(rows.getBiasSize(), 2 * 3 * 32);
  EXPECT_EQ(layout(FilterLayout::channelwise, {3, 5, 5, 1, 16}).getBiasSize(), 3 * 16);
  EXPECT_EQ(layout(FilterLayout::winograd_products, {2, 36, 3, 8, 32}).getBiasSize(),
            2 * 3 * 32);
  EXPECT_EQ(layout(FilterLayout::winograd_compact, {2, 3, 8, 9, 32}).getBiasSize(),
            2 * 3 * 32);
  EXPECT_EQ(layout(FilterLayout::dense, {3, 64, 32}).getBiasSize(), 3 * 32);
}

} // namespace
