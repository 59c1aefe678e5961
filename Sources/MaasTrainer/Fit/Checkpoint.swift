import CMaasSystem
import MaasCore
import MaasONNX

/// A file that holds all that the future of a training depends on: where it is, and its tensors.
///
/// A line that says what it is, a line of eight-byte numbers in hexadecimal for the header, zeros up to a multiple of
/// 64, the bytes of the tensors one after the other, and a checksum of everything before it.
struct Checkpoint {
  static let firstLine = "maas checkpoint 2\n"
  private static let alignment = 64

  /// Hashes of the options and of the tensors' names and shapes: both must be those of who reads it.
  let options, layout: UInt64
  let place: TrainerPlace

  init(options: UInt64, layout: UInt64, place: TrainerPlace) {
    (self.options, self.layout, self.place) = (options, layout, place)
  }

  private var numbers: [UInt64] { [options, layout] + place.numbers }

  func write(_ tensors: [Tensor], to path: String) throws(MaasError) {
    var file = FileContents()
    let words = joined(numbers.map { String($0, radix: 16) }, " ")
    try file.append(Array((Self.firstLine + words + "\n").utf8))
    try file.pad(to: Self.alignment)
    for tensor in tensors {
      if let bytes = tensor.storage.slice(0, tensor.byteCount) { file.append(bytes) }
    }
    var sum = Checksum()
    file.eachPiece { sum.add($0) }
    try file.append(withUnsafeBytes(of: sum.finished().littleEndian) { Array($0) })
    try file.write(to: path, isDurable: true)
  }

  /// Reads what stands in front of the tensors, and says where they begin.
  fileprivate init(_ bytes: UnsafeRawBufferPointer, begin: inout Int) throws(MaasError) {
    let start = Self.firstLine.utf8.count
    guard bytes.starts(with: Self.firstLine.utf8),
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n"))
    else {
      throw MaasError(.invalidModel, "the file is no checkpoint of this maas")
    }
    let words = String(decoding: bytes[start..<end], as: UTF8.self).split(separator: " ")
    let numbers = words.compactMap { UInt64($0, radix: 16) }
    guard numbers.count == 2 + TrainerPlace().numbers.count, numbers.count == words.count,
      let place = TrainerPlace(Array(numbers[2...]))
    else { throw MaasError(.invalidModel, "the checkpoint is damaged") }
    (options, layout, self.place) = (numbers[0], numbers[1], place)
    begin = (end + 1 + Self.alignment - 1) / Self.alignment * Self.alignment
  }

  /// Reads a file into tensors, which stay as they are when anything is wrong; `accept` looks at what it is for first.
  static func read(
    _ path: String, into tensors: [Tensor], _ accept: (Checkpoint) throws(MaasError) -> Void
  ) throws(MaasError) -> Checkpoint {
    do throws(MaasError) {
      let file = try MappedFile(path, copy: true)
      let bytes = file.bytes
      var at = 0
      let checkpoint = try Checkpoint(bytes, begin: &at)
      try accept(checkpoint)
      let size = tensors.reduce(at) { $0 + $1.byteCount }
      guard bytes.count == size + 8, isWhole(bytes) else {
        throw MaasError(.invalidModel, "the checkpoint is damaged")
      }
      for tensor in tensors {
        if tensor.byteCount > 0 { maas_sys_copy(tensor.bytes, file.base + at, tensor.byteCount) }
        at += tensor.byteCount
      }
      return checkpoint
    } catch {
      throw error.inFile(path)
    }
  }

  private static func isWhole(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let end = bytes.count - 8
    var sum = Checksum()
    sum.add(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
    return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: end, as: UInt64.self)) == sum.finished()
  }
}

extension TrainerPlace {
  fileprivate var numbers: [UInt64] {
    [step, epoch, position, batches, isFitting ? 1 : 0, firstStep, lastEpoch, stale, calm, falls].map {
      UInt64(bitPattern: Int64($0))
    } + [losses.sum, losses.weight, bestLoss].map { $0.bitPattern }
  }

