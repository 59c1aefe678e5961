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

/// Rotation of heads, against the formula in double precision.
@Suite struct RotaryTests {
  struct Form: Sendable {
    let heads, size, pairs: Int
    let interleaved, hasIDs: Bool
  }

  static let forms: [Form] = [1, 3, 8, 16, 21, 40].flatMap { pairs in
    [false, true].map {
      Form(
        heads: 1 + pairs % 3, size: 2 * pairs + pairs % 2, pairs: pairs, interleaved: $0, hasIDs: pairs > 3)
    }
  }

  private func params(_ form: Form, row: Int) -> maas_f32_rotary_params {
    var p = maas_f32_rotary_params()
    (p.batch, p.places, p.heads) = (2, 3, Int64(form.heads))
    (p.size, p.pairs, p.interleaved) = (Int64(form.size), Int64(form.pairs), form.interleaved)
    (p.x_head, p.x_place, p.x_batch) = (p.size, Int64(row), Int64(3 * row))
    (p.y_place, p.y_head, p.y_batch) = (p.size, 3 * p.size, 3 * p.size * p.heads)
    (p.x_offset, p.positions) = (2, 7)
    if form.hasIDs { (p.id_batch, p.id_place) = (3, 1) } else { (p.batch_step, p.place_step) = (3, 1) }
    return p
  }

  @Test(arguments: KernelRow.supported("maas_f32_rotary"), forms)
  func formula(row: KernelRow, form: Form) {
    var random = Random(31)
    let width = form.heads * form.size + 3
    let params = params(form, row: width)
    let ids: [Int64] = [0, 6, 2, 3, 3, 5]
    let x = random.floats(6 * width)
    let (cosines, sines) = (random.floats(7 * form.pairs), random.floats(7 * form.pairs))
    let y = Fenced<Float>(repeating: 7, count: 6 * form.heads * form.size)
    let operands: [(any Operand)?] = [
      Fenced(x), Fenced(cosines), Fenced(sines), form.hasIDs ? Fenced(ids) : nil, y,
    ]
    let split = withUnsafePointer(to: params) { maas_f32_rotary_split($0) }
    #expect(run(row, params, operands, split, cuts: [1]).status == 0)
    for place in 0..<6 {
      let position = form.hasIDs ? Int(ids[place]) : place
      for head in 0..<form.heads {
        let from = 2 + place * width + head * form.size
        let to = ((place / 3 * form.heads + head) * 3 + place % 3) * form.size
        for i in 0..<form.size {
          let pair = form.interleaved ? i / 2 : i % form.pairs
          let first = form.interleaved ? 2 * pair : pair
          let second = form.interleaved ? first + 1 : first + form.pairs
          let (a, b) = (Double(x[from + min(first, i)]), i < 2 * form.pairs ? Double(x[from + second]) : 0)
          let c = Double(cosines[position * form.pairs + min(pair, form.pairs - 1)])
          let s = Double(sines[position * form.pairs + min(pair, form.pairs - 1)])
          let exact = i >= 2 * form.pairs ? Double(x[from + i]) : i == first ? a * c - b * s : a * s + b * c
          #expect(abs(Double(y.elements[to + i]) - exact) < 1e-6)
        }
      }
    }
  }

  @Test(arguments: KernelRow.supported("maas_f32_rotary"))
  func refusesPositionsWithoutACosine(row: KernelRow) {
    var params = maas_f32_rotary_params()
    (params.batch, params.places, params.heads, params.size, params.pairs) = (1, 2, 1, 2, 1)
    (params.x_place, params.y_place, params.id_place, params.positions) = (2, 2, 1, 3)
    let split = withUnsafePointer(to: params) { maas_f32_rotary_split($0) }
    for id: Int64 in [3, -1, .max, .min] {
      let operands: [(any Operand)?] = [
        Fenced([Float](repeating: 1, count: 4)), Fenced([Float](repeating: 1, count: 3)),
        Fenced([Float](repeating: 1, count: 3)), Fenced([0, id]), Fenced<Float>(repeating: 7, count: 4),
      ]
      let outcome = run(row, params, operands, split)
      #expect(outcome.status == Int32(MAAS_STEP_INDEX))
      #expect(outcome.failure == [id, 0, 3])
    }
  }
}
