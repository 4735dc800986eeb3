//===- WeightsObject.cpp - Weights in an object file ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Target/WeightsObject.h"

#include "WeightsLimits.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Object/ELFTypes.h"

#include <array>
#include <cstring>
#include <tuple>

using namespace convoy;
using ELFT = llvm::object::ELF64LE;

static constexpr uint64_t kPageSize = 4096;

//===----------------------------------------------------------------------===//
// Content of the section
//===----------------------------------------------------------------------===//

static void writeRepeated(llvm::raw_ostream &os, llvm::ArrayRef<char> element, int64_t count) {
  llvm::SmallVector<char, 0> chunk;
  int64_t perChunk =
      std::max<int64_t>(1, std::min<int64_t>(count, (64 << 10) / element.size()));
  for (int64_t i = 0; i < perChunk; ++i)
    llvm::append_range(chunk, element);
  for (; count >= perChunk; count -= perChunk)
    os.write(chunk.data(), chunk.size());
  os.write(chunk.data(), count * element.size());
}

static void writeZeros(llvm::raw_ostream &os, int64_t count) {
  if (count > 0)
    writeRepeated(os, '\0', count);
}

static llvm::Error writeElements(llvm::raw_ostream &os, mlir::ElementsAttr elements) {
  mlir::ShapedType type = elements.getShapedType();
  int64_t count = type.getNumElements();
  bool isBool = type.getElementType().isInteger(1);
  int64_t size = count * (isBool ? 1 : type.getElementTypeBitWidth() / 8);

  if (auto dense = mlir::dyn_cast<mlir::DenseElementsAttr>(elements)) {
    if (isBool) {
      // Read bools one by one, because the attribute may store them as packed bits.
      for (bool value : dense.getValues<bool>())
        os << char(value);
    } else if (dense.isSplat()) {
      writeRepeated(os, dense.getRawData(), count);
    } else {
      os.write(dense.getRawData().data(), size);
    }
    return llvm::Error::success();
  }
  auto resource = mlir::cast<mlir::DenseResourceElementsAttr>(elements);
  mlir::AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  if (!blob || int64_t(blob->getData().size()) != size)
    return llvm::createStringError("weights '" + resource.getRawHandle().getKey() +
                                   "' are missing or of the wrong size");
  os.write(blob->getData().data(), size);
  return llvm::Error::success();
}

namespace {
struct WeightsEntry {
  int64_t offset;
  int64_t size;
  mlir::ElementsAttr elements;
};
} // namespace

/// The entries, sorted by offset. Fails if they overlap or exceed `size` bytes.
static llvm::Expected<llvm::SmallVector<WeightsEntry>> readEntries(mlir::ArrayAttr weights,
                                                                   int64_t size) {
  llvm::SmallVector<WeightsEntry> entries;
  for (mlir::Attribute attr : weights) {
    auto entry = mlir::dyn_cast<mlir::DictionaryAttr>(attr);
    auto offset = entry ? entry.getAs<mlir::IntegerAttr>("offset") : nullptr;
    auto elements = entry ? entry.getAs<mlir::ElementsAttr>("value") : nullptr;
    if (!offset ||
        !mlir::isa_and_nonnull<mlir::DenseElementsAttr, mlir::DenseResourceElementsAttr>(
            elements))
      return llvm::createStringError(
          "an entry of 'cnn.weights' has no offset or no dense value");
    mlir::Type type = elements.getElementType();
    if (!type.isIntOrFloat() || (type.getIntOrFloatBitWidth() % 8 != 0 && !type.isInteger(1)))
      return llvm::createStringError(
          "an entry of 'cnn.weights' has an unsupported element type");
    int64_t bytes =
        elements.getShapedType().getNumElements() * ((type.getIntOrFloatBitWidth() + 7) / 8);
    entries.push_back({offset.getInt(), bytes, elements});
  }
  llvm::sort(entries, [](const WeightsEntry &a, const WeightsEntry &b) {
    return std::tie(a.offset, a.size) < std::tie(b.offset, b.size);
  });
  int64_t end = 0;
  for (const WeightsEntry &entry : entries) {
    if (entry.offset < end || entry.offset > size || entry.size > size - entry.offset)
      return llvm::createStringError(
          "entries of 'cnn.weights' overlap or exceed 'cnn.weights_size'");
    end = entry.offset + entry.size;
  }
  return entries;
}

