import MaasCore
import MaasGraph

/// Constants with the same contents are one, so that nodes that read them can be one too, and files hold it once.
let shareConstants = Rule(name: "ShareConstants", effect: .exact) { graph in
  let outputs = Set(graph.outputs)
  var known: [Int: ValueID] = [:]
  var replacements: [ValueID: ValueID] = [:]
  for (i, value) in graph.values.enumerated() {
    guard let tensor = value.constant, tensor.dtype != .string, !outputs.contains(ValueID(i)) else {
      continue
    }
    let key = tensor.fingerprint
    guard let first = known[key], let same = graph[first].constant else {
      known[key] = ValueID(i)
      continue
    }
    if same.isIdentical(to: tensor) { replacements[ValueID(i)] = first }
  }
  if !replacements.isEmpty { graph.replaceUses(replacements) }
  return replacements.count
}

extension Tensor {
  /// Of the type and the first bytes, which weights rarely have in common.
  fileprivate var fingerprint: Int {
    var hash = Int(dtype.rawValue)
    for size in shape { hash = (hash ^ size) &* 0x100_0000_01b3 }
    for i in 0..<min(64, byteCount) {
      hash = (hash ^ Int(bytes.load(fromByteOffset: i, as: UInt8.self))) &* 0x100_0000_01b3
    }
    return hash
  }
}
