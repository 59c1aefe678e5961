import MaasCore
import MaasNumPy
import Testing

@testable import MaasData

private func withArrays<R>(_ arrays: [(String, Tensor)], _ body: (String) throws -> R) throws -> R {
  let file = try Npz.encode(arrays.map { NamedTensor($0.0, $0.1) })
  let bytes = Array(UnsafeRawBufferPointer(start: file.base, count: file.byteCount))
  return try withFile(bytes, ending: "npz", body)
}

private func floats(_ shape: [Int], _ values: [Float]) throws -> Tensor { try Tensor(.float, shape, values) }

@Suite struct ArraySources {
  @Test func classesAndShapes() throws {
    let x = try floats([3, 1, 2], [1, 2, 3, 4, 5, 6])
    let y = try Tensor(.int64, [3], [7, 5, 7] as [Int64])
    try withArrays([("x", x), ("y", y)]) { path in
      let source = try ArraySource(path)
      #expect(source.inputs[0].shape.text == "[batch, 1, 2]")
      let raw = try source.raw([2, 0])[0]
      #expect(raw.elements(as: Float.self) == [5, 6, 1, 2] && raw.shape == [2, 1, 2])
      guard case .classes(let labels, let names) = source.targets else { return #expect(Bool(false)) }
      #expect(labels == [1, 0, 1] && names == ["5", "7"])
    }
  }

  @Test func fractionsAreNumbers() throws {
    let x = try floats([2, 1], [1, 2])
    let y = try floats([2, 2], [0.5, 1, 2, 3])
    try withArrays([("a", x), ("target", y)]) { path in
      let source = try ArraySource(path)
      #expect(source.targets.width == 2 && source.targets.task == .regression)
    }
  }

  /// Doubles and integers become floats when they are read; of a matrix the last column is the target.
  @Test func typesBecomeFloats() throws {
    let doubles = try Tensor(.double, [3, 2], [0.5, 1.5, 2.5, 3.5, 4.5, 5.5])
    let bytes = try Tensor(.uint8, [3, 2], [1, 2, 3, 4, 5, 255] as [UInt8])
    for (x, expected) in [(doubles, [4.5, 5.5, 2.5, 3.5]), (bytes, [5, 255, 3, 4])] as [(Tensor, [Float])] {
      try withArrays([("x", x), ("y", try floats([3], [1, 0, 1]))]) { path in
        let found = try ArraySource(path).raw([2, 1])[0]
        #expect(found.dtype == .float && found.elements(as: Float.self) == expected)
      }
    }
    let file = try Npy.encode(doubles)
    try withFile(Array(UnsafeRawBufferPointer(start: file.base, count: file.byteCount)), ending: "npy") {
      path in
      let source = try ArraySource(path)
      let found = try source.raw([2, 0])[0]
      #expect(found.elements(as: Float.self) == [4.5, 0.5] && found.shape == [2, 1])
      guard case .numbers(let targets) = source.targets else { return #expect(Bool(false)) }
      #expect(targets.elements(as: Float.self) == [1.5, 3.5, 5.5])
    }
  }

  @Test func complexNumbersAreNoFeatures() throws {
    let x = try Tensor(.complex64, [2, 1], [SIMD2<Float>(1, 2), SIMD2<Float>(3, 4)])
    try withArrays([("x", x), ("y", try floats([2], [1, 0]))]) { path in
      let message = failure { _ = try ArraySource(path) }
      #expect(message.hasPrefix("an array does not hold numbers that can be learned"))
    }
  }

  @Test(arguments: [
    ("rows", "features and target do not have the same rows"),
    ("infinite", "row 2, element 0: the value is infinite"), ("unknown", "row 2: the target is not finite"),
    ("target", "the file has no array of the target"),
  ])
  func wrongArrays(kind: String, problem: String) throws {
    let x = try floats([2, 1], [1, kind == "infinite" ? .infinity : 2])
    let y = try floats(
      kind == "rows" ? [3] : [2], kind == "rows" ? [1, 2, 3] : [1.5, kind == "unknown" ? .nan : 2])
    try withArrays([("x", x), (kind == "target" ? "z" : "y", y)]) { path in
      let message = failure { _ = try ArraySource(path) }
      #expect(message.hasPrefix(problem))
    }
  }
}
