import CMaasKernels
import Foundation
import Testing

/// The update rules against their formulas in doubles.
@Suite struct UpdateTests {
  private static let rules: [maas_update_rule] = [
    MAAS_UPDATE_DESCENT, MAAS_UPDATE_MOMENTUM, MAAS_UPDATE_NESTEROV, MAAS_UPDATE_ADAM, MAAS_UPDATE_ADAGRAD,
    MAAS_UPDATE_RMSPROP, MAAS_UPDATE_LION, MAAS_UPDATE_AVERAGE, MAAS_UPDATE_DIRECTION,
  ]
  private let counts = [1, 67, 3, 130]

  private func params(_ rule: maas_update_rule) -> maas_update_params {
    var p = maas_update_params()
    (p.rule, p.tensors, p.elements) = (rule, Int32(counts.count), Int64(counts.reduce(0, +)))
    (p.alpha, p.beta, p.epsilon) = (0.9, 0.99, 1e-3)
    (p.l1, p.l2, p.decay, p.post, p.scale, p.clip) = (0.01, 0.02, 0.1, 0.995, 0.5, 0.8)
    (p.corrects, p.corrects_epsilon, p.ahead) = (rule == MAAS_UPDATE_ADAM, true, 1)
    p.rate_decay = rule == MAAS_UPDATE_ADAGRAD ? 0.25 : 0
    return p
  }

  private struct Element { var x, g, s, t: Double }

  /// Step number 3, whose rate is 0.1.
  private func exact(_ p: maas_update_params, _ e: Element) -> Element {
    var e = e
    var rate = 0.1 / (1 + 3 * p.rate_decay)
    let keep = 1 - rate * p.decay
    var epsilon = p.epsilon
    if p.corrects {
      let root = (1 - pow(p.beta, 4)).squareRoot()
      rate *= root / (1 - pow(p.alpha, 4))
      epsilon *= root
    }
    let sign = { (v: Double) -> Double in v > 0 ? 1 : v < 0 ? -1 : 0 }
    let g = min(max(0.5 * e.g, -0.8), 0.8) + p.l2 * e.x + p.l1 * sign(e.x)
    func move(_ direction: Double) { e.x = p.post * (keep * e.x - rate * direction) }
    switch p.rule {
    case MAAS_UPDATE_DESCENT: move(g)
    case MAAS_UPDATE_MOMENTUM, MAAS_UPDATE_NESTEROV:
      e.s = 0.9 * e.s + 0.99 * g
      move(p.rule == MAAS_UPDATE_MOMENTUM ? e.s : g + 0.9 * e.s)
    case MAAS_UPDATE_ADAM, MAAS_UPDATE_DIRECTION:
      e.s = 0.9 * e.s + 0.1 * g
      e.t = 0.99 * e.t + 0.01 * g * g
      let direction = e.s / (e.t.squareRoot() + epsilon)
      if p.rule == MAAS_UPDATE_ADAM { move(direction) } else { e.x = direction + p.decay * e.x }
    case MAAS_UPDATE_ADAGRAD:
      e.s += g * g
      move(g / (e.s.squareRoot() + epsilon))
    case MAAS_UPDATE_RMSPROP:
      e.s = 0.99 * e.s + 0.01 * g * g
      e.t = 0.9 * e.t + g / (e.s.squareRoot() + epsilon)
      move(e.t)
    case MAAS_UPDATE_LION:
      move(sign(0.9 * e.s + 0.1 * g))
      e.s = 0.99 * e.s + 0.01 * g
    default: e.x += 0.01 * (e.g - e.x)
    }
    return e
  }

  private func states(_ rule: maas_update_rule) -> (s: Bool, t: Bool) {
    switch rule {
    case MAAS_UPDATE_DESCENT, MAAS_UPDATE_AVERAGE: (false, false)
    case MAAS_UPDATE_ADAM, MAAS_UPDATE_DIRECTION, MAAS_UPDATE_RMSPROP: (true, true)
    default: (true, false)
    }
  }

  /// x, g, s, t of each tensor in place, with a fence behind; returns them after the step.
  private func run(
    _ row: KernelRow, _ p: maas_update_params, guarded: [Float], cuts: [Int64]
  ) -> (before: [[Fenced<Float>]], after: [[Float]]) {
    var random = Random(23)
    let (hasS, hasT) = states(p.rule)
    var before: [[Fenced<Float>]] = []
    var own: [[Fenced<Float>?]] = []
    for count in counts {
      let values = [
        random.floats(count), random.floats(count, -3, 3), random.floats(count, 0, 1),
        random.floats(count, 0, 1),
      ]
      before.append(values.map { Fenced($0) })
      own.append([
        Fenced(values[0]), Fenced(values[1]), hasS ? Fenced(values[2]) : nil, hasT ? Fenced(values[3]) : nil,
      ])
    }
    var begins: [Int64] = [0]
    for count in counts { begins.append((begins.last ?? 0) + Int64(count)) }
    var operands: [(any Operand)?] = [
      Fenced([0.1]), Fenced([Int64(3)]), Fenced(begins), nil, Fenced(guarded), nil,
    ]
    for tensor in own {
      operands += [tensor[0], tensor[1], tensor[2], tensor[3], tensor[0], tensor[2], tensor[3]]
    }
    var params = p
    params.guards = Int32(guarded.count)
    KernelTests.run(row, params, operands, maas_f32_update_split(&params), cuts: cuts)
    #expect(own.allSatisfy { $0.allSatisfy { $0?.isFenceWhole ?? true } })
    return (before, own.flatMap { tensor in tensor.map { $0?.values ?? [] } }.map { $0 })
  }

