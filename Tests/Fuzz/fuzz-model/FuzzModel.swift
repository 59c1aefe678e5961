import CFuzz
import Maas

/// Bytes to a model, a session, and one run with made-up inputs: errors are fine, everything else is not.
@main
struct FuzzModel {
  static func main() {
    var (count, arguments) = (CommandLine.argc, CommandLine.unsafeArgv as UnsafeMutablePointer?)
    _ = LLVMFuzzerRunDriver(&count, &arguments) { bytes, size in
      let bytes = UnsafeRawBufferPointer(start: bytes, count: size)
      for optimization in [SessionOptions.Optimization.all, .none] {
        do throws(MaasError) { try FuzzModel.run(bytes, optimization) } catch { _ = error.message }
      }
      return 0
    }
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
