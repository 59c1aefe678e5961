extension FourierPlan {
  /// Transforms the `length` numbers at the beginning of `x`, which has `workCount`; returns where the result is.
  func transform<T>(
    _ table: UnsafePointer<Complex<T>>, _ x: UnsafeMutablePointer<Complex<T>>
  ) -> UnsafeMutablePointer<Complex<T>> {
    if isDirect { return passes(table, x, x + inner) }
    let (chirp, filter) = (table + inner, table + inner + length)
    for k in 0..<length { x[k] = x[k] * chirp[k] }
    for k in length..<inner { x[k] = Complex() }
    let spectrum = passes(table, x, x + inner)
    for k in 0..<inner { spectrum[k] = (spectrum[k] * filter[k]).swapped }
    let result = passes(table, spectrum, spectrum == x ? x + inner : x)
    for k in 0..<length { result[k] = 1 / T(inner) * (result[k].swapped * chirp[k]) }
    return result
  }

  /// Stockham's passes from one half of the memory to the other.
  func passes<T>(
    _ table: UnsafePointer<Complex<T>>, _ x: UnsafeMutablePointer<Complex<T>>,
    _ y: UnsafeMutablePointer<Complex<T>>
  ) -> UnsafeMutablePointer<Complex<T>> {
    var (from, to) = (x, y)
    var pass = FourierPass(table: table, inner: inner, count: inner, step: 1)
    for i in 0..<factorCount {
      let radix = factor(i)
      pass.count /= radix
      switch radix {
      case 2: pass.two(from, to)
      case 4: pass.four(from, to)
      default: pass.odd(radix, from, to)
      }
      pass.step *= radix
      (from, to) = (to, from)
    }
    return from
  }
}

/// One factor's pass: `count` times `step` small transforms, and the twiddles behind them.
private struct FourierPass<T: BinaryFloatingPoint & BitwiseCopyable> {
  let table: UnsafePointer<Complex<T>>
  let inner: Int
  var count: Int
  var step: Int

  func two(_ x: UnsafePointer<Complex<T>>, _ y: UnsafeMutablePointer<Complex<T>>) {
    for p in 0..<count {
      let w = table[p * step]
      for q in 0..<step {
        let (a, b) = (x[q + step * p], x[q + step * (p + count)])
        y[q + step * 2 * p] = a + b
        y[q + step * (2 * p + 1)] = (a - b) * w
      }
    }
  }

  func four(_ x: UnsafePointer<Complex<T>>, _ y: UnsafeMutablePointer<Complex<T>>) {
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

  /// Sums and differences of elements that lie symmetrically share their products.
  func odd(_ radix: Int, _ x: UnsafePointer<Complex<T>>, _ y: UnsafeMutablePointer<Complex<T>>) {
    let half = radix / 2
    var sums = InlineArray<7, Complex<T>>(repeating: Complex())
    var differences = sums
    for p in 0..<count {
      for q in 0..<step {
        let from = x + (q + step * p)
        var total = from[0]
        for j in 1...half {
          let (a, b) = (from[j * step * count], from[(radix - j) * step * count])
          (sums[j], differences[j]) = (a + b, a - b)
          total = total + sums[j]
        }
        let to = y + (q + step * radix * p)
        to[0] = total
        for k in 1...half {
          var (even, odd) = (from[0], Complex<T>())
          for j in 1...half {
            let root = table[j * k % radix * (inner / radix)]
            even = even + root.re * sums[j]
            odd = odd + root.im * differences[j]
          }
          odd = Complex(re: -odd.im, im: odd.re)
          to[k * step] = (even + odd) * table[p * k * step]
          to[(radix - k) * step] = (even - odd) * table[p * (radix - k) * step]
        }
      }
    }
  }
}
