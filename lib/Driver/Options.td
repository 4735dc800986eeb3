//===- Options.td - Options of the convoy commands ---------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "convoy/Compiler/CompileOptions.td"

//===----------------------------------------------------------------------===//
// compile
//===----------------------------------------------------------------------===//

def o : Separate<["-"], "o">, MetaVarName<"OUT">, Visibility<[CompileCommand]>,
        HelpText<"file to write; - is the standard output, for text">;
def o_joined : Joined<["-"], "o=">, Alias<o>, Visibility<[CompileCommand]>;

def tune : Flag<["--", "-"], "tune">, Visibility<[CompileCommand]>,
  HelpText<"choose how convolutions are computed by timing them on\n"
           "this machine; times are kept for later compilations">;
def tune_seconds : Joined<["--", "-"], "tune=">, MetaVarName<"SECONDS">,
  Visibility<[CompileCommand]>,
  HelpText<"the same in about SECONDS (--tune: 120); 0 uses what was\n"
           "timed before">;

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

defm input : Value<"input", "[NAME=]FILE",
  "a .npy file, or a .pb file of ONNX test data, for an\n"
  "input; NAME may be left out if there is one input", running>;

defm transport : Value<"transport", "NAME",
  "how devices that share the model reach each other:\n"
  "threads of this process (the default), or mpi, where\n"
  "mpirun starts a process for each", [RunCommand, BenchCommand]>;

defm random_inputs : Value<"random-inputs", "SEED",
  "draw inputs that have no file: normally distributed,\n"
  "the same for each SEED", running>;

defm threads : Value<"threads", "N",
  "threads of the CPU that run the model, for compile with\n"
  "--tune (default: one for each core)", !listconcat([CompileCommand], running)>;

defm device : Value<"device", "cuda:N",
  "the NVIDIA GPU that runs the model (default: cuda:0 where\n"
  "it was compiled for GPUs); compiles a MODEL.onnx with\n"
  "--target=cuda", running>;

defm output : Value<"output", "[NAME=]FILE.npy",
  "write an output; NAME may be left out if there is\n"
  "one output", [RunCommand]>;

defm runs : Value<"runs", "N",
  "how many runs to time (default: as many as fit into\n"
  "--seconds)", [BenchCommand]>;

defm seconds : Value<"seconds", "S", "how long to time (default: 2)", [BenchCommand]>;

defm warmup : Value<"warmup", "N", "runs before the timed ones (default: 3)", [BenchCommand]>;

def profile : Switch<"profile",
  "time each layer too, the median of further runs; with a MODEL.onnx\n"
  "also its GFLOP/s (a multiply-add is two) and percent of\n"
  "the measured multiply-add peak", [BenchCommand]>;

defm expect : Value<"expect", "[NAME=]FILE",
  "the right values of an output, .npy or .pb", [CheckCommand]>;

defm rtol : Value<"rtol", "R",
  "an element may be off by A + R * |right value|\n"
  "(default: 1e-4; for f16 2e-3, for bf16 1.6e-2)", [CheckCommand]>;

defm atol : Value<"atol", "A",
  "(default: 1e-5, or 1e-5 times the largest right value of\n"
  "the output if that is above 1)", [CheckCommand]>;

//===----------------------------------------------------------------------===//
// Several commands
//===----------------------------------------------------------------------===//

def json : Switch<"json", "print JSON, with exact numbers",
                  [BenchCommand, InspectCommand, OperatorsCommand]>;

def markdown : Switch<"markdown", "print the page docs/operators.md", [OperatorsCommand]>;

defm onnx_out : Value<"onnx-out", "FILE",
  "with --devices: write the model with ONNX's annotations of\n"
  "how devices share it", [InspectCommand]>;

defm svg : Value<"svg", "FILE",
  "with --devices: draw the devices' columns and what crosses\n"
  "between them", [InspectCommand]>;

def v : Flag<["-"], "v">, Visibility<everywhere>,
        HelpText<"print phases and remarks, such as what could not be\n"
                 "folded, on stderr">;

defvar allCommands = !listconcat(everywhere, [OperatorsCommand]);
def help : Switch<"help", "show this text", allCommands>;
def h : Flag<["-"], "h">, Alias<help>, Visibility<allCommands>;
