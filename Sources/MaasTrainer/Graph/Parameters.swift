import MaasCore
import MaasGraph

/// A tensor that training changes.
struct Parameter {
  let id: ValueID
  let name: String
  let tensor: Tensor
}

/// The inputs of operators that are learned, where they are constants: a row for each op_type.
private let learnedInputs: [(type: String, inputs: Range<Int>)] = [
  ("Add", 0..<2), ("BatchNormalization", 1..<3), ("Conv", 1..<3), ("ConvTranspose", 1..<3), ("Div", 1..<2),
  ("GRU", 1..<4), ("Gather", 0..<1), ("Gemm", 0..<3), ("GroupNormalization", 1..<3),
  ("InstanceNormalization", 1..<3), ("LSTM", 1..<4), ("LayerNormalization", 1..<3), ("MatMul", 0..<2),
  ("Mul", 0..<2), ("PRelu", 1..<2), ("RMSNormalization", 1..<2), ("RNN", 1..<4), ("Sub", 0..<2),
]

extension Graph {
  /// The constants that training may change: float weights of layers. Scalars, masks, and tables that are read by
  /// other operators are none.
  func learnedConstants() -> [ValueID] {
    var (learned, others): ([ValueID], Set<ValueID>) = ([], [])
    for node in nodes {
      let inputs = learnedInputs.first { $0.type == forms[node.op]?.name }?.inputs ?? 0..<0
      for (i, id) in node.inputs.enumerated() {
        guard let id, let tensor = self[id].constant else { continue }
        if inputs.contains(i), tensor.isWeight {
          if !learned.contains(id) { learned.append(id) }
        } else {
          others.insert(id)
        }
      }
    }
    return learned.filter { !others.contains($0) }
  }

  /// The running statistics of BatchNormalization nodes.
  func statistics() -> [ValueID] {
    var found: [ValueID] = []
    for node in nodes where forms[node.op]?.name == "BatchNormalization" {
      for case .some(let id) in node.inputs.dropFirst(3) where self[id].constant != nil && !found.contains(id)
      {
        found.append(id)
      }
    }
    return found
  }
}

extension Tensor {
  /// Whether this may be what a layer has learned: numbers of a mask are too large.
  fileprivate var isWeight: Bool {
    guard dtype == .float, !shape.isEmpty, count > 0 else { return false }
    return elements(as: Float.self).allSatisfy { $0.magnitude < 1e6 }
  }
}

/// Whether a name is like one of the patterns, in which `*` stands for anything.
func matches(_ name: String, _ patterns: [String]) -> Bool {
  patterns.contains { matches(Array(name.utf8)[...], Array($0.utf8)[...]) }
}

private func matches(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
  // The last star, and how much of the name it stands for, is all that ever needs another try.
  var (n, p) = (name.startIndex, pattern.startIndex)
  var star: (pattern: Int, name: Int)?
  while n < name.endIndex {
    if p < pattern.endIndex, pattern[p] == UInt8(ascii: "*") {
      star = (p + 1, n)
      p += 1
    } else if p < pattern.endIndex, pattern[p] == name[n] {
      (n, p) = (n + 1, p + 1)
    } else if let last = star {
      star = (last.pattern, last.name + 1)
      (n, p) = (last.name + 1, last.pattern)
    } else {
      return false
    }
  }
  return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
}
