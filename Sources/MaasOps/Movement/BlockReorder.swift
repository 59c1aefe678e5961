import MaasCore
import MaasGraph

/// DepthToSpace and SpaceToDepth: blocks of blocksize x blocksize pixels of [N, C, H, W] against channels. In mode DCR
/// the place in the block is the slower part of a channel's number, in mode CRD the faster one.
package final class BlockReorder: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let toSpace: Bool

    package static let depthToSpace = Row(name: "DepthToSpace", toSpace: true)
    package static let spaceToDepth = Row(name: "SpaceToDepth", toSpace: false)
  }

  let row: Row
  let block: Int
  let channelsFirst: Bool
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    guard let block = try reader.int("blocksize"), block > 0, product(block, block) != nil else {
      throw MaasError(.invalidModel, "attribute 'blocksize' is missing or not positive")
    }
    self.block = block
    let mode = try reader.string("mode") ?? "DCR"
    guard mode == "DCR" || mode == "CRD" else {
      throw MaasError(
        .invalidModel, "attribute 'mode' has an unknown value", expected: "DCR or CRD", found: mode)
    }
    channelsFirst = mode == "CRD"
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectMovable(0)
    try node.expectRank(0, 4)
    let shape = try node.shape(0) ?? node.unknownShape(rank: 4)
    let (side, area) = (Dim.known(block), Dim.known(block * block))
    let result =
      row.toSpace
      ? [shape[0], try divided(shape[1], block * block), shape[2] * side, shape[3] * side]
      : [shape[0], shape[1] * area, try divided(shape[2], block), try divided(shape[3], block)]
    node.setOutput(0, try node.dtype(0), result)
  }

  private func divided(_ dim: Dim, _ divisor: Int) throws(MaasError) -> Dim {
    if let size = dim.value, size % divisor != 0 {
      throw MaasError(
        .shapeMismatch, "a dimension is no multiple of what attribute 'blocksize' asks for",
        expected: "a multiple of \(divisor)", found: "\(size)")
    }
    return dim.floorDivided(by: divisor)
  }

  /// Both tensors are walked over as [N, C, H, row in block, W, column in block], C, H and W the smaller ones.
  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    let (deep, wide) = row.toSpace ? (x, y) : (y, x)
    let dims = [wide.shape[0], wide.shape[1], deep.shape[2], block, deep.shape[3], block]
    let split =
      channelsFirst ? [dims[0], dims[1], block, block] : [dims[0], block, block, dims[1]]
    let own = contiguousStrides(split + [dims[2], dims[4]])
    let (channel, blockRow, blockColumn) = channelsFirst ? (own[1], own[2], own[3]) : (own[3], own[1], own[2])
    let deepStrides = [own[0], channel, own[4], blockRow, own[5], blockColumn]
    let wideStrides = contiguousStrides(dims)
    try node.emitCopy(
      x, y, dims, xStrides: row.toSpace ? deepStrides : wideStrides,
      yStrides: row.toSpace ? wideStrides : deepStrides)
  }
}
