import MaasCore
import MaasGraph

extension AttributeReader {
  /// What the value of a string attribute stands for: the first row when the attribute is left out.
  mutating func choice<Choice>(
    _ name: String, _ rows: [(name: String, value: Choice)]
  ) throws(MaasError) -> Choice {
    let found = try string(name) ?? rows[0].name
    if let row = rows.first(where: { $0.name == found }) { return row.value }
    throw MaasError(
      .invalidModel, "attribute '\(name)' has an unknown value",
      expected: joined(rows.map { $0.name }, " or "), found: found)
  }

  /// An int attribute within `bounds`.
  mutating func int(_ name: String, default value: Int, _ bounds: ClosedRange<Int>) throws(MaasError) -> Int {
    let found = try int(name) ?? value
    if bounds.contains(found) { return found }
    throw MaasError(
      .invalidModel, "attribute '\(name)' is out of range",
      expected: "\(bounds.lowerBound)..\(bounds.upperBound)", found: "\(found)")
  }
}
