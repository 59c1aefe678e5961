import Foundation
import MaasCore
import MaasTrainer

/// The numbers that Fixtures/make.py wrote under a name, which come after `skip` other columns.
func fixture(_ file: String, _ name: String, column: Int = 1) throws -> [Double] {
  let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")
  let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
  for line in text.split(separator: "\n") {
    let columns = line.split(separator: "\t")
    if columns[0] == name { return columns[column].split(separator: " ").compactMap { Double($0) } }
  }
  throw MaasError(.notFound, "no fixture \(name)")
}

/// As `pattern` of make.py.
func pattern(_ count: Int, _ a: Int, _ b: Int) -> [Float] {
  (0..<count).map { Float(Double(($0 * a + b) % 97) / 97 - 0.5) }
}

func floats(_ tensor: Tensor) -> [Float] { tensor.elements(as: Float.self) }

/// Layers with weights that are large enough for steps along products, and samples for them.
enum LargeLayers {
  static let text = "input 300\ndense 256 activation=relu\ndense 320 activation=tanh\ndense 3"

  /// `infinite`: the last number of this sample is.
  static func data(_ count: Int, infinite sample: Int? = nil) throws -> TensorData {
    var x = pattern(count * 300, 31, 1)
    if let sample { x[sample * 300 + 299] = .infinity }
    return try TensorData(
      features: [Tensor(.float, [count, 300], x)],
      targets: Tensor(.int64, [count], (0..<count).map { Int64($0 * 7 % 3) }))
  }
}

func temporaryPath(_ name: String) -> String {
  FileManager.default.temporaryDirectory.appendingPathComponent("maas-\(getpid())-\(name)").path
}

/// y = 2 a - 3 b + 0.5 on a grid of points.
func plane(_ count: Int) throws -> TensorData {
  var (x, y): ([Float], [Float]) = ([], [])
  for i in 0..<count {
    let (a, b) = (Float(i % 7) / 7, Float(i % 11) / 11)
    x += [a, b]
    y.append(2 * a - 3 * b + 0.5)
  }
  return try TensorData(features: [Tensor(.float, [count, 2], x)], targets: Tensor(.float, [count], y))
}

/// Points in four corners, whose classes are those of an exclusive or.
func corners(_ count: Int) throws -> TensorData {
  var (x, y): ([Float], [Int64]) = ([], [])
  let noise = pattern(2 * count, 29, 11)
  for i in 0..<count {
    let (a, b) = (i % 2, i / 2 % 2)
    x += [Float(a) + 0.4 * noise[2 * i], Float(b) + 0.4 * noise[2 * i + 1]]
    y.append(Int64(a ^ b))
  }
  return try TensorData(features: [Tensor(.float, [count, 2], x)], targets: Tensor(.int64, [count], y))
}
