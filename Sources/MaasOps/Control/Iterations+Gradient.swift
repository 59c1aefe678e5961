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
    let captured = Array(own..<inputCount)
    var body = BackwardBody(
      did.body, captures: try captured.map { (i) throws(MaasError) in try input(i) }, self)
    let carried = did.carried.filter { !isDiscrete($0) }
    let (sums, sliced) = (captured.filter { wants($0) }, (did.carried.upperBound..<own).filter { wants($0) })
    var slopes = [ValueID?](repeating: nil, count: did.body.outputs.count)
    var (inner, outer): ([ValueID], [ValueID?]) = ([], [])
    for i in carried {
      let place = i - did.carried.lowerBound
      outer.append(gradient(of: place) ?? add(FillLike(0), [output(making: place)]))
      inner.append(body.add(like: try input(i), self))
      slopes[did.firstOutput + place] = inner.last
    }
    for i in sums {
      outer.append(add(FillLike(0), [try input(i)]))
      inner.append(body.add(like: try input(i), self))
    }
    let states = inner.count
    inner += did.body.inputs.prefix(own)
    outer += did.sources.map { $0.values }
    var directions = did.sources.map { $0.direction }
    for (i, direction) in did.results.enumerated() {
      guard let slope = gradient(of: did.carried.count + i) else { continue }
      outer.append(slope)
      directions.append(direction)
      inner.append(body.add(like: slope, self))
      slopes[did.firstOutput + did.carried.count + i] = inner.last
    }
    var found = try body.gradients(of: (carried + sums + sliced).map { did.body.inputs[$0] }, from: slopes)
    for i in carried.count..<states { found[i] = body.sum(inner[i], found[i]) }
    body.setInputs(inner)
    let scan = Scan(
      body.finished(found), states: states, inputs: directions,
      outputs: sliced.map { did.sources[$0].direction })
    let results = add(scan, outer + body.captures.map { $0 }, outputs: found.count)
    for (i, result) in zip(carried + sums + sliced, results) { try contribute(result, to: i) }
  }
}
