import Foundation

/// Memory whose last (or first) element touches a page that may not be read, so that one step outside is a crash.
/// On the other side a few known bytes show stray writes.
final class Fenced<Element: BitwiseCopyable>: Operand {
  enum Side { case start, end }

  private let mapping: UnsafeMutableRawPointer
  private let mappingSize: Int
  private let side: Side
  let elements: UnsafeMutableBufferPointer<Element>

  init(_ values: [Element], at side: Side = .end) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let bytes = values.count * MemoryLayout<Element>.stride
    let inner = (bytes + Fenced.fence + page - 1) / page * page
    mappingSize = inner + 2 * page
    self.side = side
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    guard let mapping = mmap(nil, mappingSize, PROT_READ | PROT_WRITE, flags, -1, 0), mapping != MAP_FAILED
    else {
      fatalError("no memory for a test")
    }
    self.mapping = mapping
    memset(mapping, Fenced.mark, mappingSize)
    let start = side == .start ? page : page + inner - bytes
    elements = UnsafeMutableBufferPointer(
      start: (mapping + start).bindMemory(to: Element.self, capacity: max(1, values.count)),
      count: values.count)
    for (i, value) in values.enumerated() { elements[i] = value }
    mprotect(mapping, page, PROT_NONE)
    mprotect(mapping + page + inner, page, PROT_NONE)
  }

  convenience init(repeating value: Element, count: Int, at side: Side = .end) {
    self.init([Element](repeating: value, count: count), at: side)
  }

  deinit { munmap(mapping, mappingSize) }

  private static var fence: Int { 64 }
  private static var mark: Int32 { 0x5A }

  var address: UnsafeMutableRawPointer { UnsafeMutableRawPointer(elements.baseAddress!) }
  var values: [Element] { [Element](elements) }

  /// True while nothing was written to the readable bytes beside the elements.
  var isFenceWhole: Bool {
    let after = address + elements.count * MemoryLayout<Element>.stride
    let fence = side == .start ? after : address - Fenced.fence
    return UnsafeRawBufferPointer(start: fence, count: Fenced.fence).allSatisfy { $0 == UInt8(Fenced.mark) }
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014): tests see the same values on every machine.
struct Random {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func int(_ range: Range<Int>) -> Int { range.lowerBound + Int(next() % UInt64(range.count)) }
  mutating func float(_ low: Float = -1, _ high: Float = 1) -> Float {
    low + (high - low) * Float(next() >> 40) / Float(1 << 24)
  }
  mutating func floats(_ count: Int, _ low: Float = -1, _ high: Float = 1) -> [Float] {
    (0..<count).map { _ in float(low, high) }
  }
}

/// The largest difference in units in the last place of the expected value; infinite where only one is NaN.
func largestError(_ found: [Float], _ expected: [Double]) -> Double {
  var most = 0.0
  for (f, e) in zip(found, expected) where !(f.isNaN && e.isNaN) && f != Float(e) {
    let unit = Double(max(Float(e).ulp, Float.leastNonzeroMagnitude))
    let error = abs(Double(f) - e) / unit
    most = error.isNaN ? .infinity : max(most, error)
  }
  return most
}

/// The largest difference over max(1, |expected|, scale); infinite where only one is NaN or infinite.
func largestDifference(_ found: [Float], _ expected: [Double], scale: Double = 1) -> Double {
  var most = 0.0
  for (f, e) in zip(found, expected) where !(f.isNaN && e.isNaN) && f != Float(e) {
    let error = abs(Double(f) - e) / max(1, scale, abs(e))
    most = error.isFinite ? max(most, error) : .infinity
  }
  return found.count == expected.count ? most : .infinity
}
