import Foundation
import MaasCore
import Testing

@testable import MaasNumPy

let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

/// A row of arrays.tsv.
private struct Row {
  let name: String
  let dtype: String
  let shape: [Int]
  let bytes: [UInt8]

  static func all() throws -> [Row] {
    try String(contentsOf: fixtures.appending(path: "arrays.tsv"), encoding: .utf8).split(separator: "\n").map
    {
      let cells = $0.split(separator: "\t")
      return Row(
        name: String(cells[0]), dtype: String(cells[1]),
        shape: cells[2] == "-" ? [] : cells[2].split(separator: ",").compactMap { Int($0) },
        bytes: cells[3] == "-" ? [] : decoded(hexadecimal: cells[3]))
    }
  }
}

private func decoded(hexadecimal text: Substring) -> [UInt8] {
  let digits = Array(text)
  return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
}

/// NumPy's name for a dtype.
private func numpyName(_ dtype: DType) -> String {
  switch dtype {
  case .float: "float32"
  case .double: "float64"
  default: dtype.name
  }
}

func contents(_ tensor: Tensor) -> [UInt8] {
  Array(UnsafeRawBufferPointer(start: tensor.bytes, count: tensor.byteCount))
}

func contents(_ storage: TensorStorage) -> [UInt8] {
  Array(UnsafeRawBufferPointer(start: storage.base, count: storage.byteCount))
}

/// Borrows a copy of `bytes` that lives as long as the storage.
func storage(_ bytes: [UInt8]) throws -> TensorStorage {
  let storage = try TensorStorage.allocate(bytes.count)
  UnsafeMutableRawBufferPointer(start: storage.base, count: bytes.count).copyBytes(from: bytes)
  return storage
}

@Suite struct ArraysWrittenByNumPy {
  @Test func everyDTypeOrderAndVersion() throws {
    let archive = try NpzArchive(fixtures.appending(path: "arrays.npz").path)
    let rows = try Row.all()
    #expect(archive.names == rows.map { $0.name })
    #expect(rows.count > 70)
    for row in rows {
      let tensor = try archive.tensor(row.name)
      #expect(numpyName(tensor.dtype) == row.dtype, "\(row.name)")
      #expect(tensor.shape == row.shape, "\(row.name)")
      #expect(contents(tensor) == row.bytes, "\(row.name)")
    }
  }

  @Test func deflated() throws {
    let archive = try NpzArchive(fixtures.appending(path: "deflated.npz").path)
    let rows = Dictionary(uniqueKeysWithValues: try Row.all().map { ($0.name, $0) })
    #expect(archive.names.count == 15)
    for array in try archive.tensors() {
      #expect(contents(array.tensor) == rows[array.name]?.bytes, "\(array.name)")
    }
  }

  @Test func writtenAgainAndRead() throws {
    let archive = try NpzArchive(fixtures.appending(path: "arrays.npz").path)
    for array in try archive.tensors() {
      let again = try Npy.decode(try Npy.encode(array.tensor))
      #expect(again.dtype == array.tensor.dtype && again.shape == array.tensor.shape, "\(array.name)")
      #expect(contents(again) == contents(array.tensor), "\(array.name)")
    }
  }

  /// A header of NumPy's and one of ours for the same array are the same bytes.
  @Test func sameBytesAsNumPy() throws {
    let tensor = try Tensor(.float, [3, 2], [1, 2, 3, 4, 5, 6] as [Float])
    let header =
      "\u{1}\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }"
      + String(repeating: " ", count: 58)
      + "\n"
    let written = contents(try Npy.encode(tensor))
    #expect(Array(written[..<128]) == [0x93] + Array("NUMPY".utf8) + Array(header.utf8))
    #expect(Array(written[128...]) == contents(tensor))
  }
}

@Suite struct ArrayTextsOfNumPy {
  @Test func everyTextIsStrOfTheArray() throws {
    let archive = try NpzArchive(fixtures.appending(path: "texts.npz").path)
    let texts = try String(contentsOf: fixtures.appending(path: "texts.txt"), encoding: .utf8)
    let cases = ("\n" + texts).components(separatedBy: "\n=== ").dropFirst()
    #expect(cases.count == archive.names.count)
    for text in cases {
      guard let end = text.firstIndex(of: "\n") else { continue }
      let name = String(text[..<end])
      let expected = text[text.index(after: end)...].trimmingSuffix("\n")
      #expect(arrayText(try archive.tensor(name)) == expected, "\(name)")
    }
  }
}

extension Substring {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : String(self)
  }
}
