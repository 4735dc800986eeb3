//===- Schedule.cpp - Rules for schedules and packed filters --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/IR/EpilogueBody.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace convoy::cnn;

//===----------------------------------------------------------------------===//
// Filter layouts
//===----------------------------------------------------------------------===//

/// The dimensions of a packed filter, the outermost first.
static ArrayRef<FilterDim> getDims(FilterLayout kind) {
  using D = FilterDim;
  static constexpr D tiles[] = {D::group,  D::output_tile, D::input_chunk,
                                D::kernel, D::input,       D::lane};
  static constexpr D channelwise[] = {D::output_tile, D::kernel, D::input, D::lane};
  static constexpr D inputRows[] = {D::group,      D::output_tile, D::step, D::kernel,
                                    D::step_chunk, D::lane,        D::input};
  static constexpr D winograd[] = {D::group, D::output_tile, D::product, D::input, D::lane};
  static constexpr D products[] = {D::group, D::product, D::output_tile, D::input, D::lane};
  static constexpr D compact[] = {D::group, D::output_tile, D::input, D::position, D::lane};
  static constexpr D dense[] = {D::output_tile, D::input, D::lane};
  static constexpr D dots[] = {D::group, D::output_tile, D::input_chunk, D::kernel,
                               D::dot,   D::lane,        D::input};
  static constexpr D winogradDots[] = {D::group, D::output_tile, D::product,
                                       D::dot,   D::lane,        D::input};
  static constexpr D denseDots[] = {D::output_tile, D::dot, D::lane, D::input};
  switch (kind) {
  case FilterLayout::tiles:
    return tiles;
  case FilterLayout::channelwise:
    return channelwise;
  case FilterLayout::input_rows:
    return inputRows;
  case FilterLayout::winograd:
    return winograd;
  case FilterLayout::winograd_products:
    return products;
  case FilterLayout::winograd_compact:
    return compact;
  case FilterLayout::dense:
    return dense;
  case FilterLayout::dots:
    return dots;
  case FilterLayout::winograd_dots:
    return winogradDots;
  case FilterLayout::dense_dots:
    return denseDots;
  }
  llvm_unreachable("every kind has its dimensions");
}

static bool hasDots(FilterLayout kind) {
  return llvm::is_contained(getDims(kind), FilterDim::dot);
}

bool FilterLayoutAttr::hasDots() const { return ::hasDots(getKind()); }

int64_t FilterLayoutAttr::getExtent(FilterDim dim) const {
  ArrayRef<FilterDim> dims = getDims(getKind());
  ArrayRef<int64_t> shape = getType().getShape();
  const FilterDim *found = llvm::find(dims, dim);
  if (found == dims.end())
    return 1;
  // The kernel may have several dimensions: after them, count from the end.
  bool isBehind = found > llvm::find(dims, FilterDim::kernel);
  return isBehind ? shape[shape.size() - (dims.end() - found)] : shape[found - dims.begin()];
}

ArrayRef<int64_t> FilterLayoutAttr::getKernel() const {
  ArrayRef<FilterDim> dims = getDims(getKind());
  ArrayRef<int64_t> shape = getType().getShape();
  const FilterDim *found = llvm::find(dims, FilterDim::kernel);
  if (found == dims.end())
    return {};
  return shape.slice(found - dims.begin(), shape.size() - (dims.size() - 1));
}

