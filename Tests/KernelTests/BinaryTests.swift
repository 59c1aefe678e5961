import CMaasKernels
import Foundation
import Testing

/// a and b of these shapes, broadcast as NumPy does.
struct BroadcastCase: Sendable, CustomTestStringConvertible {
  let a: [Int], b: [Int]
  var testDescription: String { "\(a) \(b)" }

  var shape: [Int] {
    let rank = max(a.count, b.count)
    return zip(padded(a, rank), padded(b, rank)).map { $0 == 1 ? $1 : $0 }
  }
  private func padded(_ shape: [Int], _ rank: Int) -> [Int] {
    [Int](repeating: 1, count: rank - shape.count) + shape
  }
  func strides(_ operand: [Int]) -> [Int64] {
    let shape = padded(operand, self.shape.count)
    var stride = 1
    var strides: [Int64] = []
    for size in shape.reversed() {
      strides.insert(size == 1 ? 0 : Int64(stride), at: 0)
      stride *= size
    }
    return strides
  }
  /// The offset of element `i` of the result in an operand.
  func offset(_ i: Int, _ operand: [Int]) -> Int {
    var i = i
    var offset = 0
    for (size, stride) in zip(shape, strides(operand)).reversed() {
      offset += i % size * Int(stride)
      i /= size
    }
    return offset
  }

  static let all = [
    ([67], [67]), ([67], []), ([], [33]), ([], []), ([3, 5, 7], [5, 1]), ([3, 5, 7], [3, 1, 7]),
    ([4, 1, 9], [1, 6, 1]), ([2, 3, 4, 5], [3, 1, 1]), ([1, 1, 8], [7, 8]), ([5, 3], [5, 1]),
    ([2, 1, 3, 1, 2], [1, 4, 1, 5, 2]), ([1000], [1]), ([1, 1], [500, 1]), ([0, 3], [1, 3]),
  ].map { BroadcastCase(a: $0.0, b: $0.1) }
}

@Suite struct BinaryTests {
  static let functions: [(maas_binary, @Sendable (Double, Double) -> Double)] = [
    (MAAS_BINARY_ADD, { $0 + $1 }), (MAAS_BINARY_SUB, { $0 - $1 }), (MAAS_BINARY_MUL, { $0 * $1 }),
    (MAAS_BINARY_DIV, { $0 / $1 }),
    (MAAS_BINARY_MIN, { $0.isNaN || $1.isNaN ? .nan : min($0, $1) }),
    (MAAS_BINARY_MAX, { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }),
    (MAAS_BINARY_POW, { pow($0, $1) }), (MAAS_BINARY_PRELU, { $0 < 0 ? $0 * $1 : $0 }),
  ]

  @Test func everyFunctionHasACase() {
    #expect(Set(Self.functions.map(\.0.rawValue)) == Set(0..<MAAS_BINARY_COUNT.rawValue))
  }

  private func operand(_ shape: [Int], _ random: inout Random) -> [Float] {
    var values = random.floats(shape.reduce(1, *), -3, 3)
    if values.count > 6 { (values[2], values[5]) = (.nan, .infinity) }
    return values
  }

  @Test(arguments: KernelRow.supported("maas_f32_binary"), BroadcastCase.all)
  func matchesDoublePrecision(row: KernelRow, shapes: BroadcastCase) {
    var random = Random(3)
    let count = shapes.shape.reduce(1, *)
    for (op, exact) in Self.functions {
      let a = operand(shapes.a, &random)
      let b = operand(shapes.b, &random)
      var params = maas_f32_binary_params()
      params.op = op
      params.rank = Int32(shapes.shape.count)
      set(&params.dims, shapes.shape.map(Int64.init))
      set(&params.a_strides, shapes.strides(shapes.a))
      set(&params.b_strides, shapes.strides(shapes.b))
      params.activation.op = MAAS_UNARY_CLIP
      (params.activation.alpha, params.activation.beta) = (-2, 100)
      let split = maas_f32_binary_split(&params)
      #expect(split.items == Int64(count))
      let y = outputOf(
        row, params, split, output: 2, start: [Float](repeating: 0, count: count),
        operands: [Fenced(a), Fenced(b), nil], &random)
      let expected = (0..<count).map { i in
        let value = exact(Double(a[shapes.offset(i, shapes.a)]), Double(b[shapes.offset(i, shapes.b)]))
        return value.isNaN ? value : min(max(value, -2), 100)
      }
      #expect(largestError(y, expected) <= 1, "\(op)")
    }
  }

  @Test(arguments: KernelRow.supported("maas_f32_binary"), [0.5, 1, 2, 3, -1] as [Float])
  func powersOfOneExponent(row: KernelRow, exponent: Float) {
    let x: [Float] = [0, -0.0, 1, -1, 2, -2, 1e20, 1e-20, .infinity, -.infinity, .nan, 0.1, 3, 7]
    var params = maas_f32_binary_params()
    params.op = MAAS_BINARY_POW
    params.rank = 1
    set(&params.dims, [Int64(x.count)])
    set(&params.a_strides, [Int64(1)])
    let a = Fenced(x)
    let b = Fenced([exponent])
    run(row, params, [a, b, a], maas_f32_binary_split(&params))
    #expect(largestError(a.values, x.map { pow(Double($0), Double(exponent)) }) <= 1)
  }
}