llvm::Error convoy::writeWeights(llvm::raw_ostream &os, mlir::ArrayAttr weights,
                                 int64_t size) {
  llvm::Expected<llvm::SmallVector<WeightsEntry>> entries = readEntries(weights, size);
  if (!entries)
    return entries.takeError();
  int64_t at = 0;
  for (const WeightsEntry &entry : *entries) {
    writeZeros(os, entry.offset - at);
    if (llvm::Error error = writeElements(os, entry.elements))
      return error;
    at = entry.offset + entry.size;
  }
  writeZeros(os, size - at);
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// The object file around it
//===----------------------------------------------------------------------===//

template <typename T> static void writeStruct(llvm::raw_ostream &os, const T &value) {
  os.write(reinterpret_cast<const char *>(&value), sizeof(value));
}

namespace {

enum SectionNumber { Null, Weights, Symbols, Strings, SectionNames, Stack, NumSections };

constexpr char kStrings[] = "\0convoy_weights";
constexpr char kSectionNames[] =
    "\0.convoy.weights\0.symtab\0.strtab\0.shstrtab\0.note.GNU-stack";

/// Offsets in the file: header, weights, symbols, both string tables, section headers.
struct ObjectLayout {
  explicit ObjectLayout(int64_t weightsBytes)
      : size(weightsBytes), weights(kPageSize), symbols(llvm::alignTo(weights + size, 8)),
        strings(symbols + 2 * sizeof(ELFT::Sym)), names(strings + sizeof(kStrings)),
        namesEnd(names + sizeof(kSectionNames)), headers(llvm::alignTo(namesEnd, 8)) {}

  uint64_t size; ///< Bytes of the weights.
  uint64_t weights, symbols, strings, names, namesEnd, headers;
};

} // namespace

static ELFT::Ehdr makeHeader(const ObjectLayout &layout, bool isX86) {
  ELFT::Ehdr header;
  std::memset(&header, 0, sizeof(header));
  std::memcpy(header.e_ident, llvm::ELF::ElfMagic, 4);
  header.e_ident[llvm::ELF::EI_CLASS] = llvm::ELF::ELFCLASS64;
  header.e_ident[llvm::ELF::EI_DATA] = llvm::ELF::ELFDATA2LSB;
  header.e_ident[llvm::ELF::EI_VERSION] = llvm::ELF::EV_CURRENT;
  header.e_type = llvm::ELF::ET_REL;
  header.e_machine = isX86 ? llvm::ELF::EM_X86_64 : llvm::ELF::EM_AARCH64;
  header.e_version = llvm::ELF::EV_CURRENT;
  header.e_shoff = layout.headers;
  header.e_ehsize = sizeof(ELFT::Ehdr);
  header.e_shentsize = sizeof(ELFT::Shdr);
  header.e_shnum = NumSections;
  header.e_shstrndx = SectionNames;
  return header;
}

static std::array<ELFT::Shdr, NumSections> makeSections(const ObjectLayout &layout,
                                                        bool isX86) {
  std::array<ELFT::Shdr, NumSections> sections;
  std::memset(sections.data(), 0, sizeof(sections));
  llvm::StringRef names(kSectionNames, sizeof(kSectionNames));
  auto setSection = [&](unsigned index, llvm::StringRef name, uint32_t type, uint64_t offset,
                        uint64_t bytes, uint64_t alignment) {
    sections[index].sh_name = names.find(name);
    sections[index].sh_type = type;
    sections[index].sh_offset = offset;
    sections[index].sh_size = bytes;
    sections[index].sh_addralign = alignment;
  };
  using namespace llvm::ELF;
  setSection(Weights, ".convoy.weights", SHT_PROGBITS, layout.weights, layout.size, kPageSize);
  sections[Weights].sh_flags =
      SHF_ALLOC | (isX86 && int64_t(layout.size) > kFarWeights ? SHF_X86_64_LARGE : 0u);
  setSection(Symbols, ".symtab", SHT_SYMTAB, layout.symbols, 2 * sizeof(ELFT::Sym), 8);
  sections[Symbols].sh_link = Strings;
  sections[Symbols].sh_info = 1; // Index of the first global symbol.
  sections[Symbols].sh_entsize = sizeof(ELFT::Sym);
  setSection(Strings, ".strtab", SHT_STRTAB, layout.strings, sizeof(kStrings), 1);
  setSection(SectionNames, ".shstrtab", SHT_STRTAB, layout.names, names.size(), 1);
  setSection(Stack, ".note.GNU-stack", SHT_PROGBITS, layout.namesEnd, 0, 1);
  return sections;
}

/// The null symbol, and the one by which code finds the weights.
static std::array<ELFT::Sym, 2> makeSymbols(const ObjectLayout &layout) {
  std::array<ELFT::Sym, 2> symbols;
  std::memset(symbols.data(), 0, sizeof(symbols));
  symbols[1].st_name = 1;
  symbols[1].setBindingAndType(llvm::ELF::STB_GLOBAL, llvm::ELF::STT_OBJECT);
  symbols[1].setVisibility(llvm::ELF::STV_HIDDEN);
  symbols[1].st_shndx = Weights;
  symbols[1].st_size = layout.size;
  return symbols;
}

llvm::Error convoy::writeWeightsObject(llvm::raw_ostream &os, const llvm::Triple &triple,
                                       mlir::ArrayAttr weights, int64_t size) {
  if (!triple.isOSBinFormatELF() ||
      (triple.getArch() != llvm::Triple::x86_64 && triple.getArch() != llvm::Triple::aarch64))
    return llvm::createStringError("weights cannot be written for " + triple.str());
  bool isX86 = triple.getArch() == llvm::Triple::x86_64;
  ObjectLayout layout(size);

  writeStruct(os, makeHeader(layout, isX86));
  writeZeros(os, layout.weights - sizeof(ELFT::Ehdr));
  if (llvm::Error error = writeWeights(os, weights, size))
    return error;
  writeZeros(os, layout.symbols - layout.weights - size);
  writeStruct(os, makeSymbols(layout));
  writeStruct(os, kStrings);
  writeStruct(os, kSectionNames);
  writeZeros(os, layout.headers - layout.namesEnd);
  writeStruct(os, makeSections(layout, isX86));
  return llvm::Error::success();
}