LogicalResult FilterLayoutAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                                       FilterLayout kind, RankedTensorType type) {
  if (!type.hasStaticShape() || llvm::is_contained(type.getShape(), 0))
    return emitError() << "a packed filter has extents of 1 or more";
  bool isDots = ::hasDots(kind);
  Type element = type.getElementType();
  bool isOfDots = element.isSignlessInteger(8) || element.isSignlessInteger(16) ||
                  (element.isBF16() && kind != FilterLayout::winograd_dots);
  if (isDots ? !isOfDots : !isa<FloatType>(element))
    return emitError() << "a packed filter of kind " << stringifyFilterLayout(kind) << " has "
                       << (isDots ? "elements of i8, i16 or bf16" : "floating-point elements");
  ArrayRef<FilterDim> dims = getDims(kind);
  bool hasKernel = llvm::is_contained(dims, FilterDim::kernel);
  int64_t rank = dims.size();
  if (hasKernel ? type.getRank() < rank : type.getRank() != rank)
    return emitError() << "a packed filter of kind " << stringifyFilterLayout(kind) << " has "
                       << rank << (hasKernel ? " or more" : "") << " dimensions, not "
                       << type.getRank();
  int64_t inputs = type.getShape().back();
  if (isDots && inputs != 2 && (inputs != 4 || !element.isInteger(8)))
    return emitError() << "a dot has two elements, or four of i8";
  return success();
}

//===----------------------------------------------------------------------===//
// Schedules
//===----------------------------------------------------------------------===//

/// Whether a kernel reads filters of this layout.
static bool reads(Algorithm algorithm, FilterLayout kind) {
  switch (algorithm) {
  case Algorithm::channelwise:
    return kind == FilterLayout::channelwise;
  case Algorithm::winograd_2x2:
    return kind == FilterLayout::winograd || kind == FilterLayout::winograd_products ||
           kind == FilterLayout::winograd_dots;
  case Algorithm::winograd_4x4:
    return kind == FilterLayout::winograd || kind == FilterLayout::winograd_products;
  case Algorithm::winograd_4x4_compact:
    return kind == FilterLayout::winograd_compact;
  case Algorithm::dense:
    return kind == FilterLayout::dense || kind == FilterLayout::dense_dots;
  case Algorithm::direct:
    return kind == FilterLayout::tiles || kind == FilterLayout::dots;
  case Algorithm::matrix_product:
    return kind == FilterLayout::tiles || kind == FilterLayout::dense;
  case Algorithm::warpgroup_product:
    return kind == FilterLayout::input_rows;
  case Algorithm::tile_product:
    return kind == FilterLayout::dots || kind == FilterLayout::dense_dots;
  case Algorithm::pixelwise:
  case Algorithm::transposed:
  case Algorithm::small_groups:
    return kind == FilterLayout::tiles;
  }
  llvm_unreachable("every algorithm reads filters");
}

LogicalResult ScheduleAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                                   Algorithm algorithm, ArrayRef<int64_t> tile, PixelSpan span,
                                   LoopOrder order, ArrayRef<int64_t> box, int64_t strip,
                                   int64_t chunk, int64_t splits, int64_t stages,
                                   int64_t warpgroups, Precision precision,
                                   FilterLayoutAttr filter, int64_t scratch) {
  auto isPositive = [](int64_t extent) { return extent > 0; };
  StringRef name = stringifyAlgorithm(algorithm);
  if (tile.size() != 3 || !llvm::all_of(tile, isPositive))
    return emitError() << "a register tile is pixels x vectors x lanes, each 1 or more";
  if (!reads(algorithm, filter.getKind()))
    return emitError() << name << " reads no filter of kind "
                       << stringifyFilterLayout(filter.getKind());
  if (filter.getExtent(FilterDim::lane) != tile[1] * tile[2])
    return emitError() << "a tile of " << tile[1] << " vectors of " << tile[2]
                       << " lanes needs as many lanes of the filter, which has "
                       << filter.getExtent(FilterDim::lane);
  bool hasBox = algorithm == Algorithm::warpgroup_product;
  if (hasBox != (box.size() == 3) || (!hasBox && !box.empty()) ||
      !llvm::all_of(box, isPositive))
    return emitError() << "a box of images x rows x columns belongs to warpgroup_product";
  bool hasStrip = isWinograd(algorithm) || (algorithm == Algorithm::tile_product &&
                                            filter.getKind() == FilterLayout::dots);
  if (hasStrip != (strip > 0) || strip < 0)
    return emitError() << "a strip belongs to Winograd's algorithms and tile_product";
  bool isCompact = algorithm == Algorithm::winograd_4x4_compact;
  if (isCompact ? chunk < 1 : chunk != 0 && algorithm != Algorithm::dense)
    return emitError() << "a chunk of filters belongs to winograd_4x4_compact and dense";
  if (splits < 1 || stages < 0 || warpgroups < 0 || scratch < 0)
    return emitError() << "splits are 1 or more; stages, warp groups and scratch memory 0 or "
                          "more";
  return success();
}

