//===- ModelDescription.cpp - Module attributes as an LLVM constant -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelDescription.h"

#include "StructConstant.h"
#include "WeightsLimits.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/Utils/Outputs.h"
#include "convoy/Machine/Cpu.h"
#include "convoy/Runtime/Abi/Model.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/MC/MCSubtargetInfo.h"

using namespace convoy;

static llvm::Expected<int64_t> readSize(mlir::IntegerAttr attr, const llvm::Twine &name) {
  if (!attr || attr.getValue().isNegative() || attr.getValue().getActiveBits() > 63)
    return llvm::createStringError("the module has no size '" + name + "'");
  return int64_t(attr.getValue().getZExtValue());
}

llvm::Expected<int64_t> convoy::getSizeAttr(mlir::ModuleOp module, llvm::StringRef name) {
  return readSize(module->getAttrOfType<mlir::IntegerAttr>(name), name);
}

static int32_t getElementType(mlir::Type type) {
  if (type.isF32())
    return CONVOY_FLOAT32;
  if (type.isF64())
    return CONVOY_FLOAT64;
  if (type.isF16())
    return CONVOY_FLOAT16;
  if (type.isBF16())
    return CONVOY_BFLOAT16;
  if (mlir::isa<mlir::FloatType>(type))
    return llvm::TypeSwitch<mlir::Type, int32_t>(type)
        .Case([](mlir::Float8E4M3FNType) { return CONVOY_FLOAT8E4M3FN; })
        .Case([](mlir::Float8E4M3FNUZType) { return CONVOY_FLOAT8E4M3FNUZ; })
        .Case([](mlir::Float8E5M2Type) { return CONVOY_FLOAT8E5M2; })
        .Case([](mlir::Float8E5M2FNUZType) { return CONVOY_FLOAT8E5M2FNUZ; })
        .Case([](mlir::Float8E8M0FNUType) { return CONVOY_FLOAT8E8M0; })
        .Case([](mlir::Float6E2M3FNType) { return CONVOY_FLOAT6E2M3; })
        .Case([](mlir::Float6E3M2FNType) { return CONVOY_FLOAT6E3M2; })
        .Case([](mlir::Float4E2M1FNType) { return CONVOY_FLOAT4E2M1; })
        .Default(0);
  if (!type.isInteger())
    return 0;
  bool isUnsigned = type.isUnsignedInteger();
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return CONVOY_BOOL;
  case 2:
    return isUnsigned ? CONVOY_UINT2 : CONVOY_INT2;
  case 4:
    return isUnsigned ? CONVOY_UINT4 : CONVOY_INT4;
  case 8:
    return isUnsigned ? CONVOY_UINT8 : CONVOY_INT8;
  case 16:
    return isUnsigned ? CONVOY_UINT16 : CONVOY_INT16;
  case 32:
    return isUnsigned ? CONVOY_UINT32 : CONVOY_INT32;
  case 64:
    return isUnsigned ? CONVOY_UINT64 : CONVOY_INT64;
  default:
    return 0;
  }
}

template <typename... Parameters>
static constexpr size_t countParameters(void (*)(Parameters...)) {
  return sizeof...(Parameters);
}

namespace {
/// Builds constants that have the layout of the C structures.
class DescriptionBuilder {
public:
  explicit DescriptionBuilder(llvm::Module &module)
      : module(module), context(module.getContext()) {}

  template <auto Member, typename T> FieldValue<Member> field(T value) {
    return FieldValue<Member>(context, value);
  }
  llvm::Constant *getInt32(int32_t value) {
    return llvm::ConstantInt::getSigned(llvm::Type::getInt32Ty(context), value);
  }
  llvm::Constant *getInt64(uint64_t value) {
    return llvm::ConstantInt::get(llvm::Type::getInt64Ty(context), value);
  }
  llvm::Constant *getNull() {
    return llvm::ConstantPointerNull::get(llvm::PointerType::getUnqual(context));
  }

  /// The address of a private constant.
  llvm::Constant *getAddress(llvm::Constant *value) {
    auto *global = new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                            llvm::GlobalValue::PrivateLinkage, value);
    global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return global;
  }
  llvm::Constant *getString(llvm::StringRef text) {
    return getAddress(llvm::ConstantDataArray::getString(context, text));
  }
  llvm::Constant *getArray(llvm::ArrayRef<llvm::Constant *> elements) {
    if (elements.empty())
      return getNull();
    auto *type = llvm::ArrayType::get(elements.front()->getType(), elements.size());
    return getAddress(llvm::ConstantArray::get(type, elements));
  }

