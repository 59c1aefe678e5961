import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// Memory that the processes of a job share for large weights: each process takes the steps of a part of them. It leaves
/// its gradients of the others' parts there, adds theirs to those of its own, and leaves there what the weights become.
///
/// What must not meet is kept apart by two meetings of a step: the sum of its checks, when all have left their gradients
/// and copied the weights of the step before, and `gather`, when all have read the gradients and left their weights.
package final class SharedWeights: @unchecked Sendable {
  private let calls: UnsafePointer<maas_collective>
  private let area: UnsafeMutablePointer<maas_collective_area>
  /// Of each process its gradients of the others' parts, and its own part of the weights.
  private let left: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>
  /// How the weights lie in panels, and how many elements are before them, by parameter.
  private let places: [Int: (shape: [Int], first: Int)]

  /// For weights that lie in panels of these shapes, by parameter; on all processes at once. Nil where there are none, or
  /// no such memory.
  package init?(_ collective: Collective, _ shapes: [Int: [Int]]) {
    var (places, count): ([Int: ([Int], Int)], Int) = ([:], 0)
    for (i, shape) in shapes.sorted(by: { $0.key < $1.key }) where shape[0] >= collective.ranks {
      places[i] = (shape, count)
      count += shape.reduce(1, *)
    }
    let opened = UnsafeMutablePointer<maas_collective_area>.allocate(capacity: 1)
    opened.initialize(to: maas_collective_area())
    guard collective.ranks <= Int(MAAS_AREA_RANKS), count > 0, let open = collective.calls.pointee.open_area,
      open(collective.calls.pointee.context, Int64(count), opened) == 0
    else {
      opened.deallocate()
      return nil
    }
    (calls, area, self.places) = (collective.calls, opened, places)
    left = .allocate(capacity: Int(MAAS_AREA_RANKS))
    withUnsafeBytes(of: &opened.pointee.floats) {
      for (i, floats) in $0.bindMemory(to: UnsafeMutablePointer<Float>?.self).enumerated() {
        (left + i).initialize(to: floats)
      }
    }
  }

  deinit {
    calls.pointee.close_area?(calls.pointee.context, area)
    left.deallocate()
    area.deallocate()
  }

  /// What of parameter `i` is whose; nil where it is not shared.
  package func part(_ i: Int) -> SharedPart? {
    places[i].map {
      SharedPart(
        weights: self, panels: $0.shape[0], panelElements: $0.shape[1] * $0.shape[2], first: $0.first,
        rank: Int(calls.pointee.rank), ranks: Int(calls.pointee.ranks))
    }
  }

  /// Waits until all processes have taken a step of the parameters of these numbers, and copies what the others have left of their
  /// parts.
  package func gather(_ numbers: [Int], of parameters: [Tensor]) throws(MaasError) {
    guard let meet = calls.pointee.meet, meet(calls.pointee.context, area) == 0 else { throw .processEnded }
    for i in numbers {
      guard let part = part(i) else { continue }
      let x = parameters[i].bytes.assumingMemoryBound(to: Float.self)
      for rank in 0..<part.ranks where rank != part.rank {
        guard let left = left[rank] else { continue }
        let own = part.elements(of: rank)
        maas_sys_copy_far(
          x + own.lowerBound, left + part.first + own.lowerBound,
          own.count * MemoryLayout<Float>.size)
      }
    }
  }

  fileprivate func params(_ part: SharedPart) -> maas_rank_part {
    maas_rank_part(
      left: UnsafePointer(left), first: Int64(part.first), rank: Int32(part.rank), ranks: Int32(part.ranks))
  }
}

/// Weights in panels of which this process takes the steps of some.
package struct SharedPart: Sendable {
  let weights: SharedWeights
  fileprivate let panels, panelElements, first, rank, ranks: Int

  fileprivate func panels(of rank: Int) -> Range<Int> {
    panels * rank / ranks..<panels * (rank + 1) / ranks
  }

  fileprivate func elements(of rank: Int) -> Range<Int> {
    panels(of: rank).lowerBound * panelElements..<panels(of: rank).upperBound * panelElements
  }

  var ownPanels: Range<Int> { panels(of: rank) }
  var params: maas_rank_part { weights.params(self) }

  /// The elements whose steps this process takes.
  package var elements: Range<Int> { elements(of: rank) }
}

/// Leaves the gradients Aᵀ dY of the others' parts to them. Inputs: dY and A. Output: 0, once that is done.
package final class GradientShare: Operator {
  package let name = "GradientShare"
  private let part: SharedPart

  package init(_ part: SharedPart) { self.part = part }

  package func infer(_ node: inout Inference) throws(MaasError) {
    for i in 0...1 { try node.expectDType(i, [.float]) }
    node.setOutput(0, .float, [])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, a) = (try node.input(0), try node.input(1))
    let shape = [part.panels, a.shape[a.rank - 1], PanelProduct.width]
    for rank in 0..<part.ranks where rank != part.rank {
      var params = maas_product_update_params()
      params.product = MatrixProduct(gradientOf: shape, dy).params(of: part.panels(of: rank))
      params.part = part.params
      let split = maas_f32_product_share_split(&params)
      node.emit(maas_f32_gemm, [a, dy, nil, nil, nil], params, split)
    }
    try node.emitFill(try node.output(), try Tensor(.float, [1], [Float(0)]))
    node.keep(part.weights)
  }
}
