import CMaasSystem
import MaasCore
import MaasONNX

/// Rows of a delimited file. Their targets are in memory, their features are read from the file.
package final class TableSource: SampleSource {
  package let schema: TableSchema
  package let targets: Targets
  package let inputs: [RawInput]
  package let mostAtOnce: Int
  private let file: DelimitedFile
  private let columns: [TableSchema.Column]
  /// Where they are in the file.
  private let places: [Int]
  private let isMatrix: Bool

  /// Rows of `file` under a schema that may be that of another file with such columns.
  package init(_ file: DelimitedFile, _ schema: TableSchema) throws(MaasError) {
    (self.file, self.schema) = (file, schema)
    (columns, isMatrix) = (schema.features, schema.isMatrix)
    mostAtOnce = samplesAtOnce(bytes: columns.count * MemoryLayout<Float>.size)
    var places: [Int] = []
    for column in columns { places.append(try file.index(of: column.name)) }
    if places.isEmpty {
      throw MaasError(
        .invalidArgument, "no column is left to learn from",
        found: "'\(schema.target)' is the target"
          + joined(
            schema.columns.filter { $0.name != schema.target }.map { ", '\($0.name)': \($0.reason)" }, ""),
        hint: "say what a column is with --numeric, --categorical or --text"
      ).inFile(file.path)
    }
    self.places = places
    targets = try TableSource.targets(file, schema)
    inputs = TableSource.inputs(schema)
  }

  /// The same columns in another file.
  package convenience init(_ path: String, like other: TableSource) throws(MaasError) {
    let names = other.schema.features.map { $0.name } + [other.schema.target]
    try self.init(
      try DelimitedFile(
        path, delimiter: other.file.delimiter, header: other.file.hasHeader ? .yes : .no, named: names),
      other.schema)
  }

  package var path: String { file.path }
  package var count: Int { file.count }
  package func place(_ sample: Int) -> String { file.place(sample) }

  package func fingerprint() throws(MaasError) -> UInt64 {
    var checksum = Checksum()
    try checksum.add(fileAt: path)
    return checksum.finished()
  }

  /// One matrix where all features are numbers, else a column for each.
  private static func inputs(_ schema: TableSchema) -> [RawInput] {
    let names = schema.features.map { $0.name }
    if schema.isMatrix { return [RawInput("features", .numbers, [.known(names.count)], names: names)] }
    return schema.features.map { RawInput($0.name, $0.kind.role, [.known(1)]) }
  }

  package func raw(_ samples: ArraySlice<Int>) throws(MaasError) -> [Tensor] {
    if isMatrix { return [try matrix(samples)] }
    var numbers: [[Float]] = columns.map { _ in [] }
    var texts: [[String]] = columns.map { _ in [] }
    for sample in samples {
      let record = try file.record(sample)
      for (i, column) in columns.enumerated() {
        if column.kind == .number {
          numbers[i].append(try number(record, i))
        } else {
          texts[i].append(record.isMissing(places[i], schema.missing) ? "" : record.text(places[i]))
        }
      }
    }
    return try columns.indices.map { (i) throws(MaasError) in
      columns[i].kind == .number
        ? try Tensor(.float, [samples.count, 1], numbers[i])
        : try Tensor([samples.count, 1], strings: texts[i])
    }
  }

  private func matrix(_ samples: ArraySlice<Int>) throws(MaasError) -> Tensor {
    let tensor = try Tensor(.float, [samples.count, columns.count])
    let floats = tensor.bytes.assumingMemoryBound(to: Float.self)
    for (row, sample) in samples.enumerated() {
      let record = try file.record(sample)
      for i in columns.indices { floats[row * columns.count + i] = try number(record, i) }
    }
    return tensor
  }

  private func number(_ record: DelimitedRecord, _ i: Int) throws(MaasError) -> Float {
    if record.isMissing(places[i], schema.missing) { return .nan }
    return Float(try TableSource.number(file, record, places[i], columns[i].name))
  }

  private static func number(
    _ file: DelimitedFile, _ record: DelimitedRecord, _ place: Int, _ name: String
  ) throws(MaasError) -> Double {
    if let number = record.number(place), Float(number).isFinite { return number }
    throw MaasError(
      .invalidArgument, "\(file.place(record.number)), column '\(name)': the value is no finite number",
      expected: "a number that a float holds", found: "'\(record.text(place))'",
      hint: "correct it, or leave it empty where it is not known"
    ).inFile(file.path)
  }
}

// Targets.
extension TableSource {
  private static func targets(_ file: DelimitedFile, _ schema: TableSchema) throws(MaasError) -> Targets {
    let target = try file.index(of: schema.target)
    if schema.task == .regression { return try numbers(file, schema, target) }
    let places = Dictionary(uniqueKeysWithValues: schema.classNames.enumerated().map { ($1, $0) })
    var classes: [Int] = []
    classes.reserveCapacity(file.count)
    for row in 0..<file.count {
      let record = try known(file, row, target, schema)
      let text = record.text(target)
      guard let place = places[text] else {
        throw MaasError(
          .invalidArgument,
          "\(file.place(row)), column '\(schema.target)': the class is not among those to learn",
          expected: listed(schema.classNames), found: "'\(text)'",
          hint:
            "training needs samples of every class; leave the row out, or add such rows to the training data"
        ).inFile(file.path)
      }
      classes.append(place)
    }
    return .classes(classes, names: schema.classNames)
  }

  private static func numbers(
    _ file: DelimitedFile, _ schema: TableSchema, _ target: Int
  ) throws(MaasError) -> Targets {
    var numbers: [Float] = []
    numbers.reserveCapacity(file.count)
    for row in 0..<file.count {
      let record = try known(file, row, target, schema)
      numbers.append(Float(try number(file, record, target, schema.target)))
    }
    return .numbers(try Tensor(.float, [numbers.count, 1], numbers))
  }

  /// The record of a row whose target is known.
  private static func known(
    _ file: DelimitedFile, _ row: Int, _ target: Int, _ schema: TableSchema
  ) throws(MaasError) -> DelimitedRecord {
    let record = try file.record(row)
    if !record.isMissing(target, schema.missing) { return record }
    throw MaasError(
      .invalidArgument, "\(file.place(row)), column '\(schema.target)': the target is missing",
      expected: "a \(schema.task == .classification ? "class" : "number")", found: "'\(record.text(target))'",
      hint: "leave out rows whose target is not known"
    ).inFile(file.path)
  }
}

extension ColumnKind {
  fileprivate var role: RawInput.Role {
    switch self {
    case .number, .ignored: .numbers
    case .category: .category
    case .text: .text
    }
  }
}
