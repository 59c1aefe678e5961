import MaasCore

extension NodeProto {
  /// The tensor that a node of ONNX's operator Constant stands for.
  func constant(_ decoder: TensorDecoder) throws(MaasError) -> Tensor {
    let attributes = attributes.filter { decoder.source.text($0.name) != "" }
    guard attributes.count == 1, let attribute = attributes.first else {
      throw MaasError(
        .invalidModel, "a constant has one value", expected: "1 attribute", found: "\(attributes.count)")
    }
    let name = decoder.source.text(attribute.name)
    switch name {
    case "value": return try decoder.tensor(attribute.tensor.value ?? TensorProto(), fallbackName: name)
    case "value_float": return try Tensor(.float, [], [attribute.float ?? 0])
    case "value_floats": return try Tensor(.float, [attribute.floats.count], attribute.floats)
    case "value_int": return try Tensor(.int64, [], [attribute.int ?? 0])
    case "value_ints": return try Tensor(.int64, [attribute.ints.count], attribute.ints)
    case "value_string", "value_strings", "sparse_value":
      throw MaasError(.unsupported, "constants given as \(name) are not supported")
    default:
      let known = ["value", "value_float", "value_floats", "value_int", "value_ints"]
      throw MaasError(.invalidModel, "attribute '\(name)' is not known", hint: didYouMean(name, known))
    }
  }
}
