//===- EmulatedWarpgroupTest.cpp - Barriers, boxes and wgmma, emulated ----===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatedKernel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"
#include "gtest/gtest.h"

#include <map>

namespace {

/// Replaces each `$name` in a kernel's text by its part.
std::string fill(std::string text, const std::map<std::string, std::string> &parts) {
  for (const auto &[name, part] : parts)
    for (size_t at; (at = text.find("$" + name)) != std::string::npos;)
      text.replace(at, name.size() + 1, part);
  return text;
}

/// Whether `text` contains one of `parts`.
testing::AssertionResult holds(const std::string &text,
                               std::initializer_list<const char *> parts) {
  for (const char *part : parts)
    if (text.find(part) != std::string::npos)
      return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << text << "'";
}

std::vector<float> makeIntegers(size_t count) {
  std::vector<float> values(count);
  unsigned state = 1;
  for (float &value : values) {
    state = state * 1664525 + 1013904223;
    value = float(int(state >> 24) % 9 - 4);
  }
  return values;
}

/// The product of a matrix of `rows` rows of 16 numbers and the transpose of the matrix of
/// `columns` rows of 16 that follows it in x.
std::vector<float> multiply(const std::vector<float> &x, int rows, int columns) {
  std::vector<float> y(rows * columns);
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j)
      for (int k = 0; k < 16; ++k)
        y[i * columns + j] += x[i * 16 + k] * x[(rows + j) * 16 + k];
  return y;
}

/// The start of a kernel: constants; %base, the first address of shared memory that is a
/// multiple of 1024; and %bar, a pointer to an mbarrier 5 KiB after it.
const char *const kBegin = R"mlir( workgroup(%mem: memref<8192xi8, #shared>) kernel {
    %i0 = arith.constant 0 : index
    %i128 = arith.constant 128 : index
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c16 = arith.constant 16 : i32
    %c32 = arith.constant 32 : i32
    %c48 = arith.constant 48 : i32
    %c64 = arith.constant 64 : i32
    %ticks = arith.constant 1000 : i32
    %bytes = arith.constant $bytes : i32
    %low = arith.constant 1023 : i64
    %high = arith.constant -1024 : i64
    %b1024 = arith.constant 1024 : i64
    %b5120 = arith.constant 5120 : i64
    %t = gpu.thread_id x
    %start = memref.extract_aligned_pointer_as_index %mem
      : memref<8192xi8, #shared> -> index
    %start64 = arith.index_cast %start : index to i64
    %up = arith.addi %start64, %low : i64
    %base = arith.andi %up, %high : i64
    %baraddr = arith.addi %base, %b5120 : i64
    %bar = llvm.inttoptr %baraddr : i64 to !llvm.ptr<3>
    %isfirst = arith.cmpi eq, %t, %i0 : index
    %iscopier = arith.cmpi eq, %t, %i128 : index
    %multiplies = arith.cmpi ult, %t, %i128 : index
)mlir";

const char *const kMakeBarrier = R"mlir(
    scf.if %isfirst {
      nvvm.mbarrier.init %bar, %c1 : !llvm.ptr<3>, i32
      $fence
    }
    $barrier
)mlir";

