import MaasCore

/// Text files in a folder for each class; each file is a sample.
package final class TextFolder: ListedSource {
  package let listing: FolderListing
  package let inputs = [RawInput("text", .text, [.known(1)])]
  package let mostAtOnce = 256

  package init(_ listing: FolderListing) { self.listing = listing }

  package func raw(_ samples: ArraySlice<Int>) throws(MaasError) -> [Tensor] {
    var texts: [[UInt8]] = []
    for sample in samples { texts.append(Array(try text(listing.files[sample].path).utf8)) }
    return [try Tensor([samples.count, 1], strings: texts)]
  }

  private func text(_ path: String) throws(MaasError) -> String {
    let file = try MappedFile(path)
    if let text = String(utf8: file.bytes), wideCoding(file.bytes) == nil { return text }
    throw refusal(ofText: file.bytes).inFile(path)
  }
}
