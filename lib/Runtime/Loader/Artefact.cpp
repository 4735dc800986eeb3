//===- Artefact.cpp - Load and run compiled models ------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Runtime/Artefact.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstring>
#include <dlfcn.h>

using namespace convoy;

/// The loaded file and its functions.
struct Artefact::Library {
  Library() = default;
  Library(const Library &) = delete;
  Library &operator=(const Library &) = delete;
  ~Library() {
    if (handle)
      dlclose(handle);
  }

  llvm::Error open(llvm::StringRef file);
  llvm::Error readDescription();
  template <typename T> llvm::Error find(T *&function, const char *symbol);
  llvm::Error readInfos(int32_t count, const convoy_tensor_info *(*get)(int32_t),
                        std::vector<TensorInfo> &infos);

  std::string name; ///< of the file; after loading, what messages about runs call the model
  void *handle = nullptr;
  std::vector<TensorInfo> inputs, outputs;
  std::vector<std::string> layers;
  std::string requiredCpu;
  int64_t arenaSize = 0;
  int deviceCount = 1;
  bool isForGpu = false;

  decltype(convoy_status_text) *statusText = nullptr;
  decltype(convoy_context_error) *contextError = nullptr;
  decltype(convoy_create) *create = nullptr;
  decltype(convoy_create_on) *createOn = nullptr;
  decltype(convoy_create_device) *createDevice = nullptr;
  decltype(convoy_thread_count) *threadCount = nullptr;
  decltype(convoy_run) *run = nullptr;
  decltype(convoy_output_dims) *outputDims = nullptr;
  decltype(convoy_profile_enable) *profileEnable = nullptr;
  decltype(convoy_profile_read) *profileRead = nullptr;
  decltype(convoy_destroy) *destroy = nullptr;
};

template <typename T> llvm::Error Artefact::Library::find(T *&function, const char *symbol) {
  function = reinterpret_cast<T *>(dlsym(handle, symbol));
  if (!function)
    return llvm::createStringError(name + " is not a compiled model: it has no function " +
                                   symbol);
  return llvm::Error::success();
}

llvm::Error Artefact::Library::readInfos(int32_t count,
                                         const convoy_tensor_info *(*get)(int32_t),
                                         std::vector<TensorInfo> &infos) {
  for (int32_t i = 0; i < count; ++i) {
    const convoy_tensor_info *info = get(i);
    if (!info || !info->name || !convoy::getElementSize(ElementType(info->element_type)))
      return llvm::createStringError(name + " describes an input or output of unknown type");
    TensorInfo &copy = infos.emplace_back();
    copy.name = info->name;
    copy.elementType = ElementType(info->element_type);
    copy.shape.assign(info->dims, info->dims + info->rank);
  }
  return llvm::Error::success();
}

/// Finds errors that dlopen does not report well: it says that a file for another kind of
/// machine is missing, and if a file ends too early, the process ends with a bus error.
static llvm::Error checkElfFile(llvm::StringRef path, llvm::StringRef name) {
#if defined(__x86_64__)
  constexpr uint16_t thisMachine = llvm::ELF::EM_X86_64;
#elif defined(__aarch64__)
  constexpr uint16_t thisMachine = llvm::ELF::EM_AARCH64;
#else
  constexpr uint16_t thisMachine = llvm::ELF::EM_NONE;
#endif
  uint64_t size;
  if (std::error_code error = llvm::sys::fs::file_size(path, size))
    return llvm::createFileError(name, error);
  llvm::ELF::Elf64_Ehdr header;
  auto start = llvm::MemoryBuffer::getFileSlice(path, std::min<uint64_t>(size, sizeof(header)),
                                                /*Offset=*/0);
  if (!start)
    return llvm::createFileError(name, start.getError());
  llvm::StringRef bytes = (*start)->getBuffer();
  if (!bytes.starts_with(llvm::ELF::ElfMagic))
    return llvm::createStringError(name + " is not a compiled model (the name of a model to "
                                          "compile ends in .onnx)");
  if (bytes.size() < sizeof(header))
    return llvm::createStringError(name + " is incomplete; compile the model again");
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.e_machine != thisMachine)
    return llvm::createStringError(name + " was compiled for another kind of machine");
  // The linker writes the table of sections last.
  uint64_t tableSize = uint64_t(header.e_shnum) * header.e_shentsize;
  if (header.e_shoff > size || size - header.e_shoff < tableSize)
    return llvm::createStringError(name + " is incomplete; compile the model again");
  return llvm::Error::success();
}

