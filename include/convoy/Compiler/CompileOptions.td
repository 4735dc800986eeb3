//===- CompileOptions.td - How a model is compiled ---------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Each option of a compilation is declared here and nowhere else: its field in
// `CompileOptions` with the default, its word on the command line with the help text, the
// commands that have it, and its effect. From these declarations are made the structure, the
// reading of options, the help of commands, the key of the cache, and the check which options
// may be given with a model that is compiled already. An option without an effect does not
// compile, nor does one whose type has no functions to parse and print it.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_COMPILER_COMPILEOPTIONS
#define CONVOY_COMPILER_COMPILEOPTIONS

include "convoy/Pipelines/Phases.td"
include "llvm/Option/OptParser.td"

//===----------------------------------------------------------------------===//
// Effects
//===----------------------------------------------------------------------===//

// The effect of an option is its group. Groups have no help text, so that the help is one
// list.
class Effect : OptionGroup<"<" # NAME # ">">;

// Describes the target. The key of the cache has the resolved `#cnn.target` instead.
def DescribesTarget : Effect;
// Changes the artefact. It is in the key of the cache.
def ChangesCode : Effect;
// Changes how another option works, and has no effect alone. It is in the key of the cache,
// but may be given with a model that is compiled already.
def RefinesAnother : Effect;
// Decides what kind of output is written. The cache has only one kind.
def ShapesOutput : Effect;
// Does not change what is written.
def Observes : Effect;

//===----------------------------------------------------------------------===//
// Commands
//===----------------------------------------------------------------------===//

// A command has the options that are visible to it.
def CompileCommand : OptionVisibility;
def RunCommand : OptionVisibility;
def BenchCommand : OptionVisibility;
def CheckCommand : OptionVisibility;
def InspectCommand : OptionVisibility;
def OperatorsCommand : OptionVisibility;

// All commands that read a model.
defvar everywhere = [CompileCommand, RunCommand, BenchCommand, CheckCommand, InspectCommand];
defvar running = [RunCommand, BenchCommand, CheckCommand];
defvar compiling = [CompileCommand, RunCommand, BenchCommand, CheckCommand];

//===----------------------------------------------------------------------===//
// Forms
//===----------------------------------------------------------------------===//

// An option `--name=VALUE` or `--name VALUE`. One dash is enough, as in other compilers.
multiclass Value<string name, string meta, string help, list<OptionVisibility> commands> {
  def NAME : Joined<["--", "-"], name # "=">, MetaVarName<meta>, HelpText<help>,
             Visibility<commands>;
  def NAME # _separate : Separate<["--", "-"], name>, Alias<!cast<Option>(NAME)>,
                         Visibility<commands>;
}

class Switch<string name, string help, list<OptionVisibility> commands>
    : Flag<["--", "-"], name>, HelpText<help>, Visibility<commands>;

// A field of `CompileOptions`: its name, its default, which also gives the type, and the
// function that parses a word.
class Field<string name, string default, Effect effect, string parser = "parseWord"> {
  code KeyPath = name;
  code DefaultValue = default;
  code Normalizer = parser;
  OptionGroup Group = effect;
}

// An option with a value that is stored in a field.
multiclass FieldValue<string name, string meta, string help, list<OptionVisibility> commands,
                      string member, string default, Effect effect,
                      string parser = "parseWord"> {
  def NAME : Joined<["--", "-"], name # "=">, MetaVarName<meta>, HelpText<help>,
             Visibility<commands>, Field<member, default, effect, parser>;
  def NAME # _separate : Separate<["--", "-"], name>, Alias<!cast<Option>(NAME)>,
                         Visibility<commands>;
}