/// Thread 128 copies four boxes of 16 rows of A and one box of 16 rows of B.
const char *const kCopy = R"mlir(
    scf.if %iscopier {
      nvvm.mbarrier.arrive.expect_tx %bar, %bytes : !llvm.ptr<3>, i32
      %a0 = llvm.inttoptr %base : i64 to !llvm.ptr<7>
      %p1 = arith.addi %base, %b1024 : i64
      %a1 = llvm.inttoptr %p1 : i64 to !llvm.ptr<7>
      %p2 = arith.addi %p1, %b1024 : i64
      %a2 = llvm.inttoptr %p2 : i64 to !llvm.ptr<7>
      %p3 = arith.addi %p2, %b1024 : i64
      %a3 = llvm.inttoptr %p3 : i64 to !llvm.ptr<7>
      %p4 = arith.addi %p3, %b1024 : i64
      %b = llvm.inttoptr %p4 : i64 to !llvm.ptr<7>
      nvvm.cp.async.bulk.tensor.shared.cluster.global %a0, %map, %bar, box [%c0, %c0] : !llvm.ptr<7>, !llvm.ptr
      nvvm.cp.async.bulk.tensor.shared.cluster.global %a1, %map, %bar, box [%c0, %c16] : !llvm.ptr<7>, !llvm.ptr
      nvvm.cp.async.bulk.tensor.shared.cluster.global %a2, %map, %bar, box [%c0, %c32] : !llvm.ptr<7>, !llvm.ptr
      nvvm.cp.async.bulk.tensor.shared.cluster.global %a3, %map, %bar, box [%c0, %c48] : !llvm.ptr<7>, !llvm.ptr
      nvvm.cp.async.bulk.tensor.shared.cluster.global %b, %map, %bar, box [%c0, %c64] : !llvm.ptr<7>, !llvm.ptr
      $more
    }
)mlir";

/// The end of a kernel: descriptors of A, at %base, and of B, 4 KiB after it, and one or two
/// products. Then each thread writes its 8 sums.
const char *const kMultiply = R"mlir(
    scf.if %multiplies {
      %mask = arith.constant 0x3ffff : i64
      %four = arith.constant 4 : i64
      %two = arith.constant 2 : i64
      %b4096 = arith.constant 4096 : i64
      %fields = arith.constant $fields : i64
      %cut = arith.andi %base, %mask : i64
      %encoded = arith.shrui %cut, %four : i64
      %da = arith.ori %encoded, %fields : i64
      %behind = arith.addi %base, %b4096 : i64
      %cutb = arith.andi %behind, %mask : i64
      %encodedb = arith.shrui %cutb, %four : i64
      %db = arith.ori %encodedb, %fields : i64
      %da2 = arith.addi %da, %two : i64
      %db2 = arith.addi %db, %two : i64
      %none = llvm.mlir.undef : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
      $wait
      $wgmmafence
      %s1 = nvvm.wgmma.mma_async %da, %db, %none, <m = 64, n = 16, k = $k>, D [<f32>, <zero>], A [<$type>, <one>, <row>], B [<$type>, <one>, <col>] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>
      $second
      nvvm.wgmma.commit.group.sync.aligned
      $finish
      %c4 = arith.constant 4 : index
      %i32 = arith.constant 32 : index
      %i16 = arith.constant 16 : index
      %warp = arith.divui %t, %i32 : index
      %lane = arith.remui %t, %i32 : index
      %member = arith.remui %lane, %c4 : index
      %group = arith.divui %lane, %c4 : index
      %wrows = arith.muli %warp, %i16 : index
      %row = arith.addi %wrows, %group : index
      %i2 = arith.constant 2 : index
      %col = arith.muli %member, %i2 : index
      %first = arith.muli %row, %i16 : index
      %at0 = arith.addi %first, %col : index
      %i1 = arith.constant 1 : index
      %i8 = arith.constant 8 : index
      %at1 = arith.addi %at0, %i1 : index
      %lower = arith.muli %i8, %i16 : index
      %at2 = arith.addi %at0, %lower : index
      %at3 = arith.addi %at1, %lower : index
      %at4 = arith.addi %at0, %i8 : index
      %at5 = arith.addi %at1, %i8 : index
      %at6 = arith.addi %at2, %i8 : index
      %at7 = arith.addi %at3, %i8 : index
      $stores
    }
    gpu.return
  })mlir";

const char *const kSecond = R"mlir(
      %s2 = nvvm.wgmma.mma_async %da2, %db2, %s1, <m = 64, n = 16, k = 8>, D [<f32>, <one>], A [<tf32>, <one>, <row>], B [<tf32>, <one>, <col>] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>)mlir";
const char *const kWait =
    "nvvm.mbarrier.try_wait.parity %bar, %c0, %ticks : !llvm.ptr<3>, i32, i32";
const char *const kFinish = "%s = cnn.wgmma_wait %s2 pending(0) : "
                            "!llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>";
