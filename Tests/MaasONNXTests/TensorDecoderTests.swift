import MaasCore
import Testing

@testable import MaasONNX

@Suite struct TensorDecoderTests {
  /// Decodes a tensor that stands alone in a source of its own.
  private func decode(_ proto: TensorProto) throws -> Tensor {
    var holder = GraphProto()
    holder.initializers = [proto]
    let opened = try opened(model(holder))
    let read = try #require(opened.proto.graph.value?.initializers.first)
    return try TensorDecoder(opened.source).tensor(read)
  }

  /// The fixture holds each tensor twice, written by ONNX's own package (Fixtures/make.py).
  @Test func everyEncodingOfEveryType() throws {
    let model = try ONNXModel(path: SharedModels.package + "/Tests/MaasONNXTests/Fixtures/tensors.onnx")
    let decoder = TensorDecoder(model.source)
    var raw: [String: [UInt8]] = [:]
    var typed: [String: [UInt8]] = [:]
    for proto in model.proto.graph.value?.initializers ?? [] {
      let parts = model.source.text(proto.name).split(separator: "/").map { String($0) }
      let tensor = try decoder.tensor(proto)
      #expect(tensor.dtype.name == parts[0])
      if parts[1] == "raw" { raw[parts[0]] = tensor.byteArray } else { typed[parts[0]] = tensor.byteArray }
    }
    #expect(raw == typed)
    #expect(raw.count == DType.allCases.count - 1)  // all but string
    #expect(typed["bfloat16"]?.prefix(8) == [0x00, 0x00, 0x00, 0x80, 0x80, 0x3f, 0xc0, 0xbf])
    #expect(typed["uint32"] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0xff, 0xff, 0xff])
    #expect(typed["int4"] == [0xf8, 0x70, 0x03])
    #expect(typed["bool"] == [1, 0, 1, 1])
  }

  @Test func rawDataIsUsedWhereItIs() throws {
    let opened = try opened(
      model(
        {
          var graph = GraphProto()
          graph.initializers = [tensor("w", .int16, [2], raw: [1, 0, 2, 0])]
          return graph
        }()))
    let proto = try #require(opened.proto.graph.value?.initializers.first)
    let decoded = try TensorDecoder(opened.source).tensor(proto)
    let start = UnsafeRawPointer(opened.source.storage.base)
    #expect((start..<start + opened.source.storage.byteCount).contains(UnsafeRawPointer(decoded.bytes)))
    #expect(decoded.elements(as: Int16.self) == [1, 2])
  }

  @Test(arguments: [
    (
      tensor("w", .float, [2], raw: [0, 0, 0, 0]),
      "tensor 'w': raw_data does not fit float [2]: expected 8 bytes, found 4"
    ),
    (
      tensor("w", .int4, [3], raw: [0]),
      "tensor 'w': raw_data does not fit int4 [3]: expected 2 bytes, found 1"
    ),
    (
      tensor("w", .float, [2], raw: nil),
      "tensor 'w': float_data does not fit float [2]: expected 2 numbers, found 0"
    ),
    (
      tensor("w", .float, [2, -3], raw: []),
      "tensor 'w': the shape [2, -3] has a negative dimension: expected 0 or more, found -3"
    ),
    (
      tensor("w", .float, [1 << 62], raw: []),
      "tensor 'w': the size of shape [4611686018427387904] is not possible; "
        + "dimensions must be non-negative and the tensor smaller than 70368744177664 bytes"
    ),
    (
      tensor("w", .uint8, [1 << 46], raw: nil),
      "tensor 'w': int32_data does not fit uint8 [70368744177664]: expected 70368744177664 numbers, found 0"
    ),
    (
      tensor("w", .string, [1], raw: nil),
      "tensor 'w': string_data does not fit string [1]: expected 1 strings, found 0"
    ),
  ])
  func refusals(proto: TensorProto, message: String) {
    let error = #expect(throws: MaasError.self) { try decode(proto) }
    #expect(error?.message == message)
  }

  @Test func unknownTypesAreRefusedByNumber() {
    var proto = tensor("w", .float, [], raw: [])
    proto.dataType = 28
    var error = #expect(throws: MaasError.self) { try decode(proto) }
    #expect(error?.message == "tensor 'w': element type 28 is not known")
    proto.dataType = nil
    error = #expect(throws: MaasError.self) { try decode(proto) }
    #expect(error?.message == "tensor 'w': the element type is missing")
  }

  @Test func emptyAndScalarTensors() throws {
    #expect(try decode(tensor("w", .float, [0, 3], raw: nil)).count == 0)
    #expect(try decode(tensor("w", .float, [], raw: [0, 0, 0x80, 0x3f])).elements(as: Float.self) == [1])
  }
}
