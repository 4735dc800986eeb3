//===- ConvTuning.cpp - Measured choices of convolutions ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/ConvTuning.h"

#include "convoy/Analysis/LayerSchedule.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace convoy;
using namespace convoy::cnn;
using llvm::StringRef;

/// Another schedule must take less than this fraction of the first schedule's time. Smaller
/// differences are noise.
static constexpr double kNoise = 0.97;

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

std::string convoy::describeConv(ConvOpInterface op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto print = [&](StringRef name, llvm::ArrayRef<int64_t> values) {
    os << name;
    llvm::interleave(values, os, "x");
  };
  print("", llvm::cast<mlir::ShapedType>(op.getInput().getType()).getShape());
  print(" -> ", op.getOutputType().getShape());
  print(op.isTransposed() ? ", transposed filter " : ", filter ", op.getLogicalFilterShape());
  print(", strides ", op.getWindow().getStrides());
  print(", pads ", op.getWindow().getPads());
  print(", dilations ", op.getWindow().getDilations());
  print(", group ", op.getGroups());
  if (op.getResidual())
    os << ", residual";
  if (op.isExact())
    os << ", exact";
  return text;
}

//===----------------------------------------------------------------------===//
// Tuning files
//===----------------------------------------------------------------------===//

llvm::Expected<ConvTuning> ConvTuning::read(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return llvm::createStringError(path + ": " + buffer.getError().message());
  auto fail = [&](const llvm::Twine &message) {
    return llvm::createStringError(path + ": not a tuning file: " + message +
                                   " (remove it and tune again)");
  };
  llvm::Expected<llvm::json::Value> json = llvm::json::parse((*buffer)->getBuffer());
  if (!json)
    return fail(llvm::toString(json.takeError()));
  const llvm::json::Object *root = json->getAsObject();
  const llvm::json::Object *convolutions = root ? root->getObject("convolutions") : nullptr;
  if (!convolutions)
    return fail("no object 'convolutions'");
  ConvTuning tuning;
  for (const auto &[conv, value] : *convolutions) {
    const llvm::json::Object *measured = value.getAsObject();
    if (!measured)
      return fail("'" + StringRef(conv) + "' has no times");
    for (const auto &[name, time] : *measured) {
      std::optional<double> microseconds = time.getAsNumber();
      if (!isScheduleName(name) || !microseconds)
        return fail("'" + StringRef(name) + "' of '" + StringRef(conv) +
                    "' is not a schedule and its time");
      tuning.setTime(conv, name, *microseconds);
    }
  }
  return tuning;
}

void ConvTuning::write(llvm::raw_ostream &os) const {
  llvm::json::OStream json(os, 1);
  json.object([&] {
    json.attributeObject("convolutions", [&] {
      for (const auto &conv : times)
        json.attributeObject(conv.first, [&] {
          for (const auto &[schedule, microseconds] : conv.second)
            json.attribute(schedule, microseconds);
        });
    });
  });
  os << '\n';
}

std::optional<double> ConvTuning::getTime(StringRef conv, StringRef schedule) const {
  auto measured = times.find(conv.str());
  if (measured == times.end())
    return std::nullopt;
  auto time = measured->second.find(schedule.str());
  return time == measured->second.end() ? std::nullopt : std::optional(time->second);
}

void ConvTuning::setTime(StringRef conv, StringRef schedule, double microseconds) {
  times[conv.str()][schedule.str()] = microseconds;
}

size_t ConvTuning::choose(StringRef conv, llvm::ArrayRef<std::string> schedules) const {
  size_t best = 0;
  std::optional<double> bestTime = getTime(conv, schedules.front());
  if (bestTime)
    *bestTime *= kNoise;
  for (size_t i = 1; i < schedules.size(); ++i)
    if (std::optional<double> time = getTime(conv, schedules[i]);
        time && (!bestTime || *time < *bestTime)) {
      best = i;
      bestTime = time;
    }
  return best;
}