const char *const kFence = "nvvm.fence.mbarrier.init";

std::string makeStores(const std::string &sums) {
  std::string text;
  for (std::string i : {"0", "1", "2", "3", "4", "5", "6", "7"})
    text += "%v" + i + " = llvm.extractvalue " + sums + "[" + i +
            "] : !llvm.struct<(f32, f32, f32, f32, f32, f32, f32, f32)>\n" +
            "memref.store %v" + i + ", %y[%at" + i + "] : memref<1024xf32>\n";
  return text;
}

using Parts = std::map<std::string, std::string>;

/// The product of a 64x16 and a 16x16 matrix of tf32. Without `parts` the kernel is right;
/// each of them replaces a piece of its text.
EmulatedKernel makeProduct(Parts parts) {
  Parts all = {{"bytes", "5120"},
               {"fence", kFence},
               {"barrier", "gpu.barrier"},
               {"more", ""},
               // Swizzle mode 2, for rows of 64 bytes; eight rows begin 512 bytes after the
               // eight rows before them.
               {"fields", "0x8000002000010000"},
               {"wait", kWait},
               {"wgmmafence", "nvvm.wgmma.fence.aligned"},
               {"k", "8"},
               {"type", "tf32"},
               {"second", kSecond},
               {"finish", kFinish},
               {"stores", makeStores("%s")}};
  for (const auto &[name, part] : parts)
    all[name] = part;
  std::string text = ", %map: !llvm.ptr)";
  for (const char *piece : {kBegin, kMakeBarrier, kCopy, kMultiply})
    text += piece;
  return {fill(text, all),
          {1, 1, 1},
          {129, 1, 1},
          "{sizes = array<i64: 16, 80>, box = array<i64: 16, 16>, steps = array<i64: 1, 1>, "
          "swizzle = 64 : i64}"};
}

const std::vector<float> kInput = makeIntegers(80 * 16);

/// The error of a run, which has one line; "" if it succeeds.
std::string getError(const Parts &parts) {
  std::string error;
  std::vector<float> y = runEmulated({makeProduct(parts)}, kInput, 1024, 1, &error);
  EXPECT_EQ(y.empty(), !error.empty());
  EXPECT_EQ(error.find('\n'), std::string::npos);
  return error;
}

} // namespace

TEST(EmulatedWarpgroup, MultipliesBoxes) {
  EXPECT_EQ(runEmulated(makeProduct({}), kInput, 1024), multiply(kInput, 64, 16));
}

TEST(EmulatedWarpgroup, RoundsToTf32) {
  // 1 + 2^-11 is halfway between two tf32, and goes up.
  std::vector<float> x(80 * 16, 0.0f);
  x[0] = 1 + 0x1p-11f;
  x[16] = 1 + 0x1p-12f;
  x[64 * 16] = 1;
  std::vector<float> y = runEmulated(makeProduct({}), x, 1024);
  ASSERT_EQ(y.size(), 1024u);
  EXPECT_EQ(y[0], 1 + 0x1p-10f);
  EXPECT_EQ(y[16], 1);
}

TEST(EmulatedWarpgroup, DescriptorsAreUsed) {
  std::vector<float> right = multiply(kInput, 64, 16);
  // Another stride from eight rows to the next eight, and the swizzle for rows of 32 bytes.
  for (const char *fields : {"0x8000001000010000", "0xc000002000010000"}) {
    std::vector<float> y = runEmulated(makeProduct({{"fields", fields}}), kInput, 1024);
    EXPECT_NE(y, right) << fields;
  }
  // No swizzle, an offset of the base, and a bit that the manual reserves.
  for (const char *fields : {"0x0000002000010000", "0x8002002000010000", "0x8010002000010000"})
    EXPECT_TRUE(holds(getError({{"fields", fields}}), {"not one of swizzled rows"}));
}

