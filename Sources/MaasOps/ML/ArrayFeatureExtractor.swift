import MaasCore
import MaasGraph

/// The columns of X, elements along its last dimension, that Y names in its order. One dimension is one row.
package final class ArrayFeatureExtractor: ReadableOperator {
  package let name = "ArrayFeatureExtractor"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectDType(0, DType.features + [.string])
    try node.expectDType(1, [.int64])
    try node.expectMinimumRank(0, 1)
    var result: [Dim]?
    if let x = try node.shape(0) {
      let count = try node.input(1).shape?.count ?? node.unknownDim()
      result = (x.count == 1 ? [.known(1)] : Array(x.dropLast())) + [count]
    }
    node.setOutput(0, try node.dtype(0), result)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let x = try node.input(0)
    try node.emitGather(x, try node.input(1), try node.output(), axis: x.rank - 1)
  }
}

/// Columns one after the other as floats: of input i the first inputdimensions[i], and zeros where it has fewer.
package final class FeatureVectorizer: ReadableOperator {
  package let name = "FeatureVectorizer"
  private let widths: [Int]

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    widths = try reader.ints("inputdimensions") ?? []
    try expectCount("inputdimensions", widths.count, reader.inputCount)
    try reader.finish()
    if let wrong = widths.first(where: { $0 < 0 || $0 > maximumClasses }) {
      throw MaasError(
        .invalidModel, "attribute 'inputdimensions' has a value out of range",
        expected: "0..\(maximumClasses)",
        found: "\(wrong)")
    }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...Int.max)
    var rows = Dim.known(1)
    for i in node.inputs.indices {
      try node.expectDType(i, DType.features)
      try node.expectMinimumRank(i, 1)
      guard let shape = try node.shape(i) else { continue }
      let own: Dim = shape.count == 1 ? .known(1) : shape[0]
      rows = i == 0 ? own : try unified(rows, own, "the rows of the inputs")
    }
    if try node.shape(0) == nil { rows = node.unknownDim() }
    node.setOutput(0, .float, [rows, .known(widths.reduce(0, +))])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    let (rows, total) = (y.shape[0], y.shape[1])
    let zero = try node.scalar(0, .float)
    var offset = 0
    for (i, width) in widths.enumerated() {
      let x = try node.input(i)
      let own = x.rank == 1 ? x.count : x.shape[1...].reduce(1, *)
      let common = min(width, own)
      let parts = [(try node.widened(x), [own, 1], common), (zero, [0, 0], width - common)]
      for (from, strides, count) in parts where count > 0 {
        try node.emitCopy(
          from, y, [rows, count], xStrides: strides, yStrides: [total, 1], yOffset: offset)
        offset += count
      }
    }
  }
}
