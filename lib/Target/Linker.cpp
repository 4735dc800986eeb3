//===- Linker.cpp - Link object files -------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Linker.h"

#include "lld/Common/Driver.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace convoy;

//===----------------------------------------------------------------------===//
// The C library of the target
//===----------------------------------------------------------------------===//

/// True if `path` is an ELF file for `arch`.
static bool isForArch(const llvm::Twine &path, llvm::Triple::ArchType arch) {
  auto start = llvm::MemoryBuffer::getFileSlice(path, /*MapSize=*/20,
                                                /*Offset=*/0);
  if (!start || !(*start)->getBuffer().starts_with(llvm::ELF::ElfMagic))
    return false;
  uint16_t machine = llvm::support::endian::read16le((*start)->getBufferStart() + 18);
  return machine ==
         (arch == llvm::Triple::x86_64 ? llvm::ELF::EM_X86_64 : llvm::ELF::EM_AARCH64);
}

/// Looks for the file `name` in the folders where distributions keep native libraries and
/// those of cross-compilers. Empty if there is none for the architecture.
static std::string findSystemFile(const llvm::Triple &triple, llvm::StringRef name) {
  std::string multiarch = (triple.getArchName() + "-linux-gnu").str();
  const std::string folders[] = {"/usr/lib/" + multiarch,
                                 "/lib/" + multiarch,
                                 "/usr/" + multiarch + "/lib",
                                 "/usr/" + multiarch + "/sys-root/usr/lib64",
                                 "/usr/" + multiarch + "/sys-root/lib64",
                                 "/usr/lib64",
                                 "/lib64",
                                 "/usr/lib",
                                 "/lib"};
  for (const std::string &folder : folders) {
    std::string path = folder + "/" + name.str();
    bool isArchive = name.ends_with(".a");
    if (isArchive ? llvm::sys::fs::exists(path) : isForArch(path, triple.getArch()))
      return path;
  }
  return "";
}

static llvm::StringRef getDynamicLinker(const llvm::Triple &triple) {
  return triple.getArch() == llvm::Triple::x86_64 ? "/lib64/ld-linux-x86-64.so.2"
                                                  : "/lib/ld-linux-aarch64.so.1";
}

llvm::Error convoy::checkCanLinkExecutable(const llvm::Triple &triple) {
  bool isX86 = triple.getArch() == llvm::Triple::x86_64;
  for (llvm::StringRef name : {"Scrt1.o", "crti.o", "crtn.o", "libc.so.6"})
    if (findSystemFile(triple, name).empty())
      return llvm::createStringError(
          "programs for " + triple.str() + " need the file " + name +
          ", which is in Debian's package libc6-dev (cross-compiling: " +
          (isX86 ? "libc6-dev-amd64-cross)" : "libc6-dev-arm64-cross)"));
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// lld
//===----------------------------------------------------------------------===//

static llvm::Error runLinker(llvm::ArrayRef<std::string> arguments,
                             llvm::StringRef finalName) {
  // The linker has global state, and may be unusable after a crash.
  static std::mutex mutex;
  static bool isUsable = true;
  std::lock_guard<std::mutex> lock(mutex);
  if (!isUsable)
    return llvm::createFileError(finalName,
                                 llvm::createStringError("the linker crashed before"));

  llvm::SmallVector<const char *> pointers;
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  std::string errors;
  llvm::raw_string_ostream errorStream(errors);
  lld::Result result =
      lld::lldMain(pointers, llvm::nulls(), errorStream, {{lld::Gnu, &lld::elf::link}});
  isUsable = result.canRunAgain;
  if (result.retCode == 0)
    return llvm::Error::success();
  llvm::StringRef line = llvm::StringRef(errors).split('\n').first;
  line.consume_front("ld.lld: ");
  line.consume_front("error: ");
  return llvm::createFileError(finalName, llvm::createStringError("cannot link: " + line));
}

llvm::Error convoy::linkObjects(EmitKind kind, const llvm::Triple &triple,
                                llvm::ArrayRef<std::string> objects, llvm::StringRef temporary,
                                llvm::StringRef finalName) {
  std::vector<std::string> arguments = {"ld.lld", "--color-diagnostics=never",
                                        "--error-limit=1", "-o", temporary.str()};
  auto add = [&](std::initializer_list<llvm::StringRef> more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
  };
  auto addSystemFile = [&](llvm::StringRef name) {
    std::string path = findSystemFile(triple, name);
    if (!path.empty())
      arguments.push_back(path);
    return !path.empty();
  };
  auto addObjects = [&] { arguments.insert(arguments.end(), objects.begin(), objects.end()); };

  if (kind == EmitKind::Obj) {
    add({"-r"});
    addObjects();
    return runLinker(arguments, finalName);
  }

  // For libraries and programs alike. The build id is a hash of the content.
  add({"--gc-sections", "--build-id=fast", "--hash-style=gnu", "-z", "relro", "-z", "now",
       "-z", "noexecstack", "--eh-frame-hdr"});
  if (kind == EmitKind::Exe) {
    add({"-pie", "--dynamic-linker", getDynamicLinker(triple)});
    addSystemFile("Scrt1.o");
    addSystemFile("crti.o");
    addObjects();
  } else {
    add({"-shared", "-Bsymbolic", "-soname", llvm::sys::path::filename(finalName)});
    addObjects();
  }
  // If there is no C library for the target, symbols of the C library stay undefined. They
  // are resolved by the program that loads the model.
  add({"--as-needed"});
  addSystemFile("libm.so.6");
  if (addSystemFile("libc.so.6"))
    add({"-z", "defs"});
  if (kind == EmitKind::Exe) {
    addSystemFile("libc_nonshared.a");
    addSystemFile(llvm::sys::path::filename(getDynamicLinker(triple)));
    addSystemFile("crtn.o");
  }
  return runLinker(arguments, finalName);
}
