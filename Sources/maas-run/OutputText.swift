import Maas
import MaasCommand
import MaasCore
import MaasNumPy

/// The outputs as they are printed: name, element type and shape in a line, then values or best classes.
func outputText(_ outputs: [NamedTensor], top: Int?, _ metadata: ModelMetadata) -> String {
  let parts = outputs.map { output in
    let tensor = output.tensor
    let head = "\(Terminal.printable(output.name)): \(tensor.dtype.name) \(describe(tensor.shape))"
    if let top, let best = BestClasses(tensor, count: top, labels: classNames(metadata)) {
      return head + ", top \(top)\n" + best.text
    }
    return head + "\n" + arrayText(tensor) + "\n"
  }
  return joined(parts, "\n")
}

/// What a model takes and gives.
func listing(_ model: Model) -> String {
  let names = (model.inputs + model.outputs).map { $0.shownName.count }
  let types = (model.inputs + model.outputs).map { $0.shortType.count }
  func rows(_ values: [ValueInfo]) -> String {
    joined(
      values.map {
        let shape = $0.shape?.text ?? "of any shape"
        return "  " + padded($0.shownName, names.max() ?? 0) + "  " + padded($0.shortType, types.max() ?? 0)
          + "  \(shape)\n"
      }, "")
  }
  return "inputs\n" + rows(model.inputs) + "outputs\n" + rows(model.outputs)
}

extension ValueInfo {
  fileprivate var shownName: String { Terminal.printable(name) }
  /// The element type of a tensor; of what holds tensors, all of its type.
  fileprivate var shortType: String { container == nil ? dtype.name : typeText }
}

/// The text with blanks after it up to a width.
func padded(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}
