import CMaasKernels
import MaasCore
import MaasGraph

/// The sum or product of two quantized tensors, quantized again; they broadcast.
package final class QLinearBinary: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let multiplies: Bool

    package static let add = Row(name: "QLinearAdd", multiplies: false)
    package static let mul = Row(name: "QLinearMul", multiplies: true)
  }

  private let row: Row
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(7...8)
    try node.expectQuantized(0, scale: 1, zero: 2)
    try node.expectQuantized(3, scale: 4, zero: 5)
    try node.expectScale(6, zero: 7, like: 0)
    try node.expectSameDType(0, 3)
    var shape: [Dim]?
    if let a = try node.shape(0), let b = try node.shape(3) { shape = try broadcast(a, b) }
    node.setOutput(0, try node.dtype(0), shape)
  }

  package var channelsLast: (any Operator)? {
    ChannelsLast(self, images: [0, 3]) { [self] node throws(MaasError) in try lower(&node) }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (a, b, y) = (try node.input(0), try node.input(3), try node.output())
    guard y.count > 0 else { return }
    let walk = try Walk(broadcasting: [a.shape, b.shape], to: y.shape)
    var params = maas_qbinary_params()
    params.type = a.dtype == .int8 ? MAAS_ELEMENT_S8 : MAAS_ELEMENT_U8
    params.multiplies = row.multiplies
    params.rank = Int32(walk.dims.count)
    assign(&params.dims, walk.dims)
    assign(&params.a_strides, walk.strides[0])
    assign(&params.b_strides, walk.strides[1])
    let split = maas_f32_qbinary_split(&params)
    node.emit(
      maas_f32_qbinary, (0..<8).map { node.optionalInput($0) } + [y], params, split, dtype: a.dtype)
  }
}
