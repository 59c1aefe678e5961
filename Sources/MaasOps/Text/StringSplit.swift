import CMaasSystem
import MaasCore
import MaasGraph

/// The parts of each string between delimiters, or between runs of white space, in a new last axis that is filled up
/// with empty strings; and how many parts there are.
package final class StringSplit: ReadableOperator, HostOperator {
  package let name = "StringSplit"
  private let delimiter: [UInt8]
  private let limit: Int

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    delimiter = Array((try reader.string("delimiter") ?? "").utf8)
    let limit = try reader.int("maxsplit") ?? -1
    self.limit = limit < 0 ? .max : limit
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, [.string])
    let shape = try node.shape(0)
    node.setOutput(0, .string, shape.map { $0 + [node.unknownDim()] })
    node.setOutput(1, .int64, shape)
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let x = try call.tensor(0)
    var (parts, ends, width, total): ([StringElement], [Int], Int, Int) = ([], [0], 0, 0)
    for text in x.stringElements {
      let first = parts.count
      if delimiter.isEmpty { splitWords(text, &parts) } else { split(text, &parts) }
      ends.append(parts.count)
      width = max(width, parts.count - first)
      total += text.count
    }
    let shape = x.shape + [width]
    guard let count = elementCount(shape) else {
      throw MaasError(.limitExceeded, "there are too many parts", found: describe(shape))
    }
    // The parts are never more bytes than the strings.
    let y = try Tensor(shape, count: count, total: total) { at, i in
      let part = ends[i / width] + i % width
      return part < ends[i / width + 1] ? parts[part].copy(to: at) : 0
    }
    let counts = (0..<x.count).map { ends[$0 + 1] - ends[$0] }
    return [.tensor(y), .tensor(try int64s(counts).reshaped(x.shape))]
  }

  private func split(_ text: StringElement, _ parts: inout [StringElement]) {
    let (first, size) = (parts.count, delimiter.count)
    var (start, i) = (0, 0)
    while parts.count - first < limit, let base = text.bytes.baseAddress, i + size <= text.count {
      if maas_sys_equal(base + i, delimiter, size) {
        parts.append(text.part(start..<i))
        i += size
        start = i
      } else {
        i += 1
      }
    }
    parts.append(text.part(start..<text.count))
  }

  /// Once the limit is reached, what follows is one part, white space at its end included.
  private func splitWords(_ text: StringElement, _ parts: inout [StringElement]) {
    var scalars = Scalars(text)
    let first = parts.count
    var start: Int?
    while true {
      let at = scalars.offset
      let scalar = scalars.next()
      if scalar == Scalars.end { break }
      if !isSpace(scalar) {
        if start == nil, parts.count - first == limit { return parts.append(text.part(at..<text.count)) }
        start = start ?? at
      } else if let begin = start {
        parts.append(text.part(begin..<at))
        start = nil
      }
    }
    if let start { parts.append(text.part(start..<text.count)) }
  }
}

extension StringElement {
  func part(_ range: Range<Int>) -> StringElement {
    guard let base = bytes.baseAddress else { return self }
    return StringElement(base + range.lowerBound, count: range.count)
  }
}

/// What Unicode calls white space, and the separators of ASCII.
private func isSpace(_ scalar: UInt32) -> Bool {
  switch scalar {
  case 9...13, 28...32, 0x85, 0xa0, 0x1680, 0x2000...0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000: true
  default: false
  }
}
