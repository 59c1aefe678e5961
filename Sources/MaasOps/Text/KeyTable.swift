import CMaasSystem
import MaasCore
import MaasGraph

/// Finds elements of a tensor among keys: integers, floats or strings. Of equal keys the last counts; NaN is equal to NaN.
struct KeyTable: Sendable {
  /// int64, double or string: what is looked up is converted to this.
  let dtype: DType
  private let table: Tensor
  /// The keys, whose places are theirs here, where words do not tell them apart.
  private let texts: Tensor?

  init(_ given: Tensor) throws(MaasError) {
    dtype = given.dtype == .string ? .string : DType.floats.contains(given.dtype) ? .double : .int64
    let keys = try cast(given, to: dtype)
    table = try WordTable.memory(keys.count)
    texts = dtype == .string ? try keys.copied() : nil
    let words = WordTable(table)
    for i in 0..<keys.count {
      let slot = find(words, dtype, keys.bytes, i, texts?.bytes)
      slot.pointee = WordTable.Pair(word: word(dtype, keys.bytes, i), place: i)
    }
  }

  /// The place of each element, -1 for those that are no key. The tensor must be of the table's type.
  func places(_ x: Tensor) -> [Int] {
    let words = WordTable(table)
    return (0..<x.count).map { find(words, dtype, x.bytes, $0, texts?.bytes).pointee.place }
  }

  /// Emits the place of each element of x, an int64 tensor; `missing` is the place of those that are no key, nil where
  /// the data are refused.
  func emit(_ node: inout Lowering, _ x: Operand, missing: Int?) throws(MaasError) -> Operand {
    let x = try node.converted(x, dtype)
    let places = try node.temporary(.int64, x.shape)
    let params = LookupParams(
      mask: WordTable.mask(table.count), missing: missing ?? 0, refuses: missing == nil)
    var texts: Operand?
    if let keys = self.texts { texts = try node.constant(keys) }
    node.emit(
      runLookup, [x, try node.constant(table), texts, places], params, dtype: dtype, items: x.count,
      grain: grain(nanoseconds: dtype == .string ? 40 : 10))
    return places
  }
}

private struct LookupParams {
  let mask: Int
  let missing: Int
  let refuses: Bool
}

/// x, the table, the keys if they are strings, places.
private let runLookup: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let params = chunk.params(LookupParams.self).pointee
  let dtype = DType(rawValue: chunk.step.pointee.dtype) ?? .int64
  let words = WordTable(chunk.output(1, as: UInt8.self), mask: params.mask)
  let (x, keys, places) = (chunk.input(0, as: UInt8.self), chunk.address(2), chunk.output(3, as: Int64.self))
  var status = StepStatus.ok
  for i in chunk.begin..<chunk.end {
    let place = find(words, dtype, x, i, keys).pointee.place
    places[i] = Int64(place < 0 ? params.missing : place)
    if place < 0, params.refuses {
      chunk.worker.pointee.failure.0 = Int64(i)
      status = StepStatus.key
    }
  }
  return status
}

/// Where element i of x is in the table.
private func find(
  _ words: WordTable, _ dtype: DType, _ x: UnsafeRawPointer, _ i: Int, _ texts: UnsafeRawPointer?
) -> UnsafeMutablePointer<WordTable.Pair> {
  let word = word(dtype, x, i)
  guard let keys = texts?.assumingMemoryBound(to: StringElement.self) else { return words.slot(word) }
  let text = x.assumingMemoryBound(to: StringElement.self)[i]
  return words.slot(word) { keys[$0] == text }
}

private func word(_ dtype: DType, _ x: UnsafeRawPointer, _ i: Int) -> UInt64 {
  switch dtype {
  case .string: x.assumingMemoryBound(to: StringElement.self)[i].hash
  case .double: x.loadUnaligned(fromByteOffset: 8 * i, as: Double.self).word
  default: x.loadUnaligned(fromByteOffset: 8 * i, as: UInt64.self)
  }
}

extension AttributeReader {
  /// The elements of the one of two attributes that is there.
  mutating func keys(_ ints: String, _ strings: String) throws(MaasError) -> Tensor {
    let (numbers, texts) = (try self.ints(ints) ?? [], try self.strings(strings) ?? [])
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
