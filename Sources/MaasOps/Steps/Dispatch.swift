import CMaasSystem
import MaasCore

/// A step function written once for every numeric element type.
///
/// A C function pointer cannot come from a generic context, so an operator passes the closure
/// `{ dispatch(Kernel.self, Chunk($0, $1, $2, $3)) }` as its `maas_step_run`.
protocol NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32
}

/// Runs the kernel for the element type that the step names; bool counts as uint8.
func dispatch<K: NumberKernel>(_ kernel: K.Type, _ chunk: Chunk) -> Int32 {
  switch DType(rawValue: chunk.step.pointee.dtype) {
  case .float: K.run(chunk, Float.self)
  case .double: K.run(chunk, Double.self)
  case .float16: K.run(chunk, Half.self)
  case .bfloat16: K.run(chunk, BFloat16.self)
  default: dispatchInteger(kernel, chunk)
  }
}

private func dispatchInteger<K: NumberKernel>(_ kernel: K.Type, _ chunk: Chunk) -> Int32 {
  switch DType(rawValue: chunk.step.pointee.dtype) {
  case .int8: K.run(chunk, Int8.self)
  case .int16: K.run(chunk, Int16.self)
  case .int32: K.run(chunk, Int32.self)
  case .int64: K.run(chunk, Int64.self)
  case .uint8, .bool: K.run(chunk, UInt8.self)
  case .uint16: K.run(chunk, UInt16.self)
  case .uint32: K.run(chunk, UInt32.self)
  case .uint64: K.run(chunk, UInt64.self)
  default: StepStatus.value
  }
}

/// A step function for float and double; other types are converted before and after it, see `floating`.
protocol FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32
}

func dispatch<K: FloatKernel>(_ kernel: K.Type, _ chunk: Chunk) -> Int32 {
  chunk.step.pointee.dtype == DType.double.rawValue ? K.run(chunk, Double.self) : K.run(chunk, Float.self)
}

/// Runs the kernel for a `wideType`: where speed does not matter much, the others are converted to one of these three.
func dispatchWide<K: NumberKernel>(_ kernel: K.Type, _ chunk: Chunk) -> Int32 {
  switch DType(rawValue: chunk.step.pointee.dtype) {
  case .float: K.run(chunk, Float.self)
  case .double: K.run(chunk, Double.self)
  case .int64: K.run(chunk, Int64.self)
  default: StepStatus.value
  }
}

/// The same where the order of unsigned numbers matters: uint64 stays.
func dispatchOrdered<K: NumberKernel>(_ kernel: K.Type, _ chunk: Chunk) -> Int32 {
  chunk.step.pointee.dtype == DType.uint64.rawValue ? K.run(chunk, UInt64.self) : dispatchWide(kernel, chunk)
}

/// A step function that moves elements and needs to know only their size.
protocol MovementKernel {
  static func run<T: BitwiseCopyable>(_ chunk: Chunk, _ type: T.Type) -> Int32
}

/// Runs the kernel for the size of the element type that the step names.
func dispatch<K: MovementKernel>(_ kernel: K.Type, _ chunk: Chunk) -> Int32 {
  switch DType(rawValue: chunk.step.pointee.dtype)?.byteWidth {
  case 1: K.run(chunk, UInt8.self)
  case 2: K.run(chunk, UInt16.self)
  case 4: K.run(chunk, UInt32.self)
  case 8: K.run(chunk, UInt64.self)
  case 16: K.run(chunk, InlineArray<2, UInt64>.self)
  default: StepStatus.value
  }
}

extension DType {
  /// What is computed in float.
  static let upToFloat: [DType] = [.float, .float16, .bfloat16]
  static let floats: [DType] = [.float, .double, .float16, .bfloat16]
  static let signedIntegers: [DType] = [.int8, .int16, .int32, .int64]
  static let integers: [DType] = signedIntegers + [.uint8, .uint16, .uint32, .uint64]
  static let numbers = floats + integers
  /// Whether elements are whole bytes, so that they can be moved without knowing what they are.
  var isMovable: Bool { byteWidth > 0 }
  /// Whether elements are 16-bit floats, which most steps compute with as float.
  var isNarrowFloat: Bool { self == .float16 || self == .bfloat16 }
  /// What `dispatchWide` computes in for this type. Sums and products of 64-bit integers are the same signed or not.
  var wideType: DType { self == .double ? .double : DType.floats.contains(self) ? .float : .int64 }
  /// What `dispatchOrdered` computes in for this type.
  var orderedType: DType { self == .uint64 ? .uint64 : wideType }
  /// What a `FloatKernel` computes with for numbers of this type.
  var floating: DType { self == .float || isNarrowFloat ? .float : .double }
}
