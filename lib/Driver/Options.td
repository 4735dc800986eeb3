//===- Options.td - Options of the convoy commands ---------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "llvm/Option/OptParser.td"

// A command sees the options that are visible to it.
def CompileCommand : OptionVisibility;
def RunCommand : OptionVisibility;
def BenchCommand : OptionVisibility;
def CheckCommand : OptionVisibility;
def InspectCommand : OptionVisibility;

defvar everywhere = [CompileCommand, RunCommand, BenchCommand, CheckCommand, InspectCommand];
defvar running = [RunCommand, BenchCommand, CheckCommand];
defvar compiling = [CompileCommand, RunCommand, BenchCommand, CheckCommand];

// --name=VALUE or --name VALUE. One dash is enough, as for other compilers.
multiclass Value<string name, string meta, string help, list<OptionVisibility> commands> {
  def NAME : Joined<["--", "-"], name # "=">, MetaVarName<meta>, HelpText<help>,
             Visibility<commands>;
  def NAME # _separate : Separate<["--", "-"], name>, Alias<!cast<Option>(NAME)>,
                         Visibility<commands>;
}

class Switch<string name, string help, list<OptionVisibility> commands>
    : Flag<["--", "-"], name>, HelpText<help>, Visibility<commands>;

//===----------------------------------------------------------------------===//
// compile
//===----------------------------------------------------------------------===//

def o : Separate<["-"], "o">, MetaVarName<"OUT">, Visibility<[CompileCommand]>,
        HelpText<"file to write; - is the standard output, for text">;
def o_joined : Joined<["-"], "o=">, Alias<o>, Visibility<[CompileCommand]>;

defm emit : Value<"emit", "KIND",
  "lib (a shared library, the default), obj, exe (a program\n"
  "that reads and writes .npy files), asm, llvm-ir, or mlir\n"
  "(the kernels before they become LLVM IR)", [CompileCommand]>;

defm mtriple : Value<"mtriple", "TRIPLE",
  "x86_64-linux-gnu or aarch64-linux-gnu (default: this machine)", [CompileCommand]>;

defm stop_after : Value<"stop-after", "PHASE",
  "write the IR after import, simplify, partition, schedule,\n"
  "bufferize, codegen or target", [CompileCommand]>;

def elide_weights : Switch<"elide-weights",
  "leave weights out of printed IR (always so on the\n"
  "standard output)", [CompileCommand]>;

def print_locations : Switch<"print-locations",
  "print the ONNX nodes' names as locations of the IR", [CompileCommand]>;

defm dump_ir : Value<"dump-ir", "DIR",
  "write the IR after each pass that changed it into DIR,\n"
  "without weights, and an index.txt", [CompileCommand]>;

def tune : Flag<["--", "-"], "tune">, Visibility<[CompileCommand]>,
  HelpText<"choose how convolutions are computed by timing them on\n"
           "this machine; times are kept for later compilations">;
def tune_seconds : Joined<["--", "-"], "tune=">, MetaVarName<"SECONDS">,
  Visibility<[CompileCommand]>,
  HelpText<"the same in about SECONDS (--tune: 120); 0 uses what was\n"
           "timed before">;

def time_passes : Switch<"time-passes", "print the time of each pass on stderr",
                         [CompileCommand]>;

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
  "(default: 1e-4)", [CheckCommand]>;

defm atol : Value<"atol", "A", "default: 1e-5", [CheckCommand]>;

//===----------------------------------------------------------------------===//
// Several commands
//===----------------------------------------------------------------------===//

def json : Switch<"json", "print JSON, with exact numbers", [BenchCommand, InspectCommand]>;

defm onnx_out : Value<"onnx-out", "FILE",
  "with --devices: write the model with ONNX's annotations of\n"
  "how devices share it", [InspectCommand]>;

defm svg : Value<"svg", "FILE",
  "with --devices: draw the devices' columns and what crosses\n"
  "between them", [InspectCommand]>;

defm target : Value<"target", "NAME",
  "what runs the model: cpu (the default), cuda (NVIDIA GPUs),\n"
  "or cuda-emulator (the kernels of a GPU on this CPU, slowly,\n"
  "to test them)", everywhere>;

defm gpu_arch : Value<"gpu-arch", "sm_80,sm_90",
  "GPUs that get machine code (the default); later ones\n"
  "compile the last one's PTX when the model is loaded;\n"
  "sm_90a is code for compute capability 9.0 alone", everywhere>;

defm precision : Value<"precision", "NAME",
  "what convolutions and dense layers multiply on a GPU: f32\n"
  "(the default), tf32 or f16; they add in f32. f16 is what\n"
  "weights and data are in memory, too", everywhere>;

defm mcpu : Value<"mcpu", "CPU",
  "processor to compile for: native (the default),\n"
  "x86-64-v3 (AVX2), x86-64-v4 (AVX-512), ...", compiling>;

defm conv_algorithm : Value<"conv-algorithm", "NAME",
  "compute each convolution that allows it by direct,\n"
  "winograd_2x2, winograd_4x4 or winograd_4x4_compact\n"
  "instead of what the cost model chooses", everywhere>;

defm weights : Value<"weights", "TYPE",
  "store weights of convolutions and dense layers as f32\n"
  "(the default), f16 or bf16; computation stays f32", compiling>;

defm devices : Value<"devices", "N",
  "share the network between N devices (default: 1)", everywhere>;

defm strategy : Value<"strategy", "NAME",
  "how devices share it: auto (the least estimated time, the\n"
  "default), group (groups and output channels), batch, rows\n"
  "(of pictures), or none", everywhere>;

defm link : Value<"link", "BANDWIDTH,LATENCY",
  "what connects the devices, such as 10GB/s,2us (the\n"
  "default)", everywhere>;

defm shape : Value<"shape", "[NAME=]1x3x224x224",
  "shape of an input whose dimensions the model leaves\n"
  "open; once for each input", everywhere>;

def v : Flag<["-"], "v">, Visibility<everywhere>,
        HelpText<"print phases and remarks, such as what could not be\n"
                 "folded, on stderr">;

def help : Switch<"help", "show this text", everywhere>;
def h : Flag<["-"], "h">, Alias<help>, Visibility<everywhere>;
