import CMaasKernels
import Foundation
import Testing

/// A strided view of a tensor of bytes: element (i...) starts at offset + sum i * strides, in elements.
struct View: Sendable {
  var dims: [Int], strides: [Int]
  var offset = 0

  static func contiguous(_ dims: [Int]) -> View {
    var strides = [Int](repeating: 1, count: dims.count)
    for d in dims.indices.dropLast().reversed() { strides[d] = strides[d + 1] * dims[d + 1] }
    return View(dims: dims, strides: strides)
  }
  func permuted(_ order: [Int]) -> View {
    View(dims: order.map { dims[$0] }, strides: order.map { strides[$0] }, offset: offset)
  }
  /// Elements start, start + step, ... along one dimension.
  func sliced(_ d: Int, _ start: Int, _ count: Int, _ step: Int) -> View {
    var view = self
    view.offset += start * strides[d]
    view.dims[d] = count
    view.strides[d] *= step
    return view
  }
  var offsets: [Int] {
    var offsets = [offset]
    for (size, stride) in zip(dims, strides) {
      offsets = offsets.flatMap { base in (0..<size).map { base + $0 * stride } }
    }
    return offsets
  }
}

@Suite struct MovementTests {
  private let sizes = [1, 2, 4, 8, 16]

  private func bytes(_ count: Int) -> [UInt8] {
    var random = Random(9)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  private func checkCopy(_ x: View, of xCount: Int, to y: View, of yCount: Int, _ note: String) {
    let row = KernelRow.supported("maas_copy")[0]
    for size in sizes {
      let source = bytes(xCount * size)
      var expected = [UInt8](repeating: 0xEE, count: yCount * size)
      for (from, to) in zip(x.offsets, y.offsets) {
        for b in 0..<size { expected[to * size + b] = source[from * size + b] }
      }
      var params = maas_copy_params()
      (params.size, params.rank) = (Int32(size), Int32(x.dims.count))
      (params.x_offset, params.y_offset) = (Int64(x.offset), Int64(y.offset))
      set(&params.dims, x.dims.map(Int64.init))
      set(&params.x_strides, x.strides.map(Int64.init))
      set(&params.y_strides, y.strides.map(Int64.init))
      let split = maas_copy_split(&params)
      var random = Random(10)
      for side in [Fenced<UInt8>.Side.start, .end] {
        for cuts in [[], cuts(split.items, &random)] {
          let target = Fenced<UInt8>(repeating: 0xEE, count: yCount * size, at: side)
          run(row, params, [Fenced(source, at: side), target], split, cuts: cuts)
          #expect(target.values == expected, "\(note), size \(size)")
          #expect(target.isFenceWhole)
        }
      }
    }
  }

  @Test(arguments: [
    [5], [1], [], [7, 9], [3, 1003], [33, 65], [50, 37], [2, 3, 4], [2, 40, 37], [3, 1, 5, 6], [2, 35, 3, 9],
    [0, 4],
    [2, 2, 2, 2, 2, 2, 3, 4],
  ]) func transposes(dims: [Int]) {
    let source = View.contiguous(dims)
    let count = dims.reduce(1, *)
    var orders = [Array(dims.indices), Array(dims.indices.reversed())]
    if dims.count > 2 {
      orders += [[0] + dims.indices.dropFirst().reversed(), [dims.count - 1] + dims.indices.dropLast()]
      orders.append(Array(dims.indices.dropFirst()) + [0])
    }
    for order in orders {
      let x = source.permuted(order)
      checkCopy(x, of: count, to: .contiguous(x.dims), of: count, "\(dims) \(order)")
    }
  }

  @Test func slicesIntoTheMiddleOfATensor() {
    let source = View.contiguous([9, 20, 31])
    let views = [
      source.sliced(0, 8, 9, -1), source.sliced(0, 2, 5, 1).sliced(1, 0, 7, 3).sliced(2, 30, 16, -2),
      source.sliced(1, 5, 1, 1), source.sliced(0, 0, 5, 2).sliced(1, 0, 10, 2).sliced(2, 0, 16, 2),
      source.sliced(1, 19, 20, -1),
    ]
    for x in views {
      let outer = x.dims.map { $0 + 3 }
      var y = View.contiguous(outer)
      for d in 0..<3 { y = y.sliced(d, 1 + d % 2, x.dims[d], 1) }
      checkCopy(x, of: 9 * 20 * 31, to: y, of: outer.reduce(1, *), "\(x.dims)")
    }
  }

  @Test func expands() {
    let x = View(dims: [4, 5, 6], strides: [0, 1, 0])
    checkCopy(x, of: 5, to: .contiguous(x.dims), of: 120, "expand")
  }

  @Test func fills() {
    let row = KernelRow.supported("maas_fill")[0]
    for size in sizes {
      for n in [1, 2, 3, 17, 1000, 5000] {
        var params = maas_fill_params()
        let value = (1...size).map(UInt8.init)
        (params.size, params.n) = (Int32(size), Int64(n))
        set(&params.value, value)
        let split = maas_fill_split(&params)
        let y = Fenced<UInt8>(repeating: 0, count: n * size)
        var random = Random(11)
        run(row, params, [y], split, cuts: cuts(split.items, &random))
        #expect(y.values == (0..<n).flatMap { _ in value })
        #expect(y.isFenceWhole)
      }
    }
  }

  private func gather<Index: FixedWidthInteger & BitwiseCopyable>(
    _ indices: [Index], size: Int, outer: Int, axis: Int, inner: Int
  ) -> (StepOutcome, [UInt8], [UInt8]) {
    let x = bytes(outer * axis * inner * size)
    let row = inner * size
    var params = maas_gather_params(
      size: Int32(size), index_size: Int32(MemoryLayout<Index>.size), outer: Int64(outer), axis: Int64(axis),
      inner: Int64(inner), count: Int64(indices.count))
    let y = Fenced<UInt8>(repeating: 0, count: outer * indices.count * row)
    let split = maas_gather_split(&params)
    let outcome = run(
      KernelRow.supported("maas_gather")[0], params, [Fenced(x), Fenced(indices), y], split,
      cuts: [split.items / 2])
    let expected = (0..<outer).flatMap { o in
      indices.flatMap { index -> [UInt8] in
        let i = (o * axis + (Int(index) + axis) % axis) * row
        return [UInt8](x[i..<i + row])
      }
    }
    return (outcome, y.values, expected)
  }

  @Test func gathers() {
    for size in sizes {
      for (outer, axis, inner) in [(1, 10, 1), (3, 4, 5), (2, 100, 33)] {
        let wide = gather([0, -1, 3, 1 - Int64(axis), 2], size: size, outer: outer, axis: axis, inner: inner)
        #expect(wide.0.status == 0 && wide.1 == wide.2)
        let narrow = gather([Int32(-4), 3, 3], size: size, outer: outer, axis: axis, inner: inner)
        #expect(narrow.0.status == 0 && narrow.1 == narrow.2)
      }
    }
  }

  @Test(arguments: [10, -11, Int64.max, Int64.min]) func gatherRefusesAnIndexOutside(index: Int64) {
    let row = KernelRow.supported("maas_gather")[0]
    var params = maas_gather_params(size: 4, index_size: 8, outer: 1, axis: 10, inner: 3, count: 3)
    let split = maas_gather_split(&params)
    let operands =
      [Fenced<Float>(repeating: 1, count: 30), Fenced([0, 9, index]), Fenced<Float>(repeating: 0, count: 9)]
      as [any Operand]
    #expect(run(row, params, operands, split) == StepOutcome(status: 1, failure: [index, -10, 10]))
  }
}
