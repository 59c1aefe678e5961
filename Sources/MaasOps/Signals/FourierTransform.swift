extension FourierPlan {
  /// Transforms the `length` numbers at the beginning of `x`, which has 2 * `inner`; returns where the result is.
  func transform(
    _ table: UnsafePointer<Complex>, _ x: UnsafeMutablePointer<Complex>
  ) -> UnsafeMutablePointer<Complex> {
    if isDirect { return passes(table, x, x + inner) }
    let (chirp, filter) = (table + inner, table + inner + length)
    for k in 0..<length { x[k] = x[k] * chirp[k] }
    for k in length..<inner { x[k] = .zero }
    let spectrum = passes(table, x, x + inner)
    for k in 0..<inner { spectrum[k] = (spectrum[k] * filter[k]).swapped }
    let result = passes(table, spectrum, spectrum == x ? x + inner : x)
    let scale = Complex(re: 1 / Double(inner), im: 0)
    for k in 0..<length { result[k] = result[k].swapped * chirp[k] * scale }
    return result
  }

  /// Stockham's passes from one half of the memory to the other.
  func passes(
    _ table: UnsafePointer<Complex>, _ x: UnsafeMutablePointer<Complex>, _ y: UnsafeMutablePointer<Complex>
  ) -> UnsafeMutablePointer<Complex> {
    var (from, to, rest, step) = (x, y, inner, 1)
    for i in 0..<factorCount {
      let radix = factor(i)
      rest /= radix
      switch radix {
      case 2: passOfTwo(table, from, to, rest, step)
      case 4: passOfFour(table, from, to, rest, step)
      default: pass(radix, table, from, to, rest, step)
      }
      step *= radix
      (from, to) = (to, from)
    }
    return from
  }

  private func passOfTwo(
    _ table: UnsafePointer<Complex>, _ x: UnsafePointer<Complex>, _ y: UnsafeMutablePointer<Complex>,
    _ count: Int, _ step: Int
  ) {
    for p in 0..<count {
      let w = table[p * step]
      for q in 0..<step {
        let (a, b) = (x[q + step * p], x[q + step * (p + count)])
        y[q + step * 2 * p] = a + b
        y[q + step * (2 * p + 1)] = (a - b) * w
      }
    }
  }

  private func passOfFour(
    _ table: UnsafePointer<Complex>, _ x: UnsafePointer<Complex>, _ y: UnsafeMutablePointer<Complex>,
    _ count: Int, _ step: Int
  ) {
    for p in 0..<count {
      let (u, v, w) = (table[p * step], table[2 * p * step], table[3 * p * step])
      for q in 0..<step {
        let from = x + (q + step * p)
        let (a, b) = (from[0], from[step * count])
        let (c, d) = (from[2 * step * count], from[3 * step * count])
        let (even, odd) = (a + c, b + d)
        let (across, turned) = (a - c, (b - d).turned)
        let to = y + (q + step * 4 * p)
        to[0] = even + odd
        to[step] = (across + turned) * u
        to[2 * step] = (even - odd) * v
        to[3 * step] = (across - turned) * w
      }
    }
  }

  private func pass(
    _ radix: Int, _ table: UnsafePointer<Complex>, _ x: UnsafePointer<Complex>,
    _ y: UnsafeMutablePointer<Complex>, _ count: Int, _ step: Int
  ) {
    var values = InlineArray<13, Complex>(repeating: .zero)
    for p in 0..<count {
      for q in 0..<step {
        for j in 0..<radix { values[j] = x[q + step * (p + j * count)] }
        for k in 0..<radix {
          var sum = values[0]
          for j in 1..<radix { sum = sum + values[j] * table[j * k % radix * (inner / radix)] }
          y[q + step * (radix * p + k)] = sum * table[p * k * step]
        }
      }
    }
  }
}