Schedule::Schedule(ScheduleAttr attr)
    : algorithm(attr.getAlgorithm()), tile(attr.getTile()), span(attr.getSpan()),
      order(attr.getOrder()), box(attr.getBox()), strip(attr.getStrip()),
      chunk(attr.getChunk()), splits(attr.getSplits()), stages(attr.getStages()),
      warpgroups(attr.getWarpgroups()), precision(attr.getPrecision()),
      filter(attr.getFilter()), scratch(attr.getScratch()) {}

ScheduleAttr Schedule::getAttr() const {
  return ScheduleAttr::get(filter.getContext(), algorithm, tile, span, order, box, strip,
                           chunk, splits, stages, warpgroups, precision, filter, scratch);
}

bool convoy::cnn::isScheduledAs(Operation *op, Algorithm algorithm) {
  auto layer = dyn_cast<ScheduledOpInterface>(op);
  ScheduleAttr schedule = layer ? layer.getScheduleAttr() : ScheduleAttr();
  return schedule && schedule.getAlgorithm() == algorithm;
}

//===----------------------------------------------------------------------===//
// Schedules of layers
//===----------------------------------------------------------------------===//

namespace {

/// Compares a layer's schedule with its shapes. `problem` is the first thing that does not
/// fit.
class Fit {
public:
  explicit Fit(ScheduleAttr schedule)
      : schedule(schedule), filter(schedule.getFilter()), kind(filter.getKind()) {}

  std::string check(Operation *op) {
    auto layer = cast<ScheduledOpInterface>(op);
    bool isBF16 = filter.getType().getElementType().isBF16();
    if (filter.hasDots() ? layer.isInteger() == isBF16 : layer.isInteger())
      fail("filters of dots belong to layers of integers and of bf16");
    else if (filter.hasDots())
      expect("inputs in a dot", FilterDim::input,
             layer.isInteger() ? layer.getDotInputs() : 2);
    if (!problem.empty())
      return problem;
    if (auto conv = dyn_cast<ConvOpInterface>(op))
      checkConv(conv);
    else
      checkDense(cast<DenseOp>(op));
    return problem;
  }

private:
  void checkConv(ConvOpInterface conv) {
    Algorithm algorithm = schedule.getAlgorithm();
    if (conv.isTransposed() != (algorithm == Algorithm::transposed) ||
        algorithm == Algorithm::dense || kind == FilterLayout::dense ||
        kind == FilterLayout::dense_dots)
      return fail((stringifyAlgorithm(algorithm) + " computes no such convolution").str());
    int64_t groups = conv.getGroups(), inputs = conv.getInputChannels() / groups;
    int64_t outputs = conv.getOutputChannels() / groups;
    bool isChannelwise = kind == FilterLayout::channelwise;
    expect("groups", FilterDim::group, isChannelwise ? 1 : groups);
    expectTiles(isChannelwise ? outputs * groups : outputs);
    ArrayRef<int64_t> kernel = conv.getWindow().getKernel();
    if (isWinograd(algorithm))
      checkWinograd(kernel);
    else if (filter.getKernel() != kernel)
      fail("the filter has another kernel");
    int64_t chunk = filter.getChunkInputs();
    int64_t chunks = filter.getExtent(FilterDim::input_chunk) *
                     filter.getExtent(FilterDim::step) *
                     filter.getExtent(FilterDim::step_chunk);
    if (chunks != int64_t(llvm::divideCeil(inputs, chunk)))
      fail(std::to_string(chunks) + " chunks of " + std::to_string(chunk) +
           " inputs do not fit " + std::to_string(inputs) + " channels");
  }

