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
    State &state = states[module];
    if (OperationFingerPrint now(module); state.fingerPrint != now)
      state = {now, llvm::xxh3_64bits(print(module)), count(module)};
    start = Clock::now();
  }

  void runAfterPass(Pass *pass, Operation *op) override {
    if (pass->getArgument().empty())
      return;
    double milliseconds =
        std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    ModuleOp module = getModule(op);
    ++number;
    *index << llvm::format("%03d  %-40s %9.2f ms", number, pass->getArgument().str().c_str(),
                           milliseconds);
    // Printing is slow, so there is no text of a module that cannot have changed.
    State old = std::move(states[module]);
    OperationFingerPrint now(module);
    std::string text = old.fingerPrint == now ? "" : print(module);
    uint64_t hash = text.empty() ? old.hash : llvm::xxh3_64bits(text);
    if (hash == old.hash) {
      states[module] = {now, hash, std::move(old.counts)};
      *index << "  unchanged\n";
      return;
    }
    OpCounts counts = count(module);
    states[module] = {now, hash, counts};
    printChanges(old.counts, counts);
    write(module, pass, text);
  }

private:
  /// Ends the pass's line of the index with the numbers of operations that changed.
  void printChanges(const OpCounts &before, const OpCounts &after) {
    OpCounts changes = after;
    for (const auto &[name, value] : before)
      changes[name] -= value;
    bool any = false;
    for (const auto &[name, change] : changes)
      if (change) {
        *index << (any ? ", " : "  ") << llvm::format("%+lld ", (long long)change) << name;
        any = true;
      }
    *index << (any ? "\n" : "  changed in place\n");
    index->flush();
  }

  void write(ModuleOp module, Pass *pass, StringRef text) {
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
  /// What a module was after the last pass on it.
  struct State {
    std::optional<OperationFingerPrint> fingerPrint;
    uint64_t hash = 0; ///< of its text
    OpCounts counts;
  };
  std::map<Operation *, State> states;
  Clock::time_point start;
  int number = 0;
};

} // namespace

/// Removes the files of an older dump, which would be taken for files of this one.
static std::error_code removeDump(StringRef folder) {
  std::error_code error;
  SmallVector<std::string> files;
  for (llvm::sys::fs::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    StringRef name = llvm::sys::path::filename(it->path());
    if (name.ends_with(".mlir") && name.find_first_not_of("0123456789") == 3 && name[3] == '-')
      files.push_back(it->path());
  }
  for (const std::string &file : files)
    if (!error)
      error = llvm::sys::fs::remove(file);
  return error;
}

llvm::Expected<std::unique_ptr<PassInstrumentation>>
convoy::makeIRDump(llvm::StringRef folder) {
  if (std::error_code error = llvm::sys::fs::create_directories(folder))
    return llvm::createStringError(error, "cannot make the folder " + folder + ": " +
                                              error.message());
  SmallString<128> path(folder);
  llvm::sys::path::append(path, "index.txt");
  std::error_code error;
  if (llvm::sys::fs::exists(path) && (error = removeDump(folder)))
    return llvm::createStringError(error, "cannot remove the older dump in " + folder + ": " +
                                              error.message());
  auto index = std::make_unique<llvm::raw_fd_ostream>(path, error);
  if (error)
    return llvm::createStringError(error, "cannot write " + path + ": " + error.message());
  return std::make_unique<IRDump>(folder, std::move(index));
}
