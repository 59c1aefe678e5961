import MaasCore

/// The texts of some elements of a tensor, aligned with each other.
package func elementTexts(_ tensor: Tensor, at indices: [Int]) -> [String] {
  switch tensor.dtype {
  case .float: floats(tensor.elements(Float.self, at: indices))
  case .double: floats(tensor.elements(Double.self, at: indices))
  case .float16: floats(tensor.elements(UInt16.self, at: indices).map { Float16(bitPattern: $0) })
  case .complex64: complexes(tensor.elements(SIMD2<Float>.self, at: indices).map { ($0.x, $0.y) })
  case .complex128: complexes(tensor.elements(SIMD2<Double>.self, at: indices).map { ($0.x, $0.y) })
  case .bool: tensor.elements(UInt8.self, at: indices).map { $0 == 0 ? "False" : " True" }
  case .string: []
  default: tensor.smallFloats(at: indices).map { floats($0) } ?? aligned(tensor.integerTexts(at: indices))
  }
}

/// The element of a tensor without dimensions.
func scalarText(_ tensor: Tensor) -> String {
  switch tensor.dtype {
  case .float: scalarText(tensor.elements(Float.self, at: [0])[0])
  case .double: scalarText(tensor.elements(Double.self, at: [0])[0])
  case .float16: scalarText(Float16(bitPattern: tensor.elements(UInt16.self, at: [0])[0]))
  case .complex64: scalarText(tensor.elements(Float.self, at: [0, 1]))
  case .complex128: scalarText(tensor.elements(Double.self, at: [0, 1]))
  case .bool: tensor.elements(UInt8.self, at: [0])[0] == 0 ? "False" : "True"
  case .string: ""
  default: tensor.smallFloats(at: [0]).map { scalarText($0[0]) } ?? tensor.integerTexts(at: [0])[0]
  }
}

private func floats<T: BinaryFloatingPoint & CustomStringConvertible>(_ values: [T]) -> [String] {
  let column = FloatColumn(values)
  return values.map { column.text($0) }
}

private func complexes<T: BinaryFloatingPoint & CustomStringConvertible>(_ values: [(T, T)]) -> [String] {
  let real = FloatColumn(values.map { $0.0 })
  let imaginary = FloatColumn(values.map { $0.1 }, showsPlus: true)
  return values.map { value in
    let text = imaginary.text(value.1)
    let end = text.lastIndex { $0 != " " }.map { text.index(after: $0) } ?? text.endIndex
    return real.text(value.0) + text[..<end] + "j" + text[end...]
  }
}

/// `(1+2j)`, or `2j` when the real part is plain zero; whole parts are shown without a point.
private func scalarText<T: BinaryFloatingPoint & CustomStringConvertible>(_ parts: [T]) -> String {
  func part(_ value: T) -> String {
    let text = scalarText(value)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
  let imaginary = part(parts[1]) + "j"
  if parts[0] == 0, parts[0].sign == .plus { return imaginary }
  return "(" + part(parts[0]) + (imaginary.hasPrefix("-") ? "" : "+") + imaginary + ")"
}

private func aligned(_ texts: [String]) -> [String] {
  let width = texts.map { $0.count }.max() ?? 0
  return texts.map { padded($0, before: width) }
}

extension Tensor {
  fileprivate func elements<T: BitwiseCopyable>(_: T.Type, at indices: [Int]) -> [T] {
    indices.map { bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self) }
  }

  fileprivate func integerTexts(at indices: [Int]) -> [String] {
    switch dtype {
    case .uint8: elements(UInt8.self, at: indices).map { "\($0)" }
    case .int8: elements(Int8.self, at: indices).map { "\($0)" }
    case .uint16: elements(UInt16.self, at: indices).map { "\($0)" }
    case .int16: elements(Int16.self, at: indices).map { "\($0)" }
    case .uint32: elements(UInt32.self, at: indices).map { "\($0)" }
    case .int32: elements(Int32.self, at: indices).map { "\($0)" }
    case .uint64: elements(UInt64.self, at: indices).map { "\($0)" }
    case .int64: elements(Int64.self, at: indices).map { "\($0)" }
    case .int4, .int2:
      packed(at: indices).map { "\($0 >> (dtype.bitWidth - 1) == 0 ? $0 : $0 - 1 << dtype.bitWidth)" }
    default: packed(at: indices).map { "\($0)" }
    }
  }

  /// Elements smaller than a byte, the first in the lowest bits.
  func packed(at indices: [Int]) -> [Int] {
    let width = dtype.bitWidth
    return indices.map { index in
      let byte = bytes.loadUnaligned(fromByteOffset: index * width / 8, as: UInt8.self)
      return Int(byte) >> (index * width % 8) & ((1 << width) - 1)
    }
  }
}
