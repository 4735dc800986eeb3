//===- WarpgroupGemmTest.cpp - A kernel that is broken in every way -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The emulator runs a kernel that the compiler has generated. Then each test breaks one of the
// ways in which its warps wait for each other, and the emulator must report it.
//
//===----------------------------------------------------------------------===//

#include "EmulatedKernel.h"

#include "convoy/Codegen/Passes.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Pipelines/Pipelines.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace convoy;

namespace {

/// A 3x3 convolution of 16 channels to 32, with nine steps and six stages. The filter is read
/// from the memory of the input.
constexpr char kModule[] = R"mlir(
#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <emulator, [90], arch_specific = true>, precision = tf32>
module attributes {cnn.target = #target, cnn.arena_size = 64 : i64, cnn.scratch_size = 4096 : i64,
    cnn.weights_size = 64 : i64, cnn.weights = [],
    cnn.inputs = [{name = "x", type = tensor<4608xf32>}],
    cnn.outputs = [{name = "y", type = tensor<2048xf32>}]} {
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>, %x: memref<4608xf32>, %y: memref<2048xf32>) {
    %in = memref.reinterpret_cast %x to offset: [0], sizes: [1, 1, 8, 8, 16], strides: [1024, 1024, 128, 16, 1]
      : memref<4608xf32> to memref<1x1x8x8x16xf32>
    %w = memref.reinterpret_cast %x to offset: [0], sizes: [1, 1, 1, 3, 3, 1, 32, 16], strides: [4608, 4608, 4608, 1536, 512, 512, 16, 1]
      : memref<4608xf32> to memref<1x1x1x3x3x1x32x16xf32>
    %out = memref.reinterpret_cast %y to offset: [0], sizes: [1, 2, 8, 8, 16], strides: [2048, 1024, 128, 16, 1]
      : memref<2048xf32> to memref<1x2x8x8x16xf32>
    cnn.conv %in, %w outs(%out) {
        schedule = #cnn.schedule<warpgroup_product, tile = 64x2x16, box = 1x8x8, stages = 6, warpgroups = 1, precision = tf32,
                                 filter = <input_rows, 1x1x1x3x3x1x32x16xf32>>,
        filter_shape = array<i64: 32, 16, 3, 3>, output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (memref<1x1x8x8x16xf32>, memref<1x1x1x3x3x1x32x16xf32>, memref<1x2x8x8x16xf32>) -> ()
    return
  }
})mlir";

class WarpgroupGemm : public testing::Test {
protected:
  WarpgroupGemm() : context(makeContext()) {
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = float(int(i * 7 % 11) - 5);
  }

  /// Runs the kernel after `change` was made to its module.
  std::vector<float> run(llvm::function_ref<void(ModuleOp)> change) {
    auto module = parseSourceString<ModuleOp>(kModule, context.get());
    if (!module)
      return {};
    PassManager manager(context.get(), ModuleOp::getOperationName());
    buildCodegenPipeline(manager, /*hasDevices=*/false, /*hasGpu=*/true);
    if (failed(manager.run(*module)))
      return {};
    change(*module);
    error.clear();
    return runEmulated(*module, x, /*threads=*/1, &error);
  }

  /// The error of a run after `change` was made to every operation of type Op.
  template <typename Op> std::string getError(llvm::function_ref<void(Op)> change) {
    int changed = 0;
    std::vector<float> y = run([&](ModuleOp module) {
      module.walk([&](Op op) {
        change(op);
        ++changed;
      });
    });
    EXPECT_GT(changed, 0);
    EXPECT_EQ(y.empty(), !error.empty());
    return error;
  }

  static bool isInLoop(Operation *op) { return op->getParentOfType<scf::ForOp>() != nullptr; }
  /// Whether it is the copying thread that waits: it inverts the parity.
  static bool waitsToCopy(NVVM::MBarrierTryWaitParityOp op) {
    return op.getPhase().getDefiningOp<arith::XOrIOp>() != nullptr;
  }
  bool holds(const std::string &text, const char *part) {
    return text.find(part) != std::string::npos;
  }

  std::unique_ptr<MLIRContext> context;
  std::vector<float> x = std::vector<float>(4608);
  std::string error;
};

