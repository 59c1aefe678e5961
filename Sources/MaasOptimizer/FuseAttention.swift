import MaasCore
import MaasGraph
import MaasOps

/// softmax(scale Q K' + mask) V, written out with its reshapes and transposes, becomes Attention: heads are read where
/// they lie in the rows of projections, keys and values of the past join them, and no scores are kept.
let fuseAttention = Rule(name: "FuseAttention", effect: .rounding) {
  (graph: inout Graph) throws(MaasError) -> Int in
  // With the heads joined in rows first: the product inside is then gone.
  let joined = try graph.replaceNodes { (node, matcher) throws(MaasError) in
    guard node.op is Reshape, let product = matcher.headsOf(joined: node) else { return nil }
    return matcher.attention(product, for: node, joined: true)
  }
  return try joined
    + graph.replaceNodes { (node, matcher) throws(MaasError) in
      matcher.attention(node, for: node, joined: false)
    }
}

/// Where Q, K or V is: heads of a value [batch, heads, sequence, size], or of the rows of one [batch, sequence, width].
private struct HeadSource {
  let value: ValueID
  var heads: Int?
  var columns: HeadColumns?
  /// Whether more heads were made of each, by nodes that others may read.
  var isRepeated = false
}

/// What goes into a softmax.
private struct Scores {
  var scale = 1.0
  var mask: ValueID?
  var fill = -Float.infinity
  var product: Node?
}

extension Matcher {
  /// The product whose heads a reshape joins in rows.
  fileprivate func headsOf(joined node: Node) -> Node? {
    guard let transposed = transposition(node.inputs[0], [0, 2, 1, 3]), let rows = shape(node.outputs[0]),
      let heads = shape(node.inputs[0]), rows.count == 3, isReadOnce(node.inputs[0]), isReadOnce(transposed),
      rows == [heads[0], heads[1], heads[2] * heads[3]]
    else { return nil }
    return self.node(transposed)
  }

  fileprivate mutating func attention(_ product: Node, for root: Node, joined: Bool) -> Node? {
    guard let (factor, v) = plainProduct(product), let (softmax, isTested) = probabilities(factor),
      let scores = scores(softmax), let inner = scores.product, let (q, k) = plainProduct(inner),
      let query = scaled(q), let key = scaled(k), let keys = keys(key.value),
      let rows = shape(query.value), let columns = shape(key.value), let values = shape(v), rows.count == 4,
      values.count == 4, rows[..<2] == columns[..<2], rows[..<2] == values[..<2]
    else { return nil }
    let source = heads(query.value)
    guard !joined || source.heads != nil else { return nil }
    var inputs = [joined ? source : HeadSource(value: query.value), keys, keyHeads(v)]
    guard count(inputs[1]) == count(inputs[2]) else { return nil }
    let past = pasts(inputs)
    var pasts: [ValueID?] = []
    var outputs = root.outputs
    if let past {
      inputs = [inputs[0], past[0].new, past[1].new]
      pasts = past.map { $0.past }
      for part in past {
        outputs.append(part.whole)
        drop(part.index)
      }
    }
    guard let keyHeads = sameHeads(inputs[1], inputs[2]) else { return nil }
    let op = Attention(
      scale: Float(scores.scale * query.scale * key.scale), queryHeads: inputs[0].heads, keyHeads: keyHeads,
      columns: inputs.map { $0.columns }, fill: scores.fill, hiddenRow: isTested ? 0 : .nan)
    var all: [ValueID?] = inputs.map { $0.value } + [scores.mask] + pasts
    while all.last == .some(nil) { all.removeLast() }
    return Node(root.name, op, all, outputs)
  }

  /// The number of heads that an attribute gives for K and V; nil within where both have it in their shapes, nil where
  /// they differ.
  private func sameHeads(_ k: HeadSource, _ v: HeadSource) -> Int?? {
    guard let a = k.heads, let b = v.heads else { return .some(k.heads ?? v.heads) }
    return a == b ? .some(a) : nil
  }

  /// The factors of a matrix product of floats with nothing fused into it.
  private func plainProduct(_ node: Node) -> (ValueID, ValueID)? {
    guard let op = node.op as? MatMul, op.activation.isNone, node.inputs.count == 2, let a = node.inputs[0],
      let b = node.inputs[1], graph[a].dtype == .float, shape(a)?.count == 4, shape(b)?.count == 4
    else { return nil }
    return (a, b)
  }

  /// The source of a transposition by this order.
  private func transposition(_ id: ValueID?, _ order: [Int]) -> ValueID? {
    guard let node = node(id), let op = node.op as? Transpose, op.perm == order else { return nil }
    return node.inputs[0]
  }

