import MaasCore
import MaasGraph

/// A trained network between what turns raw features into its inputs and what turns its outputs into answers.
package struct DeployedModel {
  /// What the network's outputs are.
  package enum Answer: Sendable {
    /// Logits of classes.
    case classes([String])
    /// Numbers that are to be scaled.
    case numbers(TargetScale)
  }

  package let preprocessing: Preprocessing
  package let answer: Answer

  package init(_ preprocessing: Preprocessing, _ answer: Answer) {
    (self.preprocessing, self.answer) = (preprocessing, answer)
  }

  /// The whole as one graph: raw inputs to `label` and `probabilities`, or to `prediction`.
  package func graph(_ network: Graph) throws(MaasError) -> Graph {
    var builder = ONNXBuilder("maas_train")
    let raw = preprocessing.inputs.map { builder.input($0) }
    var features = builder.append(preprocessing.graph, raw)
    if let wanted = network.inputs.first.flatMap({ network[$0].dtype }), wanted != preprocessing.dtype,
      let given = features.first
    {
      features = [
        try builder.add("Cast", [given], "features/cast", [.init("to", .int(Int(wanted.rawValue)))])
      ]
    }
    guard network.inputs.count == 1, let output = builder.append(network, features).first else {
      throw MaasError(
        .unsupported, "the network cannot stand behind the preprocessing",
        expected: "one input and an output",
        found: "\(network.inputs.count) inputs and \(network.outputs.count) outputs")
    }
    builder.name(output, InitialModel.output)
    switch answer {
    case .classes(let names): try addClasses(&builder, output, names)
    case .numbers(let scale): try addNumbers(&builder, output, scale)
    }
    return try builder.finished()
  }

  private func addNumbers(
    _ builder: inout ONNXBuilder, _ output: ValueID, _ scale: TargetScale
  ) throws(MaasError) {
    let scaled = try builder.add(
      "Mul", [output, try builder.floats(TargetScale.scaleName, scale.scales)], "target/scaled")
    let offset = try builder.floats(TargetScale.offsetName, scale.offsets)
    builder.output(try builder.add("Add", [scaled, offset], "prediction"), "prediction")
  }

  private func addClasses(
    _ builder: inout ONNXBuilder, _ logits: ValueID, _ names: [String]
  ) throws(MaasError) {
    let probabilities = try builder.add("Softmax", [logits], "probabilities", [.init("axis", .int(1))])
    let place = try builder.add(
      "ArgMax", [probabilities], "class", [.init("axis", .int(1)), .init("keepdims", .int(0))])
    builder.output(try label(&builder, place, names), "label")
    builder.output(probabilities, "probabilities")
  }

  /// The classes' names: integers where all are such, else strings.
  private func label(
    _ builder: inout ONNXBuilder, _ place: ValueID, _ names: [String]
  ) throws(MaasError) -> ValueID {
    let numbers = names.compactMap { Int($0) }
    let areIntegers = numbers.map { "\($0)" } == names
    if areIntegers, numbers == Array(names.indices) { return place }
    let values: Attribute =
      areIntegers ? .init("values_int64s", .ints(numbers)) : .init("values_strings", .strings(names))
    return try builder.add(
      "LabelEncoder", [place], "label", domain: "ai.onnx.ml",
      [.init("keys_int64s", .ints(Array(names.indices))), values])
  }

  /// What the model says of itself, for `ModelInfo`: the class names as maas-run reads them, and what its inputs do not
  /// tell, the names of columns and the rate of sounds.
  package var metadata: [(key: String, value: String)] {
    var metadata: [(key: String, value: String)] = []
    if case .classes(let names) = answer {
      metadata.append(("classes", list(names)))
    }
    for input in preprocessing.inputs {
      if !input.names.isEmpty { metadata.append(("columns", list(input.names))) }
      if case .sound(let rate) = input.role { metadata.append((InitialModel.rateKey, "\(rate)")) }
    }
    return metadata
  }
}

/// A list of strings of JSON.
private func list(_ texts: [String]) -> String { "[" + joined(texts.map(quoted), ", ") + "]" }
