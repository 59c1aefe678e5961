import CMaasSystem
import MaasCore

/// Bytes in memory, to see whether some overlap.
struct AddressRange: Equatable {
  static let none = AddressRange(begin: 0, end: 0)
  let begin: UInt
  let end: UInt

  private init(begin: UInt, end: UInt) {
    self.begin = begin
    self.end = end
  }

  init(_ address: UnsafeMutableRawPointer, _ byteCount: Int) {
    begin = UInt(bitPattern: address)
    end = begin &+ UInt(bitPattern: byteCount)
  }

  func overlaps(_ other: AddressRange) -> Bool { max(begin, other.begin) < min(end, other.end) }
}

/// Results for memory of the caller's that lies over an input: steps may write to an output before others have read
/// that input, so these are computed elsewhere and copied when the run is over.
struct Staging {
  var inputs: [AddressRange]
  private var outputs: [AddressRange]
  private var tensors: [Tensor?]

  init(inputCount: Int, outputCount: Int) {
    inputs = Array(repeating: .none, count: inputCount)
    outputs = Array(repeating: .none, count: outputCount)
    tensors = Array(repeating: nil, count: outputCount)
  }

  /// Before the outputs of a run are placed.
  mutating func begin() {
    for i in outputs.indices { outputs[i] = .none }
  }

  func isInput(_ range: AddressRange) -> Bool { inputs.contains { $0.overlaps(range) } }

  /// Where output `i`, which the caller wants at `range`, is computed; nil: there.
  mutating func place(
    _ i: Int, _ range: AddressRange, _ type: TensorType, _ name: String, _ allocations: inout Int
  ) throws(MaasError) -> UnsafeMutableRawPointer? {
    try claim(i, range, name)
    guard isInput(range) else {
      tensors[i] = nil
      return nil
    }
    if let tensor = tensors[i], tensor.dtype == type.dtype, tensor.shape == type.shape { return tensor.bytes }
    let tensor = try Tensor(type.dtype, type.shape)
    allocations += 1
    tensors[i] = tensor
    return tensor.bytes
  }

  private mutating func claim(_ i: Int, _ range: AddressRange, _ name: String) throws(MaasError) {
    if outputs.contains(where: { $0.overlaps(range) }) {
      throw MaasError(
        .invalidArgument, "the memory given for this output overlaps that of another output", tensor: name)
    }
    outputs[i] = range
  }

  #if !hasFeature(Embedded)
    var copiedOutputs: Int { tensors.count { $0 != nil } }

    /// Whether output `i` can be computed over the inputs that lie at `range`, and does from now on.
    mutating func stays(
      _ i: Int, _ range: AddressRange, _ overwriting: Overwriting, _ name: String
    ) throws(MaasError) -> Bool {
      var meets = false
      for (j, input) in inputs.enumerated() where input.overlaps(range) {
        meets = true
        guard input == range, overwriting.allows(i, over: j) else { return false }
      }
      guard meets else { return false }
      try claim(i, range, name)
      tensors[i] = nil
      return true
    }
  #endif

  /// Copies what was computed elsewhere.
  func deliver() {
    for i in tensors.indices {
      guard let tensor = tensors[i], let target = UnsafeMutableRawPointer(bitPattern: outputs[i].begin) else {
        continue
      }
      maas_sys_copy(target, tensor.bytes, tensor.byteCount)
    }
  }
}
