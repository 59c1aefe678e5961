import CMaasSystem
import MaasCore
import MaasGraph

/// Where GroupQueryAttention's chunk of the sequence belongs, which only the data says.
private struct PlaceParams {
  let batch, sequence, past, capacity: Int
  /// Rows of the cosines.
  let positions: Int
}

private struct CacheParams {
  let batch, heads, sequence, size, past, capacity: Int
  let from: HeadLayout
  /// Rows behind those in use become 0: they are read though they count nothing.
  let clears: Bool
}

extension Lowering {
  /// For each batch how many keys there are, behind those the place of its first query, and behind those how many
  /// rows of the chunk go to the cache; then a position for each query.
  mutating func emitPlaces(_ q: HeadView, past: Int, capacity: Int) throws(MaasError) -> [Operand] {
    let results = [
      try temporary(.int64, [3, q.batch]), try temporary(.int64, [q.batch, q.sequence]),
    ]
    let params = PlaceParams(
      batch: q.batch, sequence: q.sequence, past: past, capacity: capacity,
      positions: optionalInput(7)?.shape[0] ?? .max)
    let inputs = [5, 6, 16, 9].map { optionalInput($0) }
    emit({ findPlaces(Chunk($0, $1, $2, $3)) }, inputs + results.map { $0 }, params)
    return results
  }

  /// The heads as part of the cache: input `i + 2` of the past, output `i`. `group` heads of Q share one.
  mutating func cached(
    _ x: HeadView, _ i: Int, _ capacity: Int, _ lengths: Operand, group: Int
  ) throws(MaasError) -> HeadView {
    let past = try widenedOptional(i + 2)
    let whole = HeadView(whole: try target(i, .float, [x.batch, x.heads, capacity, x.size]))
    let params = CacheParams(
      batch: x.batch, heads: x.heads, sequence: x.sequence, size: x.size, past: past?.shape[2] ?? 0,
      capacity: capacity, from: x.layout, clears: group * x.sequence > AttentionParams.fewRows)
    // Keys and values may come from one tensor, which both read.
    let isShared = optionalInput(3)?.buffer == optionalInput(4)?.buffer
    if let own = optionalInput(i + 2), !isShared, own.dtype == .float, own.shape == whole.operand.shape {
      mayReuse(output: i, input: i + 2)
    }
    emit(
      { appendRows(Chunk($0, $1, $2, $3)) }, [past, x.operand, lengths, whole.operand], params,
      items: x.batch * x.heads, grain: grain(nanoseconds: capacity * x.size / 8))
    return whole
  }
}

/// last positions, total length, counts or NULL, position ids or NULL, lengths, positions.
private func findPlaces(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(PlaceParams.self).pointee
  let lengths = chunk.output(4, as: Int64.self)
  for b in 0..<p.batch {
    let status = findPlace(chunk, p, b, lengths)
    if status != StepStatus.ok { return status }
    setPositions(chunk, p, b, first: Int(lengths[p.batch + b]), own: Int(lengths[b] - lengths[p.batch + b]))
  }
  return StepStatus.ok
}

private func findPlace(
  _ chunk: Chunk, _ p: PlaceParams, _ b: Int, _ lengths: UnsafeMutablePointer<Int64>
) -> Int32 {
  let length = Int(chunk.input(0, as: Int32.self)[b]) + 1
  guard length >= 1, length <= p.capacity else { return chunk.refuse(value: length - 1, 0, p.capacity) }
  let isPrompt = Int(chunk.input(1, as: Int32.self)[0]) == p.sequence
  var (start, count) = (isPrompt ? 0 : length - p.sequence, p.sequence)
  if let counts = chunk.optional(2, as: Int32.self) {
    count = Int(counts[b])
    guard count >= 0, count <= min(length, p.sequence) else {
      return chunk.refuse(value: count, 0, min(length, p.sequence) + 1)
    }
    start = length - count
  }
  // Between them no row of the cache may be one that nobody wrote.
  guard start >= 0, start <= p.past, start + count <= p.capacity, length <= start + count else {
    return chunk.refuse(value: length - 1, p.sequence - 1, p.past + p.sequence)
  }
  (lengths[b], lengths[p.batch + b], lengths[2 * p.batch + b]) = (Int64(length), Int64(start), Int64(count))
  return StepStatus.ok
}

/// Given ids count only from their first one on while there is no past. `own` of the queries are no padding, which
/// needs no cosine of its own.
private func setPositions(_ chunk: Chunk, _ p: PlaceParams, _ b: Int, first: Int, own: Int) {
  let positions = chunk.output(5, as: Int64.self) + b * p.sequence
  let isPrompt = chunk.address(2) == nil && Int(chunk.input(1, as: Int32.self)[0]) == p.sequence
  for i in 0..<p.sequence {
    var position = Int64(first + i)
    if let ids = chunk.optional(3, as: Int64.self) {
      position = isPrompt ? ids[0] &+ Int64(i) : ids[b * p.sequence + i]
    }
    positions[i] = i < own ? position : max(0, min(position, Int64(p.positions) - 1))
  }
}

/// past or NULL, heads, lengths, cache. Items are heads of the cache.
private func appendRows(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(CacheParams.self).pointee
  let lengths = chunk.input(2, as: Int64.self)
  for item in chunk.begin..<chunk.end {
    let (b, h) = (item / p.heads, item % p.heads)
    let whole = chunk.output(3, as: Float.self) + item * p.capacity * p.size
    let (length, start, count) = (
      Int(lengths[b]), Int(lengths[p.batch + b]), Int(lengths[2 * p.batch + b])
    )
    if let past = chunk.optional(0, as: Float.self), chunk.address(0) != chunk.address(3) {
      maas_sys_copy(whole, past + item * p.past * p.size, p.past * p.size * 4)
    }
    let used = p.clears ? length : p.past
    if used < p.capacity { maas_sys_zero(whole + used * p.size, (p.capacity - used) * p.size * 4) }
    let x = chunk.input(1, as: Float.self)
    for i in 0..<count {
      maas_sys_copy(whole + (start + i) * p.size, x + p.from.offset(b, h, i), p.size * 4)
    }
  }
  return StepStatus.ok
}
