//===- Driver.cpp - The command line of Convoy ----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Driver/Driver.h"

#include "Arguments.h"
#include "Diagnostics.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/raw_ostream.h"

using namespace convoy;
using namespace convoy::driver;
using llvm::StringRef;

static const Command kCommands[] = {
    {"compile", CompileCommand, "turn an ONNX model into a native library, object or program",
     "MODEL.onnx -o OUT [options]", "MODEL.onnx",
     "Compiles an ONNX model into native code that needs nothing but the C library.",
     "resnet50.onnx -o resnet50.so\n"
     "detector.onnx -o detector.so --shape image=1x3x320x320\n"
     "resnet50.onnx --stop-after=simplify",
     compileCommand},
    {"run", RunCommand, "run a compiled model, or an ONNX model, on .npy files",
     "ARTEFACT|MODEL.onnx [options]", "ARTEFACT or MODEL.onnx",
     "Runs a compiled model once. A MODEL.onnx is compiled first, into a cache\n"
     "($CONVOY_CACHE_DIR, by default ~/.cache/convoy). Without --output, prints a summary of\n"
     "each output.",
     "resnet50.so --input picture.npy\n"
     "detector.so --input image=picture.npy --output boxes=boxes.npy\n"
     "resnet50.onnx --random-inputs 1 --threads 4",
     runCommand},
    {"bench", BenchCommand, "time a model, as a whole or layer by layer",
     "ARTEFACT|MODEL.onnx [options]", "ARTEFACT or MODEL.onnx",
     "Times a model on random or given inputs. A MODEL.onnx is compiled first, into a cache\n"
     "($CONVOY_CACHE_DIR, by default ~/.cache/convoy).",
     "resnet50.so --threads 1\n"
     "resnet50.onnx --profile",
     benchCommand},
    {"check", CheckCommand, "run a model and compare its outputs with expected ones",
     "MODEL.onnx --input FILE.. --expect FILE.. [options]", "MODEL.onnx or ARTEFACT",
     "Compiles a model, runs it and compares its outputs with expected ones. The exit code\n"
     "is 1 if they differ.",
     "resnet50.onnx --input input_0.pb --expect output_0.pb", checkCommand},
    {"inspect", InspectCommand, "list a model's layers with shapes, receptive fields and cost",
     "MODEL.onnx [options]", "MODEL.onnx",
     "Lists a model's layers: output shape, receptive field and its stride in pixels of the\n"
     "input, parameters, multiply-adds (MACs), and bytes of output and weights.",
     "resnet50.onnx\n"
     "detector.onnx --shape image=1x3x320x320 --json",
     inspectCommand},
    {"operators", OperatorsCommand, "list the ONNX operators that can be compiled",
     "[options]", "",
     "Lists the ONNX operators that can be compiled: for which opsets, with how many inputs\n"
     "of which types, and with which limits.",
     "--markdown", operatorsCommand},
};

static void printHelp() {
  llvm::raw_ostream &os = llvm::outs();
  os << "usage: convoy COMMAND ...\n\n"
        "Compiles convolutional networks in ONNX to native code.\n\ncommands:\n";
  for (const Command &command : kCommands)
    (os << "  " << command.name).indent(11 - command.name.size()) << command.summary << '\n';
  os << "\nconvoy COMMAND --help explains a command; convoy --version prints versions.\n\n"
        "example:\n"
        "  convoy compile model.onnx -o model.so\n"
        "  convoy run model.so --input picture.npy\n\n"
        "exit codes: 0 fine, 1 an input is at fault, 2 wrong usage\n";
}

static int runCommandLine(llvm::ArrayRef<const char *> words) {
  if (words.empty()) {
    printError("no command given: compile, run, bench, check, inspect or operators (see "
               "convoy --help)");
    return kUsageError;
  }
  StringRef name = words.front();
  bool asksForHelp = llvm::is_contained({"--help", "-h", "-help", "help"}, name);
  if (asksForHelp && words.size() == 1) {
    printHelp();
    return kDone;
  }
  // `help COMMAND` is `COMMAND --help`.
  static constexpr const char *help[] = {"--help"};
  if (asksForHelp) {
    name = words[1];
    words = help;
  } else {
    words = words.drop_front();
  }
  if (name == "--version" || name == "-version") {
    llvm::outs() << "convoy " CONVOY_VERSION " (LLVM " LLVM_VERSION_STRING ")\n";
    return kDone;
  }
  const Command *command =
      llvm::find_if(kCommands, [&](const Command &c) { return c.name == name; });
  if (command == std::end(kCommands)) {
    const Command *nearest =
        llvm::min_element(kCommands, [&](const Command &a, const Command &b) {
          return a.name.edit_distance(name) < b.name.edit_distance(name);
        });
    bool isNear = nearest->name.edit_distance(name) < 3;
    printError("unknown command '" + name + "'" +
               (isNear ? "; did you mean '" + nearest->name + "'?" : "") +
               " (see convoy --help)");
    return kUsageError;
  }
  Arguments arguments(*command, words);
  return command->run(arguments);
}

int convoy::runDriver(int argc, char **argv) {
  installFatalErrorHandlers();
  int code = runCommandLine(llvm::ArrayRef<const char *>(argv, argc).drop_front(argc > 0));
  llvm::outs().flush();
  // If the error stayed, the stream's destructor would end the program with LLVM's message.
  if (std::error_code error = llvm::outs().error()) {
    llvm::outs().clear_error();
    printError("standard output: " + error.message());
    return kInputError;
  }
  return code;
}