  /// Nil for numbers that no training comes to.
  fileprivate init?(_ numbers: [UInt64]) {
    let counts = numbers.prefix(10).compactMap { Int(exactly: $0) }
    guard numbers.count == 13, counts.count == 10 else { return nil }
    (step, epoch, position, batches, isFitting) = (counts[0], counts[1], counts[2], counts[3], counts[4] == 1)
    (firstStep, lastEpoch, stale, calm, falls) = (counts[5], counts[6], counts[7], counts[8], counts[9])
    let reals = numbers[10...].map { Double(bitPattern: $0) }
    (losses, bestLoss) = (LossSum(sum: reals[0], weight: reals[1]), reals[2])
  }
}

extension Trainer {
  /// Writes all that training needs to go on from here to the same result, bit by bit: whole, or not at all. May be
  /// called by the callbacks of `fit`.
  public func checkpoint(to path: String) throws(MaasError) {
    let (kept, spare) = (kept, try spare())
    for own in kept { own.turn(spare) { $0.unlay($1, into: $2) } }
    defer { for own in kept { own.turn(spare) { $0.lay($1, into: $2) } } }
    try Checkpoint(options: hash(options.decisive), layout: layout, place: place)
      .write(kept.map { $0.tensor }, to: path)
  }

  /// Goes on from where a checkpoint was made, by a trainer of the same network and options; `threads` and `epochs` may
  /// differ. `fit` then finishes what it was in.
  public func restore(from path: String) throws(MaasError) {
    try expectRest()
    let (own, layout) = (hash(options.decisive), layout)
    let (kept, spare) = (kept, try spare())
    let checkpoint = try Checkpoint.read(path, into: kept.map { $0.tensor }) { (found) throws(MaasError) in
      guard found.layout == layout else {
        throw MaasError(.invalidArgument, "incompatible checkpoint: it is of another network")
      }
      guard found.options == own else {
        throw MaasError(
          .invalidArgument, "incompatible checkpoint: it was made with other options of training",
          hint: "give the options it was made with, or begin anew")
      }
    }
    for own in kept { own.turn(spare) { $0.lay($1, into: $2) } }
    place = checkpoint.place
  }

  /// Everything that changes. Of each kind of state there is one for each parameter, in their order.
  private var kept: [Kept] {
    let (parameters, all) = (model.parameters, model.parameters + model.statistics)
    let states = memory.states + memory.sums + memory.averages
    return zip(all, memory.parameters + memory.statistics).map { Kept(panels: $0.panels, tensor: $1) }
      + states.enumerated().map { Kept(panels: parameters[$0 % parameters.count].panels, tensor: $1) }
      + zip(all, best).map { Kept(panels: $0.panels, tensor: $1) }
  }

  /// Memory for the largest tensor that lies in panels.
  private func spare() throws(MaasError) -> Tensor {
    try Tensor(.float, [kept.reduce(0) { $1.panels == nil ? $0 : max($0, $1.tensor.count) }])
  }

  private var layout: UInt64 {
    hash(joined((model.parameters + model.statistics).map { "\($0.name) \(describe($0.shape))" }, "\n"))
  }
}

/// A tensor of the trainer's memory. In a file it has the model's order, and in memory, too, while that is written or
/// read: a copy of everything would take as much memory again.
private struct Kept {
  let panels: WeightPanels?
  let tensor: Tensor

  /// Puts the elements into another order, by way of `spare`.
  func turn(_ spare: Tensor, _ order: (WeightPanels, _ from: Tensor, _ to: Tensor) -> Void) {
    guard let panels else { return }
    maas_sys_copy(spare.bytes, tensor.bytes, tensor.byteCount)
    order(panels, spare, tensor)
  }
}

private func hash(_ text: String) -> UInt64 {
  var sum = Checksum()
  Array(text.utf8).withUnsafeBytes { sum.add($0) }
  return sum.finished()
}