llvm::Error Artefact::Library::open(llvm::StringRef file) {
  name = file.str();
  // A name without a slash would be looked for in the system's folders.
  llvm::SmallString<256> absolute(file);
  if (std::error_code error = llvm::sys::fs::make_absolute(absolute))
    return llvm::createFileError(file, error);
  if (llvm::sys::fs::is_directory(absolute))
    return llvm::createFileError(file, std::make_error_code(std::errc::is_a_directory));
  if (!llvm::sys::fs::exists(absolute))
    return llvm::createFileError(file,
                                 std::make_error_code(std::errc::no_such_file_or_directory));
  if (llvm::Error error = checkElfFile(absolute, file))
    return error;
  handle = dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *text = dlerror();
    llvm::StringRef reason = text ? text : "unknown reason";
    // The system's text usually begins with the file name.
    reason.consume_front(absolute);
    reason.consume_front(": ");
    return llvm::createStringError(name + ": cannot be loaded: " + reason);
  }

  decltype(convoy_abi_version) *abiVersion = nullptr;
  if (llvm::Error error = find(abiVersion, "convoy_abi_version"))
    return error;
  if (abiVersion() != CONVOY_ABI_VERSION)
    return llvm::createStringError(name + " has version " + llvm::Twine(abiVersion()) +
                                   " of the model interface, but this program needs version " +
                                   llvm::Twine(CONVOY_ABI_VERSION) +
                                   "; compile the model again");

