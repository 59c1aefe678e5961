import MaasCore

/// The contents of a string or bytes field. Names and weights stay where the model's bytes are until somebody asks.
package enum Blob: Sendable {
  case source(Range<Int>)
  /// Made by maas, for a model that is written.
  case made([UInt8])
  /// Memory of a tensor, for a model that is written.
  case stored(TensorStorage)

  package init(_ text: String) { self = .made([UInt8](text.utf8)) }

  package var count: Int {
    switch self {
    case .source(let range): range.count
    case .made(let bytes): bytes.count
    case .stored(let storage): storage.byteCount
    }
  }
}

/// How the numbers of a repeated field stand in the wire format.
enum NumberEncoding {
  case varint
  case fixed32
  case fixed64
}

/// A repeated number field that can be as large as a weight: its wire bytes, without tags, left in the model.
package struct NumberList: Sendable {
  /// One range per packed run or single number, in order.
  private(set) var pieces: [Range<Int>] = []
  package private(set) var count = 0

  mutating func append(_ piece: Range<Int>, count numbers: Int) {
    pieces.append(piece)
    count += numbers
  }

  package var isEmpty: Bool { count == 0 }
}

/// A singular message field: nothing or one message, kept out of line so that messages can contain their own kind.
package struct Box<Contents: Sendable>: Sendable {
  private(set) var storage: [Contents] = []

  package init() {}
  package init(_ contents: Contents) { storage = [contents] }

  package var value: Contents? { storage.first }

  /// Changes the contents in place, starting from `empty` when there are none.
  mutating func update(
    orStartWith empty: Contents, _ body: (inout Contents) throws(MaasError) -> Void
  ) throws(MaasError) {
    if storage.isEmpty { storage.append(empty) }
    try body(&storage[0])
  }
}
