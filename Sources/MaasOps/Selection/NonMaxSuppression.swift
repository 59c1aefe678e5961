import CMaasKernels
import MaasCore
import MaasGraph

/// For each batch and class, the boxes of highest score that do not overlap with one chosen before: rows of batch,
/// class and box.
package final class NonMaxSuppression: ReadableOperator, HostOperator {
  package let name = "NonMaxSuppression"
  private let isCentered: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    isCentered = try reader.int("center_point_box") ?? 0 != 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...5)
    for i in [0, 1, 3, 4] where node.has(i) { try node.expectDType(i, [.float]) }
    if node.has(2) { try node.expectDType(2, [.int64]) }
    for i in 2..<5 where node.has(i) { try node.expectSingle(i) }
    for i in 0..<2 { try node.expectRank(i, 3) }
    if let boxes = try node.shape(0), let scores = try node.shape(1) {
      _ = try unified(boxes[0], scores[0], "the batches of boxes and scores")
      _ = try unified(boxes[1], scores[2], "the numbers of boxes and scores")
      _ = try unified(boxes[2], .known(4), "the coordinates of a box")
    }
    node.setOutput(0, .int64, [node.unknownDim(), .known(3)])
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let (boxes, scores) = (try call.tensor(0), try call.tensor(1))
    let limit = call.has(2) ? try call.integer(2) : 0
    let (count, classes) = (boxes.shape[1], scores.shape[1])
    let choice = try BoxChoice(
      count, limit: max(0, min(limit, count)), isCentered: isCentered,
      overlap: try call.optionalTensor(3)?.elements(as: Float.self).first ?? 0,
      lowest: try call.optionalTensor(4)?.elements(as: Float.self).first)
    let (allBoxes, allScores) = (
      boxes.bytes.assumingMemoryBound(to: Float.self), scores.bytes.assumingMemoryBound(to: Float.self)
    )
    var rows: [Int64] = []
    for batch in 0..<boxes.shape[0] {
      for i in 0..<classes {
        let own = allScores + (batch * classes + i) * count
        try choice.choose(allBoxes + 4 * batch * count, own, call) {
          rows += [Int64(batch), Int64(i), Int64($0)]
        }
      }
    }
    return [.tensor(try Tensor(.int64, [rows.count / 3, 3], rows))]
  }
}

/// Chooses boxes of one class after the other, in memory that all use.
private struct BoxChoice {
  private let count: Int
  private let limit: Int
  private let isCentered: Bool
  private let overlap: Float
  private let lowest: Float?
  /// Those whose score is high enough, the best as root of a heap.
  private let candidates: TensorStorage
  private let corners: TensorStorage
  private let chosen: maas_boxes
  private static let pollInterval = 64

  init(
    _ count: Int, limit: Int, isCentered: Bool, overlap: Float, lowest: Float?
  ) throws(MaasError) {
    (self.count, self.limit, self.isCentered) = (count, limit, isCentered)
    (self.overlap, self.lowest) = (overlap, lowest)
    candidates = try TensorStorage.allocate(max(1, count) * MemoryLayout<Candidate>.stride)
    corners = try TensorStorage.allocate(max(1, 5 * limit) * MemoryLayout<Float>.stride)
    let numbers = corners.base.assumingMemoryBound(to: Float.self)
    chosen = maas_boxes(
      low_x: numbers, low_y: numbers + limit, high_x: numbers + 2 * limit, high_y: numbers + 3 * limit,
      area: numbers + 4 * limit)
  }

  func choose(
    _ boxes: UnsafePointer<Float>, _ scores: UnsafePointer<Float>, _ call: HostCall, _ take: (Int) -> Void
  ) throws(MaasError) {
    var heap = BestFirst(candidates.base.assumingMemoryBound(to: Candidate.self))
    for i in 0..<count where lowest.map({ scores[i] > $0 }) ?? true {
      heap.append(Candidate(key: orderedKey(scores[i]), index: i))
    }
    heap.order()
    var (found, seen) = (0, 0)
    while found < limit, let best = heap.popFirst() {
      if seen % Self.pollInterval == 0 { try call.checkInterruption() }
      seen += 1
      let box = box(boxes + 4 * best.index)
      if withUnsafePointer(to: chosen, { maas_boxes_overlap($0, Int64(found), box, overlap) }) { continue }
      (chosen.low_x[found], chosen.low_y[found]) = (box.low_x, box.low_y)
      (chosen.high_x[found], chosen.high_y[found]) = (box.high_x, box.high_y)
      chosen.area[found] = box.area
      found += 1
      take(best.index)
    }
  }

  /// Two corners y, x, y, x in any order; or the center x, y, the width and the height.
  private func box(_ n: UnsafePointer<Float>) -> maas_box {
    var box = maas_box()
    if isCentered {
      (box.low_x, box.low_y) = (n[0] - n[2] / 2, n[1] - n[3] / 2)
      (box.high_x, box.high_y) = (n[0] + n[2] / 2, n[1] + n[3] / 2)
    } else {
      (box.low_x, box.low_y) = (min(n[1], n[3]), min(n[0], n[2]))
      (box.high_x, box.high_y) = (max(n[1], n[3]), max(n[0], n[2]))
    }
    box.area = (box.high_x - box.low_x) * (box.high_y - box.low_y)
    return box
  }
}
