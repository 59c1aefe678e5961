import Foundation
import MaasCore
import Testing

@testable import MaasTrainer

@Suite struct CheckpointTests {
  private func trainer(_ seed: Int64 = 7, units: Int = 8, epochs: Int = 6) throws -> Trainer {
    var options = TrainerOptions()
    (options.seed, options.epochs, options.batchSize, options.ema) = (seed, epochs, 16, 0.9)
    (options.patience, options.schedule) = (50, Schedule(.oneCycle))
    return try Trainer(
      Network(text: "input 2\ndense \(units) activation=tanh\ndropout 0.1\ndense 1"), options: options)
  }

  private func bits(_ trainer: Trainer) -> [[UInt32]] {
    (trainer.memory.parameters + trainer.memory.states + trainer.memory.evaluated).map {
      floats($0).map { $0.bitPattern }
    }
  }

  /// Whichever step it was made after, within an epoch or between two.
  @Test(arguments: [1, 3, 7, 8, 20]) func trainingGoesOnBitByBit(steps: Int) throws {
    let path = temporaryPath("checkpoint\(steps)")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let whole = try trainer()
    try whole.fit(try plane(100))
    let broken = try trainer()
    var count = 0
    try broken.fit(
      try plane(100),
      onStep: { _ in
        count += 1
        if count == steps { try? broken.checkpoint(to: path) }
        return count < steps + 2
      })
    let resumed = try trainer()
    try resumed.restore(from: path)
    try resumed.fit(try plane(100))
    #expect(bits(resumed) == bits(whole))
    #expect(resumed.place == whole.place)
  }

  @Test func refusesWhatDoesNotFit() throws {
    let path = temporaryPath("refused")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try trainer().checkpoint(to: path)
    func message(_ trainer: Trainer) -> String {
      do { try trainer.restore(from: path) } catch { return error.message }
      return ""
    }
    #expect(message(try trainer()).isEmpty)
    #expect(message(try trainer(7, epochs: 9)).isEmpty)
    #expect(message(try trainer(8)).contains("incompatible checkpoint: it was made with other options"))
    #expect(message(try trainer(units: 9)).contains("incompatible checkpoint: it is of another network"))
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[bytes.count - 20] ^= 1
    try bytes.write(to: URL(fileURLWithPath: path))
    let own = try trainer()
    let before = bits(own)
    #expect(message(own).contains("the checkpoint is damaged"))
    #expect(bits(own) == before)
    try bytes.prefix(100).write(to: URL(fileURLWithPath: path))
    #expect(message(own).contains("damaged"))
    try Data("nothing".utf8).write(to: URL(fileURLWithPath: path))
    #expect(message(own).contains("no checkpoint"))
  }

  @Test func aCheckpointThatCannotBeWrittenLeavesTheOldOne() throws {
    let error = #expect(throws: MaasError.self) { try trainer().checkpoint(to: "/nonexistent/folder/x") }
    #expect(error?.message.contains("/nonexistent/folder/x") ?? false)
  }
}
