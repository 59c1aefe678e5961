import CMaasKernels
import MaasCore
import MaasGraph

/// A loss of predictions against targets together with its gradient, in one pass: what training descends.
///
/// Inputs: predictions [samples, …], targets, and nothing or a weight of each sample. Outputs: the loss, a scalar, its
/// gradient with respect to the predictions, and what the loss is a quotient of (double): the weight of all places, and
/// the sum of their losses times their weights. Places are samples with all their elements, or where `kind` looks at
/// classes, which are dimension 1 then, those of each sample. Where nothing has weight the loss and its gradient are 0.
package final class Objective: Operator {
  package enum Kind: Int32, Sendable, BitwiseCopyable {
    case squared, absolute, huber
    /// Scores of independent yes-or-no questions against 0…1.
    case binary
    /// Scores against ±1; 0 counts as −1.
    case hinge
    /// Scores against the index of a class or probabilities of classes.
    case crossEntropy
    /// Scores against probabilities of classes: how much those lose when the softmax is taken for them.
    case divergence

    var looksAtClasses: Bool { self == .crossEntropy || self == .divergence }
  }

  package let name = "Objective"
  package let kind: Kind
  /// Where Huber's square becomes a line.
  private let delta: Double
  private let smoothing: Double
  private let classWeights: [Float]

  package init(_ kind: Kind, delta: Double = 1, smoothing: Double = 0, classWeights: [Float] = []) {
    (self.kind, self.delta, self.smoothing, self.classWeights) = (kind, delta, smoothing, classWeights)
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...3)
    try node.expectDType(0, [.float])
    try node.expectDType(1, kind == .crossEntropy ? [.float, .int64] : [.float])
    let isIndex = try node.dtype(1) == .int64
    try node.expectMinimumRank(0, kind.looksAtClasses ? 2 : 1)
    if let x = try node.shape(0), let t = try node.shape(1) { try check(x, t, isIndex) }
    if node.has(2) { try node.expectRank(2, 1) }
    node.setOutput(0, .float, [])
    node.setOutput(1, .float, try node.shape(0))
    for i in 2...3 { node.setOutput(i, .double, []) }
  }

  private func check(_ x: [Dim], _ t: [Dim], _ isIndex: Bool) throws(MaasError) {
    let expected = isIndex ? [x[0]] + x[2...] : x
    // A last dimension of 1 need not be said.
    let fits = [expected, Array(expected.dropLast(expected.last == .known(1) ? 1 : 0))].contains { shape in
      shape.count == t.count && zip(shape, t).allSatisfy { $0 == $1 || $0.value == nil || $1.value == nil }
    }
    guard !fits else { return }
    throw MaasError(
      .shapeMismatch, "the targets do not fit the predictions \(Shape(x).text)",
      expected: Shape(expected).text, found: Shape(t).text)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, targets) = (try node.input(0), try node.input(1))
    let layout = ObjectiveLayout(
      self, x.shape, isIndex: targets.dtype == .int64, hasClassWeights: !classWeights.isEmpty)
    guard classWeights.isEmpty || classWeights.count == layout.classes else {
      throw MaasError(
        .shapeMismatch, "there is not one weight for each class", expected: "\(layout.classes)",
        found: "\(classWeights.count)")
    }
    let weights = node.optionalInput(2)
    let classes =
      classWeights.isEmpty ? nil : try node.constant(try Tensor(.float, [classWeights.count], classWeights))
    var total: Operand?
    if weights != nil || (classes != nil && layout.isIndex) {
      total = node.optionalOutput(2)
      if total == nil { total = try node.temporary(.double, []) }
      node.emit({ totalWeight(Chunk($0, $1, $2, $3)) }, [targets, weights, classes, total], layout)
    }
    var gradient = node.optionalOutput(1)
    if kind.looksAtClasses {
      if gradient == nil { gradient = try node.temporary(.float, x.shape) }
      if let gradient { node.emitSoftmax(layout.softmax, x, gradient) }
    }
    let losses = try node.temporary(.double, [layout.places])
    node.emit(
      { objective(Chunk($0, $1, $2, $3)) }, [x, targets, weights, classes, total, gradient, losses], layout,
      items: layout.places, grain: grain(nanoseconds: 5 + 2 * layout.width))
    node.emit(
      { meanOfLosses(Chunk($0, $1, $2, $3)) },
      [
        losses, total, try node.output(0), total == nil ? node.optionalOutput(2) : nil,
        node.optionalOutput(3),
      ],
      layout.places)
  }
}

