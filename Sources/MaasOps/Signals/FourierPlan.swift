import CMaasKernels
import MaasCore
import MaasGraph

struct Complex<T: BinaryFloatingPoint & BitwiseCopyable>: BitwiseCopyable {
  var re: T = 0
  var im: T = 0

  @inline(__always)
  static func + (a: Complex, b: Complex) -> Complex { Complex(re: a.re + b.re, im: a.im + b.im) }
  @inline(__always)
  static func - (a: Complex, b: Complex) -> Complex { Complex(re: a.re - b.re, im: a.im - b.im) }
  @inline(__always)
  static func * (a: Complex, b: Complex) -> Complex {
    Complex(re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re)
  }
  @inline(__always)
  static func * (a: T, b: Complex) -> Complex { Complex(re: a * b.re, im: a * b.im) }
  var conjugate: Complex { Complex(re: re, im: -im) }
  /// Real and imaginary part in each other's place: a forward transform between two of these is an inverse one.
  var swapped: Complex { Complex(re: im, im: re) }
  /// -i times the number.
  var turned: Complex { Complex(re: im, im: -re) }
}

/// How a discrete Fourier transform of some length is computed, in O(n log n) for every length.
///
/// Lengths of small factors are transformed by Stockham's algorithm, a pass for each factor. Others are a convolution
/// of a padded length (L. Bluestein, "A linear filtering approach to the computation of discrete Fourier transform",
/// 1970), for which `table` goes on with the chirp and the transform of its inverse.
struct FourierPlan {
  let length: Int
  /// The length of the passes: `length` itself, or a power of two.
  let inner: Int
  private var factors = InlineArray<64, UInt8>(repeating: 0)
  private(set) var factorCount = 0
  var isDirect: Bool { inner == length }

  /// Elements of the table, see `fillTable`.
  var tableCount: Int { isDirect ? inner : 2 * inner + length }
  /// Numbers that `transform` works in.
  var workCount: Int { 2 * inner }
  /// Bytes of scratch that a step in `dtype` needs.
  func scratch(_ dtype: DType) -> Int { 2 * workCount * dtype.byteWidth }

  init(_ length: Int) throws(MaasError) {
    guard length > 0, length <= 1 << 32 else {
      throw MaasError(
        .unsupported, "the length of the transform is not supported", expected: "1..\(1 << 32)",
        found: "\(length)")
    }
    self.length = length
    var rest = length
    for factor in [4, 2, 3, 5, 7, 11, 13] { while rest % factor == 0 { rest /= factor } }
    var padded = 1
    while padded < 2 * length - 1 { padded *= 2 }
    inner = rest == 1 ? length : padded
    factorise()
  }

  private mutating func factorise() {
    var rest = inner
    for factor in [4, 2, 3, 5, 7, 11, 13] {
      while rest % factor == 0 {
        factors[factorCount] = UInt8(factor)
        factorCount += 1
        rest /= factor
      }
    }
  }

  func factor(_ i: Int) -> Int { Int(factors[i]) }

  /// The table, real and imaginary parts in turn: powers of the inner length's root of unity, then chirp and filter.
  func table(_ dtype: DType) throws(MaasError) -> Tensor {
    let tensor = try Tensor(.double, [tableCount, 2])
    let table = tensor.bytes.assumingMemoryBound(to: Complex<Double>.self)
    for k in 0..<inner { table[k] = root(k, of: inner) }
    if !isDirect { try fillFilter(table) }
    return try cast(tensor, to: dtype)
  }

  private func fillFilter(_ table: UnsafeMutablePointer<Complex<Double>>) throws(MaasError) {
    let (chirp, filter) = (table + inner, table + inner + length)
    for k in 0..<length {
      let square = k.multipliedFullWidth(by: k)
      chirp[k] = root((2 * length).dividingFullWidth(square).remainder, of: 2 * length)
    }
    let memory = try TensorStorage.allocate(scratch(.double))
    let x = memory.base.assumingMemoryBound(to: Complex<Double>.self)
    for k in 0..<inner { x[k] = Complex() }
    for k in 0..<length {
      x[k] = chirp[k].conjugate
      x[(inner - k) % inner] = chirp[k].conjugate
    }
    let result = passes(UnsafePointer(table), x, x + inner)
    for k in 0..<inner { filter[k] = result[k] }
  }

  /// e^(-2 pi i k / n)
  private func root(_ k: Int, of n: Int) -> Complex<Double> {
    let angle = 2 * Double.pi * Double(k) / Double(n)
    return Complex(re: evaluated(MAAS_UNARY_COS, angle), im: -evaluated(MAAS_UNARY_SIN, angle))
  }
}

/// A function of one number with libm's accuracy.
func evaluated(_ op: maas_unary, _ x: Double) -> Double {
  maas_f64_unary(maas_f32_activation(op: op, alpha: 0, beta: 0), x)
}
