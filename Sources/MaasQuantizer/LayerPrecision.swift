import MaasGraph

/// One way to quantize a layer.
struct Precision {
  let bits: Int
  var weights: QuantizedWeights
  var bias: ValueID?
  var error: LayerError
  /// Of the layer by itself; nil where it was not timed.
  var time: Times?
  /// Whether it may be used: where only faster layers are kept, whether it is faster.
  var isAllowed = true
}

/// What a layer can be, from the fewest bits up, and which of that it is.
struct LayerChoice {
  let layer: Layer
  var precisions: [Precision]
  /// Nil: float.
  var chosen: Int?
  var reason = ""

  init(_ layer: Layer, _ precisions: [Precision]) {
    (self.layer, self.precisions) = (layer, precisions)
    chosen = 0
  }

  var current: Precision? { chosen.map { precisions[$0] } }

  /// The next precision with more bits.
  var better: Int? { chosen.flatMap { precisions[($0 + 1)...].firstIndex { $0.isAllowed } } }
}