/// How predictions lie: `places` with `width` elements each, `step` apart.
struct ObjectiveLayout: BitwiseCopyable {
  let kind: Objective.Kind
  let samples, places, width, step: Int
  let isIndex: Bool
  let delta, smoothing: Double
  let hasClassWeights: Bool

  var classes: Int { width }

  fileprivate init(_ op: Objective, _ shape: [Int], isIndex: Bool, hasClassWeights: Bool) {
    (kind, delta, smoothing) = (op.kind, op.deltaValue, op.smoothingValue)
    (self.isIndex, self.hasClassWeights) = (isIndex, hasClassWeights)
    samples = shape[0]
    if kind.looksAtClasses {
      (width, step) = (shape[1], shape[2...].reduce(1, *))
      places = samples * step
    } else {
      (width, step) = (shape[1...].reduce(1, *), 1)
      places = samples
    }
  }

  /// Places of a sample.
  var inner: Int { kind.looksAtClasses ? step : 1 }
  func sample(_ place: Int) -> Int { place / inner }
  /// Where the elements of a place begin.
  func first(_ place: Int) -> Int { place / inner * width * inner + place % inner }

  fileprivate var softmax: maas_f32_softmax_params {
    var params = maas_f32_softmax_params()
    (params.outer, params.axis, params.inner) = (Int64(samples), Int64(width), Int64(inner))
    return params
  }
}

extension Objective {
  fileprivate var deltaValue: Double { delta }
  fileprivate var smoothingValue: Double { smoothing }
}

/// The weight of a place: that of its sample, times that of its class where it has one.
@inline(__always)
private func weight(
  _ layout: UnsafePointer<ObjectiveLayout>, _ place: Int, _ target: Int, _ weights: UnsafePointer<Float>?,
  _ classes: UnsafePointer<Float>?
) -> Double {
  let own = weights.map { Double($0[layout.pointee.sample(place)]) } ?? 1
  guard let classes, layout.pointee.isIndex else { return own }
  return own * Double(classes[target])
}

/// A part of the total.
@inline(__always)
private func portion(_ part: Double, _ total: Double) -> Double { total == 0 ? 0 : part / total }

/// int64 or float targets, weights or NULL, class weights or NULL, double total.
private func totalWeight(_ chunk: Chunk) -> Int32 {
  let layout = chunk.params(ObjectiveLayout.self)
  let (weights, classes) = (chunk.optional(1, as: Float.self), chunk.optional(2, as: Float.self))
  var total = 0.0
  for place in 0..<layout.pointee.places {
    var target = 0
    if layout.pointee.isIndex {
      target = Int(chunk.input(0, as: Int64.self)[place])
      guard target >= 0, target < layout.pointee.width else {
        return chunk.refuse(unsigned: target, limit: layout.pointee.width)
      }
    }
    total += weight(layout, place, target, weights, classes)
  }
  chunk.output(3, as: Double.self).pointee = total
  return StepStatus.ok
}

/// double losses, double total or NULL for their number, mean, double number or NULL, double sum or NULL; the parameter
/// is how many.
private func meanOfLosses(_ chunk: Chunk) -> Int32 {
  let (losses, count) = (chunk.input(0, as: Double.self), chunk.params(Int.self).pointee)
  var sum = 0.0
  for i in 0..<count { sum += losses[i] }
  let total = chunk.optional(1, as: Double.self)?.pointee ?? Double(count)
  chunk.output(2, as: Float.self).pointee = Float(portion(sum, total))
  if chunk.address(3) != nil { chunk.output(3, as: Double.self).pointee = total }
  if chunk.address(4) != nil { chunk.output(4, as: Double.self).pointee = sum }
  return StepStatus.ok
}

