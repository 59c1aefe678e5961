import CFuzz
import MaasCore
import MaasNumPy

/// Bytes as an .npy file and as an .npz archive; what reads must survive being written and read again.
@main
struct FuzzNpy {
  static func main() {
    var (count, arguments) = (CommandLine.argc, CommandLine.unsafeArgv as UnsafeMutablePointer?)
    _ = LLVMFuzzerRunDriver(&count, &arguments) { bytes, size in
      let bytes = UnsafeRawBufferPointer(start: bytes, count: size)
      do throws(MaasError) { try FuzzNpy.npy(bytes) } catch { _ = error.message }
      do throws(MaasError) { try FuzzNpy.npz(bytes) } catch { _ = error.message }
      return 0
    }
  }

  private static func storage(_ bytes: UnsafeRawBufferPointer) throws(MaasError) -> TensorStorage {
    let storage = try TensorStorage.allocate(bytes.count)
    UnsafeMutableRawBufferPointer(start: storage.base, count: bytes.count).copyMemory(from: bytes)
    return storage
  }

  private static func npy(_ bytes: UnsafeRawBufferPointer) throws(MaasError) {
    let tensor = try Npy.decode(try storage(bytes))
    let again = try Npy.decode(try Npy.encode(tensor))
    guard again.dtype == tensor.dtype, again.shape == tensor.shape, content(again) == content(tensor) else {
      fatalError("\(tensor.dtype) \(tensor.shape) is not what was written")
    }
  }

  private static func content(_ tensor: Tensor) -> [UInt8] {
    withExtendedLifetime(tensor) {
      (0..<tensor.byteCount).map { tensor.bytes.load(fromByteOffset: $0, as: UInt8.self) }
    }
  }

  private static func npz(_ bytes: UnsafeRawBufferPointer) throws(MaasError) {
    for entry in try NpzArchive(try storage(bytes), path: "fuzz.npz", limit: 16 << 20).tensors() {
      guard content(entry.tensor).count == entry.tensor.byteCount else { fatalError("the tensor is cut") }
    }
  }
}
