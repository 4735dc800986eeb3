//===- BenchReport.cpp - Output of convoy bench ---------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BenchReport.h"

#include "Format.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace convoy::driver;
using llvm::StringRef;

static std::string formatNumber(const char *format, double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format(format, value);
  return text;
}

void convoy::driver::printText(const Report &report) {
  llvm::raw_ostream &os = llvm::outs();
  os << llvm::format("min %.3f ms  median %.3f ms  mean %.3f ms", report.getMin(),
                     report.getMedian(), report.getMean());
  os << "  (" << report.runs.size() << (report.runs.size() == 1 ? " run, " : " runs, ")
     << (report.gpu.empty()
             ? std::to_string(report.threads) + (report.threads == 1 ? " thread" : " threads")
             : report.gpu)
     << ")\n";
  if (report.layers.empty())
    return;
  double total = 0;
  bool hasMacs = false;
  for (const LayerTime &layer : report.layers) {
    total += layer.milliseconds;
    hasMacs |= layer.macs != 0;
  }
  std::vector<std::vector<std::string>> rows = {{"layer", "", "ms", "percent"}};
  bool hasPeak = hasMacs && report.peakGigaflops > 0;
  if (hasMacs)
    rows.front().push_back("GFLOP/s");
  if (hasPeak)
    rows.front().push_back("of peak");
  auto addRow = [&](StringRef name, double milliseconds, double gigaflops) {
    rows.push_back({name.str(), "", formatNumber("%.3f", milliseconds),
                    formatNumber("%.1f", total > 0 ? 100 * milliseconds / total : 0)});
    if (hasMacs)
      rows.back().push_back(gigaflops > 0 ? formatNumber("%.1f", gigaflops) : "");
    if (hasPeak)
      rows.back().push_back(
          gigaflops > 0 ? formatNumber("%.0f %%", 100 * gigaflops / report.peakGigaflops)
                        : "");
  };
  LayerTime sum;
  for (const LayerTime &layer : report.layers) {
    addRow(layer.name, layer.milliseconds, layer.getGigaflops());
    sum.milliseconds += layer.milliseconds;
    sum.macs += layer.macs;
  }
  addRow("total", sum.milliseconds, sum.getGigaflops());
  os << '\n';
  printTable(rows);
  if (hasPeak)
    os << llvm::format("\npeak: %.0f GFLOP/s of multiply-adds in registers; Winograd's "
                       "algorithm needs fewer and may exceed it\n",
                       report.peakGigaflops);
}

void convoy::driver::printJSON(const Report &report, StringRef model) {
  llvm::json::OStream json(llvm::outs(), 1);
  auto number = [&](StringRef key, double value) {
    json.attributeBegin(key);
    json.rawValue(formatNumber("%.6f", value));
    json.attributeEnd();
  };
  json.object([&] {
    json.attribute("model", llvm::json::fixUTF8(model));
    if (report.gpu.empty())
      json.attribute("threads", report.threads);
    else
      json.attribute("gpu", report.gpu);
    json.attribute("runs", int64_t(report.runs.size()));
    number("min_ms", report.getMin());
    number("median_ms", report.getMedian());
    number("mean_ms", report.getMean());
    if (report.peakGigaflops > 0)
      number("peak_gflops", report.peakGigaflops);
    if (!report.layers.empty())
      json.attributeArray("layers", [&] {
        for (const LayerTime &layer : report.layers)
          json.object([&] {
            json.attribute("name", llvm::json::fixUTF8(layer.name));
            number("ms", layer.milliseconds);
            if (layer.macs)
              number("gflops", layer.getGigaflops());
          });
      });
  });
  llvm::outs() << '\n';
}
