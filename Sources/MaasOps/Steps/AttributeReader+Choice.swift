import MaasCore
import MaasGraph

extension AttributeReader {
  /// What the value of a string attribute stands for: the first row when the attribute is left out.
  mutating func choice<Choice>(
    _ name: String, _ rows: [(name: String, value: Choice)]
  ) throws(MaasError) -> Choice {
    rows[try choice(name, rows.map { $0.name })].value
  }

  /// The place of the value of a string attribute among `names`: the first when the attribute is left out.
  mutating func choice(_ name: String, _ names: [String]) throws(MaasError) -> Int {
    let found = try string(name) ?? names[0]
    for i in names.indices where names[i] == found { return i }
    throw MaasError(
      .invalidModel, "attribute '\(name)' has an unknown value", expected: joined(names, " or "), found: found
    )
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