  /// A value without the number it is multiplied by.
  private func scaled(_ id: ValueID) -> (value: ValueID, scale: Double)? {
    let product = factors(id)
    guard product.values.count == 1, let value = product.values.first, alike(value, id) else { return nil }
    return (value, product.coefficient)
  }
}

// Scores.
extension Matcher {
  /// What a softmax gives, without the test behind it that makes 0 of rows in which no key is seen, and whether there
  /// is one.
  private func probabilities(_ id: ValueID) -> (ValueID, isTested: Bool)? {
    guard isRead(id, times: 1) else { return nil }
    guard let choice = node(id), choice.op is Where else { return (id, false) }
    guard scalar(choice.inputs[1]) == 0, let own = choice.inputs[2], let test = node(choice.inputs[0]),
      test.op.name == "IsNaN", test.inputs[0] == own, isRead(own, times: 2), alike(own, id)
    else { return nil }
    return (own, true)
  }

  private func scores(_ probabilities: ValueID) -> Scores? {
    guard let softmax = node(probabilities), let op = softmax.op as? Softmax, let x = softmax.inputs[0],
      let rank = shape(x)?.count, rank == 4, op.isAlong(rank - 1, rank: rank)
    else { return nil }
    return scores(x, Scores(), depth: 0)
  }

  /// What is done to scores between their product and `id`: a mask behind a scale.
  private func scores(_ id: ValueID, _ found: Scores, depth: Int) -> Scores? {
    guard depth < 4, isReadOnce(id), let node = node(id) else { return nil }
    var found = found
    if plainProduct(node) != nil {
      found.product = node
      return found
    }
    if node.op is Where { return masked(node, found, depth) }
    guard node.op.isElementary else { return nil }
    switch node.op.name {
    case "Mul", "Div":
      let product = factors(node)
      guard product.values.count == 1 else { return nil }
      found.scale *= product.coefficient
      return scores(product.values[0], found, depth: depth + 1)
    case "Add":
      for i in 0..<2 {
        guard let own = node.inputs[1 - i], let sum = node.outputs[0], let mask = node.inputs[i],
          alike(own, sum),
          found.scale == 1, found.mask == nil, graph[mask].dtype == .float, masks(mask, sum)
        else { continue }
        var inner = found
        inner.mask = mask
        if let result = scores(own, inner, depth: depth + 1) { return result }
      }
      return nil
    default: return nil
    }
  }

  /// Where(mask, scores, number)
  private func masked(_ node: Node, _ found: Scores, _ depth: Int) -> Scores? {
    guard let mask = node.inputs[0], let own = node.inputs[1], let all = node.outputs[0],
      let fill = scalar(node.inputs[2]), alike(own, all), found.scale == 1, found.mask == nil,
      masks(mask, all)
    else { return nil }
    var inner = found
    (inner.mask, inner.fill) = (mask, Float(fill))
    return scores(own, inner, depth: depth + 1)
  }

  /// Whether a mask has an element for each key, and does not grow what it is applied to.
  private func masks(_ mask: ValueID, _ scores: ValueID) -> Bool {
    guard let own = shape(mask), let whole = shape(scores), own.count <= 4, !own.isEmpty else { return false }
    // Two expressions may be equal without looking so: Attention refuses a mask that does not fit when it runs.
    let fits = zip(own.reversed(), whole.reversed()).map { $0 == $1 || ($0.value == nil && $1.value == nil) }
    return fits[0] && zip(fits, own.reversed()).allSatisfy { $0 || $1 == .known(1) }
  }
}

// Heads.
extension Matcher {
  /// Where the heads of [batch, heads, sequence, size] come from.
  private func heads(_ id: ValueID) -> HeadSource {
    if let rows = transposition(id, [0, 2, 1, 3]), let source = rowSource(rows) { return source }
    return gathered(id) ?? HeadSource(value: id)
  }

  /// The keys that were transposed for the product.
  private func keys(_ id: ValueID) -> HeadSource? {
    if let rows = transposition(id, [0, 2, 3, 1]) { return rowSource(rows) }
    return (transposition(id, [0, 1, 3, 2]) ?? transposedFlat(id)).map { keyHeads($0) }
  }

