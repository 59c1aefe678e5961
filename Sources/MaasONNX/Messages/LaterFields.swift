import MaasCore

// Fields that schemas after libonnx 1.12 added: unknown to its messages and so to ours, which must agree with them,
// and read here from the bytes kept of them.

extension NodeProto {
  /// Which of several functions of one name is called.
  func overload(_ source: ModelSource) throws(MaasError) -> String {
    source.text(try WireReader.blobs(8, among: unknown, of: source.bytes).last)
  }
}

extension FunctionProto {
  func overload(_ source: ModelSource) throws(MaasError) -> String {
    source.text(try WireReader.blobs(13, among: unknown, of: source.bytes).last)
  }

  /// Attributes with the values they have where a call does not give them.
  func attributeDefaults(_ source: ModelSource) throws(MaasError) -> [AttributeProto] {
    var attributes: [AttributeProto] = []
    for case .source(let range) in try WireReader.blobs(11, among: unknown, of: source.bytes) {
      attributes.append(try WireReader.read(AttributeProto.self, from: source.bytes, in: range))
    }
    return attributes
  }
}
