//===- WeightsObjectTest.cpp - Weights in an object file ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Target/WeightsObject.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Object/ELFObjectFile.h"
#include "gtest/gtest.h"

using namespace convoy;

namespace {
class WeightsObject : public testing::Test {
protected:
  mlir::Attribute makeEntry(int64_t offset, mlir::ElementsAttr value) {
    return builder.getDictionaryAttr(
        {builder.getNamedAttr("offset", builder.getI64IntegerAttr(offset)),
         builder.getNamedAttr("value", value)});
  }
  llvm::Error write(llvm::StringRef triple, llvm::ArrayRef<mlir::Attribute> entries,
                    int64_t size) {
    llvm::raw_string_ostream os(object);
    return writeWeightsObject(os, llvm::Triple(triple), builder.getArrayAttr(entries), size);
  }

  mlir::MLIRContext context;
  mlir::Builder builder{&context};
  std::string object;
};
} // namespace

TEST_F(WeightsObject, HoldsEveryKindOfElements) {
  auto floats = mlir::RankedTensorType::get({3}, builder.getF32Type());
  auto bools = mlir::RankedTensorType::get({2, 2}, builder.getI1Type());
  float blob[] = {4, 5, 6};
  auto resource = mlir::DenseResourceElementsAttr::get(
      floats, "w", mlir::UnmanagedAsmResourceBlob::allocateInferAlign<float>(blob));
  ASSERT_FALSE(bool(write(
      "aarch64-linux-gnu",
      {makeEntry(128, resource), makeEntry(0, mlir::DenseElementsAttr::get(floats, 2.5f)),
       makeEntry(64, mlir::DenseElementsAttr::get(floats, llvm::ArrayRef<float>{1, 2, 3})),
       makeEntry(192, mlir::DenseElementsAttr::get(bools, {true, false, false, true})),
       makeEntry(196, mlir::DenseElementsAttr::get(bools, true))},
      256)));

  auto file =
      llvm::object::ObjectFile::createELFObjectFile(llvm::MemoryBufferRef(object, "weights"));
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  EXPECT_EQ((*file)->getArch(), llvm::Triple::aarch64);
  bool isFound = false;
  for (const llvm::object::ELFSymbolRef symbol : (*file)->symbols()) {
    EXPECT_EQ(llvm::cantFail(symbol.getName()), "convoy_weights");
    EXPECT_EQ(symbol.getSize(), 256u);
    EXPECT_EQ(symbol.getOther(), llvm::ELF::STV_HIDDEN);
    llvm::object::ELFSectionRef section(*llvm::cantFail(symbol.getSection()));
    EXPECT_EQ(llvm::cantFail(section.getName()), ".convoy.weights");
    EXPECT_EQ(section.getFlags(), uint64_t(llvm::ELF::SHF_ALLOC));
    EXPECT_GE(section.getAlignment().value(), 64u);
    llvm::StringRef content = llvm::cantFail(section.getContents());
    std::string expected(256, '\0');
    float values[] = {2.5, 2.5, 2.5};
    std::memcpy(&expected[0], values, 12);
    float more[] = {1, 2, 3};
    std::memcpy(&expected[64], more, 12);
    std::memcpy(&expected[128], blob, 12);
    expected[192] = expected[195] = 1;
    expected[196] = expected[197] = expected[198] = expected[199] = 1;
    EXPECT_EQ(content, expected);
    isFound = true;
  }
  EXPECT_TRUE(isFound);
}

TEST_F(WeightsObject, RefusesOverlapAndOverflow) {
  auto type = mlir::RankedTensorType::get({4}, builder.getF32Type());
  auto value = mlir::DenseElementsAttr::get(type, 1.0f);
  const char *message = "entries of 'cnn.weights' overlap or exceed 'cnn.weights_size'";
  EXPECT_EQ(llvm::toString(
                write("x86_64-linux-gnu", {makeEntry(0, value), makeEntry(12, value)}, 64)),
            message);
  EXPECT_EQ(llvm::toString(write("x86_64-linux-gnu", {makeEntry(56, value)}, 64)), message);
  EXPECT_EQ(llvm::toString(write("x86_64-linux-gnu", {makeEntry(-8, value)}, 64)), message);
}

TEST_F(WeightsObject, RefusesOtherMachines) {
  EXPECT_EQ(llvm::toString(write("riscv64-linux-gnu", {}, 0)),
            "weights cannot be written for riscv64-linux-gnu");
}
