import CMaasKernels
import MaasCore
import MaasGraph

/// The matrix [spectrogram bins, mel bins] that turns a spectrum into energies of triangular bands, equally wide on the
/// mel scale. All inputs are scalars that have to be known when the plan is made.
package final class MelWeightMatrix: ReadableOperator {
  package let name = "MelWeightMatrix"
  private let dtype: DType

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    dtype = try reader.dtype("output_datatype") ?? .float
    try reader.finish()
    try expectNumbers(dtype)
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(5...5)
    let (bands, length) = (try node.scalar(0), try node.scalar(1))
    _ = try node.scalar(2)
    for i in 0..<5 {
      if i > 2 { try node.expectDType(i, DType.floats) }
      _ = try node.constant(i)
    }
    for value in [bands?.value, length?.value] {
      guard let value, !(0...1 << 30).contains(value) else { continue }
      throw MaasError(.shapeMismatch, "a number of bins is out of range", found: "\(value)")
    }
    let bins = length.map { $0.floorDivided(by: 2) + .known(1) }
    node.setOutput(0, dtype, [bins ?? node.unknownDim(), bands ?? node.unknownDim()])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    guard y.count > 0 else { return }
    var numbers: [Double] = []
    for i in 0..<5 {
      let input = try node.input(i)
      guard let tensor = input.constant, tensor.count == 1 else {
        throw MaasError(.shapeMismatch, "input \(i) is no scalar", found: describe(input.shape))
      }
      numbers.append(try cast(tensor, to: .double).elements(as: Double.self)[0])
    }
    let edges = try melEdges(y.shape, length: numbers[1], rate: numbers[2], from: numbers[3], to: numbers[4])
    let matrix = try Tensor(.double, y.shape, triangles(edges, y.shape))
    try node.emitBroadcast(try node.constant(try cast(matrix, to: y.dtype)), y)
  }
}

/// The bin where each band begins; it has its peak where the next begins, and ends with the one after that.
private func melEdges(
  _ shape: [Int], length: Double, rate: Double, from: Double, to: Double
) throws(MaasError) -> [Int] {
  func mel(_ hertz: Double) -> Double { 2595 * evaluated(MAAS_UNARY_LOG, 1 + hertz / 700) / ln10 }
  let ln10 = evaluated(MAAS_UNARY_LOG, 10)
  let step = (mel(to) - mel(from)) / Double(shape[1] + 2)
  var edges: [Int] = []
  for i in 0..<shape[1] + 2 {
    let hertz = 700 * (evaluated(MAAS_UNARY_EXP, (Double(i) * step + mel(from)) / 2595 * ln10) - 1)
    let bin = ((length + 1) * hertz / rate).rounded(.down)
    guard bin >= 0, bin < Double(shape[0] + (i == shape[1] + 1 ? 1 : 0)) else {
      throw MaasError(
        .outOfRange, "a mel band lies outside the spectrum", expected: "bins 0..\(shape[0] - 1)",
        hint: "the upper edge is at most half the sample rate, the lower one not negative")
    }
    edges.append(Int(bin))
  }
  return edges
}

private func triangles(_ edges: [Int], _ shape: [Int]) -> [Double] {
  var matrix = [Double](repeating: 0, count: shape[0] * shape[1])
  for band in 0..<shape[1] {
    let (low, peak, high) = (edges[band], edges[band + 1], edges[band + 2])
    for bin in low..<max(low, high) {
      matrix[bin * shape[1] + band] =
        bin < peak ? Double(bin - low) / Double(peak - low) : Double(high - bin) / Double(high - peak)
    }
    matrix[peak * shape[1] + band] = 1  // Also where a side of the triangle is empty.
  }
  return matrix
}
