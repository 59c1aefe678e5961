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
      let own = (0..<count).map { Rectangle(allBoxes[(4 * (batch * count + $0))...].prefix(4), isCentered) }
      for i in 0..<classes {
        let scores = Array(allScores[((batch * classes + i) * count)...].prefix(count))
        for box in try chosen(own, scores, limit, overlap, lowest, call) {
          rows += [Int64(batch), Int64(i), Int64(box)]
        }
      }
    }
    return [.tensor(try Tensor(.int64, [rows.count / 3, 3], rows))]
  }

  private func chosen(
    _ boxes: [Rectangle], _ scores: [Float], _ limit: Int, _ overlap: Float, _ lowest: Float?,
    _ call: HostCall
  ) throws(MaasError) -> [Int] {
    let candidates = scores.indices.filter { i in lowest.map { scores[i] > $0 } ?? true }
    let order = try sorted(candidates.count, call) {
      let (a, b) = (candidates[$0], candidates[$1])
      return scores[a] != scores[b] ? orderedKey(scores[a]) > orderedKey(scores[b]) : a < b
    }
    var chosen: [Int] = []
    for i in order.lazy.map({ candidates[$0] }) {
      if chosen.count >= limit { break }
      try call.checkInterruption()
      if chosen.allSatisfy({ !boxes[$0].overlaps(boxes[i], overlap) }) { chosen.append(i) }
    }
    return chosen
  }
}

private struct Rectangle {
  private let low: (x: Float, y: Float)
  private let high: (x: Float, y: Float)
  private var area: Float { (high.x - low.x) * (high.y - low.y) }

  /// Two corners y, x, y, x in any order; or the center x, y, the width and the height.
  init(_ numbers: ArraySlice<Float>, _ isCentered: Bool) {
    let n = Array(numbers)
    if isCentered {
      low = (n[0] - n[2] / 2, n[1] - n[3] / 2)
      high = (n[0] + n[2] / 2, n[1] + n[3] / 2)
    } else {
      low = (min(n[1], n[3]), min(n[0], n[2]))
      high = (max(n[1], n[3]), max(n[0], n[2]))
    }
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