  /// The source of a transposition of its matrices, all in one dimension.
  private func transposedFlat(_ id: ValueID) -> ValueID? {
    guard let outer = node(id), outer.op is Reshape, let flat = transposition(outer.inputs[0], [0, 2, 1]),
      let inner = node(flat), inner.op is Reshape, let x = inner.inputs[0], let own = shape(x),
      own.count == 4,
      shape(id) == [own[0], own[1], own[3], own[2]], let middle = shape(flat), middle.count == 3,
      middle[1...] == own[2...]
    else { return nil }
    return x
  }

  /// Where keys or values come from, of which several heads of Q may read one.
  private func keyHeads(_ id: ValueID) -> HeadSource {
    guard let own = repeated(id) else { return heads(id) }
    var source = heads(own)
    source.isRepeated = true
    return source
  }

  private func count(_ source: HeadSource) -> Dim? {
    source.heads.map { .known($0) } ?? shape(source.value)?[at: 1]
  }

  /// The heads of which each stands several times in a row.
  private func repeated(_ id: ValueID) -> ValueID? {
    guard let outer = node(id), outer.op is Reshape, let expand = node(outer.inputs[0]), expand.op is Expand,
      let inner = node(expand.inputs[0]), inner.op.isReshaping, let x = inner.inputs[0], let own = shape(x),
      own.count == 4, let many = shape(expand.outputs[0]), many.count == 5,
      shape(inner.outputs[0]) == own[..<2] + [.known(1)] + own[2...], many[..<2] == own[..<2],
      many[3...] == own[2...], shape(id) == [own[0], own[1] * many[2], own[2], own[3]]
    else { return nil }
    return x
  }

  /// [batch, sequence, heads, size] as rows of which it is a part.
  private func rowSource(_ id: ValueID) -> HeadSource? {
    guard let node = node(id), node.op is Reshape, let rows = node.inputs[0], let from = shape(rows),
      let to = shape(id), from.count == 3, to.count == 4, to[..<2] == from[..<2], let heads = to[2].value,
      let size = to[3].value, let width = product(heads, size), from[2] == .known(width), width > 0
    else { return nil }
    if let whole = splitSource(rows, width: width) {
      return HeadSource(
        value: whole.value, heads: heads, columns: HeadColumns(first: whole.first, size: size))
    }
    return HeadSource(value: rows, heads: heads)
  }

  /// The rows that a split takes apart, and the column where this part begins.
  private func splitSource(_ id: ValueID, width: Int) -> (value: ValueID, first: Int)? {
    guard let node = node(id), let op = node.op as? Split, let whole = node.inputs[0],
      let rank = shape(whole)?.count, op.axis == rank - 1 || op.axis == -1
    else { return nil }
    var first = 0
    for output in node.outputs {
      guard let output, let size = shape(output)?.last?.value else { return nil }
      if output == id { return (whole, first) }
      first += size
    }
    return nil
  }

  /// One of the parts of [batch, sequence, parts, heads, size], the parts brought to the front.
  private func gathered(_ id: ValueID) -> HeadSource? {
    guard let gather = node(id), let op = gather.op as? Gather, op.axis == 0,
      let parts = transposition(gather.inputs[0], [2, 0, 3, 1, 4]), let reshape = node(parts),
      reshape.op is Reshape, let rows = reshape.inputs[0], let from = shape(rows),
      let to = shape(parts), from.count == 3, to[..<2] == from[..<2],
      let numbers = Shape(Array(to[2...])).concrete,
      let width = elementCount(numbers), from[2] == .known(width),
      let index = (gather.inputs[1]).flatMap({ graph[$0].constant }), index.shape.isEmpty,
      let part = index.integers?.first, part >= -numbers[0], part < numbers[0]
    else { return nil }
    let first = (part < 0 ? part + numbers[0] : part) * numbers[1] * numbers[2]
    return HeadSource(value: rows, heads: numbers[1], columns: HeadColumns(first: first, size: numbers[2]))
  }
}

// The past.
extension Matcher {
  private struct Past {
    let past, whole: ValueID
    let new: HeadSource
    let index: Int
  }

  /// Keys and values that are concatenations which nobody else reads: what the past is, and what comes behind it.
  private func pasts(_ inputs: [HeadSource]) -> [Past]? {
    var found: [Past] = []
    for source in inputs[1...] {
      guard source.heads == nil, !source.isRepeated, let i = producer(source.value),
        let op = graph.nodes[i].op as? Concat,
        op.axis == 2 || op.axis == -2, graph.nodes[i].inputs.count == 2, readers(source.value) == 1,
        let past = graph.nodes[i].inputs[0], let new = graph.nodes[i].inputs[1], shape(past)?.count == 4
      else { return nil }
      found.append(Past(past: past, whole: source.value, new: heads(new), index: i))
    }
    return found
  }
}
