import MaasCore
import Testing

@testable import MaasData

/// The features of all rows of a table, fitted on some.
private func features(
  _ text: String, on samples: [Int], _ change: (inout PreprocessingOptions) -> Void = { _ in }
) throws -> [[Float]] {
  try withText(text) { path in
    let table = try TableOptions().read(path)
    var options = PreprocessingOptions()
    change(&options)
    let preprocessing = try Preprocessing(fitting: table, on: samples, options, threads: 1)
    let tensor = try preprocessing.features(of: Array(0..<table.count)[...], table)
    let width = tensor.count / table.count
    let values = tensor.elements(as: Float.self)
    return (0..<table.count).map { Array(values[$0 * width..<($0 + 1) * width]) }
  }
}

private func near(_ a: [[Float]], _ b: [[Float]]) -> Bool {
  a.count == b.count
    && zip(a, b).allSatisfy { x, y in x.count == y.count && zip(x, y).allSatisfy { abs($0 - $1) < 1e-5 } }
}

@Suite struct Preprocessings {
  private let numbers = "a,b,y\n1,10,0.5\n3,,1.5\n5,30,2.5\n100,20,3.5\n"

  @Test func numbersAreScaledByTheTrainingRows() throws {
    // Of 1, 3, 5: mean 3, deviation √(8/3); of 10, 30: mean 20, deviation 10.
    let unit = (8.0 / 3).squareRoot()
    let expected: [[Float]] = [
      [Float(-2 / unit), -1], [0, 0], [Float(2 / unit), 1], [Float(97 / unit), 0],
    ]
    #expect(near(try features(numbers, on: [0, 1, 2]), expected))
  }

  @Test func rangeMedianAndClipping() throws {
    let scaled = try features(numbers, on: [0, 1, 2]) {
      ($0.scaling, $0.imputation, $0.clip) = (.minmax, .median, 2)
    }
    #expect(near(scaled, [[0, 0], [0.5, 0.5], [1, 1], [2, 0.5]]))
  }

  private let categories = "town,size,y\nRome,1,0.5\nOslo,2,1.5\nRome,3,2.5\nBern,2,3.5\n,2,4.5\n"

  @Test func unknownCategoriesAreZeros() throws {
    let encoded = try features(categories, on: [0, 1, 2]) { $0.scaling = .none }
    #expect(near(encoded, [[1, 0, 1], [2, 1, 0], [3, 0, 1], [2, 0, 0], [2, 0, 0]]))
  }

  @Test func ordinalCategories() throws {
    let encoded = try features(categories, on: [0, 1, 2]) { ($0.scaling, $0.encoding) = (.none, .ordinal) }
    #expect(near(encoded, [[1, 1], [2, 0], [3, 1], [2, -1], [2, -1]]))
  }

  private let texts = "t,y\n\"The cat, the dog!\",0.5\na cat sat there,1.5\nno such words anywhere,2.5\n"

  @Test func bagOfWords() throws {
    let encoded = try features(texts, on: [0, 1]) { ($0.text, $0.ngrams) = (.bag, 1) }
    // a cat dog sat the there
    #expect(encoded == [[0, 1, 1, 0, 2, 0], [1, 1, 0, 1, 0, 1], [0, 0, 0, 0, 0, 0]])
  }

  @Test func rareWordsCountMore() throws {
    let encoded = try features(texts, on: [0, 1]) { ($0.text, $0.ngrams) = (.tfidf, 1) }
    // In one of two texts: ln(3/2) + 1; in both: 1.
    let rare = Float(1.405465108)
    let length = (1 + 5 * rare * rare).squareRoot()
    #expect(near([encoded[0]], [[0, 1 / length, rare / length, 0, 2 * rare / length, 0]]))
    #expect(encoded[2] == [0, 0, 0, 0, 0, 0])
  }

  @Test func hashedWordsShareColumns() throws {
    let encoded = try features(texts, on: [0, 1]) { ($0.text, $0.ngrams, $0.buckets) = (.hashed, 1, 2) }
    #expect(
      encoded.allSatisfy { $0.count <= 2 } && encoded[0].reduce(0, +) == 4 && encoded[1].reduce(0, +) == 4)
  }

  @Test func wordsInTheirOrder() throws {
    try withText(texts) { path in
      let table = try TableOptions().read(path)
      var options = PreprocessingOptions()
      (options.text, options.length) = (.tokens, 5)
      let preprocessing = try Preprocessing(fitting: table, on: [0, 1], options, threads: 1)
      let words = try preprocessing.features(of: [0, 1, 2], table).elements(as: Int64.self)
      // a 2, cat 3, dog 4, sat 5, the 6, there 7
      #expect(words == [6, 3, 6, 4, 0, 2, 3, 5, 7, 0, 1, 1, 1, 1, 0] && preprocessing.tokens == 8)
    }
  }
}
