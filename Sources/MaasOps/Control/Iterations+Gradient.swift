import MaasCore
import MaasGraph

extension Scan {
  /// The node also gives the states before each iteration.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    if batched { throw MaasError(.unsupported, "Scan before opset 9 has no gradient") }
    let (states, inputs, outputs) = (stateCount, inputs, outputs)
    let iterations = Iterations(
      body: body, given: 0..<states, slices: inputs.map { $0.flipped }, carried: 0..<states, firstOutput: 0,
      results: outputs.map { $0.flipped }
    ) { body, kept in
      let plain = Direction(axis: 0, reversed: false)
      return Scan(body, states: states, inputs: inputs, outputs: outputs + (0..<kept).map { _ in plain })
    }
    try node.goBack(through: iterations)
  }
}

extension Loop {
  /// The node also gives what each iteration begins with.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let own = 0..<carriedCount + 2
    let iterations = Iterations(
      body: body, given: own, slices: [], carried: 2..<own.upperBound, firstOutput: 1,
      results: body.outputs.dropFirst(1 + carriedCount).map { _ in .back }
    ) { body, kept in Loop(self, body, firstKept: min(self.firstKept, body.outputs.count - kept)) }
    try node.goBack(through: iterations)
  }

  /// Why an iteration's output `i` cannot be kept with those of others.
  func explained(_ error: MaasError, _ i: Int) -> MaasError {
    guard i >= firstKept else { return error }
    return MaasError(
      .unsupported, "there is no gradient through a value that the loop carries and whose shape changes",
      tensor: body[body.outputs[i]].name, expected: error.expected, found: error.found)
  }
}

extension Scan.Direction {
  /// From the last slice to the first.
  fileprivate static var back: Self { Self(axis: 0, reversed: true) }

  /// Along the same slices from the other end.
  fileprivate var flipped: Self { Self(axis: axis, reversed: !reversed) }
}

extension Graph {
  /// A body that also gives some of its inputs.
  fileprivate func giving(_ inputs: [Int]) -> Graph {
    var body = self
    for i in inputs {
      let given = body.add(Identity(), [self.inputs[i]], name: self[self.inputs[i]].name)[0]
      // What it is where there is no iteration.
      body[given].dtype = self[self.inputs[i]].dtype
      body.outputs.append(given)
    }
    return body
  }
}

/// What a node did, iteration by iteration. Its inputs and those of its body are numbered alike.
private struct Iterations {
  let body: Graph
  /// The inputs that the node can also give, for all iterations in slices.
  let given: Range<Int>
  /// How the inputs behind them lie, from the last iteration on. Captures follow.
  let slices: [Scan.Direction]
  /// The inputs that are carried from one iteration to the next.
  let carried: Range<Int>
  /// The body's output that is carried first, which is the node's first output.
  let firstOutput: Int
  /// How the outputs behind the carried ones lie, from the last iteration on.
  let results: [Scan.Direction]
  /// The operator with a body that also gives some of its inputs, so many.
  let keeping: (Graph, Int) -> any Operator

  /// The body's output for a carried input.
  func next(_ input: Int) -> ValueID { body.outputs[firstOutput + input - carried.lowerBound] }

  /// Of the carried inputs those that gradients go through: they depend on one of `wanted`, and one of `asked` on them.
  func passed(_ carried: [Int], _ wanted: [Int], _ asked: [Int]) -> [Int] {
    let discrete = body.discreteValues()
    var (xs, ys) = (wanted.map { body.inputs[$0] }, asked.map { body.outputs[firstOutput + $0] })
    for _ in carried {
      let path = body.dependents(of: xs, fixed: [], upTo: body.outputs, except: discrete).values
      xs += carried.filter { path.contains(next($0)) }.map { body.inputs[$0] }
    }
    for _ in carried {
      let path = body.dependents(of: xs, fixed: [], upTo: ys, except: discrete).values
      ys += carried.filter { path.contains(body.inputs[$0]) }.map { next($0) }
    }
    return carried.filter { xs.contains(body.inputs[$0]) && ys.contains(next($0)) }
  }
}

extension Backward {
  /// Adds a scan from the last iteration to the first that runs each again and goes back through it. Its states are the
  /// gradients of what is carried, and the sums of those of captures.
  fileprivate mutating func goBack(through did: Iterations) throws(MaasError) {
    let own = did.given.upperBound + did.slices.count
    var body = BackwardBody(did.body)
    var slopes = [ValueID?](repeating: nil, count: did.body.outputs.count)
    var (states, sums): ([ValueID], Int) = ([], 0)
    let asked = (0..<outputCount).filter { gradient(of: $0) != nil }
    var wanted = did.passed(
      did.carried.filter { !isDiscrete($0) }, (0..<inputCount).filter { wants($0) }, asked)
    for i in wanted {
      let place = i - did.carried.lowerBound
      let slope = gradient(of: place) ?? add(FillLike(0), [output(making: place)])
      states.append(body.input(for: slope, self))
      slopes[did.firstOutput + place] = states.last
    }
    for i in own..<inputCount where wants(i) {
      states.append(body.input(for: add(FillLike(0), [try input(i)]), self))
      wanted.append(i)
      sums += 1
    }
    wanted += (did.carried.upperBound..<own).filter { wants($0) }
    var directions: [Scan.Direction] = []
    for (i, direction) in did.results.enumerated() {
      let place = did.carried.count + i
      guard let slope = gradient(of: place) else { continue }
      slopes[did.firstOutput + place] = body.input(for: slope, self)
      directions.append(direction)
    }
    var captures = body.given.count
    for i in own..<inputCount { body.take(did.body.inputs[i], for: try input(i), self) }
    var found = try body.gradients(of: wanted.map { did.body.inputs[$0] }, from: slopes)
    for i in states.count - sums..<states.count { found[i] = body.add(Binary(.add), [states[i], found[i]]) }
    let isRead = body.give(found)
    // What is not carried tells how many iterations there were.
    let counter = did.slices.isEmpty ? 0 : own - 1
    var kept: [Int] = []
    for i in 0..<own where i == counter || isRead[did.body.inputs[i].index] {
      var (values, direction) = (optionalInput(i), Scan.Direction.back)
      if did.given.contains(i) {
        values = output(making: did.body.outputs.count - did.firstOutput + kept.count)
        kept.append(i)
      } else {
        direction = did.slices[i - did.given.upperBound]
      }
      guard let values else { continue }
      body.take(did.body.inputs[i], for: values, self, at: captures)
      directions.append(direction)
      captures += 1
    }
    replaceOperator(by: did.keeping(did.body.giving(kept), kept.count))
    let scan = Scan(
      body.finished(capturesFrom: captures), states: states.count, inputs: directions,
      outputs: wanted[states.count...].map { did.slices[$0 - did.given.upperBound] })
    let results = add(scan, body.given, outputs: found.count)
    for (i, result) in zip(wanted, results) { try contribute(result, to: i) }
  }
}