TEST_F(WarpgroupGemm, ComputesAConvolution) {
  std::vector<float> expected(2048);
  for (int o = 0; o < 32; ++o)
    for (int h = 0; h < 8; ++h)
      for (int w = 0; w < 8; ++w)
        for (int kh = 0; kh < 3; ++kh)
          for (int kw = 0; kw < 3; ++kw)
            for (int i = 0; i < 16; ++i) {
              int row = h + kh - 1, column = w + kw - 1;
              if (row >= 0 && row < 8 && column >= 0 && column < 8)
                expected[o / 16 * 1024 + (h * 8 + w) * 16 + o % 16] +=
                    x[(row * 8 + column) * 16 + i] * x[((kh * 3 + kw) * 32 + o) * 16 + i];
            }
  EXPECT_EQ(run([](ModuleOp) {}), expected) << error;
}

TEST_F(WarpgroupGemm, CopiesMustWaitForEmptyStages) {
  std::string text = getError<NVVM::MBarrierTryWaitParityOp>([](auto op) {
    if (waitsToCopy(op))
      op.erase();
  });
  EXPECT_TRUE(holds(text, "whose phase has its 1 arrivals")) << text;
  // With the parity of the products' wait, no thread can go on.
  text = getError<NVVM::MBarrierTryWaitParityOp>([](auto op) {
    if (waitsToCopy(op))
      op.getPhaseMutable().assign(
          op.getPhase().template getDefiningOp<arith::XOrIOp>().getLhs());
  });
  EXPECT_TRUE(holds(text, "waits for phase 0 of the mbarrier")) << text;
}

TEST_F(WarpgroupGemm, ProductsMustWaitForFullStages) {
  for (bool inLoop : {false, true}) {
    std::string text = getError<NVVM::MBarrierTryWaitParityOp>([&](auto op) {
      if (!waitsToCopy(op) && isInLoop(op) == inLoop)
        op.erase();
    });
    EXPECT_TRUE(holds(text, "where a copy of a box is under way")) << text;
  }
}

TEST_F(WarpgroupGemm, StagesAreEmptyAfterProducts) {
  // Warps release a stage without a wait for the products that read it.
  std::string text = getError<NVVM::WgmmaWaitGroupSyncOp>([](auto op) { op.erase(); });
  EXPECT_TRUE(holds(text, "which a product under way reads") ||
              holds(text, "and is not ordered after that product"))
      << text;
  // The wait leaves two groups of products under way instead of one, so warps release a stage
  // whose products have just started.
  text = getError<NVVM::WgmmaWaitGroupSyncOp>([](auto op) { op.setGroup(2); });
  EXPECT_TRUE(holds(text, "which a product under way reads") ||
              holds(text, "and is not ordered after that product"))
      << text;
  // Warps never release a stage.
  text = getError<NVVM::MBarrierArriveOp>([](auto op) { op.erase(); });
  EXPECT_TRUE(holds(text, "waits for phase 1 of the mbarrier")) << text;
  // A stage is empty when three of the four warps have released it.
  text = getError<NVVM::MBarrierInitOp>([](auto op) {
    OpBuilder builder(op);
    IntegerAttr count;
    if (matchPattern(op.getCount(), m_Constant(&count)) && count.getInt() == 4)
      op.getCountMutable().assign(
          arith::ConstantIntOp::create(builder, op.getLoc(), builder.getI32Type(), 3));
  });
  EXPECT_FALSE(text.empty());
}

TEST_F(WarpgroupGemm, BytesMustBeRight) {
  // The barrier of a full stage expects less or more bytes than its boxes have.
  for (int64_t more : {-1024, 1024}) {
    std::string text = getError<NVVM::MBarrierArriveExpectTxOp>([&](auto op) {
      OpBuilder builder(op);
      Value change =
          arith::ConstantIntOp::create(builder, op.getLoc(), builder.getI32Type(), more);
      op.getTxcountMutable().assign(
          arith::AddIOp::create(builder, op.getLoc(), op.getTxcount(), change));
    });
    EXPECT_FALSE(text.empty());
  }
}

TEST_F(WarpgroupGemm, FencesMustBeThere) {
  EXPECT_TRUE(holds(getError<NVVM::WgmmaFenceAlignedOp>([](auto op) { op.erase(); }),
                    "without a wgmma.fence"));
  std::vector<float> y = run([](ModuleOp module) {
    module.walk([](Operation *op) {
      if (isa<NVVM::FenceMbarrierInitOp, NVVM::FenceProxyOp>(op))
        op->erase();
    });
  });
  EXPECT_TRUE(y.empty());
  EXPECT_TRUE(holds(error, "made without a fence")) << error;
}

} // namespace
