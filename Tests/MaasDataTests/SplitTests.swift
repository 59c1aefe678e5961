import MaasCore
import Testing

@testable import MaasData

private let targets = Targets.classes((0..<100).map { $0 % 10 == 0 ? 1 : 0 }, names: ["often", "rare"])

@Suite struct Splits {
  @Test func eachClassHasItsShare() {
    let split = Split(targets, count: 100, validation: 0.2, test: 0.1, seed: 1)
    #expect((split.training + split.validation + split.test).sorted() == Array(0..<100))
    #expect(split.validation.count == 20 && split.test.count == 10)
    #expect(split.validation.count { $0 % 10 == 0 } == 2 && split.test.count { $0 % 10 == 0 } == 1)
  }

  @Test func seedDecides() {
    func validation(_ seed: Int64) -> [Int] {
      Split(targets, count: 100, validation: 0.2, test: 0.1, seed: seed).validation
    }
    #expect(validation(7) == validation(7) && validation(7) != validation(8))
  }

  @Test func foldsShareTheSamples() {
    let folds = folds(Array(10..<100), targets, count: 4, seed: 3)
    #expect(folds.flatMap { $0 }.sorted() == Array(10..<100))
    #expect(folds.allSatisfy { (22...23).contains($0.count) && $0.count { $0 % 10 == 0 } >= 2 })
  }

  @Test func balanceRepeatsTheRare() {
    let samples = balanced(Array(0..<100), targets, seed: 1)
    #expect(samples.count == 180 && samples.count { $0 % 10 == 0 } == 90)
    #expect(Set(samples) == Set(0..<100))
  }
}
