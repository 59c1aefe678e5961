import MaasCore
import MaasGraph

extension Inference {
  /// The shape that inputs broadcast to; nil when the rank of one is unknown.
  func broadcastShape(_ indices: Range<Int>) throws(MaasError) -> [Dim]? {
    var result: [Dim] = []
    for i in indices {
      guard let shape = try shape(i) else { return nil }
      result = try broadcast(result, shape)
    }
    return result
  }

  /// The elements of an element-wise result, where those of all inputs are followed and `rule` can tell.
  func followed(_ indices: Range<Int>, _ rule: ([Dim]) -> Dim?) throws(MaasError) -> [Dim]? {
    var lists: [[Dim]] = []
    for i in indices {
      let fact = try input(i)
      guard let dims = fact.dims, let rank = fact.shape?.rank, rank <= 1 else { return nil }
      lists.append(dims)
    }
    let count = lists.reduce(1) { $1.count == 1 ? $0 : $1.count }
    guard lists.allSatisfy({ $0.count == count || $0.count == 1 }) else { return nil }
    var result: [Dim] = []
    for i in 0..<count {
      guard let dim = rule(lists.map { $0.count == 1 ? $0[0] : $0[i] }) else { return nil }
      result.append(dim)
    }
    return result
  }

  /// The elements of an input of rank 0 or 1, where they are followed.
  func followedList(_ i: Int) throws(MaasError) -> [Dim]? {
    let fact = try input(i)
    guard let rank = fact.shape?.rank, rank <= 1 else { return nil }
    return fact.dims
  }

  /// The elements of an input of known shape, where they are followed.
  func followedElements(_ i: Int) throws(MaasError) -> (elements: [Dim], shape: [Int])? {
    let fact = try input(i)
    guard let dims = fact.dims, let shape = fact.shape?.concrete, elementCount(shape) == dims.count else {
      return nil
    }
    return (dims, shape)
  }

  /// The contents of an input of any numeric type as dimensions; nil when they are not known yet.
  mutating func wholeNumbers(_ i: Int) throws(MaasError) -> [Dim]? {
    if DType.integers.contains(try dtype(i)), try dtype(i) != .uint64 { return try dims(i) }
    guard let tensor = try constant(i) else { return nil }
    let wide = try cast(tensor, to: .double).elements(as: Double.self)
    guard wide.allSatisfy({ $0.magnitude < 0x1p62 }) else {
      throw MaasError(.outOfRange, "input \(i) has a number that no size can be", expected: "less than 2^62")
    }
    return try cast(tensor, to: .int64).integers?.map { .known($0) }
  }

  /// A shape of unknown dimensions, of the rank of the first input in `indices` that has one; else nil.
  func unknownShape(like indices: Range<Int>) throws(MaasError) -> [Dim]? {
    for i in indices where has(i) {
      if let rank = try shape(i)?.count { return unknownShape(rank: rank) }
    }
    return nil
  }

  func expectSameDTypes(_ indices: Range<Int>) throws(MaasError) {
    for i in indices.dropFirst() { try expectSameDType(indices.lowerBound, i) }
  }

  func expectInputs(_ counts: ClosedRange<Int>) throws(MaasError) {
    try checkInputCount(inputs.count, counts)
  }

  /// The element type that attribute `dtype` names, else input 0's.
  func outputDType(_ attribute: DType?, _ allowed: [DType]) throws(MaasError) -> DType {
    let dtype: DType
    if let attribute { dtype = attribute } else { dtype = try self.dtype(0) }
    if allowed.contains(dtype) { return dtype }
    throw MaasError(
      .typeMismatch, "the output cannot have this element type",
      expected: joined(allowed.map { $0.name }, " or "), found: dtype.name)
  }

  /// Refuses an input that cannot have exactly one element.
  func expectSingle(_ i: Int) throws(MaasError) {
    guard let count = try input(i).shape?.count.value, count != 1 else { return }
    throw MaasError(
      .shapeMismatch, "input \(i) must have one element", expected: "1", found: "\(count)")
  }

  func expectMinimumRank(_ i: Int, _ rank: Int) throws(MaasError) {
    guard let shape = try input(i).shape, shape.rank < rank else { return }
    throw MaasError(
      .shapeMismatch, "input \(i) has too few dimensions", expected: "at least \(rank)",
      found: "\(shape.rank) \(shape.text)")
  }

  /// Refuses an input that has not exactly one element.
  func expectElement(_ i: Int) throws(MaasError) {
    guard let shape = try input(i).shape, let count = shape.count.value, count != 1 else { return }
    throw MaasError(.shapeMismatch, "input \(i) is not a single element", found: shape.text)
  }

  /// Refuses an input, if it is there, that cannot have this shape.
  func expectShape(_ i: Int, _ expected: [Dim]) throws(MaasError) {
    guard has(i) else { return }
    try expectRank(i, expected.count)
    guard let found = try shape(i) else { return }
    for d in found.indices { _ = try unified(expected[d], found[d], "dimension \(d) of input \(i)") }
  }

  func expectMovable(_ i: Int) throws(MaasError) {
    let found = try dtype(i)
    if !found.isMovable { throw unmovable(found) }
  }
}

/// The elements that a tensor of `shape` has when its strides are into `elements`; nil where one is outside.
func picked(_ elements: [Dim], _ shape: [Int], strides: [Int], offset: Int = 0) -> [Dim]? {
  if shape.contains(0) { return [] }
  var places = [offset]
  for (size, stride) in zip(shape, strides) {
    places = places.flatMap { place in (0..<size).map { place + $0 * stride } }
  }
  let found = places.compactMap { elements[at: $0] }
  return found.count == places.count ? found : nil
}

/// Both dimensions' common value; refused when they are different numbers.
func unified(_ a: Dim, _ b: Dim, _ what: String) throws(MaasError) -> Dim {
  if a.value != nil, b.value != nil, a != b {
    throw MaasError(.shapeMismatch, "\(what) do not agree", expected: a.text, found: b.text)
  }
  return a.value != nil ? a : b
}

/// Whether `own` can be repeated to `whole`, as far as the numbers tell.
func broadcasts(_ own: [Dim], into whole: [Dim]) throws(MaasError) -> Bool {
  let grows = zip(own.reversed(), whole.reversed()).contains { own, whole in
    own != .known(1) && own.value != nil && whole.value != nil && own != whole
  }
  if grows { return false }
  return try broadcast(own, whole).count == whole.count
}
