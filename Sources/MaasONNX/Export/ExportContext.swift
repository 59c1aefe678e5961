import MaasCore
import MaasGraph

/// What all graphs of one model share while they are written.
final class ExportContext {
  let own: OperatorRegistry?
  /// Where large initializers go; nil: they stay in the model.
  let weights: WeightFile?
  /// Names of dimensions that the model did not name.
  private let unnamed: Set<Name>
  /// The version of ai.onnx that the model imports.
  private let standard: Int?
  /// The versions that the written nodes follow, by domain.
  private(set) var opsets: [String: Int] = [:]
  /// How often a name was asked for.
  private var names: [Name: Int] = [:]

  init(_ info: ModelInfo, _ weights: WeightFile?, _ own: OperatorRegistry?) {
    self.own = own
    self.weights = weights
    unnamed = info.unnamedDims
    standard = info.opsets.first { $0.domain.isEmpty }?.version
  }

  /// The name itself, or one like it that nothing in the model has.
  func unique(_ name: String) -> String {
    var candidate = name.isEmpty ? "value" : name
    let base = candidate
    while names[candidate] != nil {
      let count = names[base] ?? 1
      names[base] = count + 1
      candidate = "\(base)_\(count)"
    }
    names[candidate] = 1
    return candidate
  }

  /// The model follows this version of a domain.
  func use(_ domain: String, _ version: Int) throws(MaasError) {
    let known = opsets[domain] ?? version
    guard known == version else {
      throw MaasError(
        .unsupported, "the model's functions follow several versions of \(label(domain: domain))",
        expected: "\(known)", found: "\(version)",
        hint: "ONNX's version converter can write the model for one opset")
    }
    opsets[domain] = version
  }

  /// The version of ai.onnx for nodes that no file has.
  func useStandard() throws(MaasError) -> Int {
    let version = opsets[""] ?? standard ?? 13
    try use("", version)
    return version
  }

  /// The dimension's name in the file, where it has one.
  func parameter(_ dim: Dim) -> String? {
    let text = dim.text
    guard dim == .symbol(text), !unnamed.contains(Name(text)), !text.hasPrefix(madeUpName) else { return nil }
    return text
  }
}
