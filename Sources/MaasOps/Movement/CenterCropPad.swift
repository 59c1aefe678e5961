import MaasCore
import MaasGraph

/// The middle of the input where input 1 asks for less along an axis, zeros around it where it asks for more.
package final class CenterCropPad: ReadableOperator {
  package let name = "CenterCropPad"
  private let axes: [Int]?

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axes = try reader.ints("axes")
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectMovable(0)
    try node.expectDType(1, [.int32, .int64])
    let dtype = try node.dtype(0)
    let target = try node.dims(1)
    guard var shape = try node.shape(0) else { return node.setOutput(0, dtype, nil) }
    let axes = try normalized(axes: self.axes ?? Array(shape.indices), rank: shape.count)
    guard let target else {
      for axis in axes { shape[axis] = node.unknownDim() }
      return node.setOutput(0, dtype, shape)
    }
    guard target.count == axes.count, target.allSatisfy({ ($0.value ?? 0) >= 0 }) else {
      throw MaasError(
        .shapeMismatch, "input 1 does not fit the axes", expected: "\(axes.count) sizes, none negative",
        found: Shape(target).text)
    }
    for (axis, size) in zip(axes, target) { shape[axis] = size }
    node.setOutput(0, dtype, shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    if x.shape == y.shape { return node.alias() }
    let begin = zip(x.shape, y.shape).map { $1 > $0 ? ($1 - $0) / 2 : -(($0 - $1) / 2) }
    try node.emitFill(y, try zero(y.dtype))
    try node.emitInside(x, y, begin)
  }
}
