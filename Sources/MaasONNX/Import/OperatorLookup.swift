import MaasCore

/// Finds the row that reads an operator of the given domain ("" is ai.onnx) at the given opset version. Those of `own`
/// go first.
package func operatorRegistration(
  _ name: String, domain: String, opset: Int, own: OperatorRegistry? = nil
) throws(MaasError) -> Registration {
  var rows = own?.versions(name, domain) ?? []
  for row in operatorTable[MaasONNX.rows(named: name)] where row.domain == domain { rows.append(row) }
  if let row = rows.first(where: { $0.opsets.contains(opset) }) { return row }
  guard rows.isEmpty else { throw unknownVersion(rows, opset) }
  let inDomain = operatorTable.filter { $0.domain == domain }
  guard !inDomain.isEmpty else { throw unknownDomain(name, domain, opset, own) }
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

/// An operator that only the caller could bring.
private func unknownDomain(_ name: String, _ domain: String, _ opset: Int, _ own: OperatorRegistry?)
  -> MaasError
{
  var near: [String] = []
  for row in own?.added ?? [] where row.domain == domain { near.append(row.name) }
  return MaasError(
    .unsupported, "operator '\(name)' of \(domain), version \(opset), is not known",
    hint: didYouMean(name, near)
      ?? "add it with maas_operators_add() or maas.CustomOperators and open the model with these operators")
}

private func unknownVersion(_ rows: [Registration], _ opset: Int) -> MaasError {
  let ranges = rows.map { (row) in
    "\(row.opsets.lowerBound) \(row.opsets.upperBound == .max ? "or later" : "to \(row.opsets.upperBound)")"
  }
  return MaasError(
    .unsupported, "this version of the operator is not supported",
    expected: "opset \(joined(ranges, " or "))",
    found: "opset \(opset)", hint: "ONNX's version converter can write the model for another opset")
}
