//===- NpyTest.cpp - Tensors in .npy files --------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Runtime/Npy.h"

#include "convoy/Runtime/OutputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

#include <vector>

using namespace convoy;

namespace {
class Npy : public testing::Test {
protected:
  void SetUp() override {
    llvm::SmallString<128> name;
    ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("convoy", "npy", name));
    path = std::string(name);
  }
  void TearDown() override { llvm::sys::fs::remove(path); }

  void write(llvm::StringRef content) {
    llvm::Error error = writeOutputFile(path, [&](llvm::raw_ostream &os) {
      os << content;
      return llvm::Error::success();
    });
    ASSERT_FALSE(bool(error));
  }
  /// Writes a file of version 1 of the format.
  void write(llvm::StringRef header, llvm::StringRef data) {
    write(("\x93NUMPY\x01" + llvm::StringRef("\0", 1) + llvm::StringRef("\x80\0", 2) + header +
           std::string(128 - header.size(), ' ') + data)
              .str());
  }
  std::string readError() {
    llvm::Expected<Tensor> tensor = readNpy(path);
    if (tensor)
      return "";
    std::string message = llvm::toString(tensor.takeError());
    EXPECT_TRUE(llvm::StringRef(message).contains(path)) << message;
    return message.substr(std::min(path.size() + 1, message.size()));
  }
  std::string path;
};
} // namespace

TEST_F(Npy, ReadsWhatItWrites) {
  for (ElementType type :
       {ElementType::F32, ElementType::F64, ElementType::F16, ElementType::BF16,
        ElementType::I8, ElementType::U8, ElementType::I16, ElementType::U16, ElementType::I32,
        ElementType::U32, ElementType::I64, ElementType::U64, ElementType::Bool})
    for (const std::vector<int64_t> &shape :
         std::vector<std::vector<int64_t>>{{}, {7}, {2, 3, 5}, {4, 0}}) {
      Tensor tensor(type, shape);
      fillRandom(tensor, 1, 0);
      ASSERT_FALSE(bool(writeNpy(path, tensor)));
      llvm::Expected<Tensor> read = readNpy(path);
      ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
      EXPECT_EQ(read->getTypeString(), tensor.getTypeString());
      EXPECT_EQ(read->getAs<char>(), tensor.getAs<char>());
    }
}

TEST_F(Npy, WritesTheBytesOfNumPy) {
  ASSERT_FALSE(bool(writeNpy(path, Tensor(ElementType::I8, {2}))));
  auto file = llvm::MemoryBuffer::getFile(path);
  ASSERT_TRUE(bool(file));
  std::string header = "{'descr': '|i1', 'fortran_order': False, 'shape': (2,), }";
  header.resize(117, ' ');
  EXPECT_EQ((*file)->getBuffer(), ("\x93NUMPY\x01" + llvm::StringRef("\0v\0", 3) + header +
                                   "\n" + llvm::StringRef("\0\0", 2))
                                      .str());
}

TEST_F(Npy, ConvertsFortranOrder) {
  write("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3), }", "adbecf");
  llvm::Expected<Tensor> read = readNpy(path);
  ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
  EXPECT_EQ(read->getTypeString(), "2x3xi8");
  EXPECT_EQ(llvm::StringRef(read->getAs<char>().data(), 6), "abcdef");
}

TEST_F(Npy, RefusesBadFiles) {
  write("not an array");
  EXPECT_EQ(readError(), "is not a .npy file");
  write("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "1234");
  EXPECT_EQ(readError(), "holds big-endian numbers, which are not supported");
  write("{'descr': '<c8', 'fortran_order': False, 'shape': (0,), }", "");
  EXPECT_EQ(readError(), "has an unsupported element type");
  write("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "1234");
  EXPECT_EQ(readError(), "is cut off");
  write("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,"
        " 8), }",
        "");
  EXPECT_EQ(readError(), "has a shape that is too large");
  write("{'descr': '<f4', 'shape': (2,), }", "12345678");
  EXPECT_EQ(readError(), "has a broken header");
  write("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "");
  EXPECT_EQ(readError(), "has a broken shape");
}

TEST_F(Npy, RefusesEveryCutOffFile) {
  ASSERT_FALSE(bool(writeNpy(path, Tensor(ElementType::F32, {3, 2}))));
  std::string whole = (*llvm::MemoryBuffer::getFile(path))->getBuffer().str();
  for (size_t size = 0; size < whole.size(); ++size) {
    write(llvm::StringRef(whole).take_front(size));
    ASSERT_NE(readError(), "") << size;
  }
}

TEST_F(Npy, ErrorsNameTheFile) {
  llvm::Expected<Tensor> missing = readNpy("/nonexistent/x.npy");
  EXPECT_EQ(llvm::toString(missing.takeError()),
            "'/nonexistent/x.npy': No such file or directory");
  EXPECT_EQ(llvm::toString(writeNpy("/nonexistent/x.npy", Tensor())),
            "'/nonexistent/x.npy': No such file or directory");
  EXPECT_EQ(llvm::toString(writeNpy("x.npy", Tensor(ElementType(99), {}))),
            "x.npy: a .npy file cannot hold unknown");
}