  /// The address of a constant that another object file or the runtime defines.
  llvm::GlobalVariable *getExternal(llvm::StringRef name) {
    auto *global = new llvm::GlobalVariable(module, llvm::Type::getInt8Ty(context),
                                            /*isConstant=*/true,
                                            llvm::GlobalValue::ExternalLinkage, nullptr, name);
    global->setVisibility(llvm::GlobalValue::HiddenVisibility);
    global->setDSOLocal(true);
    return global;
  }

  /// An array of convoy_tensor_info from `cnn.inputs` or `cnn.outputs`.
  llvm::Expected<llvm::Constant *> getTensorInfos(mlir::ArrayAttr tensors);

  /// The lists of the outputs' sizes from `cnn.outputs`, of which the infos were made; null if
  /// it has no sizes.
  llvm::Expected<llvm::Constant *> getOutputSizes(mlir::ArrayAttr results);

  /// A convoy_device_description from an entry of `cnn.devices`.
  llvm::Expected<llvm::Constant *> getDevice(mlir::DictionaryAttr device, size_t number,
                                             llvm::Constant *weights);

  /// The address of a convoy_gpu_code; null if there are no images.
  llvm::Constant *getGpuCode(const GpuCode &code);

private:
  llvm::Module &module;
  llvm::LLVMContext &context;
};
} // namespace

llvm::Expected<llvm::Constant *> DescriptionBuilder::getTensorInfos(mlir::ArrayAttr tensors) {
  llvm::SmallVector<llvm::Constant *> infos;
  for (mlir::Attribute attr : tensors) {
    auto entry = mlir::dyn_cast<mlir::DictionaryAttr>(attr);
    auto name = entry ? entry.getAs<mlir::StringAttr>("name") : nullptr;
    auto typeAttr = entry ? entry.getAs<mlir::TypeAttr>("type") : nullptr;
    auto type =
        typeAttr ? mlir::dyn_cast<mlir::RankedTensorType>(typeAttr.getValue()) : nullptr;
    if (!name || !type || !type.hasStaticShape())
      return llvm::createStringError(
          "an input or output of the module has no name or static shape");
    int32_t elementType = getElementType(type.getElementType());
    if (!elementType)
      return llvm::createStringError("input or output '" + name.getValue() +
                                     "' has an unsupported element type");

    llvm::SmallVector<llvm::Constant *> dims;
    for (int64_t dim : type.getShape())
      dims.push_back(getInt64(dim));
    // Elements of fewer than 8 bits take a whole byte.
    int64_t elementSize = (type.getElementTypeBitWidth() + 7) / 8;
    infos.push_back(makeStructConstant(
        field<&convoy_tensor_info::name>(getString(name.getValue())),
        field<&convoy_tensor_info::element_type>(elementType),
        field<&convoy_tensor_info::rank>(type.getRank()),
        field<&convoy_tensor_info::dims>(getArray(dims)),
        field<&convoy_tensor_info::size>(type.getNumElements() * elementSize)));
  }
  return getArray(infos);
}

llvm::Expected<llvm::Constant *> DescriptionBuilder::getOutputSizes(mlir::ArrayAttr results) {
  llvm::ArrayRef<mlir::Attribute> outputs = cnn::getModelOutputs(results);
  mlir::Type sizeType =
      mlir::RankedTensorType::get({}, mlir::IntegerType::get(results.getContext(), 64));
  for (mlir::Attribute attr : results.getValue().drop_front(outputs.size())) {
    auto size = mlir::cast<mlir::DictionaryAttr>(attr);
    if (!size.getAs<mlir::StringAttr>("name").empty() ||
        size.getAs<mlir::TypeAttr>("type").getValue() != sizeType)
      return llvm::createStringError("a size of the module's outputs is no tensor<i64>, or an "
                                     "output follows a size");
  }
  if (outputs.size() == results.size())
    return getNull();
  llvm::SmallVector<llvm::Constant *> lists;
  for (mlir::Attribute attr : outputs) {
    auto output = mlir::cast<mlir::DictionaryAttr>(attr);
    auto type = mlir::cast<mlir::ShapedType>(output.getAs<mlir::TypeAttr>("type").getValue());
    llvm::ArrayRef<int64_t> sizes = cnn::getSizeResults(attr);
    if (!sizes.empty() && int64_t(sizes.size()) != type.getRank())
      return llvm::createStringError("output '" +
                                     output.getAs<mlir::StringAttr>("name").getValue() +
                                     "' of the module has not as many sizes as dimensions");
    llvm::SmallVector<llvm::Constant *> numbers;
    for (int64_t result : sizes) {
      if (result >= 0 && (size_t(result) < outputs.size() || size_t(result) >= results.size()))
        return llvm::createStringError("result " + llvm::Twine(result) +
                                       " of the module is no size of an output");
      numbers.push_back(getInt32(result < 0 ? -1 : int32_t(result - int64_t(outputs.size()))));
    }
    lists.push_back(getArray(numbers));
  }
  return getArray(lists);
}

