import MaasCore
import MaasRuntime

extension BlockWeights {
  /// One weight of a column after the other; each takes up what those before it lost, as far as its inputs go with
  /// theirs.
  init(_ filters: Filters, _ triangle: Triangle, _ options: QuantizationOptions) throws(MaasError) {
    let packer = try BlockPacker(columns: filters.columns, rows: filters.rows, options)
    let lost = try Tensor(.float, [filters.columns, filters.rows])
    inParallel(filters.columns, grain: 4, threads: options.threads) { columns in
      for i in columns {
        let column = ColumnRounding(
          values: filters.column(i), lost: lost.floats + i * filters.rows, triangle: triangle)
        for b in 0..<packer.shape.blocks { column.round(block: b, column: i, packer) }
      }
    }
    self = packer.finished()
  }
}

/// A column while its weights are rounded.
private struct ColumnRounding {
  let values: UnsafeMutablePointer<Float>
  /// What each weight before the present one lost.
  let lost: UnsafeMutablePointer<Float>
  let triangle: Triangle

  func round(block index: Int, column: Int, _ packer: BlockPacker) {
    let first = index * packer.shape.block
    let end = min(first + packer.shape.block, packer.shape.rows)
    let grid = grid(first, end, packer)
    packer.set(grid, column: column, block: index)
    for k in first..<end {
      let code = grid.code(values[k] + dot(lost, triangle.shares(k), k))
      lost[k] = values[k] - grid.value(code)
      packer.set(code, column: column, row: k)
    }
    for k in end..<first + packer.shape.block { packer.set(grid.code(0), column: column, row: k) }
  }

  /// For the weights with what is known of their shares.
  private func grid(_ first: Int, _ end: Int, _ packer: BlockPacker) -> Grid {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: packer.shape.block) { wanted in
      for k in first..<end { wanted[k - first] = values[k] + dot(lost, triangle.shares(k), first) }
      guard let base = wanted.baseAddress else { return Grid(scale: 1, zero: 0, low: 0, high: 0) }
      return Run(base: base, count: end - first)
        .blockCodes(bits: packer.shape.bits, isSymmetric: packer.isSymmetric)
    }
  }
}

private func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
  var (sum, i) = (SIMD16<Float>.zero, 0)
  while i + 16 <= count {
    let x = UnsafeRawPointer(a + i).loadUnaligned(as: SIMD16<Float>.self)
    sum += x * UnsafeRawPointer(b + i).loadUnaligned(as: SIMD16<Float>.self)
    i += 16
  }
  var rest = sum.sum()
  while i < count {
    rest += a[i] * b[i]
    i += 1
  }
  return rest
}