TEST(EmulatedWarpgroup, ReportsBarriersThatAreNotReady) {
  EXPECT_TRUE(holds(getError({{"fence", ""}}), {"which thread 0 made without a fence"}));
  EXPECT_TRUE(
      holds(getError({{"barrier", ""}}), {"which thread 0 made since the last barrier"}));
}

TEST(EmulatedWarpgroup, ReportsWhatDoesNotWait) {
  const char *underWay = "where a copy of a box is under way";
  EXPECT_TRUE(holds(getError({{"wait", ""}}), {underWay}));
  // This wait is for the phase before the first, which counts as ended.
  EXPECT_TRUE(holds(getError({{"wait", "nvvm.mbarrier.try_wait.parity %bar, %c1, %ticks : "
                                       "!llvm.ptr<3>, i32, i32"}}),
                    {underWay}));
  // The phase ends after four of the five boxes.
  EXPECT_TRUE(holds(getError({{"bytes", "4096"}}), {underWay}));
  // Only the first warp waits.
  EXPECT_TRUE(holds(getError({{"wait", std::string("%i32w = arith.constant 32 : index\n"
                                                   "%isw = arith.cmpi ult, %t, %i32w : index\n"
                                                   "scf.if %isw {\n") +
                                           kWait + "\n}"},
                              {"barrier", "gpu.barrier"}}),
                    {"where a copy of a box is under way"}));
}

TEST(EmulatedWarpgroup, ReportsDeadlocks) {
  // The boxes have 64 bytes less than the barrier expects.
  EXPECT_TRUE(
      holds(getError({{"bytes", "5184"}}), {"waits for phase 0 of the mbarrier at byte"}));
  EXPECT_TRUE(holds(getError({{"bytes", "5184"}}), {"lacks 0 arrivals and 64 bytes"}));
  // Nothing ends the second phase.
  EXPECT_TRUE(
      holds(getError({{"wait", std::string(kWait) +
                                   "\nnvvm.mbarrier.try_wait.parity %bar, %c1, %ticks : "
                                   "!llvm.ptr<3>, i32, i32"}}),
            {"lacks 1 arrivals and 0 bytes"}));
}

TEST(EmulatedWarpgroup, ReportsCopiesToWhatProductsRead) {
  // The copying thread does not know whether the products that read there have ended.
  EXPECT_TRUE(holds(
      getError({{"more", std::string(kWait) +
                             "\nnvvm.mbarrier.arrive.expect_tx %bar, %bytes : !llvm.ptr<3>, "
                             "i32\n"
                             "nvvm.cp.async.bulk.tensor.shared.cluster.global %a0, %map, "
                             "%bar, box [%c0, %c0] : !llvm.ptr<7>, !llvm.ptr"}}),
      {"and is not ordered after that product", "which a product under way reads",
       "where a copy of a box is under way"}));
  // Two copies to the same place, by one thread.
  EXPECT_TRUE(
      holds(getError({{"more", "nvvm.cp.async.bulk.tensor.shared.cluster.global %a0, %map, "
                               "%bar, box [%c0, %c0] : !llvm.ptr<7>, !llvm.ptr"}}),
            {"where a copy of a box is under way"}));
  EXPECT_TRUE(
      holds(getError({{"more", "nvvm.cp.async.bulk.tensor.shared.cluster.global %odd, %map, "
                               "%bar, box [%c0, %c0] : !llvm.ptr<7>, !llvm.ptr"},
                      {"barrier", "gpu.barrier\n%b64 = arith.constant 64 : i64\n"
                                  "%oddaddr = arith.addi %base, %b64 : i64\n"
                                  "%odd = llvm.inttoptr %oddaddr : i64 to !llvm.ptr<7>"}}),
            {"an address that is no multiple of 128"}));
}

