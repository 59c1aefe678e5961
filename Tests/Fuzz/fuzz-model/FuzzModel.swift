import CFuzz
import Maas

@testable import MaasONNX

/// Bytes to a model, a session, and one run with made-up inputs: errors are fine, everything else is not.
@main
struct FuzzModel {
  static func main() {
    var (count, arguments) = (CommandLine.argc, CommandLine.unsafeArgv as UnsafeMutablePointer?)
    _ = LLVMFuzzerRunDriver(&count, &arguments) { bytes, size in
      FuzzModel.mended(UnsafeRawBufferPointer(start: bytes, count: size)).withUnsafeBytes { bytes in
        for optimization in [SessionOptions.Optimization.all, .none] {
          do throws(MaasError) { try FuzzModel.run(bytes, optimization) } catch { _ = error.message }
        }
      }
      return 0
    }
  }

  /// The bytes; those of a compiled model with its length and checksum, which would hide all that comes after them.
  private static func mended(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var mended = Array(bytes)
    func put(_ offset: Int, _ number: UInt64) {
      for i in 0..<8 { mended[offset + i] = UInt8(truncatingIfNeeded: number >> UInt64(8 * i)) }
    }
    guard CompiledModel.isOne(bytes), mended.count >= CompiledHeader.byteCount else { return mended }
    put(24, UInt64(mended.count))
    let checksum = mended.withUnsafeBytes { (bytes) -> UInt64? in
      guard let header = try? CompiledHeader(bytes) else { return nil }
      return CompiledHeader.checksum(bytes, UnsafeRawBufferPointer(rebasing: bytes[header.message]))
    }
    if let checksum { put(8, checksum) }
    return mended
  }

  private static func run(
    _ bytes: UnsafeRawBufferPointer, _ optimization: SessionOptions.Optimization
  ) throws(MaasError) {
    let model = try Model(copying: bytes)
    var options = SessionOptions()
    (options.threads, options.memoryLimit, options.optimization) = (1, 64 << 20, optimization)
    let session = try Session(model, options: options)
    for filling in 0..<2 {
      var limits = RunOptions()
      limits.deadline = 1_000_000_000
      var inputs: [Tensor] = []
      for input in model.inputs { inputs.append(try tensor(input, filling)) }
      _ = try session.run(inputs, options: limits)
    }
  }

  private static let largest = 8 << 20

  /// All bytes zero, or such that every element type sees small numbers of both signs.
  private static func tensor(_ input: ValueInfo, _ filling: Int) throws(MaasError) -> Tensor {
    let shape = (input.shape?.dims ?? []).map { $0.value ?? 2 }
    let bytes = shape.reduce(max(1, input.dtype.bitWidth / 8)) { $0.multipliedReportingOverflow(by: $1).0 }
    guard shape.allSatisfy({ $0 <= largest }), bytes >= 0, bytes <= largest else {
      return try Tensor(input.dtype, [])
    }
    if input.dtype == .string {
      let texts = (0..<shape.reduce(1, *)).map { filling == 0 ? "" : "\($0 % 5 - 2)" }
      return try Tensor(shape, strings: texts)
    }
    let tensor = try Tensor(input.dtype, shape)
    let width = max(1, input.dtype.bitWidth / 8)
    for i in 0..<tensor.byteCount {
      let number = i / width % 5 - 2
      let byte = i % width == 0 ? UInt8(truncatingIfNeeded: number) : number < 0 ? 0xff : 0
      tensor.bytes.storeBytes(of: filling == 0 ? 0 : byte, toByteOffset: i, as: UInt8.self)
    }
    return tensor
  }
}
