import MaasCore
import MaasOps
import Testing

@testable import MaasData

private func changed(_ augmentation: Augmentation, seed: Int64) throws -> [Float] {
  let image = try Tensor(.float, [1, 1, 2, 3], [1, 2, 3, 4, 5, 6] as [Float])
  try augmentation.apply(to: image) { PhiloxStream(seed: seed, stream: UInt32($0)) }
  return image.elements(as: Float.self)
}

@Suite struct Augmentations {
  @Test func halfIsMirrored() throws {
    var flips = Augmentation()
    flips.flips = true
    var mirrored = 0
    for seed in 0..<100 {
      let found = try changed(flips, seed: Int64(seed))
      #expect(found == [1, 2, 3, 4, 5, 6] || found == [3, 2, 1, 6, 5, 4])
      if found[0] == 3 { mirrored += 1 }
    }
    #expect((30...70).contains(mirrored))
  }

  @Test func movesStayInside() throws {
    var moves = Augmentation()
    (moves.shift, moves.rotation) = (0.3, 20)
    let found = try changed(moves, seed: 1)
    #expect(found != [1, 2, 3, 4, 5, 6] && found.allSatisfy { (1...6).contains($0) })
    let again = try changed(moves, seed: 1)
    #expect(found == again)
  }
}
