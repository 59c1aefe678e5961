import MaasCore
import MaasGraph

/// A model compiled for a family of CPUs: the optimized graph, its weights, and what they are packed into.
package final class CompiledModel: Sendable {
  package let family: String
  package let layouts: Int64
  /// Of all packed weights, also those that `packings` lacks.
  package let layoutNames: [String]
  /// Where they lie as kernels can load them.
  package let packings: [Packing]
  let model: ModelProto
  let data: TensorStorage
  private let dataChecksum: UInt64

  /// How initializers call the file they are in.
  package static let dataLocation = "maas:weights"
  /// Kernels load packed weights from multiples of this.
  private static let alignment = 64

  /// Whether the bytes mean to be a compiled model.
  package static func isOne(_ bytes: UnsafeRawBufferPointer) -> Bool { CompiledHeader.begins(bytes) }

  /// Everything is checked but the weights, which are not looked at.
  init(_ source: ModelSource) throws(MaasError) {
    let bytes = source.bytes
    let header = try CompiledHeader(bytes)
    let message = UnsafeRawBufferPointer(rebasing: bytes[header.message])
    guard header.checksum == CompiledHeader.checksum(bytes, message) else {
      throw damaged("its checksum is wrong")
    }
    let proto = try WireReader.read(CompiledProto.self, from: bytes, in: header.message)
    guard let data = source.storage.slice(header.data.lowerBound, header.data.count),
      let model = proto.model.value
    else { throw damaged("it has no model") }
    (self.data, self.model, dataChecksum) = (data, model, header.dataChecksum)
    family = source.text(proto.family)
    layouts = proto.layouts ?? 0
    layoutNames = proto.packings.map { source.text($0.layout) }
    packings = try proto.packings.map { (packing) throws(MaasError) in
      guard let bytes = data.slice(Int(packing.offset ?? -1), Int(packing.count ?? -1)) else {
        throw damaged("a packed weight is outside the file")
      }
      return Packing(
        constant: Int(packing.constant ?? -1), name: source.text(packing.name),
        layout: source.text(packing.layout), bytes: bytes)
    }.filter { UInt(bitPattern: $0.bytes.base) % UInt(Self.alignment) == 0 }
  }

  /// Reads all weights, and refuses them where a byte has changed.
  package func checkWeights() throws(MaasError) {
    var checksum = Checksum()
    checksum.add(UnsafeRawBufferPointer(start: data.base, count: data.byteCount))
    if checksum.finished() != dataChecksum { throw damaged("the checksum of its weights is wrong") }
  }

  /// The file of a compiled model. `weights` is what `model` says is at `dataLocation`.
  package static func contents(
    _ model: ModelProto, weights: TensorStorage, packings: [Packing], family: String, layouts: Int64
  ) throws(MaasError) -> FileContents {
    var proto = CompiledProto()
    (proto.family, proto.layouts, proto.model) = (Blob(family), layouts, Box(model))
    var data = FileContents()
    data.append(weights)
    for packing in packings {
      try data.pad(to: alignment)
      proto.packings.append(PackingProto(packing, offset: data.byteCount))
      data.append(packing.bytes)
    }
    let message = try WireWriter.write(proto, source: UnsafeRawBufferPointer(start: nil, count: 0))
    return try contents(message, data)
  }

  private static func contents(_ message: TensorStorage, _ data: FileContents) throws(MaasError)
    -> FileContents
  {
    var checksum = Checksum()
    data.eachPiece { checksum.add($0) }
    let end = CompiledHeader.byteCount + message.byteCount
    let dataOffset =
      (end + CompiledHeader.alignment - 1) / CompiledHeader.alignment * CompiledHeader.alignment
    var file = FileContents()
    try file.append(
      CompiledHeader.bytes(
        message: message, dataOffset: dataOffset, dataBytes: data.byteCount, dataChecksum: checksum.finished()
      )
    )
    file.append(message)
    try file.pad(to: CompiledHeader.alignment)
    file.append(data)
    return file
  }
}

extension PackingProto {
  fileprivate init(_ packing: Packing, offset: Int) {
    (constant, name, layout) = (Int64(packing.constant), Blob(packing.name), Blob(packing.layout))
    (self.offset, count) = (Int64(offset), Int64(packing.bytes.byteCount))
  }
}