  @Test(arguments: KernelRow.supported("maas_f32_update"), rules) func rulesAreTheirFormulas(
    row: KernelRow, rule: maas_update_rule
  ) {
    let params = params(rule)
    let (before, after) = run(row, params, guarded: [1, -3e38], cuts: [])
    let pieces = run(row, params, guarded: [], cuts: [5, 64, 70, 100]).after
    #expect(after.map { $0.map { $0.bitPattern } } == pieces.map { $0.map { $0.bitPattern } })
    for (i, tensor) in before.enumerated() {
      for j in 0..<counts[i] {
        let v = tensor.map { Double($0.values[j]) }
        let hasState = states(rule)
        let e = exact(params, Element(x: v[0], g: v[1], s: v[2], t: v[3]))
        #expect(abs(Double(after[4 * i][j]) - e.x) < 2e-6 * max(1, abs(e.x)))
        if hasState.s { #expect(abs(Double(after[4 * i + 2][j]) - e.s) < 1e-6) }
        if hasState.t { #expect(abs(Double(after[4 * i + 3][j]) - e.t) < 2e-6 * max(1, abs(e.t))) }
      }
    }
  }

  @Test(
    arguments: KernelRow.supported("maas_f32_update"), [[Float.nan], [1, .infinity], [0, -.infinity, 1]])
  func nothingChangesWhereTheGuardIsNone(
    row: KernelRow, guarded: [Float]
  ) {
    let (before, after) = run(row, params(MAAS_UPDATE_ADAM), guarded: guarded, cuts: [64])
    #expect(before.flatMap { $0.map { $0.values } } == after)
  }

  /// One number that is not finite, wherever it is, shows in its block alone.
  @Test(arguments: KernelRow.supported("maas_f32_square_sums"), [Float.nan, .infinity, -.infinity])
  func checksFindWhatIsNotFinite(row: KernelRow, odd: Float) {
    let size = Int(MAAS_SQUARE_BLOCK)
    let counts = [7, size + 33, 1]
    var params = maas_square_sums_params()
    (params.tensors, params.blocks, params.measure) = (3, 4, MAAS_BLOCK_CHECK)
    func checks(_ tensors: [[Float]]) -> [Bool] {
      let y = Fenced<Float>(repeating: 1, count: 4)
      let operands: [(any Operand)?] =
        [Fenced([Int64(0), 1, 3, 4]), Fenced(counts.map { Int64($0) }), y] + tensors.map { Fenced($0) }
      KernelTests.run(row, params, operands, maas_f32_square_sums_split(&params), cuts: [2])
      return y.values.map { $0.isFinite }
    }
    let tensors = counts.map {
      (0..<$0).map { $0 % 2 == 0 ? Float.greatestFiniteMagnitude : -Float.leastNonzeroMagnitude }
    }
    #expect(checks(tensors) == [true, true, true, true])
    for (tensor, place, block) in [
      (0, 0, 0), (0, 6, 0), (1, 5, 1), (1, size - 1, 1), (1, size, 2), (2, 0, 3),
    ] {
      var own = tensors
      own[tensor][place] = odd
      #expect(checks(own) == (0..<4).map { $0 != block })
    }
  }

  @Test(arguments: KernelRow.supported("maas_f32_square_sums")) func squaresAreSummedByBlocks(row: KernelRow)
  {
    var random = Random(5)
    let counts = [7, 2 * Int(MAAS_SQUARE_BLOCK) + 33, 1]
    let tensors = counts.map { random.floats($0) }
    var params = maas_square_sums_params()
    (params.tensors, params.blocks) = (3, 5)
    let y = Fenced<Float>(repeating: 0, count: 5)
    let operands: [(any Operand)?] =
      [Fenced([Int64(0), 1, 4, 5]), Fenced(counts.map { Int64($0) }), y] + tensors.map { Fenced($0) }
    KernelTests.run(row, params, operands, maas_f32_square_sums_split(&params), cuts: [2])
    let size = Int(MAAS_SQUARE_BLOCK)
    let blocks = tensors.flatMap { tensor in
      stride(from: 0, to: tensor.count, by: size).map { Array(tensor[$0..<min($0 + size, tensor.count)]) }
    }
    for (sum, block) in zip(y.values, blocks) {
      let exact = block.reduce(0.0) { $0 + Double($1) * Double($1) }
      #expect(abs(Double(sum) - exact) < 1e-5 * exact)
    }
  }
}