TEST(EmulatedWarpgroup, SumsAreThereAfterTheWait) {
  // After a wait that does not return the sums, they are NaN.
  std::vector<float> y =
      runEmulated(makeProduct({{"finish", "nvvm.wgmma.wait.group.sync.aligned 0"},
                               {"stores", makeStores("%s2")}}),
                  kInput, 1024);
  ASSERT_EQ(y.size(), 1024u);
  EXPECT_TRUE(llvm::all_of(y, [](float value) { return value != value; }));
  // So they are after a wait that leaves this group pending.
  y = runEmulated(
      makeProduct({{"finish", "%s = cnn.wgmma_wait %s2 pending(1) : !llvm.struct<(f32, f32, "
                              "f32, f32, f32, f32, f32, f32)>\n"
                              "nvvm.wgmma.wait.group.sync.aligned 0"}}),
      kInput, 1024);
  ASSERT_EQ(y.size(), 1024u);
  EXPECT_TRUE(llvm::all_of(y, [](float value) { return value != value; }));
}

TEST(EmulatedWarpgroup, ReportsProductsThatAreNotFinished) {
  EXPECT_TRUE(
      holds(getError({{"finish", "%s = llvm.mlir.undef : !llvm.struct<(f32, f32, f32, f32, "
                                 "f32, f32, f32, f32)>"}}),
            {"ends while 2 products are under way"}));
  EXPECT_TRUE(holds(getError({{"wgmmafence", ""}}), {"without a wgmma.fence"}));
  // A group has four warps, but one of them does not take part.
  EXPECT_TRUE(holds(getError({{"barrier", "gpu.barrier\n%i96 = arith.constant 96 : index"},
                              {"wgmmafence", "nvvm.wgmma.fence.aligned\n"
                                             "%less = arith.cmpi ult, %t, %i96 : index\n"
                                             "scf.if %less {"},
                              {"second", std::string(kSecond) + "\n" +
                                             "nvvm.wgmma.commit.group.sync.aligned\n"
                                             "nvvm.wgmma.wait.group.sync.aligned 0\n}"},
                              {"finish", ""},
                              {"stores", ""}}),
                    {"warps 0 and 3 of a group take part in 2 and 0 products"}));
}

/// A product of f16 matrices that the threads themselves write to shared memory. Rows have 32
/// bytes, in two pieces of 16; in the second half of each 256 bytes, the swizzle exchanges the
/// two pieces.
static EmulatedKernel makeHalfProduct(const std::string &fence) {
  const char *write = R"mlir(
    %halves = memref.view %mem[%offset][] : memref<8192xi8, #shared> to memref<1280xf16, #shared>
    %c80 = arith.constant 80 : index
    %one = arith.constant 1 : index
    %eight = arith.constant 8 : index
    %sixteen = arith.constant 16 : index
    %fourr = arith.constant 4 : index
    %twor = arith.constant 2 : index
    %writes = arith.cmpi ult, %t, %c80 : index
    scf.if %writes {
      scf.for %k = %i0 to %sixteen step %one {
        %rowat = arith.muli %t, %sixteen : index
        %from = arith.addi %rowat, %k : index
        %value = memref.load %x[%from] : memref<1280xf32>
        %half = arith.truncf %value : f32 to f16
        %quarter = arith.divui %t, %fourr : index
        %bit = arith.remui %quarter, %twor : index
        %shift = arith.muli %bit, %eight : index
        %kk = arith.xori %k, %shift : index
        %to = arith.addi %rowat, %kk : index
        memref.store %half, %halves[%to] : memref<1280xf16, #shared>
      }
      $fence
    }
    gpu.barrier
)mlir";
  std::string text = ")";
  text += kBegin;
  text += "    %gap = arith.subi %base, %start64 : i64\n"
          "    %offset = arith.index_cast %gap : i64 to index\n";
  text += write;
  text += kMultiply;
  Parts parts = {{"bytes", "0"},
                 {"fence", fence},
                 {"fields", "0xc000001000010000"},
                 {"wait", ""},
                 {"wgmmafence", "nvvm.wgmma.fence.aligned"},
                 {"k", "16"},
                 {"type", "f16"},
                 {"second", ""},
                 {"finish",
                  "%s = cnn.wgmma_wait %s1 pending(0) : !llvm.struct<(f32, f32, f32, "
                  "f32, f32, f32, f32, f32)>"},
                 {"stores", makeStores("%s")}};
  size_t at = text.find("arith.constant 4096");
  text.replace(at, 19, "arith.constant 2048");
  return {fill(text, parts), {1, 1, 1}, {128, 1, 1}};
}

