//===- IRDump.cpp - One file for each pass that changed the IR ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "IRDump.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

#include <chrono>
#include <map>

using namespace mlir;

namespace {

using Clock = std::chrono::steady_clock;
using OpCounts = std::map<std::string, int64_t>;

class IRDump : public PassInstrumentation {
public:
  IRDump(StringRef folder, std::unique_ptr<llvm::raw_fd_ostream> index)
      : folder(folder), index(std::move(index)) {}

  void runBeforePass(Pass *pass, Operation *op) override {
    // A pass without a name is an adaptor, which only runs other passes.
    if (pass->getArgument().empty())
      return;
    ModuleOp module = getModule(op);
    hash = llvm::xxh3_64bits(print(module));
    counts = count(module);
    start = Clock::now();
  }

  void runAfterPass(Pass *pass, Operation *op) override {
    if (pass->getArgument().empty())
      return;
    double milliseconds =
        std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    ModuleOp module = getModule(op);
    std::string text = print(module);
    ++number;
    *index << llvm::format("%03d  %-40s %9.2f ms", number, pass->getArgument().str().c_str(),
                           milliseconds);
    if (llvm::xxh3_64bits(text) == hash) {
      *index << "  unchanged\n";
      return;
    }
    OpCounts now = count(module);
    for (auto &entry : counts)
      now.try_emplace(entry.first, 0);
    bool any = false;
    for (auto &[name, value] : now)
      if (int64_t change = value - counts[name]) {
        *index << (any ? ", " : "  ") << llvm::format("%+lld ", (long long)change) << name;
        any = true;
      }
    *index << (any ? "\n" : "  changed in place\n");
    index->flush();

    SmallString<128> path(folder);
    llvm::sys::path::append(
        path, llvm::formatv("{0,3:D3}-{1}.mlir", number, pass->getArgument()).str());
    std::error_code error;
    llvm::raw_fd_ostream file(path, error);
    if (error)
      emitWarning(module.getLoc()) << "cannot write " << path << ": " << error.message();
    else
      file << text;
  }

private:
  static ModuleOp getModule(Operation *op) {
    if (auto module = dyn_cast<ModuleOp>(op))
      return module;
    return op->getParentOfType<ModuleOp>();
  }
  static std::string print(ModuleOp module) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    OpPrintingFlags flags;
    flags.elideLargeElementsAttrs(16).elideLargeResourceString(64);
    module->print(stream, flags);
    stream << '\n';
    return text;
  }
  static OpCounts count(ModuleOp module) {
    OpCounts counts;
    module->walk([&](Operation *op) { ++counts[op->getName().getStringRef().str()]; });
    return counts;
  }

  std::string folder;
  std::unique_ptr<llvm::raw_fd_ostream> index;
  uint64_t hash = 0;
  OpCounts counts;
  Clock::time_point start;
  int number = 0;
};

} // namespace

llvm::Expected<std::unique_ptr<PassInstrumentation>>
convoy::makeIRDump(llvm::StringRef folder) {
  if (std::error_code error = llvm::sys::fs::create_directories(folder))
    return llvm::createStringError(error, "cannot make the folder " + folder + ": " +
                                              error.message());
  SmallString<128> path(folder);
  llvm::sys::path::append(path, "index.txt");
  std::error_code error;
  auto index = std::make_unique<llvm::raw_fd_ostream>(path, error);
  if (error)
    return llvm::createStringError(error, "cannot write " + path + ": " + error.message());
  return std::make_unique<IRDump>(folder, std::move(index));
}
