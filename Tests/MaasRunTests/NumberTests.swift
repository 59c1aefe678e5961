import MaasCore
import MaasNumPy
import Testing

@testable import maas_run

@Suite struct Latencies {
  @Test(
    arguments: [
      ([1_500_000], "1 run: min 1.500 ms, median 1.500 ms, p99 1.500 ms, 667 runs/s\n"),
      ([3_000_000, 1_000_000], "2 runs: min 1.000 ms, median 2.000 ms, p99 3.000 ms, 500 runs/s\n"),
      (
        Array(1...100).map { $0 * 1_000_000 },
        "100 runs: min 1.000 ms, median 50.500 ms, p99 99.000 ms, 19.80 runs/s\n"
      ),
      (
        Array(1...101).map { $0 * 1000 },
        "101 runs: min 0.001 ms, median 0.051 ms, p99 0.100 ms, 19608 runs/s\n"
      ),
    ] as [([Int], String)])
  func text(times: [Int], text: String) {
    #expect(Latency(times.map { Int64($0) }).text == text)
  }

  @Test func runsAsOftenAsWanted() throws {
    var count = 0
    _ = try Latency(.runs(7)) { () throws(MaasError) in count += 1 }
    #expect(count == 7)
    _ = try Latency(.atLeast(runs: 10, nanoseconds: 1)) { () throws(MaasError) in count += 1 }
    #expect(count == 17)
  }

  @Test(arguments: [
    (0.0, 0, "0"), (0.5, 3, "0.500"), (1234.5678, 2, "1234.57"), (0.0004, 3, "0.000"), (99.999, 2, "100.00"),
  ])
  func digits(value: Double, places: Int, text: String) {
    #expect(fixed(value, places) == text)
  }
}

@Suite struct MadeUpNumbers {
  /// SplitMix64 from state 1234567: the reference program's first numbers.
  @Test func splitMix64() {
    var numbers = RandomNumbers(state: 1_234_567)
    let first = (0..<5).map { _ in numbers.next() }
    #expect(
      first == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
      ])
  }

  @Test func normal() {
    var numbers = RandomNumbers(seed: 5, stream: 0)
    let values = (0..<20000).map { _ in numbers.normal() }
    let mean = values.reduce(0, +) / 20000
    let variance = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 20000
    #expect(abs(mean) < 0.03 && abs(variance - 1) < 0.05)
    #expect(values.allSatisfy { $0.isFinite })
  }

  @Test func streamsAndSeedsDiffer() {
    var all: Set<UInt64> = []
    for seed in 0..<4 as Range<UInt64> {
      for stream in 0..<4 as Range<UInt64> {
        var numbers = RandomNumbers(seed: seed, stream: stream)
        all.insert(numbers.next())
      }
    }
    #expect(all.count == 16)
  }
}

@Suite struct Best {
  @Test func rowsWithLabels() throws {
    let tensor = try Tensor(.float, [2, 3], [0.1, 0.7, 0.2, 0.25, 0.25, 0.5] as [Float])
    let best = try #require(BestClasses(tensor, count: 2, labels: ["cat", "dog", "a fish"]))
    #expect(
      best.text == """
        [0]  1  dog     0.700000
             2  a fish  0.200000
        [1]  2  a fish  0.500000
             0  cat     0.250000

        """)
  }

  @Test func oneRowWithoutLabels() throws {
    let tensor = try Tensor(.float, [1, 12], (0..<12).map { $0 == 10 ? 1 : Float($0) / 1024 })
    let best = try #require(BestClasses(tensor, count: 3, labels: ["too", "few"]))
    #expect(best.text == "10  1.000000\n11  0.010742\n9   0.008789\n")
  }

  @Test func notANumberComesLast() throws {
    let tensor = try Tensor(.double, [4], [.nan, -.infinity, 2, .nan] as [Double])
    let best = try #require(BestClasses(tensor, count: 9, labels: []))
    #expect(best.text == "2  2.000000\n1      -inf\n0       nan\n3       nan\n")
  }

  @Test func largeOrTinyValuesAsInAnArray() throws {
    let tensor = try Tensor(.float, [3], [1e-9, -2e-5, 0] as [Float])
    #expect(
      try #require(BestClasses(tensor, count: 3, labels: [])).text == "0   1.e-09\n2   0.e+00\n1  -2.e-05\n")
  }

  @Test func onlyRowsOfFloatingPointNumbers() throws {
    #expect(BestClasses(try Tensor(.int64, [2], [1, 2] as [Int64]), count: 1, labels: []) == nil)
    #expect(BestClasses(try Tensor(.float, [], [1] as [Float]), count: 1, labels: []) == nil)
    #expect(BestClasses(try Tensor(.float, [2, 0]), count: 1, labels: []) == nil)
  }
}
