/// A shape whose dimensions may be symbolic.
public struct Shape: Hashable, Sendable {
  public var dims: [Dim]

  public init(_ dims: [Dim]) { self.dims = dims }
  package init(_ numbers: [Int]) { dims = numbers.map { .known($0) } }

  public var rank: Int { dims.count }

  /// The numbers, when every dimension is one.
  public var concrete: [Int]? {
    var numbers: [Int] = []
    numbers.reserveCapacity(dims.count)
    for dim in dims {
      guard case .known(let value) = dim else { return nil }
      numbers.append(value)
    }
    return numbers
  }

  /// Refuses more dimensions, and numbers among them, than any tensor has.
  package func check(_ dtype: DType?, tensor: String) throws(MaasError) {
    try checkRank(rank, tensor: tensor)
    _ = try byteCount(dims.compactMap { $0.value }, dtype ?? .uint8, tensor: tensor)
  }

  /// The product of all dimensions.
  package var count: Dim { dims.reduce(.known(1)) { $0 * $1 } }

  /// `[batch, 3, 224, 224]`
  public var text: String {
    let shown = dims.prefix(maximumRank).map { $0.text }
    return "[" + joined(dims.count > maximumRank ? shown + ["…"] : shown, ", ") + "]"
  }
}

/// The index in 0..<rank that `axis` in -rank..<rank means.
package func normalized(axis: Int, rank: Int) throws(MaasError) -> Int {
  guard axis >= -rank, axis < rank else {
    if rank == 0 {
      throw MaasError(.invalidModel, "the tensor is a scalar, which has no axis", found: "axis \(axis)")
    }
    throw MaasError(
      .invalidModel, "the axis is outside the tensor's rank", expected: span(-rank, rank), found: "\(axis)")
  }
  return axis < 0 ? axis + rank : axis
}

/// What may be given of `low..<end`, in words.
package func span(_ low: Int, _ end: Int) -> String {
  low < end ? "\(low)..\(end - 1)" : "none, as there is nothing to choose from"
}