  void checkWinograd(ArrayRef<int64_t> kernel) {
    if (kernel.size() != 2 || kernel[0] != kernel[1])
      return fail("Winograd computes square kernels");
    int64_t extent = getWinogradOutputs(schedule.getAlgorithm()) + kernel[0] - 1;
    if (kind == FilterLayout::winograd_compact)
      expect("positions", FilterDim::position, kernel[0] * kernel[1]);
    else
      expect("products", FilterDim::product, extent * extent);
  }

  void checkDense(DenseOp dense) {
    Algorithm algorithm = schedule.getAlgorithm();
    if (algorithm != Algorithm::dense &&
        (algorithm != Algorithm::tile_product || kind != FilterLayout::dense_dots) &&
        (algorithm != Algorithm::matrix_product || kind != FilterLayout::dense))
      return fail((stringifyAlgorithm(algorithm) + " computes no dense layer").str());
    SmallVector<int64_t> shape = dense.getLogicalFilterShape();
    expectTiles(shape[0]);
    int64_t inputs = filter.hasDots() ? filter.getExtent(FilterDim::input) : 1;
    if (shape[1] % inputs != 0 || schedule.getChunk() % inputs != 0)
      fail("dots of " + std::to_string(inputs) +
           " inputs need a multiple of as many, in each chunk, too");
    if (filter.hasDots())
      expect("dots of inputs", FilterDim::dot, shape[1] / inputs);
    else
      expect("inputs", FilterDim::input, shape[1]);
    if (schedule.getChunk() < 0 || schedule.getChunk() > shape[1])
      fail("a chunk of " + std::to_string(schedule.getChunk()) + " inputs does not fit " +
           std::to_string(shape[1]) + " inputs");
  }

  void expectTiles(int64_t outputs) {
    expect("tiles of output channels", FilterDim::output_tile,
           llvm::divideCeil(outputs, filter.getExtent(FilterDim::lane)));
  }
  void expect(StringRef what, FilterDim dim, int64_t extent) {
    if (filter.getExtent(dim) != extent)
      fail("the filter has " + std::to_string(filter.getExtent(dim)) + " " + what.str() +
           ", the layer " + std::to_string(extent));
  }
  void fail(std::string reason) {
    if (problem.empty())
      problem = std::move(reason);
  }

  ScheduleAttr schedule;
  FilterLayoutAttr filter;
  FilterLayout kind;
  std::string problem;
};

/// The type of a layer's sums.
Type getSumType(ScheduledOpInterface layer) {
  MLIRContext *context = layer->getContext();
  return layer.isInteger() ? Type(IntegerType::get(context, 32))
                           : Type(Float32Type::get(context));
}

/// Whether the operation's ranks are right. If not, its own verifier reports it.
bool isWellFormed(ScheduledOpInterface layer) {
  auto conv = dyn_cast<ConvOpInterface>(layer.getOperation());
  int64_t rank = conv ? conv.getSpatialRank() + 2 : 2;
  return int64_t(layer.getLogicalFilterShape().size()) == rank &&
         (!conv || conv.getGroups() > 0);
}

} // namespace

LogicalResult convoy::cnn::detail::verifySchedule(Operation *op) {
  auto layer = cast<ScheduledOpInterface>(op);
  if (!layer.getScheduleAttr() || !isWellFormed(layer))
    return success();
  std::string problem = Fit(layer.getScheduleAttr()).check(op);
  if (!problem.empty())
    return op->emitOpError("has a schedule that does not fit: ") << problem;
  return success();
}

//===----------------------------------------------------------------------===//
// Regions of epilogues
//===----------------------------------------------------------------------===//

