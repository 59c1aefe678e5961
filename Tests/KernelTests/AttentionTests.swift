import CMaasKernels
import Testing

/// Products of few rows, against sums in double precision.
@Suite struct RowProductTests {
  /// Rows, rows of b, elements of a row of b.
  static let shapes = [[1, 1, 1], [1, 4, 16], [2, 7, 5], [3, 9, 67], [1, 33, 128], [4, 6, 80]]

  private func params(_ shape: [Int], x: Int, y: Int) -> maas_f32_rows_params {
    maas_f32_rows_params(
      rows: Int64(shape[0]), n: Int64(shape[1]), width: Int64(shape[2]), x_row: Int64(x + 3),
      b_row: Int64(shape[2] + 1), y_row: Int64(y + 2), alpha: 0.75)
  }

  /// Elements of a matrix whose rows lie `row` apart.
  private func size(_ rows: Int, _ row: Int64, _ width: Int) -> Int { (rows - 1) * Int(row) + width }

  @Test(arguments: KernelRow.supported("maas_f32_row_dots"), shapes)
  func dots(row: KernelRow, shape: [Int]) {
    check(row, shape, params(shape, x: shape[2], y: shape[1]), x: shape[2], y: shape[1]) { x, b, _, p, r, j in
      (0..<shape[2]).reduce(0) {
        $0 + 0.75 * Double(x[r * Int(p.x_row) + $1]) * Double(b[j * Int(p.b_row) + $1])
      }
    }
  }

  @Test(arguments: KernelRow.supported("maas_f32_row_sums"), shapes)
  func sums(row: KernelRow, shape: [Int]) {
    check(row, shape, params(shape, x: shape[1], y: shape[2]), x: shape[1], y: shape[2]) {
      x, b, start, p, r, d in
      (0..<shape[1]).reduce(Double(start[r * Int(p.y_row) + d])) {
        $0 + Double(x[r * Int(p.x_row) + $1]) * Double(b[$1 * Int(p.b_row) + d])
      }
    }
  }

  private func check(
    _ row: KernelRow, _ shape: [Int], _ params: maas_f32_rows_params, x xWidth: Int, y yWidth: Int,
    _ exact: ([Float], [Float], [Float], maas_f32_rows_params, Int, Int) -> Double
  ) {
    var random = Random(23)
    let x = random.floats(size(shape[0], params.x_row, xWidth))
    let b = random.floats(size(shape[1], params.b_row, shape[2]))
    let start = random.floats(size(shape[0], params.y_row, yWidth))
    let split = withUnsafePointer(to: params) { maas_f32_rows_split($0) }
    let y = outputOf(
      row, params, split, output: 2, start: start, operands: [Fenced(x), Fenced(b), nil], &random)
    for r in 0..<shape[0] {
      for i in 0..<yWidth {
        let found = Double(y[r * Int(params.y_row) + i])
        #expect(abs(found - exact(x, b, start, params, r, i)) < 1e-5)
      }
      for i in yWidth..<Int(params.y_row) where r < shape[0] - 1 {
        #expect(y[r * Int(params.y_row) + i] == start[r * Int(params.y_row) + i], "between the rows")
      }
    }
  }
}
