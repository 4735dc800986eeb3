//===- WarpgroupGemmPlanTest.cpp ------------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/WarpgroupGemmPlan.h"

#include "convoy/Analysis/LayerSchedule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"

#include "gtest/gtest.h"

using namespace convoy;
using cnn::Precision;

namespace {

using Pixels = std::array<int64_t, 3>;

/// A convolution of blocked data, with maps of `size` x `size` pixels and a square kernel.
struct Shape {
  int64_t images, inputs, outputs, size;
  int64_t kernel = 3, stride = 1, groups = 1;
};

struct WarpgroupGemmPlanTest : testing::Test {
  WarpgroupGemmPlanTest() { context.loadDialect<cnn::CnnDialect, mlir::func::FuncDialect>(); }

  cnn::TargetAttr makeTarget(Precision precision, bool specific = true) {
    auto gpu = cnn::GpuAttr::get(&context, cnn::GpuPlatform::cuda, {90}, specific);
    return cnn::TargetAttr::get(&context, "x86_64-linux-gnu", "", "", 16, 32, 1 << 20, gpu,
                                precision, /*emulated=*/false);
  }

  cnn::ConvOpInterface parse(const Shape &shape) {
    int64_t pad = shape.kernel / 2;
    int64_t result = (shape.size + 2 * pad - shape.kernel) / shape.stride + 1;
    auto blocked = [&](int64_t channels, int64_t size) {
      return llvm::formatv("tensor<{0}x{1}x{2}x{2}x16xf32>", shape.images,
                           (channels + 15) / 16, size)
          .str();
    };
    std::string input = blocked(shape.inputs, shape.size);
    std::string filter = llvm::formatv("tensor<{0}x{1}x{2}x{2}xf32>", shape.outputs,
                                       shape.inputs / shape.groups, shape.kernel);
    std::string output = blocked(shape.outputs, result);
    std::string group = shape.groups > 1
                            ? llvm::formatv("group = {0} : i64, ", shape.groups).str()
                            : std::string();
    std::string text = llvm::formatv(
        "func.func @f(%x: {0}, %w: {1}) {{ %y = cnn.{2} %x, %w {{{3}output_block = 16 : i64, "
        "window = #cnn.window<[{7}, {7}], strides = [{5}, {5}], pads = [{4}, {4}, {4}, {4}]>} "
        ": ({0}, {1}) -> {6}\n return }",
        input, filter, shape.groups > 1 ? "group_conv" : "conv", group, pad, shape.stride,
        output, shape.kernel);
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    cnn::ConvOpInterface found;
    if (module)
      module->walk([&](cnn::ConvOpInterface conv) { found = conv; });
    return found;
  }