#define FIND(VARIABLE, NAME)                                                                  \
  if (llvm::Error error = find(VARIABLE, #NAME))                                              \
  return error
  FIND(createOn, convoy_create_on);
  FIND(createDevice, convoy_create_device);
  FIND(statusText, convoy_status_text);
  FIND(contextError, convoy_context_error);
  FIND(create, convoy_create);
  FIND(threadCount, convoy_thread_count);
  FIND(run, convoy_run);
  FIND(outputDims, convoy_output_dims);
  FIND(profileEnable, convoy_profile_enable);
  FIND(profileRead, convoy_profile_read);
  FIND(destroy, convoy_destroy);
  return readDescription();
}

llvm::Error Artefact::Library::readDescription() {
  decltype(convoy_input_count) *inputCount = nullptr;
  decltype(convoy_output_count) *outputCount = nullptr;
  decltype(convoy_layer_count) *layerCount = nullptr;
  decltype(convoy_input) *input = nullptr;
  decltype(convoy_output) *output = nullptr;
  decltype(convoy_output_is_bounded) *isBounded = nullptr;
  decltype(convoy_layer_name) *layerName = nullptr;
  decltype(convoy_required_cpu) *cpu = nullptr;
  decltype(convoy_arena_size) *arena = nullptr;
  decltype(convoy_device_count) *devices = nullptr;
  decltype(convoy_gpu_arch) *gpuArch = nullptr;
  FIND(inputCount, convoy_input_count);
  FIND(outputCount, convoy_output_count);
  FIND(layerCount, convoy_layer_count);
  FIND(input, convoy_input);
  FIND(output, convoy_output);
  FIND(isBounded, convoy_output_is_bounded);
  FIND(layerName, convoy_layer_name);
  FIND(cpu, convoy_required_cpu);
  FIND(arena, convoy_arena_size);
  FIND(devices, convoy_device_count);
  FIND(gpuArch, convoy_gpu_arch);
#undef FIND

  if (llvm::Error error = readInfos(inputCount(), input, inputs))
    return error;
  if (llvm::Error error = readInfos(outputCount(), output, outputs))
    return error;
  for (auto [index, info] : llvm::enumerate(outputs)) {
    for (size_t dim = 0; dim < info.shape.size(); ++dim)
      info.isBounded.push_back(isBounded(int32_t(index), int32_t(dim)) != 0);
    if (!llvm::is_contained(info.isBounded, true))
      info.isBounded.clear();
  }
  for (int32_t i = 0, e = layerCount(); i < e; ++i)
    layers.emplace_back(layerName(i));
  requiredCpu = cpu();
  arenaSize = arena();
  deviceCount = devices();
  isForGpu = gpuArch(0, nullptr) != 0;
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Artefact
//===----------------------------------------------------------------------===//

llvm::Expected<Artefact> Artefact::load(llvm::StringRef path, llvm::StringRef name) {
  auto library = std::make_shared<Library>();
  if (llvm::Error error = library->open(path))
    return std::move(error);
  if (!name.empty())
    library->name = name.str();
  return Artefact(std::move(library));
}

llvm::StringRef Artefact::getName() const { return library->name; }

llvm::ArrayRef<TensorInfo> Artefact::getInputs() const { return library->inputs; }

llvm::ArrayRef<TensorInfo> Artefact::getOutputs() const { return library->outputs; }

llvm::ArrayRef<std::string> Artefact::getLayers() const { return library->layers; }

llvm::StringRef Artefact::getRequiredCpu() const { return library->requiredCpu; }

int64_t Artefact::getArenaSize() const { return library->arenaSize; }

int Artefact::getDeviceCount() const { return library->deviceCount; }

bool Artefact::isForGpu() const { return library->isForGpu; }

llvm::Expected<Context>
Artefact::createDeviceContext(int threads, int device,
                              const convoy_transport &transport) const {
  if (isForGpu())
    return llvm::createStringError(library->name +
                                   " runs on GPUs, so its devices cannot be other processes");
  convoy_context *context = nullptr;
  int32_t status = library->createDevice(threads, device, &transport, &context);
  Context result(library, context);
  if (status != CONVOY_OK)
    return result.makeError(status);
  return std::move(result);
}

llvm::Expected<Context> Artefact::createGpuContext(int ordinal) const {
  if (!isForGpu())
    return llvm::createStringError(library->name +
                                   " has no code for NVIDIA GPUs; compile the model with "
                                   "--target=cuda");
  convoy_context *context = nullptr;
  int32_t status = library->createOn(ordinal, &context);
  Context result(library, context);
  if (status != CONVOY_OK)
    return result.makeError(status);
  return std::move(result);
}

llvm::Expected<Context> Artefact::createContext(int threads) const {
  // createGpuContext can describe failures in more detail.
  if (isForGpu())
    return createGpuContext(0);
  convoy_context *context = nullptr;
  int32_t status = library->create(threads, &context);
  Context result(library, context);
  if (status != CONVOY_OK)
    return result.makeError(status);
  return std::move(result);
}

//===----------------------------------------------------------------------===//
// Context
//===----------------------------------------------------------------------===//

void Context::Release::operator()(convoy_context *context) const { library->destroy(context); }

Context::Context(std::shared_ptr<const Artefact::Library> library, convoy_context *context)
    : library(std::move(library)), context(context, Release{this->library.get()}) {}

Context::~Context() = default;

Context &Context::operator=(Context &&other) {
  // The old context must be destroyed before the library that has its code.
  context = std::move(other.context);
  library = std::move(other.library);
  return *this;
}

llvm::Error Context::makeError(int32_t status) const {
  std::string text = library->name + ": " + library->statusText(status);
  if (llvm::StringRef detail = library->contextError(context.get()); !detail.empty())
    text += (" (" + detail + ")").str();
  return llvm::createStringError(text);
}

int Context::getThreadCount() const { return library->threadCount(context.get()); }

llvm::Error Context::run(llvm::ArrayRef<const void *> inputs, llvm::ArrayRef<void *> outputs) {
  if (inputs.size() != library->inputs.size() || outputs.size() != library->outputs.size())
    return llvm::createStringError(
        library->name + " has " + llvm::Twine(library->inputs.size()) + " inputs and " +
        llvm::Twine(library->outputs.size()) + " outputs, but the caller gives " +
        llvm::Twine(inputs.size()) + " and " + llvm::Twine(outputs.size()));
  int32_t status = library->run(context.get(), inputs.data(), outputs.data());
  return status == CONVOY_OK ? llvm::Error::success() : makeError(status);
}

llvm::Error Context::shrinkOutputs(llvm::MutableArrayRef<Tensor> outputs) const {
  for (auto [index, info, tensor] : llvm::enumerate(library->outputs, outputs)) {
    if (info.isBounded.empty())
      continue;
    llvm::SmallVector<int64_t, 4> shape(info.shape.size());
    int32_t status = library->outputDims(context.get(), int32_t(index), shape.data());
    if (status != CONVOY_OK)
      return makeError(status);
    tensor.shrinkTo(shape);
  }
  return llvm::Error::success();
}

llvm::Expected<std::vector<Tensor>> Context::run(llvm::ArrayRef<Tensor> inputs) {
  llvm::Expected<std::vector<Tensor>> outputs = runOnBuffers(inputs);
  if (!outputs)
    return outputs.takeError();
  if (llvm::Error error = shrinkOutputs(*outputs))
    return std::move(error);
  return outputs;
}

llvm::Expected<std::vector<Tensor>> Context::runOnBuffers(llvm::ArrayRef<Tensor> inputs) {
  llvm::SmallVector<const void *> inputPointers;
  for (auto [index, tensor] : llvm::enumerate(inputs)) {
    if (index < library->inputs.size()) {
      const TensorInfo &info = library->inputs[index];
      if (tensor.getElementType() != info.elementType ||
          tensor.getShape() != llvm::ArrayRef<int64_t>(info.shape))
        return llvm::createStringError(library->name + ": input '" + info.name + "' is " +
                                       info.getTypeString() + ", not " +
                                       tensor.getTypeString());
    }
    inputPointers.push_back(tensor.getData());
  }
  std::vector<Tensor> outputs;
  llvm::SmallVector<void *> outputPointers;
  for (const TensorInfo &info : library->outputs) {
    std::optional<Tensor> tensor = Tensor::create(info.elementType, info.shape);
    if (!tensor)
      return makeError(CONVOY_ERROR_MEMORY);
    outputPointers.push_back(tensor->getData());
    outputs.push_back(std::move(*tensor));
  }
  if (llvm::Error error = run(inputPointers, outputPointers))
    return std::move(error);
  return std::move(outputs);
}

llvm::Error Context::enableProfile(bool enable) {
  int32_t status = library->profileEnable(context.get(), enable);
  return status == CONVOY_OK ? llvm::Error::success() : makeError(status);
}

llvm::Expected<std::vector<int64_t>> Context::readProfile() const {
  std::vector<int64_t> nanoseconds(library->layers.size());
  int32_t status = library->profileRead(context.get(), nanoseconds.data(), /*runs=*/nullptr);
  if (status != CONVOY_OK)
    return makeError(status);
  return nanoseconds;
}
