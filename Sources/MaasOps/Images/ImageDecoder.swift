import CMaasSystem
import MaasCore
import MaasGraph

/// The pixels of an encoded image, [height, width, channels]; an empty tensor where the bytes are none that can be
/// decoded, as ONNX wants it. The decoders are in a library of their own, see maas_images.h.
package final class ImageDecoder: ReadableOperator, HostOperator {
  package let name = "ImageDecoder"

  private enum Format {
    case rgb, bgr, gray
    var channels: Int { self == .gray ? 1 : 3 }
  }
  private let format: Format

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    format = try reader.choice("pixel_format", [("RGB", .rgb), ("BGR", .bgr), ("Grayscale", .gray)])
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, [.uint8])
    try node.expectRank(0, 1)
    node.setOutput(0, .uint8, node.unknownShape(rank: 2) + [.known(format.channels)])
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let library = try ImageLibrary()
    let stream = try call.tensor(0)
    let image = library.decode(stream.bytes.assumingMemoryBound(to: UInt8.self), stream.byteCount)
    defer { library.free(image) }
    let pixels = try Tensor(.uint8, [Int(image.height), Int(image.width), format.channels])
    guard let from = image.pixels else { return [.tensor(pixels)] }
    let to = pixels.bytes.assumingMemoryBound(to: UInt8.self)
    for i in 0..<Int(image.height * image.width) { write(from + 3 * i, to + format.channels * i) }
    return [.tensor(pixels)]
  }

  /// Gray is the luma of ITU-R BT.601.
  @inline(__always)
  private func write(_ from: UnsafePointer<UInt8>, _ to: UnsafeMutablePointer<UInt8>) {
    switch format {
    case .rgb: (to[0], to[1], to[2]) = (from[0], from[1], from[2])
    case .bgr: (to[0], to[1], to[2]) = (from[2], from[1], from[0])
    case .gray:
      let sum = 19595 * UInt32(from[0]) + 38470 * UInt32(from[1]) + 7471 * UInt32(from[2])
      to[0] = UInt8(truncatingIfNeeded: (sum + 0x8000) >> 16)
    }
  }
}

/// The functions of libmaas-images.
private struct ImageLibrary {
  let decode: @convention(c) (UnsafePointer<UInt8>?, Int) -> maas_image
  let free: @convention(c) (maas_image) -> Void

  init() throws(MaasError) {
    guard let decode = maas_sys_symbol("MAAS_IMAGES", MAAS_IMAGES_LIBRARY, "maas_images_decode"),
      let free = maas_sys_symbol("MAAS_IMAGES", MAAS_IMAGES_LIBRARY, "maas_images_free")
    else {
      throw MaasError(
        .unsupported, "the library that decodes images was not found",
        expected: "\(MAAS_IMAGES_LIBRARY) beside libmaas, or where MAAS_IMAGES says",
        hint: "build it with scripts/build-images.sh")
    }
    self.decode = unsafeBitCast(decode, to: (@convention(c) (UnsafePointer<UInt8>?, Int) -> maas_image).self)
    self.free = unsafeBitCast(free, to: (@convention(c) (maas_image) -> Void).self)
  }
}
