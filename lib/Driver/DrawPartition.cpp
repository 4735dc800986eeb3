//===- DrawPartition.cpp - The devices' columns as SVG --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// After the figure of Krizhevsky et al. 2012: a column for each device, from the first
// layer at the top to the last one, and lines where data crosses between columns.
//
//===----------------------------------------------------------------------===//

#include "Format.h"
#include "Inspect.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace convoy;
using namespace convoy::driver;
using llvm::ArrayRef;
using llvm::StringRef;

namespace {

// In pixels.
constexpr int kNameWidth = 130, kColumnWidth = 210, kBoxWidth = 175, kBoxHeight = 26;
constexpr int kGap = 12, kCrossingHeight = 44, kTop = 37;

class Drawing {
public:
  Drawing(llvm::raw_ostream &os, int64_t devices) : os(os), devices(devices) {}

  void draw(StringRef model, ArrayRef<PartitionedLayer> layers);

private:
  static std::string escape(StringRef text) {
    std::string result;
    llvm::raw_string_ostream stream(result);
    llvm::printHTMLEscaped(text, stream);
    return result;
  }
  int getCentre(int64_t device) const {
    return kNameWidth + int(device) * kColumnWidth + kColumnWidth / 2;
  }
  void text(int x, int y, StringRef anchor, StringRef content, StringRef style = "") {
    os << llvm::formatv("<text x=\"{0}\" y=\"{1}\" text-anchor=\"{2}\"{3}>{4}</text>\n", x, y,
                        anchor, style, escape(content));
  }
  void line(int x1, int y1, int x2, int y2, StringRef style) {
    os << llvm::formatv("<line x1=\"{0}\" y1=\"{1}\" x2=\"{2}\" y2=\"{3}\" class=\"{4}\"/>\n",
                        x1, y1, x2, y2, style);
  }
  void drawCrossing(const PartitionedLayer &layer, int y);
  void drawBoxes(const PartitionedLayer &layer, int y);

  llvm::raw_ostream &os;
  int64_t devices;
};

std::string getPartText(const PartitionedLayer &layer, int64_t device) {
  return layer.kind + "  " + joinShape(layer.shapes[device]);
}

/// Draws lines between all columns for a gather or a sum, between neighbours for a halo.
void Drawing::drawCrossing(const PartitionedLayer &layer, int y) {
  int end = y + kCrossingHeight;
  for (int64_t from = 0; from < devices; ++from)
    for (int64_t to = 0; to < devices; ++to)
      if (from == to || !layer.needsHalo || std::abs(from - to) == 1)
        line(getCentre(from), y, getCentre(to), end,
             from == to ? "flow" : (layer.needsHalo ? "halo" : "crossing"));
  text(kNameWidth - 8, y + kCrossingHeight / 2 + 4, "end", formatBytes(layer.traffic.total),
       " class=\"note\"");
}

void Drawing::drawBoxes(const PartitionedLayer &layer, int y) {
  text(kNameWidth - 8, y + kBoxHeight / 2 + 4, "end", layer.name);
  for (int64_t device = 0; device < devices; ++device) {
    os << llvm::formatv("<rect x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{3}\" rx=\"4\" "
                        "class=\"{4}\"/>\n",
                        getCentre(device) - kBoxWidth / 2, y, kBoxWidth, kBoxHeight,
                        layer.factor.empty() ? "whole" : "part");
    text(getCentre(device), y + kBoxHeight / 2 + 4, "middle", getPartText(layer, device));
  }
}

void Drawing::draw(StringRef model, ArrayRef<PartitionedLayer> layers) {
  int height = kTop + 10;
  for (const PartitionedLayer &layer : layers)
    height += kBoxHeight + (layer.traffic.total ? kCrossingHeight : kGap);
  int width = kNameWidth + int(devices) * kColumnWidth + 10;
  os << llvm::formatv("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
                      "font-family=\"sans-serif\" font-size=\"12\">\n",
                      width, height)
     << "<style>.part{fill:#cfe3ff;stroke:#3569b2}.whole{fill:#eee;stroke:#888}"
        ".flow{stroke:#bbb}.crossing{stroke:#c0392b;stroke-width:1.5}"
        ".halo{stroke:#c0392b;stroke-dasharray:3 3}.note{fill:#c0392b}</style>\n"
     << "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  text(kNameWidth - 8, 24, "end", llvm::sys::path::stem(model), " font-weight=\"bold\"");
  for (int64_t device = 0; device < devices; ++device)
    text(getCentre(device), 24, "middle", "device " + std::to_string(device),
         " font-weight=\"bold\"");
  int y = kTop;
  for (const PartitionedLayer &layer : layers) {
    bool isFirst = &layer == &layers.front();
    if (layer.traffic.total) {
      drawCrossing(layer, y);
      y += kCrossingHeight;
    } else if (!isFirst) {
      for (int64_t device = 0; device < devices; ++device)
        line(getCentre(device), y, getCentre(device), y + kGap, "flow");
      y += kGap;
    }
    if (layer.isResults) {
      text(getCentre(0), y + 16, "middle", "results");
      continue;
    }
    drawBoxes(layer, y);
    y += kBoxHeight;
  }
  os << "</svg>\n";
}

} // namespace

void convoy::driver::drawPartition(llvm::raw_ostream &os, StringRef model,
                                   const PartitionedLayers &partition) {
  Drawing(os, partition.devices).draw(model, partition.layers);
}
