import MaasCore

/// Heads of attention: [batch, heads, sequence, size], or [batch, sequence, heads * size] with `heads` from an
/// attribute.
struct HeadShape {
  let batch, heads, sequence, size: Dim
  let isPacked: Bool
  /// Elements in front of the first head of a row, and of a whole row of packed heads.
  private let first: Int
  private let width: Dim

  /// `columns`: what part of the rows the heads are.
  init(
    _ shape: [Dim], heads attribute: Int?, _ what: String, _ columns: HeadColumns? = nil
  ) throws(MaasError) {
    guard shape.count == 3 || shape.count == 4 else {
      throw MaasError(
        .shapeMismatch, "\(what) has the wrong rank", expected: "3 or 4", found: Shape(shape).text)
    }
    isPacked = shape.count == 3
    batch = shape[0]
    first = columns?.first ?? 0
    width = shape[2]
    guard isPacked else {
      (heads, sequence, size) = (shape[1], shape[2], shape[3])
      return
    }
    guard let attribute, attribute > 0 else {
      throw MaasError(
        .invalidModel, "\(what) has 3 dimensions, so that an attribute must say how many heads it has",
        hint: "set the operator's attribute for the number of heads to a positive number")
    }
    if let columns {
      let end = columns.end(heads: attribute)
      (heads, sequence, size) = (.known(attribute), shape[1], .known(columns.size))
      guard let whole = width.value, let end, end <= whole else {
        throw MaasError(.shapeMismatch, "the heads are not within the rows of \(what)", found: width.text)
      }
      return
    }
    if let width = shape[2].value, width % attribute != 0 {
      throw MaasError(
        .shapeMismatch, "\(what) does not divide into heads", expected: "a multiple of \(attribute)",
        found: "\(width)")
    }
    (heads, sequence) = (.known(attribute), shape[1])
    size = shape[2].floorDivided(by: attribute)
  }

  /// The numbers, when lowering.
  func sizes() throws(MaasError) -> (batch: Int, heads: Int, sequence: Int, size: Int) {
    guard let batch = batch.value, let heads = heads.value, let sequence = sequence.value,
      let size = size.value
    else { throw MaasError(.internal, "the plan does not know a shape") }
    return (batch, heads, sequence, size)
  }

  /// Elements between neighbours.
  func layout() throws(MaasError) -> HeadLayout {
    let (_, heads, sequence, size) = try sizes()
    guard isPacked else {
      return HeadLayout(batch: heads * sequence * size, head: sequence * size, row: size)
    }
    let row = width.value ?? heads * size
    return HeadLayout(first: first, batch: sequence * row, head: size, row: row)
  }
}

/// Heads that are a part of longer rows: the first column, and the columns of each head.
package struct HeadColumns: Sendable {
  let first, size: Int

  package init(first: Int, size: Int) { (self.first, self.size) = (first, size) }

  /// The column behind the last head; nil where there cannot be one.
  fileprivate func end(heads: Int) -> Int? {
    guard first >= 0, size > 0 else { return nil }
    return product(heads, size).flatMap { sum(first, $0) }
  }
}

/// Where the first element is, and the elements between neighbouring batches, heads and rows.
struct HeadLayout {
  var first = 0
  let batch, head, row: Int

  func offset(_ b: Int, _ h: Int, _ i: Int) -> Int { first + b * batch + h * head + i * row }
}
