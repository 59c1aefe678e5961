import MaasCore
import Testing

@Suite struct CoreTests {
  @Test func elementCountsAreChecked() {
    #expect(elementCount([2, 3, 4]) == 24)
    #expect(elementCount([]) == 1)
    #expect(elementCount([1 << 40, 1 << 40]) == nil)
    #expect(elementCount([1 << 40, 1 << 40, 0]) == nil)
    #expect(elementCount([1 << 40, 0]) == 0)
    #expect(elementCount([2, -1]) == nil)
  }

  @Test func subByteTypesArePacked() {
    #expect(byteCount(3, .int4) == 2)
    #expect(byteCount(5, .uint2) == 2)
    #expect(byteCount(5, .double) == 40)
    #expect(byteCount(.max, .double) == nil)
  }

  @Test func messagesNameEverythingKnown() {
    let error = MaasError(
      .shapeMismatch, "the rank is wrong", tensor: "x", expected: "4", found: "3",
      hint: "add a batch dimension")
    #expect(
      error.inNode("conv1", "Conv").inFile("model.onnx").message
        == "model.onnx: node 'conv1' (Conv): tensor 'x': the rank is wrong: expected 4, found 3; add a batch dimension"
    )
    #expect(error.inNode("a", "A").inNode("b", "B").node == "a")
  }

  @Test func nearNamesAreSuggested() {
    #expect(
      suggestion(for: "intra_op_treads", among: ["intra_op_threads", "memory_limit"]) == "intra_op_threads")
    #expect(suggestion(for: "relu", among: ["Relu", "Elu"]) == "Relu")
    #expect(suggestion(for: "conv", among: ["Softmax"]) == nil)
  }

  @Test(arguments: [
    ("e\u{301}", "\u{e9}", #"did you mean '\u{e9}', not 'e\u{301}'?"#),
    ("x", "x\u{200b}", #"did you mean 'x\u{200b}', not 'x'?"#),
    ("a b", "a\u{a0}b", #"did you mean 'a\u{a0}b', not 'a\u{20}b'?"#),
    ("twise", "twice", "did you mean 'twice'?"),
  ])
  func whatCannotBeSeenOfNamesIsShown(name: String, known: String, hint: String) {
    #expect(didYouMean(name, ["other", known]) == hint)
  }

  @Test func namesThatLookAlikeAreTwo() {
    let (composed, decomposed) = (Dim.symbol("\u{e9}"), Dim.symbol("e\u{301}"))
    #expect(composed != decomposed && composed + decomposed != composed + composed)
    #expect((composed + decomposed + composed).text == "e\u{301} + 2*\u{e9}")
  }

  @Test func tensorsRefuseBuffersThatAreTooSmall() throws {
    let storage = try TensorStorage.allocate(16)
    #expect(try Tensor(.float, [4], storage: storage).byteCount == 16)
    let error = #expect(throws: MaasError.self) { _ = try Tensor(.float, [5], storage: storage) }
    #expect(error?.code == .shapeMismatch)
    #expect(storage.slice(8, 9) == nil)
    #expect(storage.slice(8, 8)?.byteCount == 8)
    #expect(storage.slice(.max, 1) == nil)
  }

  @Test(arguments: [0, 1, 63, 4096, (2 << 20) + 1, (8 << 20) - 1, 8 << 20])
  func tensorsBeginAtACacheLine(bytes: Int) throws {
    let storages = try (0..<3).map { _ in try TensorStorage.allocate(bytes) }
    for (i, storage) in storages.enumerated() {
      #expect(Int(bitPattern: storage.base) % 64 == 0)
      storage.base.initializeMemory(as: UInt8.self, repeating: UInt8(i + 1), count: bytes)
    }
    for (i, storage) in storages.enumerated() where bytes > 0 {
      #expect(storage.base.load(as: UInt8.self) == i + 1)
      #expect(storage.base.load(fromByteOffset: bytes - 1, as: UInt8.self) == i + 1)
    }
  }

  @Test(arguments: [0, 1, 64, 2 << 20]) func moreThanThereCanBeIsRefused(less: Int) {
    let error = #expect(throws: MaasError.self) { _ = try TensorStorage.allocate(.max - less) }
    #expect(error?.code == .outOfMemory)
  }

  @Test func aMissingFileIsNotFound() {
    let missing = #expect(throws: MaasError.self) { _ = try MappedFile("/no/such/file") }
    #expect(missing?.code == .notFound)
    #expect(missing?.message.hasPrefix("/no/such/file: ") == true)
    #expect(#expect(throws: MaasError.self) { _ = try MappedFile("/") }?.code == .io)
  }

  @Test func dtypeNumbersAndNamesAreONNXs() {
    #expect(DType.float.rawValue == 1 && DType.int64.rawValue == 7 && DType.bfloat16.rawValue == 16)
    #expect(DType.allCases.allSatisfy { DType.named($0.name) == $0 })
  }
}
