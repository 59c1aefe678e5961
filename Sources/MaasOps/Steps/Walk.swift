import CMaasKernels
import MaasCore

/// How several operands are read while one contiguous output is filled: dimensions, and per operand the elements
/// between neighbours along each of them (0 where the operand is broadcast).
struct Walk {
  private(set) var dims: [Int]
  private(set) var strides: [[Int]]

  /// Dimensions of 1 are dropped and neighbours merged where every operand allows it.
  init(_ dims: [Int], strides: [[Int]]) throws(MaasError) {
    self.dims = []
    self.strides = strides.map { _ in [] }
    for (d, count) in dims.enumerated() where count != 1 { append(count, strides.map { $0[d] }) }
    if self.dims.count > Int(MAAS_MAX_RANK) {
      throw MaasError(
        .unsupported, "the tensors have too many dimensions", expected: "at most \(MAAS_MAX_RANK)",
        found: "\(self.dims.count) after merging")
    }
  }

  private mutating func append(_ count: Int, _ steps: [Int]) {
    if let last = dims.indices.last,
      strides.indices.allSatisfy({ strides[$0][last] == steps[$0] * count })
    {
      dims[last] *= count
      for i in strides.indices { strides[i][last] = steps[i] }
    } else {
      dims.append(count)
      for i in strides.indices { strides[i].append(steps[i]) }
    }
  }

  /// Operands of these shapes broadcast to the output's.
  init(broadcasting shapes: [[Int]], to output: [Int]) throws(MaasError) {
    try self.init(output, strides: shapes.map { broadcastStrides($0, to: output) })
  }

  var count: Int { elementCount(dims) ?? 0 }
}

/// Elements between neighbours along each dimension of a contiguous tensor.
func contiguousStrides(_ shape: [Int]) -> [Int] {
  var strides = [Int](repeating: 1, count: shape.count)
  for d in shape.indices.dropLast().reversed() { strides[d] = strides[d + 1] * max(1, shape[d + 1]) }
  return strides
}

/// Strides of a contiguous tensor seen as `output`: 0 where it is repeated. Shapes are aligned at the right.
func broadcastStrides(_ shape: [Int], to output: [Int]) -> [Int] {
  let own = contiguousStrides(shape)
  var strides = [Int](repeating: 0, count: output.count)
  for (d, count) in shape.enumerated() where count != 1 { strides[output.count - shape.count + d] = own[d] }
  return strides
}

/// A walk over at most three operands as a step's parameters.
struct WalkParams {
  private var rank: Int
  private var dims = InlineArray<8, Int>(repeating: 1)
  private var a = InlineArray<8, Int>(repeating: 0)
  private var b = InlineArray<8, Int>(repeating: 0)
  private var c = InlineArray<8, Int>(repeating: 0)

  init(_ walk: Walk) {
    rank = max(1, walk.dims.count)
    for (d, count) in walk.dims.enumerated() {
      dims[d] = count
      if walk.strides.count > 0 { a[d] = walk.strides[0][d] }
      if walk.strides.count > 1 { b[d] = walk.strides[1][d] }
      if walk.strides.count > 2 { c[d] = walk.strides[2][d] }
    }
  }

  /// Elements between neighbours in a row.
  var rowStrides: (a: Int, b: Int, c: Int) { (a[rank - 1], b[rank - 1], c[rank - 1]) }

  /// A piece of a row: the offsets of its first element in the output and the operands, and its length.
  struct Piece { let a, b, c, count: Int }

  /// The piece that begins at the output's element `y` and ends before `end`. Not inlined: hundreds of kernels call it.
  @inline(never)
  func piece(_ y: Int, _ end: Int) -> Piece {
    if rank == 1 { return Piece(a: y * a[0], b: y * b[0], c: y * c[0], count: end - y) }
    let width = dims[rank - 1]
    let column = y % width
    var rest = y / width
    var offset = (a: column * a[rank - 1], b: column * b[rank - 1], c: column * c[rank - 1])
    var d = rank - 2
    while d >= 0 {
      let i = rest % dims[d]
      rest /= dims[d]
      offset = (offset.a + i * a[d], offset.b + i * b[d], offset.c + i * c[d])
      d -= 1
    }
    return Piece(a: offset.a, b: offset.b, c: offset.c, count: min(width - column, end - y))
  }

  /// Calls `body` for each piece of a row in the output's elements begin..<end.
  @inline(__always)
  func forEachRow(
    _ begin: Int, _ end: Int, _ body: (_ y: Int, _ a: Int, _ b: Int, _ c: Int, _ count: Int) -> Void
  ) {
    var y = begin
    while y < end {
      let piece = piece(y, end)
      body(y, piece.a, piece.b, piece.c, piece.count)
      y += piece.count
    }
  }
}

/// Writes numbers into an array field of a C struct, which Swift sees as a tuple.
func assign<Field: BitwiseCopyable>(_ field: inout Field, _ numbers: [Int]) {
  withUnsafeMutableBytes(of: &field) { bytes in
    for (i, number) in numbers.enumerated() where (i + 1) * 8 <= bytes.count {
      bytes.storeBytes(of: Int64(number), toByteOffset: i * 8, as: Int64.self)
    }
  }
}
