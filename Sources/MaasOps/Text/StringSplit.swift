import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// The parts of each string between delimiters, or between runs of white space, in a new last axis that is filled up
/// with empty strings; and how many parts there are.
package final class StringSplit: ReadableOperator, HostOperator {
  package let name = "StringSplit"
  private let delimiter: [UInt8]
  private let limit: Int64

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    delimiter = try reader.bytes("delimiter") ?? []
    let limit = try reader.int("maxsplit") ?? -1
    self.limit = limit < 0 ? .max : Int64(limit)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, [.string])
    let shape = try node.shape(0)
    node.setOutput(0, .string, shape.map { $0 + [node.unknownDim()] })
    node.setOutput(1, .int64, shape)
  }

  package var ownsResults: Bool { true }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let x = try call.tensor(0)
    let counts = try Tensor(.int64, x.shape)
    let counted = counts.bytes.assumingMemoryBound(to: Int64.self)
    let parts = try split(x, counted, call)
    var width = 0
    for i in 0..<x.count { width = max(width, Int(counted[i])) }
    let shape = x.shape + [width]
    guard let count = elementCount(shape) else {
      throw MaasError(.limitExceeded, "there are too many parts", found: describe(shape))
    }
    // The texts are copied whole; the parts are those of the copies.
    let (texts, rows) = (x.stringElements.texts, Int64(x.count))
    let y = try Tensor(shape, count: count, bytes: Int(maas_texts_size(texts, rows))) { elements, bytes in
      maas_texts_place(
        texts, rows, parts.base.assumingMemoryBound(to: maas_text.self), counted, Int64(width), elements,
        bytes)
    }
    return [.tensor(y), .tensor(counts)]
  }

  /// The parts of all texts, one after the other, and how many each has.
  private func split(
    _ x: Tensor, _ counts: UnsafeMutablePointer<Int64>, _ call: HostCall
  ) throws(MaasError) -> TensorStorage {
    var parts = try TensorStorage.allocate(MemoryLayout<maas_text>.stride * (4 * x.count + 64))
    var (used, done) = (0, 0)
    guard let texts = x.stringElements.texts else { return parts }
    while done < x.count {
      let room = parts.byteCount / MemoryLayout<maas_text>.stride - used
      let free = parts.base.assumingMemoryBound(to: maas_text.self) + used
      let some = withDivision { division in
        Int(
          maas_texts_split(
            texts + done, Int64(min(x.count - done, 4096)), division, free, Int64(room), counts + done))
      }
      if some == 0 {
        let needed = withDivision { Int(maas_text_parts(texts[done], $0)) }
        parts = try grown(parts, used, 2 * used + needed)
      }
      for i in done..<done + some { used += Int(counts[i]) }
      done += some
      try call.checkInterruption()
    }
    return parts
  }

  private func withDivision<R>(_ body: (UnsafePointer<maas_division>) -> R) -> R {
    delimiter.withUnsafeBufferPointer { bytes in
      let text = maas_text(bytes: bytes.baseAddress, count: Int64(bytes.count))
      return withUnsafePointer(to: maas_division(delimiter: text, limit: limit), body)
    }
  }
}

/// A copy of the parts with room for others.
private func grown(_ parts: TensorStorage, _ used: Int, _ room: Int) throws(MaasError) -> TensorStorage {
  let size = product(room, MemoryLayout<maas_text>.stride) ?? .max
  let larger = try TensorStorage.allocate(size)
  maas_sys_copy(larger.base, parts.base, used * MemoryLayout<maas_text>.stride)
  return larger
}

extension StringElement {
  func part(_ range: Range<Int>) -> StringElement {
    guard let base = bytes.baseAddress else { return self }
    return StringElement(base + range.lowerBound, count: range.count)
  }
}
