import CMaasSystem
import Glibc
import MaasCommand
import MaasCore
import MaasData
import MaasTrainer

/// Where a training is kept so that it can go on after an interruption.
///
/// `training` says what is trained, which file has the trainer's state, and what became of each epoch. It is replaced
/// at once, after that file is whole: at any moment the folder holds one state that fits its history.
final class CheckpointFolder {
  private let path: String
  /// What must be the same for a training to go on.
  private let identity: [String]
  private let interval: Int64
  private var lastTime = Int64.min / 2
  private static let firstLine = "maas-train checkpoint 1"

  /// A training is kept at most every `seconds`.
  init(
    _ path: String, _ identity: [(name: String, value: String)], every seconds: Double
  ) throws(MaasError) {
    self.path = path
    interval = Int64(seconds * 1e9)
    self.identity = identity.map { name, value in
      "\(name) \(joined(value.split(whereSeparator: \.isNewline).map(String.init), " > "))"
    }
    if mkdir(path, 0o777) != 0, errno != EEXIST { throw MaasError.file(path, "cannot be made", errno) }
  }

  private var list: String { "\(path)/training" }
  private var exists: Bool { access(list, F_OK) == 0 }

  /// Refuses a folder that holds a training nobody asked to go on with.
  func begin() throws(MaasError) {
    guard exists else { return }
    throw MaasError(
      .invalidArgument, "the folder holds a training",
      hint: "go on with it by --resume, or choose another folder"
    ).inFile(path)
  }

  /// Brings the trainer to where it was; gives the epochs until then. A folder without a training is a beginning.
  func resume(_ trainer: Trainer) throws(MaasError) -> [TrainingReport.Epoch] {
    guard exists else { return [] }
    let file = try MappedFile(list, copy: true)
    let lines = String(decoding: file.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    guard lines.first == Self.firstLine, lines.count >= identity.count + 2 else {
      throw damaged("it is not what maas-train writes")
    }
    for (own, found) in zip(identity, lines.dropFirst()) where own != found {
      throw MaasError(
        .invalidArgument, "incompatible checkpoint: it is of another training", expected: own, found: found,
        hint: "give the data and options it was made with, or begin anew in another folder"
      ).inFile(list)
    }
    let rest = lines.dropFirst(identity.count + 1)
    guard let name = rest.first, name.hasPrefix("state-") else { throw damaged("it names no state") }
    try trainer.restore(from: "\(path)/\(name)")
    return try rest.dropFirst().map { (line) throws(MaasError) in
      guard let epoch = TrainingReport.Epoch(line: line) else { throw damaged("'\(line)' is no epoch") }
      return epoch
    }
  }

  /// Keeps a training, unless that was done a moment ago: small ones have many epochs in a second.
  func keep(_ trainer: Trainer, _ epochs: [TrainingReport.Epoch]) throws(MaasError) {
    let now = maas_sys_now_ns()
    guard now - lastTime >= interval else { return }
    lastTime = now
    let name = "state-\(epochs.count)"
    try trainer.checkpoint(to: "\(path)/\(name)")
    let lines = [Self.firstLine] + identity + [name] + epochs.map { $0.line }
    try writeText(joined(lines, "\n") + "\n", to: list)
    for file in try entries(path) where file != name && isOurs(file) { unlink("\(path)/\(file)") }
  }

  /// States, the one before among them, and halves of files that a killed training left.
  private func isOurs(_ file: String) -> Bool { file.hasPrefix("state-") || file.hasPrefix("training.") }

  private func damaged(_ how: String) -> MaasError {
    MaasError(
      .invalidArgument, "the checkpoint is damaged: \(how)", hint: "begin anew in another folder"
    ).inFile(list)
  }
}

// Numbers as their bits, so that nothing is rounded.
extension TrainingReport.Epoch {
  var line: String {
    let numbers = [loss, validation ?? .nan, rate, seconds].map { String($0.bitPattern, radix: 16) }
    return "\(number) " + joined(numbers, " ")
  }

  init?(line: String) {
    let words = line.split(separator: " ")
    let bits = words.dropFirst().compactMap { UInt64($0, radix: 16) }.map { Double(bitPattern: $0) }
    guard words.count == 5, bits.count == 4, let number = Int(words[0]) else { return nil }
    self.init(
      number: number, loss: bits[0], validation: bits[1].isNaN ? nil : bits[1], rate: bits[2],
      seconds: bits[3])
  }
}