/// Predictions, targets, weights or NULL, class weights or NULL, double total or NULL, gradient or NULL (which holds
/// the softmax of what looks at classes), double losses times weights. Items are places.
private func objective(_ chunk: Chunk) -> Int32 {
  let layout = chunk.params(ObjectiveLayout.self)
  if layout.pointee.kind.looksAtClasses { return classObjective(chunk, layout) }
  elementObjective(chunk, layout)
  return StepStatus.ok
}

private func elementObjective(_ chunk: Chunk, _ layout: UnsafePointer<ObjectiveLayout>) {
  let width = layout.pointee.width
  let weights = chunk.optional(2, as: Float.self)
  let total = chunk.optional(4, as: Double.self)?.pointee ?? Double(layout.pointee.places)
  for place in chunk.begin..<chunk.end {
    let x = chunk.input(0, as: Float.self) + place * width
    let targets = chunk.input(1, as: Float.self) + place * width
    let (weight, elements) = (Double(weights?[place] ?? 1), Double(max(1, width)))
    let share = portion(weight, total * elements)
    let gradient = chunk.address(5) == nil ? nil : chunk.output(5, as: Float.self) + place * width
    let loss = elementLosses(
      layout.pointee.kind, layout.pointee.delta, x, targets, gradient, width, Float(share))
    chunk.output(6, as: Double.self)[place] = loss * (weight / elements)
  }
}

/// The sum of the losses of `count` elements; writes their gradients, times `share`.
private func elementLosses(
  _ kind: Objective.Kind, _ delta: Double, _ x: UnsafePointer<Float>, _ targets: UnsafePointer<Float>,
  _ gradient: UnsafeMutablePointer<Float>?, _ count: Int, _ share: Float
) -> Double {
  var (sum, first) = (0.0, 0)
  if kind == .squared { (sum, first) = squaredLosses(x, targets, gradient, count, share) }
  for i in first..<count {
    let (loss, slope) = elementLoss(kind, Float(delta), x[i], targets[i])
    sum += Double(loss)
    gradient?[i] = slope * share
  }
  return sum
}

/// The same of as many squares as fill vectors; says how many those are.
private func squaredLosses(
  _ x: UnsafePointer<Float>, _ targets: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>?,
  _ count: Int, _ share: Float
) -> (sum: Double, count: Int) {
  typealias Vector = SIMD4<Float>
  var (sums, i) = (SIMD4<Double>(repeating: 0), 0)
  while i + Vector.scalarCount <= count {
    let difference =
      UnsafeRawPointer(x + i).loadUnaligned(as: Vector.self)
      - UnsafeRawPointer(targets + i).loadUnaligned(as: Vector.self)
    sums += SIMD4<Double>(difference * difference)
    if let gradient {
      UnsafeMutableRawPointer(gradient + i).storeBytes(of: 2 * difference * share, as: Vector.self)
    }
    i += Vector.scalarCount
  }
  return (sums.sum(), i)
}

@inline(__always)
private func elementLoss(_ kind: Objective.Kind, _ delta: Float, _ x: Float, _ t: Float) -> (
  loss: Float, slope: Float
) {
  let difference = x - t
  switch kind {
  case .squared: return (difference * difference, 2 * difference)
  case .absolute: return (difference.magnitude, difference > 0 ? 1 : difference < 0 ? -1 : difference)
  case .huber:
    // PyTorch's and Keras's: half the square, then a line of slope delta.
    if difference.magnitude <= delta { return (difference * difference / 2, difference) }
    return (
      delta * (difference.magnitude - delta / 2),
      difference > 0 ? delta : difference < 0 ? -delta : difference
    )
  case .hinge:
    let sign: Float = t > 0 ? 1 : -1
    let margin = 1 - sign * x
    return margin > 0 ? (margin, -sign) : (margin.isNaN ? margin : 0, margin.isNaN ? margin : 0)
  default:
    // max(x, 0) - x t + log(1 + e^-|x|), which never overflows.
    let small = Float(maas_f64_unary(exponential, -Double(x.magnitude)))
    let loss = max(x, 0) - x * t + Float(maas_f64_unary(logarithm, 1 + Double(small)))
    return (loss, (x >= 0 ? 1 : small) / (1 + small) - t)
  }
}

