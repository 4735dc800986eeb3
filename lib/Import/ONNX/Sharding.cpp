//===- Sharding.cpp - ONNX's annotations for several devices --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// IR version 11: the model lists device configurations, and a node says for some of
// them how its tensors are sharded (docs/proposals/ShardingFormalism.md of ONNX).
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Import/ONNX/Import.h"
#include "convoy/Runtime/OutputFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// The axis along which a tensor of rank `rank` is cut; -1 if it is not cut.
static llvm::Expected<int64_t> readAxis(const onnx::ShardingSpecProto &spec, int64_t devices,
                                        int64_t rank) {
  std::string tensor = "tensor '" + spec.tensor_name() + "'";
  for (int64_t device : spec.device()) {
    bool isGroup = llvm::any_of(spec.index_to_device_group_map(),
                                [&](const auto &entry) { return entry.key() == device; });
    if (!isGroup && (device < 0 || device >= devices))
      return llvm::createStringError("shards " + tensor + " over device " + Twine(device) +
                                     ", but its configuration has " + Twine(devices));
  }
  int64_t result = -1;
  for (const onnx::ShardedDimProto &dim : spec.sharded_dim()) {
    int64_t axis = dim.axis() < 0 ? dim.axis() + rank : dim.axis();
    if (axis < 0 || axis >= rank)
      return llvm::createStringError("shards " + tensor + " along axis " + Twine(dim.axis()) +
                                     ", but it has " + Twine(rank) + " dimensions");
    int64_t shards = 1;
    for (const onnx::SimpleShardedDimProto &simple : dim.simple_sharding())
      shards *= simple.num_shards();
    if (shards == 1)
      continue;
    if (shards != devices)
      return llvm::createStringError("shards " + tensor + " into " + Twine(shards) +
                                     " parts for " + Twine(devices) + " devices");
    if (result >= 0 && result != axis)
      return llvm::createStringError("shards " + tensor + " along axes " + Twine(result) +
                                     " and " + Twine(axis) + ", only one is supported");
    result = axis;
  }
  return result;
}

LogicalResult Importer::readSharding(const onnx::NodeProto &node) {
  if (node.device_configurations_size() == 0 || node.output_size() == 0)
    return success();
  Value result = values.lookup(node.output(0));
  SmallVector<Attribute> shardings;
  for (const onnx::NodeDeviceConfigurationProto &use : node.device_configurations()) {
    auto configuration =
        llvm::find_if(file->model.configuration(), [&](const auto &configuration) {
          return configuration.name() == use.configuration_id();
        });
    if (configuration == file->model.configuration().end())
      return nodeError(node, "names the device configuration '" + use.configuration_id() +
                                 "', which the model does not have");
    int64_t devices = configuration->num_devices();
    llvm::StringMap<int64_t> axes;
    for (const onnx::ShardingSpecProto &spec : use.sharding_spec()) {
      const std::string &name = spec.tensor_name();
      if (!llvm::is_contained(node.input(), name) && !llvm::is_contained(node.output(), name))
        return nodeError(node, "shards tensor '" + name + "', which is not its own");
      Value value = values.lookup(name);
      // How weights are sharded follows from the data.
      bool isResult = name == node.output(0);
      if (!value || (!isResult && name != node.input(0)))
        continue;
      llvm::Expected<int64_t> axis =
          readAxis(spec, devices, cast<ShapedType>(value.getType()).getRank());
      if (!axis)
        return nodeError(node, llvm::toString(axis.takeError()));
      auto [known, isNew] = axes.try_emplace(name, *axis);
      if (!isNew && known->second != *axis)
        return nodeError(node, "has contradictory sharding specs of tensor '" + name + "'");
      shardings.push_back(cnn::ShardingAttr::get(&context, devices, isResult ? -1 : 0, *axis));
    }
  }
  if (Operation *op = result ? result.getDefiningOp() : nullptr; op && !shardings.empty())
    op->setAttr(cnn::kShardingAttrName, builder.getArrayAttr(shardings));
  return success();
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

llvm::Error convoy::writeShardedONNX(StringRef path, StringRef output, int64_t devices,
                                     ArrayRef<NodeSharding> nodes) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createFileError(path, buffer.getError());
  onnx::ModelProto model;
  if (!model.ParseFromArray((*buffer)->getBufferStart(), int((*buffer)->getBufferSize())))
    return llvm::createStringError(path + " is larger than 2 GiB: save it with external data");
  bool isExternal = llvm::any_of(model.graph().initializer(), [](const auto &tensor) {
    return tensor.data_location() == onnx::TensorProto::EXTERNAL;
  });
  if (isExternal && llvm::sys::path::parent_path(path) != llvm::sys::path::parent_path(output))
    return llvm::createStringError(output + " must lie in the folder of " + path +
                                   ", beside its external data");

  std::string name = "convoy_" + std::to_string(devices);
  for (int i = model.configuration_size(); i-- > 0;)
    if (model.configuration(i).name() == name)
      model.mutable_configuration()->DeleteSubrange(i, 1);
  onnx::DeviceConfigurationProto *configuration = model.add_configuration();
  configuration->set_name(name);
  configuration->set_num_devices(int32_t(devices));
  model.set_ir_version(std::max<int64_t>(model.ir_version(), 11));
  for (onnx::NodeProto &node : *model.mutable_graph()->mutable_node()) {
    for (int i = node.device_configurations_size(); i-- > 0;)
      if (node.device_configurations(i).configuration_id() == name)
        node.mutable_device_configurations()->DeleteSubrange(i, 1);
    auto found = llvm::find_if(nodes, [&](const NodeSharding &sharding) {
      return sharding.node == getNodeName(node);
    });
    if (found == nodes.end() || node.input_size() == 0 || node.output_size() == 0)
      continue;
    onnx::NodeDeviceConfigurationProto *use = node.add_device_configurations();
    use->set_configuration_id(name);
    onnx::ShardingSpecProto *spec = use->add_sharding_spec();
    spec->set_tensor_name(found->ofResult ? node.output(0) : node.input(0));
    for (int64_t device = 0; device < devices; ++device)
      spec->add_device(device);
    if (found->axis < 0)
      continue;
    onnx::ShardedDimProto *dim = spec->add_sharded_dim();
    dim->set_axis(found->axis);
    dim->add_simple_sharding()->set_num_shards(devices);
  }
  return writeOutputFile(output, [&](llvm::raw_fd_ostream &os) {
    os << model.SerializeAsString();
    return llvm::Error::success();
  });
}
