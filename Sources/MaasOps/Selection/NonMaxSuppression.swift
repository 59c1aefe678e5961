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
    let overlap = try call.optionalTensor(3)?.elements(as: Float.self).first ?? 0
    let lowest = try call.optionalTensor(4)?.elements(as: Float.self).first
    let (count, classes) = (boxes.shape[1], scores.shape[1])
    let (allBoxes, allScores) = (boxes.elements(as: Float.self), scores.elements(as: Float.self))
    var rows: [Int64] = []
    for batch in 0..<boxes.shape[0] {
      let own = (0..<count).map { i in
        let at = 4 * (batch * count + i)
        return Rectangle((allBoxes[at], allBoxes[at + 1], allBoxes[at + 2], allBoxes[at + 3]), isCentered)
      }
      for i in 0..<classes {
        let scores = allScores[((batch * classes + i) * count)...].prefix(count)
        for box in try chosen(own, scores, limit, overlap, lowest, call) {
          rows += [Int64(batch), Int64(i), Int64(box)]
        }
      }
    }
    return [.tensor(try Tensor(.int64, [rows.count / 3, 3], rows))]
  }

  private func chosen(
    _ boxes: [Rectangle], _ scores: ArraySlice<Float>, _ limit: Int, _ overlap: Float, _ lowest: Float?,
    _ call: HostCall
  ) throws(MaasError) -> [Int] {
    var (candidates, keys): ([Int], [UInt64]) = ([], [])
    for (i, score) in scores.enumerated() where lowest.map({ score > $0 }) ?? true {
      candidates.append(i)
      keys.append(~orderedKey(score))
    }
    var (chosen, rectangles): ([Int], [Rectangle]) = ([], [])
    for place in try sortedIndices(by: keys, call) {
      if chosen.count >= limit { break }
      try call.checkInterruption()
      let box = boxes[candidates[place]]
      if rectangles.contains(where: { $0.overlaps(box, overlap) }) { continue }
      chosen.append(candidates[place])
      rectangles.append(box)
    }
    return chosen
  }
}

private struct Rectangle {
  private let low: (x: Float, y: Float)
  private let high: (x: Float, y: Float)
  private let area: Float

  /// Two corners y, x, y, x in any order; or the center x, y, the width and the height.
  init(_ n: (Float, Float, Float, Float), _ isCentered: Bool) {
    if isCentered {
      low = (n.0 - n.2 / 2, n.1 - n.3 / 2)
      high = (n.0 + n.2 / 2, n.1 + n.3 / 2)
    } else {
      low = (min(n.1, n.3), min(n.0, n.2))
      high = (max(n.1, n.3), max(n.0, n.2))
    }
    area = (high.x - low.x) * (high.y - low.y)
  }

  /// Whether the common part is more than `limit` of both together.
  func overlaps(_ other: Rectangle, _ limit: Float) -> Bool {
    let width = min(high.x, other.high.x) - max(low.x, other.low.x)
    let height = min(high.y, other.high.y) - max(low.y, other.low.y)
    guard width > 0, height > 0, area > 0, other.area > 0 else { return false }
    let common = width * height
    return common / (area + other.area - common) > limit
  }
}
