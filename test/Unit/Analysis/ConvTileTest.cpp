//===- ConvTileTest.cpp ---------------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvTile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"

#include "gtest/gtest.h"

using namespace convoy;

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

  /// The only operation of type OpTy in a function with these arguments.
  template <typename OpTy> OpTy parse(llvm::StringRef arguments, llvm::StringRef text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(
        llvm::formatv("func.func @f({0}) {{ {1}\n return }", arguments, text).str(), &context);
    OpTy found;
    if (module)
      module->walk([&](OpTy op) { found = op; });
    return found;
  }

  /// A convolution on blocked data: channels of input and output, filter as OxIxHxW.
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

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  cnn::TargetAttr avx2, avx512;
};

TEST_F(ConvTileTest, TwoBlocksAndAllAccumulators) {
  cnn::ConvOpInterface conv = blockedConv(16, 64, 128);
  ASSERT_TRUE(bool(conv));
  ConvTile tile = selectConvTile(conv, avx512);
  EXPECT_FALSE(tile.channelwise);
  EXPECT_EQ(tile.blocks, 2);
  EXPECT_EQ(tile.pixels, 14);
  EXPECT_EQ(tile.outputTiles, 4);
  EXPECT_EQ(tile.inputChunk, 16);
  EXPECT_EQ(tile.inputChunks, 4);
  EXPECT_EQ(getPackedFilterShape(conv, tile),
            (llvm::SmallVector<int64_t>{1, 4, 4, 3, 3, 16, 32}));
  EXPECT_EQ(getPackedBiasSize(tile), 128);

  conv = blockedConv(8, 64, 128);
  ASSERT_TRUE(bool(conv));
  tile = selectConvTile(conv, avx2);
  EXPECT_EQ(tile.blocks, 2);
  EXPECT_EQ(tile.pixels, 6);
}

TEST_F(ConvTileTest, OddBlocksAndPartialChannels) {
  // Three blocks make one tile of three; the last input chunk has 4 of 16 channels.
  cnn::ConvOpInterface conv = blockedConv(16, 20, 40);
  ASSERT_TRUE(bool(conv));
  ConvTile tile = selectConvTile(conv, avx512);
  EXPECT_EQ(tile.blocks, 3);
  EXPECT_EQ(tile.pixels, 9);
  EXPECT_EQ(tile.outputTiles, 1);
  EXPECT_EQ(tile.inputChunks, 2);
  EXPECT_EQ(getPackedBiasSize(tile), 48);
}

TEST_F(ConvTileTest, SmallGroupsAreChannelwise) {
  cnn::ConvOpInterface depthwise = blockedConv(16, 32, 32, 32);
  ASSERT_TRUE(bool(depthwise));
  ConvTile tile = selectConvTile(depthwise, avx512);
  EXPECT_TRUE(tile.channelwise);
  EXPECT_EQ(tile.outputTiles, 2);
  EXPECT_EQ(getPackedFilterShape(depthwise, tile),
            (llvm::SmallVector<int64_t>{2, 3, 3, 1, 16}));
  EXPECT_EQ(getPackedBiasSize(tile), 32);

  // Four channels a group, as in ResNeXt.
  cnn::ConvOpInterface small = blockedConv(16, 128, 128, 32);
  ASSERT_TRUE(bool(small));
  EXPECT_TRUE(selectConvTile(small, avx512).channelwise);

  // Also eight of 16 lanes, where pixels share what was shuffled; with strides these are
  // convolutions in vectors of half the width.
  cnn::ConvOpInterface shared = blockedConv(16, 64, 64, 8);
  ASSERT_TRUE(bool(shared));
  EXPECT_TRUE(selectConvTile(shared, avx512).channelwise);
  EXPECT_EQ(selectConvTile(shared, avx512).pixels, 12);
  cnn::ConvOpInterface half = blockedConv(16, 64, 64, 8, /*stride=*/2);
  ASSERT_TRUE(bool(half));
  tile = selectConvTile(half, avx512);
  EXPECT_FALSE(tile.channelwise);
  EXPECT_EQ(tile.lanes, 8);
  EXPECT_EQ(tile.pixels, 28);
  EXPECT_EQ(getPackedFilterShape(half, tile),
            (llvm::SmallVector<int64_t>{8, 1, 1, 3, 3, 8, 8}));

  // A whole vector a group is an ordinary convolution in each group.
  cnn::ConvOpInterface wide = blockedConv(16, 64, 64, 4);
  ASSERT_TRUE(bool(wide));
  tile = selectConvTile(wide, avx512);
  EXPECT_FALSE(tile.channelwise);
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
  // ShuffleNet: 34 channels of a group against 784 pixels.
  cnn::ConvOpInterface conv = plain(136, 28);
  ASSERT_TRUE(bool(conv));
  ConvTile tile = selectConvTile(conv, avx512);
  EXPECT_TRUE(tile.pixelwise);
  EXPECT_EQ(tile.outputTiles, 3);
  EXPECT_EQ(tile.blocks, 12);
  EXPECT_EQ(getPackedFilterShape(conv, tile),
            (llvm::SmallVector<int64_t>{4, 3, 1, 1, 1, 34, 12}));
  EXPECT_EQ(getPackedBiasSize(tile), 144);
  // 136 channels against 49 pixels.
  conv = plain(544, 7);
  ASSERT_TRUE(bool(conv));
  EXPECT_FALSE(selectConvTile(conv, avx512).pixelwise);
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
  DenseTile tile = selectDenseTile(one, avx512);
  EXPECT_EQ(tile.blocks, 4);
  EXPECT_EQ(tile.rows, 1);
  EXPECT_EQ(tile.outputTiles, 2);

  cnn::DenseOp many = dense(100);
  ASSERT_TRUE(bool(many));
  tile = selectDenseTile(many, avx512);
  EXPECT_EQ(tile.blocks, 2);
  EXPECT_EQ(tile.rows, 14);
}

} // namespace
