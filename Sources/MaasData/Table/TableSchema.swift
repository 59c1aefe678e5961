import MaasCore

/// What the columns of a table are for.
package struct TableSchema: Sendable {
  package struct Column: Sendable {
    package let name: String
    package let kind: ColumnKind
    package let reason: String
  }

  package let columns: [Column]
  package let target: String
  package let task: Task
  /// Why it is that task.
  package let taskReason: String
  /// The classes, sorted; empty for regression.
  package let classNames: [String]
  package let missing: MissingMarkers

  package var features: [Column] { columns.filter { $0.kind != .ignored && $0.name != target } }
  package var numbers: [Column] { features.filter { $0.kind == .number } }
  package var isMatrix: Bool { features.allSatisfy { $0.kind == .number } }
}

/// What the caller says of a table; the rest is inferred.
package struct TableOptions: Sendable {
  package var delimiter: UInt8?
  package var header = DelimitedFile.Header.auto
  package var target: String?
  package var task: Task?
  /// Kinds that are not to be inferred.
  package var kinds: [String: ColumnKind] = [:]
  package var missing: [String] = []

  package init() {}
}

extension TableOptions {
  /// Reads a table once: where its rows are, and what its columns hold.
  package func read(_ path: String) throws(MaasError) -> TableSource {
    let markers = MissingMarkers(missing)
    var summaries: [ColumnSummary] = []
    let file = try DelimitedFile(
      path, delimiter: delimiter, header: header, named: (target.map { [$0] } ?? []) + kinds.keys.sorted()
    ) { (file, record) throws(MaasError) in
      if summaries.isEmpty { summaries = file.columns.map { _ in ColumnSummary() } }
      for i in summaries.indices { summaries[i].add(record, i, markers) }
    }
    if file.count == 0 {
      throw MaasError(.invalidArgument, "the file has a header and no rows", expected: "rows of data").inFile(
        path)
    }
    for name in kinds.keys.sorted() { _ = try file.index(of: name) }
    let schema = try schema(file, summaries, markers)
    return try TableSource(file, schema)
  }

  private func schema(
    _ file: DelimitedFile, _ summaries: [ColumnSummary], _ markers: MissingMarkers
  ) throws(MaasError) -> TableSchema {
    let target = try targetIndex(file)
    var columns: [TableSchema.Column] = []
    for (i, name) in file.columns.enumerated() {
      columns.append(try column(file, name, summaries[i], isTarget: i == target))
    }
    let summary = summaries[target]
    if !summary.isNumeric, summary.isSpoiled, task != .classification {
      throw spoiled(file, file.columns[target], summary)
    }
    let inferred: Task = summary.namesClasses ? .classification : .regression
    let reason =
      "the target has " + (summary.hasMore ? "more than " : "") + "\(summary.distinct) different values"
      + (summary.isNumeric ? "" : ", no numbers")
    let chosen = task ?? inferred
    return TableSchema(
      columns: columns, target: file.columns[target], task: chosen,
      taskReason: task == nil ? reason : "as asked for",
      classNames: chosen == .classification ? try classNames(file, target, markers) : [], missing: markers)
  }

  /// The column named, or with a number from 1; the last one without either.
  private func targetIndex(_ file: DelimitedFile) throws(MaasError) -> Int {
    guard let target else { return file.columns.count - 1 }
    if !file.hasHeader, let number = Int(target), (1...file.columns.count).contains(number) {
      return number - 1
    }
    return try file.index(of: target)
  }

  private func column(
    _ file: DelimitedFile, _ name: String, _ summary: ColumnSummary, isTarget: Bool
  ) throws(MaasError) -> TableSchema.Column {
    if let kind = kinds[name] { return .init(name: name, kind: kind, reason: "as asked for") }
    if isTarget { return .init(name: name, kind: .ignored, reason: "it is the target") }
    if summary.isSpoiled { throw spoiled(file, name, summary) }
    if let infinite = summary.firstInfinite, summary.isNumeric { throw notFinite(file, name, infinite) }
    let (kind, reason) = summary.kind
    return .init(name: name, kind: kind, reason: reason)
  }

  private func spoiled(_ file: DelimitedFile, _ name: String, _ summary: ColumnSummary) -> MaasError {
    let (row, text) = summary.firstText ?? (0, "")
    let hint =
      isDecimalComma(text)
      ? "it looks like a decimal comma: write points, as in '\(text.replacing(",", with: "."))'"
      : "correct it, or say --missing '\(text)' where it means that the value is not known"
    return MaasError(
      .invalidArgument, "\(file.place(row)), column '\(name)': the value is no number",
      expected: summary.numbers == 0
        ? "a number" : "a number, as in \(summary.numbers) of \(summary.count) rows",
      found: "'\(text)'", hint: hint + ", or --categorical '\(name)'"
    ).inFile(file.path)
  }

  private func notFinite(_ file: DelimitedFile, _ name: String, _ at: (row: Int, text: String)) -> MaasError {
    MaasError(
      .outOfRange, "\(file.place(at.row)), column '\(name)': the value is infinite",
      expected: "a finite number",
      found: "'\(at.text)'", hint: "correct it, or leave it empty"
    ).inFile(file.path)
  }

  private func classNames(
    _ file: DelimitedFile, _ target: Int, _ markers: MissingMarkers
  ) throws(MaasError) -> [String] {
    var names: Set<String> = []
    for row in 0..<file.count {
      let record = try file.record(row)
      if !record.isMissing(target, markers) { names.insert(record.text(target)) }
      if names.count > TableOptions.mostClasses {
        throw MaasError(
          .limitExceeded, "the target '\(file.columns[target])' has too many classes",
          expected: "at most \(TableOptions.mostClasses)", found: "more",
          hint: "is it the right column? see --target"
        ).inFile(file.path)
      }
    }
    return sortedClasses(names)
  }

  private static let mostClasses = 10_000
}
