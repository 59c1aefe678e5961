import CMaasKernels
import Foundation
import Testing

@Suite struct LSTMTests {
  struct Options: Sendable { var peephole = false, lengths = false, inputForget = false, clip: Float = 0 }
  static let options = [
    Options(), Options(peephole: true, lengths: true), Options(peephole: true, inputForget: true, clip: 0.5),
    Options(lengths: true, clip: 1),
  ]
  private let time = 2

  private func params(_ rows: Int, _ hidden: Int, _ options: Options) -> maas_f32_lstm_params {
    var p = maas_f32_lstm_params()
    (p.rows, p.hidden, p.gates_row, p.y_row) = (
      Int64(rows), Int64(hidden), Int64(4 * hidden + 3), Int64(hidden + 1)
    )
    p.units = p.hidden
    (p.f.op, p.g.op, p.h.op) = (MAAS_UNARY_SIGMOID, MAAS_UNARY_TANH, MAAS_UNARY_TANH)
    (p.time, p.clip, p.input_forget) = (Int64(time), options.clip, options.inputForget)
    return p
  }

  /// ONNX's equations for one element: the new cell and hidden values.
  private func exact(_ gates: [Double], _ cell: Double, _ peephole: [Double], _ options: Options) -> (
    Double, Double
  ) {
    let clip = Double(options.clip)
    func held(_ x: Double) -> Double { clip > 0 ? min(max(x, -clip), clip) : x }
    func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-held(x))) }
    let input = sigmoid(gates[0] + peephole[0] * cell)
    let forget = options.inputForget ? 1 - input : sigmoid(gates[2] + peephole[2] * cell)
    let next = forget * cell + input * tanh(held(gates[3]))
    return (next, sigmoid(gates[1] + peephole[1] * next) * tanh(next))
  }

  @Test(arguments: KernelRow.supported("maas_f32_lstm"), options)
  func matchesTheEquations(row: KernelRow, options: Options) {
    for shape in [[1, 1], [3, 7], [5, 67]] { check(row, options, shape) }
  }

  private func check(_ row: KernelRow, _ options: Options, _ shape: [Int]) {
    var random = Random(17)
    let rows = shape[0]
    let n = shape[1]
    let gates = random.floats(rows * (4 * n + 3) - 3, -3, 3)
    let peephole = random.floats(3 * n)
    let cell = random.floats(rows * n)
    let hidden = random.floats(rows * n)
    var params = params(rows, n, options)
    let lengths = options.lengths ? Fenced((0..<rows).map { Int32($0 + 1) }) : nil
    let cellOut = Fenced(cell)
    let hiddenOut = Fenced(hidden)
    let y = Fenced<Float>(repeating: 7, count: rows * (n + 1) - 1)
    let operands: [(any Operand)?] = [
      Fenced(gates), cellOut, options.peephole ? Fenced(peephole) : nil, lengths, hiddenOut, y, nil, nil,
    ]
    run(row, params, operands, maas_f32_lstm_split_for(row.kernel, &params), cuts: [Int64(1)])
    for r in 0..<rows {
      for j in 0..<n {
        let i = r * n + j
        let live = !options.lengths || time < r + 1
        let weights = (0..<3).map { options.peephole ? Double(peephole[$0 * n + j]) : 0 }
        let inputs = (0..<4).map { Double(gates[r * (4 * n + 3) + $0 * n + j]) }
        let (c, h) = exact(inputs, Double(cell[i]), weights, options)
        #expect(abs(Double(cellOut.values[i]) - (live ? c : Double(cell[i]))) < 1e-6)
        #expect(abs(Double(hiddenOut.values[i]) - (live ? h : Double(hidden[i]))) < 1e-6)
        #expect(abs(Double(y.values[r * (n + 1) + j]) - (live ? h : 0)) < 1e-6)
      }
    }
    #expect((0..<rows - 1).allSatisfy { y.values[$0 * (n + 1) + n] == 7 })
  }
}
