import MaasCore
import MaasGraph
import MaasONNX

/// Pictures in a folder for each class.
package final class ImageFolder: ListedSource {
  package let listing: FolderListing
  private let decoder: any Operator
  package let inputs = [
    RawInput("image", .image, [.symbol("height"), .symbol("width"), .known(3)])
  ]
  package let mostAtOnce = 1

  package init(_ listing: FolderListing) throws(MaasError) {
    self.listing = listing
    var none = AttributeReader([], opset: 20, inputCount: 1, outputCount: 1)
    decoder = try operatorRegistration("ImageDecoder", domain: "", opset: 20).make(&none)
  }

  package func raw(_ samples: ArraySlice<Int>) throws(MaasError) -> [Tensor] {
    guard let sample = samples.first, samples.count == 1 else {
      throw MaasError(.internal, "pictures are read one at a time")
    }
    let pixels = try pixels(listing.files[sample].path)
    return [try pixels.reshaped([1] + pixels.shape)]
  }

  /// [height, width, 3]
  private func pixels(_ path: String) throws(MaasError) -> Tensor {
    let file = try MappedFile(path)
    do throws(MaasError) {
      let bytes = try Tensor(.uint8, [file.byteCount], storage: .mapped(file))
      let decoded = try evaluate(decoder, [bytes], outputs: [true])?.first ?? nil
      guard let decoded, decoded.count > 0 else {
        throw MaasError(
          .invalidArgument, "the picture cannot be read",
          expected: "a whole PNG, JPEG, BMP, WebP, TIFF or PNM file",
          found: file.byteCount == 0 ? "an empty file" : "\(file.byteCount) bytes that are none",
          hint: "remove or replace it")
      }
      return decoded
    } catch {
      throw error.inFile(path)
    }
  }
}