private let exponential = maas_f32_activation(op: MAAS_UNARY_EXP, alpha: 0, beta: 0)
private let logarithm = maas_f32_activation(op: MAAS_UNARY_LOG, alpha: 0, beta: 0)

private func classObjective(_ chunk: Chunk, _ layout: UnsafePointer<ObjectiveLayout>) -> Int32 {
  let (width, step) = (layout.pointee.width, layout.pointee.step)
  let (weights, classes) = (chunk.optional(2, as: Float.self), chunk.optional(3, as: Float.self))
  let total = chunk.optional(4, as: Double.self)?.pointee ?? Double(layout.pointee.places)
  for place in chunk.begin..<chunk.end {
    let first = layout.pointee.first(place)
    let row = ClassRow(
      x: chunk.input(0, as: Float.self) + first, softmax: chunk.output(5, as: Float.self) + first,
      width: width,
      step: step, classes: classes, smoothing: layout.pointee.smoothing)
    let weight = Double(weights?[layout.pointee.sample(place)] ?? 1)
    let share = portion(weight, total)
    var loss: Double
    if layout.pointee.isIndex {
      let target = Int(chunk.input(1, as: Int64.self)[place])
      guard target >= 0, target < width else { return chunk.refuse(unsigned: target, limit: width) }
      loss = row.loss(ofClass: target, share)
    } else {
      loss = row.loss(
        of: chunk.input(1, as: Float.self) + first, share, isDivergence: layout.pointee.kind == .divergence)
    }
    chunk.output(6, as: Double.self)[place] = loss * weight
  }
  return StepStatus.ok
}

/// The scores of one place, and their softmax, which becomes the gradient.
private struct ClassRow {
  let x: UnsafePointer<Float>
  let softmax: UnsafeMutablePointer<Float>
  let width, step: Int
  let classes: UnsafePointer<Float>?
  let smoothing: Double

  /// The logarithm of the sum of all e^x: the largest probability is never 0.
  private var logSum: Double {
    var largest = 0
    for c in 0..<width where x[c * step] > x[largest * step] { largest = c }
    return Double(x[largest * step]) - maas_f64_unary(logarithm, Double(softmax[largest * step]))
  }

  /// The loss of a class by its own probability, unless that is so small that it has lost its digits.
  private func ownLoss(_ c: Int) -> Double {
    let probability = softmax[c * step]
    return probability > 1e-30
      ? -maas_f64_unary(logarithm, Double(probability)) : logSum - Double(x[c * step])
  }

  private func weight(_ c: Int) -> Double { classes.map { Double($0[c]) } ?? 1 }

  func loss(ofClass target: Int, _ share: Double) -> Double {
    let direct = (1 - smoothing) * weight(target)
    var (loss, whole) = (direct * ownLoss(target), direct)
    if smoothing > 0 {
      let (each, logSum) = (smoothing / Double(width), logSum)
      for c in 0..<width {
        loss += each * weight(c) * (logSum - Double(x[c * step]))
        whole += each * weight(c)
      }
    }
    let factor = Float(whole * share)
    for c in 0..<width { softmax[c * step] *= factor }
    softmax[target * step] -= Float(direct * share)
    if smoothing > 0 {
      let each = smoothing / Double(width) * share
      for c in 0..<width { softmax[c * step] -= Float(each * weight(c)) }
    }
    return loss
  }

  func loss(of targets: UnsafePointer<Float>, _ share: Double, isDivergence: Bool) -> Double {
    let logSum = logSum
    var (loss, whole) = (0.0, 0.0)
    for c in 0..<width {
      let t = probability(targets[c * step]) * weight(c)
      loss += t * (logSum - Double(x[c * step]))
      if isDivergence, t > 0 { loss += t * maas_f64_unary(logarithm, t) }
      whole += t
    }
    for c in 0..<width {
      let t = probability(targets[c * step]) * weight(c)
      softmax[c * step] = Float((Double(softmax[c * step]) * whole - t) * share)
    }
    return loss
  }

  private func probability(_ target: Float) -> Double {
    (1 - smoothing) * Double(target) + smoothing / Double(width)
  }
}