TEST(EmulatedWarpgroup, MultipliesHalves) {
  const char *fence = "nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = "
                      "#nvvm.shared_space<cta>}";
  EXPECT_EQ(runEmulated(makeHalfProduct(fence), kInput, 1024), multiply(kInput, 64, 16));
  std::string error;
  EXPECT_TRUE(runEmulated({makeHalfProduct("")}, kInput, 1024, 1, &error).empty());
  EXPECT_TRUE(holds(error, {"without a fence.proxy.async"}));
}

/// Copies a box with steps that begins outside of the buffer; then each thread reads one
/// number of the box.
static EmulatedKernel makeBox(const std::string &wait) {
  const char *read = R"mlir(
    %cm2 = arith.constant -2 : i32
    %cm1 = arith.constant -1 : i32
    scf.if %isfirst {
      nvvm.mbarrier.arrive.expect_tx %bar, %bytes : !llvm.ptr<3>, i32
      %to = llvm.inttoptr %base : i64 to !llvm.ptr<7>
      nvvm.cp.async.bulk.tensor.shared.cluster.global %to, %map, %bar, box [%c0, %cm1, %cm2, %c1] : !llvm.ptr<7>, !llvm.ptr
    }
    $wait
    %gap = arith.subi %base, %start64 : i64
    %offset = arith.index_cast %gap : i64 to index
    %floats = memref.view %mem[%offset][] : memref<8192xi8, #shared> to memref<192xf32, #shared>
    %v = memref.load %floats[%t] : memref<192xf32, #shared>
    memref.store %v, %y[%t] : memref<192xf32>
    gpu.return
  })mlir";
  std::string text = ", %map: !llvm.ptr)";
  for (const char *piece : {kBegin, kMakeBarrier, read})
    text += piece;
  return {
      fill(text,
           {{"bytes", "768"}, {"fence", kFence}, {"barrier", "gpu.barrier"}, {"wait", wait}}),
      {1, 1, 1},
      {192, 1, 1},
      "{sizes = array<i64: 16, 5, 3, 2>, box = array<i64: 16, 4, 3, 1>, "
      "steps = array<i64: 1, 2, 1, 1>, swizzle = 64 : i64}"};
}

TEST(EmulatedWarpgroup, CopiesBoxesWithSteps) {
  std::vector<float> x = makeIntegers(16 * 5 * 3 * 2), expected(192, 0.0f);
  for (int h = 0; h < 3; ++h)
    for (int w = 0; w < 4; ++w)
      for (int k = 0; k < 16; ++k) {
        int row = h * 4 + w, column = -1 + 2 * w, line = -2 + h;
        // Two bits of the row's number permute its four pieces of four floats.
        int at = row * 16 + ((k / 4) ^ (row / 2 % 4)) * 4 + k % 4;
        if (column >= 0 && column < 5 && line >= 0 && line < 3)
          expected[at] = x[((1 * 3 + line) * 5 + column) * 16 + k];
      }
  EXPECT_EQ(runEmulated(makeBox(kWait), x, 192), expected);
  std::string error;
  EXPECT_TRUE(runEmulated({makeBox("")}, x, 192, 1, &error).empty());
  EXPECT_TRUE(holds(error, {"where a copy of a box is under way", "since the last barrier"}));
  // Only threads of the first and the last warp wait. The other threads cannot know that the
  // data is there.
  EXPECT_TRUE(runEmulated({makeBox(std::string("scf.if %isfirst {\n") + kWait +
                                   "\n}\n%i160 = arith.constant 160 : index\n"
                                   "%isfar = arith.cmpi uge, %t, %i160 : index\n"
                                   "scf.if %isfar {\n" +
                                   kWait + "\n}")},
                          x, 192, 1, &error)
                  .empty());
  EXPECT_TRUE(
      holds(error, {"did not wait for the mbarrier", "where a copy of a box is under way"}));
}