llvm::Expected<llvm::Constant *> DescriptionBuilder::getDevice(mlir::DictionaryAttr device,
                                                               size_t number,
                                                               llvm::Constant *weights) {
  std::string name = "convoy_model_invoke" + (number ? "_" + std::to_string(number) : "");
  llvm::Function *invoke = module.getFunction(name);
  if (!invoke || invoke->isDeclaration() ||
      invoke->arg_size() != countParameters(convoy_program()))
    return llvm::createStringError("the module has no function '" + name + "'");
  // Called through its pointer only.
  invoke->setLinkage(llvm::GlobalValue::InternalLinkage);
  llvm::SmallVector<llvm::Constant *> layers;
  if (auto names = device.getAs<mlir::ArrayAttr>("layers"))
    for (mlir::Attribute layer : names) {
      auto string = mlir::dyn_cast<mlir::StringAttr>(layer);
      layers.push_back(getString(string ? string.getValue() : ""));
    }
  llvm::SmallVector<int64_t> sizes;
  for (llvm::StringRef key :
       {"arena_size", "scratch_size", "weights_size", "weights_offset"}) {
    llvm::Expected<int64_t> size =
        readSize(device.getAs<mlir::IntegerAttr>(key), "cnn." + key);
    if (!size)
      return size.takeError();
    sizes.push_back(*size);
  }
  llvm::Constant *own = llvm::ConstantExpr::getGetElementPtr(llvm::Type::getInt8Ty(context),
                                                             weights, getInt64(sizes[3]));
  using Description = convoy_device_description;
  return makeStructConstant(
      field<&Description::invoke>(invoke), field<&Description::layers>(getArray(layers)),
      field<&Description::layer_count>(layers.size()),
      field<&Description::arena_size>(sizes[0]), field<&Description::scratch_size>(sizes[1]),
      field<&Description::weights_size>(sizes[2]), field<&Description::weights>(own));
}

/// `cnn.devices`, or the one device of a module that is not partitioned.
static llvm::SmallVector<mlir::DictionaryAttr> getDevices(mlir::ModuleOp module) {
  llvm::SmallVector<mlir::DictionaryAttr> devices;
  if (auto several = module->getAttrOfType<mlir::ArrayAttr>("cnn.devices")) {
    for (mlir::Attribute device : several)
      devices.push_back(mlir::cast<mlir::DictionaryAttr>(device));
    return devices;
  }
  mlir::NamedAttrList device;
  for (llvm::StringRef key : {"arena_size", "scratch_size", "weights_size", "layers"})
    if (mlir::Attribute attr = module->getAttr(("cnn." + key).str()))
      device.set(key, attr);
  device.set("weights_offset",
             mlir::IntegerAttr::get(mlir::IntegerType::get(module.getContext(), 64), 0));
  devices.push_back(device.getDictionary(module.getContext()));
  return devices;
}

llvm::Constant *DescriptionBuilder::getGpuCode(const GpuCode &code) {
  if (code.images.empty())
    return getNull();
  llvm::SmallVector<llvm::Constant *> images, kernels;
  for (const GpuCode::Image &image : code.images) {
    // PTX needs the zero at the string's end; machine code is not harmed by it.
    llvm::Constant *data = getString(image.data);
    // Machine code is an ELF file, whose structures the driver reads in place.
    llvm::cast<llvm::GlobalVariable>(data)->setAlignment(llvm::Align(16));
    images.push_back(makeStructConstant(
        field<&convoy_gpu_image::arch>(image.arch),
        field<&convoy_gpu_image::is_specific>(image.archSpecific),
        field<&convoy_gpu_image::is_ptx>(image.isPtx), field<&convoy_gpu_image::reserved>(0),
        field<&convoy_gpu_image::data>(data),
        field<&convoy_gpu_image::size>(image.data.size() + image.isPtx)));
  }
  for (const std::string &kernel : code.kernels)
    kernels.push_back(getString(kernel));
  const llvm::Function *allReduce = module.getFunction("convoy_rt_all_reduce");
  bool hasAllReduce = allReduce && !allReduce->use_empty();
  return getAddress(makeStructConstant(field<&convoy_gpu_code::image_count>(images.size()),
                                       field<&convoy_gpu_code::kernel_count>(kernels.size()),
                                       field<&convoy_gpu_code::has_all_reduce>(hasAllReduce),
                                       field<&convoy_gpu_code::reserved>(0),
                                       field<&convoy_gpu_code::images>(getArray(images)),
                                       field<&convoy_gpu_code::kernels>(getArray(kernels))));
}

