//===- convoy.cpp - The command line of Convoy ----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Diagnostics.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace convoy::tool;
using llvm::StringRef;

namespace {
struct Command {
  StringRef name, summary;
  int (*run)(llvm::ArrayRef<StringRef> words);
};
} // namespace

static const Command kCommands[] = {
    {"compile", "turn an ONNX model into a native library, object or program", compileCommand},
    {"run", "run a compiled model, or an ONNX model, on .npy files", runCommand},
    {"bench", "time a model, as a whole or layer by layer", benchCommand},
    {"check", "run a model and compare its outputs with expected ones", checkCommand},
    {"inspect", "list a model's layers with shapes, receptive fields and cost", inspectCommand},
};

static void printHelp() {
  llvm::raw_ostream &os = llvm::outs();
  os << "usage: convoy COMMAND ...\n\n"
        "Compiles convolutional networks in ONNX to native code.\n\ncommands:\n";
  for (const Command &command : kCommands)
    (os << "  " << command.name).indent(10 - command.name.size()) << command.summary << '\n';
  os << "\nconvoy COMMAND --help explains a command; convoy --version prints versions.\n\n"
        "example:\n"
        "  convoy compile model.onnx -o model.so\n"
        "  convoy run model.so --input picture.npy\n\n"
        "exit codes: 0 fine, 1 an input is at fault, 2 wrong usage\n";
}

static int runMain(llvm::ArrayRef<StringRef> words) {
  if (words.empty()) {
    printError("no command given: compile, run, bench, check or inspect (see convoy --help)");
    return kUsageError;
  }
  StringRef name = words.front();
  if (name == "--help" || name == "-h" || name == "-help" || name == "help") {
    printHelp();
    return kDone;
  }
  if (name == "--version" || name == "-version") {
    llvm::outs() << "convoy " CONVOY_VERSION " (LLVM " LLVM_VERSION_STRING ")\n";
    return kDone;
  }
  const Command *command =
      llvm::find_if(kCommands, [&](const Command &c) { return c.name == name; });
  if (command == std::end(kCommands)) {
    const Command *nearest = llvm::min_element(kCommands, [&](const Command &a, const Command &b) {
      return a.name.edit_distance(name) < b.name.edit_distance(name);
    });
    bool isNear = nearest->name.edit_distance(name) < 3;
    printError("unknown command '" + name + "'" +
               (isNear ? "; did you mean '" + nearest->name + "'?" : "") + " (see convoy --help)");
    return kUsageError;
  }
  return command->run(words.drop_front());
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  installFatalErrorHandlers();
  llvm::SmallVector<StringRef> words(argv + std::min(argc, 1), argv + argc);
  int code = runMain(words);
  llvm::outs().flush();
  // The stream's destructor would end the program with LLVM's words.
  if (std::error_code error = llvm::outs().error()) {
    llvm::outs().clear_error();
    printError("standard output: " + error.message());
    return kInputError;
  }
  return code;
}