  std::optional<WarpgroupGemmPlan>
  plan(const Shape &shape, Precision precision = Precision::tf32, bool specific = true) {
    return plan(shape, makeTarget(precision, specific));
  }
  /// The plan of a convolution, if the target's schedule for it multiplies with warp groups.
  std::optional<WarpgroupGemmPlan> plan(const Shape &shape, cnn::TargetAttr target) {
    cnn::ConvOpInterface conv = parse(shape);
    conv.setScheduleAttr(listSchedules(conv, target).front());
    EXPECT_EQ(whyNotSchedule(conv, target), "");
    if (!cnn::isScheduledAs(conv, cnn::Algorithm::warpgroup_product))
      return std::nullopt;
    return getWarpgroupGemmPlan(conv);
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace

TEST_F(WarpgroupGemmPlanTest, TilesCoverTheResults) {
  // Two lines of 56 pixels are 112 of a tile's 128 rows.
  auto wide = plan({8, 64, 64, 56});
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->tile, (Pixels{1, 2, 56}));
  EXPECT_EQ(wide->warpgroups, 2);
  EXPECT_EQ(wide->channels, 64);
  EXPECT_EQ(wide->stepBlocks, 2);
  EXPECT_EQ(wide->steps, 18);
  // Two maps of 49 pixels share a tile.
  auto small = plan({64, 512, 512, 7});
  ASSERT_TRUE(small);
  EXPECT_EQ(small->tile, (Pixels{2, 7, 7}));
  // For a 1x1 kernel, the pixels of a map are one line.
  auto pointwise = plan({32, 256, 64, 14, 1});
  ASSERT_TRUE(pointwise);
  EXPECT_EQ(pointwise->results, (Pixels{32, 1, 196}));
  EXPECT_EQ(pointwise->tile[1], 1);
  // But not if strides leave some of them out.
  auto strided = plan({32, 256, 64, 28, 1, 2});
  ASSERT_TRUE(strided);
  EXPECT_EQ(strided->results, (Pixels{32, 14, 14}));
}

TEST_F(WarpgroupGemmPlanTest, PlansKeepTheirLimits) {
  int count = 0;
  for (int64_t inputs : {16, 48, 64, 240, 512})
    for (int64_t outputs : {32, 40, 96, 264, 1024})
      for (int64_t size : {7, 14, 55, 112, 300})
        for (Precision precision : {Precision::tf32, Precision::f16}) {
          auto found = plan({16, inputs, outputs, size, 3, 2}, precision);
          if (!found)
            continue;
          ++count;
          EXPECT_LE(found->tilePixels(), found->rows());
          EXPECT_EQ(found->channels % 16, 0);
          EXPECT_LE(found->channels, 256);
          EXPECT_LE(2 * found->tile[1], 256);
          EXPECT_LE(2 * found->tile[2], 256);
          EXPECT_GE(found->stages, 2);
          EXPECT_LE(found->stages * found->stageBytes() + 2048, 227 * 1024);
          EXPECT_EQ(found->steps * found->stepBlocks * 16, inputs * 9);
          // The 16 channels of a block have half as many bytes in f16, so a step can have
          // twice as many channels.
          EXPECT_EQ(found->rowBytes(), precision == Precision::f16 ? 32 : 64);
          EXPECT_LE(found->stepBlocks * found->rowBytes(), 128);
        }
  EXPECT_GT(count, 100);
}

TEST_F(WarpgroupGemmPlanTest, LeavesTheRest) {
  Shape shape = {8, 64, 64, 56};
  EXPECT_TRUE(plan(shape));
  // GPUs of other compute capabilities, f32 products, and a CPU.
  EXPECT_FALSE(plan(shape, Precision::tf32, /*specific=*/false));
  EXPECT_FALSE(plan(shape, Precision::f32));
  cnn::TargetAttr cpu =
      cnn::TargetAttr::get(&context, "x86_64-linux-gnu", "", "", 16, 32, 1 << 20);
  EXPECT_FALSE(plan(shape, cpu));
  // Blocks that are not full, few output channels, large strides, small groups.
  EXPECT_FALSE(plan({8, 72, 64, 56}));
  EXPECT_FALSE(plan({8, 64, 24, 56}));
  EXPECT_TRUE(plan({8, 64, 64, 180, 3, 8}));
  EXPECT_FALSE(plan({8, 64, 64, 180, 3, 9}));
  EXPECT_TRUE(plan({8, 64, 64, 56, 3, 1, 2}));
  EXPECT_FALSE(plan({8, 64, 64, 56, 3, 1, 8}));
  // So few results that several blocks of threads share a sum.
  EXPECT_FALSE(plan({1, 512, 512, 7}));
}

TEST_F(WarpgroupGemmPlanTest, FiltersAreRowsOfInputs) {
  cnn::ConvOpInterface conv = parse({8, 64, 40, 56});
  auto layout = [&](Precision precision) {
    return listSchedules(conv, makeTarget(precision), {cnn::Algorithm::direct, {}})
        .front()
        .getFilter();
  };
  using Extents = llvm::SmallVector<int64_t>;
  cnn::FilterLayoutAttr tf32 = layout(Precision::tf32), f16 = layout(Precision::f16);
  EXPECT_EQ(Extents(tf32.getType().getShape()), (Extents{1, 1, 2, 3, 3, 2, 48, 16}));
  EXPECT_EQ(tf32.getBiasSize(), 48);
  EXPECT_EQ(Extents(f16.getType().getShape()), (Extents{1, 1, 1, 3, 3, 4, 48, 16}));
  EXPECT_TRUE(f16.getType().getElementType().isF16());
  EXPECT_EQ(layout(Precision::f32).getKind(), cnn::FilterLayout::tiles);
}