/// The symbol of the runtime's table of functions for the model's kernels (see Backend.h).
static llvm::StringRef getBackend(mlir::ModuleOp module, const GpuCode &code) {
  if (!code.images.empty())
    return "convoy_cuda_backend";
  auto target = module->getAttrOfType<cnn::TargetAttr>(cnn::kTargetAttrName);
  cnn::GpuAttr gpu = target ? target.getGpu() : nullptr;
  return gpu && gpu.getPlatform() == cnn::GpuPlatform::emulator ? "convoy_emulator_backend"
                                                                : "convoy_cpu_backend";
}

/// Bits of CpuFeatures.def that the code of `module` for `machine` may use. Only kernels that
/// ask for them use tiles, which a process may have to do without.
static uint64_t getCpuFeatures(const llvm::TargetMachine &machine,
                               const llvm::Module &module) {
  constexpr uint64_t tileState = 0x60000;
  bool usesTiles = module.getFunction(kTileConfigure) != nullptr;
  llvm::StringSet<> enabled;
  for (const llvm::SubtargetFeatureKV &feature :
       machine.getMCSubtargetInfo()->getEnabledProcessorFeatures())
    enabled.insert(feature.Key);
  llvm::Triple::ArchType arch = machine.getTargetTriple().getArch();
  uint64_t bits = 0;
#define CONVOY_CPU_FEATURE(ARCH, BIT, NAME, LEAF, REGISTER, POSITION, STATE)                  \
  if (arch == llvm::Triple::ARCH && enabled.contains(NAME) &&                                 \
      (STATE != tileState || usesTiles))                                                      \
    bits |= uint64_t(1) << BIT;
#include "convoy/Runtime/Abi/CpuFeatures.def"
  return bits;
}

llvm::Error convoy::emitModelDescription(mlir::ModuleOp module,
                                         const llvm::TargetMachine &machine,
                                         const GpuCode &gpu, llvm::Module &llvmModule) {
  auto inputs = module->getAttrOfType<mlir::ArrayAttr>("cnn.inputs");
  auto outputs = module->getAttrOfType<mlir::ArrayAttr>("cnn.outputs");
  if (!inputs || !outputs)
    return llvm::createStringError("the module has no 'cnn.inputs' or 'cnn.outputs'");
  llvm::Expected<int64_t> weightsSize = getSizeAttr(module, "cnn.weights_size");
  if (!weightsSize)
    return weightsSize.takeError();

  DescriptionBuilder builder(llvmModule);
  llvm::Expected<llvm::Constant *> inputInfos = builder.getTensorInfos(inputs);
  if (!inputInfos)
    return inputInfos.takeError();
  llvm::Expected<llvm::Constant *> outputInfos = builder.getTensorInfos(outputs);
  if (!outputInfos)
    return outputInfos.takeError();
  llvm::Expected<llvm::Constant *> outputSizes = builder.getOutputSizes(outputs);
  if (!outputSizes)
    return outputSizes.takeError();
  size_t outputCount = cnn::getModelOutputs(outputs).size();

  // Defined by the weights' own object file.
  llvm::GlobalVariable *weights = builder.getExternal("convoy_weights");
  if (machine.getTargetTriple().isX86() && *weightsSize > kFarWeights)
    weights->setCodeModel(llvm::CodeModel::Large);

  llvm::SmallVector<llvm::Constant *> devices;
  for (mlir::DictionaryAttr device : getDevices(module)) {
    llvm::Expected<llvm::Constant *> description =
        builder.getDevice(device, devices.size(), weights);
    if (!description)
      return description.takeError();
    devices.push_back(*description);
  }

  using Description = convoy_model_description;
  llvm::Constant *description = makeStructConstant(
      builder.field<&Description::abi_version>(CONVOY_ABI_VERSION),
      builder.field<&Description::input_count>(inputs.size()),
      builder.field<&Description::output_count>(outputCount),
      builder.field<&Description::device_count>(devices.size()),
      builder.field<&Description::inputs>(*inputInfos),
      builder.field<&Description::outputs>(*outputInfos),
      builder.field<&Description::cpu>(builder.getString(machine.getTargetCPU())),
      builder.field<&Description::cpu_features>(getCpuFeatures(machine, llvmModule)),
      builder.field<&Description::devices>(builder.getArray(devices)),
      builder.field<&Description::gpu>(builder.getGpuCode(gpu)),
      builder.field<&Description::backend>(builder.getExternal(getBackend(module, gpu))),
      builder.field<&Description::output_sizes>(*outputSizes),
      builder.field<&Description::size_count>(outputs.size() - outputCount),
      builder.field<&Description::reserved>(0));
  auto *model = new llvm::GlobalVariable(
      llvmModule, description->getType(), /*isConstant=*/true,
      llvm::GlobalValue::ExternalLinkage, description, "convoy_model");
  model->setVisibility(llvm::GlobalValue::HiddenVisibility);
  model->setDSOLocal(true);
  return llvm::Error::success();
}
