import CFuzz

/// Our protobuf reader and writer against libprotobuf: both must refuse the bytes, or read the same message.
@main
struct FuzzWire {
  static func main() {
    var (count, arguments) = (CommandLine.argc, CommandLine.unsafeArgv as UnsafeMutablePointer?)
    _ = LLVMFuzzerRunDriver(&count, &arguments) { bytes, size in
      let bytes = UnsafeBufferPointer(start: bytes, count: size)
      if let difference = disagreement(Array(bytes)) { fatalError(difference) }
      return 0
    }
  }
}
