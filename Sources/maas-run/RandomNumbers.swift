import Glibc
import Maas
import MaasCore

/// Made-up inputs, the same for the same seed.
///
/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014) with its published constants;
/// normal numbers by Box and Muller's method.
struct RandomNumbers {
  private var state: UInt64

  init(state: UInt64) { self.state = state }

  /// Streams of one seed are independent of each other.
  init(seed: UInt64, stream: UInt64) {
    self.init(state: seed)
    state = next() &+ stream &* 0x9e37_79b9_7f4a_7c15
    state = next()
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Between 0 and 1, neither included.
  private mutating func uniform() -> Double { (Double(next() >> 12) + 0.5) * 0x1p-52 }

  mutating func normal() -> Double { sqrt(-2 * log(uniform())) * cos(2 * .pi * uniform()) }

  /// A tensor of normal numbers, integers from 0 to 9, or truth values.
  mutating func tensor(_ input: ValueInfo, _ shape: [Int]) throws(MaasError) -> Tensor {
    let tensor: Tensor
    do {
      tensor = try Tensor(input.dtype, shape)
    } catch {
      throw error.inFile("--random")
    }
    switch input.dtype {
    case .float: fill(tensor) { Float($0.normal()) }
    case .double: fill(tensor) { $0.normal() }
    case .float16: fill(tensor) { Float16($0.normal()).bitPattern }
    case .bfloat16: fill(tensor) { UInt16(Float($0.normal()).bitPattern >> 16) }
    case .bool: fill(tensor) { UInt8($0.next() >> 63) }
    case .int8, .uint8: fill(tensor) { UInt8($0.next() % 10) }
    case .int16, .uint16: fill(tensor) { UInt16($0.next() % 10) }
    case .int32, .uint32: fill(tensor) { UInt32($0.next() % 10) }
    case .int64, .uint64: fill(tensor) { $0.next() % 10 }
    default:
      throw MaasError(
        .unsupported, "inputs of type \(input.dtype.name) cannot be made up", tensor: input.name,
        hint: "give it as '\(input.name)=file.npy'")
    }
    return tensor
  }

  private mutating func fill<T: BitwiseCopyable>(_ tensor: Tensor, _ element: (inout RandomNumbers) -> T) {
    for i in 0..<tensor.count {
      tensor.bytes.storeBytes(of: element(&self), toByteOffset: i * MemoryLayout<T>.size, as: T.self)
    }
  }
}