/// Whether vectors of `type` have as many lanes as vectors of sums.
static bool fitsLanes(Type type) {
  return type.isIntOrFloat() && type.getIntOrFloatBitWidth() <= 32;
}

bool convoy::cnn::isEpilogueElement(Type element) {
  return fitsLanes(element) && element.getIntOrFloatBitWidth() >= 8;
}

std::optional<TableLookup> TableLookup::get(Operation *op) {
  auto extract = dyn_cast<vector::ExtractOp>(op);
  DenseElementsAttr table;
  if (!extract || extract.getSourceVectorType().getRank() != 1 ||
      extract.getDynamicPosition().size() != 1 ||
      !matchPattern(extract.getSource(), m_Constant(&table)))
    return std::nullopt;
  auto index = extract.getDynamicPosition()[0].getDefiningOp<arith::IndexCastOp>();
  if (!index || !index.getIn().getType().isInteger(32))
    return std::nullopt;
  return TableLookup{table, index.getIn()};
}

std::optional<ByteTable> ByteTable::get(DenseElementsAttr values) {
  std::vector<int64_t> numbers;
  if (values.getElementType().isInteger(8)) {
    for (const APInt &value : values.getValues<APInt>())
      numbers.push_back(int64_t(value.getZExtValue()));
  } else if (values.getElementType().isF32()) {
    for (float value : values.getValues<float>()) {
      // -0.0 is no integer.
      if (!(std::abs(value) < float(1 << 20)) || value != std::trunc(value) ||
          (value == 0 && std::signbit(value)))
        return std::nullopt;
      numbers.push_back(int64_t(value));
    }
  } else {
    return std::nullopt;
  }
  auto [least, most] = std::minmax_element(numbers.begin(), numbers.end());
  ByteTable table;
  table.low = *least >= 0 && *most <= 255 ? 0 : *least;
  if (numbers.size() > table.bytes.size() || *most - table.low > 255)
    return std::nullopt;
  for (auto [byte, number] : llvm::zip(table.bytes, numbers))
    byte = uint8_t(number - table.low);
  return table;
}

bool convoy::cnn::isEpilogueBody(Block &body) {
  auto isLookup = [](Operation *op) { return TableLookup::get(op).has_value(); };
  return llvm::all_of(body.without_terminator(), [&](Operation &op) {
    if (isLookup(&op))
      return fitsLanes(op.getResult(0).getType());
    if (isa<arith::IndexCastOp>(op))
      return llvm::all_of(op.getUsers(), isLookup);
    return OpTrait::hasElementwiseMappableTraits(&op) &&
           llvm::all_of(op.getOperandTypes(), fitsLanes) &&
           llvm::all_of(op.getResultTypes(), fitsLanes);
  });
}

bool convoy::cnn::isEpilogueMap(AffineMap map) {
  if (map.isIdentity())
    return true;
  unsigned last = map.getNumDims() - 1;
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr);
        constant && constant.getValue() == 0)
      continue;
    auto dim = dyn_cast<AffineDimExpr>(expr);
    bool isLast = dim && dim.getPosition() == last;
    if (!dim || (isLast ? i + 1 != map.getNumResults() : dim.getPosition() > 1))
      return false;
  }
  return true;
}

/// What is wrong with the map of an input; empty if nothing is.
static std::string whyNotRead(AffineMap map, ArrayRef<int64_t> result, ShapedType input) {
  if (map.getNumDims() != result.size() || map.getNumResults() != input.getRank())
    return "does not lead from the result to the input";
  if (map.getNumSymbols() != 0 || !isEpilogueMap(map))
    return "is none that kernels can follow";
  for (auto [expr, extent] : llvm::zip_equal(map.getResults(), input.getShape()))
    if (auto dim = dyn_cast<AffineDimExpr>(expr);
        dim ? result[dim.getPosition()] != extent : extent < 1)
      return "does not fit the extents of the input";
  return "";
}

