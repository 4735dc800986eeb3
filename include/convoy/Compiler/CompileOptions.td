//===- CompileOptions.td - How a model is compiled ---------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Each option of a compilation stands here and nowhere else: its field of
// `CompileOptions` with its default, its word on the command line with its help, the
// commands that have it, and its effect. The structure, the reading of the options, the
// commands' help, the key of the cache and the check for models that are compiled
// already follow. An option without an effect does not compile, nor does one of a type
// that no function parses and prints.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_COMPILER_COMPILEOPTIONS
#define CONVOY_COMPILER_COMPILEOPTIONS

include "convoy/Pipelines/Phases.td"
include "llvm/Option/OptParser.td"

//===----------------------------------------------------------------------===//
// Effects
//===----------------------------------------------------------------------===//

// Groups of the options; they have no help text, so that help has one list.
class Effect : OptionGroup<"<" # NAME # ">">;

// Part of `#cnn.target`, which is in the cache's key as it is resolved.
def DescribesTarget : Effect;
// Changes the artefact, so it is in the cache's key.
def ChangesCode : Effect;
// In the cache's key; says how another option works and does nothing alone, so that
// it may be given with a model that is compiled already.
def RefinesAnother : Effect;
// Says what is written, of which the cache has one kind.
def ShapesOutput : Effect;
// Changes nothing that is written.
def Observes : Effect;

//===----------------------------------------------------------------------===//
// Commands
//===----------------------------------------------------------------------===//

// A command sees the options that are visible to it.
def CompileCommand : OptionVisibility;
def RunCommand : OptionVisibility;
def BenchCommand : OptionVisibility;
def CheckCommand : OptionVisibility;
def InspectCommand : OptionVisibility;

defvar everywhere = [CompileCommand, RunCommand, BenchCommand, CheckCommand, InspectCommand];
defvar running = [RunCommand, BenchCommand, CheckCommand];
defvar compiling = [CompileCommand, RunCommand, BenchCommand, CheckCommand];

//===----------------------------------------------------------------------===//
// Forms
//===----------------------------------------------------------------------===//

// --name=VALUE or --name VALUE. One dash is enough, as for other compilers.
multiclass Value<string name, string meta, string help, list<OptionVisibility> commands> {
  def NAME : Joined<["--", "-"], name # "=">, MetaVarName<meta>, HelpText<help>,
             Visibility<commands>;
  def NAME # _separate : Separate<["--", "-"], name>, Alias<!cast<Option>(NAME)>,
                         Visibility<commands>;
}

class Switch<string name, string help, list<OptionVisibility> commands>
    : Flag<["--", "-"], name>, HelpText<help>, Visibility<commands>;

// A field of `CompileOptions`: its name, its default, of which it has its type, and the
// function that parses a word.
class Field<string name, string default, Effect effect, string parser = "parseWord"> {
  code KeyPath = name;
  code DefaultValue = default;
  code Normalizer = parser;
  OptionGroup Group = effect;
}

multiclass FieldValue<string name, string meta, string help, list<OptionVisibility> commands,
                      string member, string default, Effect effect,
                      string parser = "parseWord"> {
  def NAME : Joined<["--", "-"], name # "=">, MetaVarName<meta>, HelpText<help>,
             Visibility<commands>, Field<member, default, effect, parser>;
  def NAME # _separate : Separate<["--", "-"], name>, Alias<!cast<Option>(NAME)>,
                         Visibility<commands>;
}

// Words on lines of up to `width` characters.
class Lines<list<string> words, int width> {
  // The line that is being filled, and those before it.
  defvar state = !foldl(["", ""], words, lines, word,
      !cond(!empty(lines[0]) : [word, lines[1]],
            !gt(!add(!size(lines[0]), 1, !size(word)), width)
              : [word, lines[1] # lines[0] # "\n"],
            true : [lines[0] # " " # word, lines[1]]));
  string text = state[1] # state[0];
}

// "a, b or c", a word each.
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

defm target : FieldValue<"target", "NAME",
  "what runs the model: cpu (the default), cuda (NVIDIA GPUs),\n"
  "or cuda-emulator (the kernels of a GPU on this CPU, slowly,\n"
  "to test them)", everywhere,
  "platform", "std::optional<Platform>()", DescribesTarget>;

defm gpu_arch : FieldValue<"gpu-arch", "sm_80,sm_90",
  "GPUs that get machine code (the default); later ones\n"
  "compile the last one's PTX when the model is loaded;\n"
  "sm_90a is code for compute capability 9.0 alone", everywhere,
  "gpuArchs", "GpuArchs()", DescribesTarget>;

defm precision : FieldValue<"precision", "NAME",
  "what convolutions and dense layers multiply on a GPU: f32\n"
  "(the default), tf32 or f16; they add in f32. f16 is what\n"
  "weights and data are in memory, too", everywhere,
  "precision", "std::optional<cnn::GpuPrecision>()", DescribesTarget>;

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
  "strategy", "Strategy::Auto", RefinesAnother>;

defm link : FieldValue<"link", "BANDWIDTH,LATENCY",
  "what connects the devices, such as 10GB/s,2us (the\n"
  "default)", everywhere,
  "link", "std::optional<Link>()", RefinesAnother>;

// What --tune has found; no command has the option itself.
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
