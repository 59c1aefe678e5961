import MaasCore
import MaasGraph

extension Scan {
  /// The node also gives the states before each iteration.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    if batched { throw MaasError(.unsupported, "Scan before opset 9 has no gradient") }
    let kept = (0..<stateCount).map { node.output(making: body.outputs.count + $0) }
    let plain = Direction(axis: 0, reversed: false)
    node.replaceOperator(
      by: Scan(
        body.giving(0..<stateCount), states: stateCount, inputs: inputs,
        outputs: outputs + kept.map { _ in plain }))
    var sources = kept.map { ($0, plain.flipped) }
    for (i, direction) in inputs.enumerated() {
      sources.append((try node.input(stateCount + i), direction.flipped))
    }
    let iterations = Iterations(
      body: body, sources: sources, carried: 0..<stateCount, firstOutput: 0,
      results: outputs.map { $0.flipped })
    try node.goBack(through: iterations)
  }
}

extension Loop {
  /// The node also gives all that each iteration begins with.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let own = 0..<carriedCount + 2
    let kept = own.map { node.output(making: body.outputs.count - 1 + $0) }
    node.replaceOperator(by: Loop(self, body.giving(own)))
    let back = Scan.Direction(axis: 0, reversed: true)
    let iterations = Iterations(
      body: body, sources: kept.map { ($0, back) }, carried: 2..<own.upperBound, firstOutput: 1,
      results: body.outputs.dropFirst(1 + carriedCount).map { _ in back })
    try node.goBack(through: iterations)
  }
}

extension Scan.Direction {
  /// Along the same slices from the other end.
  fileprivate var flipped: Self { Self(axis: axis, reversed: !reversed) }
}

extension Graph {
  /// A body that also gives some of its inputs.
  fileprivate func giving(_ inputs: Range<Int>) -> Graph {
    var body = self
    for i in inputs {
      let given = body.add(Identity(), [self.inputs[i]], name: "before")[0]
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
  /// What the body read in all iterations, in slices, for each input that is no capture, from the last one on.
  let sources: [(values: ValueID, direction: Scan.Direction)]
  /// The inputs that are carried from one iteration to the next.
  let carried: Range<Int>
  /// The body's output that is carried first, which is the node's first output.
  let firstOutput: Int
  /// How the outputs behind the carried ones lie, from the last iteration on.
  let results: [Scan.Direction]
}

extension Backward {
  /// Adds a scan from the last iteration to the first that runs each again and goes back through it. Its states are the
  /// gradients of what is carried, and the sums of those of captures.
  fileprivate mutating func goBack(through did: Iterations) throws(MaasError) {
    let own = did.sources.count
    var body = BackwardBody(did.body)
    var slopes = [ValueID?](repeating: nil, count: did.body.outputs.count)
    var (states, sums, wanted): ([ValueID], Int, [Int]) = ([], 0, [])
    for i in did.carried where !isDiscrete(i) {
      let place = i - did.carried.lowerBound
      let slope = gradient(of: place) ?? add(FillLike(0), [output(making: place)])
      states.append(body.input(for: slope, self))
      slopes[did.firstOutput + place] = states.last
      wanted.append(i)
    }
    for i in own..<inputCount where wants(i) {
      states.append(body.input(for: add(FillLike(0), [try input(i)]), self))
      wanted.append(i)
      sums += 1
    }
    wanted += (did.carried.upperBound..<own).filter { wants($0) }
    var directions: [Scan.Direction] = []
    for (i, source) in did.sources.enumerated() {
      body.take(did.body.inputs[i], for: source.values, self)
      directions.append(source.direction)
    }
    for (i, direction) in did.results.enumerated() {
      let place = did.carried.count + i
      guard let slope = gradient(of: place) else { continue }
      slopes[did.firstOutput + place] = body.input(for: slope, self)
      directions.append(direction)
    }
    let captures = body.given.count
    for i in own..<inputCount { body.take(did.body.inputs[i], for: try input(i), self) }
    var found = try body.gradients(of: wanted.map { did.body.inputs[$0] }, from: slopes)
    for i in states.count - sums..<states.count { found[i] = body.add(Binary(.add), [states[i], found[i]]) }
    let scan = Scan(
      body.finished(found, capturesFrom: captures), states: states.count, inputs: directions,
      outputs: wanted[states.count...].map { did.sources[$0].direction })
    let results = add(scan, body.given, outputs: found.count)
    for (i, result) in zip(wanted, results) { try contribute(result, to: i) }
  }
}
