import MaasCore

/// The elements of a tensor as NumPy's str(array) prints them: nested brackets, aligned columns, lines of at most 75
/// characters, and of more than 1000 elements only the first and last three along each axis.
package func arrayText(_ tensor: Tensor) -> String {
  if tensor.shape.isEmpty { return scalarText(tensor) }
  if tensor.count == 0 { return "[]" }
  let layout = ArrayLayout(tensor.shape)
  let words = elementTexts(tensor, at: layout.visibleElements())
  return layout.text(words)
}

/// Which elements of an array are printed, and where.
struct ArrayLayout {
  private static let threshold = 1000
  private static let edge = 3
  private static let lineWidth = 75

  private let shape: [Int]
  private let strides: [Int]
  private let isSummarized: Bool

  /// `shape` has a dimension, and none is zero.
  init(_ shape: [Int]) {
    var strides: [Int] = []
    var stride = 1
    for dimension in shape.reversed() {
      strides.append(stride)
      stride *= dimension
    }
    self.shape = shape
    self.strides = strides.reversed()
    isSummarized = stride > ArrayLayout.threshold
  }

  /// The positions along `axis` that are shown; nil stands for the gap.
  private func positions(_ axis: Int) -> [Int?] {
    let count = shape[axis]
    guard isSummarized, count > 2 * ArrayLayout.edge else { return (0..<count).map { $0 } }
    let first = (0..<ArrayLayout.edge).map { Int?.some($0) }
    return first + [nil] + (count - ArrayLayout.edge..<count).map { $0 }
  }

  /// The indices in the tensor of the elements that are shown, in order.
  func visibleElements() -> [Int] {
    var elements = [0]
    for axis in shape.indices {
      let offsets = positions(axis).compactMap { $0.map { $0 * strides[axis] } }
      elements = elements.flatMap { element in offsets.map { element + $0 } }
    }
    return elements
  }

  /// The array, given the texts of the visible elements in order.
  func text(_ words: [String]) -> String {
    var words = words[...]
    return text(axis: 0, &words)
  }

  private func text(axis: Int, _ words: inout ArraySlice<String>) -> String {
    if axis == shape.count - 1 { return row(axis, &words) }
    let indent = repeated(" ", axis + 1)
    let separator = repeated("\n", shape.count - 1 - axis) + indent
    var parts: [String] = []
    for position in positions(axis) {
      parts.append(position == nil ? "..." : text(axis: axis + 1, &words))
    }
    return "[" + joined(parts, separator) + "]"
  }

  /// One row of the last axis, broken into lines that leave room for the closing brackets.
  private func row(_ axis: Int, _ words: inout ArraySlice<String>) -> String {
    let width = ArrayLayout.lineWidth - axis - 1
    let indent = repeated(" ", axis + 1)
    var lines: [String] = []
    var line = indent
    for position in positions(axis) {
      let word = position == nil ? "..." : words.popFirst() ?? ""
      if line.count + word.count > width, line.count > indent.count {
        lines.append(withoutTrailingSpaces(line))
        line = indent
      }
      line += word + " "
    }
    line.removeLast()
    return "[" + joined(lines + [line], "\n").dropFirst(indent.count) + "]"
  }
}

package func withoutTrailingSpaces(_ line: String) -> String {
  var line = line
  while line.last == " " { line.removeLast() }
  return line
}
