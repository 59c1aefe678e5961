import MaasCore

/// What the training data tell of the numbers in some columns.
struct NumberFit {
  private var columns: [ColumnMoments]
  private let options: PreprocessingOptions

  init(columns: Int, _ options: PreprocessingOptions) {
    let keepsValues = options.imputation != .mean
    self.columns = [ColumnMoments](repeating: ColumnMoments(keepsValues: keepsValues), count: columns)
    self.options = options
  }

  /// Adds numbers whose columns, from `first` on, are the fastest dimension.
  mutating func add(_ tensor: Tensor, first: Int, columns count: Int) {
    let numbers = tensor.bytes.assumingMemoryBound(to: Float.self)
    for i in 0..<tensor.count { columns[first + i % count].add(Double(numbers[i])) }
  }

  var hasMissing: Bool { columns.contains { $0.missing > 0 } }

  /// What takes the place of a number that is not known.
  var replacements: [Float] {
    columns.map { column in
      switch options.imputation {
      case .mean: Float(column.mean)
      case .median: Float(column.median)
      case .mostFrequent: Float(column.mostFrequent)
      }
    }
  }

  /// (x - offset) * scale
  var scaling: [(offset: Float, scale: Float)] {
    columns.map { column in
      switch options.scaling {
      case .standard: (Float(column.mean), inverse(column.deviation))
      case .minmax: (Float(column.least), inverse(column.greatest - column.least))
      case .none: (0, 1)
      }
    }
  }

  /// A column of one value becomes 0.
  private func inverse(_ width: Double) -> Float { width > 0 && (1 / width).isFinite ? Float(1 / width) : 1 }
}

/// Mean and deviation by Welford's method.
struct ColumnMoments {
  private let keepsValues: Bool
  private var values: [Float] = []
  private(set) var count = 0
  private(set) var missing = 0
  private(set) var mean = 0.0
  private var squares = 0.0
  private(set) var least = Double.infinity
  private(set) var greatest = -Double.infinity

  init(keepsValues: Bool = false) { self.keepsValues = keepsValues }

  mutating func add(_ value: Double) {
    if value.isNaN {
      missing += 1
      return
    }
    count += 1
    let distance = value - mean
    mean += distance / Double(count)
    squares += distance * (value - mean)
    (least, greatest) = (min(least, value), max(greatest, value))
    if keepsValues { values.append(Float(value)) }
  }

  var deviation: Double { count > 0 ? (squares / Double(count)).squareRoot() : 0 }

  var median: Double {
    let sorted = values.sorted()
    guard let high = sorted[at: sorted.count / 2] else { return 0 }
    return sorted.count % 2 == 1 ? Double(high) : (Double(sorted[sorted.count / 2 - 1]) + Double(high)) / 2
  }

  /// The least of those that are seen most often.
  var mostFrequent: Double {
    var counts: [Float: Int] = [:]
    for value in values { counts[value, default: 0] += 1 }
    return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }.map { Double($0.key) } ?? 0
  }
}
