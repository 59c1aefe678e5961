import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// Finds elements of a tensor among keys: integers, floats or strings. Of equal keys the last counts; NaN is equal to
/// NaN.
struct KeyTable: Sendable {
  /// int64, double or string: what is looked up is converted to this.
  let dtype: DType
  private let table: Tensor
  /// The keys, whose places are theirs here, where words do not tell them apart.
  private let texts: Tensor?

  init(_ given: Tensor) throws(MaasError) {
    dtype = given.dtype == .string ? .string : DType.floats.contains(given.dtype) ? .double : .int64
    let keys = try aligned(try cast(given, to: dtype))
    table = try WordTable.memory(keys.count)
    texts = dtype == .string ? try keys.copied() : nil
    let words = WordTable(table, texts: texts)
    for i in 0..<keys.count {
      let word = WordTable.word(dtype, keys.bytes, i)
      words.slot(word, texts?.stringElements.texts.map { $0 + i }).pointee = maas_key(
        word: word, place: Int64(i))
    }
  }

  /// The place of each element, -1 for those that are no key. The tensor must be of the table's type.
  func places(_ x: Tensor) -> [Int] {
    var places = [Int64](repeating: -1, count: x.count)
    places.withUnsafeMutableBufferPointer { places in
      if let places = places.baseAddress {
        WordTable(table, texts: texts).find(dtype, x.bytes, 0..<x.count, places)
      }
    }
    return places.map { Int($0) }
  }

  /// What becomes of the places of elements; -1 for those that are no key.
  enum Use {
    /// The place itself.
    case place
    /// The value at the place, the last one for no key.
    case value(Tensor)
    /// A row with one at the place, zeros elsewhere.
    case row(width: Int)
  }

  /// Emits what is to become of the place of each element of x. Data without a key may be refused.
  func emit(
    _ node: inout Lowering, _ x: Operand, _ use: Use, refuses: Bool = false, to y: Operand
  ) throws(MaasError) {
    let x = dtype == .double && x.dtype == .float ? x : try node.converted(x, dtype)
    var params = LookupParams(mask: WordTable.mask(table.count), refuses: refuses)
    var (keys, values): (Operand?, Operand?)
    if let texts { keys = try node.constant(texts) }
    switch use {
    case .place: break
    case .value(let tensor):
      params.width = tensor.dtype.byteWidth
      params.missing = Int64(tensor.count - 1)
      values = try node.constant(tensor)
    case .row(let width): params.columns = width
    }
    node.emit(
      { lookUp(Chunk($0, $1, $2, $3)) }, [x, try node.constant(table), keys, values, y], params,
      dtype: x.dtype,
      items: x.count, grain: grain(nanoseconds: dtype == .string ? 20 : 5 + params.columns / 8))
  }
}

private struct LookupParams {
  let mask: Int
  let refuses: Bool
  /// The place of what is no key.
  var missing: Int64 = -1
  /// Bytes of a value; 0 where there are none.
  var width = 0
  /// Of the rows; 0 where there are none.
  var columns = 0
}

/// Elements whose places are found at once.
private let blockSize = 256

/// x, the table, the keys if they are strings, the values if there are some, y.
private func lookUp(_ chunk: Chunk) -> Int32 {
  withUnsafeTemporaryAllocation(of: Int64.self, capacity: blockSize) { block in
    guard let places = block.baseAddress else { return StepStatus.ok }
    for begin in stride(from: chunk.begin, to: chunk.end, by: blockSize) {
      let status = lookUp(chunk, begin..<min(begin + blockSize, chunk.end), places)
      if status != StepStatus.ok { return status }
    }
    return StepStatus.ok
  }
}

private func lookUp(_ chunk: Chunk, _ range: Range<Int>, _ places: UnsafeMutablePointer<Int64>) -> Int32 {
  let params = chunk.params(LookupParams.self).pointee
  let words = WordTable(
    chunk.output(1, as: UInt8.self), mask: params.mask, texts: chunk.address(2),
    missing: params.missing)
  words.find(
    DType(rawValue: chunk.step.pointee.dtype) ?? .int64, chunk.input(0, as: UInt8.self), range, places)
  for i in 0..<(params.refuses ? range.count : 0) where places[i] < 0 {
    chunk.worker.pointee.failure.0 = Int64(range.lowerBound + i)
    return StepStatus.key
  }
  let (count, y) = (range.count, chunk.output(4, as: UInt8.self))
  if params.columns > 0 {
    maas_set_rows(
      places, Int64(count), Int64(params.columns),
      chunk.output(4, as: Float.self) + range.lowerBound * params.columns)
  } else if params.width > 0 {
    maas_take(
      chunk.address(3), Int64(params.width), places, Int64(count), y + range.lowerBound * params.width)
  } else {
    maas_sys_copy(y + range.lowerBound * 8, places, count * 8)
  }
  return StepStatus.ok
}

extension AttributeReader {
  /// The elements of the one of two attributes that is there.
  mutating func keys(_ ints: String, _ strings: String) throws(MaasError) -> Tensor {
    let (numbers, texts) = (try self.ints(ints) ?? [], try byteStrings(strings) ?? [])
    guard numbers.isEmpty != texts.isEmpty else {
      throw MaasError(.invalidModel, "one of the attributes '\(ints)' and '\(strings)' must have elements")
    }
    return numbers.isEmpty ? try Tensor([texts.count], strings: texts) : try int64s(numbers)
  }
}

/// A list of numbers.
@inline(never)
func int64s(_ numbers: [Int]) throws(MaasError) -> Tensor {
  try Tensor(.int64, [numbers.count], numbers.map { Int64($0) })
}
