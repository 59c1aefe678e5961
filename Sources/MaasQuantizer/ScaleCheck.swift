import MaasCore
import MaasGraph

extension Graph {
  /// Refuses a model that divides by a scale that is no positive number: there is nothing to measure errors by.
  func checkScales() throws(MaasError) {
    for node in nodes {
      guard let form = forms[node.op], form.domain.isEmpty, form.name == "QuantizeLinear",
        let id = node.inputs[at: 1] ?? nil, let scales = self[id].constant, scales.dtype == .float
      else { continue }
      for (i, scale) in scales.elements(as: Float.self).enumerated() where !(scale > 0 && scale.isFinite) {
        throw MaasError(
          .outOfRange, "element \(i) of the scale is \(scale)", tensor: self[id].name,
          expected: "a positive number"
        ).inNode(node.name, form.name)
      }
    }
  }
}
