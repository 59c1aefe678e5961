import MaasCore
import MaasGraph
import MaasOps
import Testing

/// Graphs in which values live as they do in well-known networks.
struct Network: Sendable, CustomTestStringConvertible {
  let name: String
  let input: [Int]
  let build: @Sendable (inout Graph, ValueID) throws -> ValueID
  var testDescription: String { name }

  static let all = [
    Network(name: "encoder", input: [48, 64]) { graph, x throws in
      var x = x
      for _ in 0..<4 {
        let heads = try (0..<3).map { _ in try graph.product(x, [64, 64]) }
        let scores = graph.node(MatMul(), heads[0], graph.node(try make(Transpose.self, inputs: 1), heads[1]))
        let weights = graph.node(Unary(.sigmoid), scores)
        let mixed = try graph.product(graph.node(MatMul(), weights, heads[2]), [64, 64])
        x = graph.node(add, x, mixed)
        let wide = graph.node(try make(Transpose.self, inputs: 1), try graph.product(x, [64, 256]))
        x = graph.node(
          add, x, try graph.product(graph.node(try make(Transpose.self, inputs: 1), wide), [256, 64]))
      }
      return x
    },
    Network(name: "residual", input: [1, 8, 64, 64]) { graph, x throws in
      var (x, channels) = (x, 8)
      for stage in 0..<4 {
        for block in 0..<3 {
          let stride = stage > 0 && block == 0 ? 2 : 1
          let wide = 32 << stage
          let narrow = try graph.convolution(x, [8 << stage, channels, 1, 1])
          let inner = try graph.convolution(narrow, [8 << stage, 8 << stage, 3, 3], stride: stride)
          let last = try graph.convolution(inner, [wide, 8 << stage, 1, 1])
          let beside = block == 0 ? try graph.convolution(x, [wide, channels, 1, 1], stride: stride) : x
          x = graph.node(add, last, beside)
          channels = wide
        }
      }
      return x
    },
    Network(name: "u", input: [1, 4, 64, 64]) { graph, x throws in
      var (x, skipped) = (x, [ValueID]())
      for level in 0..<4 {
        x = try graph.convolution(x, [8 << level, level == 0 ? 4 : 4 << level, 3, 3])
        skipped.append(try graph.convolution(x, [8 << level, 8 << level, 3, 3]))
        x = try graph.convolution(skipped[level], [8 << level, 8 << level, 3, 3], stride: 2)
      }
      for level in [3, 2, 1, 0] {
        let wide = 8 << level
        let weights = try graph.weights([level == 3 ? wide : 2 * wide, wide, 2, 2])
        let up = graph.node(
          try make(ConvTranspose.self, [Attribute("strides", .ints([2, 2]))]), x, weights)
        let both = graph.node(try make(Concat.self, [Attribute("axis", .int(1))]), skipped[level], up)
        x = try graph.convolution(both, [wide, 2 * wide, 3, 3])
      }
      return x
    },
    Network(name: "inverted", input: [1, 16, 48, 48]) { graph, x throws in
      var (x, channels) = (x, 16)
      for (wide, stride) in [(24, 2), (24, 1), (32, 2), (32, 1), (32, 1), (64, 2), (64, 1), (96, 1)] {
        let inner = 6 * channels
        let first = try graph.convolution(x, [inner, channels, 1, 1])
        let second = try graph.convolution(first, [inner, 1, 3, 3], stride: stride, groups: inner)
        let third = try graph.convolution(second, [wide, inner, 1, 1])
        x = wide == channels ? graph.node(add, x, third) : third
        channels = wide
      }
      return x
    },
  ]
}

extension Graph {
  fileprivate mutating func weights(_ shape: [Int]) throws -> ValueID {
    let numbers = [Float](repeating: 0.5, count: shape.reduce(1, *))
    return addConstant("w\(values.count)", try Tensor(.float, shape, numbers))
  }

  fileprivate mutating func product(_ x: ValueID, _ shape: [Int]) throws -> ValueID {
    node(MatMul(), x, try weights(shape))
  }

  fileprivate mutating func convolution(
    _ x: ValueID, _ shape: [Int], stride: Int = 1, groups: Int = 1
  ) throws -> ValueID {
    let pad = shape[2] / 2
    let conv = try make(
      Conv.self,
      [
        Attribute("strides", .ints([stride, stride])), Attribute("pads", .ints([pad, pad, pad, pad])),
        Attribute("group", .int(groups)),
      ])
    return node(conv, x, try weights(shape))
  }
}
