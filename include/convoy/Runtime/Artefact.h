//===- Artefact.h - Load and run compiled models ----------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_RUNTIME_ARTEFACT_H
#define CONVOY_RUNTIME_ARTEFACT_H

#include "convoy/Runtime/Tensor.h"

#include <vector>

namespace convoy {

class Context;

/// A compiled model (`model.so`), loaded into the process. Copies share the
/// library, which is unloaded with the last copy and the last context.
class Artefact {
public:
  /// Loads `path` and checks that it is an artefact of this ABI version.
  /// Errors name the file; those of runs name `name` instead, if it is given, such as the
  /// model that was compiled. Loading runs no code of the model.
  static llvm::Expected<Artefact> load(llvm::StringRef path, llvm::StringRef name = "");

  /// What errors of runs call the model.
  llvm::StringRef getName() const;
  llvm::ArrayRef<TensorInfo> getInputs() const;
  llvm::ArrayRef<TensorInfo> getOutputs() const;
  /// Names of the layers, in the order in which they run.
  llvm::ArrayRef<std::string> getLayers() const;
  /// The CPU that the model was compiled for, such as "x86-64-v3".
  llvm::StringRef getRequiredCpu() const;
  /// Bytes of working memory that each context allocates, for all devices.
  int64_t getArenaSize() const;
  /// Number of devices that share the model.
  int getDeviceCount() const;

  /// Whether the kernels run on NVIDIA GPUs.
  bool isForGpu() const;

  /// Makes a context with `threads` threads (see convoy_create); 0 means one for each core.
  /// Fails if this CPU cannot run the model. A model for GPUs runs on GPU 0.
  llvm::Expected<Context> createContext(int threads = 0) const;
  /// Makes a context on GPU number `ordinal` (see convoy_create_on).
  llvm::Expected<Context> createGpuContext(int ordinal) const;
  /// Makes a context for one device alone, which reaches the others through `transport` (see
  /// convoy_create_device).
  llvm::Expected<Context> createDeviceContext(int threads, int device,
                                              const convoy_transport &transport) const;

private:
  friend class Context;
  struct Library;
  explicit Artefact(std::shared_ptr<const Library> library) : library(std::move(library)) {}
  std::shared_ptr<const Library> library;
};

/// The working memory and the threads of a model, for one run at a time.
class Context {
public:
  Context(Context &&) = default;
  Context &operator=(Context &&other);
  ~Context();

  int getThreadCount() const;

  /// Runs the model once on raw buffers, one for each input and output, in order. Outputs have
  /// the layout of their largest shapes (see convoy_output_dims).
  llvm::Error run(llvm::ArrayRef<const void *> inputs, llvm::ArrayRef<void *> outputs);
  /// Checks element types and shapes, makes tensors for the outputs, and runs the model once.
  llvm::Expected<std::vector<Tensor>> run(llvm::ArrayRef<Tensor> inputs);
  /// The same, but the tensors have the largest shapes. They can be the buffers of more runs.
  llvm::Expected<std::vector<Tensor>> runOnBuffers(llvm::ArrayRef<Tensor> inputs);
  /// Shrinks the buffers of the last run to the shapes that the outputs have.
  llvm::Error shrinkOutputs(llvm::MutableArrayRef<Tensor> outputs) const;

  /// Switches per-layer timing on or off, and sets all times to zero.
  llvm::Error enableProfile(bool enable);
  /// Nanoseconds of each layer, summed over the runs since enableProfile.
  llvm::Expected<std::vector<int64_t>> readProfile() const;

private:
  friend class Artefact;
  Context(std::shared_ptr<const Artefact::Library> library, convoy_context *context);
  llvm::Error makeError(int32_t status) const;

  std::shared_ptr<const Artefact::Library> library;
  struct Release {
    const Artefact::Library *library = nullptr;
    void operator()(convoy_context *context) const;
  };
  std::unique_ptr<convoy_context, Release> context;
};

} // namespace convoy

#endif // CONVOY_RUNTIME_ARTEFACT_H
