//===- Ranks.cpp - The processes that run a model together ----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ranks.h"

#include "../Runtime/Mpi/MpiWorld.h"
#include "Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <dlfcn.h>

using namespace convoy;
using namespace convoy::driver;

char PeerError::ID;

/// The library for --transport=mpi, which is installed beside the program.
static llvm::SmallString<256> getLibraryPath() {
  llvm::SmallString<256> path(llvm::sys::fs::getMainExecutable(nullptr, nullptr));
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "..", "lib", "libConvoyMpi.so");
  return path;
}

Ranks::Ranks() = default;

Ranks::~Ranks() {
  if (world)
    world->close();
}

void Ranks::read(Arguments &arguments) {
  arguments.value(OPT_transport, [this](llvm::StringRef word) -> llvm::Error {
    if (word != "threads" && word != "mpi")
      return llvm::createStringError("'" + word + "' is not threads or mpi");
    usesMpi = word == "mpi";
    return llvm::Error::success();
  });
}

llvm::Error Ranks::open() {
  if (!usesMpi)
    return llvm::Error::success();
  llvm::SmallString<256> path = getLibraryPath();
  if (!llvm::sys::fs::exists(path))
    return llvm::createStringError(
        path +
        " is missing: either convoy was moved without its folder lib, or it was built "
        "without MPI (install an MPI library, Debian: libopenmpi-dev, and build again)");
  // MPI libraries load plugins, which must find the symbols of the library.
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (!library)
    return llvm::createStringError(llvm::Twine("the MPI library cannot be loaded (Debian: "
                                               "openmpi-bin): ") +
                                   dlerror());
  auto *join =
      reinterpret_cast<decltype(convoy_mpi_open) *>(dlsym(library, "convoy_mpi_open"));
  auto joined = std::make_unique<convoy_mpi_world>();
  if (!join || join(joined.get()))
    return llvm::createStringError("MPI cannot start; was this started with mpirun?");
  world = std::move(joined);
  return llvm::Error::success();
}

bool Ranks::isFirst() const { return !world || world->rank == 0; }

llvm::Error Ranks::agree(llvm::Error error) {
  if (!world)
    return error;
  int32_t failed = 0;
  bool isBroken = world->any(bool(error), &failed);
  if (error)
    return error;
  if (isBroken)
    return llvm::createStringError("the other ranks cannot be reached");
  if (failed)
    return llvm::make_error<PeerError>();
  return llvm::Error::success();
}

llvm::Error Ranks::broadcast(void *data, size_t size) {
  if (world && world->broadcast(data, int64_t(size)))
    return llvm::createStringError("the other ranks cannot be reached");
  return llvm::Error::success();
}

llvm::Expected<Context> Ranks::createContext(const Artefact &artefact, int64_t threads,
                                             std::optional<int64_t> gpu) {
  if (!world)
    return gpu ? artefact.createGpuContext(int(*gpu)) : artefact.createContext(int(threads));
  // All ranks find the same error, so only the first one reports it.
  if (gpu || artefact.isForGpu()) {
    if (!isFirst())
      return llvm::make_error<PeerError>();
    return llvm::createStringError(artefact.getName() +
                                   ": --transport=mpi does not reach GPUs");
  }
  if (artefact.getDeviceCount() != world->size) {
    if (!isFirst())
      return llvm::make_error<PeerError>();
    return llvm::createStringError(
        artefact.getName() + " is for " + llvm::Twine(artefact.getDeviceCount()) +
        " devices, but MPI runs " + llvm::Twine(world->size) +
        " ranks: start it with mpirun -n " + llvm::Twine(artefact.getDeviceCount()));
  }
  return artefact.createDeviceContext(int(threads), world->rank, world->transport);
}

llvm::Error Ranks::abortUnlessAlone(llvm::Error error) {
  if (!error || !world)
    return error;
  fail(std::move(error));
  world->abort(kInputError);
  return llvm::make_error<PeerError>();
}