LogicalResult convoy::cnn::detail::verifyEpilogueRegion(Operation *op) {
  auto layer = cast<EpilogueRegionOpInterface>(op);
  ArrayAttr maps = layer.getEpilogueMapsAttr();
  OperandRange inputs = layer.getEpilogueInputs();
  if (!layer.hasEpilogueRegion())
    return maps || !inputs.empty()
               ? op->emitOpError("has inputs of an epilogue's region, but no region")
               : success();
  Region &region = layer.getEpilogue();
  if (!region.hasOneBlock() ||
      !isa_and_nonnull<YieldOp>(region.front().empty() ? nullptr : &region.front().back()))
    return op->emitOpError("has a region that is not one block that ends with cnn.yield");
  if (!layer.takesEpilogueRegion())
    return op->emitOpError("has a region, but no schedule for a kernel that runs it");
  if (!maps || maps.size() != inputs.size() || region.getNumArguments() != inputs.size() + 1)
    return op->emitOpError("needs a map and an argument of the region for each of the ")
           << inputs.size() << " inputs of the region";
  Type sum = getSumType(layer);
  if (region.getArgument(0).getType() != sum)
    return op->emitOpError("has a region that begins with ")
           << region.getArgument(0).getType() << ", but computes " << sum;
  auto result = cast<DestinationOpInterface>(op).getOutputType();
  for (auto [i, input] : llvm::enumerate(inputs)) {
    auto type = cast<ShapedType>(input.getType());
    if (region.getArgument(i + 1).getType() != type.getElementType())
      return op->emitOpError("has a region whose argument ")
             << i + 1 << " is not of the elements of its input, " << type.getElementType();
    auto map = cast<AffineMapAttr>(maps[i]).getValue();
    std::string problem = whyNotRead(map, result.getShape(), type);
    if (!problem.empty())
      return op->emitOpError("has a map ") << maps[i] << ", which " << problem;
  }
  for (Operation &inner : region.front())
    for (Value operand : inner.getOperands())
      if (Operation *definition = operand.getDefiningOp();
          operand.getParentRegion() != &region &&
          !(definition && definition->hasTrait<OpTrait::ConstantLike>()))
        return op->emitOpError(
            "has a region that uses a value from outside that is no constant");
  auto yield = cast<YieldOp>(region.front().back());
  if (!isEpilogueBody(region.front()) ||
      !llvm::all_of(region.getArgumentTypes(), isEpilogueElement) ||
      !isEpilogueElement(yield.getValue().getType()))
    return op->emitOpError("has a region that kernels cannot run on vectors");
  if (yield.getValue().getType() != result.getElementType())
    return op->emitOpError("has a region that yields ")
           << yield.getValue().getType() << ", but a result of " << result.getElementType();
  return success();
}

std::string convoy::cnn::whyNotPacked(Operation *op) {
  auto layer = dyn_cast<ScheduledOpInterface>(op);
  if (!layer)
    return "";
  ScheduleAttr schedule = layer.getScheduleAttr();
  if (!schedule)
    return "it has no schedule, which cnn-select-algorithm gives";
  std::string problem;
  llvm::raw_string_ostream os(problem);
  auto filter = cast<ShapedType>(layer.getFilter().getType());
  RankedTensorType named = schedule.getFilter().getType();
  if (!layer.isPacked())
    os << "its filter is not packed, which cnn-pack-weights does";
  else if (filter.getShape() != named.getShape() ||
           filter.getElementType() != named.getElementType())
    os << "its filter is " << filter << ", but its schedule names " << schedule.getFilter();
  else if (Value bias = layer.getBias()) {
    auto type = cast<ShapedType>(bias.getType());
    int64_t size = schedule.getFilter().getBiasSize();
    Type element = getSumType(layer);
    if (type.getRank() != 1 || type.getDimSize(0) != size || type.getElementType() != element)
      os << "its bias is " << type << ", but its schedule needs " << size << " " << element;
  }
  return problem;
}
