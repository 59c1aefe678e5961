import MaasCore

/// Finds the row that reads an operator of the given domain ("" is ai.onnx) at the given opset version.
package func operatorRegistration(_ name: String, domain: String, opset: Int) throws(MaasError)
  -> Registration
{
  let rows = operatorTable[rows(named: name)].filter { $0.domain == domain }
  if let row = rows.first(where: { $0.opsets.contains(opset) }) { return row }
  guard rows.isEmpty else { throw unknownVersion(rows, opset) }
  let inDomain = operatorTable.filter { $0.domain == domain }
  guard !inDomain.isEmpty else { throw unknownDomain(domain) }
  throw MaasError(
    .unsupported, "the operator is not supported (opset \(opset) of \(label(domain: domain)))",
    hint: didYouMean(name, inDomain.map { $0.name }))
}

/// `ai.onnx` for the default domain.
func label(domain: String) -> String { domain.isEmpty ? "ai.onnx" : domain }

/// The table is sorted by name.
private func rows(named name: String) -> Range<Int> {
  var low = 0
  var high = operatorTable.count
  while low < high {
    let middle = (low + high) / 2
    if operatorTable[middle].name < name { low = middle + 1 } else { high = middle }
  }
  let end = operatorTable[low...].firstIndex { $0.name != name } ?? operatorTable.count
  return low..<end
}

private func unknownDomain(_ domain: String) -> MaasError {
  var known: [String] = []
  for row in operatorTable where !known.contains(row.domain) { known.append(row.domain) }
  return MaasError(
    .unsupported, "the operator's domain is not supported",
    expected: joined(known.map { label(domain: $0) }, " or "), found: label(domain: domain))
}

private func unknownVersion(_ rows: [Registration], _ opset: Int) -> MaasError {
  let ranges = rows.map { "\($0.opsets.lowerBound) to \($0.opsets.upperBound)" }
  return MaasError(
    .unsupported, "this version of the operator is not supported",
    expected: "opset \(joined(ranges, " or "))",
    found: "opset \(opset)", hint: "ONNX's version converter can write the model for another opset")
}
