import CMaasONNX
import MaasCore

@testable import MaasONNX

/// Nil when both readers refuse the bytes, or both read the same message (and our writer gives it back).
func disagreement(_ bytes: [UInt8]) -> String? {
  bytes.withUnsafeBytes { buffer in
    let theirs = Authority(buffer)
    let ours: ModelProto
    do {
      ours = try WireReader.read(ModelProto.self, from: buffer)
    } catch {
      return theirs == nil ? nil : "only libprotobuf reads it (\(error))"
    }
    guard let theirs else { return "only maas reads it" }
    importWhatIsLeft(buffer)
    guard let written = try? WireWriter.write(ours, source: buffer) else { return "cannot be written" }
    let again = Authority(UnsafeRawBufferPointer(start: written.base, count: written.byteCount))
    return again?.equals(theirs) == true ? nil : "the messages differ"
  }
}

/// Importing may fail, but not crash.
private func importWhatIsLeft(_ bytes: UnsafeRawBufferPointer) {
  guard let model = try? ONNXModel(copying: bytes) else { return }
  _ = try? model.info()
  _ = try? model.graph()
}

/// A model as libprotobuf parsed it.
final class Authority {
  private let handle: OpaquePointer

  init?(_ bytes: UnsafeRawBufferPointer) {
    guard let handle = maas_onnx_parse(bytes.baseAddress, bytes.count) else { return nil }
    self.handle = handle
  }

  deinit { maas_onnx_free(handle) }

  func equals(_ other: Authority) -> Bool { maas_onnx_equal(handle, other.handle) }

  func serialized() -> [UInt8] {
    var size = 0
    guard let bytes = maas_onnx_serialize(handle, &size) else { return [] }
    defer { maas_onnx_text_free(bytes) }
    return [UInt8](UnsafeRawBufferPointer(start: bytes, count: size))
  }
}