// `words` as text, in lines of up to `width` characters.
class Lines<list<string> words, int width> {
  // The line that is being filled, and the lines before it.
  defvar state = !foldl(["", ""], words, lines, word,
      !cond(!empty(lines[0]) : [word, lines[1]],
            !gt(!add(!size(lines[0]), 1, !size(word)), width)
              : [word, lines[1] # lines[0] # "\n"],
            true : [lines[0] # " " # word, lines[1]]));
  string text = state[1] # state[0];
}

// The words of the text "a, b or c", which lists the values of an enumeration.
class Alternatives<EnumInfo choice> {
  defvar names = !foreach(enumerant, choice.enumerants, enumerant.str);
  defvar count = !size(names);
  list<string> words = !foreach(i, !range(count),
      names[i] # !cond(!eq(i, !sub(count, 1)) : "",
                       !eq(i, !sub(count, 2)) : " or",
                       true : ","));
}

//===----------------------------------------------------------------------===//
// The options, in the order in which messages list them
//===----------------------------------------------------------------------===//

defm shape : FieldValue<"shape", "[NAME=]1x3x224x224",
  "shape of an input whose dimensions the model leaves\n"
  "open; once for each input", everywhere,
  "shapes", "std::vector<InputShape>()", ChangesCode>;

defm bind : FieldValue<"bind", "NAME=FILE",
  "make an input a constant with the value in FILE (.npy, or\n"
  ".pb of ONNX test data); once for each such input", everywhere,
  "bindings", "std::vector<InputBinding>()", ChangesCode>;

defm max : FieldValue<"max", "NAME=N",
  "the largest value of an input of integers from which sizes\n"
  "are computed; a run with a larger one, or a negative one,\n"
  "fails; once for each such input", everywhere,
  "limits", "std::vector<InputLimit>()", ChangesCode>;

defm max_iterations : FieldValue<"max-iterations", "N",
  "a run fails if a loop whose trip count is not given, or is\n"
  "an input, goes on after N iterations (without the option:\n"
  "1000000 if it is not given, and no tensor may grow)", everywhere,
  "maxIterations", "int64_t(0)", ChangesCode, "(parseCount<1, INT32_MAX>)">;

defm target : FieldValue<"target", "NAME",
  "what runs the model: cpu (the default) or cuda (NVIDIA\n"
  "GPUs); or to test kernels, slowly, on this CPU:\n"
  "cpu-emulator (those for --mcpu) or cuda-emulator (those of\n"
  "a GPU)", everywhere,
  "platform", "std::optional<Platform>()", DescribesTarget>;

defm gpu_arch : FieldValue<"gpu-arch", "sm_80,sm_90",
  "GPUs that get machine code (the default); later ones\n"
  "compile the last one's PTX when the model is loaded;\n"
  "sm_90a is code for compute capability 9.0 alone", everywhere,
  "gpuArchs", "GpuArchs()", DescribesTarget>;

defm precision : FieldValue<"precision", "NAME",
  "type of the factors in convolutions and dense layers: f32\n"
  "(the default), bf16 (CPUs), tf32 or f16 (GPUs); sums are\n"
  "f32. With bf16 and f16, data in memory has that type, too,\n"
  "and weights that are multiplied in it", everywhere,
  "precision", "std::optional<cnn::Precision>()", DescribesTarget>;

defm mcpu : FieldValue<"mcpu", "CPU",
  "processor to compile for: native (the default),\n"
  "x86-64-v3 (AVX2), x86-64-v4 (AVX-512), ...", compiling,
  "cpu", "std::string()", DescribesTarget>;

defm mtriple : FieldValue<"mtriple", "TRIPLE",
  "x86_64-linux-gnu or aarch64-linux-gnu (default: this machine)", [CompileCommand],
  "triple", "std::string()", DescribesTarget>;

defm conv_algorithm : FieldValue<"conv-algorithm", "NAME",
  "compute each convolution that allows it by direct,\n"
  "winograd_2x2, winograd_4x4 or winograd_4x4_compact\n"
  "instead of what the cost model chooses", everywhere,
  "convAlgorithm", "std::optional<cnn::Algorithm>()", ChangesCode>;

defm weights : FieldValue<"weights", "TYPE",
  "store weights of convolutions and dense layers as f32\n"
  "(the default), f16 or bf16; computation stays f32", compiling,
  "weights", "WeightType::F32", ChangesCode>;

defm devices : FieldValue<"devices", "N",
  "share the network between N devices (default: 1)", everywhere,
  "devices", "int64_t(1)", ChangesCode, "(parseCount<1, kMaxDevices>)">;

defm strategy : FieldValue<"strategy", "NAME",
  "how devices share it: auto (the least estimated time, the\n"
  "default), group (groups and output channels), batch, rows\n"
  "(of pictures), or none", everywhere,
  "strategy", "cnn::PartitionStrategy::Auto", RefinesAnother>;

defm link : FieldValue<"link", "BANDWIDTH,LATENCY",
  "what connects the devices, such as 10GB/s,2us (the\n"
  "default)", everywhere,
  "link", "std::optional<Link>()", RefinesAnother>;

// The file that --tune has written. No command has this option itself.
defm tuning : FieldValue<"tuning", "FILE",
  "choose how convolutions are computed by the times in FILE", [],
  "tuning", "std::string()", ChangesCode>;

defm emit : FieldValue<"emit", "KIND",
  "lib (a shared library, the default), obj, exe (a program\n"
  "that reads and writes .npy files), asm, llvm-ir, or mlir\n"
  "(the kernels before they become LLVM IR)", [CompileCommand],
  "emit", "OutputKind::Lib", ShapesOutput>;

defm stop_after : FieldValue<"stop-after", "PHASE",
  Lines<["write", "the", "IR", "after"] # Alternatives<Phase>.words, 57>.text,
  [CompileCommand],
  "stopAfter", "std::optional<Phase>()", ShapesOutput>;

def elide_weights : Switch<"elide-weights",
  "leave weights out of printed IR (always so on the\n"
  "standard output)", [CompileCommand]>, Field<"elideWeights", "false", ShapesOutput>;

def print_locations : Switch<"print-locations",
  "print the ONNX nodes' names as locations of the IR", [CompileCommand]>,
  Field<"printLocations", "false", ShapesOutput>;

defm dump_ir : FieldValue<"dump-ir", "DIR",
  "write the IR after each pass that changed it into DIR,\n"
  "without weights, and an index.txt", [CompileCommand],
  "dumpFolder", "std::string()", Observes>;

def time_passes : Switch<"time-passes", "print the time of each pass on stderr",
                         [CompileCommand]>, Field<"timePasses", "false", Observes>;

#endif // CONVOY_COMPILER_COMPILEOPTIONS
