import MaasCore

extension NodeProto {
  /// The tensor that a node of ONNX's operator Constant stands for.
  func constant(_ context: ImportContext) throws(MaasError) -> Tensor {
    let decoder = context.decoder
    var attributes: [AttributeProto] = []
    var names: [String] = []
    for attribute in self.attributes {
      guard let resolved = try context.resolved(attribute) else { continue }
      attributes.append(resolved)
      names.append(decoder.source.text(attribute.name))
    }
    guard attributes.count == 1, let attribute = attributes.first, let name = names.first else {
      throw MaasError(
        .invalidModel, "a constant has one value", expected: "1 attribute", found: "\(attributes.count)")
    }
    switch name {
    case "value": return try decoder.tensor(attribute.tensor.value ?? TensorProto(), fallbackName: name)
    case "value_float": return try Tensor(.float, [], [attribute.float ?? 0])
    case "value_floats": return try Tensor(.float, [attribute.floats.count], attribute.floats)
    case "value_int": return try Tensor(.int64, [], [attribute.int ?? 0])
    case "value_ints": return try Tensor(.int64, [attribute.ints.count], attribute.ints)
    case "value_string":
      return try Tensor([], strings: [attribute.string.map { decoder.source.data($0) } ?? []])
    case "value_strings":
      return try Tensor([attribute.strings.count], strings: attribute.strings.map { decoder.source.data($0) })
    case "sparse_value":
      return try decoder.dense(attribute.sparseTensor.value ?? SparseTensorProto(), fallbackName: name)
    default:
      let known = [
        "value", "value_float", "value_floats", "value_int", "value_ints", "value_string", "value_strings",
        "sparse_value",
      ]
      throw MaasError(.invalidModel, "attribute '\(name)' is not known", hint: didYouMean(name, known))
    }
  }
}
