import MaasCore
import Testing

@testable import MaasData

private func source(_ path: String, _ change: (inout TableOptions) -> Void = { _ in }) throws -> TableSource {
  var options = TableOptions()
  change(&options)
  return try options.read(path)
}

private let people = """
  id,age,town,note,weight,kind
  1,30,Rome,a good and long note,70.5,cat
  2,,Oslo,another note that is long,81,dog
  3,41,Rome,words and words and words,NA,cat
  4,25,Bern,the fourth note of them,66,dog
  5,37,,five words are in here,75,dog

  """

@Suite struct Tables {
  @Test func columnsAndTaskAreInferred() throws {
    try withText(people) { path in
      let table = try source(path)
      let kinds = table.schema.columns.map { $0.kind.rawValue }
      #expect(kinds == ["number", "number", "category", "text", "number", "ignored"])
      #expect(table.schema.task == .classification && table.schema.classNames == ["cat", "dog"])
      let raw = try table.raw([1, 4])
      #expect(raw[1].elements(as: Float.self)[0].isNaN && raw[1].elements(as: Float.self)[1] == 37)
      #expect(raw[2].strings == ["Oslo", ""] && raw[2].shape == [2, 1])
    }
  }

  @Test func numbersAloneAreOneMatrix() throws {
    try withText("a,b,y\n1,2,0.5\n3,4,1.5\n") { path in
      let table = try source(path)
      #expect(table.inputs.map { $0.name } == ["features"] && table.schema.task == .regression)
      let found = try table.raw([1, 0])[0].elements(as: Float.self)
      #expect(found == [3, 4, 1, 2])
      guard case .numbers(let numbers) = table.targets else { return #expect(Bool(false)) }
      #expect(numbers.elements(as: Float.self) == [0.5, 1.5])
    }
  }

  @Test func classesAreSortedAsNumbers() throws {
    try withText("a,y\n" + (0..<12).map { "\($0).5,\($0 % 12)\n" }.joined()) { path in
      let found = try source(path).schema.classNames
      #expect(found == (0..<12).map { "\($0)" })
    }
  }

  @Test(arguments: [
    ("a,y\n1,0.5\n", "yy", "the file has no column 'yy'"),
    (
      "a,y\n" + String(repeating: "1,2\n", count: 19) + "l0,3\n", "y",
      "row 20 (line 21), column 'a': the value is no number"
    ),
    (
      "a;y\n1,5;0\n2;1\n3,25;2\n", "y",
      "row 1 (line 2), column 'a': the value is no number: expected a number, as in 1 of 3 rows, found '1,5'; it looks "
        + "like a decimal comma: write points, as in '1.5'"
    ),
    (
      "a;y\n1;0,5\n2;1,25\n", "y",
      "row 1 (line 2), column 'y': the value is no number: expected a number, found '0,5'; it looks like a decimal "
        + "comma"
    ),
    ("a,y\n1,0.5\ninf,1.5\n", "y", "row 2 (line 3), column 'a': the value is infinite"),
    ("a,y\n1,0.5\n2,\n", "y", "row 2 (line 3), column 'y': the target is missing"),
    ("a,y\n1,0.5\n1,0.7\n", "y", "no column is left to learn from"),
    ("a,y\n", "y", "the file has a header and no rows"),
  ])
  func wrongTables(text: String, target: String, problem: String) throws {
    try withText(text) { path in
      let message = failure { _ = try source(path) { $0.target = target } }
      #expect(message.hasPrefix(problem))
    }
  }

  @Test func anotherFileMustHaveTheSameClasses() throws {
    try withText("a,y\n1,u\n2,v\n") { path in
      let table = try source(path)
      try withText("y,a\nv,5\nw,6\n") { other in
        let message = failure { _ = try TableSource(other, like: table) }
        #expect(
          message.hasPrefix(
            "row 2 (line 3), column 'y': the class is not among those to learn: expected 'u', 'v', found 'w'")
        )
      }
      try withText("y,a\nv,5\n") { other in
        let found = try TableSource(other, like: table).raw([0])[0].elements(as: Float.self)
        #expect(found == [5])
      }
    }
  }
}
