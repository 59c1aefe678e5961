import Maas
import MaasCore
import MaasNumPy

/// The largest values of each row of the last axis.
struct BestClasses {
  private let tensor: Tensor
  private let values: [Double]
  private let rows: [[Int]]
  private let labels: [String]

  /// Nil for tensors of other than floating-point numbers, and for those without a last axis or without elements.
  init?(_ tensor: Tensor, count: Int, labels: [String]) {
    guard let width = tensor.shape.last, tensor.count > 0, let values = numbers(tensor) else { return nil }
    self.tensor = tensor
    self.values = values
    let tellsMore = labels.count == width && labels != (0..<width).map { "\($0)" }
    self.labels = tellsMore ? labels : []
    rows = stride(from: 0, to: tensor.count, by: width).map { start in
      Array(ranked(values, start..<start + width).prefix(count))
    }
  }

  /// A line per value: the row's index where there are several rows, the class, its label, its value.
  var text: String {
    let columns = [
      rows.flatMap { row in row.indices.map { $0 == 0 && rows.count > 1 ? rowName(row[0]) : "" } },
      rows.flatMap { $0.map { "\($0 % width)" } },
      rows.flatMap { $0.map { labels[at: $0 % width] ?? "" } },
    ]
    let widths = columns.map { $0.map { $0.count }.max() ?? 0 }
    let values = valueTexts()
    var text = ""
    for (i, value) in values.enumerated() {
      for (column, columnWidth) in zip(columns, widths) where columnWidth > 0 {
        text += padded(column[i], columnWidth) + "  "
      }
      text += withoutTrailingSpaces(value) + "\n"
    }
    return text
  }

  /// Values with six decimals where these tell enough, as they do of probabilities; else as in an array.
  private func valueTexts() -> [String] {
    let shown = rows.flatMap { $0 }
    let largest = shown.map { values[$0].magnitude }.filter { $0.isFinite }.max() ?? 0
    guard largest < 1e6, largest >= 1e-3 else { return elementTexts(tensor, at: shown) }
    let texts = shown.map { sixDecimals(values[$0]) }
    let width = texts.map { $0.count }.max() ?? 0
    return texts.map { String(repeating: " ", count: width - $0.count) + $0 }
  }

  private var width: Int { tensor.shape.last ?? 1 }

  /// `[1, 2]` for the row with that index.
  private func rowName(_ element: Int) -> String {
    var rest = element / width
    var index: [Int] = []
    for dimension in tensor.shape.dropLast().reversed() {
      index.append(rest % dimension)
      rest /= dimension
    }
    return describe(index.reversed())
  }
}

private func sixDecimals(_ value: Double) -> String {
  guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
  return (value.sign == .minus ? "-" : "") + fixed(value.magnitude, 6)
}

/// Indices by falling value; equal values by rising index, and what is not a number last.
private func ranked(_ values: [Double], _ range: Range<Int>) -> [Int] {
  range.sorted { a, b in
    let (x, y) = (values[a], values[b])
    if x.isNaN || y.isNaN { return x.isNaN == y.isNaN ? a < b : y.isNaN }
    return x == y ? a < b : x > y
  }
}

/// The elements of a tensor of floating-point numbers; nil for others.
private func numbers(_ tensor: Tensor) -> [Double]? {
  switch tensor.dtype {
  case .float: tensor.elements(as: Float.self).map { Double($0) }
  case .double: tensor.elements(as: Double.self)
  case .float16: tensor.elements(as: UInt16.self).map { Double(Float16(bitPattern: $0)) }
  case .bfloat16: tensor.elements(as: UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
  default: nil
  }
}
